/* The layout of the workspace; kernels/reduce.cl reads it the same way. */
#include "workspace.h"

#include "op.h"

#define RUN 16          /* as in kernels/reduce.cl */
#define MAX_CHUNKS 1024 /* enough to fill a device; the chunks themselves are added by one work-group */

bool clx_has_forward(const clx_problem *problem) {
    return problem->desc.pass != CLXENT_BACKWARD;
}

bool clx_has_backward(const clx_problem *problem) {
    return problem->desc.pass != CLXENT_FORWARD;
}

bool clx_sums_losses(const clx_problem *problem) {
    return problem->op->loss && clx_has_forward(problem) && problem->desc.reduction != CLXENT_REDUCTION_NONE;
}

bool clx_needs_divisor(const clx_problem *problem) {
    return problem->op->loss && clx_has_backward(problem) && problem->desc.reduction == CLXENT_REDUCTION_MEAN;
}

static size_t chunks_for(size_t rows) {
    size_t chunks = 1;
    while (chunks < MAX_CHUNKS && chunks * RUN < rows)
        chunks *= 2;
    return chunks;
}

/* A chunk's runs, each with loops over its rows for losses and for targets; the tree; a few chunks to a work-item. */
size_t clx_reduce_iterations(size_t rows) {
    size_t runs = (rows + MAX_CHUNKS * RUN - 1) / (MAX_CHUNKS * RUN);
    return runs * (2 * RUN + 2) + 1024;
}

clx_workspace clx_workspace_of(const clx_problem *problem) {
    clx_workspace workspace = {0};
    if (!problem->op->loss)
        return workspace;
    workspace.chunks = chunks_for(problem->rows);
    size_t head = (2 + 2 * workspace.chunks) * problem->real_size + workspace.chunks * sizeof(uint64_t);
    workspace.losses_at = (head + CLX_WORKSPACE_ALIGNMENT - 1) / CLX_WORKSPACE_ALIGNMENT * CLX_WORKSPACE_ALIGNMENT;
    workspace.size = workspace.losses_at + (clx_sums_losses(problem) ? problem->rows * problem->real_size : 0);
    return workspace;
}
