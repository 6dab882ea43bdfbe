/* Shards of linear cross-entropy on the device: every type, chunks of one row and of several, rows that are ignored, against the
 * reference pass by pass and against the loss in one piece; the same bits in one shard as in one piece; and targets that no shard
 * has. */
#include "device_cases.h"
#include "linear_shard_cases.h"

#include <math.h>

enum {
    WEIGHTED = 1,
    SAMPLES = 2,
    BIAS = 4,
    SMOOTH = 8,
    SCALED = 16,
    CAPPED = 32,
    ZLOSS = 64,
    INCOMING = 128,
    ADD = 256,
    ALL_IGNORED = 512,
    EMPTY_ZERO = 1024,
    PADDED = 2048,
    MASKED = 4096
};

typedef struct line {
    size_t batch, features, count, sizes[4], chunk; /* chunk: rows that a workspace has room for; 0: as it comes */
    clxent_dtype dtype;
    clxent_target_type target_type;
    clxent_reduction reduction;
    unsigned options;
} line;

static const line lines[] = {
    {5, 7, 1, {11}, 0, CLXENT_F32, CLXENT_TARGET_I32, CLXENT_REDUCTION_MEAN, 0},
    {21, 9, 3, {14, 1, 7}, 4, CLXENT_F32, CLXENT_TARGET_I32, CLXENT_REDUCTION_MEAN, BIAS | WEIGHTED | SAMPLES | ZLOSS},
    {11, 6, 2, {9, 12}, 1, CLXENT_F32, CLXENT_TARGET_I32, CLXENT_REDUCTION_SUM, ADD | BIAS | MASKED},
    {9, 5, 3, {30, 5, 6}, 2, CLXENT_F16, CLXENT_TARGET_I32, CLXENT_REDUCTION_NONE, INCOMING | ADD | PADDED},
    {29, 31, 4, {50, 7, 70, 3}, 7, CLXENT_BF16, CLXENT_TARGET_I32, CLXENT_REDUCTION_SUM, BIAS | INCOMING | PADDED},
    {29, 33, 2, {30, 35}, 1, CLXENT_F32, CLXENT_TARGET_U8, CLXENT_REDUCTION_SUM, SMOOTH | SAMPLES | SCALED | ADD},
    {29,
     31,
     2,
     {20, 43},
     7,
     CLXENT_F16,
     CLXENT_TARGET_U8,
     CLXENT_REDUCTION_MEAN,
     BIAS | WEIGHTED | SMOOTH | SCALED | INCOMING},
    {33,
     20,
     2,
     {60, 30},
     5,
     CLXENT_F64,
     CLXENT_TARGET_I64,
     CLXENT_REDUCTION_MEAN,
     BIAS | CAPPED | ZLOSS | WEIGHTED | ADD},
    {33, 20, 2, {45, 45}, 5, CLXENT_F32, CLXENT_TARGET_I32, CLXENT_REDUCTION_MEAN, BIAS | ALL_IGNORED},
    {33, 20, 2, {45, 45}, 5, CLXENT_F32, CLXENT_TARGET_I32, CLXENT_REDUCTION_MEAN, EMPTY_ZERO | ALL_IGNORED | ADD},
    {200, 8, 3, {300, 1, 200}, 0, CLXENT_F32, CLXENT_TARGET_I32, CLXENT_REDUCTION_MEAN, BIAS | WEIGHTED},
    {3, 4, 2, {30000, 15000}, 2, CLXENT_F32, CLXENT_TARGET_I32, CLXENT_REDUCTION_NONE, BIAS},
    {0, 5, 2, {9, 4}, 0, CLXENT_F32, CLXENT_TARGET_I32, CLXENT_REDUCTION_SUM, BIAS},
};
enum { LINES = sizeof lines / sizeof lines[0] };

static linear_case case_of_line(const line *l) {
    linear_case c = make_linear_case(l->batch, l->features, l->count, l->sizes);
    c.whole.dtype = l->dtype;
    c.whole.target_type = l->target_type;
    c.whole.reduction = l->reduction;
    c.whole.row_stride = l->options & PADDED ? l->features + 3 : 0;
    c.whole.ignore_index = l->target_type == CLXENT_TARGET_U8 ? 255 : -100;
    c.whole.label_smoothing = l->options & SMOOTH ? .125 : 0;
    c.whole.logit_scale = l->options & SCALED ? .75 : 1;
    c.whole.logit_softcap = l->options & CAPPED ? 5 : 0;
    c.whole.z_loss = l->options & ZLOSS ? .01 : 0;
    c.whole.grad_scale = l->options & INCOMING ? 2 : 1;
    c.whole.flags =
        (l->options & ADD ? CLXENT_ACCUMULATE_GRAD : 0u) | (l->options & EMPTY_ZERO ? CLXENT_EMPTY_MEAN_ZERO : 0u);
    c.bias = (l->options & BIAS) != 0;
    c.weight = (l->options & WEIGHTED) != 0;
    c.sample_weight = (l->options & SAMPLES) != 0;
    c.grad_output = (l->options & INCOMING) != 0;
    c.all_ignored = (l->options & ALL_IGNORED) != 0;
    c.masked = (l->options & MASKED) != 0;
    return c;
}

/* A simulator takes its time. */
static bool is_simulator(void) {
    return strstr(device.about->name, "Oclgrind") != NULL;
}

static bool is_for_device(const line *l) {
    size_t classes = 0;
    for (size_t i = 0; i < l->count; i++)
        classes += l->sizes[i];
    return (!is_simulator() || l->batch * l->features * classes < 5000) &&
           (l->dtype != CLXENT_F64 || device.about->fp64);
}

/* ---- the workspace ---- */

static size_t chunk; /* of the line at hand */

/* The least workspace has room for one row, and a refusal says how large it is. */
static uint64_t least_workspace(const clxent_desc *given) {
    clxent_desc desc = *given;
    clxent_plan *plan = NULL;
    unsigned long long least = 0;
    desc.workspace_limit = 1;
    assert_int_equal(clxent_plan_create(device.context, &desc, &plan), CLXENT_INVALID_OPTION);
    assert_int_equal(sscanf(clxent_last_error(), "workspace_limit is 1, a chunk of one row needs %llu bytes", &least),
                     1);
    return least;
}

static void expect_limit(const clxent_desc *desc) {
    clxent_plan *plan = NULL;
    clxent_plan_info info = {.struct_size = sizeof info};
    assert_int_equal(clxent_plan_create(device.context, desc, &plan), CLXENT_SUCCESS);
    assert_int_equal(clxent_plan_get_info(plan, &info), CLXENT_SUCCESS);
    assert_true(info.workspace_size <= desc->workspace_limit);
    clxent_plan_destroy(plan);
}

static clxent_status limited(const clxent_desc *given, const clxent_host_args *args, run_function run) {
    clxent_desc desc = *given;
    if (desc.op == CLXENT_LINEAR_CROSS_ENTROPY && chunk > 0) {
        const size_t real = desc.dtype == CLXENT_F64 ? sizeof(double) : sizeof(float);
        desc.workspace_limit = least_workspace(&desc) + (chunk - 1) * (desc.classes + 2 * desc.features + 96) * real;
        expect_limit(&desc);
    }
    return run(&desc, args);
}

static clxent_status by_run(const clxent_desc *desc, const clxent_host_args *args) {
    return clxent_run(device.context, desc, args);
}

static clxent_status run(const clxent_desc *desc, const clxent_host_args *args) {
    return limited(desc, args, by_run);
}

static clxent_status enqueue(const clxent_desc *desc, const clxent_host_args *args) {
    return limited(desc, args, enqueue_exactly);
}

/* ---- tests ---- */

static void against_reference(void **state) {
    (void)state;
    for (size_t i = 0; i < LINES; i++) {
        const linear_case c = case_of_line(&lines[i]);
        linear_data d, expected, before;
        if (!is_for_device(&lines[i]))
            continue;
        chunk = lines[i].chunk;
        print_message("line %zu\n", i);
        linear_data_init(&before, &c, i);
        linear_data_init(&d, &c, i);
        linear_data_init(&expected, &c, i);
        run_linear_shards(&d, i % 2 == 0 && !is_simulator() ? run : enqueue);
        run_linear_shards(&expected, clxent_reference);
        expect_linear_same(&d, &expected);
        expect_linear_whole(&d, &before);
        linear_data_free(&before);
        linear_data_free(&d);
        linear_data_free(&expected);
    }
}

/* In one shard of all classes, merged, a row and the layer have the bits that they have in one piece: with so few classes no engine
 * keeps exponentials, which would give the gradient other ones. The losses of rows are added in another order there. */
static void check_bits(clxent_reduction reduction) {
    enum { ROWS = 7, D = 5, CLASSES = 30 };
    linear_case c = make_linear_case(ROWS, D, 1, (size_t[]){CLASSES});
    linear_data d, whole;
    c.whole.reduction = reduction;
    c.bias = c.weight = c.sample_weight = true;
    chunk = 0;
    linear_data_init(&d, &c, 3);
    linear_data_init(&whole, &c, 3);
    run_linear_shards(&d, enqueue);
    clxent_desc desc = c.whole;
    clxent_host_args args = linear_shard_args(&whole, 0, CLXENT_BACKWARD);
    args.merged = args.weight_sum = NULL;
    args.output = whole.output;
    args.lse = whole.lse;
    assert_int_equal(enqueue(&desc, &args), CLXENT_SUCCESS);
    desc.pass = CLXENT_BACKWARD;
    args.lse = NULL;
    assert_int_equal(enqueue(&desc, &args), CLXENT_SUCCESS);
    if (reduction == CLXENT_REDUCTION_NONE)
        assert_memory_equal(d.output, whole.output, ROWS * sizeof(float));
    assert_memory_equal(d.lse, whole.lse, ROWS * sizeof(float));
    assert_memory_equal(d.grad_input[0], whole.grad_input[0], ROWS * D * sizeof(float));
    assert_memory_equal(d.grad_linear_weight, whole.grad_linear_weight, CLASSES * D * sizeof(float));
    assert_memory_equal(d.grad_linear_bias, whole.grad_linear_bias, CLASSES * sizeof(float));
    linear_data_free(&d);
    linear_data_free(&whole);
}

static void same_bits(void **state) {
    (void)state;
    check_bits(CLXENT_REDUCTION_NONE);
    check_bits(CLXENT_REDUCTION_MEAN);
}

/* A target of no shard, which clxent_enqueue alone lets through: NaN in its row and in all of the layer's gradient; it is counted;
 * other rows are as without it. */
static void invalid_targets(void **state) {
    (void)state;
    enum { ROWS = 5, D = 4, WRONG = 3 };
    linear_case c = make_linear_case(ROWS, D, 2, (size_t[]){5, 3});
    linear_data d, good;
    c.whole.reduction = CLXENT_REDUCTION_NONE;
    chunk = 0;
    linear_data_init(&d, &c, 4);
    linear_data_init(&good, &c, 4);
    put_linear_target(&d, WRONG, 8);
    run_linear_shards(&good, clxent_reference);
    run_linear_shards(&d, enqueue);
    assert_int_equal(d.invalid_count, 1);
    for (size_t part = 0; part < 2; part++)
        for (size_t plane = 2; plane < 4; plane++)
            assert_true(linear_real(&d, d.partials, (part * PLANES + plane) * ROWS + WRONG) == 0);
    for (size_t row = 0; row < ROWS; row++) {
        const double loss = linear_real(&d, d.output, row);
        assert_true(row == WRONG ? isnan(loss) : fabs(loss - linear_real(&good, good.output, row)) < 1e-5);
        for (size_t i = 0; i < 2 * D; i++) {
            const size_t at = row * D + i % D;
            const double got = linear_stored(&d, d.grad_input[i / D], at);
            assert_true(row == WRONG ? isnan(got)
                                     : fabs(got - linear_stored(&good, good.grad_input[i / D], at)) < 1e-5);
        }
    }
    for (size_t i = 0; i < 8 * D; i++)
        assert_true(isnan(linear_real(&d, d.grad_linear_weight, i)));
    for (size_t i = 0; i < 8; i++)
        assert_true(isnan(linear_real(&d, d.grad_linear_bias, i)));
    linear_data_free(&d);
    linear_data_free(&good);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(against_reference),
        cmocka_unit_test(same_bits),
        cmocka_unit_test(invalid_targets),
    };
    return cmocka_run_group_tests(tests, open_device, close_device);
}
