/* A communicator of the library's own, and how its ranks agree on a status. */
#ifndef CLX_MPI_GROUP_H
#define CLX_MPI_GROUP_H

#include "clxent_mpi.h"
#include "format.h"

#include <stdbool.h>

/* What a rank adds to a mean; no number of it is looked at as an integer. */
typedef struct clx_mpi_share {
    double loss, weights, samples;
} clx_mpi_share;

struct clxent_mpi_group {
    MPI_Comm comm;
    int rank, ranks;
    int64_t *calls;        /* of all ranks, what they called */
    clx_mpi_share *shares; /* of all ranks */
    double mpi_seconds;    /* in calls of MPI that wait */
};

/* Which function a rank is in; behind it, from CLX_MPI_DETAIL on, is a bit for each thing that ranks are to agree in there. */
typedef enum clx_mpi_call {
    CLX_MPI_CREATE = 1,
    CLX_MPI_FORWARD,
    CLX_MPI_FORWARD_END,
    CLX_MPI_BACKWARD,
    CLX_MPI_BACKWARD_END,
    CLX_MPI_SUM,
    CLX_MPI_SUM_END,
    CLX_MPI_MEAN,
    CLX_MPI_DETAIL = 16
} clx_mpi_call;

enum { CLX_MPI_WEIGHT = 1, CLX_MPI_SAMPLE_WEIGHT = 2, CLX_MPI_GRAD_OUTPUT = 4, CLX_MPI_EMPTY_MEAN_ZERO = 8 };

/* Records one sentence as this thread's last error and returns `status`. */
clxent_status clx_mpi_fail(clxent_status status, const char *format, ...) CLX_PRINTF(2, 3);

/* The same for a call of OpenCL, or of MPI, that may have failed. */
clxent_status clx_mpi_cl(cl_int error, const char *what);
clxent_status clx_mpi_check(int error, const char *what);

/* Every rank says how it has fared and what it is doing. All get SUCCESS where all had it and are doing the same; else the status of
 * the lowest rank in trouble, and its sentence behind "rank 2: ". */
clxent_status clx_mpi_agree(clxent_mpi_group *group, clxent_status status, int64_t call);

#endif
