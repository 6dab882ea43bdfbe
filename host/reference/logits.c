/* The logits of a row after their scale and cap, and what a softmax makes of them. */
#include "logits.h"

#include <float.h>
#include <math.h>

/* x' */
static long double scaled(const clx_row *row, const void *input, size_t c) {
    return (long double)row->problem->desc.logit_scale * clx_get(row, input, c);
}

long double clx_logit(const clx_row *row, const void *input, size_t c) {
    double cap = row->problem->desc.logit_softcap;
    long double x = scaled(row, input, c);
    return cap == 0 ? x : cap * tanhl(x / cap);
}

/* 1 - tanh^2 is 1 / cosh^2, which keeps its digits where tanh comes near to 1. */
long double clx_logit_slope(const clx_row *row, const void *input, size_t c) {
    double cap = row->problem->desc.logit_softcap, scale = row->problem->desc.logit_scale;
    if (cap == 0)
        return scale;
    long double cosh = coshl(scaled(row, input, c) / cap);
    return scale / cosh / cosh;
}

/* No test for NaN or infinities: x - m is NaN at every +inf when m is, at every -inf when all are, and at every NaN. */
clx_sums clx_sum_row(const clx_row *row, const void *input) {
    clx_sums sums = {.max = -INFINITY};
    for (size_t c = 0; c < row->classes; c++) {
        long double x = clx_logit(row, input, c);
        if (x > sums.max)
            sums.max = x;
    }
    for (size_t c = 0; c < row->classes; c++)
        sums.sum += exp((double)(clx_logit(row, input, c) - sums.max));
    sums.log_sum = logl(sums.sum);
    return sums;
}

clx_sums clx_sums_from_lse(double lse) {
    return (clx_sums){.max = lse, .sum = 1, .log_sum = 0};
}

long double clx_lse(const clx_sums *sums) {
    return sums->max + sums->log_sum;
}

long double clx_log_prob(const clx_sums *sums, long double x) {
    return (x - sums->max) - sums->log_sum;
}

long double clx_prob(const clx_sums *sums, long double x) {
    return exp((double)(x - sums->max)) / sums->sum;
}

size_t clx_argmax(const clx_row *row, const void *input) {
    bool real_is_double = row->problem->desc.dtype == CLXENT_F64;
    double largest = real_is_double ? -DBL_MAX : -(double)FLT_MAX;
    size_t best = 0;
    for (size_t c = 0; c < row->classes; c++) {
        long double exact = clx_logit(row, input, c);
        double x = real_is_double ? (double)exact : (double)(float)exact;
        if (x > largest) {
            largest = x;
            best = c;
        }
    }
    return best;
}
