/* `clxent bench --overhead` from outside: every figure of it is there. */
#include "run_program.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void test_json(void **state) {
    (void)state;
    static const char *const measures[] = {"first_plan", "first_call", "cached_plan", "launch", "enqueue"};
    program_run run = expect_success("bench --overhead --json");
    const char *line = run.out;
    for (size_t i = 0; i < sizeof measures / sizeof measures[0]; i++) {
        char text[32];
        assert_int_equal(*line, '{');
        json_text(line, "measure", text, sizeof text);
        assert_string_equal(text, measures[i]);
        assert_true(json_number(line, "us") > 0);
        line = strchr(line, '\n') + 1;
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_json, enter_directory, leave_directory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
