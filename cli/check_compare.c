/* Results of the device against those of the reference. An element passes where
 *     |got - expected| <= (atol + bend) * scale + (k + errors) * eps * |expected| + spacing
 * with eps and spacing those of the element's type, and `scale` that of the gradient (1 for other results). `bend` is
 * what logits are uncertain by that are capped or a product, and `errors` what a sum over the classes is. Infinities and NaN must be the same,
 * and so must classes and counts. Never a mean over elements: one wrong element in a million is a bug. */
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
 *   logarithm      losses (of elements too), lse and log-probabilities are differences of numbers that the sum of exp has an error of a
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

/* By how many eps of the cap a capped logit T tanh(x / T) may be off: the quotient and the product are rounded, and
 * OpenCL allows tanh 5 of its last digit. Losses and gradients have two logits in each exponent. */
#define CAP_ERROR 7

static double cap_error(const check_case *c) {
    return CAP_ERROR * precisions[check_real_type(c->desc.dtype)].eps * c->desc.logit_softcap;
}

/* By how many eps the sum of as many weighted targets as there are classes may be off, relative to the sum: rounding
 * errors walk like the square root of their number. Only soft targets (probabilities, smoothing) have such a sum. */
static double sum_errors(const check_case *c) {
    bool soft = c->desc.label_smoothing > 0 || check_has_probabilities(&c->desc);
    return soft && !check_is_elementwise(c->desc.op) ? 0.75 * sqrt((double)c->desc.classes) : 0;
}

/* By how many eps a logit that is a product may be off: rounding errors of its sum walk likewise. */
static double product_errors(const check_case *c) {
    return check_is_linear(c->desc.op) ? 16 + 2 * sqrt((double)c->desc.features) : 0;
}

/* What the filter may leave out of a gradient of hidden states, of the scale: half of u, which is half an eps of the storage type. */
static double filter_error(const check_case *c) {
    return c->desc.flags & CLXENT_FILTER_GRADIENT ? precisions[c->desc.dtype].eps / 4 : 0;
}

/* A tensor as it is compared. */
typedef struct comparison {
    const char *tensor;
    clxent_dtype type;
    result_kind kind;
    double scale;
    double bend;   /* added to atol */
    double errors; /* added to k, in eps of the real type */
} comparison;

static void compare(check_worst *worst, const comparison *how, const void *got, const void *expected, size_t elements) {
    const tolerance *allowed = &tolerances[how->kind][how->type];
    for (size_t i = 0; got != NULL && i < elements; i++) {
        double a = clx_load(how->type, got, i), b = clx_load(how->type, expected, i), error = value_error(a, b);
        if (error == 0)
            continue;
        double relative =
            allowed->k * precisions[how->type].eps + how->errors * precisions[check_real_type(how->type)].eps;
        double tolerated =
            (allowed->atol + how->bend) * how->scale + relative * fabs(b) + precisions[how->type].spacing;
        double ratio = isinf(error) ? INFINITY : error / tolerated;
        if (ratio > worst->ratio)
            *worst = (check_worst){ratio, how->tensor, i, a, b};
    }
}

static void refuse_number(check_worst *worst, const char *tensor, size_t i, double got, double expected) {
    if (!isinf(worst->ratio))
        *worst = (check_worst){INFINITY, tensor, i, got, expected};
}

/* Two capped logits that differ by no more than their own error may come out equal, or in the other order. */
static bool is_tie(const check_data *data, const check_case *c, size_t row, int64_t a, int64_t b) {
    if (a < 0 || (size_t)a >= c->desc.classes)
        return false;
    return fabs(check_logit(data, c, row, (size_t)a) - check_logit(data, c, row, (size_t)b)) <= 2 * cap_error(c);
}

/* Returns the number of rows whose class is another one by a tie. */
static size_t compare_argmax(check_worst *worst, const check_data *data, const check_case *c) {
    const int64_t *got = data->got.argmax, *expected = data->expected.argmax;
    size_t ties = 0;
    for (size_t row = 0; got != NULL && row < data->rows; row++) {
        if (got[row] == expected[row])
            continue;
        if (c->desc.logit_softcap > 0 && is_tie(data, c, row, got[row], expected[row]))
            ties++;
        else
            refuse_number(worst, "argmax", row, (double)got[row], (double)expected[row]);
    }
    return ties;
}

static void compare_counts(check_worst *worst, const check_data *data, size_t ties) {
    const check_results *got = &data->got, *expected = &data->expected;
    uint64_t difference =
        got->correct > expected->correct ? got->correct - expected->correct : expected->correct - got->correct;
    if (difference > ties)
        refuse_number(worst, "correct_count", 0, (double)got->correct, (double)expected->correct);
    if (got->invalid != expected->invalid)
        refuse_number(worst, "invalid_count", 0, (double)got->invalid, (double)expected->invalid);
}

/* Gradients of an output layer are sums over the rows of gradients like those of the hidden states. */
static void compare_layer(check_worst *worst, const check_data *data, const comparison *hidden, const check_case *c) {
    comparison of = *hidden;
    of.type = check_real_type(c->desc.dtype);
    of.scale *= sqrt((double)data->rows);
    of.tensor = "grad_linear_weight";
    compare(worst, &of, data->got.grad_linear_weight, data->expected.grad_linear_weight, data->layer_elements);
    of.tensor = "grad_linear_bias";
    compare(worst, &of, data->got.grad_linear_bias, data->expected.grad_linear_bias, c->desc.classes);
}

check_worst check_compare(const check_data *data, const check_case *c) {
    check_worst worst = {0};
    clxent_op op = c->desc.op;
    clxent_dtype real = check_real_type(c->desc.dtype);
    bool sums = op == CLXENT_LOG_SOFTMAX, total = c->desc.reduction == CLXENT_REDUCTION_SUM;
    double scale = sums ? data->scale * sqrt((double)c->desc.classes) : data->scale;
    double rows = total ? (double)data->rows : 1; /* whose losses an output has */
    double cap = 2 * cap_error(c), product = product_errors(c) * precisions[real].eps;
    double bend = cap + product, errors = sum_errors(c);
    const comparison output = {"output",
                               check_output_type(c),
                               op == CLXENT_SOFTMAX ? RESULT_PROBABILITY : RESULT_LOG,
                               1,
                               cap * rows + product * sqrt(rows),
                               errors};
    const comparison lse = {"lse", real, RESULT_LOG, 1, bend, 0};
    comparison grad = {"grad_input",
                       c->desc.dtype,
                       sums ? RESULT_SUM_GRADIENT : RESULT_GRADIENT,
                       scale,
                       bend + errors * precisions[real].eps,
                       0};
    compare(&worst, &output, data->got.output, data->expected.output, data->output_elements);
    compare(&worst, &lse, data->got.lse, data->expected.lse, data->rows);
    compare_layer(&worst, data, &grad, c);
    grad.bend += filter_error(c);
    compare(&worst, &grad, data->got.grad_input, data->expected.grad_input, data->span);
    compare_counts(&worst, data, compare_argmax(&worst, data, c));
    return worst;
}
