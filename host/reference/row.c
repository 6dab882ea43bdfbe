/* What the operations of the reference share. */
#include "row.h"

#include "half.h"

#include <math.h>

clx_row clx_get_row(const clx_problem *problem, size_t index) {
    size_t inner = problem->desc.inner;
    return (clx_row){
        .problem = problem,
        .index = index,
        .first = clx_row_offset(problem, index / inner) + index % inner,
        .step = inner,
        .classes = problem->desc.classes,
    };
}

size_t clx_place_of(const clx_row *row, size_t c) {
    return row->first + c * row->step;
}

double clx_get(const clx_row *row, const void *tensor, size_t c) {
    return clx_get_number(row->problem, CLX_STORAGE, tensor, clx_place_of(row, c));
}

void clx_put(const clx_row *row, void *tensor, size_t c, long double value) {
    clx_store(row->problem->desc.dtype, tensor, clx_place_of(row, c), value);
}

double clx_get_real(const clx_problem *problem, const void *array, size_t i) {
    return clx_get_number(problem, CLX_REAL, array, i);
}

void clx_put_real(const clx_problem *problem, void *array, size_t i, long double value) {
    clx_store(clx_number_type(problem, CLX_REAL), array, i, value);
}

static bool accumulates(const clx_problem *problem) {
    return (problem->desc.flags & CLXENT_ACCUMULATE_GRAD) != 0;
}

void clx_put_gradient(const clx_row *row, void *grad_input, size_t c, long double value) {
    long double old = accumulates(row->problem) ? clx_get(row, grad_input, c) : 0;
    clx_put(row, grad_input, c, old + value);
}

void clx_put_zero_gradient(const clx_row *row, void *grad_input) {
    for (size_t c = 0; c < row->classes && !accumulates(row->problem); c++)
        clx_put(row, grad_input, c, 0);
}

bool clx_row_counts(const clx_problem *problem, int64_t target) {
    return target != problem->desc.ignore_index;
}

double clx_get_weight(const clx_problem *problem, const clxent_host_args *args, size_t c) {
    return args->weight == NULL ? 1 : clx_get_real(problem, args->weight, c);
}

double clx_get_row_weight(const clx_problem *problem, const clxent_host_args *args, size_t row) {
    return args->sample_weight == NULL ? 1 : clx_get_real(problem, args->sample_weight, row);
}

long double clx_times(long double factor, long double value) {
    return factor == 0 && isinf((double)value) ? 0 : factor * value;
}

long double clx_weighted_loss(long double weight, long double log_prob) {
    return 0 - clx_times(weight, log_prob);
}

clx_divisors clx_sum_weights(const clx_problem *problem, const clxent_host_args *args, const void *target) {
    clx_divisors sums = {0};
    for (size_t row = 0; row < problem->rows; row++) {
        int64_t y = target == NULL ? 0 : clx_get_class(problem, target, row);
        if (target != NULL && !clx_row_counts(problem, y))
            continue;
        long double u = clx_get_row_weight(problem, args, row);
        sums.rows++;
        sums.w += target == NULL ? u : u * clx_get_weight(problem, args, (size_t)y);
        sums.u += u;
    }
    return sums;
}

void clx_put_weight_sum(const clx_problem *problem, const clxent_host_args *args, const clx_divisors *sums) {
    void *weight_sum = clx_host_array(args, CLX_WEIGHT_SUM);
    if (weight_sum == NULL)
        return;
    clx_put_real(problem, weight_sum, 0, sums->w);
    clx_put_real(problem, weight_sum, 1, sums->u);
}

clx_divisors clx_over_nothing(clx_divisors sums) {
    if (sums.w == 0)
        sums.w = NAN;
    if (sums.u == 0)
        sums.u = NAN;
    return sums;
}

clx_divisors clx_get_divisors(const clx_problem *problem, const clxent_host_args *args, const void *target) {
    return clx_over_nothing(clx_sum_weights(problem, args, target));
}

long double clx_empty_mean(const clx_problem *problem) {
    return problem->desc.flags & CLXENT_EMPTY_MEAN_ZERO ? 0 : NAN;
}

long double clx_incoming(const clx_problem *problem, const clxent_host_args *args, size_t i) {
    bool one = problem->desc.reduction != CLXENT_REDUCTION_NONE;
    double g = args->grad_output == NULL ? 1 : clx_get_real(problem, args->grad_output, one ? 0 : i);
    return (long double)g * problem->desc.grad_scale;
}
