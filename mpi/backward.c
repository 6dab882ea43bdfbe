/* The backward pass: the gradient of this rank's classes, from what the forward pass has left. Only statuses go over the wire. */
#include "plan.h"

clxent_status clx_mpi_check_backward(cl_command_queue queue, clxent_mpi_plan *plan, const clxent_args *args,
                                     clxent_args *taken, cl_uint wait_count, const cl_event *wait_list) {
    clxent_status status = clx_mpi_take_args(plan, args, taken);
    if (status != CLXENT_SUCCESS)
        return status;
    if (plan->backward == NULL)
        return clx_mpi_fail(CLXENT_INVALID_ARGUMENT, "the plan's pass is FORWARD, there is no backward pass in it");
    if (!plan->ready)
        return clx_mpi_fail(CLXENT_INVALID_ARGUMENT, "no forward pass of this plan has ended well before");
    if ((wait_count == 0) != (wait_list == NULL))
        return clx_mpi_fail(CLXENT_INVALID_ARGUMENT, "wait_count is %u, but wait_list is %s", (unsigned)wait_count,
                            wait_list == NULL ? "null" : "not null");
    taken->merged.mem = plan->merged;
    taken->weight_sum = (clxent_buffer){plan->weight_sum, 0};
    return clxent_check_args(queue, plan->backward, taken);
}

/* The next forward pass, and the end of the plan, wait for the gradient. One that is still under way is behind this one. */
static clxent_status enqueue(cl_command_queue queue, clxent_mpi_plan *plan, const clxent_args *args, cl_uint wait_count,
                             const cl_event *wait_list, cl_event *done) {
    cl_event before = NULL;
    clxent_status status = CLXENT_SUCCESS;
    if (plan->backward_done != NULL) {
        status = clx_mpi_cl(clWaitForEvents(1, &plan->backward_done), "waiting for the gradient before");
        before = plan->backward_done;
        plan->backward_done = NULL;
        clReleaseEvent(before);
    }
    if (status == CLXENT_SUCCESS)
        status = clxent_enqueue(queue, plan->backward, args, wait_count, wait_list, done);
    if (status == CLXENT_SUCCESS)
        status = clx_mpi_cl(clFlush(queue), "clFlush");
    return status;
}

clxent_status clxent_mpi_backward(cl_command_queue queue, clxent_mpi_plan *plan, const clxent_args *args,
                                  cl_uint wait_count, const cl_event *wait_list, cl_event *event) {
    clxent_args taken;
    cl_event done = NULL, theirs = NULL;
    if (plan == NULL)
        return clx_mpi_fail(CLXENT_INVALID_ARGUMENT, "plan is null");
    clxent_status status = clx_mpi_check_backward(queue, plan, args, &taken, wait_count, wait_list);
    const int64_t given = clx_mpi_given(&taken) | (taken.grad_output.mem != NULL ? CLX_MPI_GRAD_OUTPUT : 0);
    status = clx_mpi_agree(plan->group, status, CLX_MPI_BACKWARD + CLX_MPI_DETAIL * given);
    if (status != CLXENT_SUCCESS)
        return status;
    status = enqueue(queue, plan, &taken, wait_count, wait_list, &done);
    plan->backward_done = done;
    if (status == CLXENT_SUCCESS && event != NULL) {
        status = clx_mpi_cl(clRetainEvent(done), "clRetainEvent");
        theirs = status == CLXENT_SUCCESS ? done : NULL;
    }
    status = clx_mpi_agree(plan->group, status, CLX_MPI_BACKWARD_END);
    if (theirs != NULL && status == CLXENT_SUCCESS)
        *event = theirs;
    else if (theirs != NULL)
        clReleaseEvent(theirs);
    return status;
}
