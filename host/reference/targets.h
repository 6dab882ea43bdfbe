/* The two kinds of targets of cross-entropy: class indices and probabilities. Each gives the loss of a row and what
 * stands in the braces of its gradient; cross_entropy.c does the rest, which is the same for both. */
#ifndef CLX_TARGETS_H
#define CLX_TARGETS_H

#include "logits.h"

/* The target of one row. The sum is what the gradient needs of the row as a whole: sum_c w_c for a class index,
 * sum_c w_c q'_c for probabilities. */
typedef struct clx_row_target {
    const clx_problem *problem;
    const clxent_host_args *args;
    const clx_row *row;
    size_t y; /* of class indices */
    long double sum;
} clx_row_target;

/* index_target.c */
long double clx_class_weight_sum(const clx_problem *problem, const clxent_host_args *args);
long double clx_index_loss(const clx_row_target *target, const clx_sums *sums);
long double clx_index_gradient(const clx_row_target *target, size_t k, long double p);

/* probability_target.c */
long double clx_target_mass(const clx_row_target *target);
long double clx_probability_loss(const clx_row_target *target, const clx_sums *sums);
long double clx_probability_gradient(const clx_row_target *target, size_t k, long double p);

#endif
