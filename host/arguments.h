/* Arguments of a kernel: which there are, what they hold, and how to set those that differ from the last call's.
 *
 * Offsets and numbers that a kernel holds already are not set again. A memory object always is: once released, its
 * handle can come back as that of another one, of which the kernel would know nothing. Concurrency: that of the plan's
 * lock. */
#ifndef CLX_ARGUMENTS_H
#define CLX_ARGUMENTS_H

#include "tensor.h"

/* Arguments of the kernels over the rows, in the order of OP_PARAMETERS in kernels/common.cl; a buffer is followed by
 * its offset. */
enum {
    CLX_ARG_BUFFERS = 0, /* the tensors from CLX_INPUT to CLX_GRAD_INPUT, then the workspace */
    CLX_ARG_WORKSPACE = CLX_ARG_BUFFERS + 2 * (CLX_GRAD_INPUT + 1),
    CLX_ARG_BATCH = CLX_ARG_WORKSPACE + 2,
    CLX_ARG_CLASSES,
    CLX_ARG_INNER,
    CLX_ARG_ROW_STRIDE,
    CLX_ARG_IGNORE_INDEX,
    CLX_ARG_NUMBERS, /* label_smoothing, logit_scale, logit_softcap, z_loss, reg_lambda, mix_lambda, grad_scale */
    CLX_ARG_GIVEN = CLX_ARG_NUMBERS + 7,
    CLX_ARG_PARTIALS, /* of shards and their merge alone: the tensors from CLX_PARTIAL to CLX_WEIGHT_SUM, and */
    CLX_ARG_DEALT_OUT = CLX_ARG_PARTIALS + 2 * (CLX_WEIGHT_SUM - CLX_PARTIAL + 1) /* class_start, class_total, parts */
    /* Behind those there are: of engine row_split parts_at; with LOCAL_TILE local memory, and the vectors of it that each
     * tensor has. */
};

/* The first of those. */
static inline cl_uint clx_engine_argument(bool parts) {
    return parts ? CLX_ARG_DEALT_OUT + 3 : CLX_ARG_GIVEN + 1;
}

/* Those of reduce_rows, in the order of kernels/reduce.cl; its buffers come first, see arguments.c. */
enum {
    CLX_SUM_ARG_BATCH = 2 * 11,
    CLX_SUM_ARG_CLASSES,
    CLX_SUM_ARG_INNER,
    CLX_SUM_ARG_IGNORE_INDEX,
    CLX_SUM_ARG_MIX_LAMBDA,
    CLX_SUM_ARG_GIVEN,
    CLX_SUM_ARG_LOSSES_AT,
    CLX_SUM_ARG_CHUNKS,
    CLX_SUM_ARG_WHAT,
    CLX_SUM_ARG_STAGES,
    CLX_SUM_ARG_PARTIAL, /* of the merge alone: the tensor with its offset, and */
    CLX_SUM_ARG_PARTS = CLX_SUM_ARG_PARTIAL + 2
};

/* Buffers by number: the tensors as clx_tensor has them, and the workspace behind them. */
enum { CLX_WORKSPACE = CLX_TENSORS, CLX_BUFFERS };

/* What a kernel holds. */
typedef struct clx_arguments {
    bool sums;        /* is it reduce_rows? */
    bool parts;       /* is it of a shard, or of their merge? */
    unsigned buffers; /* a bit for each that is not null, 1 << number */
    cl_ulong offsets[CLX_BUFFERS];
    cl_uint given, what, stages;
} clx_arguments;

/* Sets one argument, whatever it holds. */
clxent_status clx_set_argument(cl_kernel kernel, cl_uint index, size_t size, const void *value);

/* Every buffer null, every number that calls set 0; `sums` for reduce_rows, `parts` of shards and their merge. */
clxent_status clx_clear_arguments(clx_arguments *held, cl_kernel kernel, bool sums, bool parts);

/* Sets one buffer; null where `buffer` is NULL. One that this kernel does not have is passed over. */
clxent_status clx_set_buffer_argument(clx_arguments *held, cl_kernel kernel, int number, const clxent_buffer *buffer);

/* Sets `given`; and of reduce_rows what to sum and how far. */
clxent_status clx_set_given_argument(clx_arguments *held, cl_kernel kernel, cl_uint given);
clxent_status clx_set_sum_arguments(clx_arguments *held, cl_kernel kernel, cl_uint what, cl_uint stages);

#endif
