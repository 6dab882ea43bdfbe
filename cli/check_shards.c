/* A case with its classes dealt out: forward on every shard, the merge, backward on every shard. Shards are views of the case's own
 * arrays: row_stride steps over the others' logits, and the rows of an output layer follow each other. */
#include "check_shards.h"

#include <stdlib.h>
#include <string.h>

enum { MOST = 3, PLANES = 6 };

typedef struct dealing {
    clxent_context *context;
    const check_case *c;
    const clxent_host_args *whole;
    size_t count, starts[MOST + 1], rows;
    char *partials, *merged;
    double weight_sum[2]; /* of any real type */
} dealing;

static size_t size_of(clxent_dtype type) {
    return type == CLXENT_F64 ? sizeof(double) : type == CLXENT_F32 ? sizeof(float) : sizeof(uint16_t);
}

static size_t real_size(const dealing *d) {
    return size_of(check_real_type(d->c->desc.dtype));
}

static void deal(dealing *d) {
    const size_t classes = d->c->desc.classes;
    d->count = classes < MOST ? classes : MOST;
    d->starts[1] = 1;
    d->starts[2] = 1 + (classes - 1) / MOST + (classes > 2 && classes <= MOST);
    d->starts[d->count] = classes;
}

static const void *from(const void *array, size_t bytes) {
    return array == NULL ? NULL : (const char *)array + bytes;
}

static void *at(void *array, size_t bytes) {
    return array == NULL ? NULL : (char *)array + bytes;
}

/* What gradients of linear cross-entropy are added to, where they are not added to what is there. Padding stays as it is. */
static void clear_gradients(const dealing *d) {
    const clxent_desc *whole = &d->c->desc;
    const size_t storage = size_of(whole->dtype), real = real_size(d);
    if (!check_is_linear(whole->op) || whole->flags & CLXENT_ACCUMULATE_GRAD)
        return;
    for (size_t i = 0; i < whole->batch; i++)
        memset((char *)d->whole->grad_input + i * check_stride(whole) * storage, 0, whole->features * storage);
    memset(d->whole->grad_linear_weight, 0, whole->classes * whole->features * real);
    memset(d->whole->grad_linear_bias, 0, whole->classes * real);
}

static clxent_status run_shard(dealing *d, size_t i, clxent_pass pass) {
    const bool linear = check_is_linear(d->c->desc.op);
    const size_t storage = size_of(d->c->desc.dtype), before = d->starts[i], row = before * d->c->desc.features;
    const size_t logits = linear ? 0 : before * d->c->desc.inner; /* hidden states are the same for all */
    clxent_desc desc = d->c->desc;
    clxent_host_args args;
    desc.pass = pass;
    desc.class_start = before;
    desc.class_total = d->c->desc.classes;
    desc.classes = d->starts[i + 1] - before;
    desc.row_stride = check_stride(&d->c->desc);
    desc.flags |= linear ? CLXENT_ACCUMULATE_GRAD : 0u; /* of grad_input each has a part */
    clxent_host_args_init(&args);
    args.input = from(d->whole->input, logits * storage);
    args.target = d->whole->target;
    args.weight = from(d->whole->weight, before * real_size(d));
    args.linear_weight = from(d->whole->linear_weight, row * storage);
    args.linear_bias = from(d->whole->linear_bias, before * storage);
    args.sample_weight = d->whole->sample_weight;
    args.grad_output = d->whole->grad_output;
    args.grad_input = (char *)d->whole->grad_input + logits * storage;
    args.grad_linear_weight = at(d->whole->grad_linear_weight, row * real_size(d));
    args.grad_linear_bias = at(d->whole->grad_linear_bias, before * real_size(d));
    args.partial = d->partials + i * PLANES * d->rows * real_size(d);
    args.merged = d->merged;
    args.weight_sum = d->weight_sum;
    return clxent_run(d->context, &desc, &args);
}

static clxent_status run_merge(dealing *d) {
    const clxent_desc *whole = &d->c->desc;
    clxent_desc desc;
    clxent_desc_init(&desc, CLXENT_MERGE);
    desc.dtype = whole->dtype;
    desc.target_type = whole->target_type;
    desc.reduction = whole->reduction;
    desc.batch = whole->batch;
    desc.classes = whole->classes;
    desc.inner = whole->inner;
    desc.ignore_index = whole->ignore_index;
    desc.label_smoothing = whole->label_smoothing;
    desc.flags = whole->flags;
    desc.z_loss = whole->z_loss;
    desc.parts = d->count;
    clxent_host_args args;
    clxent_host_args_init(&args);
    args.target = d->whole->target;
    args.sample_weight = d->whole->sample_weight;
    args.partial = d->partials;
    args.merged = d->merged;
    args.weight_sum = d->weight_sum;
    args.output = d->whole->output;
    args.lse = d->whole->lse;
    args.invalid_count = d->whole->invalid_count;
    return clxent_run(d->context, &desc, &args);
}

clxent_status check_run_shards(clxent_context *context, const check_case *c, const clxent_host_args *args) {
    dealing d = {.context = context, .c = c, .whole = args, .rows = c->desc.batch * c->desc.inner};
    clxent_status status = CLXENT_SUCCESS;
    deal(&d);
    d.partials = calloc(d.rows + 1, PLANES * MOST * sizeof(double));
    d.merged = calloc(d.rows + 1, PLANES * sizeof(double));
    if (d.partials == NULL || d.merged == NULL)
        status = CLXENT_OUT_OF_MEMORY;
    for (size_t i = 0; i < d.count && status == CLXENT_SUCCESS; i++)
        status = run_shard(&d, i, CLXENT_FORWARD);
    if (status == CLXENT_SUCCESS)
        status = run_merge(&d);
    if (status == CLXENT_SUCCESS)
        clear_gradients(&d);
    for (size_t i = 0; i < d.count && status == CLXENT_SUCCESS; i++)
        status = run_shard(&d, i, CLXENT_BACKWARD);
    free(d.partials);
    free(d.merged);
    return status;
}
