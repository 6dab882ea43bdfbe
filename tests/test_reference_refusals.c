/* Every refusal of a descriptor and of host arrays, through the CPU reference: the exact status, a sentence with its
 * numbers, and no byte of any output touched. */
#include "reference_refusals.h"

static void null_pointers(void **state) {
    (void)state;
    reference_case c;
    begin_good(&c, LOSS);
    assert_int_equal(clxent_reference(NULL, &c.args), CLXENT_INVALID_ARGUMENT);
    assert_string_equal(clxent_last_error(), "desc is null");
    assert_int_equal(clxent_reference(&c.desc, NULL), CLXENT_INVALID_ARGUMENT);
    assert_string_equal(clxent_last_error(), "args is null");
    assert_true(is_untouched(&c.output, sizeof c.output));
}

static void struct_sizes(void **state) {
    (void)state;
    REFUSES(LOSS, c.desc.struct_size = 0, ARGUMENT, "desc.struct_size is 0, this library knows");
    REFUSES(LOSS, c.desc.struct_size--, ARGUMENT, "desc.struct_size is ");
    REFUSES(LOSS, c.desc.struct_size++, ARGUMENT, "desc.struct_size is ");
    REFUSES(LOSS, c.desc.struct_size = SIZE_MAX, ARGUMENT, "desc.struct_size is ");
    REFUSES(LOSS, c.args.struct_size = 0, ARGUMENT, "args.struct_size is 0, this library knows");
    REFUSES(LOSS, c.args.struct_size--, ARGUMENT, "args.struct_size is ");
    REFUSES(LOSS, c.args.struct_size++, ARGUMENT, "args.struct_size is ");
    REFUSES(LOSS, c.args.struct_size = SIZE_MAX, ARGUMENT, "args.struct_size is ");
}

static void enums_out_of_range(void **state) {
    (void)state;
    REFUSES(LOSS, SET_ENUM(c.desc.op, 8), OPTION, "op is 8, it must be from 0 to 7");
    REFUSES(LOSS, SET_ENUM(c.desc.op, -1), OPTION, "op is -1, it must be from 0 to 7");
    REFUSES(LOSS, SET_ENUM(c.desc.pass, 3), OPTION, "pass is 3, it must be from 0 to 2");
    REFUSES(LOSS, SET_ENUM(c.desc.pass, -1), OPTION, "pass is -1, it must be from 0 to 2");
    REFUSES(LOSS, SET_ENUM(c.desc.dtype, 4), OPTION, "dtype is 4, it must be from 0 to 3");
    REFUSES(LOSS, SET_ENUM(c.desc.dtype, -1), OPTION, "dtype is -1, it must be from 0 to 3");
    REFUSES(LOSS, SET_ENUM(c.desc.target_type, 5), OPTION, "target_type is 5, it must be from 0 to 4");
    REFUSES(LOSS, SET_ENUM(c.desc.target_type, -1), OPTION, "target_type is -1, it must be from 0 to 4");
    REFUSES(LOSS, SET_ENUM(c.desc.reduction, 3), OPTION, "reduction is 3, it must be from 0 to 2");
    REFUSES(LOSS, SET_ENUM(c.desc.reduction, -1), OPTION, "reduction is -1, it must be from 0 to 2");
    REFUSES(LOSS, SET_ENUM(c.desc.engine, 6), OPTION, "engine is 6, it must be from 0 to 5");
    REFUSES(LOSS, SET_ENUM(c.desc.engine, INT32_MIN), OPTION, "engine is -2147483648, it must be from 0 to 5");
    REFUSES(SOFTMAX, SET_ENUM(c.desc.reduction, 3), OPTION, "reduction is 3, it must be from 0 to 2");
}

static void options_of_another_operation(void **state) {
    (void)state;
    REFUSES(SOFTMAX, c.desc.target_type = CLXENT_TARGET_I64, OPTION, "softmax does not use target_type");
    REFUSES(SOFTMAX, c.desc.reduction = CLXENT_REDUCTION_SUM, OPTION, "softmax does not use reduction");
    REFUSES(SOFTMAX, c.desc.ignore_index = 0, OPTION, "softmax does not use ignore_index");
    REFUSES(SOFTMAX, c.desc.label_smoothing = .1, OPTION, "softmax does not use label_smoothing");
    REFUSES(SOFTMAX, c.desc.pass = CLXENT_FORWARD_BACKWARD, OPTION, "softmax has no FORWARD_BACKWARD pass");
    REFUSES(LOG_SOFTMAX, c.desc.target_type = CLXENT_TARGET_U8, OPTION, "log-softmax does not use target_type");
    REFUSES(LOG_SOFTMAX, c.desc.reduction = CLXENT_REDUCTION_NONE, OPTION, "log-softmax does not use reduction");
    REFUSES(LOG_SOFTMAX, c.desc.ignore_index = -1, OPTION, "log-softmax does not use ignore_index");
    REFUSES(LOG_SOFTMAX, c.desc.label_smoothing = 1, OPTION, "log-softmax does not use label_smoothing");
    REFUSES(LOG_SOFTMAX, c.desc.pass = CLXENT_FORWARD_BACKWARD, OPTION, "log-softmax has no FORWARD_BACKWARD pass");
    REFUSES(NLL, c.desc.label_smoothing = .1, OPTION, "nll-loss does not use label_smoothing");
    REFUSES(NLL, c.desc.label_smoothing = NAN, OPTION, "nll-loss does not use label_smoothing");
    REFUSES(NLL, c.desc.pass = CLXENT_FORWARD_BACKWARD, OPTION, "nll-loss has no FORWARD_BACKWARD pass");
}

static void options_out_of_range(void **state) {
    (void)state;
    REFUSES(LOSS, c.desc.label_smoothing = -.1, OPTION, "label_smoothing is -0.1, it must be from 0 to 1");
    REFUSES(LOSS, c.desc.label_smoothing = 1.1, OPTION, "label_smoothing is 1.1, it must be from 0 to 1");
    REFUSES(LOSS, c.desc.label_smoothing = (double)INFINITY, OPTION, "label_smoothing is inf");
    REFUSES(LOSS, c.desc.label_smoothing = (double)NAN, OPTION, "label_smoothing is ");
    REFUSES(LOSS, c.desc.flags = 8, OPTION, "flags is 0x8, of which 0x7 are defined");
    REFUSES(LOSS, c.desc.flags = (uint64_t)1 << 63, OPTION, "flags is 0x8000000000000000, of which 0x7 are defined");
    REFUSES(NLL_BACKWARD, c.desc.flags = 9, OPTION, "flags is 0x9, of which 0x7 are defined");
}

static void shapes(void **state) {
    (void)state;
    const size_t large = SIZE_MAX / 2 + 1;
    REFUSES(LOSS, c.desc.classes = 0, SHAPE, "classes is 0, it must be at least 1");
    REFUSES(SOFTMAX_BACKWARD, c.desc.classes = 0, SHAPE, "classes is 0, it must be at least 1");
    REFUSES(LOSS, c.desc.inner = 0, SHAPE, "inner is 0, it must be at least 1");
    REFUSES(LOSS, (c.desc.batch = 0, c.desc.classes = 0), SHAPE, "classes is 0, it must be at least 1");
    REFUSES(LOSS, c.desc.row_stride = 2, SHAPE, "row_stride is 2, it must be at least classes * inner = 3 * 1 = 3");
    REFUSES(LOSS, (c.desc.inner = 5, c.desc.row_stride = 14), SHAPE,
            "row_stride is 14, it must be at least classes * inner = 3 * 5 = 15");
    REFUSES(LOSS, (c.desc.classes = large, c.desc.inner = 2), SHAPE, "more bytes than this machine can address");
    REFUSES(LOSS, (c.desc.classes = large + 1, c.desc.inner = 2, c.desc.row_stride = 2), SHAPE, "more bytes");
    REFUSES(LOSS, (c.desc.batch = large, c.desc.classes = 2), SHAPE, "more bytes");
    REFUSES(LOSS, (c.desc.batch = large + 1, c.desc.row_stride = 4), SHAPE, "more bytes");
    REFUSES(LOSS, c.desc.batch = PTRDIFF_MAX / sizeof(double) / 3 + 1, SHAPE, "more bytes");
    REFUSES(LOSS, (c.desc.batch = 0, c.desc.classes = PTRDIFF_MAX / sizeof(double) + 1), SHAPE, "more bytes");
    REFUSES(LOSS, (c.desc.batch = 0, c.desc.classes = large, c.desc.inner = 4), SHAPE, "more bytes");
    REFUSES(LOSS, c.desc.row_stride = SIZE_MAX, SHAPE, "more bytes");
}

static void missing_arrays(void **state) {
    (void)state;
    REFUSES(SOFTMAX, c.args.input = NULL, MISSING, "input is null, but this pass of softmax needs its 24 bytes");
    REFUSES(SOFTMAX, c.args.output = NULL, MISSING, "output is null, but this pass of softmax needs its 24 bytes");
    REFUSES(SOFTMAX_BACKWARD, c.args.output = NULL, MISSING, "output is null");
    REFUSES(SOFTMAX_BACKWARD, c.args.grad_output = NULL, MISSING, "grad_output is null");
    REFUSES(SOFTMAX_BACKWARD, c.args.grad_input = NULL, MISSING, "grad_input is null");
    REFUSES(LOG_SOFTMAX, c.args.input = NULL, MISSING, "input is null");
    REFUSES(LOG_SOFTMAX, c.args.output = NULL, MISSING, "output is null");
    REFUSES(LOG_SOFTMAX_BACKWARD, c.args.output = NULL, MISSING, "output is null");
    REFUSES(LOG_SOFTMAX_BACKWARD, c.args.grad_output = NULL, MISSING, "grad_output is null");
    REFUSES(LOG_SOFTMAX_BACKWARD, c.args.grad_input = NULL, MISSING, "grad_input is null");
    REFUSES(NLL, c.args.input = NULL, MISSING, "input is null");
    REFUSES(NLL, c.args.target = NULL, MISSING, "target is null, but this pass of nll-loss needs its 8 bytes");
    REFUSES(NLL, c.args.output = NULL, MISSING, "output is null, but this pass of nll-loss needs its 4 bytes");
    REFUSES(NLL_BACKWARD, c.args.target = NULL, MISSING, "target is null");
    REFUSES(NLL_BACKWARD, c.args.grad_input = NULL, MISSING, "grad_input is null");
    REFUSES(LOSS, c.args.input = NULL, MISSING, "input is null");
    REFUSES(LOSS, c.args.target = NULL, MISSING, "target is null");
    REFUSES(LOSS, c.args.output = NULL, MISSING, "output is null");
    REFUSES(LOSS_BACKWARD, c.args.input = NULL, MISSING, "input is null");
    REFUSES(LOSS_BACKWARD, c.args.target = NULL, MISSING, "target is null");
    REFUSES(LOSS_BACKWARD, c.args.grad_input = NULL, MISSING, "grad_input is null");
    REFUSES(LOSS_BOTH, c.args.input = NULL, MISSING, "input is null");
    REFUSES(LOSS_BOTH, c.args.target = NULL, MISSING, "target is null");
    REFUSES(LOSS_BOTH, c.args.output = NULL, MISSING, "output is null");
    REFUSES(LOSS_BOTH, c.args.grad_input = NULL, MISSING, "grad_input is null");
    REFUSES(LOSS, (c.desc.batch = 0, c.args.output = NULL), MISSING, "output is null");
}

static void foreign_arrays(void **state) {
    (void)state;
    REFUSES(SOFTMAX, c.args.target = &c.target, ARGUMENT, "target is given, but no pass of softmax uses it");
    REFUSES(SOFTMAX, c.args.weight = &c.weight, ARGUMENT, "weight is given, but no pass of softmax uses it");
    REFUSES(SOFTMAX, c.args.lse = &c.lse, ARGUMENT, "lse is given, but no pass of softmax uses it");
    REFUSES(SOFTMAX, c.args.invalid_count = &c.invalid_count, ARGUMENT, "invalid_count is given");
    REFUSES(SOFTMAX_BACKWARD, c.args.target = &c.target, ARGUMENT, "target is given");
    REFUSES(SOFTMAX_BACKWARD, c.args.weight = &c.weight, ARGUMENT, "weight is given");
    REFUSES(SOFTMAX_BACKWARD, c.args.lse = &c.lse, ARGUMENT, "lse is given");
    REFUSES(SOFTMAX_BACKWARD, c.args.invalid_count = &c.invalid_count, ARGUMENT, "invalid_count is given");
    REFUSES(LOG_SOFTMAX, c.args.target = &c.target, ARGUMENT, "target is given, but no pass of log-softmax uses it");
    REFUSES(LOG_SOFTMAX, c.args.weight = &c.weight, ARGUMENT, "weight is given");
    REFUSES(LOG_SOFTMAX_BACKWARD, c.args.lse = &c.lse, ARGUMENT, "lse is given");
    REFUSES(LOG_SOFTMAX_BACKWARD, c.args.invalid_count = &c.invalid_count, ARGUMENT, "invalid_count is given");
    REFUSES(NLL, c.args.lse = &c.lse, ARGUMENT, "lse is given, but no pass of nll-loss uses it");
    REFUSES(NLL_BACKWARD, c.args.lse = &c.lse, ARGUMENT, "lse is given, but no pass of nll-loss uses it");
}

static void misaligned_arrays(void **state) {
    (void)state;
    REFUSES(SOFTMAX, c.args.input = ODD(c.input), BUFFER, "input is at address");
    REFUSES(SOFTMAX, c.args.output = ODD(c.output), BUFFER, "which is not a multiple of its element's 4 bytes");
    REFUSES(SOFTMAX_BACKWARD, c.args.grad_output = ODD(c.grad_output), BUFFER, "grad_output is at address");
    REFUSES(LOSS_BOTH, c.args.target = ODD(c.target), BUFFER, "target is at address");
    REFUSES(LOSS_BOTH, c.args.weight = ODD(c.weight), BUFFER, "weight is at address");
    REFUSES(LOSS_BOTH, c.args.output = ODD(c.output), BUFFER, "output is at address");
    REFUSES(LOSS_BOTH, c.args.lse = ODD(c.lse), BUFFER, "lse is at address");
    REFUSES(LOSS_BOTH, c.args.grad_output = ODD(c.grad_output), BUFFER, "grad_output is at address");
    REFUSES(LOSS_BOTH, c.args.grad_input = ODD(c.grad_input), BUFFER, "grad_input is at address");
    REFUSES(LOSS_BOTH, c.args.invalid_count = ODD(c.lse), BUFFER, "not a multiple of its element's 8 bytes");
    REFUSES(LOSS_BOTH, (c.desc.dtype = CLXENT_F64, c.args.input = &c.input.f[1]), BUFFER, "element's 8 bytes");
    REFUSES(LOSS_BOTH, (c.desc.target_type = CLXENT_TARGET_I64, c.args.target = &c.target.i32[1]), BUFFER,
            "target is at address");
}

static void overlapping_arrays(void **state) {
    (void)state;
    /* The same bytes, where that is not allowed. */
    REFUSES(NLL, c.args.output = &c.input, BUFFER, "output overlaps input, which nll-loss does not allow");
    REFUSES(NLL_BACKWARD, c.args.grad_input = &c.target, BUFFER, "grad_input overlaps target");
    REFUSES(NLL_BACKWARD, c.args.grad_input = &c.weight, BUFFER, "grad_input overlaps weight");
    REFUSES(NLL_BACKWARD, c.args.grad_input = &c.grad_output, BUFFER, "grad_input overlaps grad_output");
    REFUSES(LOSS, c.args.output = &c.input, BUFFER, "output overlaps input, which cross-entropy does not allow");
    REFUSES(LOSS, c.args.output = &c.weight, BUFFER, "output overlaps weight");
    REFUSES(LOSS, c.args.lse = &c.input, BUFFER, "lse overlaps input");
    REFUSES(LOSS, c.args.lse = &c.output, BUFFER, "output overlaps lse");
    REFUSES(LOSS, c.args.invalid_count = &c.target, BUFFER, "invalid_count overlaps target");
    REFUSES(LOSS_BACKWARD, c.args.grad_input = &c.lse, BUFFER, "grad_input overlaps lse");
    REFUSES(LOSS_BOTH, c.args.grad_input = &c.output, BUFFER, "output overlaps grad_input");
    REFUSES(LOSS_BOTH, c.args.grad_output = &c.output, BUFFER, "output overlaps grad_output");
    /* In part, where exactly the same bytes are allowed; the last byte and the first. */
    REFUSES(SOFTMAX, c.args.output = &c.input.f[1], BUFFER,
            "output overlaps input in part, they may only be the same bytes");
    REFUSES(SOFTMAX, (c.args.input = &c.output.f[5], set_numbers(&c, &c.output, (double[6]){0}, 6)), BUFFER, "in part");
    REFUSES(LOG_SOFTMAX, c.args.output = &c.input.f[5], BUFFER, "in part");
    REFUSES(SOFTMAX_BACKWARD, c.args.grad_input = &c.output.f[3], BUFFER, "grad_input overlaps output in part");
    REFUSES(SOFTMAX_BACKWARD, c.args.grad_input = &c.grad_output.f[3], BUFFER, "overlaps grad_output in part");
    REFUSES(LOSS_BACKWARD, c.args.grad_input = &c.input.f[1], BUFFER, "grad_input overlaps input in part");
    REFUSES(LOSS_BOTH, c.args.grad_input = &c.input.f[5], BUFFER, "grad_input overlaps input in part");
    /* Padding counts: the tensor reaches from its first element to its last. */
    REFUSES(LOSS, (c.desc.row_stride = 9, c.args.output = &c.input.f[6]), BUFFER, "output overlaps input");
}

/* Neighbours touch and do not overlap; an array without elements overlaps nothing; inputs may share bytes. */
static void arrays_that_do_not_overlap(void **state) {
    (void)state;
    reference_case c;
    begin_good(&c, SOFTMAX);
    c.args.output = &c.input.f[6];
    run_case(&c);
    begin_good(&c, SOFTMAX);
    memcpy(&c.output.f[6], &c.input, 6 * sizeof(float));
    c.args.input = &c.output.f[6];
    run_case(&c);
    begin_good(&c, LOSS);
    c.desc.row_stride = 9;
    memset(&c.input, 0, 12 * sizeof(float));
    c.args.output = &c.input.f[12];
    run_case(&c);
    begin_good(&c, LOSS);
    c.args.weight = &c.input;
    run_case(&c);
    begin_good(&c, SOFTMAX_BACKWARD);
    c.args.grad_output = &c.output;
    c.args.grad_input = &c.output;
    run_case(&c);
    begin_good(&c, LOSS_BOTH);
    c.desc.batch = 0;
    c.args.invalid_count = &c.target.i64[4];
    c.args.input = &c.target.i32[9];
    run_case(&c);
}

static void targets_outside_the_classes(void **state) {
    (void)state;
    static const clxent_target_type kinds[] = {CLXENT_TARGET_I32, CLXENT_TARGET_I64, CLXENT_TARGET_U8};
    for (size_t i = 0; i < 3; i++) {
        reference_case c;
        begin_case(&c, CLXENT_CROSS_ENTROPY, CLXENT_FORWARD_BACKWARD, CLXENT_F64, 4, 10);
        memset(&c.input, 0, sizeof c.input);
        c.desc.target_type = kinds[i];
        set_targets(&c, (const int[]){9, 0, 12, 200}, 4);
        point_to_required(&c);
        c.args.invalid_count = &c.invalid_count;
        c.args.lse = &c.lse;
        check_refused(&c, CLXENT_INVALID_TARGET, "target[2] = 12 is outside [0, 10)", __FILE__, __LINE__);
        c.desc.ignore_index = 12;
        check_refused(&c, CLXENT_INVALID_TARGET, "target[3] = 200 is outside [0, 10)", __FILE__, __LINE__);
    }
    REFUSES(LOSS, c.target.i32[0] = 3, CLXENT_INVALID_TARGET, "target[0] = 3 is outside [0, 3)");
    REFUSES(LOSS, c.target.i32[1] = -1, CLXENT_INVALID_TARGET, "target[1] = -1 is outside [0, 3)");
    REFUSES(LOSS_BACKWARD, c.target.i32[1] = INT32_MAX, CLXENT_INVALID_TARGET, "target[1] = 2147483647 is outside");
    REFUSES(NLL, c.target.i32[1] = -99, CLXENT_INVALID_TARGET, "target[1] = -99 is outside [0, 3)");
    REFUSES(NLL_BACKWARD, c.target.i32[1] = INT32_MIN, CLXENT_INVALID_TARGET, "target[1] = -2147483648 is outside");
    REFUSES(LOSS, c.desc.ignore_index = -1; c.target.i32[0] = -100, CLXENT_INVALID_TARGET, "target[0] = -100");
    REFUSES(LOSS, (c.desc.target_type = CLXENT_TARGET_I64, c.target.i64[0] = (int64_t)1 << 32, c.target.i64[1] = 0),
            CLXENT_INVALID_TARGET, "target[0] = 4294967296 is outside [0, 3)");
}

/* engine and work_group_size are the device's business: any valid value gives the same result. */
static void engine_and_group_size_do_not_matter(void **state) {
    (void)state;
    reference_case c;
    for (clxent_engine engine = CLXENT_ENGINE_AUTO; engine <= CLXENT_ENGINE_ROW_SPLIT; engine++) {
        begin_good(&c, LOSS);
        c.desc.engine = engine;
        c.desc.work_group_size = (size_t)engine * 1000003;
        run_case(&c);
        assert_near(c.output.f[0], log(3), 1e-6);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(null_pointers),
        cmocka_unit_test(struct_sizes),
        cmocka_unit_test(enums_out_of_range),
        cmocka_unit_test(options_of_another_operation),
        cmocka_unit_test(options_out_of_range),
        cmocka_unit_test(shapes),
        cmocka_unit_test(missing_arrays),
        cmocka_unit_test(foreign_arrays),
        cmocka_unit_test(misaligned_arrays),
        cmocka_unit_test(overlapping_arrays),
        cmocka_unit_test(arrays_that_do_not_overlap),
        cmocka_unit_test(targets_outside_the_classes),
        cmocka_unit_test(engine_and_group_size_do_not_matter),
    };
    return cmocka_run_group_tests_name("reference refusals", tests, NULL, NULL);
}
