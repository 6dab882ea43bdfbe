/* What the tests of clxent_mpi share: a cross-entropy whose classes are dealt out to the ranks, as in shard_cases.h, with its buffers
 * and its plan on this rank.
 *
 * Tests run without CMocka's runner: a rank whose assertion fails ends, and mpirun ends the others. */
#ifndef MPI_CASE_H
#define MPI_CASE_H

#include "api_fixture.h"
#include "shard_cases.h"

#include "clxent_mpi.h"

extern int the_rank, the_ranks;

/* MPI and the device; `end_ranks` gives the exit status. */
void begin_ranks(int *argc, char ***argv);
int end_ranks(void);

/* A case, with the same arrays on all ranks. */
typedef struct mpi_case {
    shard_data d;
    clxent_mpi_plan *plan;
    clxent_args args;
    size_t start, classes; /* of this rank */
    size_t input_bytes, rows_bytes;
    char *before; /* what the gradient's tensor held at first */
} mpi_case;

/* Sizes of the shards, of which the first `the_ranks` are taken: batch rows of them, F32. */
shard_case case_of_sizes(size_t batch, const size_t *sizes);

/* The descriptor of a rank's shard, without its place among the classes. */
clxent_desc rank_desc(const shard_case *c, int rank);

/* Arrays, buffers and plan; `blocks` as in clxent_mpi_plan_create. */
void case_open(mpi_case *m, const shard_case *c, uint64_t seed, size_t blocks);
void case_close(mpi_case *m);

/* Buffers and arguments alone, without a plan. */
void case_put(mpi_case *m, const shard_case *c, uint64_t seed);

/* Fills the buffers as they were at first. */
void case_reset(mpi_case *m);

/* Both passes; the status is that of the one that failed. */
clxent_status case_step(mpi_case *m);

/* Brings the results of all ranks into d, on every rank; what a rank says of all classes must have the same bits on all. */
void case_fetch(mpi_case *m);

/* A step that must be right. */
void case_check(mpi_case *m);

/* Ends the test where the bytes are not the same on all ranks. */
void expect_same_on_all_ranks(const void *bytes, size_t size, const char *what);

/* All ranks have this status, and the last error holds this text. */
void expect_on_all_ranks(clxent_status got, clxent_status status, const char *text);

#endif
