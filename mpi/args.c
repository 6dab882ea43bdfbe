/* The caller's arguments of a step. */
#include "plan.h"

#include <string.h>

clxent_status clx_mpi_take_args(const clxent_mpi_plan *plan, const clxent_args *args, clxent_args *taken) {
    const size_t first =
        offsetof(clxent_args, partial); /* bytes of the shortest struct that a released header has had */
    clxent_args_init(taken);
    if (args == NULL)
        return clx_mpi_fail(CLXENT_INVALID_ARGUMENT, "args is null");
    if (args->struct_size < first || args->struct_size > sizeof *taken)
        return clx_mpi_fail(CLXENT_INVALID_ARGUMENT,
                            "args.struct_size is %zu, this library knows %zu to %zu: was clxent_args_init called?",
                            args->struct_size, first, sizeof *taken);
    memcpy(taken, args, args->struct_size);
    taken->struct_size = sizeof *taken;
    taken->partial = taken->merged = (clxent_buffer){NULL, 0};
    taken->workspace = (clxent_buffer){plan->workspace, 0};
    return CLXENT_SUCCESS;
}

int64_t clx_mpi_given(const clxent_args *args) {
    return (args->weight.mem != NULL ? CLX_MPI_WEIGHT : 0) |
           (args->sample_weight.mem != NULL ? CLX_MPI_SAMPLE_WEIGHT : 0);
}
