/* The layout of the workspace; kernels/reduce.cl reads it the same way. */
#include "workspace.h"

#include "op.h"

#define RUN 16        /* as in kernels/reduce.cl */
#define LEAST_RUNS 4  /* of a chunk, before there are more chunks: adding up the lanes of one costs time too */
#define TOTALS 64     /* bytes */
#define COUNTS 4      /* of each chunk, uint64_t */
#define SUMS 5        /* of each chunk, real */
#define STATE_SLOT 64 /* as in kernels/engine_row_split.cl */
#define MAP_SLOT 128
#define MAX_CHUNKS 1024 /* enough to fill a device; the chunks themselves are added by one work-group */

bool clx_has_forward(const clx_problem *problem) {
    return problem->desc.pass != CLXENT_BACKWARD;
}

bool clx_has_backward(const clx_problem *problem) {
    return problem->desc.pass != CLXENT_FORWARD;
}

bool clx_sums_rows(const clx_problem *problem) {
    return problem->op->loss && !problem->op->partial;
}

bool clx_sums_losses(const clx_problem *problem) {
    return clx_sums_rows(problem) && clx_has_forward(problem) && problem->desc.reduction != CLXENT_REDUCTION_NONE;
}

bool clx_divides_losses(const clx_problem *problem, bool two_targets) {
    const clxent_desc *desc = &problem->desc;
    bool mean = desc->reduction == CLXENT_REDUCTION_MEAN;
    return clx_sums_losses(problem) && (desc->reg_lambda != 0 || (mean && (two_targets || desc->z_loss != 0)));
}

bool clx_needs_totals(const clx_problem *problem, bool two_targets) {
    const clxent_desc *desc = &problem->desc;
    if (!clx_sums_rows(problem) || problem->op->elementwise || desc->reduction == CLXENT_REDUCTION_NONE)
        return false;
    bool gradient_divides = desc->reduction == CLXENT_REDUCTION_MEAN || desc->reg_lambda != 0;
    return clx_divides_losses(problem, two_targets) || (clx_has_backward(problem) && gradient_divides);
}

/* Packed ones of linear-cross-entropy too, before they go to their places. */
static bool keeps_losses(const clx_problem *problem) {
    return clx_sums_losses(problem) || problem->op->takes & CLX_TAKES_FEATURES;
}

static size_t chunks_for(size_t rows) {
    size_t chunks = 1;
    while (chunks < MAX_CHUNKS && chunks * LEAST_RUNS * RUN < rows)
        chunks *= 2;
    return chunks;
}

/* A chunk's runs, each with loops over its rows for losses, for two targets, for correct rows and for the weights in each
 * part; the tree; a few chunks to a work-item. Saturates. */
size_t clx_reduce_iterations(const clx_problem *problem) {
    size_t runs = (problem->rows + MAX_CHUNKS * RUN - 1) / (MAX_CHUNKS * RUN), parts = problem->desc.parts;
    if (parts > SIZE_MAX / (4 * RUN) || runs > SIZE_MAX / 2 / ((4 + parts) * (RUN + 1)))
        return SIZE_MAX;
    return runs * ((4 + parts) * (RUN + 1)) + 2048;
}

static size_t aligned(size_t bytes) {
    return (bytes + CLX_WORKSPACE_ALIGNMENT - 1) / CLX_WORKSPACE_ALIGNMENT * CLX_WORKSPACE_ALIGNMENT;
}

clx_workspace clx_workspace_of(const clx_problem *problem, const clx_geometry *geometry) {
    clx_workspace workspace = {0};
    if (clx_sums_rows(problem)) {
        workspace.chunks = chunks_for(problem->rows);
        workspace.losses_at =
            aligned(TOTALS + workspace.chunks * (COUNTS * sizeof(uint64_t) + SUMS * problem->real_size));
        workspace.size = workspace.losses_at + (keeps_losses(problem) ? problem->rows * problem->real_size : 0);
    } else if (problem->op->takes & CLX_TAKES_FEATURES) {
        workspace.size = TOTALS; /* where kernels/linear.cl has two numbers */
    }
    if (geometry->splits) {
        workspace.parts_at = aligned(workspace.size);
        workspace.size = workspace.parts_at + problem->rows * (clx_row_chunks(problem) * STATE_SLOT + MAP_SLOT);
    }
    return workspace;
}

/* More than what comes before the losses, with its alignment and that of the parts. */
#define MOST_IN_FRONT ((size_t)1 << 20)

bool clx_workspace_fits(const clx_problem *problem, const clx_geometry *geometry) {
    size_t row = clx_sums_rows(problem) ? problem->real_size : 0;
    if (geometry->splits)
        row += clx_row_chunks(problem) * STATE_SLOT + MAP_SLOT;
    return row == 0 || problem->rows <= ((size_t)PTRDIFF_MAX - MOST_IN_FRONT) / row;
}
