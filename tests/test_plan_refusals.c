/* Every refusal of clxent_plan_create and clxent_plan_get_info, by exact status and with the numbers, while *plan and
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
    REFUSES(LOSS, d.struct_size = 95, ARGUMENT, "desc.struct_size is 95, this library knows 96 to ");
    REFUSES(LOSS, d.struct_size = sizeof d + 1, ARGUMENT, "desc.struct_size is ");
    REFUSES(LOSS, d.struct_size = SIZE_MAX, ARGUMENT, "desc.struct_size is 18446744073709551615");
}

#define SET_ENUM(member, number) memcpy(&(member), &(int){number}, sizeof(int))

static void options(void **state) {
    (void)state;
    REFUSES(LOSS, SET_ENUM(d.op, 4), OPTION, "op is 4, it must be from 0 to 3");
    REFUSES(LOSS, SET_ENUM(d.pass, 3), OPTION, "pass is 3, it must be from 0 to 2");
    REFUSES(LOSS, SET_ENUM(d.dtype, 4), OPTION, "dtype is 4, it must be from 0 to 3");
    REFUSES(LOSS, SET_ENUM(d.target_type, -1), OPTION, "target_type is -1, it must be from 0 to 2");
    REFUSES(LOSS, SET_ENUM(d.reduction, 3), OPTION, "reduction is 3, it must be from 0 to 2");
    REFUSES(LOSS, SET_ENUM(d.engine, 4), OPTION, "engine is 4, it must be from 0 to 3");
    REFUSES(SOFTMAX, d.target_type = CLXENT_TARGET_U8, OPTION, "softmax does not use target_type");
    REFUSES(SOFTMAX_BACKWARD, d.reduction = CLXENT_REDUCTION_SUM, OPTION, "softmax does not use reduction");
    REFUSES(LOG_SOFTMAX, d.ignore_index = 0, OPTION, "log-softmax does not use ignore_index");
    REFUSES(NLL, d.label_smoothing = .1, OPTION, "nll-loss does not use label_smoothing");
    REFUSES(NLL, d.pass = CLXENT_FORWARD_BACKWARD, OPTION, "nll-loss has no FORWARD_BACKWARD pass");
    REFUSES(SOFTMAX, d.pass = CLXENT_FORWARD_BACKWARD, OPTION, "softmax has no FORWARD_BACKWARD pass");
    REFUSES(LOSS, d.label_smoothing = 1.5, OPTION, "label_smoothing is 1.5, it must be from 0 to 1");
    REFUSES(LOSS, d.label_smoothing = (double)NAN, OPTION, "label_smoothing is ");
    REFUSES(LOSS, d.flags = 2, OPTION, "flags is 0x2, no flag is defined");
}

static void shapes(void **state) {
    (void)state;
    REFUSES(LOSS, d.classes = 0, SHAPE, "classes is 0, it must be at least 1");
    REFUSES(LOSS, d.inner = 0, SHAPE, "inner is 0, it must be at least 1");
    REFUSES(LOSS, d.row_stride = 4, SHAPE, "row_stride is 4, it must be at least classes * inner = 5 * 1 = 5");
    REFUSES(LOSS, d.batch = SIZE_MAX / 4, SHAPE, "more bytes than this machine can address");
    REFUSES(LOSS, (d.classes = SIZE_MAX / 2 + 1, d.inner = 2), SHAPE, "more bytes than this machine can address");
    REFUSES(LOSS, d.row_stride = SIZE_MAX, SHAPE, "more bytes than this machine can address");
}

static void engines_that_cannot(void **state) {
    (void)state;
    REFUSES(SOFTMAX, (d.engine = CLXENT_ENGINE_ROW_PER_ITEM, d.inner = 2), CLXENT_UNSUPPORTED,
            "engine row_per_item cannot do this: inner is 2, it needs the classes of a row side by side");
    REFUSES(LOSS, (d.engine = CLXENT_ENGINE_ROW_PER_GROUP, d.inner = 33), CLXENT_UNSUPPORTED,
            "engine row_per_group cannot do this: inner is 33, it needs the classes of a row side by side");
    REFUSES(NLL, (d.engine = CLXENT_ENGINE_ROW_PER_GROUP, d.work_group_size = SIZE_MAX / 16), CLXENT_UNSUPPORTED,
            "engine row_per_group cannot do this: 1152921504606846975 work-items need 18446744073709551600 bytes of ");
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

static void double_precision(void **state) {
    (void)state;
    for (clxent_op op = CLXENT_SOFTMAX; op <= CLXENT_CROSS_ENTROPY && !device_has_fp64(); op++)
        REFUSES(SOFTMAX, (d.op = op, d.dtype = CLXENT_F64), CLXENT_UNSUPPORTED,
                "dtype is F64, the device has no double precision");
    for (clxent_op op = CLXENT_SOFTMAX; op <= CLXENT_CROSS_ENTROPY && device_has_fp64(); op++) {
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
    for (clxent_engine engine = CLXENT_ENGINE_AUTO; engine <= CLXENT_ENGINE_COLUMN; engine++) {
        bool refused = false;
        for (size_t classes = 1 << 15; classes <= (size_t)1 << 33; classes *= 2) {
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

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(null_pointers),
        cmocka_unit_test(struct_sizes),
        cmocka_unit_test(options),
        cmocka_unit_test(shapes),
        cmocka_unit_test(engines_that_cannot),
        cmocka_unit_test(group_sizes_above_the_device),
        cmocka_unit_test(double_precision),
        cmocka_unit_test(rows_of_any_length),
        cmocka_unit_test(info_refusals),
    };
    return cmocka_run_group_tests_name("plan: refusals", tests, open_device, close_device);
}
