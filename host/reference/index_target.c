/* Cross-entropy of a row with a class index y as its target, with class weights and label smoothing. */
#include "targets.h"

static long double log_prob(const clx_row_target *target, const clx_sums *sums, size_t c) {
    return clx_log_prob(sums, clx_logit(target->row, target->args->input, c));
}

static double weight(const clx_row_target *target, size_t c) {
    return clx_get_weight(target->problem, target->args, c);
}

long double clx_class_weight_sum(const clx_problem *problem, const clxent_host_args *args) {
    long double sum = 0;
    for (size_t c = 0; c < problem->desc.classes; c++)
        sum += clx_get_weight(problem, args, c);
    return sum;
}

/* l = (1-e) * w[y] * (-lp_y) + (e/C) * sum_c w_c * (-lp_c). A part with the factor 0 is left out, lest 0 * inf. */
long double clx_index_loss(const clx_row_target *target, const clx_sums *sums) {
    double e = target->problem->desc.label_smoothing;
    size_t classes = target->row->classes, y = target->y;
    long double loss = 0;
    if (e < 1)
        loss += (1 - e) * clx_weighted_loss(weight(target, y), log_prob(target, sums, y));
    if (e > 0) {
        long double all = 0;
        for (size_t c = 0; c < classes; c++)
            all += clx_weighted_loss(weight(target, c), log_prob(target, sums, c));
        loss += e / (double)classes * all;
    }
    return loss;
}

/* (1-e) * w[y] * (p_k - [k=y]) + (e/C) * (p_k * sum_c w_c - w_k) */
long double clx_index_gradient(const clx_row_target *target, size_t k, long double p) {
    double e = target->problem->desc.label_smoothing;
    size_t y = target->y;
    long double dx = 0;
    if (e < 1)
        dx += (1 - e) * weight(target, y) * (p - (k == y ? 1 : 0));
    if (e > 0)
        dx += e / (double)target->row->classes * (p * target->sum - weight(target, k));
    return dx;
}
