/* The device buffers that cases are measured on.
 *
 * Each holds as many sets of a case's tensors as make a working set that no cache can hold, and the sets are taken in
 * turn. Buffers are kept for the next case, since the first touch of fresh memory is slow. */
#ifndef CLI_BENCH_BUFFERS_H
#define CLI_BENCH_BUFFERS_H

#include "bench_cases.h"
#include "bench_ceiling.h"

/* Who is in a buffer. */
typedef enum bench_role {
    BENCH_FIRST,     /* what is read: input, or the result of a softmax in its backward pass */
    BENCH_SECOND,    /* target probabilities, or the gradient that comes into a softmax */
    BENCH_RESULT,    /* output or gradient */
    BENCH_FRESH,     /* for in place: what the overwritten input was */
    BENCH_TARGET,    /* class indices */
    BENCH_LOSS,      /* the mean */
    BENCH_WORKSPACE, /* of the plan */
    BENCH_ROLES
} bench_role;

/* Kinds of numbers. */
typedef enum bench_values {
    BENCH_UNTOUCHED,
    BENCH_LOGITS,            /* -8 to 8 */
    BENCH_LOG_PROBABILITIES, /* -8 to 0 */
    BENCH_PROBABILITIES,     /* 0 to 1 */
    BENCH_CLASSES            /* int32_t, 0 to classes - 1 */
} bench_values;

typedef struct bench_buffer {
    cl_mem mem;
    size_t bytes;
    bench_values values; /* what it is filled with, how they are stored, and how far */
    size_t kind;         /* dtype, or number of classes */
    size_t filled;
} bench_buffer;

typedef struct bench_buffers {
    bench_buffer of[BENCH_ROLES];
    bench_role overwritten;       /* in place: the input that is; else BENCH_RESULT */
    size_t sets, next;            /* number of sets, and the one whose turn it is */
    size_t stride, target_stride; /* bytes from one set to the next */
} bench_buffers;

typedef struct bench bench;

/* The device's context and a queue on it, with no buffers yet; closing lets all of them go. Complains on failure. */
int bench_buffers_open(bench *b);
void bench_buffers_close(bench *b);

/* Makes room for a case and fills it. BENCH_CANNOT where the device has too little memory; complains about the rest. */
int bench_buffers_prepare(bench *b, const bench_case *c, size_t workspace);

/* The arguments of a call on one set, and the same tensors of `sets` sets as a ceiling takes them. */
clxent_args bench_buffers_args(const bench_buffers *of, const bench_case *c, size_t set);
bench_span bench_buffers_span(const bench_buffers *of, const bench_case *c, size_t set, size_t sets);

/* Enqueues that the overwritten inputs of these sets become what they were. */
cl_int bench_buffers_restore(const bench_buffers *of, cl_command_queue queue, size_t set, size_t sets);

#endif
