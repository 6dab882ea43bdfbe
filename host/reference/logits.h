/* The logits of a row after their scale and cap, and what a softmax makes of them: sums, probabilities, the argmax. */
#ifndef CLX_LOGITS_H
#define CLX_LOGITS_H

#include "row.h"

/* x'' of class c: x' = logit_scale * x, and with a cap t: t * tanh(x' / t). */
long double clx_logit(const clx_row *row, const void *input, size_t c);

/* Its derivative, (1 - (x'' / t)^2) * logit_scale. */
long double clx_logit_slope(const clx_row *row, const void *input, size_t c);

/* m, s = sum_c exp(x_c - m) and log s. All NaN or infinite in such a way that every result of the row is NaN, when x
 * is -inf throughout, or has a +inf or a NaN. */
typedef struct clx_sums {
    long double max;
    long double sum;
    long double log_sum;
} clx_sums;

clx_sums clx_sum_row(const clx_row *row, const void *input);

/* The same from a saved lse: then x - m is already log p. */
clx_sums clx_sums_from_lse(double lse);

/* lse = m + log s, lp = (x - m) - log s, and p = exp(lp), formed as exp(x - m) / s. */
long double clx_lse(const clx_sums *sums);
long double clx_log_prob(const clx_sums *sums, long double x);
long double clx_prob(const clx_sums *sums, long double x);

/* The class of the largest x'', the lowest among equals. NaN is passed over, and a row in which nothing lies above the
 * lowest finite number of the real type gives 0. Compares numbers of that type: what is equal there is a tie. */
size_t clx_argmax(const clx_row *row, const void *input);

#endif
