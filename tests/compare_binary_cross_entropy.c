/* Binary cross-entropy, on probabilities and with logits, against the reference. Every formula is a sum of products, so
 * errors are relative to the sizes of the terms. */
#include "device_bounds.h"

#include <math.h>

/* Sizes of an element's loss and of its gradient, without what comes from outside. */
typedef struct element_sizes {
    double loss, gradient, weight;
} element_sizes;

static element_sizes sizes_on_probabilities(double x, double t) {
    double log_x = fmax(log(x), -100), log_rest = fmax(log1p(-x), -100);
    return (element_sizes){.loss = t * fabs(log_x) + (1 - t) * fabs(log_rest),
                           .gradient = fabs(x - t) / fmax(x * (1 - x), 1e-12)};
}

static element_sizes sizes_with_logits(double x, double t, double pos_weight) {
    double small = log1p(exp(-fabs(x))), likely = 1 / (1 + exp(-fabs(x))), unlikely = exp(-fabs(x)) * likely;
    double negative = fabs(1 - t), positive = fabs(pos_weight * t);
    return (element_sizes){.loss = times(negative, fmax(x, 0) + small) + times(positive, fmax(-x, 0) + small),
                           .gradient = negative * (x < 0 ? unlikely : likely) + positive * (x < 0 ? likely : unlikely)};
}

static element_sizes sizes_of(const device_data *d, size_t at, size_t c) {
    double x = number_before(d, CLX_INPUT, at), t = number_before(d, CLX_TARGET, at);
    element_sizes sizes = d->c.desc.op == CLXENT_BINARY_CROSS_ENTROPY
                              ? sizes_on_probabilities(x, t)
                              : sizes_with_logits(x, t, factor_before(d, CLX_POS_WEIGHT, c));
    sizes.weight = fabs(factor_before(d, CLX_WEIGHT, c) * factor_before(d, CLX_SAMPLE_WEIGHT, at));
    sizes.loss = times(sizes.weight, sizes.loss);
    sizes.gradient = times(sizes.weight, sizes.gradient);
    return sizes;
}

void compare_binary_cross_entropy(const device_data *d) {
    const clxent_desc *desc = &d->problem.desc;
    bool none = desc->reduction == CLXENT_REDUCTION_NONE, mean = desc->reduction == CLXENT_REDUCTION_MEAN;
    size_t elements = d->problem.rows * desc->classes;
    double divisor = mean ? (double)elements : 1, total = 0;
    /* log, log1p of exp, and products; exp, a division, and products. */
    double loss_error = errors_of(LOGARITHM, 0) + errors_of(EXPONENTIAL, 0) + errors_of(PRODUCTS, 0);
    double gradient_error = errors_of(EXPONENTIAL, 0) + 2 * errors_of(PRODUCTS, 0);
    for (size_t row = 0; row < d->problem.rows; row++)
        for (size_t c = 0; c < desc->classes; c++) {
            size_t at = element_of(d, row, c);
            element_sizes sizes = sizes_of(d, at, c);
            if (is_given(d, CLX_OUTPUT) && none)
                compare_number(d, CLX_OUTPUT, at, loss_error * sizes.loss, 1 + sizes.weight);
            total += isfinite(sizes.loss) ? sizes.loss : 0;
            if (!is_given(d, CLX_GRAD_INPUT))
                continue;
            double g = incoming_gradient(d, at) / divisor;
            compare_number(d, CLX_GRAD_INPUT, at, accumulated(d, at, gradient_error * times(g, sizes.gradient)),
                           1 + g * sizes.weight);
        }
    if (is_given(d, CLX_OUTPUT) && !none) {
        double error = loss_error + errors_of(ELEMENT_SUM, desc->classes) + errors_of(TOTAL, d->problem.rows);
        compare_number(d, CLX_OUTPUT, 0, elements > 0 ? error * total / divisor : 0, 1);
    }
}
