/* Results of the device against those of the reference. An element passes where
 *     |got - expected| <= atol * scale + k * eps * |expected| + spacing
 * with eps and spacing those of the element's type, and `scale` that of the gradient (1 for other results). Infinities
 * and NaN must be the same. Never a mean over elements: one wrong element in a million is a bug. */
#include "check_compare.h"

#include "verify.h"

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
 *   gradient       at the target p - 1 cancels: a few eps of the gradient's scale, absolute.
 * The 16-bit types are computed as F32 is and then rounded, so their atol is that of F32. Got and expected are each
 * rounded to half an eps, and the k of F32 is less than a hundredth of a 16-bit eps: together 1, and a little. */
static const tolerance tolerances[][4] = {
    [RESULT_PROBABILITY] = {[CLXENT_F32] = {64, 1e-36},
                            [CLXENT_F64] = {64, 1e-300},
                            [CLXENT_F16] = {1.02, 1e-36},
                            [CLXENT_BF16] = {1.02, 1e-36}},
    [RESULT_LOG] = {[CLXENT_F32] = {32, 1e-6},
                    [CLXENT_F64] = {64, 1e-14},
                    [CLXENT_F16] = {1.02, 1e-6},
                    [CLXENT_BF16] = {1.02, 1e-6}},
    [RESULT_SUM_GRADIENT] = {[CLXENT_F32] = {32, 1e-6},
                             [CLXENT_F64] = {64, 1e-14},
                             [CLXENT_F16] = {1.02, 1e-6},
                             [CLXENT_BF16] = {1.02, 1e-6}},
    [RESULT_GRADIENT] = {[CLXENT_F32] = {32, 1e-6},
                         [CLXENT_F64] = {64, 1e-14},
                         [CLXENT_F16] = {1.02, 1e-6},
                         [CLXENT_BF16] = {1.02, 1e-6}},
};

/* The distance of neighbouring numbers, relative to a number of 1, and the least one, among subnormal numbers. The
 * latter matters in half precision alone, where each side is rounded to 2^-25 at best; in the others it is far below
 * where exp is cut off. */
static const struct {
    double eps, spacing;
} precisions[] = {[CLXENT_F32] = {0x1p-23, 0},
                  [CLXENT_F64] = {0x1p-52, 0},
                  [CLXENT_F16] = {0x1p-10, 0x1p-24},
                  [CLXENT_BF16] = {0x1p-7, 0}};

static void compare(check_worst *worst, clxent_dtype type, result_kind kind, const char *tensor, double scale,
                    const void *got, const void *expected, size_t elements) {
    const tolerance *allowed = &tolerances[kind][type];
    for (size_t i = 0; got != NULL && i < elements; i++) {
        double a = check_get(type, got, i), b = check_get(type, expected, i), error = value_error(a, b);
        if (error == 0)
            continue;
        double tolerated =
            allowed->atol * scale + allowed->k * precisions[type].eps * fabs(b) + precisions[type].spacing;
        double ratio = isinf(error) ? INFINITY : error / tolerated;
        if (ratio > worst->ratio)
            *worst = (check_worst){ratio, tensor, i, a, b};
    }
}

check_worst check_compare(const check_data *data, const check_case *c) {
    check_worst worst = {0};
    clxent_op op = c->desc.op;
    bool sums = op == CLXENT_LOG_SOFTMAX;
    double scale = sums ? data->scale * sqrt((double)c->desc.classes) : data->scale;
    compare(&worst, check_output_type(c), op == CLXENT_SOFTMAX ? RESULT_PROBABILITY : RESULT_LOG, "output", 1,
            data->got.output, data->expected.output, data->output_elements);
    compare(&worst, check_real_type(c->desc.dtype), RESULT_LOG, "lse", 1, data->got.lse, data->expected.lse,
            data->rows);
    compare(&worst, c->desc.dtype, sums ? RESULT_SUM_GRADIENT : RESULT_GRADIENT, "grad_input", scale,
            data->got.grad_input, data->expected.grad_input, data->span);
    return worst;
}
