/* What the operations of the reference share. */
#include "row.h"

#include "half.h"

#include <math.h>

static double load(clxent_dtype type, const void *array, size_t i) {
    switch (type) {
    case CLXENT_F64:
        return ((const double *)array)[i];
    case CLXENT_F16:
        return clx_from_f16(((const uint16_t *)array)[i]);
    case CLXENT_BF16:
        return clx_from_bf16(((const uint16_t *)array)[i]);
    default:
        return ((const float *)array)[i];
    }
}

static void store(clxent_dtype type, void *array, size_t i, long double value) {
    switch (type) {
    case CLXENT_F64:
        ((double *)array)[i] = (double)value;
        break;
    case CLXENT_F16:
        ((uint16_t *)array)[i] = clx_to_f16((double)value);
        break;
    case CLXENT_BF16:
        ((uint16_t *)array)[i] = clx_to_bf16((double)value);
        break;
    default:
        ((float *)array)[i] = (float)value;
    }
}

clx_row clx_get_row(const clx_problem *problem, size_t index) {
    size_t inner = problem->desc.inner;
    return (clx_row){
        .storage = problem->desc.dtype,
        .first = clx_row_offset(problem, index / inner) + index % inner,
        .step = inner,
        .classes = problem->desc.classes,
    };
}

double clx_get(const clx_row *row, const void *tensor, size_t c) {
    return load(row->storage, tensor, row->first + c * row->step);
}

void clx_put(const clx_row *row, void *tensor, size_t c, long double value) {
    store(row->storage, tensor, row->first + c * row->step, value);
}

void clx_put_zeros(const clx_row *row, void *tensor) {
    for (size_t c = 0; c < row->classes; c++)
        clx_put(row, tensor, c, 0);
}

/* The storage type that holds the real type. */
static clxent_dtype real_type(const clx_problem *problem) {
    return problem->desc.dtype == CLXENT_F64 ? CLXENT_F64 : CLXENT_F32;
}

double clx_get_real(const clx_problem *problem, const void *array, size_t i) {
    return load(real_type(problem), array, i);
}

void clx_put_real(const clx_problem *problem, void *array, size_t i, long double value) {
    store(real_type(problem), array, i, value);
}

bool clx_row_counts(const clx_problem *problem, int64_t target) {
    return target != problem->desc.ignore_index;
}

double clx_get_weight(const clx_problem *problem, const clxent_host_args *args, size_t c) {
    return args->weight == NULL ? 1 : clx_get_real(problem, args->weight, c);
}

long double clx_weighted_loss(double weight, long double log_prob) {
    if (weight == 0 && isinf((double)log_prob))
        return 0;
    return 0 - weight * log_prob;
}

long double clx_loss_divisor(const clx_problem *problem, const clxent_host_args *args) {
    if (problem->desc.reduction != CLXENT_REDUCTION_MEAN)
        return 1;
    long double sum = 0;
    for (size_t row = 0; row < problem->rows; row++) {
        int64_t y = clx_get_target(problem, args, row);
        if (clx_row_counts(problem, y))
            sum += clx_get_weight(problem, args, (size_t)y);
    }
    return sum == 0 ? NAN : sum;
}

long double clx_grad_scale(const clx_problem *problem, const clxent_host_args *args, size_t row, long double divisor) {
    if (args->grad_output == NULL)
        return 1 / divisor;
    bool per_row = problem->desc.reduction == CLXENT_REDUCTION_NONE;
    return clx_get_real(problem, args->grad_output, per_row ? row : 0) / divisor;
}

void clx_add_loss(const clx_problem *problem, const clxent_host_args *args, size_t row, long double loss,
                  long double *total) {
    *total += loss;
    if (problem->desc.reduction == CLXENT_REDUCTION_NONE)
        clx_put_real(problem, args->output, row, loss);
}

void clx_put_total(const clx_problem *problem, const clxent_host_args *args, long double total, long double divisor) {
    if (problem->desc.reduction != CLXENT_REDUCTION_NONE)
        clx_put_real(problem, args->output, 0, total / divisor);
}

/* No test for NaN or infinities: x - m is NaN at every +inf when m is, at every -inf when all are, and at every NaN. */
clx_sums clx_sum_row(const clx_row *row, const void *input) {
    clx_sums sums = {.max = -INFINITY};
    for (size_t c = 0; c < row->classes; c++) {
        double x = clx_get(row, input, c);
        if (x > sums.max)
            sums.max = x;
    }
    for (size_t c = 0; c < row->classes; c++)
        sums.sum += exp(clx_get(row, input, c) - sums.max);
    sums.log_sum = logl(sums.sum);
    return sums;
}

clx_sums clx_sums_from_lse(double lse) {
    return (clx_sums){.max = lse, .sum = 1, .log_sum = 0};
}

long double clx_log_prob(const clx_sums *sums, double x) {
    return (x - sums->max) - sums->log_sum;
}

long double clx_prob(const clx_sums *sums, double x) {
    return exp(x - sums->max) / sums->sum;
}
