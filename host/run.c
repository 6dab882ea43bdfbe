/* Running on host arrays: check, move in, enqueue, move out.
 *
 * Where the device shares memory with the host, a buffer is laid over each array and nothing is copied: mapping it once
 * at the end is what makes the results visible. Elsewhere the context's kept buffers are filled and read back. */
#include "context.h"
#include "op.h"
#include "status.h"

/* One run. */
typedef struct run {
    clx_core *core;
    clx_runner *runner;
    clxent_plan *plan;
    const clx_problem *problem;
    const clxent_host_args *host;
    clxent_args args;              /* the buffers of this run */
    cl_mem laid_over[CLX_TENSORS]; /* to release afterwards; NULL where a buffer is kept, shared or absent */
} run;

/* The array of a tensor that this pass uses; NULL if absent or without elements. */
static void *array_of(const run *r, clx_tensor tensor) {
    bool used = clx_is_used(clx_tensor_use(r->problem, tensor)) && clx_tensor_bytes(r->problem, tensor) > 0;
    return used ? clx_host_array(r->host, tensor) : NULL;
}

static bool is_written(const run *r, clx_tensor tensor) {
    return clx_is_written(clx_tensor_use(r->problem, tensor)) && array_of(r, tensor) != NULL;
}

/* An earlier tensor of the same bytes (allowed by the checks), whose buffer then serves both; else the tensor itself.
 */
static clx_tensor first_at(const run *r, clx_tensor tensor) {
    for (clx_tensor other = 0; other < tensor; other++)
        if (array_of(r, other) == array_of(r, tensor) &&
            clx_tensor_bytes(r->problem, other) == clx_tensor_bytes(r->problem, tensor))
            return other;
    return tensor;
}

static void set_memory(run *r, clx_tensor tensor, cl_mem mem) {
    clx_set_buffer(&r->args, tensor, &(clxent_buffer){mem, 0});
}

static clxent_status lay_over(run *r, clx_tensor tensor) {
    cl_mem_flags access = is_written(r, tensor) ? CL_MEM_READ_WRITE : CL_MEM_READ_ONLY;
    for (clx_tensor other = tensor + 1; other < CLX_TENSORS; other++)
        if (is_written(r, other) && array_of(r, other) == array_of(r, tensor))
            access = CL_MEM_READ_WRITE;
    size_t bytes = clx_tensor_bytes(r->problem, tensor);
    cl_int error = CL_SUCCESS;
    cl_mem mem = clCreateBuffer(r->core->cl, access | CL_MEM_USE_HOST_PTR, bytes, array_of(r, tensor), &error);
    if (error != CL_SUCCESS)
        return clx_fail_cl(error, "clCreateBuffer over the %zu bytes of %s", bytes, clx_tensor_name(tensor));
    r->laid_over[tensor] = mem;
    set_memory(r, tensor, mem);
    return CLXENT_SUCCESS;
}

static clxent_status upload(run *r, clx_tensor tensor) {
    size_t bytes = clx_tensor_bytes(r->problem, tensor);
    clx_kept_buffer *kept = &r->runner->tensors[tensor];
    clxent_status status = clx_runner_grow(r->core, kept, bytes, clx_tensor_name(tensor));
    if (status != CLXENT_SUCCESS)
        return status;
    set_memory(r, tensor, kept->mem);
    bool is_gradient = tensor == CLX_GRAD_INPUT || tensor == CLX_GRAD_LINEAR_WEIGHT || tensor == CLX_GRAD_LINEAR_BIAS;
    bool accumulates = is_gradient && (r->problem->desc.flags & CLXENT_ACCUMULATE_GRAD) != 0;
    if (is_written(r, tensor) && !accumulates)
        return CLXENT_SUCCESS;
    cl_int error =
        clEnqueueWriteBuffer(r->runner->queue, kept->mem, CL_FALSE, 0, bytes, array_of(r, tensor), 0, NULL, NULL);
    return error == CL_SUCCESS ? CLXENT_SUCCESS
                               : clx_fail_cl(error, "clEnqueueWriteBuffer of %s", clx_tensor_name(tensor));
}

static clxent_status move_in(run *r) {
    clxent_status status = CLXENT_SUCCESS;
    for (clx_tensor tensor = 0; tensor < CLX_TENSORS && status == CLXENT_SUCCESS; tensor++) {
        if (array_of(r, tensor) == NULL)
            continue;
        clx_tensor first = first_at(r, tensor);
        if (first != tensor)
            clx_set_buffer(&r->args, tensor, clx_buffer(&r->args, first));
        else
            status = r->core->device.unified_memory ? lay_over(r, tensor) : upload(r, tensor);
    }
    if (status == CLXENT_SUCCESS && r->plan->workspace.size > 0) {
        status = clx_runner_grow(r->core, &r->runner->workspace, r->plan->workspace.size, "workspace");
        r->args.workspace.mem = r->runner->workspace.mem;
    }
    return status;
}

static clxent_status make_visible(run *r, clx_tensor tensor) {
    cl_int error = CL_SUCCESS;
    cl_mem mem = clx_buffer(&r->args, tensor)->mem;
    void *mapped = clEnqueueMapBuffer(r->runner->queue, mem, CL_TRUE, CL_MAP_READ, 0,
                                      clx_tensor_bytes(r->problem, tensor), 0, NULL, NULL, &error);
    if (error == CL_SUCCESS)
        error = clEnqueueUnmapMemObject(r->runner->queue, mem, mapped, 0, NULL, NULL);
    return error == CL_SUCCESS ? CLXENT_SUCCESS : clx_fail_cl(error, "mapping %s", clx_tensor_name(tensor));
}

/* Row by row where rows are padded, so that the padding in the caller's array stays as it is. */
static clxent_status download(run *r, clx_tensor tensor) {
    const clxent_desc *desc = &r->problem->desc;
    size_t bytes = clx_tensor_bytes(r->problem, tensor);
    size_t element = clx_element_size(r->problem, tensor);
    size_t dense = r->problem->width * element, pitch = desc->row_stride * element;
    cl_mem mem = clx_buffer(&r->args, tensor)->mem;
    cl_int error;
    if (clx_has_logits_shape(r->problem, tensor) && pitch != dense) {
        const size_t origin[3] = {0, 0, 0}, region[3] = {dense, desc->batch, 1};
        error = clEnqueueReadBufferRect(r->runner->queue, mem, CL_FALSE, origin, origin, region, pitch, 0, pitch, 0,
                                        array_of(r, tensor), 0, NULL, NULL);
    } else {
        error = clEnqueueReadBuffer(r->runner->queue, mem, CL_FALSE, 0, bytes, array_of(r, tensor), 0, NULL, NULL);
    }
    return error == CL_SUCCESS ? CLXENT_SUCCESS : clx_fail_cl(error, "reading back %s", clx_tensor_name(tensor));
}

static clxent_status move_out(run *r) {
    clxent_status status = CLXENT_SUCCESS;
    for (clx_tensor tensor = 0; tensor < CLX_TENSORS && status == CLXENT_SUCCESS; tensor++)
        if (is_written(r, tensor))
            status = r->core->device.unified_memory ? make_visible(r, tensor) : download(r, tensor);
    return status;
}

/* Everything that was enqueued has ended when this returns, also after an error: the caller's arrays are theirs again.
 */
static clxent_status finish(run *r, clxent_status status) {
    cl_int error = clFinish(r->runner->queue);
    if (error != CL_SUCCESS && status == CLXENT_SUCCESS)
        status = clx_fail_cl(error, "clFinish");
    for (clx_tensor tensor = 0; tensor < CLX_TENSORS; tensor++)
        if (r->laid_over[tensor] != NULL)
            clReleaseMemObject(r->laid_over[tensor]);
    return status;
}

/* Under the runner's lock. */
static clxent_status run_checked(run *r, const clxent_desc *desc) {
    clxent_status status = clx_runner_queue(r->runner, r->core);
    if (status == CLXENT_SUCCESS)
        status = clx_runner_plan(r->runner, r->core, desc, &r->plan);
    if (status != CLXENT_SUCCESS)
        return status;
    clxent_args_init(&r->args);
    status = move_in(r);
    if (status == CLXENT_SUCCESS)
        status = clxent_enqueue(r->runner->queue, r->plan, &r->args, 0, NULL, NULL);
    if (status == CLXENT_SUCCESS)
        status = move_out(r);
    return finish(r, status);
}

clxent_status clxent_run(clxent_context *context, const clxent_desc *desc, const clxent_host_args *args) {
    if (context == NULL)
        return clx_fail(CLXENT_INVALID_ARGUMENT, "context is null");
    clx_problem problem;
    clxent_status status = clx_problem_init(&problem, desc);
    clxent_host_args all;
    if (status == CLXENT_SUCCESS)
        status = clx_take_host_args(args, &all);
    args = &all;
    if (status == CLXENT_SUCCESS)
        status = clx_check_host_args(&problem, args);
    if (status != CLXENT_SUCCESS)
        return status;
    run r = {.core = context->core, .runner = &context->runner, .problem = &problem, .host = args};
    clx_lock_acquire(&context->runner.lock);
    status = run_checked(&r, &problem.desc);
    clx_lock_release(&context->runner.lock);
    return status;
}
