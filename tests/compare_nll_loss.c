/* Negative log-likelihood against the reference. */
#include "device_bounds.h"

#include <math.h>

static void compare_gradient(const device_data *d, size_t row, double divisor) {
    bool counts = row_counts(d, CLX_TARGET, row), mean = d->problem.desc.reduction == CLXENT_REDUCTION_MEAN;
    size_t y = counts ? (size_t)get_target(d, row) : 0;
    double t = factor_before(d, CLX_SAMPLE_WEIGHT, row) * factor_before(d, CLX_WEIGHT, y) * incoming_gradient(d, row);
    if (mean)
        t /= divisor;
    for (size_t c = 0; c < d->problem.desc.classes; c++) {
        size_t at = element_of(d, row, c);
        bool zero = !counts || c != y; /* exactly */
        double error = zero ? 0 : t * (errors_of(TOTAL, d->problem.rows) + errors_of(PRODUCTS, 0));
        compare_number(d, CLX_GRAD_INPUT, at, zero ? 0 : accumulated(d, at, error), zero ? 0 : 1 + t);
    }
}

void compare_nll_loss(const device_data *d) {
    const clxent_desc *desc = &d->problem.desc;
    bool mean = desc->reduction == CLXENT_REDUCTION_MEAN, none = desc->reduction == CLXENT_REDUCTION_NONE;
    divisors sums = sum_targets(d, CLX_TARGET);
    double total = 0;
    for (size_t row = 0; row < d->problem.rows; row++) {
        if (desc->pass == CLXENT_BACKWARD) {
            compare_gradient(d, row, sums.weights);
            continue;
        }
        bool counts = row_counts(d, CLX_TARGET, row);
        size_t y = counts ? (size_t)get_target(d, row) : 0;
        double weight = counts ? factor_before(d, CLX_SAMPLE_WEIGHT, row) * factor_before(d, CLX_WEIGHT, y) : 0;
        double loss = times(weight, fabs(number_before(d, CLX_INPUT, element_of(d, row, y))));
        if (none)
            compare_number(d, CLX_OUTPUT, row, errors_of(PRODUCTS, 0) * loss, counts);
        total += isfinite(loss) ? loss : 0;
    }
    if (desc->pass == CLXENT_FORWARD && !none) {
        double error = total * (errors_of(PRODUCTS, 0) + errors_of(TOTAL, d->problem.rows));
        compare_number(d, CLX_OUTPUT, 0, mean && sums.weights != 0 ? error / sums.weights : error, 1);
    }
}
