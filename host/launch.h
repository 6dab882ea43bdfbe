/* Which kernels one enqueue of a plan launches, in order. Calls no OpenCL. */
#ifndef CLX_LAUNCH_H
#define CLX_LAUNCH_H

#include "plan.h"

typedef struct clx_launch {
    clx_kernel kernel;
    cl_uint what;   /* of reduce_rows: which sums */
    cl_uint stages; /* of reduce_rows: over the rows, over the partial sums, or both */
    size_t global_size;
    size_t group_size;
} clx_launch;

#define CLX_MAX_LAUNCHES 7

/* What a call has that a plan does not know. */
typedef struct clx_wishes {
    bool count_invalid, count_correct, two_targets;
} clx_wishes;

/* Fills `launches` and gives their number, which may be 0. */
size_t clx_list_launches(const clxent_plan *plan, clx_wishes wishes, clx_launch launches[CLX_MAX_LAUNCHES]);

#endif
