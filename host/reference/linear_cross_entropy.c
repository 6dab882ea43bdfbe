/* Linear cross-entropy: the logits h W^T + b in double, all of them, and the cross-entropy of them; then
 *
 *     grad_hidden = G W,  grad_weight = G^T h,  grad_bias = sum_n G     with G the gradient of the logits
 *
 * all rounded once at the end. Of a shard W and b are of its classes, and grad_hidden is its part of the sum over all of them.
 * Numbers are copied to double first, so that the other file sees a problem of that type. */
#include "shard.h"

#include "half.h"
#include "status.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>

/* What is handed to the cross-entropy, by tensor: the logits as input, and in their place their gradient. */
typedef struct doubles {
    double *of[CLX_TENSORS];
} doubles;

static const clx_tensor copied[] = {CLX_WEIGHT,      CLX_SAMPLE_WEIGHT, CLX_OUTPUT, CLX_LSE,
                                    CLX_GRAD_OUTPUT, CLX_PARTIAL,       CLX_MERGED, CLX_WEIGHT_SUM};
enum { COPIED = sizeof copied / sizeof copied[0] };

static double number(const clx_problem *problem, clx_tensor tensor, const void *array, size_t i) {
    return clx_get_number(problem, clx_element_of(problem, tensor), array, i);
}

static bool is_there(const clx_problem *problem, const clxent_host_args *args, clx_tensor tensor) {
    return clx_host_array(args, tensor) != NULL && clx_is_used(clx_tensor_use(problem, tensor));
}

/* Of a tensor that is written zeros: nobody need have written to it before. */
static double *copy(const clx_problem *problem, const clxent_host_args *args, clx_tensor tensor) {
    const size_t count = clx_tensor_bytes(problem, tensor) / clx_element_size(problem, tensor);
    const bool is_read = !clx_is_written(clx_tensor_use(problem, tensor));
    double *made = calloc(count + 1, sizeof *made);
    for (size_t i = 0; made != NULL && is_read && i < count; i++)
        made[i] = number(problem, tensor, clx_host_array(args, tensor), i);
    return made;
}

static double *multiply(const clx_problem *problem, const clxent_host_args *args) {
    const clxent_desc *desc = &problem->desc;
    double *logits = calloc(desc->batch * desc->classes + 1, sizeof *logits);
    for (size_t n = 0; logits != NULL && n < desc->batch; n++)
        for (size_t c = 0; c < desc->classes; c++) {
            long double sum = args->linear_bias == NULL ? 0 : number(problem, CLX_LINEAR_BIAS, args->linear_bias, c);
            for (size_t d = 0; d < desc->features; d++)
                sum += (long double)number(problem, CLX_INPUT, args->input, n * desc->row_stride + d) *
                       number(problem, CLX_LINEAR_WEIGHT, args->linear_weight, c * desc->features + d);
            logits[n * desc->classes + c] = (double)sum;
        }
    return logits;
}

/* Adds to what is there, or replaces it. */
static void put(const clx_problem *problem, clx_tensor tensor, void *array, size_t i, long double value) {
    if (problem->desc.flags & CLXENT_ACCUMULATE_GRAD)
        value += number(problem, tensor, array, i);
    clx_store(clx_number_type(problem, clx_element_of(problem, tensor)), array, i, value);
}

/* A row that does not count has a gradient of 0 whatever its hidden state or the weight is. */
static bool counts(const clx_problem *problem, const clxent_host_args *args, size_t n) {
    return clx_get_class(problem, args->target, n) != problem->desc.ignore_index;
}

static void put_hidden(const clx_problem *problem, const clxent_host_args *args, const double *g) {
    const clxent_desc *desc = &problem->desc;
    for (size_t n = 0; n < desc->batch; n++)
        for (size_t d = 0; d < desc->features; d++) {
            long double sum = 0;
            for (size_t c = 0; c < desc->classes && counts(problem, args, n); c++)
                sum += (long double)g[n * desc->classes + c] *
                       number(problem, CLX_LINEAR_WEIGHT, args->linear_weight, c * desc->features + d);
            put(problem, CLX_GRAD_INPUT, args->grad_input, n * desc->row_stride + d, sum);
        }
}

static void put_layer(const clx_problem *problem, const clxent_host_args *args, const double *g) {
    const clxent_desc *desc = &problem->desc;
    for (size_t c = 0; c < desc->classes; c++) {
        for (size_t d = 0; d < desc->features && args->grad_linear_weight != NULL; d++) {
            long double sum = 0;
            for (size_t n = 0; n < desc->batch; n++)
                if (counts(problem, args, n))
                    sum += (long double)g[n * desc->classes + c] *
                           number(problem, CLX_INPUT, args->input, n * desc->row_stride + d);
            put(problem, CLX_GRAD_LINEAR_WEIGHT, args->grad_linear_weight, c * desc->features + d, sum);
        }
        long double sum = 0;
        for (size_t n = 0; n < desc->batch; n++)
            sum += counts(problem, args, n) ? g[n * desc->classes + c] : 0;
        if (args->grad_linear_bias != NULL)
            put(problem, CLX_GRAD_LINEAR_BIAS, args->grad_linear_bias, c, sum);
    }
}

/* The cross-entropy of the logits, which are refused where they have too many bytes. */
static clxent_status problem_of_rows(const clx_problem *problem, clx_problem *rows) {
    clxent_desc desc = problem->desc;
    desc.op = CLXENT_CROSS_ENTROPY;
    desc.dtype = CLXENT_F64;
    desc.row_stride = 0;
    desc.features = 0;
    desc.workspace_limit = 0;
    desc.flags &= ~((uint64_t)CLXENT_ACCUMULATE_GRAD | CLXENT_FILTER_GRADIENT);
    return clx_problem_init(rows, &desc);
}

static clxent_status cross_entropy(const clx_problem *rows, const clxent_host_args *args, const doubles *v) {
    clxent_host_args all;
    clxent_host_args_init(&all);
    for (clx_tensor tensor = 0; tensor < CLX_TENSORS; tensor++)
        clx_set_host_array(&all, tensor, v->of[tensor]);
    all.target = args->target;
    all.grad_input = v->of[CLX_INPUT];
    return rows->op->reference(rows, &all);
}

static void put_losses(const clx_problem *problem, const clxent_host_args *args, const doubles *v) {
    const bool none = problem->desc.reduction == CLXENT_REDUCTION_NONE;
    for (size_t i = 0; i < (none ? problem->rows : 1); i++)
        clx_put_real(problem, args->output, i, v->of[CLX_OUTPUT][i]);
    for (size_t i = 0; i < problem->rows && args->lse != NULL; i++)
        clx_put_real(problem, args->lse, i, counts(problem, args, i) ? v->of[CLX_LSE][i] : 0);
}

/* With the top as it will be stored, so that the sums are those that belong to the stored number. */
static clx_partial rounded(const clx_problem *problem, clx_partial p) {
    if (problem->desc.dtype == CLXENT_F64)
        return p;
    const long double top = p.top < -FLT_MAX ? -FLT_MAX : (float)p.top, rise = p.top - top;
    p.linear += clx_times(p.masses, rise);
    p.sum *= expl(rise);
    p.top = top;
    return p;
}

/* Of an ignored row, which is not looked at, as if its only class were one of logit 0 in the first shard: lse is then 0. */
static clx_partial ignored_partial(const clx_problem *problem) {
    const bool first = problem->desc.class_start == 0;
    const double lowest = problem->desc.dtype == CLXENT_F64 ? -DBL_MAX : -FLT_MAX;
    return (clx_partial){.top = first ? 0 : lowest, .sum = first ? 1 : 0};
}

static void put_partials(const clx_problem *problem, const clxent_host_args *args, const doubles *v) {
    clx_problem wide = *problem;
    wide.desc.dtype = CLXENT_F64;
    for (size_t n = 0; n < problem->rows; n++) {
        const clx_partial partial = counts(problem, args, n)
                                        ? rounded(problem, clx_get_partial(&wide, v->of[CLX_PARTIAL], 0, n))
                                        : ignored_partial(problem);
        clx_put_partial(problem, args->partial, n, &partial);
    }
}

static clxent_status make_doubles(const clx_problem *problem, const clxent_host_args *args, doubles *v) {
    v->of[CLX_INPUT] = multiply(problem, args);
    bool complete = v->of[CLX_INPUT] != NULL;
    for (size_t i = 0; i < COPIED; i++) {
        if (!is_there(problem, args, copied[i]))
            continue;
        v->of[copied[i]] = copy(problem, args, copied[i]);
        complete = complete && v->of[copied[i]] != NULL;
    }
    if (complete)
        return CLXENT_SUCCESS;
    return clx_fail(CLXENT_OUT_OF_MEMORY, "no memory for %zu x %zu logits", problem->rows, problem->desc.classes);
}

clxent_status clx_linear_cross_entropy_reference(const clx_problem *problem, const clxent_host_args *args) {
    doubles v = {{NULL}};
    clx_problem rows;
    clxent_status status = problem_of_rows(problem, &rows);
    if (status == CLXENT_SUCCESS)
        status = make_doubles(problem, args, &v);
    if (status == CLXENT_SUCCESS)
        status = cross_entropy(&rows, args, &v);
    if (status == CLXENT_SUCCESS && problem->desc.pass != CLXENT_BACKWARD && clx_is_shard(problem))
        put_partials(problem, args, &v);
    else if (status == CLXENT_SUCCESS && problem->desc.pass != CLXENT_BACKWARD)
        put_losses(problem, args, &v);
    if (status == CLXENT_SUCCESS && problem->desc.pass != CLXENT_FORWARD) {
        put_hidden(problem, args, v.of[CLX_INPUT]);
        put_layer(problem, args, v.of[CLX_INPUT]);
    }
    for (clx_tensor tensor = 0; tensor < CLX_TENSORS; tensor++)
        free(v.of[tensor]);
    return status;
}
