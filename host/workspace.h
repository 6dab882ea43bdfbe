/* What lies in the workspace: for a loss the sums of kernels/reduce.cl and a loss per row; for engine row_split the
 * states of the chunks and the maps of the rows. Calls no OpenCL. */
#ifndef CLX_WORKSPACE_H
#define CLX_WORKSPACE_H

#include "engine.h"

#define CLX_WORKSPACE_ALIGNMENT 16

typedef struct clx_workspace {
    size_t chunks;    /* partial sums, a power of two that depends on the number of rows alone */
    size_t losses_at; /* bytes before the losses of the rows */
    size_t parts_at;  /* bytes before the states of row_split */
    size_t size;      /* bytes in all */
} clx_workspace;

/* Can its bytes be counted? A row may take more of them than it has itself. */
bool clx_workspace_fits(const clx_problem *problem, const clx_geometry *geometry);

clx_workspace clx_workspace_of(const clx_problem *problem, const clx_geometry *geometry);

/* At most so many loop iterations a work-item spends on the partial sums that fall to it. */
size_t clx_reduce_iterations(const clx_problem *problem);

/* Does the pass give losses, does it give gradients? */
bool clx_has_forward(const clx_problem *problem);
bool clx_has_backward(const clx_problem *problem);

/* Is anything summed over the rows? A shard leaves that to the merge. */
bool clx_sums_rows(const clx_problem *problem);

/* Are the losses of the rows summed up, rather than given one by one? */
bool clx_sums_losses(const clx_problem *problem);

/* Is a row's loss divided before it is summed? It is where its terms have different divisors: with a second target, a
 * z-loss beside class weights, a regulariser. */
bool clx_divides_losses(const clx_problem *problem, bool two_targets);

/* Must the sums of the weights be there before the rows are done, for losses or for gradients? */
bool clx_needs_totals(const clx_problem *problem, bool two_targets);

#endif
