/* Every refusal of clxent_plan_create, _get_info and _get_reason, by exact status and with the numbers, while *plan and
 * *info stay as they were; and what looks alike on a device that can do it. */
#include "api_fixture.h"

#include "context.h"

#include <math.h>

/* Makes a good descriptor, applies `change` to it, expects the refusal. */
#define REFUSES(operation, change, status, text)                                                                       \
    do {                                                                                                               \
        clxent_desc d = good_desc(operation);                                                                          \
        clxent_plan *plan = NO_PLAN;                                                                                   \
        change;                                                                                                        \
        assert_refused(clxent_plan_create(the_device.context, &d, &plan), status, text);                               \
        assert_ptr_equal(plan, NO_PLAN);                                                                               \
    } while (0)

#define ARGUMENT CLXENT_INVALID_ARGUMENT
#define OPTION CLXENT_INVALID_OPTION
#define SHAPE CLXENT_INVALID_SHAPE

static void null_pointers(void **state) {
    (void)state;
    clxent_desc desc = good_desc(LOSS);
    clxent_plan *plan = NO_PLAN;
    assert_refused(clxent_plan_create(NULL, &desc, &plan), ARGUMENT, "context is null");
    assert_refused(clxent_plan_create(the_device.context, NULL, &plan), ARGUMENT, "desc is null");
    assert_refused(clxent_plan_create(the_device.context, &desc, NULL), ARGUMENT, "plan is null");
    assert_ptr_equal(plan, NO_PLAN);
    clxent_plan_destroy(NULL);
}

static void struct_sizes(void **state) {
    (void)state;
    REFUSES(LOSS, d.struct_size = 0, ARGUMENT, "desc.struct_size is 0, this library knows");
    REFUSES(LOSS, d.struct_size = 143, ARGUMENT, "desc.struct_size is 143, this library knows 144 to ");
    REFUSES(LOSS, d.struct_size = sizeof d + 1, ARGUMENT, "desc.struct_size is ");
    REFUSES(LOSS, d.struct_size = SIZE_MAX, ARGUMENT, "desc.struct_size is 18446744073709551615");
}

#define SET_ENUM(member, number) memcpy(&(member), &(int){number}, sizeof(int))

static void options(void **state) {
    (void)state;
    REFUSES(LOSS, SET_ENUM(d.op, 8), OPTION, "op is 8, it must be from 0 to 7");
    REFUSES(LOSS, SET_ENUM(d.pass, 3), OPTION, "pass is 3, it must be from 0 to 2");
    REFUSES(LOSS, SET_ENUM(d.dtype, 4), OPTION, "dtype is 4, it must be from 0 to 3");
    REFUSES(LOSS, SET_ENUM(d.target_type, -1), OPTION, "target_type is -1, it must be from 0 to 4");
    REFUSES(LOSS, SET_ENUM(d.target_type, 5), OPTION, "target_type is 5, it must be from 0 to 4");
    REFUSES(LOSS, SET_ENUM(d.reduction, 3), OPTION, "reduction is 3, it must be from 0 to 2");
    REFUSES(LOSS, SET_ENUM(d.engine, 6), OPTION, "engine is 6, it must be from 0 to 5");
    REFUSES(NLL, d.pass = CLXENT_FORWARD_BACKWARD, OPTION, "nll-loss has no FORWARD_BACKWARD pass");
    REFUSES(SOFTMAX, d.pass = CLXENT_FORWARD_BACKWARD, OPTION, "softmax has no FORWARD_BACKWARD pass");
    REFUSES(LOSS, d.flags = 8, OPTION, "flags is 0x8, of which 0x7 are defined");
    REFUSES(LOSS, d.flags = 15, OPTION, "flags is 0xf, of which 0x7 are defined");
    REFUSES(NLL, d.flags = (uint64_t)1 << 63, OPTION, "flags is 0x8000000000000000, of which 0x7 are defined");
    REFUSES(LOGITS, d.flags = 1 << 20, OPTION, "flags is 0x100000, of which 0x7 are defined");
}

/* The options that are numbers: their ranges, and who takes them beside cross-entropy. */
static const struct {
    const char *name;
    size_t at;
    double standard, least, most;
    const char *range;
    bool of_every_loss;
} numbers[] = {
#define MEMBER(name) #name, offsetof(clxent_desc, name)
    {MEMBER(label_smoothing), 0, 0, 1, "from 0 to 1", false},
    {MEMBER(mix_lambda), 1, 0, 1, "from 0 to 1", false},
    {MEMBER(logit_scale), 1, -1e30, 1e30, "finite", false},
    {MEMBER(logit_softcap), 0, 0, 1e30, "0 or more, and finite", false},
    {MEMBER(z_loss), 0, 0, 1e30, "0 or more, and finite", false},
    {MEMBER(reg_lambda), 0, -1e30, 1e30, "finite", false},
    {MEMBER(grad_scale), 1, -1e30, 1e30, "finite", true},
#undef MEMBER
};
enum { NUMBERS = sizeof numbers / sizeof numbers[0] };

static clxent_desc with_number(clxent_op op, size_t i, double value) {
    clxent_desc desc = good_desc(op, CLXENT_FORWARD);
    memcpy((char *)&desc + numbers[i].at, &value, sizeof value);
    return desc;
}

static void refuse_number(clxent_op op, size_t i, double value, const char *text) {
    clxent_desc d = with_number(op, i, value);
    clxent_plan *plan = NO_PLAN;
    assert_refused(clxent_plan_create(the_device.context, &d, &plan), OPTION, text);
    assert_ptr_equal(plan, NO_PLAN);
}

static void numbers_out_of_range(void **state) {
    (void)state;
    static const double wrong[] = {-.25, 1.5, -1e-300, (double)INFINITY, -(double)INFINITY, (double)NAN};
    for (size_t i = 0; i < NUMBERS; i++) {
        for (size_t k = 0; k < sizeof wrong / sizeof wrong[0]; k++) {
            if (wrong[k] >= numbers[i].least && wrong[k] <= numbers[i].most)
                continue;
            char text[160];
            snprintf(text, sizeof text, "%s is %g, it must be %s", numbers[i].name, wrong[k], numbers[i].range);
            refuse_number(CLXENT_CROSS_ENTROPY, i, wrong[k], text);
        }
        /* The ends of the range belong to it. */
        for (size_t k = 0; k < 2; k++) {
            clxent_desc d = with_number(CLXENT_CROSS_ENTROPY, i, k ? numbers[i].most : numbers[i].least);
            clxent_plan *plan = NULL;
            assert_success(clxent_plan_create(the_device.context, &d, &plan));
            clxent_plan_destroy(plan);
        }
    }
}

/* A number goes to the kernels in the real type, so it ends where that does; a cap must not become 0 on the way. */
static void numbers_of_the_real_type(void **state) {
    (void)state;
    REFUSES(LOSS, d.logit_scale = 1e39, OPTION, "logit_scale is 1e+39, it must be finite as a float");
    REFUSES(LOSS, d.logit_softcap = 1e300, OPTION,
            "logit_softcap is 1e+300, it must be 0 or more, and finite as a float");
    REFUSES(LOSS, d.z_loss = 1e39, OPTION, "z_loss is 1e+39, it must be 0 or more, and finite as a float");
    REFUSES(NLL, d.grad_scale = -1e39, OPTION, "grad_scale is -1e+39, it must be finite as a float");
    REFUSES(LOSS, d.logit_softcap = 1e-39, OPTION, "logit_softcap is 1e-39, it must be 0 or at least 1.17549e-38");
    clxent_desc d = good_desc(CLXENT_CROSS_ENTROPY, CLXENT_FORWARD);
    clxent_plan *plan = NULL;
    d.dtype = CLXENT_F64;
    d.logit_scale = d.logit_softcap = d.z_loss = 1e39;
    clxent_status status = clxent_plan_create(the_device.context, &d, &plan);
    assert_int_equal(status, device_has_fp64() ? CLXENT_SUCCESS : CLXENT_UNSUPPORTED);
    clxent_plan_destroy(plan);
}

static void numbers_of_other_operations(void **state) {
    (void)state;
    static const char *const titles[] = {"softmax",       "log-softmax",          "nll-loss",
                                         "cross-entropy", "binary-cross-entropy", "binary-cross-entropy-with-logits"};
    for (clxent_op op = CLXENT_SOFTMAX; op < CLXENT_MERGE; op++) { /* of which test_reference_shards has those */
        for (size_t i = 0; i < NUMBERS; i++) {
            if (op == CLXENT_CROSS_ENTROPY || (numbers[i].of_every_loss && is_loss(op)))
                continue;
            char text[160];
            snprintf(text, sizeof text, "%s does not use %s, which must stay at its default of %g, but is 0.25",
                     titles[op], numbers[i].name, numbers[i].standard);
            refuse_number(op, i, .25, text);
            snprintf(text, sizeof text, "%s does not use %s, which must stay at its default of %g, but is nan",
                     titles[op], numbers[i].name, numbers[i].standard);
            refuse_number(op, i, (double)NAN, text);
        }
    }
    refuse_number(CLXENT_NLL_LOSS, NUMBERS - 1, (double)INFINITY, "grad_scale is inf, it must be finite");
}

/* The other options that an operation does not use. */
static void options_of_other_operations(void **state) {
    (void)state;
    REFUSES(SOFTMAX, d.target_type = CLXENT_TARGET_U8, OPTION,
            "softmax does not use target_type, which must stay at its default of 0, but is 2");
    REFUSES(SOFTMAX_BACKWARD, d.reduction = CLXENT_REDUCTION_SUM, OPTION,
            "softmax does not use reduction, which must stay at its default of 1, but is 2");
    REFUSES(SOFTMAX, d.flags = CLXENT_ACCUMULATE_GRAD, OPTION,
            "softmax does not use flags, which must stay at its default of 0, but is 1");
    REFUSES(LOSS, d.flags = CLXENT_FILTER_GRADIENT, OPTION,
            "cross-entropy does not use CLXENT_FILTER_GRADIENT");
    REFUSES(LOG_SOFTMAX, d.flags = CLXENT_EMPTY_MEAN_ZERO, OPTION,
            "log-softmax does not use flags, which must stay at its default of 0, but is 2");
    REFUSES(LOG_SOFTMAX, d.ignore_index = 1234567, OPTION,
            "log-softmax does not use ignore_index, which must stay at its default of -100, but is 1234567");
    REFUSES(BINARY, d.ignore_index = 3, OPTION,
            "binary-cross-entropy does not use ignore_index, which must stay at its default of -100, but is 3");
    REFUSES(LOGITS_BOTH, d.ignore_index = 3, OPTION,
            "binary-cross-entropy-with-logits does not use ignore_index, which must stay at its default of -100");
}

/* What targets are, and what goes with each kind. */
static void kinds_of_targets(void **state) {
    (void)state;
    for (clxent_target_type type = CLXENT_TARGET_I32; type <= CLXENT_TARGET_U8; type++) {
        char text[160];
        snprintf(text, sizeof text, "target_type is %d, binary-cross-entropy takes probabilities", (int)type);
        REFUSES(BINARY, d.target_type = type, OPTION, text);
        snprintf(text, sizeof text, "target_type is %d, binary-cross-entropy-with-logits takes probabilities",
                 (int)type);
        REFUSES(LOGITS_BACKWARD, d.target_type = type, OPTION, text);
    }
    REFUSES(NLL, d.target_type = CLXENT_TARGET_PROBABILITIES, OPTION, "target_type is 3, nll-loss takes class indices");
    REFUSES(NLL_BACKWARD, d.target_type = CLXENT_TARGET_PROBABILITIES_F32, OPTION,
            "target_type is 4, nll-loss takes class indices");
    for (clxent_target_type type = CLXENT_TARGET_PROBABILITIES; type <= CLXENT_TARGET_PROBABILITIES_F32; type++) {
        REFUSES(LOSS_BOTH, (d.target_type = type, d.ignore_index = 3), OPTION,
                "target probabilities do not use ignore_index, which is 3");
        REFUSES(LOSS_BOTH, (d.target_type = type, d.mix_lambda = .5), OPTION,
                "target probabilities do not use mix_lambda, which is 0.5");
    }
    clxent_desc desc = good_desc(LOSS);
    clxent_plan *plan = NULL;
    set_all_options(&desc);
    set_probabilities(&desc, CLXENT_TARGET_PROBABILITIES_F32);
    assert_success(clxent_plan_create(the_device.context, &desc, &plan));
    clxent_plan_destroy(plan);
}

static void shapes(void **state) {
    (void)state;
    REFUSES(LOSS, d.classes = 0, SHAPE, "classes is 0, it must be at least 1");
    REFUSES(LOSS, d.inner = 0, SHAPE, "inner is 0, it must be at least 1");
    REFUSES(LOSS, d.row_stride = 4, SHAPE, "row_stride is 4, it must be at least classes * inner = 5 * 1 = 5");
    REFUSES(LOSS, d.batch = SIZE_MAX / 4, SHAPE, "more bytes than this machine can address");
    REFUSES(LOSS, (d.classes = SIZE_MAX / 2 + 1, d.inner = 2), SHAPE, "more bytes than this machine can address");
    REFUSES(LOSS, d.row_stride = SIZE_MAX, SHAPE, "more bytes than this machine can address");
    REFUSES(BINARY, d.classes = 0, SHAPE, "classes is 0, it must be at least 1");
    REFUSES(LOGITS, (d.inner = 3, d.row_stride = 14), SHAPE,
            "row_stride is 14, it must be at least classes * inner = 5 * 3 = 15");
    REFUSES(LOGITS, d.batch = SIZE_MAX / 4, SHAPE, "more bytes than this machine can address");
    /* Whatever else is right or wrong about a shape, an option is an option. */
    REFUSES(LOSS, (d.classes = 0, d.z_loss = -1), OPTION, "z_loss is -1, it must be 0 or more");
}

static void engines_that_cannot(void **state) {
    (void)state;
    REFUSES(SOFTMAX, (d.engine = CLXENT_ENGINE_ROW_PER_ITEM, d.inner = 2), CLXENT_UNSUPPORTED,
            "engine row_per_item cannot do this: inner is 2, it needs the classes of a row side by side");
    REFUSES(LOSS, (d.engine = CLXENT_ENGINE_ROW_PER_GROUP, d.inner = 33), CLXENT_UNSUPPORTED,
            "engine row_per_group cannot do this: inner is 33, it needs the classes of a row side by side");
    REFUSES(LOSS, (d.engine = CLXENT_ENGINE_ROW_SPLIT, d.inner = 2), CLXENT_UNSUPPORTED,
            "engine row_split cannot do this: inner is 2, it needs the classes of a row side by side");
    REFUSES(LOGITS, (d.engine = CLXENT_ENGINE_ROWS_PER_LANE, d.inner = 2), CLXENT_UNSUPPORTED,
            "engine rows_per_lane cannot do this: inner is 2, it needs the classes of a row side by side");
    REFUSES(LOSS, (d.engine = CLXENT_ENGINE_ROWS_PER_LANE, d.classes = (size_t)1 << 31), CLXENT_UNSUPPORTED,
            "engine rows_per_lane cannot do this: classes is 2147483648, with rows side by side it can be at most");
    REFUSES(LOSS, (d.inner = 2, d.classes = (size_t)1 << 31), CLXENT_UNSUPPORTED, "classes is 2147483648");
    REFUSES(NLL, d.engine = CLXENT_ENGINE_ROW_SPLIT, CLXENT_UNSUPPORTED,
            "engine row_split cannot do this: this pass of nll-loss visits one class of a row");
    REFUSES(NLL, (d.engine = CLXENT_ENGINE_ROW_PER_GROUP, d.work_group_size = SIZE_MAX / 64), CLXENT_UNSUPPORTED,
            "engine row_per_group cannot do this: 288230376151711743 work-items need 32 bytes of local memory each, ");
}

static void group_sizes_above_the_device(void **state) {
    (void)state;
    size_t most = device_max_work_group();
    char text[80];
    snprintf(text, sizeof text, "work_group_size is %zu, the device allows %zu", most + 1, most);
    REFUSES(LOSS, (d.engine = CLXENT_ENGINE_ROW_PER_ITEM, d.work_group_size = most + 1), CLXENT_UNSUPPORTED, text);
    REFUSES(LOSS, (d.engine = CLXENT_ENGINE_COLUMN, d.work_group_size = most + 1), CLXENT_UNSUPPORTED, text);
    REFUSES(LOSS, d.work_group_size = SIZE_MAX, CLXENT_UNSUPPORTED, "work_group_size is 18446744073709551615");
    REFUSES(LOSS, (d.engine = CLXENT_ENGINE_ROW_PER_GROUP, d.work_group_size = most * 1024), CLXENT_UNSUPPORTED,
            "the ");
}

#define OF_OP(op) op, CLXENT_FORWARD

static void double_precision(void **state) {
    (void)state;
    for (clxent_op op = CLXENT_SOFTMAX; op <= LAST_OP && !device_has_fp64(); op++)
        REFUSES(OF_OP(op), d.dtype = CLXENT_F64, CLXENT_UNSUPPORTED,
                "dtype is F64, the device has no double precision");
    for (clxent_op op = CLXENT_SOFTMAX; op <= LAST_OP && device_has_fp64(); op++) {
        api_case c;
        case_begin(&c, op, CLXENT_FORWARD);
        c.desc.dtype = CLXENT_F64;
        case_fill(&c);
        case_upload(&c);
        assert_success(case_run(&c));
        assert_right(&c);
        case_release(&c);
    }
}

/* Some devices stop a work-item after so many loop iterations. A shape that takes more is refused, larger ones too; for
 * a device without a limit no row is too long. */
static void rows_of_any_length(void **state) {
    (void)state;
    bool limited = the_device.context->core->device.loop_limit > 0;
    for (clxent_engine engine = CLXENT_ENGINE_AUTO; engine <= CLXENT_ENGINE_ROW_SPLIT; engine++) {
        bool refused = false;
        bool side_by_side = engine == CLXENT_ENGINE_COLUMN || engine == CLXENT_ENGINE_ROWS_PER_LANE;
        size_t most = side_by_side ? INT32_MAX : (size_t)1 << 33;
        for (size_t classes = 1 << 15; classes <= most; classes *= 2) {
            clxent_desc desc = good_desc(LOSS);
            clxent_plan *plan = NO_PLAN;
            desc.engine = engine;
            desc.classes = classes;
            clxent_status status = clxent_plan_create(the_device.context, &desc, &plan);
            if (limited && status != CLXENT_SUCCESS) {
                refused = true;
                assert_refused(status, CLXENT_UNSUPPORTED, "loop iterations, this device stops after");
                assert_ptr_equal(plan, NO_PLAN);
                continue;
            }
            assert_success(status);
            assert_false(refused);
            clxent_plan_destroy(plan);
        }
        assert_int_equal(refused, limited);
    }
}

static void info_refusals(void **state) {
    (void)state;
    clxent_desc desc = good_desc(SOFTMAX);
    clxent_plan *plan = NULL;
    clxent_plan_info info, before;
    assert_success(clxent_plan_create(the_device.context, &desc, &plan));
    memset(&info, UNTOUCHED, sizeof info);
    info.struct_size = sizeof info;
    before = info;
    assert_refused(clxent_plan_get_info(NULL, &info), ARGUMENT, "plan is null");
    assert_refused(clxent_plan_get_info(plan, NULL), ARGUMENT, "info is null");
    assert_memory_equal(&info, &before, sizeof info);
    static const size_t sizes[] = {0, sizeof info - 1, sizeof info + 1, SIZE_MAX};
    for (size_t i = 0; i < 4; i++) {
        info.struct_size = before.struct_size = sizes[i];
        assert_refused(clxent_plan_get_info(plan, &info), ARGUMENT, "info.struct_size is ");
        assert_memory_equal(&info, &before, sizeof info);
    }
    clxent_plan_destroy(plan);
}

static void reason_refusals(void **state) {
    (void)state;
    clxent_desc desc = good_desc(SOFTMAX);
    clxent_plan *plan = NULL;
    clxent_engine engine = CLXENT_ENGINE_COLUMN;
    char text[8] = "as ever";
    assert_success(clxent_plan_create(the_device.context, &desc, &plan));
    assert_refused(clxent_plan_get_reason(NULL, engine, sizeof text, text), ARGUMENT, "plan is null");
    assert_refused(clxent_plan_get_reason(plan, engine, sizeof text, NULL), ARGUMENT, "text is null");
    assert_refused(clxent_plan_get_reason(plan, engine, 0, text), ARGUMENT, "size is 0");
    static const int wrong[] = {0, 6, -1};
    for (size_t i = 0; i < 3; i++) {
        char expected[64];
        SET_ENUM(engine, wrong[i]);
        snprintf(expected, sizeof expected, "engine is %d, it must be from 1 to 5", wrong[i]);
        assert_refused(clxent_plan_get_reason(plan, engine, sizeof text, text), OPTION, expected);
    }
    assert_string_equal(text, "as ever");
    clxent_plan_destroy(plan);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(null_pointers),
        cmocka_unit_test(struct_sizes),
        cmocka_unit_test(options),
        cmocka_unit_test(numbers_out_of_range),
        cmocka_unit_test(numbers_of_the_real_type),
        cmocka_unit_test(numbers_of_other_operations),
        cmocka_unit_test(options_of_other_operations),
        cmocka_unit_test(kinds_of_targets),
        cmocka_unit_test(shapes),
        cmocka_unit_test(engines_that_cannot),
        cmocka_unit_test(group_sizes_above_the_device),
        cmocka_unit_test(double_precision),
        cmocka_unit_test(rows_of_any_length),
        cmocka_unit_test(info_refusals),
        cmocka_unit_test(reason_refusals),
    };
    return cmocka_run_group_tests_name("plan: refusals", tests, open_device, close_device);
}
