/* The cases of `clxent check`: every line goes through the variants of its operation, and each of those through a range
 * of shapes, for which no new kernel is needed. */
#include "check_cases.h"

#include "check_variants.h"

typedef struct extent {
    size_t batch, classes, inner, padding;
} extent;

static const extent shapes[] = {
    {17, 10, 1, 0}, {0, 10, 1, 0}, {3, 33, 33, 0},  {9, 10, 1, 3}, {9, 1, 1, 0},    {16, 2, 1, 0},
    {9, 33, 1, 0},  {8, 10, 2, 0}, {2, 1000, 2, 0}, {5, 33, 2, 7}, {1, 1000, 1, 0}, {8, 1000, 1, 0},
};
enum { SHAPES = sizeof shapes / sizeof shapes[0], FEW_SHAPES = 4 };

/* Of the size of a language model's vocabulary: for few variants, since the reference takes its time. */
static const extent large_shape = {2, 50257, 1, 0};

/* Beside the sizes of the tiles and panels of a product, and with more rows than are done at a time. */
typedef struct layer_extent {
    size_t batch, features, classes, padding;
} layer_extent;

static const layer_extent layer_shapes[] = {
    {9, 7, 11, 0}, {0, 5, 9, 0},     {90, 16, 40, 3},   {29, 64, 128, 0}, {29, 33, 65, 0},
    {1, 1, 1, 0},  {3, 257, 300, 0}, {30, 130, 129, 2}, {2, 4, 50257, 0},
};
enum { LAYER_SHAPES = sizeof layer_shapes / sizeof layer_shapes[0] - 1 }; /* the last one is large */

static const struct {
    clxent_op op;
    clxent_pass pass;
    bool shards;
} passes[] = {
    {CLXENT_SOFTMAX, CLXENT_FORWARD, false},
    {CLXENT_SOFTMAX, CLXENT_BACKWARD, false},
    {CLXENT_LOG_SOFTMAX, CLXENT_FORWARD, false},
    {CLXENT_LOG_SOFTMAX, CLXENT_BACKWARD, false},
    {CLXENT_NLL_LOSS, CLXENT_FORWARD, false},
    {CLXENT_NLL_LOSS, CLXENT_BACKWARD, false},
    {CLXENT_CROSS_ENTROPY, CLXENT_FORWARD, false},
    {CLXENT_CROSS_ENTROPY, CLXENT_BACKWARD, false},
    {CLXENT_CROSS_ENTROPY, CLXENT_FORWARD_BACKWARD, false},
    {CLXENT_BINARY_CROSS_ENTROPY, CLXENT_FORWARD, false},
    {CLXENT_BINARY_CROSS_ENTROPY, CLXENT_BACKWARD, false},
    {CLXENT_BINARY_CROSS_ENTROPY, CLXENT_FORWARD_BACKWARD, false},
    {CLXENT_BINARY_CROSS_ENTROPY_WITH_LOGITS, CLXENT_FORWARD, false},
    {CLXENT_BINARY_CROSS_ENTROPY_WITH_LOGITS, CLXENT_BACKWARD, false},
    {CLXENT_BINARY_CROSS_ENTROPY_WITH_LOGITS, CLXENT_FORWARD_BACKWARD, false},
    {CLXENT_CROSS_ENTROPY, CLXENT_FORWARD_BACKWARD, true},
    {CLXENT_LINEAR_CROSS_ENTROPY, CLXENT_FORWARD, false},
    {CLXENT_LINEAR_CROSS_ENTROPY, CLXENT_BACKWARD, false},
    {CLXENT_LINEAR_CROSS_ENTROPY, CLXENT_FORWARD_BACKWARD, false},
    {CLXENT_LINEAR_CROSS_ENTROPY, CLXENT_FORWARD_BACKWARD, true},
};
#define PASSES (sizeof passes / sizeof passes[0])

static const clxent_dtype dtypes[] = {CLXENT_F32, CLXENT_F64, CLXENT_F16, CLXENT_BF16};
#define DTYPES (sizeof dtypes / sizeof dtypes[0])

static const clxent_engine engines[] = {CLXENT_ENGINE_ROW_PER_ITEM, CLXENT_ENGINE_ROW_PER_GROUP, CLXENT_ENGINE_COLUMN,
                                        CLXENT_ENGINE_ROWS_PER_LANE, CLXENT_ENGINE_ROW_SPLIT};
#define ENGINES (sizeof engines / sizeof engines[0])

bool check_is_elementwise(clxent_op op) {
    return op == CLXENT_BINARY_CROSS_ENTROPY || op == CLXENT_BINARY_CROSS_ENTROPY_WITH_LOGITS;
}

bool check_is_linear(clxent_op op) {
    return op == CLXENT_LINEAR_CROSS_ENTROPY;
}

bool check_is_loss(clxent_op op) {
    return op == CLXENT_NLL_LOSS || op == CLXENT_CROSS_ENTROPY || check_is_linear(op) || check_is_elementwise(op);
}

bool check_has_probabilities(const clxent_desc *desc) {
    return check_is_loss(desc->op) && desc->target_type >= CLXENT_TARGET_PROBABILITIES;
}

size_t check_width(const clxent_desc *desc) {
    return check_is_linear(desc->op) ? desc->features : desc->classes * desc->inner;
}

size_t check_stride(const clxent_desc *desc) {
    return desc->row_stride > 0 ? desc->row_stride : check_width(desc);
}

/* ---- lines ---- */

/* The parts of a 16-bit gradient that shards have are rounded each, so that there is nothing to compare their sum with. */
static size_t count_lines(size_t pass, bool all) {
    if (check_is_linear(passes[pass].op))
        return passes[pass].shards ? DTYPES - 2 : DTYPES;
    return ENGINES + (DTYPES - 1) * (all ? ENGINES : 1);
}

/* Of the operation and pass number `pass`, line number `index`: all engines in F32, then the other types. */
static void set_line(size_t pass, size_t index, bool all, check_line *line) {
    size_t each = all ? ENGINES : 1, other = index < ENGINES ? 0 : (index - ENGINES) / each + 1;
    size_t engine = other == 0 ? index : all ? index % ENGINES : (pass + other) % ENGINES;
    *line = (check_line){passes[pass].op, passes[pass].pass, dtypes[other], engines[engine], passes[pass].shards};
    if (check_is_linear(line->op)) {
        line->dtype = dtypes[index];
        line->engine = CLXENT_ENGINE_AUTO;
    }
}

bool check_get_line(size_t index, bool all, check_line *line) {
    for (size_t pass = 0; pass < PASSES; pass++) {
        size_t of_pass = count_lines(pass, all);
        if (index < of_pass) {
            set_line(pass, index, all, line);
            return true;
        }
        index -= of_pass;
    }
    return false;
}

/* ---- cases ---- */

static void set_layer_shape(clxent_desc *desc, const layer_extent *shape) {
    desc->batch = shape->batch;
    desc->features = shape->features;
    desc->classes = shape->classes;
    if (shape->padding > 0)
        desc->row_stride = shape->features + shape->padding;
}

static void set_shape(clxent_desc *desc, const extent *shape) {
    desc->batch = shape->batch;
    desc->classes = shape->classes;
    desc->inner = shape->inner;
    if (shape->padding > 0)
        desc->row_stride = shape->classes * shape->inner + shape->padding;
}

/* What all losses take. */
static void set_loss_options(check_case *c, const check_variant *v) {
    clxent_desc *desc = &c->desc;
    desc->target_type = v->features.target_type;
    desc->reduction = v->reduction;
    desc->flags = v->flags;
    desc->grad_scale = v->grad_scale != 0 ? v->grad_scale : 1;
    c->weight = v->weight;
    c->sample_weight = v->sample_weight;
    c->pos_weight = v->pos_weight && desc->op == CLXENT_BINARY_CROSS_ENTROPY_WITH_LOGITS;
    c->grad_output = v->grad_output && desc->pass != CLXENT_FORWARD;
    if (check_has_probabilities(desc))
        return;
    c->nothing_counts = v->nothing_counts;
    c->counts = v->counts;
    if (v->ignore_inside && desc->classes > 1)
        desc->ignore_index = 1;
    else if (desc->target_type == CLXENT_TARGET_U8)
        desc->ignore_index = 255;
}

static void set_cross_entropy_options(check_case *c, const check_variant *v) {
    clxent_desc *desc = &c->desc;
    desc->label_smoothing = v->features.label_smoothing;
    desc->logit_scale = v->features.scale != 0 ? v->features.scale : 1;
    desc->logit_softcap = v->features.softcap;
    desc->reg_lambda = v->features.reg_lambda;
    desc->z_loss = v->z_loss;
    c->lse = v->lse;
    c->argmax = v->argmax && desc->pass != CLXENT_BACKWARD;
    c->linear_bias = v->linear_bias && check_is_linear(desc->op);
    if (v->mix == 0 || check_has_probabilities(desc))
        return;
    desc->mix_lambda = v->mix;
    c->target2 = true;
    c->mix_lambda = v->mix_lambda;
}

static void set_options(check_case *c, const check_variant *v, size_t largest_group) {
    clxent_op op = c->desc.op;
    c->desc.work_group_size = v->work_group_size < largest_group ? v->work_group_size : largest_group;
    c->poison = v->poison;
    if (check_is_loss(op))
        set_loss_options(c, v);
    else
        c->grad_output = c->desc.pass == CLXENT_BACKWARD;
    if (op == CLXENT_CROSS_ENTROPY || check_is_linear(op))
        set_cross_entropy_options(c, v);
}

/* Shapes that a variant goes through. row_split splits none but the large one. */
static size_t count_shapes(const check_variant *v, const check_line *line) {
    bool large = v->large || line->engine == CLXENT_ENGINE_ROW_SPLIT;
    if (check_is_linear(line->op))
        return v->few ? FEW_SHAPES : LAYER_SHAPES + (size_t)large;
    return v->few ? FEW_SHAPES : SHAPES + (size_t)large;
}

bool check_get_case(const check_line *line, size_t index, size_t largest_group, check_case *out) {
    size_t count;
    const check_variant *v = check_variants(line, &count), *end = v + count;
    *out = (check_case){.seed = (unsigned)index, .shards = line->shards};
    for (; v < end; v++) {
        size_t of_variant = v->passes >> (int)line->pass & 1 ? count_shapes(v, line) : 0;
        if (index >= of_variant) {
            index -= of_variant;
            continue;
        }
        check_variant narrow = check_narrow(v, line);
        clxent_desc_init(&out->desc, line->op);
        out->desc.pass = line->pass;
        out->desc.dtype = line->dtype;
        out->desc.engine = line->engine;
        if (check_is_linear(line->op))
            set_layer_shape(&out->desc, &layer_shapes[index]);
        else
            set_shape(&out->desc, index < SHAPES ? &shapes[index] : &large_shape);
        set_options(out, &narrow, largest_group);
        return true;
    }
    return false;
}
