/* What lies in the workspace of a loss: the sums of kernels/reduce.cl, then a loss per row. Calls no OpenCL. */
#ifndef CLX_WORKSPACE_H
#define CLX_WORKSPACE_H

#include "problem.h"

#define CLX_WORKSPACE_ALIGNMENT 16

typedef struct clx_workspace {
    size_t chunks;    /* partial sums, a power of two that depends on the number of rows alone */
    size_t losses_at; /* bytes before the losses of the rows */
    size_t size;      /* bytes in all; 0 for operations that are no loss */
} clx_workspace;

clx_workspace clx_workspace_of(const clx_problem *problem);

/* At most so many loop iterations a work-item spends on the partial sums that fall to it. */
size_t clx_reduce_iterations(size_t rows);

/* Does the pass give losses, does it give gradients? */
bool clx_has_forward(const clx_problem *problem);
bool clx_has_backward(const clx_problem *problem);

/* Are the losses of the rows summed up, rather than given one by one? */
bool clx_sums_losses(const clx_problem *problem);

/* Does the gradient need the sum of the weights first? */
bool clx_needs_divisor(const clx_problem *problem);

#endif
