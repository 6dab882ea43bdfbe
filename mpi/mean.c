/* The mean over processes that have some of the rows each. */
#include "group.h"

#include <math.h>

static double over(double value, const clxent_mpi_total *t, uint64_t flags) {
    if (t->weights != 0)
        return value / t->weights;
    return t->samples == 0 && flags & CLXENT_EMPTY_MEAN_ZERO ? 0 : (double)NAN;
}

clxent_status clxent_mpi_mean(clxent_mpi_group *group, double loss, double weights, double samples, uint64_t flags,
                              clxent_mpi_total *total) {
    clxent_status status = CLXENT_SUCCESS;
    const clx_mpi_share mine = {loss, weights, samples};
    if (group == NULL)
        return clx_mpi_fail(CLXENT_INVALID_ARGUMENT, "group is null");
    if (total == NULL)
        status = clx_mpi_fail(CLXENT_INVALID_ARGUMENT, "total is null");
    else if (flags & ~(uint64_t)CLXENT_EMPTY_MEAN_ZERO)
        status = clx_mpi_fail(CLXENT_INVALID_OPTION, "flags is %llu, a mean over processes knows %d alone",
                              (unsigned long long)flags, CLXENT_EMPTY_MEAN_ZERO);
    const int64_t detail = flags & CLXENT_EMPTY_MEAN_ZERO ? CLX_MPI_EMPTY_MEAN_ZERO : 0;
    status = clx_mpi_agree(group, status, CLX_MPI_MEAN + CLX_MPI_DETAIL * detail);
    if (status != CLXENT_SUCCESS)
        return status;
    status =
        clx_mpi_check(MPI_Allgather(&mine, 3, MPI_DOUBLE, group->shares, 3, MPI_DOUBLE, group->comm), "MPI_Allgather");
    if (status != CLXENT_SUCCESS)
        return status;
    clxent_mpi_total sum = {0};
    for (int rank = 0; rank < group->ranks; rank++) {
        sum.loss += group->shares[rank].loss;
        sum.weights += group->shares[rank].weights;
        sum.samples += group->shares[rank].samples;
    }
    sum.mean = over(sum.loss, &sum, flags);
    sum.grad_output = over(1, &sum, flags);
    *total = sum;
    return CLXENT_SUCCESS;
}
