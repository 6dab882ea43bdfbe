/* Negative log-likelihood: l = -w[y] * x_y on log-probabilities x. An ignored row's x is never read. */
#include "row.h"

static void forward(const clx_problem *problem, const clxent_host_args *args) {
    long double divisor = clx_loss_divisor(problem, args);
    long double total = 0;
    for (size_t r = 0; r < problem->rows; r++) {
        clx_row row = clx_get_row(problem, r);
        int64_t y = clx_get_target(problem, args, r);
        long double loss = 0;
        if (clx_row_counts(problem, y)) {
            double w = clx_get_weight(problem, args, (size_t)y);
            loss = clx_weighted_loss(w, clx_get(&row, args->input, (size_t)y));
        }
        clx_add_loss(problem, args, r, loss, &total);
    }
    clx_put_total(problem, args, total, divisor);
}

/* dx = -w[y] * t at y and exactly 0 elsewhere. */
static void backward(const clx_problem *problem, const clxent_host_args *args) {
    long double divisor = clx_loss_divisor(problem, args);
    for (size_t r = 0; r < problem->rows; r++) {
        clx_row row = clx_get_row(problem, r);
        int64_t y = clx_get_target(problem, args, r);
        clx_put_zeros(&row, args->grad_input);
        if (clx_row_counts(problem, y)) {
            double w = clx_get_weight(problem, args, (size_t)y);
            clx_put(&row, args->grad_input, (size_t)y, -w * clx_grad_scale(problem, args, r, divisor));
        }
    }
}

void clx_nll_loss_reference(const clx_problem *problem, const clxent_host_args *args) {
    if (problem->desc.pass == CLXENT_FORWARD)
        forward(problem, args);
    else
        backward(problem, args);
}
