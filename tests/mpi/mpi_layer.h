/* A linear cross-entropy whose output layer is dealt out to the ranks, with what clxent_reference says of all its classes. */
#ifndef MPI_LAYER_H
#define MPI_LAYER_H

#include "mpi_case.h"

enum { LAYER_BATCH = 7, LAYER_WIDTH = 6, LAYER_STRIDE = 9, LAYER_MOST = 16 };

typedef struct mpi_layer {
    clxent_desc desc; /* of this rank's shard */
    size_t classes, first,
        stride; /* of all ranks; the first of this one; from a row of the hidden states to the next */
    double hidden[LAYER_BATCH * LAYER_STRIDE], weight[LAYER_MOST * LAYER_WIDTH], bias[LAYER_MOST];
    int32_t target[LAYER_BATCH];
    double loss, grad_hidden[LAYER_BATCH * LAYER_STRIDE]; /* what is expected */
    double grad_weight[LAYER_MOST * LAYER_WIDTH], grad_bias[LAYER_MOST];
    clxent_mpi_plan *plan;
    clxent_args args;
} mpi_layer;

/* Arrays, with numbers that every type holds exactly, buffers and plan; `padded`: the rows of the hidden states do not lie side by
 * side; `before`: so many numbers are in front of grad_input in its buffer. */
void layer_open(mpi_layer *l, clxent_dtype dtype, bool padded, size_t before);
void layer_close(mpi_layer *l);

/* Both passes and the sum of grad_input, which must be right, and the same on all ranks. */
void layer_check(mpi_layer *l);

#endif
