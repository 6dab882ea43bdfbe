/* Cross-entropy of a row with probabilities q as its target, with class weights and label smoothing. */
#include "targets.h"

/* w_c * q'_c, where q' = (1-e) q + e/C */
static long double weighted_target(const clx_row_target *target, size_t c) {
    const clx_problem *problem = target->problem;
    long double e = problem->desc.label_smoothing;
    clx_element type = clx_element_of(problem, CLX_TARGET);
    double q = clx_get_number(problem, type, target->args->target, clx_place_of(target->row, c));
    return clx_get_weight(problem, target->args, c) * ((1 - e) * q + e / target->row->classes);
}

long double clx_target_mass(const clx_row_target *target) {
    long double sum = 0;
    for (size_t c = 0; c < target->row->classes; c++)
        sum += weighted_target(target, c);
    return sum;
}

/* l = -sum_c w_c q'_c lp_c. A class without weight or share adds 0 even where lp_c is -inf. */
long double clx_probability_loss(const clx_row_target *target, const clx_sums *sums) {
    long double loss = 0;
    for (size_t c = 0; c < target->row->classes; c++) {
        long double lp = clx_log_prob(sums, clx_logit(target->row, target->args->input, c));
        loss += clx_weighted_loss(weighted_target(target, c), lp);
    }
    return loss;
}

/* p_k * sum_c w_c q'_c - w_k q'_k */
long double clx_probability_gradient(const clx_row_target *target, size_t k, long double p) {
    return p * target->sum - weighted_target(target, k);
}
