/* Cross-entropy: loss, lse, argmax and gradient, with one or two arrays of class indices or with target probabilities.
 *
 * With u the weight of a row and l its loss as index_target.c and probability_target.c have it, S the rows that count,
 * W = sum_S u w[y] and U = sum_S u (for probabilities both U), sp = sum_c p_c^2, z = z_loss and r = reg_lambda:
 *
 *     none: u (l + z lse^2 + r sp)
 *     sum:  sum_S u (l + z lse^2)             + r (sum_S u sp) / U
 *     mean: (sum_S u l) / W + z (sum_S u lse^2) / U + r (sum_S u sp) / U
 *
 * Of two targets each has its own S, W and U; their losses are mixed in shares a and 1 - a.
 *
 * The gradient may be written over the logits: a row's sums and loss are done before its gradient, which reads each
 * logit before it writes in its place. */
#include "targets.h"

/* One array of targets. */
typedef struct part {
    const void *target; /* NULL for probabilities: every row counts */
    long double share;
    clx_divisors divisors;
    long double loss, lse_squared, squares; /* sums over S of u l, u lse^2, u sp */
} part;

typedef struct parts {
    part part[2];
    size_t count; /* those with a share that is not 0: a share of 0 leaves a target out, its NaN too */
} parts;

static void add_part(parts *all, const clx_problem *problem, const clxent_host_args *args, const void *target,
                     long double share) {
    if (share != 0)
        all->part[all->count++] =
            (part){.target = target, .share = share, .divisors = clx_get_divisors(problem, args, target)};
}

static parts get_parts(const clx_problem *problem, const clxent_host_args *args) {
    parts all = {.count = 0};
    if (clx_has_probabilities(problem)) {
        add_part(&all, problem, args, NULL, 1);
    } else if (args->target2 == NULL) {
        add_part(&all, problem, args, args->target, 1);
    } else {
        long double a =
            args->mix_lambda == NULL ? problem->desc.mix_lambda : clx_get_real(problem, args->mix_lambda, 0);
        add_part(&all, problem, args, args->target, a);
        add_part(&all, problem, args, args->target2, 1 - a);
    }
    return all;
}

/* One row: what does not depend on its target. */
typedef struct row_values {
    const clx_problem *problem;
    const clxent_host_args *args;
    clx_row row;
    clx_sums sums;
    long double lse;
    long double squares;          /* sp, where reg_lambda needs it */
    long double class_weight_sum; /* of all classes */
    long double u;
} row_values;

static long double prob(const row_values *v, size_t c) {
    return clx_prob(&v->sums, clx_logit(&v->row, v->args->input, c));
}

/* BACKWARD takes a saved lse, except where the gradient needs another sum over the row: as the header says, it is then
 * unused. */
static bool uses_saved_lse(const clx_problem *problem, const clxent_host_args *args) {
    bool weighted_smoothing = args->weight != NULL && problem->desc.label_smoothing > 0;
    bool reduces = weighted_smoothing || problem->desc.reg_lambda != 0 || clx_has_probabilities(problem);
    return problem->desc.pass == CLXENT_BACKWARD && args->lse != NULL && !reduces;
}

static row_values get_row_values(const clx_problem *problem, const clxent_host_args *args, size_t r) {
    row_values v = {.problem = problem, .args = args, .row = clx_get_row(problem, r)};
    if (uses_saved_lse(problem, args))
        v.sums = clx_sums_from_lse(clx_get_real(problem, args->lse, r));
    else
        v.sums = clx_sum_row(&v.row, args->input);
    v.lse = clx_lse(&v.sums);
    for (size_t c = 0; c < v.row.classes && problem->desc.reg_lambda != 0; c++) {
        long double p = prob(&v, c);
        v.squares += p * p;
    }
    v.u = clx_get_row_weight(problem, args, r);
    return v;
}

/* The row's target in a part; false: it does not count there. */
static bool find_target(const row_values *v, const part *p, clx_row_target *target) {
    *target = (clx_row_target){.problem = v->problem, .args = v->args, .row = &v->row};
    if (p->target == NULL) {
        target->sum = clx_target_mass(target);
        return true;
    }
    int64_t y = clx_get_class(v->problem, p->target, v->row.index);
    target->y = (size_t)y;
    target->sum = v->class_weight_sum;
    return clx_row_counts(v->problem, y);
}

/* Adds the row to the sums of a part, and returns its loss without a reduction. */
static long double add_row(const row_values *v, part *p) {
    clx_row_target target;
    if (!find_target(v, p, &target))
        return 0;
    const clxent_desc *desc = &v->problem->desc;
    long double l = p->target == NULL ? clx_probability_loss(&target, &v->sums) : clx_index_loss(&target, &v->sums);
    long double loss = clx_times(v->u, l);
    p->loss += loss;
    p->lse_squared += v->u * v->lse * v->lse;
    p->squares += v->u * v->squares;
    if (desc->z_loss != 0)
        loss += desc->z_loss * v->u * v->lse * v->lse;
    if (desc->reg_lambda != 0)
        loss += desc->reg_lambda * v->u * v->squares;
    return loss;
}

/* The mean or the sum of a part. */
static long double reduce(const clx_problem *problem, const part *p) {
    const clxent_desc *desc = &problem->desc;
    bool mean = desc->reduction == CLXENT_REDUCTION_MEAN;
    if (p->divisors.rows == 0)
        return mean ? clx_empty_mean(problem) : 0;
    long double loss = p->loss / (mean ? p->divisors.w : 1);
    if (desc->z_loss != 0)
        loss += desc->z_loss * p->lse_squared / (mean ? p->divisors.u : 1);
    if (desc->reg_lambda != 0)
        loss += desc->reg_lambda * p->squares / p->divisors.u;
    return loss;
}

/* A part's gradient in a row: its factors, 0 where the row does not count. */
typedef struct pull {
    clx_row_target target;
    bool counts, probabilities;
    long double loss, lse, squares; /* of the loss, of lse, and of p_k (p_k - sp) */
} pull;

static pull get_pull(const row_values *v, const part *p) {
    const clxent_desc *desc = &v->problem->desc;
    pull made = {.probabilities = p->target == NULL};
    made.counts = find_target(v, p, &made.target);
    long double t = p->share * v->u * clx_incoming(v->problem, v->args, v->row.index);
    bool mean = desc->reduction == CLXENT_REDUCTION_MEAN, none = desc->reduction == CLXENT_REDUCTION_NONE;
    made.loss = mean ? t / p->divisors.w : t;
    if (desc->z_loss != 0)
        made.lse = (mean ? t / p->divisors.u : t) * 2 * desc->z_loss * v->lse;
    if (desc->reg_lambda != 0)
        made.squares = (none ? t : t / p->divisors.u) * 2 * desc->reg_lambda;
    return made;
}

/* loss {...} + lse p_k + squares p_k (p_k - sp), with the braces of the two kinds of targets */
static long double pull_at(const row_values *v, const pull *f, size_t k, long double p) {
    if (!f->counts)
        return 0;
    long double braces =
        f->probabilities ? clx_probability_gradient(&f->target, k, p) : clx_index_gradient(&f->target, k, p);
    return f->loss * braces + f->lse * p + f->squares * p * (p - v->squares);
}

static void put_gradient(const row_values *v, const parts *all) {
    pull pulls[2];
    bool counts = false;
    for (size_t i = 0; i < all->count; i++) {
        pulls[i] = get_pull(v, &all->part[i]);
        counts = counts || pulls[i].counts;
    }
    if (!counts) {
        clx_put_zero_gradient(&v->row, v->args->grad_input);
        return;
    }
    for (size_t k = 0; k < v->row.classes; k++) {
        long double p = prob(v, k), dx = 0;
        for (size_t i = 0; i < all->count; i++)
            dx += pull_at(v, &pulls[i], k, p);
        clx_put_gradient(&v->row, v->args->grad_input, k, dx * clx_logit_slope(&v->row, v->args->input, k));
    }
}

/* lse and argmax. Returns whether the row counts and its argmax is its target. */
static bool put_row(const row_values *v) {
    const clxent_host_args *args = v->args;
    size_t r = v->row.index, argmax = 0;
    if (args->lse != NULL)
        clx_put_real(v->problem, args->lse, r, v->lse);
    if (args->argmax != NULL) {
        argmax = clx_argmax(&v->row, args->input);
        ((int64_t *)args->argmax)[r] = (int64_t)argmax;
    }
    if (args->correct_count == NULL)
        return false;
    int64_t y = clx_get_class(v->problem, args->target, r);
    return clx_row_counts(v->problem, y) && (size_t)y == argmax;
}

static void put_total(const clx_problem *problem, const clxent_host_args *args, const parts *all) {
    long double total = 0;
    for (size_t i = 0; i < all->count; i++)
        total += all->part[i].share * reduce(problem, &all->part[i]);
    clx_put_real(problem, args->output, 0, total);
}

clxent_status clx_cross_entropy_reference(const clx_problem *problem, const clxent_host_args *args) {
    bool forward = problem->desc.pass != CLXENT_BACKWARD, backward = problem->desc.pass != CLXENT_FORWARD;
    parts all = get_parts(problem, args);
    long double class_weight_sum = clx_class_weight_sum(problem, args);
    uint64_t correct = 0;
    for (size_t r = 0; r < problem->rows; r++) {
        row_values v = get_row_values(problem, args, r);
        v.class_weight_sum = class_weight_sum;
        if (forward) {
            long double loss = 0;
            for (size_t i = 0; i < all.count; i++)
                loss += all.part[i].share * add_row(&v, &all.part[i]);
            if (problem->desc.reduction == CLXENT_REDUCTION_NONE)
                clx_put_real(problem, args->output, r, loss);
            correct += put_row(&v);
        }
        if (backward)
            put_gradient(&v, &all);
    }
    if (forward && problem->desc.reduction != CLXENT_REDUCTION_NONE)
        put_total(problem, args, &all);
    if (forward && !clx_has_probabilities(problem)) {
        clx_divisors sums = clx_sum_weights(problem, args, args->target);
        clx_put_weight_sum(problem, args, &sums);
    }
    if (forward && args->correct_count != NULL)
        *(uint64_t *)args->correct_count = correct;
    return CLXENT_SUCCESS;
}
