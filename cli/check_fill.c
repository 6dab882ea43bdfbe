/* The data of one case. Plain random numbers hide most bugs of a softmax, so each row is of another kind: outliers,
 * equal values, a common offset, a nearly certain class, -inf in front. The same case has the same data every time. */
#include "check_data.h"

#include <math.h>

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

/* No logit is larger, except infinite ones; those of a product of random numbers are far smaller. */
#define LARGEST_LOGIT 10008
#define LARGEST_PRODUCT 40

typedef struct row_plan {
    row_kind kind;
    size_t index, target, target2;
} row_plan;

/* Uniform in [-1, 1), from a 64-bit linear congruential generator. */
static double draw(uint64_t *state) {
    *state = *state * 6364136223846793005u + 1442695040888963407u;
    return (double)(*state >> 11) * 0x1p-52 - 1;
}

/* ---- one element ---- */

static double draw_logit(const row_plan *row, size_t class, size_t classes, uint64_t *state) {
    double u = draw(state);
    switch (row->kind) {
    case ROW_LEADING_INF:
        return class < classes / 2 && class != row->target && class != row->target2 ? -INFINITY : 4 * u;
    case ROW_EDGE_OF_EXP:
        return u < -0.5 ? -88 : u > 0.5 ? 88 : 88 * u;
    case ROW_OUTLIERS:
        return u < -0.8 ? -1e4 : u > 0.8 ? 1e4 : u;
    case ROW_EQUAL:
        return 2.5;
    case ROW_NEARLY_CERTAIN:
        return class == row->target ? 30 : u;
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
        return class == row->target ? -INFINITY : u;
    default:
        return 4 * u;
    }
}

/* An input of binary-cross-entropy: the ends of [0, 1], and what is near to them. */
static double draw_probability(const row_plan *row, size_t class, size_t classes, uint64_t *state) {
    double u = 0.5 + 0.5 * draw(state);
    switch (row->kind) {
    case ROW_LEADING_INF:
        return class < classes / 2 ? 0 : u;
    case ROW_EDGE_OF_EXP:
        return u < 0.5 ? 1e-6 * u : 1 - 1e-6 * u;
    case ROW_OUTLIERS:
        return u < 0.2 ? 0 : u > 0.8 ? 1 : u;
    case ROW_EQUAL:
        return 0.25;
    case ROW_NEARLY_CERTAIN:
        return 0x1p-14 * u;
    case ROW_NAN:
        return class == classes / 2 ? NAN : u;
    default:
        return u;
    }
}

static double draw_input(const check_case *c, const row_plan *row, size_t class, uint64_t *state) {
    size_t classes = c->desc.classes;
    if (c->desc.op == CLXENT_BINARY_CROSS_ENTROPY)
        return draw_probability(row, class, classes, state);
    double x = draw_logit(row, class, classes, state);
    return c->desc.op == CLXENT_NLL_LOSS && !isnan(x) ? -fabs(x) : x; /* log-probabilities */
}

/* For rows: one class for sure, probabilities with zeros among them, and numbers that do not sum to 1. A class whose
 * logit is -inf is none of it. For elements: 0, 1 and what is between. */
static double draw_share(const check_case *c, const row_plan *row, size_t class, double x, uint64_t *state) {
    double u = 0.5 + 0.5 * draw(state);
    if (check_is_elementwise(c->desc.op))
        return u < 0.2 ? 0 : u > 0.8 ? 1 : u;
    if (isinf(x) && x < 0 && row->kind == ROW_LEADING_INF)
        return 0;
    if (row->index % 3 == 0)
        return class == row->target;
    return (row->index % 3 == 1 && u < 0.25 ? 0 : 2 * u) / (double)c->desc.classes;
}

/* ---- rows ---- */

/* With smoothing every class is a little bit of a target, and in the binary operations each is one of its own, so that
 * one -inf makes the loss of a whole batch infinite. */
static row_kind kind_of_row(const check_case *c, size_t row) {
    row_kind kind = (row_kind)((row + c->seed) % (c->poison ? ROW_ALL_KINDS : ROW_KINDS));
    bool everywhere = c->desc.label_smoothing > 0 || c->desc.op == CLXENT_BINARY_CROSS_ENTROPY_WITH_LOGITS;
    return kind == ROW_LEADING_INF && everywhere && !c->poison ? ROW_PLAIN : kind;
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

static double class_weight(const check_data *data, const check_case *c, size_t class) {
    return data->weight != NULL ? clx_load(check_real_type(c->desc.dtype), data->weight, class) : 1;
}

/* Puts a class index, of which some are ignored; adds what its row weighs to the sum over the rows that count. Is this one? */
static bool put_class(check_data *data, const check_case *c, void *target, size_t row, size_t y, double *sum) {
    bool ignored =
        c->nothing_counts || (row + (target == data->target2)) % 5 == 4 || (int64_t)y == c->desc.ignore_index;
    put_target(c, target, row, ignored ? c->desc.ignore_index : (int64_t)y);
    if (!ignored)
        *sum += class_weight(data, c, y) *
                (data->sample_weight != NULL ? clx_load(check_sample_type(c), data->sample_weight, row) : 1);
    return !ignored;
}

/* Random numbers, of which the logits are some units large; where the row is ignored NaN, which nothing may read. */
static void put_hidden(check_data *data, const check_case *c, size_t row, bool counts, uint64_t *state) {
    for (size_t k = 0; k < c->desc.features; k++) {
        double u = draw(state);
        clx_store(c->desc.dtype, data->input, row * check_stride(&c->desc) + k, counts ? u : NAN);
    }
}

static void put_logits(check_data *data, const check_case *c, const row_plan *row, uint64_t *state) {
    const clxent_desc *desc = &c->desc;
    for (size_t k = 0; k < desc->classes; k++) {
        size_t place = check_place(desc, row->index, k);
        double x = draw_input(c, row, k, state);
        clx_store(desc->dtype, data->input, place, x);
        if (check_has_probabilities(desc))
            clx_store(check_target_type(c), data->target, place, draw_share(c, row, k, x, state));
    }
}

/* Fills inputs and targets, and returns the least sum of weights that a mean divides by. */
static double fill_rows(check_data *data, const check_case *c, uint64_t *state) {
    const clxent_desc *desc = &c->desc;
    size_t limit = desc->target_type == CLXENT_TARGET_U8 && desc->classes > 255 ? 255 : desc->classes;
    double sum = 0, sum2 = 0;
    for (size_t index = 0; index < data->rows; index++) {
        row_plan row = {kind_of_row(c, index), index, 0, 0};
        row.target = (size_t)((draw(state) + 1) / 2 * (double)limit);
        row.target2 = (size_t)((draw(state) + 1) / 2 * (double)limit);
        bool counts = true;
        if (!check_is_linear(desc->op))
            put_logits(data, c, &row, state);
        if (data->target != NULL && !check_has_probabilities(desc))
            counts = put_class(data, c, data->target, index, row.target, &sum);
        if (check_is_linear(desc->op))
            put_hidden(data, c, index, counts, state);
        if (data->target2 != NULL)
            put_class(data, c, data->target2, index, row.target2, &sum2);
    }
    return data->target2 != NULL && sum2 < sum ? sum2 : sum;
}

/* ---- what stands beside them ---- */

/* Weights between 0.5 and 1.5. */
static void fill_weights(clxent_dtype type, void *weights, size_t count, uint64_t *state) {
    for (size_t i = 0; weights != NULL && i < count; i++)
        clx_store(type, weights, i, 1 + 0.5 * draw(state));
}

/* Numbers from -1 to 1. */
static void fill_layer(check_data *data, const check_case *c, uint64_t *state) {
    const clxent_desc *desc = &c->desc;
    for (size_t i = 0; data->linear_weight != NULL && i < data->layer_elements; i++)
        clx_store(desc->dtype, data->linear_weight, i, draw(state));
    for (size_t i = 0; data->linear_bias != NULL && i < desc->classes; i++)
        clx_store(desc->dtype, data->linear_bias, i, c->poison && i == 0 ? -INFINITY : draw(state));
}

static bool is_padding(const clxent_desc *desc, size_t i) {
    return i % check_stride(desc) >= check_width(desc);
}

/* Gradients that are added to: the same on both sides. */
static void put_old(clxent_dtype type, void *got, void *expected, size_t i, double old) {
    clx_store(type, got, i, old);
    clx_store(type, expected, i, old);
}

static void fill_old_gradients(check_data *data, const check_case *c, uint64_t *state) {
    check_results *got = &data->got, *expected = &data->expected;
    clxent_dtype real = check_real_type(c->desc.dtype);
    for (size_t i = 0; got->grad_input != NULL && i < data->span; i++)
        put_old(c->desc.dtype, got->grad_input, expected->grad_input, i,
                is_padding(&c->desc, i) ? NAN : data->scale * draw(state));
    for (size_t i = 0; got->grad_linear_weight != NULL && i < data->layer_elements; i++)
        put_old(real, got->grad_linear_weight, expected->grad_linear_weight, i, data->scale * draw(state));
    for (size_t i = 0; got->grad_linear_bias != NULL && i < c->desc.classes; i++)
        put_old(real, got->grad_linear_bias, expected->grad_linear_bias, i, data->scale * draw(state));
}

/* The largest that the gradient of a logit can be, apart from the size of the probabilities and their targets. */
static double gradient_scale(const check_data *data, const check_case *c, double divisor) {
    const clxent_desc *desc = &c->desc;
    double each = (data->grad_output != NULL ? 2 : 1) * fabs(desc->grad_scale) * fabs(desc->logit_scale) *
                  (data->weight != NULL ? 1.5 : 1) * (data->sample_weight != NULL ? 1.5 : 1) *
                  (data->pos_weight != NULL ? 2.5 : 1);
    double largest = check_is_linear(desc->op) ? LARGEST_PRODUCT : LARGEST_LOGIT;
    double lse = (desc->logit_softcap > 0 ? desc->logit_softcap : largest) + 12;
    double terms = 1 + 2 * desc->z_loss * lse + 2 * fabs(desc->reg_lambda);
    if (check_has_probabilities(desc) && !check_is_elementwise(desc->op))
        divisor = (double)data->rows / 2; /* of the sample weights, roughly */
    if (check_is_elementwise(desc->op))
        divisor = (double)(data->rows * desc->classes);
    bool mean = check_is_loss(desc->op) && desc->reduction == CLXENT_REDUCTION_MEAN;
    return each * terms / (mean && divisor > 0 ? divisor : 1);
}

void check_fill(check_data *data, const check_case *c) {
    const clxent_desc *desc = &c->desc;
    clxent_dtype real = check_real_type(desc->dtype);
    uint64_t state = 20240229u + c->seed;
    size_t samples = check_is_elementwise(desc->op) ? data->span : data->rows;
    fill_weights(real, data->weight, desc->classes, &state);
    fill_weights(real, data->pos_weight, desc->classes, &state);
    fill_weights(check_sample_type(c), data->sample_weight, samples, &state);
    if (data->mix_lambda != NULL) /* another one than the descriptor's, which it stands in for */
        clx_store(real, data->mix_lambda, 0, 0.25);
    fill_layer(data, c, &state);
    double divisor = fill_rows(data, c, &state);
    size_t grads = check_is_loss(desc->op) ? data->output_elements : data->span;
    for (size_t i = 0; data->grad_output != NULL && i < grads; i++)
        clx_store(check_output_type(c), data->grad_output, i, 2 * draw(&state));
    data->scale = gradient_scale(data, c, divisor);
    if (desc->flags & CLXENT_ACCUMULATE_GRAD)
        fill_old_gradients(data, c, &state);
}
