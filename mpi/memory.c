/* Buffers and arrays of a plan: all that a step needs. */
#include "plan.h"

#include <stdlib.h>

/* Empty ones are as large as the smallest, since there are none of no bytes. */
static size_t at_least(size_t bytes) {
    return bytes > 0 ? bytes : sizeof(double);
}

static clxent_status make_buffer(clxent_mpi_plan *plan, cl_context cl, size_t bytes, cl_mem *mem) {
    cl_int error = CL_SUCCESS;
    *mem = clCreateBuffer(cl, CL_MEM_READ_WRITE, at_least(bytes), NULL, &error);
    if (error != CL_SUCCESS)
        return clx_mpi_fail(error, "clCreateBuffer of %zu bytes failed: %s (%d)", at_least(bytes),
                            clxent_status_string(error), (int)error);
    plan->info.device_bytes += at_least(bytes);
    return CLXENT_SUCCESS;
}

static clxent_status make_buffers(clxent_mpi_plan *plan, cl_context cl) {
    const size_t block = plan->most_rows * plan->real_size, slice = plan->most_slice * plan->real_size;
    const struct {
        cl_mem *mem;
        size_t bytes;
    } buffers[] = {
        {&plan->partial[0], CLX_MPI_PLANES * block},
        {&plan->partial[1], plan->blocks > 1 ? CLX_MPI_PLANES * block : 0},
        {&plan->parts, CLX_MPI_PLANES * slice * (size_t)plan->group->ranks},
        {&plan->slice_merged, CLX_MPI_PLANES * slice},
        {&plan->slice_loss, slice},
        {&plan->merged, CLX_MPI_PLANES * plan->rows * plan->real_size},
        {&plan->weight_sum, 2 * plan->real_size},
    };
    const clxent_plan *plans[] = {
        plan->kinds[0].forward, plan->kinds[1].forward, plan->kinds[0].merge, plan->kinds[1].merge, plan->whole,
        plan->backward};
    size_t workspace = 0;
    clxent_status status = CLXENT_SUCCESS;
    for (size_t i = 0; i < sizeof buffers / sizeof buffers[0] && status == CLXENT_SUCCESS; i++)
        status = make_buffer(plan, cl, buffers[i].bytes, buffers[i].mem);
    for (size_t i = 0; i < sizeof plans / sizeof plans[0] && status == CLXENT_SUCCESS; i++) {
        clxent_plan_info info = {.struct_size = sizeof info};
        if (plans[i] == NULL)
            continue;
        status = clxent_plan_get_info(plans[i], &info);
        workspace = info.workspace_size > workspace ? info.workspace_size : workspace;
    }
    if (status == CLXENT_SUCCESS && workspace > 0)
        status = make_buffer(plan, cl, workspace, &plan->workspace);
    return status;
}

static clxent_status make_array(clxent_mpi_plan *plan, size_t bytes, void *array) {
    void *made = calloc(at_least(bytes), 1);
    *(void **)array = made;
    plan->info.host_bytes += at_least(bytes);
    return made != NULL ? CLXENT_SUCCESS
                        : clx_mpi_fail(CLXENT_OUT_OF_MEMORY, "no memory for %zu bytes of rows", at_least(bytes));
}

static clxent_status make_arrays(clxent_mpi_plan *plan) {
    const size_t ranks = (size_t)plan->group->ranks, counts = ranks * sizeof(int);
    const size_t block = CLX_MPI_PLANES * plan->most_rows * plan->real_size;
    const size_t slice = CLX_MPI_PLANES * plan->most_slice * plan->real_size;
    const struct {
        void *array;
        size_t bytes;
    } arrays[] = {
        {&plan->partial_host[0], block},
        {&plan->partial_host[1], plan->blocks > 1 ? block : 0},
        {&plan->parts_host, slice * ranks},
        {&plan->slice_host, slice},
        {&plan->merged_host, CLX_MPI_PLANES * plan->rows * plan->real_size},
        {&plan->send, block},
        {&plan->received, slice * ranks},
        {&plan->gathered_from, slice},
        {&plan->gathered, block},
        {&plan->send_count, counts},
        {&plan->send_at, counts},
        {&plan->receive_count, counts},
        {&plan->receive_at, counts},
        {&plan->gather_count, counts},
        {&plan->gather_at, counts},
    };
    const size_t sum = plan->sum_batch * plan->desc.features * plan->storage_size;
    const size_t sum_slice = (sum / plan->storage_size / ranks + 1) * plan->storage_size;
    clxent_status status = CLXENT_SUCCESS;
    for (size_t i = 0; i < sizeof arrays / sizeof arrays[0] && status == CLXENT_SUCCESS; i++)
        status = make_array(plan, arrays[i].bytes, arrays[i].array);
    if (status == CLXENT_SUCCESS && sum > 0)
        status = make_array(plan, sum, &plan->sum_rows);
    if (status == CLXENT_SUCCESS && sum > 0)
        status = make_array(plan, sum_slice * ranks, &plan->sum_parts);
    if (status == CLXENT_SUCCESS && sum > 0)
        status = make_array(plan, sum_slice, &plan->sum_part);
    return status;
}

clxent_status clx_mpi_allocate(clxent_mpi_plan *plan, cl_context cl) {
    clxent_status status = make_buffers(plan, cl);
    return status == CLXENT_SUCCESS ? make_arrays(plan) : status;
}

void clx_mpi_free(clxent_mpi_plan *plan) {
    const cl_mem buffers[] = {plan->partial[0], plan->partial[1], plan->parts,      plan->slice_merged,
                              plan->slice_loss, plan->merged,     plan->weight_sum, plan->workspace};
    void *const arrays[] = {plan->partial_host[0], plan->partial_host[1], plan->parts_host,
                            plan->slice_host,      plan->merged_host,     plan->send,
                            plan->received,        plan->gathered_from,   plan->gathered,
                            plan->send_count,      plan->send_at,         plan->receive_count,
                            plan->receive_at,      plan->gather_count,    plan->gather_at,
                            plan->sum_rows,        plan->sum_parts,       plan->sum_part};
    for (size_t i = 0; i < sizeof buffers / sizeof buffers[0]; i++)
        if (buffers[i] != NULL)
            clReleaseMemObject(buffers[i]);
    for (size_t i = 0; i < sizeof arrays / sizeof arrays[0]; i++)
        free(arrays[i]);
}
