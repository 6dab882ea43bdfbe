/* The factors of all error bounds, each with its reason, and the comparison of one element. */
#include "device_bounds.h"

#include <float.h>
#include <math.h>

/* The rounding errors of a sum of n different terms add up like a random walk, hence `root` times sqrt(n); equal terms
 * always round the same way, hence, where a row can have many, `each` times n. */
static const struct {
    double factor, root, each;
} allowed[] = {
    /* x - top is rounded once, by half an epsilon, and exp makes that a relative error: times |x - top|. */
    [EXPONENT] = {0.75, 0, 0},
    /* The kernels' exp is within 0.9 epsilon; its value is scaled and rounded. */
    [EXPONENTIAL] = {4, 0, 0},
    /* log and log1p are within 3 ulp, OpenCL's own or the kernels'; the difference that they enter is rounded too. */
    [LOGARITHM] = {4, 0, 0},
    /* x times logit_scale: the scale is rounded to the real type, and so is the product. */
    [SCALED_LOGIT] = {1, 0, 0},
    /* tanh is within 5 ulp, OpenCL's own or the kernels', and a division within 2.5; scale, cap and products are
     * rounded, half an epsilon each. An error of the argument of tanh is at most that of the result, relative to it. */
    [CAPPED_LOGIT] = {10, 0, 0},
    /* Twice that for (x / cap)^2, and its own division and products: near the cap 1 - (x / cap)^2 cancels, so this is
     * an absolute error, of a slope of 1. */
    [CAP_SLOPE] = {26, 0, 0},
    /* Up to 6 for the exponents of the terms (sum of p |log p| / 2), the rest for rescaling. Eight vectors are added as
     * a tree, so the walk is short; equal terms are 1, which adds up exactly. */
    [SUM_OF_EXP] = {12, 0.25, 0},
    /* Smoothing's sum of w (x - top): a step for every class, all equal beside an outlier of 1e8. */
    [LINEAR_SUM] = {8, 0.75, 0.5},
    /* The sum of the class weights, or of weights times target probabilities. */
    [WEIGHT_SUM] = {8, 0.75, 0},
    /* Softmax and log-softmax backward: the terms cancel, their errors do not. */
    [GRADIENT_SUM] = {4, 0.75, 0},
    /* Binary cross-entropy's sum of a row; equal elements have equal losses. */
    [ELEMENT_SUM] = {8, 0.75, 0.05},
    /* Over rows, in a tree: the losses, and the weights that a mean is divided by. */
    [TOTAL] = {4, 0.25, 0},
    /* A few multiplications and a subtraction, half an epsilon each, and a division. */
    [PRODUCTS] = {4, 0, 0},
};

/* By the storage type, of which the real type follows:
 *   epsilon  of the arithmetic, which is that of the real type.
 *   smallest absolute, for a magnitude of 1: exp is cut off at exp(-87) = 1.7e-38 (exp(-708) = 3.4e-308), and a device
 *            may take smaller numbers as 0.
 *   rounding to a 16-bit type, relative to the number: half an epsilon of that type (2^-11 and 2^-8). The reference is
 *            not rounded.
 *   spacing  of its subnormal numbers, half of it. That of BF16 is far below smallest.
 *   largest  from here on a number may be rounded to infinity. */
static const struct {
    double epsilon, smallest, rounding, spacing, largest;
} precisions[] = {
    [CLXENT_F32] = {FLT_EPSILON, 6e-38, 0, 0, FLT_MAX},
    [CLXENT_F64] = {DBL_EPSILON, 1e-307, 0, 0, DBL_MAX},
    [CLXENT_F16] = {FLT_EPSILON, 6e-38, 0x1p-11, 0x1p-25, 65520},
    [CLXENT_BF16] = {FLT_EPSILON, 6e-38, 0x1p-8, 0, FLT_MAX},
};

double errors_of(source what, size_t terms) {
    return allowed[what].factor + allowed[what].root * sqrt((double)terms) + allowed[what].each * (double)terms;
}

double times(double a, double b) {
    return a == 0 || b == 0 ? 0 : a * b;
}

static double epsilon_of(const device_data *d) {
    return precisions[d->problem.desc.dtype].epsilon;
}

double error_of_exp(const device_data *d, double exponent_error) {
    return expm1(exponent_error * epsilon_of(d)) / epsilon_of(d);
}

void compare_number(const device_data *d, clx_tensor tensor, size_t i, double error, double magnitude) {
    double got = get_number(&d->tensors[tensor], i), expected = get_number(&d->expected[tensor], i);
    clxent_dtype type = d->tensors[tensor].type;
    if (isnan(expected) ? isnan(got) : got == expected)
        return;
    double bound = error * epsilon_of(d) + magnitude * precisions[type].smallest;
    if (magnitude > 0) /* else it is exact */
        bound += precisions[type].rounding * (fabs(expected) + bound) + precisions[type].spacing;
    bool overflows = isinf(got) && (got > 0) == (expected > 0) && fabs(expected) + bound >= precisions[type].largest;
    if (isfinite(expected) && isfinite(bound) && (overflows || fabs(got - expected) <= bound))
        return;
    fail_msg("%s: %s[%zu] is %.9g, the reference has %.9g: off by %.3g, allowed %.3g", describe(d),
             clx_tensor_name(tensor), i, got, expected, fabs(got - expected), bound);
}

double number_before(const device_data *d, clx_tensor tensor, size_t i) {
    return get_number(&d->before[tensor], i);
}

double factor_before(const device_data *d, clx_tensor tensor, size_t i) {
    return is_given(d, tensor) ? number_before(d, tensor, i) : 1;
}

/* ---- what losses share ---- */

bool row_counts(const device_data *d, clx_tensor target, size_t row) {
    if (clx_has_probabilities(&d->problem))
        return true;
    int64_t y = get_class(d, target, row);
    return y != d->problem.desc.ignore_index && y >= 0 && (uint64_t)y < d->problem.desc.classes;
}

divisors sum_targets(const device_data *d, clx_tensor target) {
    divisors sums = {0, 0};
    for (size_t row = 0; row < d->problem.rows; row++) {
        double u = factor_before(d, CLX_SAMPLE_WEIGHT, row);
        if (!row_counts(d, target, row))
            continue;
        bool classes = !clx_has_probabilities(&d->problem);
        sums.weights += u * (classes ? factor_before(d, CLX_WEIGHT, (size_t)get_class(d, target, row)) : 1);
        sums.samples += u;
    }
    return sums;
}

double incoming_gradient(const device_data *d, size_t i) {
    bool one = d->problem.desc.reduction != CLXENT_REDUCTION_NONE;
    return fabs(factor_before(d, CLX_GRAD_OUTPUT, one ? 0 : i) * d->problem.desc.grad_scale);
}

double accumulated(const device_data *d, size_t element, double error) {
    if (!(d->problem.desc.flags & CLXENT_ACCUMULATE_GRAD))
        return error;
    double old = fabs(number_before(d, CLX_GRAD_INPUT, element));
    return error + old + fabs(get_number(&d->expected[CLX_GRAD_INPUT], element)); /* the sum is rounded */
}

exp_sum sum_of_exp(const device_data *d, size_t classes, const double *x, const double *errors) {
    exp_sum s = {-INFINITY, 0, 0};
    double sum = 0, sum_of_errors = 0;
    for (size_t c = 0; c < classes; c++)
        s.top = fmax(s.top, x[c]);
    for (size_t c = 0; c < classes; c++) {
        double e = exp(x[c] - s.top);
        sum += e;
        sum_of_errors += times(e, error_of_exp(d, errors[c]));
    }
    s.log_sum = log(sum);
    s.error = errors_of(SUM_OF_EXP, classes) + sum_of_errors / sum;
    return s;
}
