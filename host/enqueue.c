/* Enqueueing a plan: checks, arguments, launches. Never compiles, allocates or blocks. */
#include "buffers.h"
#include "launch.h"
#include "op.h"
#include "status.h"

/* As in kernels/common.cl: a bit for each optional tensor, and what else a call is like. */
enum { MEAN = 256, NO_REDUCTION = 512, DIVIDE_LOSSES = 1024, ACCUMULATE = 2048, EMPTY_ZERO = 4096 };
static const struct {
    clx_tensor tensor;
    cl_uint bit;
} given_tensors[] = {
    {CLX_TARGET2, 1},     {CLX_WEIGHT, 2}, {CLX_SAMPLE_WEIGHT, 4}, {CLX_POS_WEIGHT, 8},
    {CLX_MIX_LAMBDA, 16}, {CLX_LSE, 32},   {CLX_ARGMAX, 64},       {CLX_GRAD_OUTPUT, 128},
};

/* Bytes of the shortest struct that a released header has had. */
#define FIRST_ARGS_SIZE (offsetof(clxent_args, workspace) + sizeof(clxent_buffer))

/* One call: what is enqueued, and behind what. */
typedef struct call {
    cl_command_queue queue;
    clxent_plan *plan;
    const clxent_args *args;
    bool in_order;
    bool uses_workspace; /* where it does not, what args.workspace holds is nobody's business */
    cl_uint wait_count;
    const cl_event *wait_list;
} call;

static clxent_status check_queue(call *c) {
    cl_context context = NULL;
    cl_device_id device = NULL;
    cl_command_queue_properties properties = 0;
    if (c->queue == NULL)
        return clx_fail(CLXENT_INVALID_QUEUE, "queue is null");
    cl_int error = clGetCommandQueueInfo(c->queue, CL_QUEUE_CONTEXT, sizeof context, &context, NULL);
    if (error == CL_SUCCESS)
        error = clGetCommandQueueInfo(c->queue, CL_QUEUE_DEVICE, sizeof device, &device, NULL);
    if (error == CL_SUCCESS)
        error = clGetCommandQueueInfo(c->queue, CL_QUEUE_PROPERTIES, sizeof properties, &properties, NULL);
    if (error != CL_SUCCESS)
        return clx_fail(CLXENT_INVALID_QUEUE, "queue is not a valid cl_command_queue: %s (%d)",
                        clxent_status_string(error), (int)error);
    if (context != c->plan->core->cl)
        return clx_fail(CLXENT_INVALID_QUEUE, "queue belongs to another OpenCL context than the plan");
    if (device != c->plan->core->device.id)
        return clx_fail(CLXENT_INVALID_QUEUE, "queue belongs to another device than the plan");
    c->in_order = (properties & CL_QUEUE_OUT_OF_ORDER_EXEC_MODE_ENABLE) == 0;
    return CLXENT_SUCCESS;
}

static bool is_given(const call *c, clx_tensor tensor) {
    return clx_is_used(clx_tensor_use(&c->plan->problem, tensor)) && clx_buffer(c->args, tensor)->mem != NULL;
}

static cl_uint given_bits(const call *c) {
    const clxent_desc *desc = &c->plan->problem.desc;
    cl_uint given = 0;
    for (size_t i = 0; i < sizeof given_tensors / sizeof given_tensors[0]; i++)
        given |= is_given(c, given_tensors[i].tensor) ? given_tensors[i].bit : 0;
    given |= desc->reduction == CLXENT_REDUCTION_MEAN ? MEAN : 0;
    given |= desc->reduction == CLXENT_REDUCTION_NONE ? NO_REDUCTION : 0;
    given |= clx_divides_losses(&c->plan->problem, is_given(c, CLX_TARGET2)) ? DIVIDE_LOSSES : 0;
    given |= desc->flags & CLXENT_ACCUMULATE_GRAD ? ACCUMULATE : 0;
    given |= desc->flags & CLXENT_EMPTY_MEAN_ZERO ? EMPTY_ZERO : 0;
    return given;
}

static cl_int set_buffer(cl_kernel kernel, cl_uint index, cl_mem mem, size_t offset) {
    cl_ulong at = offset;
    cl_int error = clSetKernelArg(kernel, index, sizeof mem, &mem);
    return error == CL_SUCCESS ? clSetKernelArg(kernel, index + 1, sizeof at, &at) : error;
}

/* Where row_op leaves the losses: with the caller, or in the workspace until they are summed. */
static clxent_buffer losses_of(const call *c) {
    if (!clx_sums_losses(&c->plan->problem))
        return c->args->output;
    clxent_buffer losses = c->args->workspace;
    losses.offset += c->plan->workspace.losses_at;
    return losses;
}

/* The buffers and `given`, for any of the kernels. Tensors that this call does not have are null. */
static clxent_status set_buffers(const call *c, cl_kernel kernel) {
    static const clxent_buffer absent = {NULL, 0};
    const clxent_buffer *workspace = c->uses_workspace ? &c->args->workspace : &absent;
    clxent_buffer losses = losses_of(c);
    cl_uint given = given_bits(c);
    bool reduces = kernel == c->plan->kernels[CLX_REDUCE_ROWS];
    cl_int error = CL_SUCCESS;
    for (clx_tensor tensor = CLX_INPUT; tensor <= CLX_GRAD_INPUT && error == CL_SUCCESS; tensor++) {
        const clxent_buffer *buffer = is_given(c, tensor) ? clx_buffer(c->args, tensor) : &absent;
        if (tensor == CLX_OUTPUT && !reduces && buffer != &absent)
            buffer = &losses;
        error = set_buffer(kernel, CLX_ARG_BUFFERS + 2 * (cl_uint)tensor, buffer->mem, buffer->offset);
    }
    if (error == CL_SUCCESS)
        error = set_buffer(kernel, CLX_ARG_WORKSPACE, workspace->mem, workspace->offset);
    if (error == CL_SUCCESS)
        error = clSetKernelArg(kernel, CLX_ARG_GIVEN, sizeof given, &given);
    if (error == CL_SUCCESS && reduces) {
        const clxent_buffer *invalid = is_given(c, CLX_INVALID_COUNT) ? &c->args->invalid_count : &absent;
        const clxent_buffer *correct = is_given(c, CLX_CORRECT_COUNT) ? &c->args->correct_count : &absent;
        error = set_buffer(kernel, CLX_ARG_INVALID_COUNT, invalid->mem, invalid->offset);
        if (error == CL_SUCCESS)
            error = set_buffer(kernel, CLX_ARG_CORRECT_COUNT, correct->mem, correct->offset);
    }
    return error == CL_SUCCESS ? CLXENT_SUCCESS : clx_fail_cl(error, "clSetKernelArg");
}

static clxent_status launch(const call *c, const clx_launch *what, cl_uint wait_count, const cl_event *wait_list,
                            cl_event *event) {
    cl_kernel kernel = c->plan->kernels[what->kernel];
    cl_int error = CL_SUCCESS;
    if (what->kernel == CLX_REDUCE_ROWS) {
        error = clSetKernelArg(kernel, CLX_ARG_WHAT, sizeof what->what, &what->what);
        if (error == CL_SUCCESS)
            error = clSetKernelArg(kernel, CLX_ARG_STAGES, sizeof what->stages, &what->stages);
    }
    if (error == CL_SUCCESS)
        error = clEnqueueNDRangeKernel(c->queue, kernel, 1, NULL, &what->global_size, &what->group_size, wait_count,
                                       wait_list, event);
    if (error == CL_SUCCESS)
        return CLXENT_SUCCESS;
    return clx_fail_cl(error, "launching %s with %zu work-items in groups of %zu", clx_kernel_name(what->kernel),
                       what->global_size, what->group_size);
}

/* The first launch waits for the caller's events, each other one for the launch before it. */
static clxent_status launch_all(const call *c, const clx_launch *launches, size_t count, cl_event *event) {
    cl_event before = NULL;
    for (size_t i = 0; i < count; i++) {
        bool last = i + 1 == count;
        bool wants_event = last ? event != NULL : !c->in_order;
        cl_event done = NULL;
        cl_uint wait_count = i == 0 ? c->wait_count : before != NULL;
        const cl_event *wait_list = i == 0 ? c->wait_list : before != NULL ? &before : NULL;
        clxent_status status = launch(c, &launches[i], wait_count, wait_list, wants_event ? &done : NULL);
        if (before != NULL)
            clReleaseEvent(before);
        if (status != CLXENT_SUCCESS)
            return status;
        before = done;
    }
    if (event != NULL)
        *event = before;
    return CLXENT_SUCCESS;
}

/* Nothing to compute, but the caller's events still have an order. */
static clxent_status enqueue_marker(const call *c, cl_event *event) {
    cl_event done = NULL;
    cl_int error = clEnqueueMarkerWithWaitList(c->queue, c->wait_count, c->wait_list, event != NULL ? &done : NULL);
    if (error != CL_SUCCESS)
        return clx_fail_cl(error, "clEnqueueMarkerWithWaitList");
    if (event != NULL)
        *event = done;
    return CLXENT_SUCCESS;
}

/* Under the plan's lock. */
static clxent_status set_and_launch(const call *c, const clx_launch *launches, size_t count, cl_event *event) {
    clxent_status status = CLXENT_SUCCESS;
    for (int kernel = 0; kernel < CLX_KERNELS && status == CLXENT_SUCCESS; kernel++)
        if (c->plan->kernels[kernel] != NULL)
            status = set_buffers(c, c->plan->kernels[kernel]);
    return status == CLXENT_SUCCESS ? launch_all(c, launches, count, event) : status;
}

static clxent_status check_call(const call *c) {
    if (c->plan == NULL || c->args == NULL)
        return clx_fail(CLXENT_INVALID_ARGUMENT, "%s is null", c->plan == NULL ? "plan" : "args");
    if (c->args->struct_size < FIRST_ARGS_SIZE || c->args->struct_size > sizeof(clxent_args))
        return clx_fail(CLXENT_INVALID_ARGUMENT,
                        "args.struct_size is %zu, this library knows %zu to %zu: was clxent_args_init called?",
                        c->args->struct_size, (size_t)FIRST_ARGS_SIZE, sizeof(clxent_args));
    if ((c->wait_count == 0) != (c->wait_list == NULL))
        return clx_fail(CLXENT_INVALID_ARGUMENT, "wait_count is %u, but wait_list is %s", (unsigned)c->wait_count,
                        c->wait_list == NULL ? "null" : "not null");
    return CLXENT_SUCCESS;
}

clxent_status clxent_enqueue(cl_command_queue queue, clxent_plan *plan, const clxent_args *args, cl_uint wait_count,
                             const cl_event *wait_list, cl_event *event) {
    call c = {.queue = queue, .plan = plan, .args = args, .wait_count = wait_count, .wait_list = wait_list};
    clxent_status status = check_call(&c);
    if (status == CLXENT_SUCCESS)
        status = check_queue(&c);
    if (status != CLXENT_SUCCESS)
        return status;
    clx_launch launches[CLX_MAX_LAUNCHES];
    clx_wishes wishes = {is_given(&c, CLX_INVALID_COUNT), is_given(&c, CLX_CORRECT_COUNT), is_given(&c, CLX_TARGET2)};
    size_t count = clx_list_launches(plan, wishes, launches);
    for (size_t i = 0; i < count; i++)
        c.uses_workspace = c.uses_workspace || launches[i].kernel == CLX_REDUCE_ROWS || plan->geometry.splits;
    status = clx_check_buffers(plan, args, c.uses_workspace);
    if (status != CLXENT_SUCCESS)
        return status;
    if (count == 0)
        return enqueue_marker(&c, event);
    clx_lock_acquire(&plan->lock);
    status = set_and_launch(&c, launches, count, event);
    clx_lock_release(&plan->lock);
    return status;
}
