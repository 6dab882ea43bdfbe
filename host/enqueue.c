/* Enqueueing a plan: checks, arguments, launches. Never compiles, allocates or blocks.
 *
 * A training step enqueues thousands of times, so a call that is like the one before must cost little: what follows
 * from the plan, or from which tensors there are, is not worked out again. What may be another memory object or queue
 * behind the same handle is looked at each time. */
#include "buffers.h"
#include "launch.h"
#include "linear.h"
#include "op.h"
#include "status.h"

#include <string.h>

/* As in kernels/common.cl: a bit for each optional tensor, and what else a call is like. */
enum {
    MEAN = 256,
    NO_REDUCTION = 512,
    DIVIDE_LOSSES = 1024,
    ACCUMULATE = 2048,
    EMPTY_ZERO = 4096
}; /* and 8192, below */
static const struct {
    clx_tensor tensor;
    cl_uint bit;
} given_tensors[] = {
    {CLX_TARGET2, 1}, {CLX_WEIGHT, 2},  {CLX_SAMPLE_WEIGHT, 4}, {CLX_POS_WEIGHT, 8}, {CLX_MIX_LAMBDA, 16},
    {CLX_LSE, 32},    {CLX_ARGMAX, 64}, {CLX_GRAD_OUTPUT, 128}, {CLX_MERGED, 8192},
};

/* Bytes of the shortest struct that a released header has had; what comes behind is buffers. */
#define FIRST_ARGS_SIZE (offsetof(clxent_args, workspace) + sizeof(clxent_buffer))

/* One call: what is enqueued, and behind what. */
typedef struct call {
    cl_command_queue queue;
    clxent_plan *plan;
    const clxent_args *args;
    bool in_order;
    cl_uint wait_count;
    const cl_event *wait_list;
} call;

static clxent_status check_call(const call *c) {
    if (c->plan == NULL || c->args == NULL)
        return clx_fail(CLXENT_INVALID_ARGUMENT, "%s is null", c->plan == NULL ? "plan" : "args");
    if (c->args->struct_size < FIRST_ARGS_SIZE || c->args->struct_size > sizeof(clxent_args) ||
        (c->args->struct_size - FIRST_ARGS_SIZE) % sizeof(clxent_buffer) != 0)
        return clx_fail(CLXENT_INVALID_ARGUMENT,
                        "args.struct_size is %zu, this library knows %zu to %zu: was clxent_args_init called?",
                        c->args->struct_size, (size_t)FIRST_ARGS_SIZE, sizeof(clxent_args));
    if ((c->wait_count == 0) != (c->wait_list == NULL))
        return clx_fail(CLXENT_INVALID_ARGUMENT, "wait_count is %u, but wait_list is %s", (unsigned)c->wait_count,
                        c->wait_list == NULL ? "null" : "not null");
    return CLXENT_SUCCESS;
}

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
        return clx_fail_handle(CLXENT_INVALID_QUEUE, error, "queue", "cl_command_queue");
    if (context != c->plan->core->cl)
        return clx_fail(CLXENT_INVALID_QUEUE, "queue belongs to another OpenCL context than the plan");
    if (device != c->plan->core->device.id)
        return clx_fail(CLXENT_INVALID_QUEUE, "queue belongs to another device than the plan");
    c->in_order = (properties & CL_QUEUE_OUT_OF_ORDER_EXEC_MODE_ENABLE) == 0;
    return CLXENT_SUCCESS;
}

/* ---- what follows from which tensors there are ---- */

/* Those that the caller gave, without the ones that this pass ignores. */
static unsigned tensors_of(const call *c) {
    const unsigned relevant = c->plan->needs.used | c->plan->needs.refused;
    unsigned tensors = 0;
    for (clx_tensor tensor = 0; tensor < CLX_TENSORS; tensor++)
        tensors |= clx_buffer(c->args, tensor)->mem != NULL ? 1u << tensor : 0;
    return tensors & relevant;
}

static bool has(unsigned tensors, clx_tensor tensor) {
    return (tensors & 1u << tensor) != 0;
}

static cl_uint given_bits(const clx_problem *problem, unsigned tensors) {
    const clxent_desc *desc = &problem->desc;
    cl_uint given = 0;
    for (size_t i = 0; i < sizeof given_tensors / sizeof given_tensors[0]; i++)
        given |= has(tensors, given_tensors[i].tensor) ? given_tensors[i].bit : 0;
    given |= desc->reduction == CLXENT_REDUCTION_MEAN ? MEAN : 0;
    given |= desc->reduction == CLXENT_REDUCTION_NONE ? NO_REDUCTION : 0;
    given |= clx_divides_losses(problem, has(tensors, CLX_TARGET2)) ? DIVIDE_LOSSES : 0;
    given |= desc->flags & CLXENT_ACCUMULATE_GRAD ? ACCUMULATE : 0;
    given |= desc->flags & CLXENT_EMPTY_MEAN_ZERO ? EMPTY_ZERO : 0;
    return given;
}

/* Are they the ones that they must be, what are the kernels to know of them, and which kernels are launched? */
static clxent_status decide(const call *c, unsigned tensors) {
    clx_combination *last = &c->plan->last;
    clx_place places[CLX_TENSORS] = {{0}};
    last->decided = false;
    for (clx_tensor tensor = 0; tensor < CLX_TENSORS; tensor++)
        places[tensor].object = has(tensors, tensor) ? clx_buffer(c->args, tensor)->mem : NULL;
    clxent_status status = clx_check_presence(&c->plan->problem, places);
    if (status != CLXENT_SUCCESS)
        return status;
    clx_wishes wishes = {has(tensors, CLX_INVALID_COUNT), has(tensors, CLX_CORRECT_COUNT), has(tensors, CLX_TARGET2),
                         has(tensors, CLX_WEIGHT_SUM) && clx_sums_rows(&c->plan->problem)};
    last->tensors = tensors;
    last->given = given_bits(&c->plan->problem, tensors);
    last->count = clx_list_launches(c->plan, wishes, last->launches);
    last->reduces = false;
    for (size_t i = 0; i < last->count; i++)
        last->reduces = last->reduces || last->launches[i].kernel == CLX_REDUCE_ROWS;
    last->uses_workspace = last->reduces || (last->count > 0 && (c->plan->geometry.splits || c->plan->linear != NULL));
    last->decided = true;
    return CLXENT_SUCCESS;
}

/* ---- arguments ---- */

/* Where row_op leaves the losses: with the caller, or in the workspace until they are summed. */
static clxent_buffer losses_of(const call *c) {
    if (!clx_sums_losses(&c->plan->problem))
        return c->args->output;
    clxent_buffer losses = c->args->workspace;
    losses.offset += c->plan->workspace.losses_at;
    return losses;
}

/* The buffers and `given`, for any of the kernels. Tensors that it does not use, or this call does not have, are null.
 */
static clxent_status set_arguments(const call *c, clx_kernel kernel) {
    const clx_combination *now = &c->plan->last;
    const clxent_buffer losses = losses_of(c);
    clx_arguments *held = &c->plan->given[kernel];
    cl_kernel cl = c->plan->kernels[kernel];
    clxent_status status = CLXENT_SUCCESS;
    for (clx_tensor tensor = 0; tensor < CLX_TENSORS && status == CLXENT_SUCCESS; tensor++) {
        const clxent_buffer *buffer = has(now->tensors, tensor) ? clx_buffer(c->args, tensor) : NULL;
        if (tensor == CLX_OUTPUT && kernel != CLX_REDUCE_ROWS && buffer != NULL)
            buffer = &losses;
        status = clx_set_buffer_argument(held, cl, (int)tensor, buffer);
    }
    if (status == CLXENT_SUCCESS)
        status = clx_set_buffer_argument(held, cl, CLX_WORKSPACE, now->uses_workspace ? &c->args->workspace : NULL);
    if (status == CLXENT_SUCCESS)
        status = clx_set_given_argument(held, cl, now->given);
    return status;
}

/* ---- launches ---- */

static clxent_status launch(const call *c, const clx_launch *what, cl_uint wait_count, const cl_event *wait_list,
                            cl_event *event) {
    if (what->kernel == CLX_ROW_OP && c->plan->linear != NULL) {
        const clx_linear_call linear = {c->queue,   c->plan, c->args, c->plan->last.tensors, c->plan->last.given,
                                        c->in_order};
        return clx_linear_enqueue(&linear, wait_count, wait_list, event);
    }
    cl_kernel kernel = c->plan->kernels[what->kernel];
    clxent_status status = CLXENT_SUCCESS;
    if (what->kernel == CLX_REDUCE_ROWS)
        status = clx_set_sum_arguments(&c->plan->given[CLX_REDUCE_ROWS], kernel, what->what, what->stages);
    if (status != CLXENT_SUCCESS)
        return status;
    cl_int error = clEnqueueNDRangeKernel(c->queue, kernel, 1, NULL, &what->global_size, &what->group_size, wait_count,
                                          wait_list, event);
    if (error == CL_SUCCESS)
        return CLXENT_SUCCESS;
    return clx_fail_cl(error, "launching %s with %zu work-items in groups of %zu", clx_kernel_name(what->kernel),
                       what->global_size, what->group_size);
}

/* The first launch waits for the caller's events, each other one for the launch before it. */
static clxent_status launch_all(const call *c, cl_event *event) {
    const clx_launch *launches = c->plan->last.launches;
    const size_t count = c->plan->last.count;
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

/* The tensors, under the plan's lock. */
static clxent_status check_tensors(const call *c) {
    const clx_combination *last = &c->plan->last;
    const unsigned tensors = tensors_of(c);
    clxent_status status = CLXENT_SUCCESS;
    if (!last->decided || last->tensors != tensors)
        status = decide(c, tensors);
    return status == CLXENT_SUCCESS ? clx_check_buffers(c->plan, c->args, tensors, last->uses_workspace) : status;
}

/* Under the plan's lock. */
static clxent_status enqueue(const call *c, cl_event *event) {
    const clx_combination *last = &c->plan->last;
    clxent_status status = check_tensors(c);
    if (status != CLXENT_SUCCESS || last->count == 0)
        return status != CLXENT_SUCCESS ? status : enqueue_marker(c, event);
    for (int kernel = 0; kernel < CLX_KERNELS && status == CLXENT_SUCCESS; kernel++)
        if (c->plan->kernels[kernel] != NULL && (kernel != CLX_REDUCE_ROWS || last->reduces))
            status = set_arguments(c, (clx_kernel)kernel);
    return status == CLXENT_SUCCESS ? launch_all(c, event) : status;
}

/* What does not depend on the plan's lock; `all` is for the arguments of a program that knows fewer tensors. */
static clxent_status begin_call(call *c, clxent_args *all) {
    clxent_status status = check_call(c);
    if (status == CLXENT_SUCCESS)
        status = check_queue(c);
    if (status == CLXENT_SUCCESS && c->args->struct_size < sizeof *all) {
        clxent_args_init(all);
        memcpy(all, c->args, c->args->struct_size);
        c->args = all;
    }
    return status;
}

clxent_status clxent_enqueue(cl_command_queue queue, clxent_plan *plan, const clxent_args *args, cl_uint wait_count,
                             const cl_event *wait_list, cl_event *event) {
    call c = {.queue = queue, .plan = plan, .args = args, .wait_count = wait_count, .wait_list = wait_list};
    clxent_args all;
    clxent_status status = begin_call(&c, &all);
    if (status != CLXENT_SUCCESS)
        return status;
    clx_lock_acquire(&plan->lock);
    status = enqueue(&c, event);
    clx_lock_release(&plan->lock);
    return status;
}

clxent_status clxent_check_args(cl_command_queue queue, clxent_plan *plan, const clxent_args *args) {
    call c = {.queue = queue, .plan = plan, .args = args};
    clxent_args all;
    clxent_status status = begin_call(&c, &all);
    if (status != CLXENT_SUCCESS)
        return status;
    clx_lock_acquire(&plan->lock);
    status = check_tensors(&c);
    clx_lock_release(&plan->lock);
    return status;
}
