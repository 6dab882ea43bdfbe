/* Shards on the device: every type, engine and option, in uneven shards, against the loss in one piece; the same bits in one shard
 * as in one piece; and what clxent_enqueue alone lets through, targets that no shard has. */
#include "api_fixture.h"
#include "setting.h"
#include "shard_cases.h"

#include <float.h>
#include <math.h>

static clxent_status run(const clxent_desc *desc, const clxent_host_args *args) {
    return clxent_run(the_device.context, desc, args);
}

/* ---- by buffers ---- */

static void to_buffers(const clx_problem *problem, const clxent_host_args *args, clxent_args *out) {
    clxent_args_init(out);
    for (clx_tensor tensor = 0; tensor < CLX_TENSORS; tensor++) {
        void *array = clx_host_array(args, tensor);
        size_t bytes = clx_tensor_bytes(problem, tensor);
        if (array == NULL || bytes == 0 || !clx_is_used(clx_tensor_use(problem, tensor)))
            continue;
        /* In place the two are one buffer. */
        bool over_input = tensor == CLX_GRAD_INPUT && array == args->input;
        clxent_buffer buffer = over_input ? out->input : (clxent_buffer){make_buffer(bytes, array), 0};
        clx_set_buffer(out, tensor, &buffer);
    }
}

static void from_buffers(const clx_problem *problem, const clxent_host_args *args, const clxent_args *buffers) {
    for (clx_tensor tensor = 0; tensor < CLX_TENSORS; tensor++) {
        cl_mem mem = clx_buffer(buffers, tensor)->mem;
        if (mem != NULL && clx_is_written(clx_tensor_use(problem, tensor)))
            read_buffer(mem, 0, clx_tensor_bytes(problem, tensor), clx_host_array(args, tensor));
    }
    for (clx_tensor tensor = 0; tensor < CLX_TENSORS; tensor++) {
        cl_mem mem = clx_buffer(buffers, tensor)->mem;
        if (mem != NULL && (tensor != CLX_GRAD_INPUT || mem != buffers->input.mem))
            clReleaseMemObject(mem);
    }
}

/* A plan, buffers and a queue; unlike clxent_run it does not look at targets. */
static clxent_status enqueue(const clxent_desc *desc, const clxent_host_args *args) {
    clx_problem problem;
    clxent_plan *plan = NULL;
    clxent_plan_info info = {.struct_size = sizeof info};
    clxent_args buffers;
    clxent_status status = clxent_plan_create(the_device.context, desc, &plan);
    if (status != CLXENT_SUCCESS)
        return status;
    assert_success(clx_problem_init(&problem, desc));
    assert_success(clxent_plan_get_info(plan, &info));
    to_buffers(&problem, args, &buffers);
    if (info.workspace_size > 0)
        buffers.workspace.mem = make_buffer(info.workspace_size, NULL);
    status = clxent_enqueue(the_device.queue, plan, &buffers, 0, NULL, NULL);
    finish_queue(the_device.queue);
    from_buffers(&problem, args, &buffers);
    if (buffers.workspace.mem != NULL)
        clReleaseMemObject(buffers.workspace.mem);
    clxent_plan_destroy(plan);
    return status;
}

/* ---- cases ---- */

static bool can_do(const shard_case *c) {
    return c->whole.dtype != CLXENT_F64 || device_has_fp64();
}

static shard_case make_case(size_t batch, size_t count, const size_t *sizes) {
    shard_case c = {.count = count};
    clxent_desc_init(&c.whole, CLXENT_CROSS_ENTROPY);
    c.whole.batch = batch;
    for (size_t i = 0; i < count; i++) {
        c.sizes[i] = sizes[i];
        c.whole.classes += sizes[i];
    }
    return c;
}

/* Of the engines all but column need inner 1; groups are as small as the smallest device takes them, and as odd. */
static shard_case case_for(clxent_engine engine, size_t i) {
    static const size_t sizes[][4] = {{5, 1, 39, 2}, {1, 70, 3, 33}, {4, 4, 4, 4}};
    static const clxent_dtype dtypes[] = {CLXENT_F32, CLXENT_F64, CLXENT_F32, CLXENT_F16, CLXENT_F32, CLXENT_BF16};
    static const clxent_target_type types[] = {CLXENT_TARGET_I32, CLXENT_TARGET_I64, CLXENT_TARGET_U8};
    size_t feature = i % 6; /* as many kinds of programs */
    shard_case c = make_case(engine == CLXENT_ENGINE_COLUMN ? 2 : 21, 1 + i % 4, sizes[i % 3]);
    c.whole.engine = engine;
    c.whole.inner = engine == CLXENT_ENGINE_COLUMN ? 21 : 1;
    c.whole.work_group_size = engine == CLXENT_ENGINE_ROW_PER_GROUP || engine == CLXENT_ENGINE_ROW_SPLIT ? 7 : 0;
    c.whole.dtype = dtypes[feature];
    c.whole.target_type = types[feature % 3];
    c.whole.label_smoothing = feature % 2 ? .125 : 0;
    c.whole.logit_scale = feature >= 4 ? .75 : 1;
    c.whole.logit_softcap = feature == 5 ? 6 : 0;
    /* The rest are arguments, and so no program of their own. */
    c.whole.reduction = (clxent_reduction)(i % 3);
    c.whole.ignore_index = feature % 3 == 2 ? 255 : i % 7 == 0 ? 1 : -100;
    c.whole.z_loss = i / 2 % 2 ? .125 : 0;
    c.whole.grad_scale = i / 3 % 2 ? 4 : 1;
    c.whole.flags = i % 4 == 1 ? CLXENT_ACCUMULATE_GRAD : 0u;
    c.weight = i % 2 == 0 || i % 5 == 0;
    c.sample_weight = i / 2 % 2 == 0;
    c.grad_output = i / 4 % 2 == 0;
    c.in_place = c.whole.flags == 0 && i % 3 == 0;
    return c;
}

static void check(const shard_case *c, uint64_t seed, run_function by) {
    shard_data d;
    if (!can_do(c))
        return;
    shard_data_init(&d, c, seed);
    shard_data_expect(&d);
    if (run_shards(&d, by))
        expect_whole(&d);
    else
        fail_msg("%s", clxent_last_error());
    shard_data_free(&d);
}

/* With CLXENT_TEST_SHARE=n of each engine every n-th kind of program, so that together they are all kinds. */
static bool is_shared_kind(clxent_engine engine, size_t kind) {
    return (kind + (size_t)engine) % setting_share() == 0;
}

static void check_engine(void **state) {
    const clxent_engine engine = *(const clxent_engine *)*state;
    for (size_t i = 0; i < 48; i++) {
        shard_case c = case_for(engine, i);
        if (!is_shared_kind(engine, i % 6))
            continue;
        check(&c, i, i % 2 ? run : enqueue);
    }
}

/* Rows of several chunks of a group, and of more rows than one run of the reduction. */
static void check_sizes(void **state) {
    (void)state;
    shard_case wide = make_case(3, 3, (size_t[]){16390, 1, 5000}), tall = make_case(1500, 2, (size_t[]){2, 3});
    wide.whole.engine = CLXENT_ENGINE_ROW_SPLIT;
    wide.whole.work_group_size = 7;
    wide.whole.reduction = CLXENT_REDUCTION_NONE;
    check(&wide, 3, run);
    tall.whole.reduction = CLXENT_REDUCTION_SUM;
    tall.weight = true;
    check(&tall, 4, run);
    tall.whole.reduction = CLXENT_REDUCTION_MEAN;
    check(&tall, 5, run);
}

static void check_empty(void **state) {
    (void)state;
    for (int flag = 0; flag < 2; flag++) {
        shard_case c = make_case(0, 2, (size_t[]){2, 3});
        c.whole.flags = flag ? CLXENT_EMPTY_MEAN_ZERO : 0u;
        check(&c, 6, run);
        check(&c, 6, enqueue);
    }
}

/* Rows with infinities and NaN, each alone. */
static void check_edges(void **state) {
    (void)state;
    const double inf = INFINITY;
    const double rows[][4] = {{-inf, -inf, 1, 2}, {-inf, -inf, -inf, -inf}, {inf, 0, 1, 2},       {0, 1, NAN, 2},
                              {0, -inf, 1, 2},    {1e8, 1e8 + 8, 1e8, 1e8}, {-inf, 3, -inf, -inf}};
    enum { ROWS = sizeof rows / sizeof rows[0] };
    for (int smooth = 0; smooth < 2; smooth++) {
        shard_data d;
        shard_case c = make_case(ROWS, 2, (size_t[]){2, 2});
        c.whole.reduction = CLXENT_REDUCTION_NONE;
        c.whole.label_smoothing = smooth ? .1 : 0;
        shard_data_init(&d, &c, 8);
        for (size_t row = 0; row < ROWS; row++)
            for (size_t k = 0; k < 4; k++)
                put_logit(&d, d.input, row * 4 + k, rows[row][k]);
        for (size_t row = 0; row < ROWS; row++)
            put_target(&d, row, 1);
        shard_data_expect(&d);
        assert_true(run_shards(&d, run));
        expect_whole(&d);
        shard_data_free(&d);
    }
}

/* ---- bits ---- */

/* In one shard of all classes the loss of a row, its lse and its gradient have the bits that they have in one piece. */
static void same_bits(void **state) {
    const clxent_engine engine = *(const clxent_engine *)*state;
    for (size_t i = 0; i < 6; i += 2) { /* those in F32 */
        shard_data d;
        shard_case c = case_for(engine, i);
        if (!is_shared_kind(engine, i / 2))
            continue;
        c.count = 1;
        c.sizes[0] = c.whole.classes;
        c.whole.flags = 0;
        c.in_place = false;
        shard_data_init(&d, &c, i);
        clxent_desc desc = c.whole;
        clxent_host_args args;
        float *output = calloc(d.rows, sizeof *output), *lse = calloc(d.rows, sizeof *lse),
              *gradient = calloc(d.logits, sizeof *gradient);
        assert_true(output != NULL && lse != NULL && gradient != NULL);
        clxent_host_args_init(&args);
        desc.pass = CLXENT_FORWARD;
        args.input = d.input;
        args.target = d.target;
        args.weight = d.weight;
        args.sample_weight = d.sample_weight;
        args.grad_output = d.grad_output;
        args.output = output;
        args.lse = lse;
        assert_success(run(&desc, &args));
        desc.pass = CLXENT_BACKWARD;
        args.lse = NULL;
        args.grad_input = gradient;
        assert_success(run(&desc, &args));
        assert_true(run_shards(&d, run));
        assert_memory_equal(d.output, output,
                            (c.whole.reduction == CLXENT_REDUCTION_NONE ? d.rows : 1) * sizeof *output);
        assert_memory_equal(d.lse, lse, d.rows * sizeof *lse);
        assert_memory_equal(d.grad_input, gradient, d.logits * sizeof *gradient);
        free(output);
        free(lse);
        free(gradient);
        shard_data_free(&d);
    }
}

/* ---- what clxent_run refuses ---- */

/* A target of no shard: NaN in its row, in all of the gradient; it is counted; other rows are as without it. */
static void invalid_targets(void **state) {
    (void)state;
    static const int64_t wrong[] = {9, -1, INT32_MAX, INT32_MIN};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        shard_data d;
        shard_case c = make_case(5, 3, (size_t[]){5, 1, 3});
        c.whole.reduction = CLXENT_REDUCTION_NONE;
        c.weight = true;
        shard_data_init(&d, &c, i);
        shard_data_expect(&d);
        put_target(&d, 1, wrong[i]);
        assert_true(run_shards(&d, enqueue));
        assert_int_equal(d.invalid_count, 1);
        d.invalid_count = 0;
        assert_true(isnan(real_at(&d, d.output, 1)));
        d.expected_output[1] = NAN;
        for (size_t k = 0; k < 9; k++)
            d.expected_grad[place_of(&d, 1, k)] = NAN;
        for (size_t part = 0; part < 3; part++)
            for (size_t plane = 2; plane < 4; plane++)
                assert_true(real_at(&d, d.partials, (part * PLANES + plane) * d.rows + 1) == 0);
        for (size_t k = 0; k < 2; k++)
            d.expected_sum[k] = real_at(&d, d.weight_sum, k); /* without it, as test_invalid_count has for all losses */
        expect_whole(&d);
        shard_data_free(&d);
    }
}

/* ---- weight_sum of losses in one piece ---- */

/* From reduction SUM, weight_sum and a gradient of 1 / W comes what MEAN gives, as several processes form it. */
static void mean_from_sums(void **state) {
    (void)state;
    float x[] = {1, 2, 3, .5f, -.5f, 0, -1, 4, 2}, w[] = {.25f, 1, 2}, u[] = {3, 5, 7}, mean, sum, weights[2], g;
    float expected[9], got[9];
    int32_t y[] = {2, -100, 0};
    clxent_desc desc;
    clxent_host_args args;
    clxent_desc_init(&desc, CLXENT_CROSS_ENTROPY);
    clxent_host_args_init(&args);
    desc.pass = CLXENT_FORWARD_BACKWARD;
    desc.batch = desc.classes = 3;
    args.input = x;
    args.target = y;
    args.weight = w;
    args.sample_weight = u;
    args.output = &mean;
    args.grad_input = expected;
    assert_success(run(&desc, &args));
    desc.pass = CLXENT_FORWARD;
    desc.reduction = CLXENT_REDUCTION_SUM;
    args.output = &sum;
    args.weight_sum = weights;
    assert_success(run(&desc, &args));
    assert_true(weights[0] == 3 * 2 + 7 * .25f && weights[1] == 10);
    assert_true(fabsf(sum / weights[0] - mean) <= 4 * FLT_EPSILON * fabsf(mean));
    g = 1 / weights[0];
    desc.pass = CLXENT_BACKWARD;
    args.grad_output = &g;
    args.grad_input = got;
    assert_success(run(&desc, &args));
    for (size_t i = 0; i < 9; i++)
        assert_true(fabsf(got[i] - expected[i]) <= 4 * FLT_EPSILON);
}

static void refused_engines(void **state) {
    (void)state;
    clxent_plan *plan = NULL;
    shard_case c = make_case(3, 2, (size_t[]){2, 3});
    clxent_desc desc = merge_desc(&c);
    desc.engine = CLXENT_ENGINE_ROW_PER_GROUP;
    assert_refused(clxent_plan_create(the_device.context, &desc, &plan), CLXENT_UNSUPPORTED,
                   "engine row_per_group cannot do this: merge takes rows side by side");
    desc.engine = CLXENT_ENGINE_ROWS_PER_LANE;
    assert_success(clxent_plan_create(the_device.context, &desc, &plan));
    clxent_plan_destroy(plan);
}

static const clxent_engine engines[] = {CLXENT_ENGINE_AUTO,   CLXENT_ENGINE_ROW_PER_ITEM,  CLXENT_ENGINE_ROW_PER_GROUP,
                                        CLXENT_ENGINE_COLUMN, CLXENT_ENGINE_ROWS_PER_LANE, CLXENT_ENGINE_ROW_SPLIT};
#define OF_ENGINE(test, number)                                                                                        \
    { #test " " #number, test, NULL, NULL, (void *)(uintptr_t)&engines[CLXENT_ENGINE_##number] }

int main(void) {
    const struct CMUnitTest tests[] = {
        OF_ENGINE(check_engine, AUTO),          OF_ENGINE(check_engine, ROW_PER_ITEM),
        OF_ENGINE(check_engine, ROW_PER_GROUP), OF_ENGINE(check_engine, COLUMN),
        OF_ENGINE(check_engine, ROWS_PER_LANE), OF_ENGINE(check_engine, ROW_SPLIT),
        OF_ENGINE(same_bits, ROW_PER_ITEM),     OF_ENGINE(same_bits, ROW_PER_GROUP),
        OF_ENGINE(same_bits, COLUMN),           OF_ENGINE(same_bits, ROWS_PER_LANE),
        OF_ENGINE(same_bits, ROW_SPLIT),        cmocka_unit_test(check_sizes),
        cmocka_unit_test(check_empty),          cmocka_unit_test(check_edges),
        cmocka_unit_test(invalid_targets),      cmocka_unit_test(mean_from_sums),
        cmocka_unit_test(refused_engines),
    };
    return cmocka_run_group_tests(tests, open_device, close_device);
}
