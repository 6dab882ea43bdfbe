/* Linear cross-entropy as a plan: a chunk of rows at a time, whose logits are a matrix product in the workspace, then a
 * cross-entropy of them in place, then the products that its gradient goes into.
 *
 * Whole rows of logits, and as many rows as workspace_limit has room for, rather than a tile of classes: so nothing has
 * to be computed a second time for the gradient, which would be a third more work. */
#ifndef CLX_LINEAR_H
#define CLX_LINEAR_H

#include "plan.h"

typedef enum clx_linear_kernel {
    CLX_LIST_ROWS,
    CLX_PACK_ROWS,
    CLX_CLEAR_IGNORED,
    CLX_PACK_HIDDEN,
    CLX_UNPACK_HIDDEN,
    CLX_UNPACK_ROWS,
    CLX_SUM_COLUMNS,
    CLX_FILL_ROWS,
    CLX_LIMIT_ROWS,
    CLX_PRODUCT_LOGITS,
    CLX_PRODUCT_HIDDEN,
    CLX_PRODUCT_WEIGHT,
    CLX_LINEAR_KERNELS /* their number */
} clx_linear_kernel;

#define CLX_ITEMS_OF_UNIT 4 /* work-items for each compute unit of a CPU, for an even load */

struct clx_linear {
    clxent_plan *rows; /* cross-entropy of a chunk's logits */
    cl_kernel kernels[CLX_LINEAR_KERNELS];
    size_t side;   /* of a group's square in product_in_groups.cl; 0: products by product_in_panels.cl */
    size_t lanes;  /* of the program of the products */
    size_t lister; /* work-items that list the rows */
    size_t chunk;  /* rows of a chunk */
    clxent_product_function function; /* for products in place of those kernels, else NULL; under the plan's lock */
    void *user;
    size_t steps; /* of a product's sum in one launch, at most */
    size_t logits_stride,
        hidden_stride; /* numbers from one row to the next: no power of two, which would crowd a cache */
    /* Bytes in the workspace: of packed rows the list, targets, weights, incoming gradients and lse; of a chunk the
     * hidden states, the logits, the gradients of the hidden states, limits for the filter, and what engine row_split needs. */
    size_t list_at, targets_at, weights_at, grads_at, lse_at, hidden_at, logits_at, hidden_grads_at, limits_at,
        parts_at;
};

/* Decides the chunk, builds the programs, makes the kernels. The plan's kernel for sums comes with it. */
clxent_status clx_linear_create(clxent_plan *plan);
void clx_linear_destroy(clx_linear *linear);

/* "product_logits" */
const char *clx_linear_kernel_name(clx_linear_kernel kernel);

/* Kernels that one call launches for the rows. */
size_t clx_linear_launches(const clxent_plan *plan);

/* One call of clxent_enqueue, under the plan's lock. */
typedef struct clx_linear_call {
    cl_command_queue queue;
    clxent_plan *plan;
    const clxent_args *args;
    unsigned tensors; /* a bit for each that there is */
    cl_uint given;    /* the argument of the kernels over the rows */
    bool in_order;
} clx_linear_call;

/* Enqueues them, behind wait_list; *event, if it is not null, is that of the last. */
clxent_status clx_linear_enqueue(const clx_linear_call *call, cl_uint wait_count, const cl_event *wait_list,
                                 cl_event *event);

#endif
