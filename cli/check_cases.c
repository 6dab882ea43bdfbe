/* The cases of `clxent check`: every line goes through a few variants of the options, and each variant through a range
 * of shapes. Options are combined so that every value meets every engine, and few enough that the kernels to compile,
 * which take most of the time, stay few: what only changes the shape needs no new kernel. */
#include "check_cases.h"

typedef struct extent {
    size_t batch, classes, inner, padding;
} extent;

static const extent shapes[] = {
    {9, 1, 1, 0},   {16, 2, 1, 0},   {17, 10, 1, 0}, {9, 33, 1, 0}, {8, 1000, 1, 0}, {8, 10, 2, 0},
    {3, 33, 33, 0}, {2, 1000, 2, 0}, {9, 10, 1, 3},  {5, 33, 2, 7}, {1, 1000, 1, 0},
};
#define SHAPES (sizeof shapes / sizeof shapes[0])

/* Of the size of a language model's vocabulary: with one variant only, since the reference takes its time. */
static const extent large_shape = {4, 50257, 1, 0};

/* One variant of the options. Those that an operation does not have are left out. */
typedef struct variant {
    clxent_target_type target_type;
    clxent_reduction reduction;
    size_t work_group_size;
    double label_smoothing;
    bool weight, grad_output, lse, ignore_inside, poison, large;
} variant;

static const variant loss_variants[] = {
    {.target_type = CLXENT_TARGET_I32, .reduction = CLXENT_REDUCTION_MEAN, .large = true},
    {.target_type = CLXENT_TARGET_I64,
     .reduction = CLXENT_REDUCTION_NONE,
     .work_group_size = 1,
     .weight = true,
     .grad_output = true,
     .lse = true,
     .ignore_inside = true},
    {.target_type = CLXENT_TARGET_U8,
     .reduction = CLXENT_REDUCTION_SUM,
     .work_group_size = 64,
     .label_smoothing = 0.1,
     .weight = true,
     .grad_output = true},
    {.target_type = CLXENT_TARGET_I32, .reduction = CLXENT_REDUCTION_NONE, .lse = true, .poison = true},
};
#define LOSS_VARIANTS (sizeof loss_variants / sizeof loss_variants[0])

static const variant softmax_variants[] = {
    {.large = true}, {.work_group_size = 1}, {.work_group_size = 64}, {.poison = true}};
#define SOFTMAX_VARIANTS (sizeof softmax_variants / sizeof softmax_variants[0])

static const struct {
    clxent_op op;
    clxent_pass pass;
} passes[] = {
    {CLXENT_SOFTMAX, CLXENT_FORWARD},
    {CLXENT_SOFTMAX, CLXENT_BACKWARD},
    {CLXENT_LOG_SOFTMAX, CLXENT_FORWARD},
    {CLXENT_LOG_SOFTMAX, CLXENT_BACKWARD},
    {CLXENT_NLL_LOSS, CLXENT_FORWARD},
    {CLXENT_NLL_LOSS, CLXENT_BACKWARD},
    {CLXENT_CROSS_ENTROPY, CLXENT_FORWARD},
    {CLXENT_CROSS_ENTROPY, CLXENT_BACKWARD},
    {CLXENT_CROSS_ENTROPY, CLXENT_FORWARD_BACKWARD},
};
#define PASSES (sizeof passes / sizeof passes[0])

static const clxent_dtype dtypes[] = {CLXENT_F32, CLXENT_F64, CLXENT_F16, CLXENT_BF16};
#define DTYPES (sizeof dtypes / sizeof dtypes[0])

static const clxent_engine engines[] = {CLXENT_ENGINE_ROW_PER_ITEM, CLXENT_ENGINE_ROW_PER_GROUP, CLXENT_ENGINE_COLUMN};
#define ENGINES (sizeof engines / sizeof engines[0])

bool check_is_loss(clxent_op op) {
    return op == CLXENT_NLL_LOSS || op == CLXENT_CROSS_ENTROPY;
}

bool check_get_line(size_t index, check_line *line) {
    if (index >= PASSES * DTYPES * ENGINES)
        return false;
    line->op = passes[index / (DTYPES * ENGINES)].op;
    line->pass = passes[index / (DTYPES * ENGINES)].pass;
    line->dtype = dtypes[index / ENGINES % DTYPES];
    line->engine = engines[index % ENGINES];
    return true;
}

static void set_shape(clxent_desc *desc, const extent *shape) {
    desc->batch = shape->batch;
    desc->classes = shape->classes;
    desc->inner = shape->inner;
    if (shape->padding > 0)
        desc->row_stride = shape->classes * shape->inner + shape->padding;
}

/* A kernel for another storage type differs from the one for F32 by its types only, and takes as long to compile (in
 * double longer). So only the lines in F32 have every target type, work-group size and choice of smoothing; the others
 * have one of each, in turn. */
static variant narrowed(const variant *v, const clxent_desc *desc) {
    static const clxent_target_type target_types[] = {CLXENT_TARGET_I32, CLXENT_TARGET_I64, CLXENT_TARGET_U8};
    static const size_t work_group_sizes[] = {0, 1, 64};
    size_t turn = ((size_t)desc->op + (size_t)desc->pass + (size_t)desc->engine + (size_t)desc->dtype) % 3;
    variant result = *v;
    result.target_type = target_types[turn];
    result.work_group_size = work_group_sizes[turn];
    result.label_smoothing = turn == 0 ? 0 : 0.1;
    return result;
}

static void set_options(check_case *c, const variant *v, size_t largest_group) {
    clxent_desc *desc = &c->desc;
    bool smooths = desc->op == CLXENT_CROSS_ENTROPY;
    desc->work_group_size = v->work_group_size < largest_group ? v->work_group_size : largest_group;
    c->poison = v->poison;
    if (!check_is_loss(desc->op)) {
        c->grad_output = desc->pass == CLXENT_BACKWARD;
        return;
    }
    desc->target_type = v->target_type;
    desc->reduction = v->reduction;
    if (v->ignore_inside && desc->classes > 1)
        desc->ignore_index = 1;
    else if (v->target_type == CLXENT_TARGET_U8)
        desc->ignore_index = 255;
    if (smooths)
        desc->label_smoothing = v->label_smoothing;
    c->weight = v->weight;
    c->grad_output = v->grad_output && desc->pass != CLXENT_FORWARD;
    c->lse = v->lse && smooths;
}

bool check_get_case(const check_line *line, size_t index, size_t largest_group, check_case *out) {
    bool loss = check_is_loss(line->op);
    const variant *v = loss ? loss_variants : softmax_variants, *end = v + (loss ? LOSS_VARIANTS : SOFTMAX_VARIANTS);
    *out = (check_case){.seed = (unsigned)index};
    for (; v < end; v++) {
        size_t count = SHAPES + v->large;
        if (index >= count) {
            index -= count;
            continue;
        }
        clxent_desc_init(&out->desc, line->op);
        out->desc.pass = line->pass;
        out->desc.dtype = line->dtype;
        out->desc.engine = line->engine;
        set_shape(&out->desc, index < SHAPES ? &shapes[index] : &large_shape);
        variant narrow = narrowed(v, &out->desc);
        set_options(out, line->dtype == CLXENT_F32 ? v : &narrow, largest_group);
        return true;
    }
    return false;
}
