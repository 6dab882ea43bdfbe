/* Program blobs: a program goes through bytes and back without its source, and every blob that is not exactly right for
 * this library, device and driver is refused or, at the latest by the driver, passed over. */
#include "api_fixture.h"
#include "opencl_calls.h"

#include "blob.h"

typedef struct blob {
    unsigned char *bytes;
    size_t size;
} blob;

static blob get_blob(const clxent_plan *plan) {
    blob b = {0};
    assert_success(clxent_plan_get_blob(plan, 0, NULL, &b.size));
    assert_true(b.size > sizeof(clx_blob_header));
    b.bytes = malloc(b.size);
    assert_non_null(b.bytes);
    size_t needed = 0;
    assert_success(clxent_plan_get_blob(plan, b.size, b.bytes, &needed));
    assert_int_equal(needed, b.size);
    return b;
}

static clxent_context *make_other_context(void) {
    clxent_context *context = NULL;
    assert_success(clxent_context_create(the_device.cl, the_device.id, &context));
    return context;
}

/* Plan and buffers on another context of the library; the OpenCL context is the same. */
static void make_case_on(clxent_context *context, api_case *c, clxent_op op, clxent_pass pass) {
    clxent_context *kept = the_device.context;
    the_device.context = context;
    case_make(c, op, pass);
    the_device.context = kept;
}

static blob blob_of(clxent_op op, clxent_pass pass) {
    api_case c;
    case_make(&c, op, pass);
    blob b = get_blob(c.plan);
    case_release(&c);
    return b;
}

static void check_loaded(const blob *b, clxent_op op, clxent_pass pass) {
    clxent_context *context = make_other_context();
    api_case c;
    assert_success(clxent_context_add_blob(context, b->bytes, b->size));
    reset_calls();
    make_case_on(context, &c, op, pass);
    assert_int_equal(calls_of(CREATE_PROGRAM), 0);
    assert_int_equal(c.info.programs_built, 0);
    assert_success(case_run(&c));
    assert_right(&c);
    case_release(&c);
    clxent_context_destroy(context);
}

static void programs_go_through_bytes_and_back(void **state) {
    (void)state;
    for (clxent_op op = CLXENT_SOFTMAX; op <= CLXENT_MERGE; op++) {
        const clxent_pass pass = last_pass(op);
        blob b = blob_of(op, pass);
        check_loaded(&b, op, pass);
        free(b.bytes);
    }
}

/* Once kernels have run, a driver may have more to put into it; and a program that came from a blob can be had again.
 */
static void of_programs_that_have_run(void **state) {
    (void)state;
    clxent_context *context = make_other_context();
    blob first = blob_of(LOSS_BOTH);
    api_case c;
    assert_success(clxent_context_add_blob(context, first.bytes, first.size));
    make_case_on(context, &c, LOSS_BOTH);
    assert_int_equal(c.info.programs_built, 0);
    assert_success(case_run(&c));
    blob second = get_blob(c.plan);
    check_loaded(&second, LOSS_BOTH);
    free(first.bytes);
    free(second.bytes);
    case_release(&c);
    clxent_context_destroy(context);
}

/* A blob waits for the plan that needs it; other plans are built from source. */
static void a_blob_is_for_its_own_program(void **state) {
    (void)state;
    blob b = blob_of(LOSS_BOTH);
    clxent_context *context = make_other_context();
    api_case other, same, again;
    assert_success(clxent_context_add_blob(context, b.bytes, b.size));
    make_case_on(context, &other, LOSS);
    assert_int_equal(other.info.programs_built, 1);
    make_case_on(context, &same, LOSS_BOTH);
    assert_int_equal(same.info.programs_built, 0);
    reset_calls();
    make_case_on(context, &again, LOSS_BOTH);
    assert_int_equal(again.info.programs_built, 0);
    assert_int_equal(calls_of(BUILD_PROGRAM), 0);
    case_release(&other);
    case_release(&same);
    case_release(&again);
    clxent_context_destroy(context);
    free(b.bytes);
}

static void size_is_asked_for_first(void **state) {
    (void)state;
    api_case c;
    case_make(&c, LOSS);
    blob b = get_blob(c.plan);
    size_t needed = 0;
    memset(b.bytes, UNTOUCHED, b.size);
    assert_refused(clxent_plan_get_blob(c.plan, b.size - 1, b.bytes, &needed), CLXENT_BUFFER_TOO_SMALL,
                   "there is room for");
    assert_int_equal(needed, b.size);
    for (size_t i = 0; i < b.size; i++)
        assert_int_equal(b.bytes[i], UNTOUCHED);
    assert_refused(clxent_plan_get_blob(NULL, 0, NULL, &needed), CLXENT_INVALID_ARGUMENT, "plan is null");
    assert_refused(clxent_plan_get_blob(c.plan, 0, NULL, NULL), CLXENT_INVALID_ARGUMENT, "needed is null");
    assert_refused(clxent_context_add_blob(NULL, b.bytes, b.size), CLXENT_INVALID_ARGUMENT, "context is null");
    assert_refused(clxent_context_add_blob(the_device.context, NULL, b.size), CLXENT_INVALID_ARGUMENT, "blob is null");
    free(b.bytes);
    case_release(&c);
}

/* Every byte of the header, many of the binary, every kind of wrong length. */
static void damage_is_seen(void **state) {
    (void)state;
    blob b = blob_of(LOSS);
    clxent_context *context = make_other_context();
    const size_t header = sizeof(clx_blob_header), step = 1 + (b.size - header) / 64;
    for (size_t i = 0; i < b.size; i += i < header ? 1 : step) {
        b.bytes[i] ^= 0x10;
        if (clxent_context_add_blob(context, b.bytes, b.size) != CLXENT_INVALID_ARGUMENT)
            fail_msg("byte %zu of %zu may be wrong", i, b.size);
        b.bytes[i] ^= 0x10;
    }
    const size_t sizes[] = {0, 1, header - 1, header, header + 1, b.size / 2, b.size - 1};
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++)
        assert_int_equal(clxent_context_add_blob(context, b.bytes, sizes[i]), CLXENT_INVALID_ARGUMENT);
    b.bytes[b.size - 1] ^= 1;
    assert_refused(clxent_context_add_blob(context, b.bytes, b.size), CLXENT_INVALID_ARGUMENT, "checksum is wrong");
    b.bytes[b.size - 1] ^= 1;
    api_case c;
    make_case_on(context, &c, LOSS);
    assert_int_equal(c.info.programs_built, 1); /* not one was kept */
    case_release(&c);
    assert_success(clxent_context_add_blob(context, b.bytes, b.size));
    clxent_context_destroy(context);
    free(b.bytes);
}

/* Puts a changed header in, with a checksum that is right. */
static void put_header(const blob *b, clx_blob_header *header) {
    memcpy(b->bytes, header, sizeof *header);
    header->checksum = clx_blob_checksum(b->bytes, b->size);
    memcpy(b->bytes, header, sizeof *header);
}

static void what_is_made_for_others_is_refused(void **state) {
    (void)state;
    blob b = blob_of(LOSS);
    clx_blob_header good, bad;
    memcpy(&good, b.bytes, sizeof good);
#define REFUSED(change, status, text)                                                                                  \
    do {                                                                                                               \
        bad = good;                                                                                                    \
        change;                                                                                                        \
        put_header(&b, &bad);                                                                                          \
        assert_refused(clxent_context_add_blob(the_device.context, b.bytes, b.size), status, text);                    \
    } while (0)
    REFUSED(strcpy(bad.library, "0.0.1"), CLXENT_UNSUPPORTED, "was made by clxent 0.0.1, this is");
    REFUSED(strcpy(bad.device, "another one"), CLXENT_UNSUPPORTED, "was made for the device \"another one\", this is");
    REFUSED(bad.driver[0] ^= 1, CLXENT_UNSUPPORTED, "was made by the driver \"");
    REFUSED(strcat(bad.driver, "+"), CLXENT_UNSUPPORTED, "was made by the driver \"");
    REFUSED(bad.sources ^= 1, CLXENT_UNSUPPORTED, "made from other kernels");
    REFUSED(memset(bad.key.options, 'x', sizeof bad.key.options), CLXENT_INVALID_ARGUMENT, "a text without an end");
    REFUSED(memset(bad.driver, 'x', sizeof bad.driver), CLXENT_INVALID_ARGUMENT, "a text without an end");
    REFUSED(bad.size++, CLXENT_INVALID_ARGUMENT, "by its header it should have");
    put_header(&b, &good);
    assert_success(clxent_context_add_blob(the_device.context, b.bytes, b.size));
    bad = good; /* a header that is right in everything, and nothing behind it */
    bad.size = sizeof bad;
    const blob empty = {b.bytes, sizeof bad};
    put_header(&empty, &bad);
    assert_refused(clxent_context_add_blob(the_device.context, empty.bytes, empty.size), CLXENT_INVALID_ARGUMENT,
                   "its header alone would have");
    free(b.bytes);
}

/* ---- drivers ---- */

static bool hides_binaries;

cl_int __real_clGetProgramInfo(cl_program program, cl_program_info what, size_t size, void *value, size_t *needed);
cl_int __wrap_clGetProgramInfo(cl_program program, cl_program_info what, size_t size, void *value, size_t *needed);
cl_int __wrap_clGetProgramInfo(cl_program program, cl_program_info what, size_t size, void *value, size_t *needed) {
    cl_int error = __real_clGetProgramInfo(program, what, size, value, needed);
    if (hides_binaries && what == CL_PROGRAM_BINARY_SIZES && value != NULL)
        memset(value, 0, size);
    return error;
}

/* As OpenCL has it for devices of which there is none. */
static void a_driver_without_binaries(void **state) {
    (void)state;
    api_case c;
    case_make(&c, LOSS);
    size_t needed = 3;
    hides_binaries = true;
    const clxent_status status = clxent_plan_get_blob(c.plan, 0, NULL, &needed);
    hides_binaries = false;
    assert_refused(status, CLXENT_UNSUPPORTED, "the driver gives no binary of its programs");
    assert_int_equal(needed, 3);
    assert_success(clxent_plan_get_blob(c.plan, 0, NULL, &needed));
    case_release(&c);
}

/* Of two programs there is no blob. */
static void plans_of_two_programs(void **state) {
    (void)state;
    api_case c;
    case_make(&c, LINEAR_BOTH);
    size_t needed = 3;
    assert_refused(clxent_plan_get_blob(c.plan, 0, NULL, &needed), CLXENT_UNSUPPORTED,
                   "a plan of linear-cross-entropy has two programs, and no blob");
    assert_int_equal(needed, 3);
    case_release(&c);
}

/* A driver may reject a binary that is what it once gave: built from source, and nobody need know. (A binary that it
 * never gave is nothing to try this with: Mesa 22.3 ends the process over one.) */
static void what_the_driver_rejects_is_built(void **state) {
    (void)state;
    blob b = blob_of(LOSS_BOTH);
    clxent_context *context = make_other_context();
    assert_success(clxent_context_add_blob(context, b.bytes, b.size));
    char before[512];
    snprintf(before, sizeof before, "%s", clxent_last_error());
    api_case c;
    reset_calls();
    fail_call(BUILD_PROGRAM, 0, CL_INVALID_BINARY);
    make_case_on(context, &c, LOSS_BOTH);
    assert_int_equal(calls_of(BUILD_PROGRAM), 2);
    assert_int_equal(calls_of(CREATE_PROGRAM), 1);
    assert_int_equal(c.info.programs_built, 1);
    assert_string_equal(clxent_last_error(), before);
    assert_success(case_run(&c));
    assert_right(&c);
    case_release(&c);
    clxent_context_destroy(context);
    free(b.bytes);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(programs_go_through_bytes_and_back),
        cmocka_unit_test(of_programs_that_have_run),
        cmocka_unit_test(a_blob_is_for_its_own_program),
        cmocka_unit_test(size_is_asked_for_first),
        cmocka_unit_test(damage_is_seen),
        cmocka_unit_test(what_is_made_for_others_is_refused),
        cmocka_unit_test(a_driver_without_binaries),
        cmocka_unit_test(plans_of_two_programs),
        cmocka_unit_test(what_the_driver_rejects_is_built),
    };
    return cmocka_run_group_tests_name("program blobs", tests, open_device, close_device);
}
