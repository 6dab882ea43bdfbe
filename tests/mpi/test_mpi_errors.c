/* MPI that fails: a call that fails on all ranks is a status with MPI's own words, whatever error handler the communicator came with, and the
 * next call is right. The functions here stand before those of MPI, by its profiling interface. */
#include "mpi_case.h"

static const char *the_failing = ""; /* the name of a function that fails now */

static bool fails(const char *name) {
    return strcmp(the_failing, name) == 0;
}

int MPI_Comm_dup(MPI_Comm comm, MPI_Comm *made) {
    return fails("MPI_Comm_dup") ? MPI_ERR_OTHER : PMPI_Comm_dup(comm, made);
}

int MPI_Comm_set_errhandler(MPI_Comm comm, MPI_Errhandler handler) {
    return fails("MPI_Comm_set_errhandler") ? MPI_ERR_OTHER : PMPI_Comm_set_errhandler(comm, handler);
}

int MPI_Allreduce(const void *from, void *to, int count, MPI_Datatype type, MPI_Op op, MPI_Comm comm) {
    return fails("MPI_Allreduce") ? MPI_ERR_OTHER : PMPI_Allreduce(from, to, count, type, op, comm);
}

int MPI_Allgather(const void *from, int count, MPI_Datatype type, void *to, int to_count, MPI_Datatype to_type,
                  MPI_Comm comm) {
    return fails("MPI_Allgather") ? MPI_ERR_OTHER : PMPI_Allgather(from, count, type, to, to_count, to_type, comm);
}

int MPI_Ialltoallv(const void *from, const int counts[], const int at[], MPI_Datatype type, void *to,
                   const int to_counts[], const int to_at[], MPI_Datatype to_type, MPI_Comm comm,
                   MPI_Request *request) {
    return fails("MPI_Ialltoallv")
               ? MPI_ERR_OTHER
               : PMPI_Ialltoallv(from, counts, at, type, to, to_counts, to_at, to_type, comm, request);
}

int MPI_Iallgatherv(const void *from, int count, MPI_Datatype type, void *to, const int counts[], const int at[],
                    MPI_Datatype to_type, MPI_Comm comm, MPI_Request *request) {
    return fails("MPI_Iallgatherv") ? MPI_ERR_OTHER
                                    : PMPI_Iallgatherv(from, count, type, to, counts, at, to_type, comm, request);
}

/* A failure before ranks can agree is each rank's own. */
static void expect_failure(clxent_status status, const char *text) {
    assert_int_equal(status, CLXENT_MPI_FAILED);
    if (strstr(clxent_last_error(), text) == NULL || strstr(clxent_last_error(), "MPI_ERR_OTHER") == NULL)
        fail_msg("the last error is \"%s\", not of %s", clxent_last_error(), text);
}

static void failing_plans(void) {
    static const char *const calls[] = {"MPI_Comm_dup", "MPI_Comm_set_errhandler", "MPI_Allreduce", "MPI_Allgather"};
    shard_case c = case_of_sizes(9, (size_t[]){5, 2, 3, 4});
    const clxent_desc desc = rank_desc(&c, the_rank);
    for (size_t i = 0; i < sizeof calls / sizeof calls[0]; i++) {
        clxent_mpi_plan *plan = NULL;
        the_failing = calls[i];
        clxent_status status = clxent_mpi_plan_create(the_device.context, MPI_COMM_WORLD, &desc, 0, &plan);
        the_failing = "";
        expect_failure(status, calls[i]);
        assert_null(plan);
    }
}

static void failing_steps(void) {
    static const char *const calls[] = {"MPI_Allreduce", "MPI_Ialltoallv", "MPI_Iallgatherv"};
    mpi_case m;
    shard_case c = case_of_sizes(9, (size_t[]){5, 2, 3, 4});
    case_open(&m, &c, 3, 3);
    for (size_t i = 0; i < sizeof calls / sizeof calls[0]; i++) {
        the_failing = calls[i];
        clxent_status status = clxent_mpi_forward(the_device.queue, m.plan, &m.args, 0, NULL);
        the_failing = "";
        expect_failure(status, calls[i]);
        case_check(&m);
    }
    the_failing = "MPI_Allreduce";
    expect_failure(clxent_mpi_backward(the_device.queue, m.plan, &m.args, 0, NULL, NULL), "MPI_Allreduce");
    the_failing = "";
    case_close(&m);
}

static void failing_means(void) {
    static const char *const calls[] = {"MPI_Allreduce", "MPI_Allgather"};
    clxent_mpi_group *group = NULL;
    clxent_mpi_total total = {.loss = 7};
    assert_success(clxent_mpi_group_create(MPI_COMM_WORLD, &group));
    for (size_t i = 0; i < sizeof calls / sizeof calls[0]; i++) {
        the_failing = calls[i];
        expect_failure(clxent_mpi_mean(group, 1, 1, 1, 0, &total), calls[i]);
        the_failing = "";
        assert_true(total.loss == 7);
    }
    clxent_mpi_group_destroy(group);
}

int main(int argc, char **argv) {
    /* MPI is not there yet. */
    clxent_mpi_group *group = NULL;
    assert_refused(clxent_mpi_group_create(MPI_COMM_WORLD, &group), CLXENT_MPI_FAILED, "MPI is not initialised");
    begin_ranks(&argc, &argv);
    failing_plans();
    failing_steps();
    failing_means();
    return end_ranks();
}
