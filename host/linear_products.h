/* The matrix products of a chunk, by kernels/product*.cl or by a function of the caller's. */
#ifndef CLX_LINEAR_PRODUCTS_H
#define CLX_LINEAR_PRODUCTS_H

#include "linear_chain.h"

/* As in kernels/linear.cl and kernels/product.cl. */
enum { CLX_ROWS_BEHIND = 1, CLX_BIAS_AS_ROWS = 2 };
enum { CLX_ADDS = 1, CLX_ROWS_COUNTED = 2, CLX_DEPTH_COUNTED = 4, CLX_HAS_BIAS = 8, CLX_FILTERS = 16 };

clxent_status clx_multiply_logits(clx_chain *c);
clxent_status clx_multiply_hidden(clx_chain *c, size_t first); /* of the chunk's rows */
clxent_status clx_multiply_weight(clx_chain *c, bool adds);

/* How many launches, or calls, each of them is. */
size_t clx_logits_launches(const clxent_plan *plan, bool bias);
size_t clx_hidden_launches(const clxent_plan *plan);
size_t clx_weight_launches(const clxent_plan *plan);

#endif
