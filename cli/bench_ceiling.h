/* What the device's memory can do: the ceilings that a loss is measured against. */
#ifndef CLI_BENCH_CEILING_H
#define CLI_BENCH_CEILING_H

#include "clxent.h"

#include <stdbool.h>

typedef struct bench_ceiling {
    cl_program program;
    cl_kernel read, copy;
    size_t items; /* work-items to launch */
    bool strided; /* work-items take vectors in turn, as GPUs like it, not in contiguous shares */
} bench_ceiling;

/* Builds the two kernels. Complains on failure. */
int bench_ceiling_open(bench_ceiling *ceiling, cl_context context, cl_device_id device);
void bench_ceiling_close(bench_ceiling *ceiling);

/* Enqueues a sum over `count` floats of `from`, into one float per work-item of `to`. */
cl_int bench_read(const bench_ceiling *ceiling, cl_command_queue queue, cl_mem from, size_t count, cl_mem to);

/* Enqueues to = 2 * from over `count` floats. */
cl_int bench_copy(const bench_ceiling *ceiling, cl_command_queue queue, cl_mem from, size_t count, cl_mem to);

#endif
