/* What the tensors of a case hold. Plain random numbers hide most bugs of a softmax, so each row is of another kind. */
#include "device_cases.h"

#include "op.h"

#include <math.h>

typedef enum row_kind {
    PLAIN,
    EDGE_OF_EXP,    /* +-88, where exp reaches the ends of float */
    OUTLIERS,       /* +-1e4 among small ones */
    HUGE_OUTLIERS,  /* +-1e8 among small ones; in half precision +-6e4, near the largest number */
    EQUAL,          /* one value throughout */
    NEARLY_CERTAIN, /* the target far above the rest */
    OFFSET,         /* 1e4 added to all */
    HUGE_OFFSET,    /* 1e8 taken from all; in half precision 6e4 */
    WIDE,
    RISING, /* a new maximum at every class */
    LEADING_INF,
    SCATTERED_INF,
    ROW_KINDS, /* the following make NaN or infinite results */
    ALL_INF = ROW_KINDS,
    PLUS_INF,
    ONE_NAN,
    INF_AT_TARGET,
    ALL_ROW_KINDS
} row_kind;

double draw(uint64_t *state) {
    uint64_t z = *state += 0x9e3779b97f4a7c15u; /* splitmix64 */
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return (double)((z ^ (z >> 31)) >> 11) * 0x1p-52 - 1;
}

size_t draw_below(uint64_t *state, size_t limit) {
    size_t value = (size_t)((draw(state) + 1) / 2 * (double)limit);
    return value < limit ? value : limit - 1;
}

/* ---- input ---- */

/* What a row is drawn with. */
typedef struct row_model {
    row_kind kind;
    double huge;
    size_t classes, target;
} row_model;

static double draw_logit(const row_model *m, size_t c, uint64_t *state) {
    double u = draw(state);
    switch (m->kind) {
    case EDGE_OF_EXP:
        return u < -0.5 ? -88 : u > 0.5 ? 88 : 88 * u;
    case OUTLIERS:
        return u < -0.8 ? -1e4 : u > 0.8 ? 1e4 : u;
    case HUGE_OUTLIERS:
        return u < -0.8 ? -m->huge : u > 0.8 ? m->huge : u;
    case EQUAL:
        return 2.5;
    case NEARLY_CERTAIN:
        return c == m->target ? 30 : u;
    case OFFSET:
        return 1e4 + 8 * u;
    case HUGE_OFFSET:
        return -m->huge + 64 * u;
    case WIDE:
        return 40 * u;
    case RISING:
        return 100.0 * (double)c / (double)m->classes + 0.01 * u;
    case LEADING_INF:
        return c < m->classes / 2 && c != m->target ? -INFINITY : 4 * u;
    case SCATTERED_INF:
        return u < 0 && c != m->target ? -INFINITY : 4 * u;
    case ALL_INF:
        return -INFINITY;
    case PLUS_INF:
        return c == m->classes / 2 ? INFINITY : u;
    case ONE_NAN:
        return c == m->classes / 2 ? NAN : u;
    case INF_AT_TARGET:
        return c == m->target ? -INFINITY : u;
    default:
        return 4 * u;
    }
}

/* In [0, 1], the ends included, for the input of binary-cross-entropy. */
static double draw_input_probability(const row_model *m, size_t c, uint64_t *state) {
    double u = draw(state), inside = (u + 1) / 2;
    switch (m->kind) {
    case EDGE_OF_EXP:
        return 1e-30 * inside;
    case OUTLIERS:
        return u < -0.6 ? 0 : u > 0.6 ? 1 : inside;
    case HUGE_OUTLIERS:
        return u < 0 ? 0 : 1;
    case EQUAL:
        return 0.3;
    case NEARLY_CERTAIN:
        return 1 - 1e-5 * inside;
    case OFFSET:
        return 1 - 0x1p-24;
    case HUGE_OFFSET:
        return 1e-6 * inside;
    case RISING:
        return (double)c / (double)m->classes;
    case ONE_NAN:
        return c == m->classes / 2 ? NAN : inside;
    default:
        return inside;
    }
}

/* A negative logit_scale turns the row over, so that it is of its kind once it is scaled. */
static double draw_input(const device_data *d, const row_model *m, size_t c, uint64_t *state) {
    const clxent_desc *desc = &d->problem.desc;
    if (desc->op == CLXENT_BINARY_CROSS_ENTROPY)
        return draw_input_probability(m, c, state);
    double x = draw_logit(m, c, state);
    if (desc->op == CLXENT_NLL_LOSS && !isnan(x))
        return -fabs(x); /* log-probabilities */
    if (desc->logit_scale == 0 && isinf(x) && !d->c.poison)
        return 0; /* 0 * inf is NaN */
    return desc->logit_scale < 0 ? -x : x;
}

/* ---- targets ---- */

static bool has_classes(const device_data *d) {
    return is_loss(d->c.desc.op) && !clx_has_probabilities(&d->problem);
}

static bool can_be_ignored(const clxent_desc *desc) {
    switch (desc->target_type) {
    case CLXENT_TARGET_I32:
        return desc->ignore_index >= INT32_MIN && desc->ignore_index <= INT32_MAX;
    case CLXENT_TARGET_I64:
        return true;
    default:
        return desc->ignore_index >= 0 && desc->ignore_index <= UINT8_MAX;
    }
}

static size_t draw_class(const device_data *d, uint64_t *state) {
    const clxent_desc *desc = &d->problem.desc;
    return draw_below(state, desc->target_type == CLXENT_TARGET_U8 && desc->classes > 256 ? 256 : desc->classes);
}

/* Rows of one certain class, of sums other than 1, with zeros, and for cross-entropy with negative ones too. */
static double draw_target_probability(const device_data *d, size_t row, const row_model *m, size_t c, uint64_t *state) {
    bool binary = is_binary(d->c.desc.op);
    double u = draw(state), inside = (u + 1) / 2;
    switch (row % 5) {
    case 0:
        return c == m->target;
    case 1:
        return isinf(get_number(&d->logits, element_of(d, row, c))) ? 0 : inside;
    case 2:
        return u < -0.3 ? 0 : u > 0.6 ? 1 : inside;
    case 3:
        return binary ? inside : inside * 2 / (double)m->classes;
    default:
        return d->c.desc.op == CLXENT_BINARY_CROSS_ENTROPY ? 0.5 : 1.5 * u;
    }
}

static void fill_probabilities(device_data *d, size_t row, const row_model *m, uint64_t *state) {
    const guarded *target = &d->tensors[CLX_TARGET];
    for (size_t c = 0; c < m->classes; c++) {
        bool nan = d->c.poison && row % 7 == 6 && c == m->classes / 3;
        set_number(target, element_of(d, row, c), nan ? NAN : draw_target_probability(d, row, m, c, state));
    }
}

/* ---- rows ---- */

/* One infinite loss makes that of the whole batch infinite, and hides the others. */
static size_t row_kinds(const device_data *d) {
    const clxent_desc *desc = &d->problem.desc;
    bool adds = is_loss(desc->op) && desc->reduction != CLXENT_REDUCTION_NONE;
    bool soft = desc->label_smoothing > 0 || clx_has_probabilities(&d->problem);
    return d->c.poison ? ALL_ROW_KINDS : (adds && soft) || is_binary(desc->op) ? LEADING_INF : ROW_KINDS;
}

/* One row in five is ignored, by both targets or by one of them, and one of those in two is NaN: it is padding, and
 * must not show. */
static void fill_rows(device_data *d, uint64_t *state) {
    const clxent_desc *desc = &d->problem.desc;
    size_t kinds = row_kinds(d);
    for (size_t row = 0; row < d->problem.rows; row++) {
        row_model m = {.huge = desc->dtype == CLXENT_F16 ? 6e4 : 1e8, .classes = desc->classes};
        m.target = draw_class(d, state);
        m.kind = (row_kind)draw_below(state, kinds);
        bool ignored = has_classes(d) && can_be_ignored(desc) && row % 5 == 4;
        bool two = is_given(d, CLX_TARGET2), both = !two || row % 3 != 1;
        if (ignored && both && row % 2 == 0)
            m.kind = ONE_NAN;
        for (size_t c = 0; c < desc->classes; c++)
            set_logit(d, row, c, draw_input(d, &m, c, state));
        if (has_classes(d))
            set_target(d, row, ignored ? desc->ignore_index : (int64_t)m.target);
        else if (is_loss(desc->op))
            fill_probabilities(d, row, &m, state);
        if (two)
            set_class(d, CLX_TARGET2, row,
                      ignored && both ? desc->ignore_index
                      : row % 4 == 0  ? (int64_t)m.target
                                      : (int64_t)draw_class(d, state));
    }
}

/* ---- the rest ---- */

static void fill_weights(device_data *d, clx_tensor tensor, uint64_t *state) {
    const guarded *weights = &d->tensors[tensor];
    size_t count = weights->bytes == NULL ? 0 : weights->size / clx_element_size(&d->problem, tensor);
    bool padded = clx_has_logits_shape(&d->problem, tensor);
    for (size_t i = 0; i < count; i++) {
        double u = draw(state);
        bool zero = d->c.zero_weights && u < -0.3;
        bool padding = padded && i % d->problem.desc.row_stride >= d->problem.desc.classes * d->problem.desc.inner;
        if (!padding)
            set_number(weights, i, zero ? 0 : 1.25 + u);
    }
}

static void fill_gradients(device_data *d, clx_tensor tensor, uint64_t *state) {
    const guarded *gradients = &d->tensors[tensor];
    if (gradients->bytes == NULL)
        return;
    if (!clx_has_logits_shape(&d->problem, tensor)) {
        for (size_t i = 0; i < gradients->size / d->problem.real_size; i++)
            set_number(gradients, i, 2 * draw(state));
        return;
    }
    for (size_t row = 0; row < d->problem.rows; row++)
        for (size_t c = 0; c < d->problem.desc.classes; c++)
            set_number(gradients, element_of(d, row, c), 2 * draw(state));
}

void data_fill(device_data *d, uint64_t seed) {
    uint64_t state = seed;
    fill_weights(d, CLX_WEIGHT, &state);
    fill_weights(d, CLX_POS_WEIGHT, &state);
    fill_rows(d, &state);
    fill_weights(d, CLX_SAMPLE_WEIGHT, &state);
    fill_gradients(d, CLX_GRAD_OUTPUT, &state);
    if (d->c.desc.flags & CLXENT_ACCUMULATE_GRAD)
        fill_gradients(d, CLX_GRAD_INPUT, &state);
    if (is_given(d, CLX_MIX_LAMBDA)) {
        double u = draw(&state);
        set_number(&d->tensors[CLX_MIX_LAMBDA], 0, u < -0.8 ? 0 : u > 0.8 ? 1 : (u + 1) / 2);
    }
}
