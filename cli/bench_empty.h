/* Empty kernels that take as many arguments as those of the library: the bare cost of a launch. */
#ifndef CLI_BENCH_EMPTY_H
#define CLI_BENCH_EMPTY_H

#include "clxent.h"

/* As many arguments as kernels/common.cl and kernels/reduce.cl have. */
typedef enum empty_kind { OVER_ROWS, OF_SUMS, EMPTY_KINDS } empty_kind;

typedef struct bench_empty {
    cl_program programs[EMPTY_KINDS];
    cl_kernel kernels[EMPTY_KINDS];
} bench_empty;

cl_int bench_empty_open(bench_empty *empty, cl_context cl, cl_device_id device);
void bench_empty_close(bench_empty *empty);

/* Sets that many buffers and their offsets, and launches one work-item, behind `after` where that is not NULL. */
cl_int bench_empty_launch(const bench_empty *empty, empty_kind kind, cl_command_queue queue, int buffers,
                          const cl_mem *memory, const cl_event *after);

#endif
