/* Groups of ranks: their communicator, and how they agree. */
#include "group.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- agreement ---- */

static const struct {
    int64_t bit;
    const char *yes, *no;
} details[] = {
    {CLX_MPI_WEIGHT, "gives weight", "does not"},
    {CLX_MPI_SAMPLE_WEIGHT, "gives sample_weight", "does not"},
    {CLX_MPI_GRAD_OUTPUT, "gives grad_output", "does not"},
    {CLX_MPI_EMPTY_MEAN_ZERO, "has the flag CLXENT_EMPTY_MEAN_ZERO", "has it not"},
};

static const char *name_of(int64_t call) {
    static const char *const names[] = {
        [CLX_MPI_CREATE] = "clxent_mpi_plan_create",     [CLX_MPI_FORWARD] = "clxent_mpi_forward",
        [CLX_MPI_FORWARD_END] = "clxent_mpi_forward",    [CLX_MPI_BACKWARD] = "clxent_mpi_backward",
        [CLX_MPI_BACKWARD_END] = "clxent_mpi_backward",  [CLX_MPI_SUM] = "clxent_mpi_sum_grad_input",
        [CLX_MPI_SUM_END] = "clxent_mpi_sum_grad_input", [CLX_MPI_MEAN] = "clxent_mpi_mean"};
    return names[call % CLX_MPI_DETAIL];
}

/* Two ranks are doing different things: what? */
static clxent_status refuse_calls(int64_t first, int rank, int64_t other) {
    if (strcmp(name_of(first), name_of(other)) != 0)
        return clx_mpi_fail(CLXENT_INVALID_ARGUMENT, "rank %d calls %s, but rank 0 calls %s", rank, name_of(other),
                            name_of(first));
    const int64_t differ = (first ^ other) / CLX_MPI_DETAIL;
    for (size_t i = 0; i < sizeof details / sizeof details[0]; i++)
        if (differ & details[i].bit) {
            const bool has = (other / CLX_MPI_DETAIL & details[i].bit) != 0;
            const clxent_status refusal =
                details[i].bit == CLX_MPI_EMPTY_MEAN_ZERO ? CLXENT_INVALID_OPTION : CLXENT_INVALID_ARGUMENT;
            return clx_mpi_fail(refusal, "rank %d %s, but rank %d %s", has ? rank : 0, details[i].yes, has ? 0 : rank,
                                details[i].no);
        }
    return clx_mpi_fail(CLXENT_INVALID_ARGUMENT, "rank %d and rank 0 are in different parts of %s", rank,
                        name_of(first));
}

/* What the ranks are doing is not the same. */
static clxent_status find_difference(clxent_mpi_group *group, int64_t call) {
    clxent_status status =
        clx_mpi_check(MPI_Allgather(&call, 1, MPI_INT64_T, group->calls, 1, MPI_INT64_T, group->comm), "MPI_Allgather");
    for (int rank = 1; rank < group->ranks && status == CLXENT_SUCCESS; rank++)
        if (group->calls[rank] != group->calls[0])
            status = refuse_calls(group->calls[0], rank, group->calls[rank]);
    return status;
}

/* The failure of a rank, which all hear of. */
static clxent_status spread_failure(clxent_mpi_group *group, int rank, clxent_status status) {
    struct {
        int32_t status;
        char sentence[1020];
    } failure = {.status = status};
    snprintf(failure.sentence, sizeof failure.sentence, "%s", clxent_last_error());
    clxent_status sent =
        clx_mpi_check(MPI_Bcast(&failure, (int)sizeof failure, MPI_BYTE, rank, group->comm), "MPI_Bcast");
    return sent != CLXENT_SUCCESS ? sent : clx_mpi_fail(failure.status, "rank %d: %s", rank, failure.sentence);
}

/* The least of what a rank is doing, and of its opposite, shows whether all do the same. */
clxent_status clx_mpi_agree(clxent_mpi_group *group, clxent_status status, int64_t call) {
    const int64_t mine[3] = {status == CLXENT_SUCCESS ? group->ranks : group->rank, call, -call};
    int64_t least[3];
    const double begin = MPI_Wtime();
    clxent_status sent =
        clx_mpi_check(MPI_Allreduce(mine, least, 3, MPI_INT64_T, MPI_MIN, group->comm), "MPI_Allreduce");
    group->mpi_seconds += MPI_Wtime() - begin;
    if (sent != CLXENT_SUCCESS)
        return sent;
    if (least[0] < group->ranks)
        return spread_failure(group, (int)least[0], status);
    return least[1] == -least[2] ? CLXENT_SUCCESS : find_difference(group, call);
}

/* ---- groups ---- */

static clxent_status check_mpi(MPI_Comm comm) {
    int begun = 0, ended = 0, inter = 0;
    MPI_Initialized(&begun);
    MPI_Finalized(&ended);
    if (!begun || ended)
        return clx_mpi_fail(CLXENT_MPI_FAILED, "MPI is %s", begun ? "finalised already" : "not initialised");
    if (comm == MPI_COMM_NULL)
        return clx_mpi_fail(CLXENT_INVALID_ARGUMENT, "comm is MPI_COMM_NULL");
    clxent_status status = clx_mpi_check(MPI_Comm_test_inter(comm, &inter), "MPI_Comm_test_inter");
    if (status == CLXENT_SUCCESS && inter)
        return clx_mpi_fail(CLXENT_INVALID_ARGUMENT, "comm is an intercommunicator, its ranks are of two groups");
    return status;
}

static clxent_status open_comm(clxent_mpi_group *group, MPI_Comm comm) {
    clxent_status status = clx_mpi_check(MPI_Comm_dup(comm, &group->comm), "MPI_Comm_dup");
    if (status == CLXENT_SUCCESS)
        status = clx_mpi_check(MPI_Comm_set_errhandler(group->comm, MPI_ERRORS_RETURN), "MPI_Comm_set_errhandler");
    if (status == CLXENT_SUCCESS)
        status = clx_mpi_check(MPI_Comm_rank(group->comm, &group->rank), "MPI_Comm_rank");
    if (status == CLXENT_SUCCESS)
        status = clx_mpi_check(MPI_Comm_size(group->comm, &group->ranks), "MPI_Comm_size");
    return status;
}

/* A rank that has no memory for a group agrees with the others from its stack. */
clxent_status clxent_mpi_group_create(MPI_Comm comm, clxent_mpi_group **group) {
    clxent_mpi_group made = {.comm = MPI_COMM_NULL}, *kept = NULL;
    clxent_status status = check_mpi(comm);
    if (status == CLXENT_SUCCESS)
        status = open_comm(&made, comm);
    if (status != CLXENT_SUCCESS) {
        if (made.comm != MPI_COMM_NULL)
            MPI_Comm_free(&made.comm);
        return status;
    }
    made.calls = calloc((size_t)made.ranks, sizeof *made.calls);
    made.shares = calloc((size_t)made.ranks, sizeof *made.shares);
    kept = malloc(sizeof *kept);
    if (group == NULL)
        status = clx_mpi_fail(CLXENT_INVALID_ARGUMENT, "group is null");
    else if (made.calls == NULL || made.shares == NULL || kept == NULL)
        status = clx_mpi_fail(CLXENT_OUT_OF_MEMORY, "no memory for a group of %d ranks", made.ranks);
    status = clx_mpi_agree(&made, status, CLX_MPI_CREATE);
    if (status == CLXENT_SUCCESS) {
        *kept = made;
        *group = kept;
        return status;
    }
    MPI_Comm_free(&made.comm);
    free(made.calls);
    free(made.shares);
    free(kept);
    return status;
}

void clxent_mpi_group_destroy(clxent_mpi_group *group) {
    int ended = 0;
    if (group == NULL)
        return;
    MPI_Finalized(&ended);
    if (!ended)
        MPI_Comm_free(&group->comm);
    free(group->calls);
    free(group->shares);
    free(group);
}
