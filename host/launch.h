/* Which kernels one enqueue of a plan launches, in order. Calls no OpenCL. */
#ifndef CLX_LAUNCH_H
#define CLX_LAUNCH_H

#include "plan.h"

/* What a call has that a plan does not know. */
typedef struct clx_wishes {
    bool count_invalid, count_correct, two_targets, weight_sum;
} clx_wishes;

/* Fills `launches` and gives their number, which may be 0. */
size_t clx_list_launches(const clxent_plan *plan, clx_wishes wishes, clx_launch launches[CLX_MAX_LAUNCHES]);

/* Those of the kernels over the rows alone. */
size_t clx_list_row_launches(const clxent_plan *plan, clx_launch *next);

#endif
