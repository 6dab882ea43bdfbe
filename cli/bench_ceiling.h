/* What the device's memory can do: the ceilings that operations are measured against.
 *
 * A ceiling reads and writes as many tensors as the operation does, at the same places, and computes next to nothing.
 * There are several kernels for each, since what reaches the most is not the same everywhere; the fastest is chosen on
 * the buffers of the line. */
#ifndef CLI_BENCH_CEILING_H
#define CLI_BENCH_CEILING_H

#include "device.h"

#include <stdbool.h>

typedef enum bench_motion {
    BENCH_READ,     /* sum of one tensor */
    BENCH_READ_TWO, /* sum of two */
    BENCH_COPY,     /* one, scaled, into another or itself */
    BENCH_COPY_TWO, /* the sum of two, scaled, into a third or one of them */
    BENCH_WRITE,    /* writes one */
    BENCH_MOTIONS
} bench_motion;

enum { BENCH_VARIANTS = 7 };

typedef struct bench_ceiling {
    cl_program program;
    cl_kernel kernels[BENCH_MOTIONS][BENCH_VARIANTS]; /* NULL: not for this device */
    cl_kernel empty;
    size_t items, group; /* work-items to launch, and of a work-group */
    size_t vector;       /* bytes that a work-item moves at a time */
    cl_mem sums;         /* one number per work-item */
} bench_ceiling;

/* Which part of which buffers; those that the motion does not use are ignored. */
typedef struct bench_span {
    cl_mem first, second, result;
    size_t offset, bytes; /* of each buffer; the offset is a multiple of 64 */
} bench_span;

/* Builds the kernels. Complains on failure. */
int bench_ceiling_open(bench_ceiling *ceiling, cl_context context, const cli_device *device);
void bench_ceiling_close(bench_ceiling *ceiling);

/* Enqueues one kernel. */
cl_int bench_ceiling_enqueue(const bench_ceiling *ceiling, cl_command_queue queue, bench_motion motion, size_t variant,
                             const bench_span *span);

/* The bytes of each buffer that it gets to: all but a remainder that the work-items cannot share evenly. */
size_t bench_ceiling_bytes(const bench_ceiling *ceiling, size_t variant, size_t bytes);

#endif
