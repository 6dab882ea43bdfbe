/* The table and the tensors: every type and option, rows that are ignored or do not fill a chunk, sizes beside those of tiles and
 * panels, workspaces from the least one on. */
#include "linear_lines.h"

#include "half.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const linear_line linear_lines[LINEAR_LINES] = {
    {5, 7, 11, 0, CLXENT_F32, CLXENT_TARGET_I32, CLXENT_REDUCTION_MEAN, 0},
    {5, 7, 11, 0, CLXENT_F64, CLXENT_TARGET_I64, CLXENT_REDUCTION_SUM, BIAS | FILTER},
    {70, 16, 64, 0, CLXENT_F32, CLXENT_TARGET_I32, CLXENT_REDUCTION_NONE, BIAS | INCOMING},
    {70, 130, 129, 0, CLXENT_F32, CLXENT_TARGET_I64, CLXENT_REDUCTION_MEAN, BIAS | WEIGHTED | SAMPLES},
    {70, 257, 300, 13, CLXENT_F32, CLXENT_TARGET_I32, CLXENT_REDUCTION_MEAN, SMOOTH | WEIGHTED | FILTER},
    {29, 33, 65, 1, CLXENT_F32, CLXENT_TARGET_U8, CLXENT_REDUCTION_SUM, SMOOTH | SAMPLES | ADD},
    {29, 64, 128, 12, CLXENT_F16, CLXENT_TARGET_I32, CLXENT_REDUCTION_MEAN, BIAS | ZLOSS | FILTER},
    {29, 31, 127, 7, CLXENT_BF16, CLXENT_TARGET_I32, CLXENT_REDUCTION_NONE, SCALED | CAPPED | ADD | PADDED | FILTER},
    {29, 31, 63, 7, CLXENT_BF16, CLXENT_TARGET_I64, CLXENT_REDUCTION_MEAN, BIAS | INCOMING | WEIGHTED | SMOOTH},
    {29, 31, 63, 7, CLXENT_F16, CLXENT_TARGET_I32, CLXENT_REDUCTION_SUM, SAVED_LSE | INCOMING | PADDED},
    {64, 48, 1000, 16, CLXENT_F32, CLXENT_TARGET_I32, CLXENT_REDUCTION_MEAN,
     BIAS | CAPPED | ZLOSS | WEIGHTED | SAMPLES},
    {33, 20, 90, 5, CLXENT_F64, CLXENT_TARGET_I32, CLXENT_REDUCTION_MEAN, BIAS | CAPPED | ZLOSS | WEIGHTED | ADD},
    {33, 20, 90, 5, CLXENT_F32, CLXENT_TARGET_I32, CLXENT_REDUCTION_MEAN, SQUARES | SAMPLES | BIAS},
    {33, 20, 90, 5, CLXENT_F32, CLXENT_TARGET_I32, CLXENT_REDUCTION_SUM, BIAS | ALL_IGNORED},
    {33, 20, 90, 5, CLXENT_F32, CLXENT_TARGET_I64, CLXENT_REDUCTION_NONE, BIAS | ALL_IGNORED | ADD},
    {33, 20, 90, 5, CLXENT_F32, CLXENT_TARGET_I32, CLXENT_REDUCTION_MEAN, SAVED_LSE | BIAS | PADDED},
    {1, 1, 1, 0, CLXENT_F32, CLXENT_TARGET_I32, CLXENT_REDUCTION_MEAN, BIAS},
    {3, 4, 45000, 2, CLXENT_F32, CLXENT_TARGET_I32, CLXENT_REDUCTION_MEAN, BIAS}, /* sums too long for a loop limit */
    {0, 5, 9, 0, CLXENT_F32, CLXENT_TARGET_I32, CLXENT_REDUCTION_SUM, BIAS},
};
void expect_success(clxent_status status) {
    if (status != CLXENT_SUCCESS)
        fail_msg("%s: %s", clxent_status_string(status), clxent_last_error());
}

static uint64_t state;

static double uniform(void) {
    state = state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (double)(state >> 11) / 9007199254740992.0;
}

static void *keep(linear_tensors *d, size_t bytes) {
    void *made = calloc(bytes + 1, 1);
    assert_non_null(made);
    d->arrays[d->count++] = made;
    return made;
}

clxent_dtype linear_real_type(clxent_dtype dtype) {
    return dtype == CLXENT_F64 ? CLXENT_F64 : CLXENT_F32;
}

static size_t bytes_of(clxent_dtype dtype) {
    return dtype == CLXENT_F64 ? 8 : dtype == CLXENT_F32 ? 4 : 2;
}

static void *fill(linear_tensors *d, clxent_dtype dtype, size_t count, double least, double most) {
    void *made = keep(d, count * bytes_of(dtype));
    for (size_t i = 0; i < count; i++)
        clx_store(dtype, made, i, least + (most - least) * uniform());
    return made;
}

/* The same numbers for both. */
static void fill_both(linear_tensors *d, clxent_dtype dtype, size_t count, size_t member) {
    void *first = fill(d, dtype, count, -1, 1), *second = keep(d, count * bytes_of(dtype));
    memcpy(second, first, count * bytes_of(dtype));
    memcpy((char *)&d->args[0] + member, &first, sizeof first);
    memcpy((char *)&d->args[1] + member, &second, sizeof second);
}

static void set_both(linear_tensors *d, size_t member, const void *array) {
    memcpy((char *)&d->args[0] + member, &array, sizeof array);
    memcpy((char *)&d->args[1] + member, &array, sizeof array);
}

static void fill_targets(linear_tensors *d, const linear_line *l) {
    const size_t size = l->target_type == CLXENT_TARGET_I32 ? 4 : l->target_type == CLXENT_TARGET_I64 ? 8 : 1;
    unsigned char *target = keep(d, l->batch * size);
    for (size_t i = 0; i < l->batch; i++) {
        const bool ignored = l->options & ALL_IGNORED || i % 5 == 2;
        const int64_t y = ignored ? d->desc.ignore_index : (int64_t)(uniform() * (double)l->classes);
        const int32_t y32 = (int32_t)y;
        if (size == 1)
            target[i] = (unsigned char)y;
        else
            memcpy(target + i * size, size == 4 ? (const void *)&y32 : (const void *)&y, size);
    }
    set_both(d, LINEAR_MEMBER(target), target);
}

static void set_desc(linear_tensors *d, const linear_line *l, clxent_pass pass) {
    clxent_desc *desc = &d->desc;
    clxent_desc_init(desc, CLXENT_LINEAR_CROSS_ENTROPY);
    desc->pass = pass;
    desc->dtype = l->dtype;
    desc->target_type = l->target_type;
    desc->reduction = l->reduction;
    desc->batch = l->batch;
    desc->classes = l->classes;
    desc->features = l->features;
    desc->row_stride = l->options & PADDED ? l->features + 3 : 0;
    desc->ignore_index = l->target_type == CLXENT_TARGET_U8 ? 255 : -100;
    desc->label_smoothing = l->options & SMOOTH ? 0.125 : 0;
    desc->logit_scale = l->options & SCALED ? 0.75 : 1;
    desc->logit_softcap = l->options & CAPPED ? 5 : 0;
    desc->z_loss = l->options & ZLOSS ? 0.01 : 0;
    desc->reg_lambda = l->options & SQUARES ? 0.1 : 0;
    desc->grad_scale = l->options & INCOMING ? 2 : 1;
    desc->flags =
        (l->options & ADD ? CLXENT_ACCUMULATE_GRAD : 0u) | (l->options & FILTER ? CLXENT_FILTER_GRADIENT : 0u);
    d->stride = l->options & PADDED ? l->features + 3 : l->features;
}

void make_linear_tensors(linear_tensors *d, const linear_line *l, clxent_pass pass, uint64_t seed) {
    state = seed;
    memset(d, 0, sizeof *d);
    set_desc(d, l, pass);
    const clxent_dtype real = linear_real_type(l->dtype);
    const size_t losses = l->reduction == CLXENT_REDUCTION_NONE ? l->batch : 1;
    for (int i = 0; i < 2; i++)
        clxent_host_args_init(&d->args[i]);
    fill_targets(d, l);
    set_both(d, LINEAR_MEMBER(input), fill(d, l->dtype, l->batch * d->stride, -1, 1));
    set_both(d, LINEAR_MEMBER(linear_weight), fill(d, l->dtype, l->classes * l->features, -1, 1));
    if (l->options & BIAS)
        set_both(d, LINEAR_MEMBER(linear_bias), fill(d, l->dtype, l->classes, -1, 1));
    if (l->options & WEIGHTED)
        set_both(d, LINEAR_MEMBER(weight), fill(d, real, l->classes, 0.5, 2));
    if (l->options & SAMPLES)
        set_both(d, LINEAR_MEMBER(sample_weight), fill(d, real, l->batch, 0.5, 2));
    if (pass != CLXENT_FORWARD && l->options & INCOMING)
        set_both(d, LINEAR_MEMBER(grad_output), fill(d, real, losses, 0.5, 1.5));
    if (pass != CLXENT_BACKWARD || l->options & SAVED_LSE)
        fill_both(d, real, l->batch, LINEAR_MEMBER(lse));
    if (pass != CLXENT_BACKWARD)
        fill_both(d, real, losses, LINEAR_MEMBER(output));
    if (pass == CLXENT_FORWARD)
        return;
    fill_both(d, l->dtype, l->batch * d->stride, LINEAR_MEMBER(grad_input));
    fill_both(d, real, l->classes * l->features, LINEAR_MEMBER(grad_linear_weight));
    fill_both(d, real, l->classes, LINEAR_MEMBER(grad_linear_bias));
}

void drop_linear_tensors(linear_tensors *d) {
    for (size_t i = 0; i < d->count; i++)
        free(d->arrays[i]);
}

/* The least workspace has room for one row; what each further one takes follows from the refusals on the way. */
void limit_linear_chunk(linear_tensors *d, size_t chunk, size_t gpu_group) {
    clxent_plan *plan = NULL;
    clxent_plan_info info = {.struct_size = sizeof info};
    if (chunk == 0)
        return;
    clxent_context *context = make_context_apart(gpu_group);
    d->desc.workspace_limit = 1;
    assert_int_equal(clxent_plan_create(context, &d->desc, &plan), CLXENT_INVALID_OPTION);
    unsigned long long least = 0;
    assert_int_equal(sscanf(clxent_last_error(), "workspace_limit is 1, a chunk of one row needs %llu bytes", &least),
                     1);
    d->desc.workspace_limit = least - 1;
    assert_int_equal(clxent_plan_create(context, &d->desc, &plan), CLXENT_INVALID_OPTION);
    d->desc.workspace_limit = least;
    expect_success(clxent_plan_create(context, &d->desc, &plan));
    expect_success(clxent_plan_get_info(plan, &info));
    assert_true(info.workspace_size <= least);
    clxent_plan_destroy(plan);
    clxent_context_destroy(context);
    const size_t real = bytes_of(linear_real_type(d->desc.dtype));
    d->desc.workspace_limit = least + (chunk - 1) * (d->desc.classes + 2 * d->desc.features + 96) * real;
}

/* A simulator takes a second for a hundred thousand multiplications, with all that it looks at. */
bool is_simulator(void) {
    return strstr(device.about->name, "Oclgrind") != NULL;
}

bool is_line_for_device(const linear_line *l) {
    const bool small = l->batch * l->classes * l->features < 65536;
    return (small || !is_simulator()) && (l->dtype != CLXENT_F64 || device.about->fp64);
}

clxent_status run_linear_apart(const clxent_desc *desc, const clxent_host_args *args, size_t gpu_group) {
    clxent_context *apart = make_context_apart(gpu_group);
    const clxent_status status = clxent_run(apart, desc, args);
    clxent_context_destroy(apart);
    return status;
}
