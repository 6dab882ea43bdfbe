/* Shards of a linear cross-entropy: arrays, passes, and the comparison with the loss in one piece. */
#include "linear_shard_cases.h"

#include "half.h"

#include <float.h>
#include <math.h>

/* ---- numbers ---- */

static clxent_dtype real_type(const linear_data *d) {
    return d->c.whole.dtype == CLXENT_F64 ? CLXENT_F64 : CLXENT_F32;
}

static size_t size_of(clxent_dtype dtype) {
    return dtype == CLXENT_F64 ? sizeof(double) : dtype == CLXENT_F32 ? sizeof(float) : 2;
}

double linear_real(const linear_data *d, const void *array, size_t i) {
    return clx_load(real_type(d), array, i);
}

double linear_stored(const linear_data *d, const void *array, size_t i) {
    return clx_load(d->c.whole.dtype, array, i);
}

void put_linear_target(const linear_data *d, size_t row, int64_t y) {
    set_class_of_row(d->c.whole.target_type, d->target, row, y);
}

bool linear_row_counts(const linear_data *d, size_t row) {
    return class_of_row(d->c.whole.target_type, d->target, row) != d->c.whole.ignore_index;
}

/* ---- data ---- */

static void *fill(clxent_dtype dtype, size_t elements, double least, double most, uint64_t *state) {
    void *array = make_array(elements);
    for (size_t i = 0; i < elements; i++)
        clx_store(dtype, array, i, least + (most - least) * draw_share(state));
    return array;
}

linear_case make_linear_case(size_t batch, size_t features, size_t count, const size_t *sizes) {
    linear_case c = {.count = count};
    clxent_desc_init(&c.whole, CLXENT_LINEAR_CROSS_ENTROPY);
    c.whole.batch = batch;
    c.whole.features = features;
    for (size_t i = 0; i < count; i++) {
        c.sizes[i] = sizes[i];
        c.whole.classes += sizes[i];
    }
    return c;
}

static bool accumulates(const linear_data *d) {
    return (d->c.whole.flags & CLXENT_ACCUMULATE_GRAD) != 0;
}

static void make_results(linear_data *d, uint64_t *state) {
    const clxent_desc *desc = &d->c.whole;
    const size_t layer = desc->classes * desc->features, hidden = d->rows * d->stride;
    const bool adds = accumulates(d);
    d->partials = make_array(PLANES * d->rows * d->c.count);
    d->merged = make_array(PLANES * d->rows);
    d->output = make_array(d->losses);
    d->lse = make_array(d->rows);
    d->weight_sum = make_array(2);
    for (size_t i = 0; i < d->c.count; i++)
        d->grad_input[i] = adds && i > 0 ? d->grad_input[0]
                           : adds        ? fill(desc->dtype, hidden, -1, 1, state)
                                         : make_array(hidden);
    d->grad_linear_weight = adds ? fill(real_type(d), layer, -1, 1, state) : make_array(layer);
    d->grad_linear_bias = adds ? fill(real_type(d), desc->classes, -1, 1, state) : make_array(desc->classes);
}

static void fill_targets(linear_data *d, uint64_t *state) {
    const clxent_desc *desc = &d->c.whole;
    const size_t first = d->c.masked ? d->c.sizes[0] : 0;
    d->target = make_array(d->rows);
    for (size_t row = 0; row < d->rows; row++) {
        const size_t y = first + (size_t)(draw_share(state) * (double)(desc->classes - first));
        const bool ignored = d->c.all_ignored || row % 5 == 2;
        put_linear_target(d, row, ignored ? desc->ignore_index : (int64_t)y);
        for (size_t k = 0; ignored && k < desc->features; k++)
            clx_store(desc->dtype, d->input, row * d->stride + k, NAN);
    }
}

void linear_data_init(linear_data *d, const linear_case *c, uint64_t seed) {
    const clxent_desc *desc = &c->whole;
    uint64_t state = seed;
    memset(d, 0, sizeof *d);
    d->c = *c;
    d->rows = desc->batch;
    d->stride = desc->row_stride > 0 ? desc->row_stride : desc->features;
    d->losses = desc->reduction == CLXENT_REDUCTION_NONE ? d->rows : 1;
    d->input = fill(desc->dtype, d->rows * d->stride, -1, 1, &state);
    d->linear_weight = fill(desc->dtype, desc->classes * desc->features, -1, 1, &state);
    d->linear_bias = c->bias ? fill(desc->dtype, desc->classes, -1, 1, &state) : NULL;
    d->weight = c->weight ? fill(real_type(d), desc->classes, 0.5, 2, &state) : NULL;
    d->sample_weight = c->sample_weight ? fill(real_type(d), d->rows, 0.5, 2, &state) : NULL;
    d->grad_output = c->grad_output ? fill(real_type(d), d->losses, 0.5, 1.5, &state) : NULL;
    for (size_t i = 0; c->masked && i < c->sizes[0]; i++)
        clx_store(desc->dtype, d->linear_bias, i, -INFINITY);
    fill_targets(d, &state);
    make_results(d, &state);
}

void linear_data_free(linear_data *d) {
    void *const arrays[] = {d->input,
                            d->target,
                            d->linear_weight,
                            d->linear_bias,
                            d->weight,
                            d->partials,
                            d->sample_weight,
                            d->merged,
                            d->grad_output,
                            d->output,
                            d->lse,
                            d->weight_sum,
                            d->grad_linear_weight,
                            d->grad_linear_bias};
    for (size_t i = 0; i < sizeof arrays / sizeof arrays[0]; i++)
        free(arrays[i]);
    for (size_t i = 0; i < (accumulates(d) ? 1 : d->c.count); i++)
        free(d->grad_input[i]);
}

/* ---- running ---- */

clxent_desc linear_shard_desc(const linear_case *c, size_t i, clxent_pass pass) {
    clxent_desc desc = c->whole;
    desc.pass = pass;
    desc.classes = c->sizes[i];
    desc.class_start = start_of_shard(c->sizes, i);
    desc.class_total = c->whole.classes;
    return desc;
}

/* The array from an element on. */
static void *from(void *array, size_t element, size_t size) {
    return array == NULL ? NULL : (char *)array + element * size;
}

clxent_host_args linear_shard_args(const linear_data *d, size_t i, clxent_pass pass) {
    const size_t start = start_of_shard(d->c.sizes, i), features = d->c.whole.features;
    const size_t storage = size_of(d->c.whole.dtype), real = size_of(real_type(d));
    clxent_host_args args;
    clxent_host_args_init(&args);
    args.input = d->input;
    args.target = d->target;
    args.linear_weight = from(d->linear_weight, start * features, storage);
    args.linear_bias = from(d->linear_bias, start, storage);
    args.weight = from(d->weight, start, real);
    if (pass == CLXENT_FORWARD) {
        args.partial = from(d->partials, i * PLANES * d->rows, real);
        return args;
    }
    args.sample_weight = d->sample_weight;
    args.grad_output = d->grad_output;
    args.merged = d->merged;
    args.weight_sum = d->weight_sum;
    args.grad_input = d->grad_input[i];
    args.grad_linear_weight = from(d->grad_linear_weight, start * features, real);
    args.grad_linear_bias = from(d->grad_linear_bias, start, real);
    return args;
}

static void must_run(run_function run, const clxent_desc *desc, const clxent_host_args *args) {
    clxent_status status = run(desc, args);
    if (status != CLXENT_SUCCESS)
        fail_msg("op %d pass %d: %s: %s", (int)desc->op, (int)desc->pass, clxent_status_string(status),
                 clxent_last_error());
}

static void merge(linear_data *d, run_function run) {
    shard_case c = {.whole = d->c.whole, .count = d->c.count};
    clxent_desc desc = merge_desc(&c);
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
    must_run(run, &desc, &args);
}

void run_linear_shards(linear_data *d, run_function run) {
    for (int pass = CLXENT_FORWARD; pass <= CLXENT_BACKWARD; pass++) {
        for (size_t i = 0; i < d->c.count; i++) {
            clxent_desc desc = linear_shard_desc(&d->c, i, (clxent_pass)pass);
            clxent_host_args args = linear_shard_args(d, i, (clxent_pass)pass);
            must_run(run, &desc, &args);
        }
        if (pass == CLXENT_FORWARD)
            merge(d, run);
    }
}

/* ---- comparison ---- */

/* A sum of D products of numbers up to 1 is off by a few roundings for each; everything else hangs on that, and gradients of
 * the layer add up over the rows. What is stored in 16 bits is rounded to them, once for each shard. */
static double tolerance(const linear_data *d, double expected, double stored) {
    const clxent_desc *desc = &d->c.whole;
    const double epsilon = desc->dtype == CLXENT_F64 ? DBL_EPSILON : FLT_EPSILON;
    const double rounding = desc->dtype == CLXENT_BF16 ? 0x1p-8 : desc->dtype == CLXENT_F16 ? 0x1p-11 : 0;
    const double rows = desc->reduction == CLXENT_REDUCTION_MEAN ? 8 : 8 + (double)d->rows;
    return epsilon * rows * ((double)(desc->features + 16) + 4 * fabs(expected)) + rounding * stored +
           (stored > 0 && desc->dtype == CLXENT_F16 ? (double)d->c.count * 0x1p-24 : 0);
}

/* `stored`: the sum of the numbers that were rounded to storage, or 0. */
static void compare(const linear_data *d, const char *name, size_t i, double got, double expected, double stored) {
    const double bound = tolerance(d, expected, stored);
    if (isnan(expected) ? isnan(got) : got == expected || fabs(got - expected) <= bound)
        return;
    fail_msg(
        "%s[%zu] is %.9g, expected %.9g: off by %.3g, allowed %.3g (%zu shards of %zu classes, %zu rows, dtype %d, "
        "reduction %d)",
        name, i, got, expected, fabs(got - expected), bound, d->c.count, d->c.whole.classes, d->rows,
        (int)d->c.whole.dtype, (int)d->c.whole.reduction);
}

static void compare_reals(const linear_data *d, const char *name, const void *got, const double *expected,
                          size_t count) {
    for (size_t i = 0; i < count; i++)
        compare(d, name, i, linear_real(d, got, i), expected[i], 0);
}

/* The parts of the shards are added, unless they have added themselves. */
static void compare_hidden(const linear_data *d, const double *expected) {
    for (size_t n = 0; n < d->rows; n++)
        for (size_t k = 0; k < d->c.whole.features; k++) {
            const size_t at = n * d->stride + k;
            double sum = 0, size = 0;
            for (size_t i = 0; i < (accumulates(d) ? 1 : d->c.count); i++) {
                const double part = linear_stored(d, d->grad_input[i], at);
                sum += part;
                size += fabs(part);
            }
            if (accumulates(d)) /* there were others, on the way */
                size = (double)d->c.count * (size + 1);
            compare(d, "sum of grad_input", at, sum, expected[at], size + DBL_MIN);
            if (!accumulates(d) && !linear_row_counts(d, n) && size != 0)
                fail_msg("grad_input[%zu] of an ignored row is %g", at, sum);
        }
}

static double *widened(clxent_dtype dtype, const void *array, size_t count) {
    double *wide = array == NULL ? NULL : make_array(count);
    for (size_t i = 0; wide != NULL && i < count; i++)
        wide[i] = clx_load(dtype, array, i);
    return wide;
}

void expect_linear_whole(const linear_data *d, const linear_data *before) {
    clxent_desc desc = before->c.whole;
    const clxent_dtype real = real_type(before), storage = desc.dtype;
    const size_t hidden = d->rows * d->stride, layer = desc.classes * desc.features;
    desc.pass = CLXENT_FORWARD_BACKWARD;
    desc.dtype = CLXENT_F64;
    desc.workspace_limit = 0;
    double *input = widened(storage, before->input, hidden), *weight = widened(storage, before->linear_weight, layer);
    double *bias = widened(storage, before->linear_bias, desc.classes);
    double *class_weight = widened(real, before->weight, desc.classes);
    double *sample_weight = widened(real, before->sample_weight, d->rows);
    double *grad_output = widened(real, before->grad_output, d->losses);
    double *output = make_array(d->losses), *lse = make_array(d->rows);
    double *grad_input = widened(storage, before->grad_input[0], hidden);
    double *grad_weight = widened(real, before->grad_linear_weight, layer);
    double *grad_bias = widened(real, before->grad_linear_bias, desc.classes);
    clxent_host_args args;
    clxent_host_args_init(&args);
    args.input = input;
    args.target = before->target;
    args.weight = class_weight;
    args.sample_weight = sample_weight;
    args.grad_output = grad_output;
    args.linear_weight = weight;
    args.linear_bias = bias;
    args.output = output;
    args.lse = lse;
    args.grad_input = grad_input;
    args.grad_linear_weight = grad_weight;
    args.grad_linear_bias = grad_bias;
    must_run(clxent_reference, &desc, &args);
    compare_reals(d, "output", d->output, output, d->losses);
    compare_reals(d, "lse", d->lse, lse, d->rows);
    compare_hidden(d, grad_input);
    compare_reals(d, "grad_linear_weight", d->grad_linear_weight, grad_weight, layer);
    compare_reals(d, "grad_linear_bias", d->grad_linear_bias, grad_bias, desc.classes);
    assert_int_equal(d->invalid_count, 0);
    double *const all[] = {input,  weight, bias,       class_weight, sample_weight, grad_output,
                           output, lse,    grad_input, grad_weight,  grad_bias};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        free(all[i]);
}

void expect_linear_same(const linear_data *d, const linear_data *other) {
    const size_t planes = PLANES * d->rows;
    for (size_t i = 0; i < planes * d->c.count; i++)
        compare(d, "partial", i, linear_real(d, d->partials, i), linear_real(other, other->partials, i), 0);
    for (size_t i = 0; i < planes; i++)
        compare(d, "merged", i, linear_real(d, d->merged, i), linear_real(other, other->merged, i), 0);
    for (size_t i = 0; i < 2; i++)
        compare(d, "weight_sum", i, linear_real(d, d->weight_sum, i), linear_real(other, other->weight_sum, i), 0);
    for (size_t i = 0; i < d->c.count; i++)
        for (size_t at = 0; at < d->rows * d->stride; at++) {
            const double expected = linear_stored(other, other->grad_input[i], at);
            compare(d, "grad_input", at, linear_stored(d, d->grad_input[i], at), expected,
                    2 * (fabs(expected) + DBL_MIN) * (accumulates(d) ? (double)d->c.count : 1));
        }
}
