/* Negative log-likelihood: l = -w[y] * x_y on log-probabilities x. An ignored row's x is never read. */
#include "row.h"

static void forward(const clx_problem *problem, const clxent_host_args *args) {
    clx_divisors sums = clx_sum_weights(problem, args, args->target), divisors = clx_over_nothing(sums);
    clxent_reduction reduction = problem->desc.reduction;
    long double total = 0;
    for (size_t r = 0; r < problem->rows; r++) {
        clx_row row = clx_get_row(problem, r);
        int64_t y = clx_get_class(problem, args->target, r);
        long double loss = 0;
        if (clx_row_counts(problem, y)) {
            double w = clx_get_weight(problem, args, (size_t)y);
            loss = clx_weighted_loss(w, clx_get(&row, args->input, (size_t)y));
            loss = clx_times(clx_get_row_weight(problem, args, r), loss);
        }
        if (reduction == CLXENT_REDUCTION_NONE)
            clx_put_real(problem, args->output, r, loss);
        total += loss;
    }
    clx_put_weight_sum(problem, args, &sums);
    if (reduction == CLXENT_REDUCTION_SUM)
        clx_put_real(problem, args->output, 0, total);
    if (reduction == CLXENT_REDUCTION_MEAN)
        clx_put_real(problem, args->output, 0, divisors.rows == 0 ? clx_empty_mean(problem) : total / divisors.w);
}

/* dx = -w[y] * t at y and exactly 0 elsewhere, where t = u g, over W for a mean. */
static void backward(const clx_problem *problem, const clxent_host_args *args) {
    clx_divisors divisors = clx_get_divisors(problem, args, args->target);
    for (size_t r = 0; r < problem->rows; r++) {
        clx_row row = clx_get_row(problem, r);
        int64_t y = clx_get_class(problem, args->target, r);
        clx_put_zero_gradient(&row, args->grad_input);
        if (clx_row_counts(problem, y)) {
            long double t = clx_incoming(problem, args, r) * clx_get_row_weight(problem, args, r);
            if (problem->desc.reduction == CLXENT_REDUCTION_MEAN)
                t /= divisors.w;
            clx_put_gradient(&row, args->grad_input, (size_t)y, -t * clx_get_weight(problem, args, (size_t)y));
        }
    }
}

clxent_status clx_nll_loss_reference(const clx_problem *problem, const clxent_host_args *args) {
    if (problem->desc.pass == CLXENT_FORWARD)
        forward(problem, args);
    else
        backward(problem, args);
    return CLXENT_SUCCESS;
}
