/* The data of a case. Plain random numbers hide most bugs of a softmax, so each row is of another kind. */
#include "device_cases.h"

#include "half.h"
#include "op.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

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

static size_t draw_below(uint64_t *state, size_t limit) {
    size_t value = (size_t)((draw(state) + 1) / 2 * (double)limit);
    return value < limit ? value : limit - 1;
}

bool is_loss(clxent_op op) {
    return op == CLXENT_NLL_LOSS || op == CLXENT_CROSS_ENTROPY;
}

/* ---- access ---- */

void *contents(const guarded *tensor) {
    return tensor->bytes == NULL || tensor->size == 0 ? NULL : tensor->bytes + GUARD;
}

clxent_dtype type_of(const device_data *d, const guarded *tensor) {
    clxent_dtype dtype = d->problem.desc.dtype;
    return tensor->stored || dtype == CLXENT_F64 ? dtype : CLXENT_F32;
}

double get_number(const device_data *d, const guarded *tensor, size_t i) {
    const void *array = contents(tensor);
    switch (type_of(d, tensor)) {
    case CLXENT_F64:
        return ((const double *)array)[i];
    case CLXENT_F16:
        return clx_from_f16(((const uint16_t *)array)[i]);
    case CLXENT_BF16:
        return clx_from_bf16(((const uint16_t *)array)[i]);
    default:
        return (double)((const float *)array)[i];
    }
}

void set_number(const device_data *d, const guarded *tensor, size_t i, double value) {
    void *array = contents(tensor);
    switch (type_of(d, tensor)) {
    case CLXENT_F64:
        ((double *)array)[i] = value;
        break;
    case CLXENT_F16:
        ((uint16_t *)array)[i] = clx_to_f16(value);
        break;
    case CLXENT_BF16:
        ((uint16_t *)array)[i] = clx_to_bf16(value);
        break;
    default:
        ((float *)array)[i] = (float)value;
    }
}

size_t element_of(const device_data *d, size_t row, size_t c) {
    const clxent_desc *desc = &d->problem.desc;
    return row / desc->inner * desc->row_stride + c * desc->inner + row % desc->inner;
}

void set_logit(device_data *d, size_t row, size_t c, double value) {
    set_number(d, &d->logits, element_of(d, row, c), value);
}

int64_t get_target(const device_data *d, size_t row) {
    const void *array = contents(&d->tensors[CLX_TARGET]);
    switch (d->problem.desc.target_type) {
    case CLXENT_TARGET_I32:
        return ((const int32_t *)array)[row];
    case CLXENT_TARGET_I64:
        return ((const int64_t *)array)[row];
    default:
        return ((const uint8_t *)array)[row];
    }
}

void set_target(device_data *d, size_t row, int64_t y) {
    void *array = contents(&d->tensors[CLX_TARGET]);
    switch (d->problem.desc.target_type) {
    case CLXENT_TARGET_I32:
        ((int32_t *)array)[row] = (int32_t)y;
        break;
    case CLXENT_TARGET_I64:
        ((int64_t *)array)[row] = y;
        break;
    default:
        ((uint8_t *)array)[row] = (uint8_t)y;
    }
}

void copy_row(device_data *to, size_t to_row, const device_data *from, size_t from_row) {
    for (size_t c = 0; c < from->problem.desc.classes; c++)
        set_logit(to, to_row, c, get_number(from, &from->logits, element_of(from, from_row, c)));
    if (from->tensors[CLX_TARGET].bytes != NULL)
        set_target(to, to_row, get_target(from, from_row));
    const guarded *grad = &from->tensors[CLX_GRAD_OUTPUT];
    if (grad->bytes == NULL || to->tensors[CLX_GRAD_OUTPUT].bytes == NULL)
        return;
    if (!is_loss(from->c.desc.op))
        for (size_t c = 0; c < from->problem.desc.classes; c++)
            set_number(to, &to->tensors[CLX_GRAD_OUTPUT], element_of(to, to_row, c),
                       get_number(from, grad, element_of(from, from_row, c)));
    else if (from->c.desc.reduction == CLXENT_REDUCTION_NONE)
        set_number(to, &to->tensors[CLX_GRAD_OUTPUT], to_row, get_number(from, grad, from_row));
    else
        set_number(to, &to->tensors[CLX_GRAD_OUTPUT], 0, get_number(from, grad, 0));
}

/* ---- making ---- */

static guarded make(size_t size, bool stored) {
    guarded made = {malloc(size + 2 * GUARD), size, stored};
    assert_non_null(made.bytes);
    memset(made.bytes, 0xFF, size + 2 * GUARD); /* NaN in every type */
    return made;
}

static guarded copy_of(const guarded *from) {
    guarded copy = {NULL, from->size, from->stored};
    if (from->bytes != NULL) {
        copy = make(from->size, from->stored);
        memcpy(copy.bytes, from->bytes, from->size + 2 * GUARD);
    }
    return copy;
}

static bool has_tensor(const device_data *d, clx_tensor tensor) {
    clx_use use = clx_tensor_use(&d->problem, tensor);
    bool wanted = (tensor == CLX_WEIGHT && d->c.weights != NO_WEIGHTS) || (tensor == CLX_LSE && d->c.lse) ||
                  (tensor == CLX_GRAD_OUTPUT && d->c.grad_output) ||
                  (tensor == CLX_INVALID_COUNT && d->c.invalid_count);
    return clx_is_required(use) || (clx_is_used(use) && wanted);
}

static double draw_logit(row_kind kind, double huge, size_t c, size_t classes, size_t target, uint64_t *state) {
    double u = draw(state);
    switch (kind) {
    case EDGE_OF_EXP:
        return u < -0.5 ? -88 : u > 0.5 ? 88 : 88 * u;
    case OUTLIERS:
        return u < -0.8 ? -1e4 : u > 0.8 ? 1e4 : u;
    case HUGE_OUTLIERS:
        return u < -0.8 ? -huge : u > 0.8 ? huge : u;
    case EQUAL:
        return 2.5;
    case NEARLY_CERTAIN:
        return c == target ? 30 : u;
    case OFFSET:
        return 1e4 + 8 * u;
    case HUGE_OFFSET:
        return -huge + 64 * u;
    case WIDE:
        return 40 * u;
    case RISING:
        return 100.0 * (double)c / (double)classes + 0.01 * u;
    case LEADING_INF:
        return c < classes / 2 && c != target ? -INFINITY : 4 * u;
    case SCATTERED_INF:
        return u < 0 && c != target ? -INFINITY : 4 * u;
    case ALL_INF:
        return -INFINITY;
    case PLUS_INF:
        return c == classes / 2 ? INFINITY : u;
    case ONE_NAN:
        return c == classes / 2 ? NAN : u;
    case INF_AT_TARGET:
        return c == target ? -INFINITY : u;
    default:
        return 4 * u;
    }
}

static void fill_row(device_data *d, size_t row, row_kind kind, size_t target, uint64_t *state) {
    const clxent_desc *desc = &d->problem.desc;
    double huge = desc->dtype == CLXENT_F16 ? 6e4 : 1e8;
    for (size_t c = 0; c < desc->classes; c++) {
        double x = draw_logit(kind, huge, c, desc->classes, target, state);
        set_logit(d, row, c, desc->op == CLXENT_NLL_LOSS && !isnan(x) ? -fabs(x) : x); /* log-probabilities there */
    }
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

/* One row in five is ignored, and one of those in two is NaN: it is padding, and must not show. */
static void fill_rows(device_data *d, uint64_t *state) {
    const clxent_desc *desc = &d->problem.desc;
    /* With smoothing, one -inf makes the loss of its row, and so that of a whole batch, infinite. */
    bool adds = is_loss(desc->op) && desc->reduction != CLXENT_REDUCTION_NONE && desc->label_smoothing > 0;
    size_t kinds = d->c.poison ? ALL_ROW_KINDS : adds ? LEADING_INF : ROW_KINDS;
    size_t limit = desc->target_type == CLXENT_TARGET_U8 && desc->classes > 256 ? 256 : desc->classes;
    for (size_t row = 0; row < d->problem.rows; row++) {
        size_t target = draw_below(state, limit);
        bool ignored = is_loss(desc->op) && can_be_ignored(desc) && row % 5 == 4;
        row_kind kind = (row_kind)draw_below(state, kinds);
        fill_row(d, row, ignored && row % 2 == 0 ? ONE_NAN : kind, target, state);
        if (is_loss(desc->op))
            set_target(d, row, ignored ? desc->ignore_index : (int64_t)target);
    }
}

static void fill_weights(device_data *d, uint64_t *state) {
    for (size_t c = 0; d->c.weights != NO_WEIGHTS && c < d->problem.desc.classes; c++) {
        double u = draw(state);
        bool zero = d->c.weights == WEIGHTS_WITH_ZEROS && u < -0.3;
        set_number(d, &d->tensors[CLX_WEIGHT], c, zero ? 0 : 1.25 + u);
    }
}

static void fill_grad_output(device_data *d, uint64_t *state) {
    const guarded *grad = &d->tensors[CLX_GRAD_OUTPUT];
    if (grad->bytes == NULL)
        return;
    if (is_loss(d->c.desc.op)) {
        for (size_t i = 0; i < grad->size / d->problem.real_size; i++)
            set_number(d, grad, i, 2 * draw(state));
        return;
    }
    for (size_t row = 0; row < d->problem.rows; row++)
        for (size_t c = 0; c < d->problem.desc.classes; c++)
            set_number(d, grad, element_of(d, row, c), 2 * draw(state));
}

void data_init(device_data *d, const device_case *c) {
    static uint64_t cases;
    uint64_t state = device.seed + ++cases * 0x632be59bd9b4e019u;
    memset(d, 0, sizeof *d);
    d->c = *c;
    if (clx_problem_init(&d->problem, &c->desc) != CLXENT_SUCCESS)
        fail_msg("%s", clxent_last_error());
    for (clx_tensor tensor = 0; tensor < CLX_TENSORS; tensor++)
        if (has_tensor(d, tensor))
            d->tensors[tensor] = make(clx_tensor_bytes(&d->problem, tensor), clx_has_logits_shape(&d->problem, tensor));
    d->logits = d->tensors[CLX_INPUT];
    if (d->logits.bytes == NULL)
        d->logits = make(d->problem.span * d->problem.storage_size, true);
    fill_weights(d, &state);
    fill_rows(d, &state);
    fill_grad_output(d, &state);
}

/* ---- what is expected ---- */

static void run_reference(const clxent_desc *desc, const guarded tensors[CLX_TENSORS], const guarded *logits) {
    clxent_host_args args = {sizeof args,
                             contents(logits),
                             contents(&tensors[CLX_TARGET]),
                             contents(&tensors[CLX_WEIGHT]),
                             contents(&tensors[CLX_OUTPUT]),
                             contents(&tensors[CLX_LSE]),
                             contents(&tensors[CLX_GRAD_OUTPUT]),
                             contents(&tensors[CLX_GRAD_INPUT]),
                             contents(&tensors[CLX_INVALID_COUNT])};
    if (clxent_reference(desc, &args) != CLXENT_SUCCESS)
        fail_msg("the reference: %s", clxent_last_error());
}

/* What a backward pass reads of the forward pass before it: output of softmax, lse of cross-entropy. */
static void run_forward_before(device_data *d) {
    bool saved_output = !is_loss(d->c.desc.op);
    if (d->c.desc.pass != CLXENT_BACKWARD || (!saved_output && d->tensors[CLX_LSE].bytes == NULL))
        return;
    clxent_desc desc = d->problem.desc;
    desc.pass = CLXENT_FORWARD;
    guarded tensors[CLX_TENSORS], loss = make((d->problem.rows + 1) * d->problem.real_size, false);
    memcpy(tensors, d->tensors, sizeof tensors);
    tensors[CLX_GRAD_INPUT].bytes = tensors[CLX_GRAD_OUTPUT].bytes = tensors[CLX_INVALID_COUNT].bytes = NULL;
    if (!saved_output)
        tensors[CLX_OUTPUT] = loss;
    run_reference(&desc, tensors, &d->logits);
    free(loss.bytes);
}

static void lay_over(device_data *d, clx_tensor written, clx_tensor other) {
    free(d->tensors[written].bytes);
    d->tensors[written] = d->tensors[other];
}

void data_expect(device_data *d) {
    clx_tensor written = d->c.desc.pass == CLXENT_FORWARD ? CLX_OUTPUT : CLX_GRAD_INPUT;
    run_forward_before(d);
    guarded apart[CLX_TENSORS]; /* for the reference: written tensors of its own, read ones as they are */
    for (clx_tensor tensor = 0; tensor < CLX_TENSORS; tensor++) {
        bool is_written = clx_is_written(clx_tensor_use(&d->problem, tensor)) && d->tensors[tensor].bytes != NULL;
        if (is_written)
            d->expected[tensor] = copy_of(&d->tensors[tensor]);
        apart[tensor] = is_written ? d->expected[tensor] : d->tensors[tensor];
    }
    run_reference(&d->problem.desc, apart, &d->logits);
    if (d->c.in_place != APART)
        lay_over(d, written,
                 d->c.in_place == OVER_INPUT    ? CLX_INPUT
                 : d->c.in_place == OVER_OUTPUT ? CLX_OUTPUT
                                                : CLX_GRAD_OUTPUT);
    for (clx_tensor tensor = 0; tensor < CLX_TENSORS; tensor++)
        d->before[tensor] = copy_of(&d->tensors[tensor]);
}

void data_free(device_data *d) {
    if (d->logits.bytes != d->tensors[CLX_INPUT].bytes)
        free(d->logits.bytes);
    for (clx_tensor tensor = 0; tensor < CLX_TENSORS; tensor++) {
        bool shared = false;
        for (clx_tensor other = 0; other < tensor; other++)
            shared = shared || d->tensors[other].bytes == d->tensors[tensor].bytes;
        if (!shared)
            free(d->tensors[tensor].bytes);
        free(d->before[tensor].bytes);
        free(d->expected[tensor].bytes);
    }
}
