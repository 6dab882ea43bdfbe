/* Which kernels one enqueue of a plan launches: the sum of the weights first, where gradients are divided by it; the
 * row operation; the sum of the losses. */
#include "launch.h"

#include "op.h"

/* As in kernels/reduce.cl. */
enum { SUM_LOSSES = 1, SUM_TARGETS = 2, STORE_INVALID = 4, DIVIDE = 8 };
enum { SUM_CHUNKS = 1, ADD_CHUNKS = 2 };

/* Up to here one work-group sums all rows faster than a second launch costs. */
#define ONE_GROUP_ROWS_CPU 65536
#define ONE_GROUP_ROWS_SIMT 16384
#define REDUCE_GROUP 256

static size_t add_reduction(const clxent_plan *plan, cl_uint what, clx_launch *next) {
    const clx_device *device = &plan->core->device;
    size_t group = device->simt ? REDUCE_GROUP : 1;
    if (group > plan->reduce_limit)
        group = plan->reduce_limit;
    if (plan->problem.rows <= (device->simt ? ONE_GROUP_ROWS_SIMT : ONE_GROUP_ROWS_CPU)) {
        next[0] = (clx_launch){true, what, SUM_CHUNKS | ADD_CHUNKS, group, group};
        return 1;
    }
    size_t items = device->simt ? plan->workspace.chunks : device->compute_units * 4;
    next[0] = (clx_launch){true, what, SUM_CHUNKS, (items + group - 1) / group * group, group};
    next[1] = (clx_launch){true, what, ADD_CHUNKS, group, group};
    return 2;
}

size_t clx_list_launches(const clxent_plan *plan, bool count_invalid, clx_launch launches[CLX_MAX_LAUNCHES]) {
    const clx_problem *problem = &plan->problem;
    bool divisor_first = clx_needs_divisor(problem), sums = clx_sums_losses(problem);
    bool mean = problem->desc.reduction == CLXENT_REDUCTION_MEAN;
    cl_uint invalid = count_invalid ? SUM_TARGETS | STORE_INVALID : 0;
    size_t count = 0;
    if (divisor_first || (count_invalid && !sums))
        count += add_reduction(plan, SUM_TARGETS | invalid, launches + count);
    if (problem->rows > 0)
        launches[count++] = (clx_launch){false, 0, 0, plan->global_size, plan->geometry.group_size};
    if (sums) {
        cl_uint what = SUM_LOSSES | (mean ? DIVIDE : 0);
        if (!divisor_first)
            what |= (mean ? SUM_TARGETS : 0) | invalid;
        count += add_reduction(plan, what, launches + count);
    }
    return count;
}
