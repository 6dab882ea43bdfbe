/* Shapes and options. What only changes these needs no new kernel, so there may be many. */
#include "device_shapes.h"

static const extent rows[] = {{9, 1, 1, 0},   {7, 2, 1, 0},   {6, 3, 1, 0},   {9, 7, 1, 0},   {9, 8, 1, 0},
                              {9, 9, 1, 0},   {9, 10, 1, 3},  {7, 15, 1, 0},  {7, 16, 1, 0},  {7, 17, 1, 0},
                              {6, 31, 1, 0},  {6, 33, 1, 5},  {6, 63, 1, 0},  {6, 64, 1, 0},  {6, 65, 1, 0},
                              {5, 127, 1, 0}, {5, 128, 1, 0}, {5, 129, 1, 0}, {4, 255, 1, 0}, {4, 256, 1, 0},
                              {4, 257, 1, 1}, {40, 10, 1, 0}, {1, 3, 1, 0},   {3, 1000, 1, 0}};
static const extent columns[] = {{3, 1, 2, 0},   {3, 2, 33, 0},  {4, 5, 7, 0},    {4, 5, 8, 0},  {4, 5, 9, 0},
                                 {3, 9, 16, 0},  {3, 9, 17, 0},  {2, 33, 7, 2},   {2, 8, 33, 7}, {5, 10, 2, 11},
                                 {2, 64, 17, 0}, {1, 257, 3, 0}, {2, 1000, 2, 24}};
static const extent large[] = {{2, 16383, 1, 0}, {2, 16384, 1, 0}, {2, 16385, 1, 2}, {2, 50257, 1, 0}};
#define COUNT(array) (sizeof(array) / sizeof(array)[0])

static const extent *find(const line *l, size_t index) {
    bool takes_inner = l->engine == CLXENT_ENGINE_COLUMN || l->engine == CLXENT_ENGINE_AUTO;
    size_t inner = takes_inner ? COUNT(columns) : 0;
    if (index < COUNT(rows))
        return &rows[index];
    index -= COUNT(rows);
    if (index < inner)
        return &columns[index];
    index -= inner;
    return index < COUNT(large) ? &large[index] : NULL;
}

device_case case_of(const line *l, const extent *shape) {
    device_case c;
    memset(&c, 0, sizeof c);
    clxent_desc_init(&c.desc, l->op);
    c.desc.pass = l->pass;
    c.desc.dtype = l->dtype;
    c.desc.engine = l->engine;
    c.desc.work_group_size = l->work_group_size;
    if (is_loss(l->op))
        c.desc.target_type = l->target_type;
    c.desc.label_smoothing = l->label_smoothing;
    c.desc.batch = shape->batch;
    c.desc.classes = shape->classes;
    c.desc.inner = shape->inner;
    if (shape->padding > 0)
        c.desc.row_stride = shape->classes * shape->inner + shape->padding;
    return c;
}

bool get_shape(const line *l, size_t index, device_case *c) {
    const extent *shape = find(l, index);
    if (shape != NULL)
        *c = case_of(l, shape);
    return shape != NULL;
}

bool is_large(const device_case *c) {
    return c->desc.classes > 10000;
}

typedef struct loss_options {
    clxent_reduction reduction;
    unsigned given;
    uint64_t flags;
    double grad_scale; /* 0: as it is */
    bool zero_weights, ignore_inside, in_place, poison, smooth_all;
    run_path path;
} loss_options;

#define WEIGHT GIVE(CLX_WEIGHT)
#define SAMPLES GIVE(CLX_SAMPLE_WEIGHT)
#define POSITIVES GIVE(CLX_POS_WEIGHT)
#define GRAD GIVE(CLX_GRAD_OUTPUT)
#define LSE GIVE(CLX_LSE)
#define INVALID GIVE(CLX_INVALID_COUNT)
#define SUMS GIVE(CLX_WEIGHT_SUM)
#define ARGMAX GIVE(CLX_ARGMAX)
#define CORRECT (GIVE(CLX_ARGMAX) | GIVE(CLX_CORRECT_COUNT))

static const loss_options options[LOSS_OPTIONS] = {
    {.reduction = CLXENT_REDUCTION_MEAN, .given = ARGMAX, .path = BY_RUN},
    {.reduction = CLXENT_REDUCTION_NONE,
     .given = WEIGHT | GRAD | LSE,
     .in_place = true,
     .poison = true,
     .path = BY_ENQUEUE},
    {.reduction = CLXENT_REDUCTION_SUM,
     .given = WEIGHT | POSITIVES | GRAD | INVALID | CORRECT | SUMS,
     .zero_weights = true,
     .path = BY_RUN},
    {.reduction = CLXENT_REDUCTION_MEAN,
     .given = WEIGHT | SAMPLES | LSE | SUMS,
     .zero_weights = true,
     .ignore_inside = true,
     .in_place = true,
     .grad_scale = 1024,
     .path = BY_ENQUEUE},
    {.reduction = CLXENT_REDUCTION_NONE,
     .given = WEIGHT | SAMPLES | POSITIVES | INVALID | CORRECT,
     .zero_weights = true,
     .ignore_inside = true,
     .poison = true,
     .smooth_all = true,
     .path = BY_ENQUEUE},
    {.reduction = CLXENT_REDUCTION_SUM, .given = LSE, .in_place = true, .path = BY_RUN},
    {.reduction = CLXENT_REDUCTION_NONE,
     .given = LSE | SAMPLES | SUMS,
     .flags = CLXENT_ACCUMULATE_GRAD,
     .poison = true,
     .path = BY_RUN},
    {.reduction = CLXENT_REDUCTION_MEAN,
     .given = WEIGHT | GRAD | INVALID,
     .flags = CLXENT_ACCUMULATE_GRAD | CLXENT_EMPTY_MEAN_ZERO,
     .smooth_all = true,
     .path = BY_ENQUEUE},
};

/* One that is no class, at a limit of what the type holds where that is possible. */
static int64_t ignored_outside(const clxent_desc *desc) {
    switch (desc->target_type) {
    case CLXENT_TARGET_I64:
        return INT64_MIN;
    case CLXENT_TARGET_U8:
        return UINT8_MAX;
    case CLXENT_TARGET_I32:
        return desc->batch % 2 == 0 ? -100 : INT32_MAX;
    default:
        return -100;
    }
}

run_path set_loss_options(device_case *c, size_t index) {
    const loss_options *o = &options[index];
    bool back = c->desc.pass != CLXENT_FORWARD, classes = c->desc.target_type < CLXENT_TARGET_PROBABILITIES;
    c->desc.reduction = o->reduction;
    c->desc.flags = o->flags;
    if (o->grad_scale != 0)
        c->desc.grad_scale = o->grad_scale;
    c->desc.ignore_index = o->ignore_inside && classes ? (int64_t)(c->desc.classes - 1) / 2 : ignored_outside(&c->desc);
    if (o->smooth_all && c->desc.label_smoothing > 0)
        c->desc.label_smoothing = 1;
    c->given = o->given;
    c->zero_weights = o->zero_weights;
    c->in_place = o->in_place && back && c->desc.op != CLXENT_NLL_LOSS ? OVER_INPUT : APART;
    c->poison = o->poison;
    return o->path;
}

void check_loss_line(const line *l) {
    device_case shape;
    for (size_t i = 0; get_shape(l, i, &shape); i++)
        for (size_t j = 0; j < LOSS_OPTIONS; j++) {
            device_case c = shape;
            run_path path = set_loss_options(&c, j);
            if (!is_large(&c) || j == i % LOSS_OPTIONS)
                check_case(&c, path);
        }
}
