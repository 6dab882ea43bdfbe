/* Results of the device against those of the reference. An element passes where
 *     |got - expected| <= atol * scale + k * eps * |expected|
 * with eps that of the storage type and `scale` that of the gradient (1 for other results). Infinities and NaN must be
 * the same. Never a mean over elements: one wrong element in a million is a bug. */
#include "check_compare.h"

#include "verify.h"

#include <float.h>
#include <math.h>
#include <string.h>

typedef enum result_kind { RESULT_PROBABILITY, RESULT_LOG, RESULT_SUM_GRADIENT, RESULT_GRADIENT } result_kind;

typedef struct tolerance {
    double k, atol;
} tolerance;

/* Reasons, by row:
 *   probability    x - max is rounded once and its exp multiplies that by up to 87, so k is above 44 + a few for the
 *                  sum. Purely relative, down to where exp is cut off: there is no cancellation in a quotient.
 *   logarithm      losses, lse and log-probabilities are differences of numbers that the sum of exp has an error of a
 *                  few eps in, absolute where the result is close to 0.
 *   sum gradient   log-softmax backward: the sum of as many random gradients as there are classes comes with an error
 *                  that grows like the square root of their number, which `scale` takes in.
 *   gradient       at the target p - 1 cancels: a few eps of the gradient's scale, absolute.                       */
static const tolerance tolerances[][2] = {
    [RESULT_PROBABILITY] = {[CLXENT_F32] = {64, 1e-36}, [CLXENT_F64] = {64, 1e-300}},
    [RESULT_LOG] = {[CLXENT_F32] = {32, 1e-6}, [CLXENT_F64] = {64, 1e-14}},
    [RESULT_SUM_GRADIENT] = {[CLXENT_F32] = {32, 1e-6}, [CLXENT_F64] = {64, 1e-14}},
    [RESULT_GRADIENT] = {[CLXENT_F32] = {32, 1e-6}, [CLXENT_F64] = {64, 1e-14}},
};

static void compare(check_worst *worst, const check_case *c, result_kind kind, const char *tensor, double scale,
                    const void *got, const void *expected, size_t elements) {
    const clxent_dtype dtype = c->desc.dtype;
    const tolerance *allowed = &tolerances[kind][dtype];
    const double eps = dtype == CLXENT_F32 ? FLT_EPSILON : DBL_EPSILON;
    for (size_t i = 0; got != NULL && i < elements; i++) {
        double a = check_get(dtype, got, i), b = check_get(dtype, expected, i), error = value_error(a, b);
        if (error == 0)
            continue;
        double ratio = isinf(error) ? INFINITY : error / (allowed->atol * scale + allowed->k * eps * fabs(b));
        if (ratio > worst->ratio)
            *worst = (check_worst){ratio, tensor, i, a, b};
    }
}

check_worst check_compare(const check_data *data, const check_case *c) {
    check_worst worst = {0};
    clxent_op op = c->desc.op;
    bool sums = op == CLXENT_LOG_SOFTMAX;
    double scale = sums ? data->scale * sqrt((double)c->desc.classes) : data->scale;
    compare(&worst, c, op == CLXENT_SOFTMAX ? RESULT_PROBABILITY : RESULT_LOG, "output", 1, data->got.output,
            data->expected.output, data->output_elements);
    compare(&worst, c, RESULT_LOG, "lse", 1, data->got.lse, data->expected.lse, data->rows);
    compare(&worst, c, sums ? RESULT_SUM_GRADIENT : RESULT_GRADIENT, "grad_input", scale, data->got.grad_input,
            data->expected.grad_input, data->span);
    return worst;
}
