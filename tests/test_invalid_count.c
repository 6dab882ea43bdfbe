/* Targets outside the classes on a device: clxent_enqueue makes their rows NaN and counts them; the count, and the
 * workspace that it needs, may be left out. */
#include "api_fixture.h"
#include "opencl_calls.h"

#include <math.h>

/* Two of five targets are outside the classes, one is ignored: two NaN rows, which reach a mean or a sum, and no other.
 */
static void make_invalid(api_case *c, clxent_op op, clxent_pass pass, clxent_reduction reduction) {
    case_begin(c, op, pass);
    c->desc.batch = 5;
    c->desc.reduction = reduction;
    case_fill(c);
    case_drop(c, CLX_TARGET2);
    case_drop(c, CLX_MIX_LAMBDA);
    const int32_t targets[] = {1, 5, -100, -1, 4};
    memcpy(c->array[CLX_TARGET], targets, sizeof targets);
    case_upload(c);
}

static bool row_is_nan(size_t row) {
    return row == 1 || row == 3;
}

static void check_invalid(api_case *c) {
    float values[25];
    if (c->memory[CLX_OUTPUT] != NULL) {
        bool rows = c->desc.reduction == CLXENT_REDUCTION_NONE;
        size_t count = rows ? 5 : 1;
        read_buffer(c->memory[CLX_OUTPUT], 0, count * sizeof(float), values);
        for (size_t i = 0; i < count; i++)
            assert_int_equal(isnan(values[i]) != 0, !rows || row_is_nan(i));
        assert_true(!rows || values[2] == 0);
    }
    if (c->memory[CLX_GRAD_INPUT] != NULL) {
        read_buffer(c->memory[CLX_GRAD_INPUT], 0, sizeof values, values);
        for (size_t i = 0; i < 25; i++)
            assert_int_equal(isnan(values[i]) != 0, row_is_nan(i / 5));
        for (size_t i = 10; i < 15; i++)
            assert_true(values[i] == 0);
    }
}

static void count_invalid(clxent_op op, clxent_pass pass, clxent_reduction reduction) {
    api_case c;
    make_invalid(&c, op, pass, reduction);
    assert_success(case_run(&c));
    uint64_t count = 0;
    read_buffer(c.memory[CLX_INVALID_COUNT], 0, sizeof count, &count);
    assert_int_equal(count, 2);
    check_invalid(&c);
    case_release(&c);
    /* The same without the count; with no reduction left, the workspace goes as well, whatever stands in its place. */
    make_invalid(&c, op, pass, reduction);
    c.args.invalid_count.mem = c.args.correct_count.mem = c.args.weight_sum.mem = NULL;
    if (reduction == CLXENT_REDUCTION_NONE)
        c.args.workspace = (clxent_buffer){NULL, 3};
    assert_success(case_run(&c));
    check_invalid(&c);
    case_release(&c);
}

static void invalid_targets_are_counted(void **state) {
    (void)state;
    for (clxent_reduction reduction = CLXENT_REDUCTION_NONE; reduction <= CLXENT_REDUCTION_SUM; reduction++) {
        count_invalid(CLXENT_NLL_LOSS, CLXENT_FORWARD, reduction);
        count_invalid(CLXENT_NLL_LOSS, CLXENT_BACKWARD, reduction);
        count_invalid(CLXENT_CROSS_ENTROPY, CLXENT_FORWARD, reduction);
        count_invalid(CLXENT_CROSS_ENTROPY, CLXENT_BACKWARD, reduction);
        count_invalid(CLXENT_CROSS_ENTROPY, CLXENT_FORWARD_BACKWARD, reduction);
    }
}

/* Of every type, far outside, and with every engine. */
static void write_invalid(api_case *c) {
    const int32_t i32[] = {1, 5, 3, INT32_MIN, 4};
    const int64_t i64[] = {1, (int64_t)1 << 32, 3, INT64_MIN, 4};
    const uint8_t u8[] = {1, 5, 3, 255, 4};
    if (c->desc.target_type == CLXENT_TARGET_I32)
        memcpy(c->array[CLX_TARGET], i32, sizeof i32);
    else if (c->desc.target_type == CLXENT_TARGET_I64)
        memcpy(c->array[CLX_TARGET], i64, sizeof i64);
    else
        memcpy(c->array[CLX_TARGET], u8, sizeof u8);
}

static void count_of_type(clxent_target_type type, clxent_engine engine) {
    api_case c;
    case_begin(&c, LOSS_BOTH);
    c.desc.batch = 5;
    c.desc.reduction = CLXENT_REDUCTION_NONE;
    c.desc.target_type = type;
    c.desc.engine = engine;
    c.desc.ignore_index = 3;
    case_fill(&c);
    case_drop(&c, CLX_TARGET2);
    case_drop(&c, CLX_MIX_LAMBDA);
    write_invalid(&c);
    case_upload(&c);
    assert_success(case_run(&c));
    uint64_t count = 0;
    read_buffer(c.memory[CLX_INVALID_COUNT], 0, sizeof count, &count);
    assert_int_equal(count, 2);
    check_invalid(&c);
    case_release(&c);
}

static void invalid_targets_of_every_type(void **state) {
    (void)state;
    for (clxent_target_type type = CLXENT_TARGET_I32; type <= CLXENT_TARGET_U8; type++)
        count_of_type(type, CLXENT_ENGINE_AUTO);
    for (clxent_engine engine = CLXENT_ENGINE_ROW_PER_ITEM; engine <= CLXENT_ENGINE_ROW_SPLIT; engine++)
        count_of_type(CLXENT_TARGET_I32, engine);
}

/* Targets from -1 (255) to 6 for five classes, and which of them count; enough rows for vectors of them and a rest. */
enum { MANY = 37 };

static void count_many(clxent_target_type type, int64_t ignore) {
    api_case c;
    case_begin(&c, NLL_BACKWARD);
    c.desc.batch = MANY;
    c.desc.target_type = type;
    c.desc.ignore_index = ignore;
    case_fill(&c);
    static const int optional[] = {CLX_WEIGHT, CLX_SAMPLE_WEIGHT, CLX_GRAD_OUTPUT};
    for (size_t i = 0; i < 3; i++)
        case_drop(&c, optional[i]);
    size_t invalid = 0, counted = 0, some = MANY;
    for (size_t i = 0; i < MANY; i++) {
        int64_t y = (int64_t)(i * 5 % 8) - 1;
        if (type == CLXENT_TARGET_U8 && y < 0)
            y = 255;
        if (type == CLXENT_TARGET_I32)
            ((int32_t *)(void *)c.array[CLX_TARGET])[i] = (int32_t)y;
        else if (type == CLXENT_TARGET_I64)
            ((int64_t *)(void *)c.array[CLX_TARGET])[i] = y;
        else
            c.array[CLX_TARGET][i] = (unsigned char)y;
        const bool is_class = y >= 0 && y < 5;
        invalid += !is_class && y != ignore;
        counted += is_class && y != ignore;
        some = is_class && y != ignore ? i * 5 + (size_t)y : some;
    }
    case_upload(&c);
    assert_success(case_run(&c));
    uint64_t count = 0;
    float gradient[MANY * 5];
    read_buffer(c.memory[CLX_INVALID_COUNT], 0, sizeof count, &count);
    read_buffer(c.memory[CLX_GRAD_INPUT], 0, sizeof gradient, gradient);
    assert_int_equal(count, invalid);
    assert_true(fabsf(gradient[some] * (float)counted + 1) < 1e-6f); /* a mean is over those that count */
    case_release(&c);
}

/* ignore_index a class, no class, and a number that a target of the type cannot be, though its low bits can. */
static void rows_are_counted_for_a_mean(void **state) {
    (void)state;
    static const int64_t ignored[] = {-100, -1, 255, 1, 4, 6, ((int64_t)1 << 32) + 1, 256 + 2, INT64_MIN, INT64_MAX};
    for (clxent_target_type type = CLXENT_TARGET_I32; type <= CLXENT_TARGET_U8; type++)
        for (size_t i = 0; i < sizeof ignored / sizeof ignored[0]; i++)
            count_many(type, ignored[i]);
}

/* What is no use to a call never reaches a kernel, be it a memory object of another context. */
static void unused_buffers_are_not_used(void **state) {
    (void)state;
    cl_int error = CL_SUCCESS;
    cl_context cl = clCreateContext(NULL, 1, &the_device.id, NULL, NULL, &error);
    assert_int_equal(error, CL_SUCCESS);
    cl_mem foreign = clCreateBuffer(cl, CL_MEM_READ_WRITE, 64, NULL, &error);
    assert_int_equal(error, CL_SUCCESS);
    api_case c;
    make_invalid(&c, CLXENT_CROSS_ENTROPY, CLXENT_FORWARD, CLXENT_REDUCTION_NONE);
    watch_memory(c.args.target.mem);
    reset_calls();
    assert_success(case_run(&c));
    assert_int_equal(calls_of(SET_WATCHED), 2); /* of either kernel */
    c.args.invalid_count.mem = c.args.correct_count.mem = c.args.weight_sum.mem = NULL;
    c.args.workspace.mem = c.args.grad_input.mem = c.args.grad_output.mem = foreign;
    watch_memory(foreign);
    assert_success(case_run(&c));
    watch_memory(NULL);
    assert_int_equal(calls_of(SET_WATCHED), 2);
    check_invalid(&c);
    case_release(&c);
    clReleaseMemObject(foreign);
    clReleaseContext(cl);
}

/* With reduction NONE it is the count that needs the workspace. */
static void count_needs_the_workspace(void **state) {
    (void)state;
    static const clxent_pass passes[] = {CLXENT_FORWARD, CLXENT_BACKWARD, CLXENT_FORWARD_BACKWARD};
    for (size_t i = 0; i < 3; i++) {
        api_case c;
        make_invalid(&c, CLXENT_CROSS_ENTROPY, passes[i], CLXENT_REDUCTION_NONE);
        c.args.correct_count.mem = c.args.weight_sum.mem = NULL;
        c.args.workspace.mem = NULL;
        cl_event event = NO_EVENT;
        assert_refused(clxent_enqueue(the_device.queue, c.plan, &c.args, 0, NULL, &event), CLXENT_MISSING_BUFFER,
                       "workspace is null, but this call needs its");
        assert_ptr_equal(event, NO_EVENT);
        assert_true(case_is_untouched(&c));
        case_release(&c);
    }
}

/* Both targets are counted, and a row is NaN by either; one whose share is 0 is counted all the same, but not used. */
static void invalid_second_targets(void **state) {
    (void)state;
    static const float shares[] = {.375f, 1, 0};
    static const bool is_nan[][5] = {{0, 1, 0, 1, 1}, {0, 1, 0, 1, 0}, {0, 0, 0, 1, 1}};
    const int32_t first[] = {1, 5, -100, -1, 4}, second[] = {1, 2, -100, 7, -5};
    for (size_t i = 0; i < 3; i++) {
        api_case c;
        case_begin(&c, LOSS_BOTH);
        c.desc.batch = 5;
        c.desc.reduction = CLXENT_REDUCTION_NONE;
        case_fill(&c);
        memcpy(c.array[CLX_TARGET], first, sizeof first);
        memcpy(c.array[CLX_TARGET2], second, sizeof second);
        memcpy(c.array[CLX_MIX_LAMBDA], &shares[i], sizeof(float));
        case_upload(&c);
        assert_success(case_run(&c));
        uint64_t count = 0;
        float losses[5], gradient[25];
        read_buffer(c.memory[CLX_INVALID_COUNT], 0, sizeof count, &count);
        read_buffer(c.memory[CLX_OUTPUT], 0, sizeof losses, losses);
        read_buffer(c.memory[CLX_GRAD_INPUT], 0, sizeof gradient, gradient);
        assert_int_equal(count, 4);
        for (size_t row = 0; row < 5; row++)
            assert_int_equal(isnan(losses[row]) != 0, is_nan[i][row]);
        for (size_t k = 0; k < 25; k++)
            assert_int_equal(isnan(gradient[k]) != 0, is_nan[i][k / 5]);
        assert_true(losses[2] == 0);
        case_release(&c);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(invalid_targets_are_counted), cmocka_unit_test(invalid_targets_of_every_type),
        cmocka_unit_test(invalid_second_targets),      cmocka_unit_test(unused_buffers_are_not_used),
        cmocka_unit_test(count_needs_the_workspace),   cmocka_unit_test(rows_are_counted_for_a_mean),
    };
    return cmocka_run_group_tests_name("invalid count", tests, open_device, close_device);
}
