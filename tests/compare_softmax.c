/* Softmax and log-softmax against the reference. */
#include "device_bounds.h"

#include <math.h>
#include <stdlib.h>

static void compare_forward(const device_data *d, size_t row, double *x, const double *no_errors) {
    size_t classes = d->problem.desc.classes;
    for (size_t c = 0; c < classes; c++)
        x[c] = number_before(d, CLX_INPUT, element_of(d, row, c));
    exp_sum s = sum_of_exp(d, classes, x, no_errors);
    for (size_t c = 0; c < classes; c++) {
        double distance = x[c] - s.top, p = exp(distance - s.log_sum);
        double error = times(p, errors_of(EXPONENT, 0) * fabs(distance)) + p * (errors_of(EXPONENTIAL, 0) + s.error);
        if (d->c.desc.op == CLXENT_LOG_SOFTMAX)
            error = errors_of(LOGARITHM, 0) * (fabs(distance) + s.log_sum) + s.error;
        compare_number(d, CLX_OUTPUT, element_of(d, row, c), error, 1);
    }
}

static void compare_backward(const device_data *d, size_t row) {
    size_t classes = d->problem.desc.classes;
    bool log_too = d->c.desc.op == CLXENT_LOG_SOFTMAX;
    double sum = 0;
    for (size_t c = 0; c < classes; c++) {
        double y = number_before(d, CLX_OUTPUT, element_of(d, row, c));
        double g = fabs(number_before(d, CLX_GRAD_OUTPUT, element_of(d, row, c)));
        sum += log_too ? g : g * y;
    }
    for (size_t c = 0; c < classes; c++) {
        double y = number_before(d, CLX_OUTPUT, element_of(d, row, c));
        double g = fabs(number_before(d, CLX_GRAD_OUTPUT, element_of(d, row, c)));
        double p = log_too ? exp(y) : y;
        double error = errors_of(PRODUCTS, 0) * (log_too ? g : p * g) +
                       p * sum * (errors_of(GRADIENT_SUM, classes) + errors_of(EXPONENTIAL, 0));
        compare_number(d, CLX_GRAD_INPUT, element_of(d, row, c), error, 1 + sum);
    }
}

void compare_softmax(const device_data *d) {
    double *x = calloc(2 * d->problem.desc.classes, sizeof *x), *no_errors = x + d->problem.desc.classes;
    assert_non_null(x);
    for (size_t row = 0; row < d->problem.rows; row++) {
        if (d->c.desc.pass == CLXENT_FORWARD)
            compare_forward(d, row, x, no_errors);
        else
            compare_backward(d, row);
    }
    free(x);
}
