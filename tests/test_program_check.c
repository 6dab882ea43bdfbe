/* `clxent check` of one operation, from outside: the lines of its table, and that the device is right. */
#include "json_lines.h"
#include "run_program.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

enum { PASSES = 2, LINES = PASSES * 8 }; /* five engines in f4, and three types */

static void test_lines_of_an_operation(void **state) {
    (void)state;
    static const char *const passes[PASSES] = {"\"pass\": \"forward\"", "\"pass\": \"backward\""};
    program_run run = expect_success("check --op nll-loss --json");
    assert_int_equal(expect_json_lines(run.out), LINES);
    const char *line = run.out;
    for (int i = 0; i < LINES; i++, line = strchr(line, '\n') + 1) {
        const char *end = strchr(line, '\n'), *pass = strstr(line, passes[i / 8]);
        assert_true(strncmp(line, "{\"op\": \"nll-loss\", ", 19) == 0);
        assert_true(pass != NULL && pass < end);
        assert_true(json_number(line, "failed") == 0);
        assert_true(json_number(line, "cases") + json_number(line, "unsupported") > 0);
    }
}

static void test_table(void **state) {
    (void)state;
    program_run run = expect_success("check --op nll-loss");
    size_t lines = 0;
    for (const char *at = strstr(run.out, "\nnll-loss "); at != NULL; at = strstr(at + 1, "\nnll-loss "))
        lines++;
    assert_int_equal(lines, LINES);
    assert_null(strstr(run.out, "FAILED"));
    assert_non_null(strstr(run.out, "\nAll results are within their tolerance.\n"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(test_lines_of_an_operation),
        TEST(test_table),
    };
    return cmocka_run_group_tests_name("program: check", tests, NULL, NULL);
}
