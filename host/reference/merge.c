/* The merge of shards: from what they say of a row what one partial of all classes would say, and from that the loss.
 *
 *     m = max_i top_i,  s = sum_i sum_i exp(top_i - m),  linear = sum_i (linear_i + masses_i (top_i - m)),  and plain sums
 *     l = (1-e) w (log s - (logit - m)) + (e/V) (masses log s - linear)
 *
 * reduced as a cross-entropy is: u (l + z lse^2), the first term over W and the second over U for mean. */
#include "shard.h"

#include <math.h>

/* What is summed over the rows that count. */
typedef struct totals {
    long double loss, lse_squared; /* of u l, of u lse^2 */
    clx_divisors weights;
} totals;

static clx_partial merge(const clx_problem *problem, const clxent_host_args *args, size_t row) {
    clx_partial all = {.top = -INFINITY};
    for (size_t i = 0; i < problem->desc.parts; i++) {
        clx_partial part = clx_get_partial(problem, args->partial, i, row);
        if (part.top > all.top)
            all.top = part.top;
    }
    for (size_t i = 0; i < problem->desc.parts; i++) {
        clx_partial part = clx_get_partial(problem, args->partial, i, row);
        all.sum += part.sum * expl(part.top - all.top);
        all.logit += part.logit;
        all.weight += part.weight;
        if (problem->desc.label_smoothing > 0) {
            all.linear += part.linear + clx_times(part.masses, part.top - all.top);
            all.masses += part.masses;
        }
    }
    return all;
}

static long double loss_of(const clx_problem *problem, const clx_partial *all, const clx_sums *sums) {
    long double e = problem->desc.label_smoothing, loss = 0;
    if (e < 1)
        loss += (1 - e) * clx_weighted_loss(all->weight, clx_log_prob(sums, all->logit));
    if (e > 0)
        loss += e / problem->desc.classes * (all->masses * sums->log_sum - all->linear);
    return loss;
}

/* Adds a row that counts to the totals, and returns its loss without a reduction. */
static long double add_row(const clx_problem *problem, const clxent_host_args *args, const clx_partial *all, size_t row,
                           totals *t) {
    clx_sums sums = clx_sums_of_partial(all);
    long double u = clx_get_row_weight(problem, args, row), lse = clx_lse(&sums);
    long double loss = clx_times(u, loss_of(problem, all, &sums));
    t->weights.rows++;
    t->weights.w += u * all->weight;
    t->weights.u += u;
    t->loss += loss;
    t->lse_squared += u * lse * lse;
    return problem->desc.z_loss == 0 ? loss : loss + problem->desc.z_loss * u * lse * lse;
}

static long double reduce(const clx_problem *problem, const totals *t) {
    bool mean = problem->desc.reduction == CLXENT_REDUCTION_MEAN;
    clx_divisors over = clx_over_nothing(t->weights);
    if (t->weights.rows == 0)
        return mean ? clx_empty_mean(problem) : 0;
    long double loss = t->loss / (mean ? over.w : 1);
    if (problem->desc.z_loss != 0)
        loss += problem->desc.z_loss * t->lse_squared / (mean ? over.u : 1);
    return loss;
}

clxent_status clx_merge_reference(const clx_problem *problem, const clxent_host_args *args) {
    totals t = {0};
    for (size_t row = 0; row < problem->rows; row++) {
        clx_partial all = merge(problem, args, row);
        clx_sums sums = clx_sums_of_partial(&all);
        bool counts = clx_row_counts(problem, clx_get_class(problem, args->target, row));
        long double loss = counts ? add_row(problem, args, &all, row, &t) : 0;
        if (problem->desc.reduction == CLXENT_REDUCTION_NONE)
            clx_put_real(problem, args->output, row, loss);
        if (args->lse != NULL)
            clx_put_real(problem, args->lse, row, clx_lse(&sums));
        if (args->merged != NULL)
            clx_put_partial(problem, args->merged, row, &all);
    }
    if (problem->desc.reduction != CLXENT_REDUCTION_NONE)
        clx_put_real(problem, args->output, 0, reduce(problem, &t));
    clx_put_weight_sum(problem, args, &t.weights);
    return CLXENT_SUCCESS;
}
