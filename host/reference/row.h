/* What the operations of the reference share: elements of either type as numbers, the rows of a tensor, targets and
 * weights, the reduction of losses, and the sums behind a softmax.
 *
 * Elements are read as double and values are rounded once, when they are stored. Sums, and what is a difference of
 * nearly equal numbers, are kept in long double, which costs little and is exact enough to judge double kernels by. */
#ifndef CLX_ROW_H
#define CLX_ROW_H

#include "op.h"

/* One row. Its class c is element first + c * step of every tensor of the logits' shape. */
typedef struct clx_row {
    clxent_dtype storage;
    size_t first, step;
    size_t classes;
} clx_row;

/* Row number n * inner + j, which is also the place of its target, loss and lse. */
clx_row clx_get_row(const clx_problem *problem, size_t index);

/* The element of class c, in a tensor of the logits' shape. */
double clx_get(const clx_row *row, const void *tensor, size_t c);
void clx_put(const clx_row *row, void *tensor, size_t c, long double value);
void clx_put_zeros(const clx_row *row, void *tensor);

/* Element i of an array of the real type: losses, lse, weights, a loss's incoming gradient. */
double clx_get_real(const clx_problem *problem, const void *array, size_t i);
void clx_put_real(const clx_problem *problem, void *array, size_t i, long double value);

/* Does a row with this target count: is it in S? */
bool clx_row_counts(const clx_problem *problem, int64_t target);

/* w_c, 1 when there are no weights. */
double clx_get_weight(const clx_problem *problem, const clxent_host_args *args, size_t c);

/* -w * lp, but 0 for a class without weight even where lp is infinite. Never a negative zero. */
long double clx_weighted_loss(double weight, long double log_prob);

/* What losses and gradients are divided by: W, the sum of w[y] over S, for a mean, and NaN where W is 0; otherwise 1.
 */
long double clx_loss_divisor(const clx_problem *problem, const clxent_host_args *args);

/* t = g / divisor, where g is the row's own incoming gradient, the only one, or 1. */
long double clx_grad_scale(const clx_problem *problem, const clxent_host_args *args, size_t row, long double divisor);

/* Adds a row's loss to the total and, without a reduction, stores it. After the last row, clx_put_total stores the
 * mean or the sum. */
void clx_add_loss(const clx_problem *problem, const clxent_host_args *args, size_t row, long double loss,
                  long double *total);
void clx_put_total(const clx_problem *problem, const clxent_host_args *args, long double total, long double divisor);

/* m, s = sum_c exp(x_c - m) and log s. All NaN or infinite in such a way that every result of the row is NaN, when x
 * is -inf throughout, or has a +inf or a NaN. */
typedef struct clx_sums {
    double max;
    long double sum;
    long double log_sum;
} clx_sums;

clx_sums clx_sum_row(const clx_row *row, const void *input);

/* The same from a saved lse: then x - m is already log p. */
clx_sums clx_sums_from_lse(double lse);

/* lp = (x - m) - log s, and p = exp(lp), formed as exp(x - m) / s. */
long double clx_log_prob(const clx_sums *sums, double x);
long double clx_prob(const clx_sums *sums, double x);

#endif
