/* Devices without double precision, of old and of strange versions, without a compiler, and with one that refuses: right
 * results, or a refusal by exact status and sentence. */
#include "hostile.h"

static void without_double_precision(void **state) {
    (void)state;
    for (int unknown = 0; unknown < 2; unknown++) {
        pretend_nothing();
        if (unknown) { /* a device may not even know the question */
            pretend_error(CL_DEVICE_DOUBLE_FP_CONFIG, CL_INVALID_VALUE);
            pretend_error(CL_DEVICE_NATIVE_VECTOR_WIDTH_DOUBLE, CL_INVALID_VALUE);
        } else {
            pretend_ulong(CL_DEVICE_DOUBLE_FP_CONFIG, 0);
            pretend_uint(CL_DEVICE_NATIVE_VECTOR_WIDTH_DOUBLE, 0);
        }
        become();
        expect_all_right();
        for (clxent_op op = CLXENT_SOFTMAX; op <= LAST_OP; op++)
            EXPECT_NO_PLAN((d = good_desc(op, last_pass(op)), d.dtype = CLXENT_F64), CLXENT_UNSUPPORTED,
                           "dtype is F64, the device has no double precision");
        static api_case c;
        case_begin(&c, CLXENT_SOFTMAX, CLXENT_FORWARD);
        c.desc.dtype = CLXENT_F64;
        case_fill(&c);
        assert_refused(clxent_run(the_device.context, &c.desc, &c.host), CLXENT_UNSUPPORTED,
                       "dtype is F64, the device has no double precision");
    }
}

static void without_fused_multiply_add(void **state) {
    (void)state;
    pretend_ulong(CL_DEVICE_SINGLE_FP_CONFIG, CL_FP_ROUND_TO_NEAREST | CL_FP_INF_NAN);
    become();
    expect_some_right();
}

/* Vectors of no width, of one that OpenCL does not have, and of 8. */
static void with_strange_vectors(void **state) {
    (void)state;
    static const cl_uint widths[] = {0, 3, 8};
    for (size_t i = 0; i < 3; i++) {
        pretend_nothing();
        pretend_uint(CL_DEVICE_NATIVE_VECTOR_WIDTH_FLOAT, widths[i]);
        become();
        expect_some_right();
    }
}

static void versions_that_will_do(void **state) {
    (void)state;
    static const char *const versions[] = {"OpenCL C 1.2 ", "OpenCL C 1.2", "OpenCL C 2.0 old",
                                           "OpenCL C 10.0 far off"};
    for (size_t i = 0; i < 4; i++) {
        pretend_nothing();
        pretend_text(CL_DEVICE_VERSION, "OpenCL 1.2 old");
        pretend_text(CL_DEVICE_OPENCL_C_VERSION, versions[i]);
        become();
        expect_some_right();
    }
}

#define NO_COMPILER CLXENT_UNSUPPORTED, "the device has no compiler for OpenCL C 1.2"

static void versions_that_are_refused(void **state) {
    (void)state;
    static const char *const versions[] = {
        "OpenCL C 1.1 ", "OpenCL C 1.0", "OpenCL C 0.9", "OpenCL C ", "OpenCL C 2", "OpenCL 1.2", "",
        "1.2",           "OpenCL C -1.9"};
    for (size_t i = 0; i < sizeof versions / sizeof versions[0]; i++) {
        pretend_nothing();
        pretend_text(CL_DEVICE_OPENCL_C_VERSION, versions[i]);
        expect_no_context(NO_COMPILER);
    }
}

static void without_a_compiler(void **state) {
    (void)state;
    cl_device_id id = the_device.id;
    pretend_uint(CL_DEVICE_COMPILER_AVAILABLE, CL_FALSE);
    expect_no_context(NO_COMPILER);
    assert_refused(clxent_find_device("", &id), CLXENT_NO_DEVICE, "no usable OpenCL device was found among ");
    assert_refused(clxent_find_device("0", &id), CLXENT_NO_DEVICE, "device 0 is not available or has no compiler");
    assert_ptr_equal(id, the_device.id);
}

static void not_available(void **state) {
    (void)state;
    cl_device_id id = the_device.id;
    pretend_uint(CL_DEVICE_AVAILABLE, CL_FALSE);
    assert_refused(clxent_find_device("", &id), CLXENT_NO_DEVICE, "no usable OpenCL device was found among ");
    assert_refused(clxent_find_device("0", &id), CLXENT_NO_DEVICE, "device 0 is not available or has no compiler");
    assert_ptr_equal(id, the_device.id);
}

/* ---- a compiler that refuses ---- */

#define BUILDING "building softmax for engine_"
#define REFUSED "failed: CL_BUILD_PROGRAM_FAILURE (-11)"

/* A context as the device is; the compiler refuses from then on. */
static void expect_build_refused(const char *log, const char *text) {
    static api_case c;
    become();
    pretend_build_error(CL_BUILD_PROGRAM_FAILURE, log);
    EXPECT_NO_PLAN(d = good_desc(CLXENT_SOFTMAX, CLXENT_FORWARD), CLXENT_BUILD_FAILED, BUILDING);
    EXPECT_NO_PLAN(d = good_desc(CLXENT_SOFTMAX, CLXENT_FORWARD), CLXENT_BUILD_FAILED, REFUSED);
    EXPECT_NO_PLAN(d = good_desc(CLXENT_SOFTMAX, CLXENT_FORWARD), CLXENT_BUILD_FAILED, text);
    case_begin(&c, CLXENT_SOFTMAX, CLXENT_FORWARD);
    case_fill(&c);
    assert_refused(clxent_run(the_device.context, &c.desc, &c.host), CLXENT_BUILD_FAILED, text);
    pretend_nothing();
    case_upload(&c); /* the context has taken no harm */
    assert_success(case_run(&c));
    assert_right(&c);
    case_release(&c);
}

static void a_compiler_that_refuses(void **state) {
    (void)state;
    expect_build_refused("<kernel>:1:1: error: I would rather not",
                         REFUSED "\n<kernel>:1:1: error: I would rather not");
    expect_build_refused("", REFUSED);
}

/* The sentence ends where there is no more room, and is a string. */
static void a_compiler_with_very_much_to_say(void **state) {
    (void)state;
    enum { LENGTH = 100000 };
    char *log = malloc(LENGTH + 1);
    assert_non_null(log);
    memset(log, 'x', LENGTH);
    log[LENGTH] = '\0';
    expect_build_refused(log, REFUSED "\nxxxxxxxx");
    assert_in_range(strlen(clxent_last_error()), 1000, LENGTH);
    free(log);
}

/* What it has to say cannot be had; that it refused is known all the same. */
static void a_compiler_without_a_log(void **state) {
    (void)state;
    expect_build_refused(NULL, REFUSED);
    const char *sentence = clxent_last_error();
    assert_string_equal(sentence + strlen(sentence) - strlen(REFUSED), REFUSED);
}

static void a_compiler_that_is_gone(void **state) {
    (void)state;
    become();
    pretend_build_error(CL_COMPILER_NOT_AVAILABLE, "");
    EXPECT_NO_PLAN(d = good_desc(CLXENT_SOFTMAX, CLXENT_FORWARD), CL_COMPILER_NOT_AVAILABLE,
                   "failed: CL_COMPILER_NOT_AVAILABLE (-3)");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        hostile_test(without_double_precision),
        hostile_test(without_fused_multiply_add),
        hostile_test(with_strange_vectors),
        hostile_test(versions_that_will_do),
        hostile_test(versions_that_are_refused),
        hostile_test(without_a_compiler),
        hostile_test(not_available),
        hostile_test(a_compiler_that_refuses),
        hostile_test(a_compiler_with_very_much_to_say),
        hostile_test(a_compiler_without_a_log),
        hostile_test(a_compiler_that_is_gone),
    };
    return run_hostile_tests("compilers", tests, sizeof tests / sizeof tests[0], 24);
}
