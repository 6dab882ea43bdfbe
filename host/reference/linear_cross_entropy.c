/* Linear cross-entropy: the logits h W^T + b in double, all of them, and the cross-entropy of them; then
 *
 *     grad_hidden = G W,  grad_weight = G^T h,  grad_bias = sum_n G     with G the gradient of the logits
 *
 * all rounded once at the end. Numbers are copied to double first, so that the other file sees a problem of that type. */
#include "row.h"

#include "half.h"
#include "status.h"

#include <stdlib.h>

/* What is handed to the cross-entropy. */
typedef struct doubles {
    double *logits, *weight, *sample_weight, *grad_output, *lse, *output;
} doubles;

static double number(const clx_problem *problem, clx_tensor tensor, const void *array, size_t i) {
    return clx_get_number(problem, clx_element_of(problem, tensor), array, i);
}

static double *copy(const clx_problem *problem, clx_tensor tensor, const void *array) {
    if (array == NULL)
        return NULL;
    const size_t count = clx_tensor_bytes(problem, tensor) / clx_element_size(problem, tensor);
    double *made = calloc(count + 1, sizeof *made);
    for (size_t i = 0; made != NULL && i < count; i++)
        made[i] = number(problem, tensor, array, i);
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

static clxent_status cross_entropy(const clx_problem *problem, const clxent_host_args *args, const doubles *v) {
    clxent_desc desc = problem->desc;
    desc.op = CLXENT_CROSS_ENTROPY;
    desc.dtype = CLXENT_F64;
    desc.row_stride = 0;
    desc.features = 0;
    desc.workspace_limit = 0;
    desc.flags &= ~((uint64_t)CLXENT_ACCUMULATE_GRAD | CLXENT_FILTER_GRADIENT);
    clx_problem rows;
    clxent_status status = clx_problem_init(&rows, &desc);
    clxent_host_args all;
    clxent_host_args_init(&all);
    all.input = v->logits;
    all.target = args->target;
    all.weight = v->weight;
    all.sample_weight = v->sample_weight;
    all.grad_output = v->grad_output;
    all.lse = v->lse;
    all.output = v->output;
    all.grad_input = v->logits;
    return status == CLXENT_SUCCESS ? clx_cross_entropy_reference(&rows, &all) : status;
}

static void put_losses(const clx_problem *problem, const clxent_host_args *args, const doubles *v) {
    const bool none = problem->desc.reduction == CLXENT_REDUCTION_NONE;
    for (size_t i = 0; i < (none ? problem->rows : 1); i++)
        clx_put_real(problem, args->output, i, v->output[i]);
    for (size_t i = 0; i < problem->rows && args->lse != NULL; i++)
        clx_put_real(problem, args->lse, i, counts(problem, args, i) ? v->lse[i] : 0);
}

static bool is_complete(const clxent_host_args *args, const doubles *v) {
    return v->logits != NULL && v->output != NULL && (v->weight != NULL || args->weight == NULL) &&
           (v->sample_weight != NULL || args->sample_weight == NULL) &&
           (v->grad_output != NULL || args->grad_output == NULL) && (v->lse != NULL || args->lse == NULL);
}

clxent_status clx_linear_cross_entropy_reference(const clx_problem *problem, const clxent_host_args *args) {
    doubles v = {
        .logits = multiply(problem, args),
        .weight = copy(problem, CLX_WEIGHT, args->weight),
        .sample_weight = copy(problem, CLX_SAMPLE_WEIGHT, args->sample_weight),
        .grad_output = copy(problem, CLX_GRAD_OUTPUT, problem->desc.pass == CLXENT_FORWARD ? NULL : args->grad_output),
        .lse = copy(problem, CLX_LSE, args->lse),
        .output = calloc(problem->rows + 1, sizeof(double)),
    };
    clxent_status status = CLXENT_SUCCESS;
    if (!is_complete(args, &v) && !(problem->desc.pass == CLXENT_FORWARD && v.grad_output == NULL && v.logits != NULL))
        status = clx_fail(CLXENT_OUT_OF_MEMORY, "no memory for %zu x %zu logits", problem->rows, problem->desc.classes);
    if (status == CLXENT_SUCCESS)
        status = cross_entropy(problem, args, &v);
    if (status == CLXENT_SUCCESS && problem->desc.pass != CLXENT_BACKWARD)
        put_losses(problem, args, &v);
    if (status == CLXENT_SUCCESS && problem->desc.pass != CLXENT_FORWARD) {
        put_hidden(problem, args, v.logits);
        put_layer(problem, args, v.logits);
    }
    double *all[] = {v.logits, v.weight, v.sample_weight, v.grad_output, v.lse, v.output};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        free(all[i]);
    return status;
}
