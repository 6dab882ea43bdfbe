/* The arrays of one case: made, filled, handed over and freed. */
#include "check_data.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- elements ---- */

clxent_dtype check_real_type(clxent_dtype dtype) {
    return dtype == CLXENT_F64 ? CLXENT_F64 : CLXENT_F32;
}

clxent_dtype check_output_type(const check_case *c) {
    return check_is_loss(c->desc.op) ? check_real_type(c->desc.dtype) : c->desc.dtype;
}

clxent_dtype check_target_type(const check_case *c) {
    return c->desc.target_type == CLXENT_TARGET_PROBABILITIES_F32 ? CLXENT_F32 : c->desc.dtype;
}

clxent_dtype check_sample_type(const check_case *c) {
    return check_is_elementwise(c->desc.op) ? c->desc.dtype : check_real_type(c->desc.dtype);
}

size_t check_place(const clxent_desc *desc, size_t row, size_t class) {
    return row / desc->inner * check_stride(desc) + class * desc->inner + row % desc->inner;
}

double check_logit(const check_data *data, const check_case *c, size_t row, size_t class) {
    double cap = c->desc.logit_softcap;
    double x = c->desc.logit_scale * clx_load(c->desc.dtype, data->input, check_place(&c->desc, row, class));
    return cap > 0 ? cap * tanh(x / cap) : x;
}

/* ---- memory ---- */

/* Memory for elements of a type, all NaN; at least one, so that NULL means that there is no memory. */
static void *make(clxent_dtype type, size_t elements) {
    void *array = malloc((elements > 0 ? elements : 1) * sizeof(double));
    for (size_t i = 0; array != NULL && i < elements; i++)
        clx_store(type, array, i, NAN);
    return array;
}

/* Makes an array where it is wanted; false where there is no memory for it. */
static bool make_if(bool wanted, void **array, clxent_dtype type, size_t elements) {
    if (wanted)
        *array = make(type, elements);
    return !wanted || *array != NULL;
}

static bool make_inputs(check_data *data, const check_case *c) {
    bool loss = check_is_loss(c->desc.op), back = c->desc.pass == CLXENT_BACKWARD;
    bool linear = check_is_linear(c->desc.op);
    const clxent_dtype storage = c->desc.dtype, real = check_real_type(storage);
    size_t targets = check_has_probabilities(&c->desc) ? data->span : data->rows;
    size_t samples = check_is_elementwise(c->desc.op) ? data->span : data->rows;
    size_t grads = loss ? data->output_elements : data->span;
    return make_if(true, &data->input, storage, data->span) &&
           make_if(loss, &data->target, check_target_type(c), targets) &&
           make_if(c->target2, &data->target2, CLXENT_F64, targets) &&
           make_if(c->weight, &data->weight, real, c->desc.classes) &&
           make_if(c->sample_weight, &data->sample_weight, check_sample_type(c), samples) &&
           make_if(c->pos_weight, &data->pos_weight, real, c->desc.classes) &&
           make_if(c->mix_lambda, &data->mix_lambda, real, 1) &&
           make_if(c->grad_output, &data->grad_output, check_output_type(c), grads) &&
           make_if(linear, &data->linear_weight, storage, data->layer_elements) &&
           make_if(c->linear_bias, &data->linear_bias, storage, c->desc.classes) &&
           make_if(back && !loss, &data->saved_output, storage, data->span) &&
           make_if(back && c->lse, &data->saved_lse, real, data->rows);
}

static bool make_results(check_results *results, const check_data *data, const check_case *c) {
    bool forward = c->desc.pass != CLXENT_BACKWARD, backward = c->desc.pass != CLXENT_FORWARD;
    bool layer = backward && check_is_linear(c->desc.op);
    clxent_dtype real = check_real_type(c->desc.dtype);
    void *argmax = NULL;
    bool made = make_if(forward, &results->output, check_output_type(c), data->output_elements) &&
                make_if(forward && c->lse, &results->lse, real, data->rows) &&
                make_if(backward, &results->grad_input, c->desc.dtype, data->span) &&
                make_if(layer, &results->grad_linear_weight, real, data->layer_elements) &&
                make_if(layer, &results->grad_linear_bias, real, c->desc.classes) &&
                make_if(c->argmax, &argmax, CLXENT_F64, data->rows);
    results->argmax = argmax;
    for (size_t row = 0; argmax != NULL && row < data->rows; row++)
        results->argmax[row] = -1;
    results->correct = results->invalid = UINT64_MAX;
    return made;
}

static size_t count_outputs(const check_data *data, const clxent_desc *desc) {
    if (!check_is_loss(desc->op))
        return data->span;
    if (desc->reduction != CLXENT_REDUCTION_NONE)
        return 1;
    return check_is_elementwise(desc->op) ? data->span : data->rows;
}

/* What a backward pass reads of the forward pass before it. */
static bool run_forward(check_data *data, const check_case *c) {
    check_case forward = *c;
    forward.desc.pass = CLXENT_FORWARD;
    check_results results = {.output = data->saved_output, .lse = data->saved_lse};
    void *loss = NULL;
    if (check_is_loss(c->desc.op))
        results.output = loss = make(check_output_type(c), data->output_elements);
    clxent_host_args args = check_data_args(data, &forward, &results);
    clxent_status status = clxent_reference(&forward.desc, &args);
    free(loss);
    return status == CLXENT_SUCCESS;
}

bool check_data_init(check_data *data, const check_case *c) {
    const clxent_desc *desc = &c->desc;
    memset(data, 0, sizeof *data);
    data->rows = desc->batch * desc->inner;
    data->span = desc->batch > 0 ? (desc->batch - 1) * check_stride(desc) + check_width(desc) : 0;
    data->layer_elements = desc->classes * desc->features;
    data->output_elements = count_outputs(data, desc);
    if (!make_inputs(data, c) || !make_results(&data->got, data, c) || !make_results(&data->expected, data, c))
        return false;
    check_fill(data, c);
    bool saved = data->saved_output != NULL || data->saved_lse != NULL;
    return !saved || run_forward(data, c);
}

void check_data_free(check_data *data) {
    void *const arrays[] = {data->input,
                            data->target,
                            data->target2,
                            data->weight,
                            data->pos_weight,
                            data->mix_lambda,
                            data->grad_output,
                            data->sample_weight,
                            data->saved_lse,
                            data->saved_output,
                            data->got.output,
                            data->expected.output,
                            data->got.lse,
                            data->expected.lse,
                            data->got.argmax,
                            data->expected.argmax,
                            data->got.grad_input,
                            data->expected.grad_input,
                            data->linear_weight,
                            data->linear_bias,
                            data->got.grad_linear_weight,
                            data->expected.grad_linear_weight,
                            data->got.grad_linear_bias,
                            data->expected.grad_linear_bias};
    for (size_t i = 0; i < sizeof arrays / sizeof arrays[0]; i++)
        free(arrays[i]);
}

clxent_host_args check_data_args(const check_data *data, const check_case *c, check_results *results) {
    clxent_host_args args;
    clxent_host_args_init(&args);
    args.input = data->input;
    args.target = data->target;
    args.target2 = data->target2;
    args.weight = data->weight;
    args.sample_weight = data->sample_weight;
    args.pos_weight = data->pos_weight;
    args.mix_lambda = data->mix_lambda;
    args.grad_output = data->grad_output;
    args.linear_weight = data->linear_weight;
    args.linear_bias = data->linear_bias;
    args.output = results->output != NULL ? results->output : data->saved_output;
    args.lse = results->lse != NULL ? results->lse : data->saved_lse;
    args.argmax = results->argmax;
    args.grad_input = results->grad_input;
    args.grad_linear_weight = results->grad_linear_weight;
    args.grad_linear_bias = results->grad_linear_bias;
    args.invalid_count = c->counts ? &results->invalid : NULL;
    args.correct_count = c->counts && results->argmax != NULL ? &results->correct : NULL;
    return args;
}
