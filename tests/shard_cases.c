/* A cross-entropy in shards: its arrays, its passes, and the comparison with the loss in one piece. */
#include "shard_cases.h"

#include "half.h"

#include <float.h>
#include <math.h>

/* ---- numbers ---- */

static clxent_dtype real_type(const shard_data *d) {
    return d->c.whole.dtype == CLXENT_F64 ? CLXENT_F64 : CLXENT_F32;
}

double logit_at(const shard_data *d, const void *array, size_t i) {
    return clx_load(d->c.whole.dtype, array, i);
}

void put_logit(const shard_data *d, void *array, size_t i, double value) {
    clx_store(d->c.whole.dtype, array, i, value);
}

double real_at(const shard_data *d, const void *array, size_t i) {
    return clx_load(real_type(d), array, i);
}

void put_real(const shard_data *d, void *array, size_t i, double value) {
    clx_store(real_type(d), array, i, value);
}

int64_t class_of_row(clxent_target_type type, const void *target, size_t row) {
    switch (type) {
    case CLXENT_TARGET_I32:
        return ((const int32_t *)target)[row];
    case CLXENT_TARGET_I64:
        return ((const int64_t *)target)[row];
    default:
        return ((const uint8_t *)target)[row];
    }
}

void set_class_of_row(clxent_target_type type, void *target, size_t row, int64_t y) {
    if (type == CLXENT_TARGET_I32)
        ((int32_t *)target)[row] = (int32_t)y;
    else if (type == CLXENT_TARGET_I64)
        ((int64_t *)target)[row] = y;
    else
        ((uint8_t *)target)[row] = (uint8_t)y;
}

int64_t target_at(const shard_data *d, size_t row) {
    return class_of_row(d->c.whole.target_type, d->target, row);
}

void put_target(const shard_data *d, size_t row, int64_t y) {
    set_class_of_row(d->c.whole.target_type, d->target, row, y);
}

size_t place_of(const shard_data *d, size_t row, size_t c) {
    const clxent_desc *desc = &d->c.whole;
    return row / desc->inner * desc->classes * desc->inner + c * desc->inner + row % desc->inner;
}

/* ---- data ---- */

double draw_share(uint64_t *state) {
    *state = *state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (double)(*state >> 11) / 0x1p53;
}

void *make_array(size_t elements) {
    void *array = malloc((elements + 1) * sizeof(double));
    assert_non_null(array);
    memset(array, 0xFF, (elements + 1) * sizeof(double)); /* NaN in every type */
    return array;
}

static void make_arrays(shard_data *d) {
    const size_t classes = d->c.whole.classes;
    d->input = make_array(d->logits);
    d->target = make_array(d->rows);
    d->weight = d->c.weight ? make_array(classes) : NULL;
    d->sample_weight = d->c.sample_weight ? make_array(d->rows) : NULL;
    d->grad_output = d->c.grad_output ? make_array(d->rows > 0 ? d->rows : 1) : NULL;
    d->partials = make_array(PLANES * d->rows * d->c.count);
    d->merged = make_array(PLANES * d->rows);
    d->output = make_array(d->rows > 0 ? d->rows : 1);
    d->lse = make_array(d->rows);
    d->grad_input = d->c.in_place ? d->input : make_array(d->logits);
    d->weight_sum = make_array(2);
}

/* Eighths, which every type holds exactly and which are as good as any. */
shard_case make_shard_case(size_t batch, size_t count, const size_t *sizes) {
    shard_case c = {.count = count};
    clxent_desc_init(&c.whole, CLXENT_CROSS_ENTROPY);
    c.whole.dtype = CLXENT_F64;
    c.whole.batch = batch;
    for (size_t i = 0; i < count; i++) {
        c.sizes[i] = sizes[i];
        c.whole.classes += sizes[i];
    }
    return c;
}

void shard_data_init(shard_data *d, const shard_case *c, uint64_t seed) {
    uint64_t state = seed;
    memset(d, 0, sizeof *d);
    d->c = *c;
    d->rows = c->whole.batch * c->whole.inner;
    d->logits = d->rows * c->whole.classes;
    d->invalid_count = UINT64_MAX;
    make_arrays(d);
    for (size_t i = 0; i < d->logits; i++)
        put_logit(d, d->input, i, floor(draw_share(&state) * 128) / 8 - 8);
    for (size_t row = 0; row < d->rows; row++) {
        bool ignored = row % 4 == 3;
        put_target(d, row, ignored ? c->whole.ignore_index : (int64_t)(draw_share(&state) * (double)c->whole.classes));
    }
    for (size_t i = 0; c->weight && i < c->whole.classes; i++)
        put_real(d, d->weight, i, i % 5 == 4 ? 0 : 0.25 + floor(draw_share(&state) * 16) / 8);
    for (size_t i = 0; c->sample_weight && i < d->rows; i++)
        put_real(d, d->sample_weight, i, i % 7 == 5 ? 0 : 0.25 + floor(draw_share(&state) * 16) / 8);
    for (size_t i = 0; c->grad_output && i < (d->rows > 0 ? d->rows : 1); i++)
        put_real(d, d->grad_output, i, floor(draw_share(&state) * 32) / 8 - 2);
    if (c->whole.flags & CLXENT_ACCUMULATE_GRAD)
        for (size_t i = 0; i < d->logits; i++)
            put_logit(d, d->grad_input, i, floor(draw_share(&state) * 16) / 8 - 1);
}

void shard_data_free(shard_data *d) {
    void *const arrays[] = {d->input,
                            d->target,
                            d->weight,
                            d->sample_weight,
                            d->grad_output,
                            d->partials,
                            d->merged,
                            d->output,
                            d->lse,
                            d->weight_sum,
                            d->c.in_place ? NULL : d->grad_input,
                            d->expected_output,
                            d->expected_lse,
                            d->expected_grad};
    for (size_t i = 0; i < sizeof arrays / sizeof arrays[0]; i++)
        free(arrays[i]);
}

/* ---- running ---- */

size_t start_of_shard(const size_t *sizes, size_t i) {
    size_t start = 0;
    while (i > 0)
        start += sizes[--i];
    return start;
}

clxent_desc shard_desc(const shard_case *c, size_t i, clxent_pass pass) {
    clxent_desc desc = c->whole;
    desc.pass = pass;
    desc.classes = c->sizes[i];
    desc.class_start = start_of_shard(c->sizes, i);
    desc.class_total = c->whole.classes;
    desc.row_stride = c->whole.classes * c->whole.inner;
    return desc;
}

clxent_desc merge_desc(const shard_case *c) {
    clxent_desc desc;
    clxent_desc_init(&desc, CLXENT_MERGE);
    desc.dtype = c->whole.dtype;
    desc.target_type = c->whole.target_type;
    desc.reduction = c->whole.reduction;
    desc.batch = c->whole.batch;
    desc.inner = c->whole.inner;
    desc.classes = c->whole.classes;
    desc.ignore_index = c->whole.ignore_index;
    desc.label_smoothing = c->whole.label_smoothing;
    desc.z_loss = c->whole.z_loss;
    desc.flags = c->whole.flags;
    desc.parts = c->count;
    return desc;
}

/* The array from an element on. */
static void *from(void *array, size_t element, size_t size) {
    return array == NULL ? NULL : (char *)array + element * size;
}

static size_t real_size(const shard_data *d) {
    return real_type(d) == CLXENT_F64 ? sizeof(double) : sizeof(float);
}

static size_t logit_size(const shard_data *d) {
    return d->c.whole.dtype == CLXENT_F64 ? sizeof(double) : d->c.whole.dtype == CLXENT_F32 ? sizeof(float) : 2;
}

clxent_host_args shard_args(const shard_data *d, size_t i, clxent_pass pass) {
    const size_t start = start_of_shard(d->c.sizes, i), first = start * d->c.whole.inner;
    clxent_host_args args;
    clxent_host_args_init(&args);
    args.input = from(d->input, first, logit_size(d));
    args.target = d->target;
    args.weight = from(d->weight, start, real_size(d));
    if (pass == CLXENT_FORWARD) {
        args.partial = from(d->partials, i * PLANES * d->rows, real_size(d));
        return args;
    }
    args.sample_weight = d->sample_weight;
    args.grad_output = d->grad_output;
    args.merged = d->merged;
    args.weight_sum = d->weight_sum;
    args.grad_input = from(d->grad_input, first, logit_size(d));
    return args;
}

clxent_host_args merge_args(shard_data *d) {
    clxent_host_args args;
    clxent_host_args_init(&args);
    args.target = d->target;
    args.sample_weight = d->sample_weight;
    args.partial = d->partials;
    args.output = d->output;
    args.lse = d->lse;
    args.merged = d->merged;
    args.weight_sum = d->weight_sum;
    args.invalid_count = &d->invalid_count;
    return args;
}

static bool must_run(run_function run, const clxent_desc *desc, const clxent_host_args *args) {
    clxent_status status = run(desc, args);
    if (status == CLXENT_UNSUPPORTED)
        return false;
    if (status != CLXENT_SUCCESS)
        fail_msg("op %d pass %d: %s: %s", (int)desc->op, (int)desc->pass, clxent_status_string(status),
                 clxent_last_error());
    return true;
}

bool run_shards(shard_data *d, run_function run) {
    for (size_t i = 0; i < d->c.count; i++) {
        clxent_desc desc = shard_desc(&d->c, i, CLXENT_FORWARD);
        clxent_host_args args = shard_args(d, i, CLXENT_FORWARD);
        if (!must_run(run, &desc, &args))
            return false;
    }
    clxent_desc merging = merge_desc(&d->c);
    clxent_host_args arrays = merge_args(d);
    if (!must_run(run, &merging, &arrays))
        return false;
    for (size_t i = 0; i < d->c.count; i++) {
        clxent_desc desc = shard_desc(&d->c, i, CLXENT_BACKWARD);
        clxent_host_args args = shard_args(d, i, CLXENT_BACKWARD);
        if (!must_run(run, &desc, &args))
            return false;
    }
    return true;
}

/* ---- the loss in one piece ---- */

/* The same numbers in double. */
static double *widened(const shard_data *d, const void *array, size_t count, bool logits) {
    double *wide = array == NULL ? NULL : make_array(count);
    for (size_t i = 0; wide != NULL && i < count; i++)
        wide[i] = logits ? logit_at(d, array, i) : real_at(d, array, i);
    return wide;
}

/* Not tighter than the errors of the sums and of the exponential in the real type, each a few epsilons of what is added up;
 * and a gradient of a 16-bit type is rounded to it. */
static void compare(const shard_data *d, const char *what, size_t i, double got, double expected, double size,
                    bool stored) {
    static const double rounding[] = {
        [CLXENT_F32] = 0, [CLXENT_F64] = 0, [CLXENT_F16] = 0x1p-11, [CLXENT_BF16] = 0x1p-8};
    double epsilon = d->c.whole.dtype == CLXENT_F64 ? DBL_EPSILON : FLT_EPSILON;
    double bound = 48 * epsilon * size;
    if (stored)
        bound += rounding[d->c.whole.dtype] * (fabs(expected) + bound) + 0x1p-25 * (d->c.whole.dtype == CLXENT_F16);
    if (isnan(expected) ? isnan(got) : got == expected || fabs(got - expected) <= bound)
        return;
    fail_msg(
        "%s[%zu] is %.9g, in one piece %.9g: off by %.3g, allowed %.3g (%zu shards of %zu classes, %zu rows, dtype %d, "
        "engine %d, reduction %d, smoothing %g)",
        what, i, got, expected, fabs(got - expected), bound, d->c.count, d->c.whole.classes, d->rows,
        (int)d->c.whole.dtype, (int)d->c.whole.engine, (int)d->c.whole.reduction, d->c.whole.label_smoothing);
}

/* The largest finite number of an array, 1 if that is more. */
static double largest(const double *numbers, size_t count) {
    double most = 1;
    for (size_t i = 0; numbers != NULL && i < count; i++)
        if (isfinite(numbers[i]) && fabs(numbers[i]) > most)
            most = fabs(numbers[i]);
    return most;
}

/* What sums and gradients are made of, at most; that of a row is u (w x + z x^2). */
static void set_sizes(shard_data *d, const double *weight, const double *sample_weight, const double *g) {
    const clxent_desc *desc = &d->c.whole;
    const bool mean = desc->reduction == CLXENT_REDUCTION_MEAN, none = desc->reduction == CLXENT_REDUCTION_NONE;
    double x = 2 * largest(d->expected_lse, d->rows), u = largest(sample_weight, d->rows);
    double w = largest(weight, desc->classes), t = u * largest(g, none ? d->rows : 1) * fabs(desc->grad_scale);
    double over = mean ? d->expected_sum[0] : 1, over_z = mean ? d->expected_sum[1] : 1;
    double rows = none || d->rows == 0 ? 1 : (double)d->rows;
    d->loss_size =
        largest(d->expected_output, none ? d->rows : 1) + rows * u * (w * x / over + desc->z_loss * x * x / over_z);
    d->gradient_size = t * fabs(desc->logit_scale) * (2 * w * x / over + 4 * desc->z_loss * x * x / over_z);
    if (desc->flags & CLXENT_ACCUMULATE_GRAD)
        d->gradient_size += 1 + largest(d->expected_grad, d->logits);
}

void shard_data_expect(shard_data *d) {
    const size_t some = d->rows > 0 ? d->rows : 1;
    double *input = widened(d, d->input, d->logits, true), *weight = widened(d, d->weight, d->c.whole.classes, false);
    double *sample_weight = widened(d, d->sample_weight, d->rows, false), *g = widened(d, d->grad_output, some, false);
    bool accumulates = (d->c.whole.flags & CLXENT_ACCUMULATE_GRAD) != 0;
    d->expected_output = make_array(some);
    d->expected_lse = make_array(d->rows);
    d->expected_grad = accumulates ? widened(d, d->grad_input, d->logits, true) : make_array(d->logits);
    clxent_desc desc = d->c.whole;
    desc.pass = CLXENT_FORWARD_BACKWARD;
    desc.dtype = CLXENT_F64;
    desc.engine = CLXENT_ENGINE_AUTO;
    clxent_host_args args;
    clxent_host_args_init(&args);
    args.input = input;
    args.target = d->target;
    args.weight = weight;
    args.sample_weight = sample_weight;
    args.grad_output = g;
    args.output = d->expected_output;
    args.lse = d->expected_lse;
    args.grad_input = d->expected_grad;
    args.weight_sum = d->expected_sum;
    must_run(clxent_reference, &desc, &args);
    set_sizes(d, weight, sample_weight, g);
    free(input);
    free(weight);
    free(sample_weight);
    free(g);
}

void expect_whole(const shard_data *d) {
    const size_t losses = d->c.whole.reduction == CLXENT_REDUCTION_NONE ? d->rows : 1;
    double lse_size = 4 * largest(d->expected_lse, d->rows), sum_size = d->expected_sum[0] + d->expected_sum[1];
    for (size_t i = 0; i < losses; i++)
        compare(d, "output", i, real_at(d, d->output, i), d->expected_output[i], d->loss_size, false);
    for (size_t i = 0; i < d->rows; i++)
        compare(d, "lse", i, real_at(d, d->lse, i), d->expected_lse[i], lse_size, false);
    for (size_t i = 0; i < 2; i++)
        compare(d, "weight_sum", i, real_at(d, d->weight_sum, i), d->expected_sum[i], sum_size, false);
    for (size_t i = 0; i < d->logits; i++)
        compare(d, "grad_input", i, logit_at(d, d->grad_input, i), d->expected_grad[i], d->gradient_size, true);
    for (size_t row = 0; row < d->rows; row++)
        for (size_t c = 0; target_at(d, row) == d->c.whole.ignore_index && c < d->c.whole.classes; c++) {
            size_t at = place_of(d, row, c);
            if (!(d->c.whole.flags & CLXENT_ACCUMULATE_GRAD) && logit_at(d, d->grad_input, at) != 0)
                fail_msg("grad_input[%zu] of an ignored row is %g", at, logit_at(d, d->grad_input, at));
        }
    assert_int_equal(d->invalid_count, 0);
}
