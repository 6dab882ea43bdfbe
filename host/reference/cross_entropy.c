/* Cross-entropy with class-index targets: loss, lse and gradient. The gradient may be written over the logits: a row's
 * sums and loss are done before its gradient, which reads each logit before it writes in its place. */
#include "row.h"

/* l = (1-e) * w[y] * (-lp_y) + (e/C) * sum_c w_c * (-lp_c). A term with the factor 0 is left out, lest 0 * inf. */
static long double row_loss(const clx_problem *problem, const clxent_host_args *args, const clx_row *row,
                            const clx_sums *sums, size_t y) {
    double e = problem->desc.label_smoothing;
    long double loss = 0;
    if (e < 1) {
        long double lp = clx_log_prob(sums, clx_get(row, args->input, y));
        loss += (1 - e) * clx_weighted_loss(clx_get_weight(problem, args, y), lp);
    }
    if (e > 0) {
        long double all = 0;
        for (size_t c = 0; c < row->classes; c++) {
            long double lp = clx_log_prob(sums, clx_get(row, args->input, c));
            all += clx_weighted_loss(clx_get_weight(problem, args, c), lp);
        }
        loss += e / (double)row->classes * all;
    }
    return loss;
}

/* dx_k = t * { (1-e) * w[y] * (p_k - [k=y]) + (e/C) * (p_k * sum_c w_c - w_k) } */
static void row_gradient(const clx_problem *problem, const clxent_host_args *args, const clx_row *row,
                         const clx_sums *sums, size_t y, long double t, long double weight_sum) {
    double e = problem->desc.label_smoothing;
    double w_y = clx_get_weight(problem, args, y);
    for (size_t k = 0; k < row->classes; k++) {
        long double p = clx_prob(sums, clx_get(row, args->input, k));
        long double dx = 0;
        if (e < 1)
            dx += (1 - e) * w_y * (p - (k == y ? 1 : 0));
        if (e > 0)
            dx += e / (double)row->classes * (p * weight_sum - clx_get_weight(problem, args, k));
        clx_put(row, args->grad_input, k, t * dx);
    }
}

/* BACKWARD takes a saved lse, except where weights and smoothing come together: as the header says, it is then unused.
 */
static bool uses_saved_lse(const clx_problem *problem, const clxent_host_args *args) {
    bool weighted_smoothing = args->weight != NULL && problem->desc.label_smoothing > 0;
    return problem->desc.pass == CLXENT_BACKWARD && args->lse != NULL && !weighted_smoothing;
}

static long double sum_weights(const clx_problem *problem, const clxent_host_args *args) {
    long double sum = 0;
    for (size_t c = 0; c < problem->desc.classes; c++)
        sum += clx_get_weight(problem, args, c);
    return sum;
}

void clx_cross_entropy_reference(const clx_problem *problem, const clxent_host_args *args) {
    bool forward = problem->desc.pass != CLXENT_BACKWARD;
    bool backward = problem->desc.pass != CLXENT_FORWARD;
    bool saved_lse = uses_saved_lse(problem, args);
    long double divisor = clx_loss_divisor(problem, args);
    long double weight_sum = sum_weights(problem, args);
    long double total = 0;
    for (size_t r = 0; r < problem->rows; r++) {
        clx_row row = clx_get_row(problem, r);
        int64_t y = clx_get_target(problem, args, r);
        bool counts = clx_row_counts(problem, y);
        clx_sums sums =
            saved_lse ? clx_sums_from_lse(clx_get_real(problem, args->lse, r)) : clx_sum_row(&row, args->input);
        if (forward) {
            if (args->lse != NULL)
                clx_put_real(problem, args->lse, r, sums.max + sums.log_sum);
            long double loss = counts ? row_loss(problem, args, &row, &sums, (size_t)y) : 0;
            clx_add_loss(problem, args, r, loss, &total);
        }
        if (backward && counts)
            row_gradient(problem, args, &row, &sums, (size_t)y, clx_grad_scale(problem, args, r, divisor), weight_sum);
        if (backward && !counts)
            clx_put_zeros(&row, args->grad_input);
    }
    if (forward)
        clx_put_total(problem, args, total, divisor);
}
