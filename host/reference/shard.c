/* Cross-entropy of a shard, the classes from class_start on of V: what it says of each row, and from what all of them have said
 * together the gradient of its own classes. y is the target, w its class weight, e label_smoothing, z z_loss.
 *
 *     dx_k = t { (1-e) w (p_k - [k = y]) + (e/V) (p_k masses - w_k) } + 2 z lse p_k t_z
 *
 * with t = t_z = u g, divided by W and by U of weight_sum for mean.
 *
 * The gradient may be written over the logits: each is read before its own place is written. */
#include "shard.h"

#include <float.h>
#include <math.h>

clx_partial clx_get_partial(const clx_problem *problem, const void *array, size_t part, size_t row) {
    long double planes[CLX_PLANES];
    for (size_t i = 0; i < CLX_PLANES; i++)
        planes[i] = clx_get_real(problem, array, (part * CLX_PLANES + i) * problem->rows + row);
    return (clx_partial){planes[0], planes[1], planes[2], planes[3], planes[4], planes[5]};
}

void clx_put_partial(const clx_problem *problem, void *array, size_t row, const clx_partial *p) {
    const long double planes[CLX_PLANES] = {p->top, p->sum, p->logit, p->weight, p->linear, p->masses};
    for (size_t i = 0; i < CLX_PLANES; i++)
        clx_put_real(problem, array, i * problem->rows + row, planes[i]);
}

clx_sums clx_sums_of_partial(const clx_partial *partial) {
    clx_sums sums = {.max = partial->top, .sum = partial->sum < 0.5L ? NAN : partial->sum};
    sums.log_sum = logl(sums.sum);
    return sums;
}

/* The place of the row's target among the shard's classes; `classes` where it is not there, or does not count. */
static size_t find_target(const clx_row *row, int64_t y) {
    const clxent_desc *desc = &row->problem->desc;
    bool here = clx_row_counts(row->problem, y) && y >= 0 && (uint64_t)y >= desc->class_start &&
                (uint64_t)y - desc->class_start < row->classes;
    return here ? (size_t)y - desc->class_start : row->classes;
}

/* As it will be stored, so that the sums are those that belong to the stored number. */
static long double find_top(const clx_row *row, const void *input) {
    bool wide = row->problem->desc.dtype == CLXENT_F64;
    long double top = wide ? -DBL_MAX : -FLT_MAX;
    for (size_t c = 0; c < row->classes; c++) {
        long double exact = clx_logit(row, input, c), x = wide ? (double)exact : (double)(float)exact;
        if (x > top)
            top = x;
    }
    return top;
}

static void forward(const clx_problem *problem, const clxent_host_args *args) {
    for (size_t r = 0; r < problem->rows; r++) {
        clx_row row = clx_get_row(problem, r);
        clx_partial partial = {.top = find_top(&row, args->input)};
        for (size_t c = 0; c < row.classes; c++) {
            long double below = clx_logit(&row, args->input, c) - partial.top, w = clx_get_weight(problem, args, c);
            partial.sum += expl(below);
            if (problem->desc.label_smoothing > 0) {
                partial.linear += clx_times(w, below);
                partial.masses += w;
            }
        }
        size_t y = find_target(&row, clx_get_class(problem, args->target, r));
        if (y < row.classes) {
            partial.logit = clx_logit(&row, args->input, y);
            partial.weight = clx_get_weight(problem, args, y);
        }
        clx_put_partial(problem, args->partial, r, &partial);
    }
}

/* A row that counts: its target may be in another shard. */
static void put_gradient(const clx_row *row, const clxent_host_args *args, size_t y) {
    const clx_problem *problem = row->problem;
    const clxent_desc *desc = &problem->desc;
    clx_partial merged = clx_get_partial(problem, args->merged, 0, row->index);
    clx_sums sums = clx_sums_of_partial(&merged);
    long double t = clx_incoming(problem, args, row->index) * clx_get_row_weight(problem, args, row->index), t_z = t;
    long double e = desc->label_smoothing, share = e / desc->class_total;
    if (desc->reduction == CLXENT_REDUCTION_MEAN) {
        clx_divisors over = clx_over_nothing((clx_divisors){.w = clx_get_real(problem, args->weight_sum, 0),
                                                            .u = clx_get_real(problem, args->weight_sum, 1)});
        t /= over.w;
        t_z /= over.u;
    }
    for (size_t k = 0; k < row->classes; k++) {
        long double p = clx_prob(&sums, clx_logit(row, args->input, k)), dx = 0;
        if (e < 1)
            dx += t * (1 - e) * merged.weight * (p - (k == y ? 1 : 0));
        if (e > 0)
            dx += t * share * (p * merged.masses - clx_get_weight(problem, args, k));
        if (desc->z_loss != 0)
            dx += t_z * 2 * desc->z_loss * clx_lse(&sums) * p;
        clx_put_gradient(row, args->grad_input, k, dx * clx_logit_slope(row, args->input, k));
    }
}

static void backward(const clx_problem *problem, const clxent_host_args *args) {
    for (size_t r = 0; r < problem->rows; r++) {
        clx_row row = clx_get_row(problem, r);
        int64_t y = clx_get_class(problem, args->target, r);
        if (clx_row_counts(problem, y))
            put_gradient(&row, args, find_target(&row, y));
        else
            clx_put_zero_gradient(&row, args->grad_input);
    }
}

clxent_status clx_shard_reference(const clx_problem *problem, const clxent_host_args *args) {
    if (problem->desc.pass == CLXENT_FORWARD)
        forward(problem, args);
    else
        backward(problem, args);
    return CLXENT_SUCCESS;
}
