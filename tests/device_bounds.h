/* How far a result may be off: the error allowed is the sum of magnitudes, each times its factor in the table of
 * device_bounds.c, in units of the epsilon of the real type, in which the arithmetic is. The magnitude of a sum is that
 * of its absolute values. */
#ifndef DEVICE_BOUNDS_H
#define DEVICE_BOUNDS_H

#include "device_cases.h"

typedef enum source {
    EXPONENT,
    EXPONENTIAL,
    LOGARITHM,
    SCALED_LOGIT,
    CAPPED_LOGIT,
    CAP_SLOPE,
    SUM_OF_EXP,
    LINEAR_SUM,
    WEIGHT_SUM,
    GRADIENT_SUM,
    ELEMENT_SUM,
    TOTAL,
    PRODUCTS
} source;

/* Of a sum of so many terms, or, with none, of a single step. */
double errors_of(source what, size_t terms);

/* a * b, where a chance that is 0 has no error however far the exponent lies. */
double times(double a, double b);

/* The relative error that an error of the exponent makes, both in epsilons; the same but for very large ones. */
double error_of_exp(const device_data *d, double exponent_error);

/* Ends the test where element i is not what the reference has: NaN must meet NaN and infinities the same infinity, and
 * anything else may be off by `error` epsilons, by a little around 0 for numbers of this magnitude, and by what rounding
 * to the storage type adds. A magnitude of 0: exact. */
void compare_number(const device_data *d, clx_tensor tensor, size_t i, double error, double magnitude);

/* Numbers as they were before. */
double number_before(const device_data *d, clx_tensor tensor, size_t i);
/* The same, or 1 where there is no such tensor. */
double factor_before(const device_data *d, clx_tensor tensor, size_t i);

/* compare_cross_entropy.c, compare_nll_loss.c, compare_binary_cross_entropy.c, compare_softmax.c */
void compare_cross_entropy(const device_data *d);
void compare_nll_loss(const device_data *d);
void compare_binary_cross_entropy(const device_data *d);
void compare_softmax(const device_data *d);

/* What a target's mean divides by: the sums over the rows that count of u w[y] (of u for probabilities), and of u. */
typedef struct divisors {
    double weights, samples;
} divisors;

divisors sum_targets(const device_data *d, clx_tensor target);
/* Does the row count for the target: is it a class that is not ignored, or are targets probabilities? */
bool row_counts(const device_data *d, clx_tensor target, size_t row);
/* The size of the incoming gradient, element i of it where there are several. */
double incoming_gradient(const device_data *d, size_t i);
/* What the error of a gradient becomes where it is added to one that was there. */
double accumulated(const device_data *d, size_t element, double error);

/* max, log of the sum of exp, and what the sum is off by, of the logits x of a row with their errors. log p =
 * (x - top) - log_sum. */
typedef struct exp_sum {
    double top, log_sum, error;
} exp_sum;

exp_sum sum_of_exp(const device_data *d, size_t classes, const double *x, const double *errors);

#endif
