/* Shapes and options. What only changes these needs no new kernel, so there may be many. */
#include "device_shapes.h"

typedef struct extent {
    size_t batch, classes, inner, padding;
} extent;

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

bool get_shape(const line *l, size_t index, device_case *c) {
    const extent *shape = find(l, index);
    if (shape == NULL)
        return false;
    memset(c, 0, sizeof *c);
    clxent_desc_init(&c->desc, l->op);
    c->desc.pass = l->pass;
    c->desc.dtype = l->dtype;
    c->desc.engine = l->engine;
    c->desc.work_group_size = l->work_group_size;
    c->desc.target_type = l->target_type;
    c->desc.label_smoothing = l->label_smoothing;
    c->desc.batch = shape->batch;
    c->desc.classes = shape->classes;
    c->desc.inner = shape->inner;
    if (shape->padding > 0)
        c->desc.row_stride = shape->classes * shape->inner + shape->padding;
    return true;
}

bool is_large(const device_case *c) {
    return c->desc.classes > 10000;
}

typedef struct loss_options {
    clxent_reduction reduction;
    weights weights;
    bool ignore_inside, grad_output, lse, invalid_count, in_place, poison, smooth_all;
    run_path path;
} loss_options;

static const loss_options options[LOSS_OPTIONS] = {
    {.reduction = CLXENT_REDUCTION_MEAN, .path = BY_RUN},
    {.reduction = CLXENT_REDUCTION_NONE,
     .weights = SOME_WEIGHTS,
     .grad_output = true,
     .lse = true,
     .in_place = true,
     .poison = true,
     .path = BY_ENQUEUE},
    {.reduction = CLXENT_REDUCTION_SUM,
     .weights = WEIGHTS_WITH_ZEROS,
     .grad_output = true,
     .invalid_count = true,
     .path = BY_RUN},
    {.reduction = CLXENT_REDUCTION_MEAN,
     .weights = WEIGHTS_WITH_ZEROS,
     .ignore_inside = true,
     .lse = true,
     .in_place = true,
     .path = BY_ENQUEUE},
    {.reduction = CLXENT_REDUCTION_NONE,
     .weights = WEIGHTS_WITH_ZEROS,
     .ignore_inside = true,
     .invalid_count = true,
     .poison = true,
     .smooth_all = true,
     .path = BY_ENQUEUE},
    {.reduction = CLXENT_REDUCTION_SUM, .lse = true, .in_place = true, .path = BY_RUN},
    {.reduction = CLXENT_REDUCTION_NONE, .lse = true, .poison = true, .path = BY_RUN},
    {.reduction = CLXENT_REDUCTION_MEAN,
     .weights = SOME_WEIGHTS,
     .grad_output = true,
     .invalid_count = true,
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
    default:
        return desc->batch % 2 == 0 ? -100 : INT32_MAX;
    }
}

run_path set_loss_options(device_case *c, size_t index) {
    const loss_options *o = &options[index];
    bool back = c->desc.pass != CLXENT_FORWARD, cross_entropy = c->desc.op == CLXENT_CROSS_ENTROPY;
    c->desc.reduction = o->reduction;
    c->desc.ignore_index = o->ignore_inside ? (int64_t)(c->desc.classes - 1) / 2 : ignored_outside(&c->desc);
    if (o->smooth_all && c->desc.label_smoothing > 0)
        c->desc.label_smoothing = 1;
    c->weights = o->weights;
    c->grad_output = o->grad_output && back;
    c->lse = o->lse && cross_entropy;
    c->invalid_count = o->invalid_count;
    c->in_place = o->in_place && back && cross_entropy ? OVER_INPUT : APART;
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
