/* The sum of what the ranks have of the gradient of the hidden states: some batch entries at a time, of which each rank adds up a slice, in
 * the order of the ranks, and all get the slices of all. */
#include "plan.h"

#include "half.h"

/* Some neighbouring batch entries, which the host has without the padding between them. */
typedef struct entries {
    size_t first, count;
} entries;

static clxent_status move(cl_command_queue queue, const clxent_mpi_plan *plan, const clxent_args *args, entries e,
                          bool write) {
    const size_t width = plan->desc.features * plan->storage_size, zero[3] = {0, 0, 0}, region[3] = {width, e.count, 1};
    const size_t at = args->grad_input.offset + e.first * plan->entry_bytes;
    /* Rows of the rectangle are as long as an entry with its padding, and begin where that of the buffer does. */
    const size_t origin[3] = {at % plan->entry_bytes, at / plan->entry_bytes, 0};
    if (origin[0] + width > plan->entry_bytes) { /* the entry goes over the end of such a row: one at a time */
        cl_int error = CL_SUCCESS;
        for (size_t i = 0; i < e.count && error == CL_SUCCESS; i++) {
            char *host = plan->sum_rows + i * width;
            const size_t place = at + i * plan->entry_bytes;
            error = write
                        ? clEnqueueWriteBuffer(queue, args->grad_input.mem, CL_TRUE, place, width, host, 0, NULL, NULL)
                        : clEnqueueReadBuffer(queue, args->grad_input.mem, CL_TRUE, place, width, host, 0, NULL, NULL);
        }
        return clx_mpi_cl(error, write ? "clEnqueueWriteBuffer" : "clEnqueueReadBuffer");
    }
    if (write)
        return clx_mpi_cl(clEnqueueWriteBufferRect(queue, args->grad_input.mem, CL_TRUE, origin, zero, region,
                                                   plan->entry_bytes, 0, width, 0, plan->sum_rows, 0, NULL, NULL),
                          "clEnqueueWriteBufferRect");
    return clx_mpi_cl(clEnqueueReadBufferRect(queue, args->grad_input.mem, CL_TRUE, origin, zero, region,
                                              plan->entry_bytes, 0, width, 0, plan->sum_rows, 0, NULL, NULL),
                      "clEnqueueReadBufferRect");
}

/* Added in double, rounded once. */
static void add_parts(const clxent_mpi_plan *plan, size_t count) {
    for (size_t i = 0; i < count; i++) {
        double sum = 0;
        for (size_t rank = 0; rank < (size_t)plan->group->ranks; rank++)
            sum += clx_load(plan->desc.dtype, plan->sum_parts, rank * count + i);
        clx_store(plan->desc.dtype, plan->sum_part, i, sum);
    }
}

/* The numbers of some entries from all ranks to their slices, and from those to all. */
static clxent_status exchange(clxent_mpi_plan *plan, entries e) {
    const MPI_Datatype type = plan->storage_size == 2 ? MPI_UINT16_T : plan->real;
    const size_t all = e.count * plan->desc.features;
    const clx_mpi_piece mine = clx_mpi_piece_of(all, plan->group->ranks, plan->group->rank);
    for (int rank = 0; rank < plan->group->ranks; rank++) {
        const clx_mpi_piece slice = clx_mpi_piece_of(all, plan->group->ranks, rank);
        plan->send_count[rank] = (int)slice.count;
        plan->send_at[rank] = (int)slice.first;
        plan->receive_count[rank] = (int)mine.count;
        plan->receive_at[rank] = rank * (int)mine.count;
    }
    clxent_status status =
        clx_mpi_check(MPI_Alltoallv(plan->sum_rows, plan->send_count, plan->send_at, type, plan->sum_parts,
                                    plan->receive_count, plan->receive_at, type, plan->group->comm),
                      "MPI_Alltoallv");
    add_parts(plan, mine.count);
    clxent_status gathered = clx_mpi_check(MPI_Allgatherv(plan->sum_part, (int)mine.count, type, plan->sum_rows,
                                                          plan->send_count, plan->send_at, type, plan->group->comm),
                                           "MPI_Allgatherv");
    plan->info.grad_bytes_received +=
        (mine.count * (size_t)(plan->group->ranks - 1) + all - mine.count) * plan->storage_size;
    return status != CLXENT_SUCCESS ? status : gathered;
}

static clxent_status wait_first(clxent_mpi_plan *plan, cl_uint wait_count, const cl_event *wait_list) {
    cl_int error = wait_count > 0 ? clWaitForEvents(wait_count, wait_list) : CL_SUCCESS;
    if (error == CL_SUCCESS && plan->backward_done != NULL)
        error = clWaitForEvents(1, &plan->backward_done);
    return clx_mpi_cl(error, "waiting for the gradient");
}

clxent_status clxent_mpi_sum_grad_input(cl_command_queue queue, clxent_mpi_plan *plan, const clxent_args *args,
                                        cl_uint wait_count, const cl_event *wait_list) {
    clxent_args taken;
    if (plan == NULL)
        return clx_mpi_fail(CLXENT_INVALID_ARGUMENT, "plan is null");
    clxent_status status = clx_mpi_check_backward(queue, plan, args, &taken, wait_count, wait_list);
    if (status == CLXENT_SUCCESS && plan->desc.op == CLXENT_CROSS_ENTROPY)
        status = clx_mpi_fail(CLXENT_INVALID_ARGUMENT,
                              "grad_input of cross-entropy is of this rank's classes: there is nothing to sum");
    status = clx_mpi_agree(plan->group, status, CLX_MPI_SUM);
    if (status != CLXENT_SUCCESS)
        return status;
    status = wait_first(plan, wait_count, wait_list);
    /* A rank that has failed goes on sending, as in the forward pass. */
    for (entries e = {0, plan->sum_batch}; e.first < plan->desc.batch; e.first += e.count) {
        e.count = plan->desc.batch - e.first < e.count ? plan->desc.batch - e.first : e.count;
        if (status == CLXENT_SUCCESS)
            status = move(queue, plan, &taken, e, false);
        const clxent_status sent = exchange(plan, e);
        status = status == CLXENT_SUCCESS ? sent : status;
        if (status == CLXENT_SUCCESS)
            status = move(queue, plan, &taken, e, true);
    }
    return clx_mpi_agree(plan->group, status, CLX_MPI_SUM_END);
}
