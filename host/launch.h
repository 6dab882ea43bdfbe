/* Which kernels one enqueue of a plan launches, in order. Calls no OpenCL. */
#ifndef CLX_LAUNCH_H
#define CLX_LAUNCH_H

#include "plan.h"

typedef struct clx_launch {
    bool reduce;    /* reduce_rows, else row_op */
    cl_uint what;   /* of reduce_rows: which sums */
    cl_uint stages; /* of reduce_rows: over the rows, over the partial sums, or both */
    size_t global_size;
    size_t group_size;
} clx_launch;

#define CLX_MAX_LAUNCHES 5

/* Fills `launches` and gives their number, which may be 0. */
size_t clx_list_launches(const clxent_plan *plan, bool count_invalid, clx_launch launches[CLX_MAX_LAUNCHES]);

#endif
