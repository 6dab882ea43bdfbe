/* Which kernels one enqueue of a plan launches: the sum of the weights first, where gradients are divided by it; the
 * row operation; the sum of the losses. */
#include "launch.h"

#include "op.h"

/* As in kernels/reduce.cl. */
enum { SUM_LOSSES = 1, SUM_TARGETS = 2, COUNT_CORRECT = 4, STORE_INVALID = 8, DIVIDE = 16, STORE_WEIGHTS = 32 };
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
        next[0] = (clx_launch){CLX_REDUCE_ROWS, what, SUM_CHUNKS | ADD_CHUNKS, group, group};
        return 1;
    }
    size_t items = device->simt ? plan->workspace.chunks : device->compute_units * 4;
    next[0] = (clx_launch){CLX_REDUCE_ROWS, what, SUM_CHUNKS, (items + group - 1) / group * group, group};
    next[1] = (clx_launch){CLX_REDUCE_ROWS, what, ADD_CHUNKS, group, group};
    return 2;
}

size_t clx_list_row_launches(const clxent_plan *plan, clx_launch *next) {
    const clx_kernel order[] = {CLX_SPLIT_REDUCE, CLX_SPLIT_FINISH, CLX_ROW_OP};
    size_t count = 0;
    for (size_t i = 0; i < sizeof order / sizeof order[0]; i++) {
        clx_launch launch = {order[i], 0, 0, plan->global_size, plan->geometry.group_size};
        if (order[i] == CLX_SPLIT_FINISH) {
            launch.global_size = plan->problem.rows;
            launch.group_size = 1;
        }
        if (plan->kernels[order[i]] != NULL)
            next[count++] = launch;
    }
    return count;
}

size_t clx_list_launches(const clxent_plan *plan, clx_wishes wishes, clx_launch launches[CLX_MAX_LAUNCHES]) {
    const clx_problem *problem = &plan->problem;
    bool mean = problem->desc.reduction == CLXENT_REDUCTION_MEAN && !problem->op->elementwise;
    bool totals_first = clx_needs_totals(problem, wishes.two_targets), sums = clx_sums_losses(problem);
    cl_uint targets = wishes.count_invalid ? SUM_TARGETS | STORE_INVALID : SUM_TARGETS, after = 0;
    targets |= wishes.weight_sum ? STORE_WEIGHTS : 0;
    size_t count = 0;
    if (totals_first)
        count += add_reduction(plan, targets, launches + count);
    if (plan->linear != NULL) /* as one, also for an empty batch, whose gradients are 0 */
        launches[count++] = (clx_launch){CLX_ROW_OP, 0, 0, 0, 0};
    else if (problem->rows > 0)
        count += clx_list_row_launches(plan, launches + count);
    if (sums)
        after |= SUM_LOSSES | (mean && !clx_divides_losses(problem, wishes.two_targets) ? DIVIDE : 0);
    if (!totals_first && ((sums && mean) || wishes.count_invalid || wishes.weight_sum))
        after |= targets;
    if (wishes.count_correct)
        after |= COUNT_CORRECT;
    if (after != 0)
        count += add_reduction(plan, after, launches + count);
    return count;
}
