/* What the operations of the reference share: elements of every type as numbers, the rows of a tensor, weights, the
 * divisors of a mean, and incoming gradients.
 *
 * Elements are read as double and values are rounded once, when they are stored. Sums, and what is a difference of
 * nearly equal numbers, are kept in long double, which costs little and is exact enough to judge double kernels by. */
#ifndef CLX_ROW_H
#define CLX_ROW_H

#include "op.h"

/* One row. Its class c is element first + c * step of every tensor of the logits' shape. */
typedef struct clx_row {
    const clx_problem *problem;
    size_t index; /* n * inner + j, which is also the place of its target, loss and lse */
    size_t first, step;
    size_t classes;
} clx_row;

clx_row clx_get_row(const clx_problem *problem, size_t index);

/* The place of class c in a tensor of the logits' shape, and the element there, in a tensor of the storage type. */
size_t clx_place_of(const clx_row *row, size_t c);
double clx_get(const clx_row *row, const void *tensor, size_t c);
void clx_put(const clx_row *row, void *tensor, size_t c, long double value);

/* Element i of an array of the real type: losses, lse, weights, a loss's incoming gradient. */
double clx_get_real(const clx_problem *problem, const void *array, size_t i);
void clx_put_real(const clx_problem *problem, void *array, size_t i, long double value);

/* A gradient into grad_input: stored there, or with ACCUMULATE_GRAD added to what is there, and rounded once. A
 * gradient of zeros then leaves the row as it is. */
void clx_put_gradient(const clx_row *row, void *grad_input, size_t c, long double value);
void clx_put_zero_gradient(const clx_row *row, void *grad_input);

/* Does a row with this target count: is it in S? */
bool clx_row_counts(const clx_problem *problem, int64_t target);

/* w_c, and the u of a row; 1 when there are no such weights. */
double clx_get_weight(const clx_problem *problem, const clxent_host_args *args, size_t c);
double clx_get_row_weight(const clx_problem *problem, const clxent_host_args *args, size_t row);

/* factor * value, but a factor of 0 takes an infinity with it. A NaN stays: no weight hides a broken network. */
long double clx_times(long double factor, long double value);

/* -w * lp in the same way. Never a negative zero. */
long double clx_weighted_loss(long double weight, long double log_prob);

/* What a mean divides by, for one array of targets (NULL: every row counts, and class weights do not). */
typedef struct clx_divisors {
    size_t rows;   /* the number of rows in S */
    long double w; /* W, the sum over S of u * w[y], and NaN where that is 0 */
    long double u; /* U, the sum over S of u, likewise */
} clx_divisors;

clx_divisors clx_get_divisors(const clx_problem *problem, const clxent_host_args *args, const void *target);

/* The sums themselves, which may be 0, as they go into weight_sum, if that is given; and what they are to a mean. */
clx_divisors clx_sum_weights(const clx_problem *problem, const clxent_host_args *args, const void *target);
void clx_put_weight_sum(const clx_problem *problem, const clxent_host_args *args, const clx_divisors *sums);
clx_divisors clx_over_nothing(clx_divisors sums);

/* A mean over nothing: NaN, or 0 with EMPTY_MEAN_ZERO. */
long double clx_empty_mean(const clx_problem *problem);

/* g * grad_scale, where g is element i of the incoming gradient, or its only one with a reduction, or 1. */
long double clx_incoming(const clx_problem *problem, const clxent_host_args *args, size_t i);

#endif
