/* The data of one case. Plain random numbers hide most bugs of a softmax, so each row is of another kind: outliers,
 * equal values, a common offset, a nearly certain class, -inf in front. The same case has the same data every time. */
#include "check_data.h"

#include "../host/half.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef enum row_kind {
    ROW_PLAIN,
    ROW_LEADING_INF,    /* begins with -inf */
    ROW_EDGE_OF_EXP,    /* +-88, where exp reaches the ends of float */
    ROW_OUTLIERS,       /* +-1e4 */
    ROW_EQUAL,          /* one value throughout */
    ROW_NEARLY_CERTAIN, /* the target far above the rest */
    ROW_OFFSET,         /* a large common offset */
    ROW_WIDE,
    ROW_KINDS, /* the following make NaN or infinite results */
    ROW_ALL_MINUS_INF = ROW_KINDS,
    ROW_PLUS_INF,
    ROW_NAN,
    ROW_MINUS_INF_AT_TARGET,
    ROW_ALL_KINDS
} row_kind;

/* Uniform in [-1, 1), from a 64-bit linear congruential generator. */
static double draw(uint64_t *state) {
    *state = *state * 6364136223846793005u + 1442695040888963407u;
    return (double)(*state >> 11) * 0x1p-52 - 1;
}

clxent_dtype check_real_type(clxent_dtype dtype) {
    return dtype == CLXENT_F64 ? CLXENT_F64 : CLXENT_F32;
}

clxent_dtype check_output_type(const check_case *c) {
    return check_is_loss(c->desc.op) ? check_real_type(c->desc.dtype) : c->desc.dtype;
}

double check_get(clxent_dtype type, const void *array, size_t i) {
    switch (type) {
    case CLXENT_F16:
        return clx_from_f16(((const uint16_t *)array)[i]);
    case CLXENT_BF16:
        return clx_from_bf16(((const uint16_t *)array)[i]);
    case CLXENT_F32:
        return ((const float *)array)[i];
    default:
        return ((const double *)array)[i];
    }
}

void check_set(clxent_dtype type, void *array, size_t i, double value) {
    switch (type) {
    case CLXENT_F16:
        ((uint16_t *)array)[i] = clx_to_f16(value);
        break;
    case CLXENT_BF16:
        ((uint16_t *)array)[i] = clx_to_bf16(value);
        break;
    case CLXENT_F32:
        ((float *)array)[i] = (float)value;
        break;
    default:
        ((double *)array)[i] = value;
    }
}

/* Memory for elements of a type, all NaN; at least one, so that NULL means that there is no memory. */
static void *make(clxent_dtype type, size_t elements) {
    void *array = malloc((elements > 0 ? elements : 1) * sizeof(double));
    for (size_t i = 0; array != NULL && i < elements; i++)
        check_set(type, array, i, NAN);
    return array;
}

static double draw_logit(row_kind kind, size_t class, size_t classes, size_t target, uint64_t *state) {
    double u = draw(state);
    switch (kind) {
    case ROW_LEADING_INF:
        return class < classes / 2 && class != target ? -INFINITY : 4 * u;
    case ROW_EDGE_OF_EXP:
        return u < -0.5 ? -88 : u > 0.5 ? 88 : 88 * u;
    case ROW_OUTLIERS:
        return u < -0.8 ? -1e4 : u > 0.8 ? 1e4 : u;
    case ROW_EQUAL:
        return 2.5;
    case ROW_NEARLY_CERTAIN:
        return class == target ? 30 : u;
    case ROW_OFFSET:
        return 1e4 + 8 * u;
    case ROW_WIDE:
        return 20 * u;
    case ROW_ALL_MINUS_INF:
        return -INFINITY;
    case ROW_PLUS_INF:
        return class == classes / 2 ? INFINITY : u;
    case ROW_NAN:
        return class == classes / 2 ? NAN : u;
    case ROW_MINUS_INF_AT_TARGET:
        return class == target ? -INFINITY : u;
    default:
        return 4 * u;
    }
}

static row_kind kind_of_row(const check_case *c, size_t row) {
    row_kind kind = (row_kind)((row + c->seed) % (c->poison ? ROW_ALL_KINDS : ROW_KINDS));
    /* With smoothing every class is a little bit of a target, so one -inf makes the loss of a whole batch infinite. */
    bool infinite = kind == ROW_LEADING_INF && c->desc.label_smoothing > 0;
    return infinite ? ROW_PLAIN : kind;
}

static void put_target(const check_case *c, void *target, size_t row, int64_t y) {
    switch (c->desc.target_type) {
    case CLXENT_TARGET_I32:
        ((int32_t *)target)[row] = (int32_t)y;
        break;
    case CLXENT_TARGET_I64:
        ((int64_t *)target)[row] = y;
        break;
    default:
        ((uint8_t *)target)[row] = (uint8_t)y;
    }
}

/* Fills the logits and targets, and returns the sum of the weights of the rows that count. */
static double fill_rows(check_data *data, const check_case *c, uint64_t *state) {
    const clxent_desc *desc = &c->desc;
    size_t stride = desc->row_stride > 0 ? desc->row_stride : desc->classes * desc->inner;
    size_t limit = desc->target_type == CLXENT_TARGET_U8 && desc->classes > 255 ? 255 : desc->classes;
    double weights = 0;
    for (size_t row = 0; row < data->rows; row++) {
        size_t target = (size_t)((draw(state) + 1) / 2 * (double)limit);
        bool ignored = row % 5 == 4 || (int64_t)target == desc->ignore_index;
        for (size_t k = 0; k < desc->classes; k++) {
            double x = draw_logit(kind_of_row(c, row), k, desc->classes, target, state);
            if (desc->op == CLXENT_NLL_LOSS && !isnan(x))
                x = -fabs(x); /* log-probabilities */
            check_set(desc->dtype, data->input, row / desc->inner * stride + k * desc->inner + row % desc->inner, x);
        }
        if (data->target != NULL)
            put_target(c, data->target, row, ignored ? desc->ignore_index : (int64_t)target);
        if (!ignored)
            weights += data->weight != NULL ? check_get(check_real_type(desc->dtype), data->weight, target) : 1;
    }
    return weights;
}

/* What a backward pass reads of the forward pass before it. */
static bool run_forward(check_data *data, const check_case *c) {
    clxent_desc desc = c->desc;
    check_results results = {data->saved_output, data->saved_lse, NULL};
    desc.pass = CLXENT_FORWARD;
    void *loss = NULL;
    if (check_is_loss(desc.op))
        results.output = loss = make(check_output_type(c), data->output_elements);
    clxent_host_args args = check_data_args(data, &results);
    clxent_status status = clxent_reference(&desc, &args);
    free(loss);
    return status == CLXENT_SUCCESS;
}

static bool make_inputs(check_data *data, const check_case *c) {
    bool loss = check_is_loss(c->desc.op), back = c->desc.pass == CLXENT_BACKWARD;
    const clxent_dtype storage = c->desc.dtype;
    data->input = make(storage, data->span);
    if (loss)
        data->target = malloc(data->rows * sizeof(int64_t));
    if (c->weight)
        data->weight = make(check_real_type(storage), c->desc.classes);
    if (c->grad_output)
        data->grad_output = make(check_output_type(c), loss ? data->output_elements : data->span);
    if (back && !loss)
        data->saved_output = make(storage, data->span);
    if (back && c->lse)
        data->saved_lse = make(check_real_type(storage), data->rows);
    return data->input != NULL && (!loss || data->target != NULL) && (!c->weight || data->weight != NULL) &&
           (!c->grad_output || data->grad_output != NULL) && (!back || loss || data->saved_output != NULL) &&
           (!back || !c->lse || data->saved_lse != NULL);
}

static bool make_results(check_results *results, const check_data *data, const check_case *c) {
    bool forward = c->desc.pass != CLXENT_BACKWARD, backward = c->desc.pass != CLXENT_FORWARD;
    if (forward)
        results->output = make(check_output_type(c), data->output_elements);
    if (forward && c->lse)
        results->lse = make(check_real_type(c->desc.dtype), data->rows);
    if (backward)
        results->grad_input = make(c->desc.dtype, data->span);
    return (!forward || results->output != NULL) && (!forward || !c->lse || results->lse != NULL) &&
           (!backward || results->grad_input != NULL);
}

bool check_data_init(check_data *data, const check_case *c) {
    const clxent_desc *desc = &c->desc;
    size_t dense = desc->classes * desc->inner, stride = desc->row_stride > 0 ? desc->row_stride : dense;
    bool loss = check_is_loss(desc->op);
    memset(data, 0, sizeof *data);
    data->rows = desc->batch * desc->inner;
    data->span = (desc->batch - 1) * stride + dense;
    data->output_elements = !loss ? data->span : desc->reduction == CLXENT_REDUCTION_NONE ? data->rows : 1;
    if (!make_inputs(data, c) || !make_results(&data->got, data, c) || !make_results(&data->expected, data, c))
        return false;

    uint64_t state = 20240229u + c->seed;
    for (size_t k = 0; data->weight != NULL && k < desc->classes; k++)
        check_set(check_real_type(desc->dtype), data->weight, k, 1 + 0.5 * draw(&state));
    double weights = fill_rows(data, c, &state);
    size_t grads = loss ? data->output_elements : data->span;
    for (size_t i = 0; data->grad_output != NULL && i < grads; i++)
        check_set(check_output_type(c), data->grad_output, i, 2 * draw(&state));
    data->scale = (data->grad_output != NULL ? 2 : 1) * (data->weight != NULL ? 1.5 : 1);
    if (loss && desc->reduction == CLXENT_REDUCTION_MEAN && weights > 0)
        data->scale /= weights;
    bool saved = data->saved_output != NULL || data->saved_lse != NULL;
    return !saved || run_forward(data, c);
}

void check_data_free(check_data *data) {
    void *const arrays[] = {data->input,          data->target,          data->weight,       data->grad_output,
                            data->saved_output,   data->saved_lse,       data->got.output,   data->got.lse,
                            data->got.grad_input, data->expected.output, data->expected.lse, data->expected.grad_input};
    for (size_t i = 0; i < sizeof arrays / sizeof arrays[0]; i++)
        free(arrays[i]);
}

clxent_host_args check_data_args(const check_data *data, const check_results *results) {
    clxent_host_args args;
    clxent_host_args_init(&args);
    args.input = data->input;
    args.target = data->target;
    args.weight = data->weight;
    args.grad_output = data->grad_output;
    args.output = results->output != NULL ? results->output : data->saved_output;
    args.lse = results->lse != NULL ? results->lse : data->saved_lse;
    args.grad_input = results->grad_input;
    return args;
}
