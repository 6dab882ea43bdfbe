/* `clxent tune` from outside: its table, its JSON lines, the row it prints, what it refuses. */
#include "run_program.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define TUNE_TEST(name) cmocka_unit_test_setup_teardown(name, enter_directory, leave_directory)

/* The lines of a run at one shape: all but the last are candidates. Returns how many those are. */
static size_t expect_candidates(const char *out, const char *shape) {
    size_t count = 0, chosen = 0, best = 0;
    double fastest = INFINITY, first = 0, of_best = 0;
    const char *line = out;
    for (; strncmp(line, "{\"row\"", 6) != 0; line = strchr(line, '\n') + 1, count++) {
        char text[64];
        assert_int_equal(strncmp(line, shape, strlen(shape)), 0);
        json_text(line, "engine", text, sizeof text);
        assert_true(strlen(text) > 0);
        assert_true(json_number(line, "work_group_size") >= 1);
        double ms = json_number(line, "ms");
        assert_true(ms > 0 && isfinite(ms));
        first = count == 0 ? ms : first;
        expect_near(json_number(line, "ratio"), ms / first, 1e-9 * ms / first);
        json_text(line, "chosen", text, sizeof text);
        chosen += strcmp(text, "true") == 0;
        json_text(line, "best", text, sizeof text);
        of_best = strcmp(text, "true") == 0 ? ms : of_best;
        best += strcmp(text, "true") == 0;
        fastest = ms < fastest ? ms : fastest;
    }
    assert_int_equal(chosen, 1);
    assert_int_equal(best, 1);
    assert_true(of_best == fastest);
    assert_int_equal(strncmp(line, "{\"row\": \"{.vendor = ", 20), 0);
    assert_non_null(strstr(line, "},\"}\n"));
    assert_int_equal(*(strchr(line, '\n') + 1), '\0');
    return count;
}

static void test_json(void **state) {
    (void)state;
    program_run run = expect_success("tune --shape 64x10 --time 120 --json");
    assert_true(expect_candidates(run.out, "{\"shape\": [64, 10], ") >= 3);
    assert_non_null(strstr(run.out, "\"rows_per_lane\""));
    assert_non_null(strstr(run.out, "\"row_per_group\""));
    run = expect_success("tune --shape 4x21x6 --time 120 --json");
    assert_true(expect_candidates(run.out, "{\"shape\": [4, 21, 6], ") >= 2);
    assert_null(strstr(run.out, "row_per_group"));
}

static size_t count_words(const char *text, const char *word) {
    size_t found = 0;
    for (; (text = strstr(text, word)) != NULL; text++)
        found++;
    return found;
}

static void test_table(void **state) {
    (void)state;
    program_run run = expect_success("tune --shape 40x300 --time=120");
    assert_non_null(strstr(run.out, "cross-entropy forward-backward, f32, 40x300\n"));
    assert_int_equal(count_words(run.out, "  chosen"), 1);
    assert_int_equal(count_words(run.out, "  best"), 1);
    assert_null(strstr(run.out, "rows_per_lane"));
    assert_int_equal(count_words(run.out, "For the table of host/geometry.c:\n    {.vendor = \""), 1);
}

static void test_refusals(void **state) {
    (void)state;
    expect_refusal(2, "tune --shape 1024", "--shape is \"1024\", it must be sizes like");
    expect_refusal(2, "tune --time -1", "--time is -1, it must be a number from 0 to 3600");
    expect_refusal(2, "tune --device reference", "tune measures an OpenCL device, not the reference");
    expect_refusal(2, "tune logits.npy", "tune takes no file");
    expect_refusal(1, "tune --shape 4000000x65536", "this device has room for ");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        TUNE_TEST(test_json),
        TUNE_TEST(test_table),
        TUNE_TEST(test_refusals),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
