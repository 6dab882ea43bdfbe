/* Status codes: their numbers and names, and the last error, which is one sentence per thread. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "status.h"

static void numbers_are_pinned(void **state) {
    (void)state;
    static const struct {
        clxent_status status;
        int number;
        const char *name;
    } codes[] = {
        {CLXENT_SUCCESS, 0, "CLXENT_SUCCESS"},
        {CLXENT_INVALID_ARGUMENT, 1, "CLXENT_INVALID_ARGUMENT"},
        {CLXENT_INVALID_SHAPE, 2, "CLXENT_INVALID_SHAPE"},
        {CLXENT_INVALID_OPTION, 3, "CLXENT_INVALID_OPTION"},
        {CLXENT_MISSING_BUFFER, 4, "CLXENT_MISSING_BUFFER"},
        {CLXENT_INVALID_BUFFER, 5, "CLXENT_INVALID_BUFFER"},
        {CLXENT_BUFFER_TOO_SMALL, 6, "CLXENT_BUFFER_TOO_SMALL"},
        {CLXENT_INVALID_QUEUE, 7, "CLXENT_INVALID_QUEUE"},
        {CLXENT_INVALID_TARGET, 8, "CLXENT_INVALID_TARGET"},
        {CLXENT_UNSUPPORTED, 9, "CLXENT_UNSUPPORTED"},
        {CLXENT_NO_DEVICE, 10, "CLXENT_NO_DEVICE"},
        {CLXENT_OUT_OF_MEMORY, 11, "CLXENT_OUT_OF_MEMORY"},
        {CLXENT_BUILD_FAILED, 12, "CLXENT_BUILD_FAILED"},
        {CLXENT_INVALID_INPUT, 13, "CLXENT_INVALID_INPUT"},
        {CLXENT_MPI_FAILED, 14, "CLXENT_MPI_FAILED"},
    };
    for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++) {
        assert_int_equal(codes[i].status, codes[i].number);
        assert_string_equal(clxent_status_string(codes[i].status), codes[i].name);
    }
}

static void opencl_codes_have_names(void **state) {
    (void)state;
    assert_string_equal(clxent_status_string(CL_DEVICE_NOT_FOUND), "CL_DEVICE_NOT_FOUND");
    assert_string_equal(clxent_status_string(-5), "CL_OUT_OF_RESOURCES");
    assert_string_equal(clxent_status_string(-1001), "CL_PLATFORM_NOT_FOUND_KHR");
    for (int code = -19; code <= -1; code++)
        assert_memory_equal(clxent_status_string(code), "CL_", 3);
    for (int code = -68; code <= -30; code++)
        assert_memory_equal(clxent_status_string(code), "CL_", 3);
}

static void other_numbers_are_unknown(void **state) {
    (void)state;
    static const clxent_status others[] = {15, 100, -20, -29, -1000, INT32_MAX, INT32_MIN};
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
        assert_string_equal(clxent_status_string(others[i]), "unknown status");
}

static void version_is_that_of_the_header(void **state) {
    (void)state;
    char expected[32];
    snprintf(expected, sizeof expected, "%d.%d.%d", CLXENT_VERSION_MAJOR, CLXENT_VERSION_MINOR, CLXENT_VERSION_PATCH);
    assert_string_equal(clxent_version(), expected);
}

static clxent_status refuse_classes(void) {
    clxent_desc desc;
    clxent_desc_init(&desc, CLXENT_SOFTMAX);
    return clxent_reference(&desc, NULL);
}

static clxent_status refuse_row_stride(void) {
    clxent_desc desc;
    clxent_desc_init(&desc, CLXENT_SOFTMAX);
    desc.classes = 3;
    desc.inner = 5;
    desc.row_stride = 14;
    return clxent_reference(&desc, NULL);
}

static clxent_status succeed(void) {
    clxent_desc desc;
    clxent_desc_init(&desc, CLXENT_SOFTMAX);
    desc.classes = 1;
    clxent_host_args args;
    clxent_host_args_init(&args);
    return clxent_reference(&desc, &args); /* an empty batch */
}

static void failures_replace_the_sentence_and_successes_keep_it(void **state) {
    (void)state;
    assert_int_equal(refuse_row_stride(), CLXENT_INVALID_SHAPE);
    assert_string_equal(clxent_last_error(), "row_stride is 14, it must be at least classes * inner = 3 * 5 = 15");
    assert_int_equal(succeed(), CLXENT_SUCCESS);
    assert_string_equal(clxent_last_error(), "row_stride is 14, it must be at least classes * inner = 3 * 5 = 15");
    assert_int_equal(refuse_classes(), CLXENT_INVALID_SHAPE);
    assert_string_equal(clxent_last_error(), "classes is 0, it must be at least 1");
}

typedef struct seen_by_thread {
    char before[64], after[64];
} seen_by_thread;

static void *fail_on_another_thread(void *argument) {
    seen_by_thread *seen = argument;
    snprintf(seen->before, sizeof seen->before, "%s", clxent_last_error());
    refuse_classes();
    snprintf(seen->after, sizeof seen->after, "%s", clxent_last_error());
    return NULL;
}

static void each_thread_has_its_own_sentence(void **state) {
    (void)state;
    seen_by_thread seen = {"not run", "not run"};
    refuse_row_stride();
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, fail_on_another_thread, &seen), 0);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_string_equal(seen.before, "");
    assert_string_equal(seen.after, "classes is 0, it must be at least 1");
    assert_string_equal(clxent_last_error(), "row_stride is 14, it must be at least classes * inner = 3 * 5 = 15");
}

static void opencl_failures_name_call_and_code(void **state) {
    (void)state;
    assert_int_equal(clx_fail_cl(CL_OUT_OF_RESOURCES, "clCreateBuffer of %d bytes", 4096), CL_OUT_OF_RESOURCES);
    assert_string_equal(clxent_last_error(), "clCreateBuffer of 4096 bytes failed: CL_OUT_OF_RESOURCES (-5)");
    assert_int_equal(clx_fail_cl(-7777, "clFinish"), -7777);
    assert_string_equal(clxent_last_error(), "clFinish failed: unknown status (-7777)");
}

/* A compiler's log can be longer than the library keeps: it is cut, not overrun. */
static void a_long_log_is_cut(void **state) {
    (void)state;
    assert_int_equal(clx_fail(CLXENT_BUILD_FAILED, "kernel %d", 7), CLXENT_BUILD_FAILED);
    clx_append_error(": log");
    assert_string_equal(clxent_last_error(), "kernel 7: log");
    size_t size = 100000;
    char *log = malloc(size);
    assert_non_null(log);
    memset(log, 'x', size - 1);
    log[size - 1] = '\0';
    clx_append_error(log);
    clx_append_error(log);
    free(log);
    size_t kept = strlen(clxent_last_error());
    assert_in_range(kept, 1000, size - 1);
    assert_memory_equal(clxent_last_error(), "kernel 7: logxxxx", 17);
    assert_int_equal(clxent_last_error()[kept - 1], 'x');
}

/* Another library's sentence takes the place of the last one, also one that is made of it. */
static void a_sentence_can_be_set(void **state) {
    (void)state;
    static char text[40000];
    clxent_set_last_error("rank 2: batch is 7");
    assert_string_equal(clxent_last_error(), "rank 2: batch is 7");
    clxent_set_last_error(clxent_last_error() + 8);
    assert_string_equal(clxent_last_error(), "batch is 7");
    memset(text, 'x', sizeof text - 1);
    clxent_set_last_error(text);
    assert_in_range(strlen(clxent_last_error()), 1000, sizeof text - 2);
    clxent_set_last_error(NULL);
    assert_string_equal(clxent_last_error(), "");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_are_pinned),
        cmocka_unit_test(opencl_codes_have_names),
        cmocka_unit_test(other_numbers_are_unknown),
        cmocka_unit_test(version_is_that_of_the_header),
        cmocka_unit_test(failures_replace_the_sentence_and_successes_keep_it),
        cmocka_unit_test(each_thread_has_its_own_sentence),
        cmocka_unit_test(opencl_failures_name_call_and_code),
        cmocka_unit_test(a_long_log_is_cut),
        cmocka_unit_test(a_sentence_can_be_set),
    };
    return cmocka_run_group_tests_name("status", tests, NULL, NULL);
}
