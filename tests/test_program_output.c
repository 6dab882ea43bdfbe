/* What the program says, from outside: its help, its list of devices, its lines for people and its JSON; and what
 * becomes of files and links that are there already. */
#include "run_program.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include <math.h>

/* A line that a terminal of 100 columns breaks is hard to read. */
static void expect_short_lines(const char *text) {
    for (const char *line = text; *line != '\0'; line += strcspn(line, "\n") + 1)
        if (strcspn(line, "\n") > 100)
            fail_msg("more than 100 columns: %.*s", (int)strcspn(line, "\n"), line);
}

static void test_help_and_version(void **state) {
    (void)state;
    static const char *const names[] = {"softmax",
                                        "log-softmax",
                                        "nll-loss",
                                        "cross-entropy",
                                        "binary-cross-entropy",
                                        "binary-cross-entropy-with-logits",
                                        "devices",
                                        "check",
                                        "explain",
                                        "bench",
                                        "tune"};
    program_run run = expect_success("--help");
    expect_short_lines(run.out);
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        assert_non_null(strstr(run.out, names[i]));
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        char words[64];
        snprintf(words, sizeof words, "%s --help", names[i]);
        run = expect_success(words);
        expect_short_lines(run.out);
        snprintf(words, sizeof words, "Usage: clxent %s ", names[i]);
        assert_non_null(strstr(run.out, words));
        assert_non_null(strstr(run.out, "Example:"));
        assert_non_null(strstr(run.out, "--device"));
    }
    run = expect_success("--version");
    assert_int_equal(strncmp(run.out, "clxent ", 7), 0);
    run = expect_success("cross-entropy --output --version");
    assert_int_equal(strncmp(run.out, "clxent ", 7), 0);
}

static void test_devices(void **state) {
    (void)state;
    program_run run = expect_success("devices");
    assert_non_null(strstr(run.out, "\n* is the device that is used\n"));
    assert_non_null(strstr(run.out, "fp64"));
    run = expect_success("devices --json");
    assert_non_null(strstr(run.out, "{\"index\": 0, "));
    assert_non_null(strstr(run.out, "\"selected\": true"));
    assert_true(json_number(run.out, "max_work_group_size") >= 1);
    assert_true(json_number(run.out, "compute_units") >= 1);
    run = expect_success("devices --device 0 --json");
    assert_non_null(strstr(run.out, "{\"index\": 0, \"selected\": true"));
}

static void test_device_by_environment(void **state) {
    (void)state;
    char text[64];
    const char *before = getenv("CLXENT_DEVICE");
    char *saved = before != NULL ? strdup(before) : NULL;
    setenv("CLXENT_DEVICE", "reference", 1);
    program_run run = run_program("softmax x4.npy --json");
    program_run chosen = run_program("softmax x4.npy --json --device 0");
    if (saved != NULL)
        setenv("CLXENT_DEVICE", saved, 1);
    else
        unsetenv("CLXENT_DEVICE");
    free(saved);
    assert_int_equal(run.status, 0);
    json_text(run.out, "engine", text, sizeof text);
    assert_string_equal(text, "reference");
    assert_int_equal(chosen.status, 0);
    json_text(chosen.out, "engine", text, sizeof text);
    assert_string_not_equal(text, "reference");
}

static void test_lines_for_people(void **state) {
    (void)state;
    program_run run = expect_success("cross-entropy x8.npy y8.npy --weight w8.npy --device reference --verify");
    assert_non_null(strstr(run.out, "cross-entropy, mean: 0.93263254992029"));
    assert_non_null(strstr(run.out, "3 rows of 3 classes, 1 ignored"));
    assert_non_null(strstr(run.out, "largest difference from the reference: 0\n"));
    run_on_device(1, "softmax x4.npy", &run);
    assert_non_null(strstr(run.out, "softmax\n3 rows of 3 classes; rows_per_lane on "));
}

static void test_json_members(void **state) {
    (void)state;
    for (size_t device = 0; device < DEVICES; device++) {
        program_run run;
        char text[256];
        run_on_device(device, "cross-entropy x4.npy y4.npy --json", &run);
        json_text(run.out, "op", text, sizeof text);
        assert_string_equal(text, "cross-entropy");
        assert_true(json_number(run.out, "rows") == 3);
        assert_true(json_number(run.out, "ignored") == 1);
        assert_true(json_number(run.out, "ms") >= 0);
        json_text(run.out, "platform", text, sizeof text);
        assert_true(text[0] != '\0');
        json_text(run.out, "device", text, sizeof text);
        assert_true(text[0] != '\0' && (strcmp(text, "CPU reference") == 0) == (device == 0));
        json_text(run.out, "engine", text, sizeof text);
        assert_true((strcmp(text, "reference") == 0) == (device == 0));
        assert_null(strstr(run.out, "max_error"));
        assert_ptr_equal(strchr(run.out, '\n'), run.out + strlen(run.out) - 1);
        run_on_device(device, "cross-entropy x4.npy y4.npy --json --reduction none", &run);
        assert_null(strstr(run.out, "\"loss\""));
    }
}

static void test_json_special_numbers(void **state) {
    (void)state;
    const double row[2] = {-INFINITY, 0};
    const int32_t at_infinity[1] = {0}, ignored[1] = {-100};
    write_f4("x.npy", "(1, 2)", row, 2);
    write_array("y.npy", "<i4", "(1,)", at_infinity, sizeof at_infinity);
    write_array("none.npy", "<i4", "(1,)", ignored, sizeof ignored);
    for (size_t device = 0; device < DEVICES; device++) {
        program_run run;
        run_on_device(device, "cross-entropy x.npy y.npy --json --verify", &run);
        assert_non_null(strstr(run.out, "\"loss\": \"inf\""));
        assert_true(json_number(run.out, "max_error") == 0);
        run_on_device(device, "cross-entropy x.npy none.npy --json --verify", &run);
        assert_non_null(strstr(run.out, "\"loss\": \"nan\""));
        assert_true(json_number(run.out, "max_error") == 0);
    }
}

static void test_outputs_replace_and_follow_links(void **state) {
    (void)state;
    const double uniform[3] = {1. / 3, 1. / 3, 1. / 3}, zeros[3] = {0};
    char names[4096];
    struct stat info;
    write_f4("z.npy", "(3,)", zeros, 3);
    write_bytes("old.npy", "old", 3);
    assert_int_equal(symlink("old.npy", "link.npy"), 0);
    mode_t mask = umask(027);
    expect_success("softmax z.npy --output link.npy --device reference");
    expect_success("softmax z.npy --output new.npy --device reference");
    umask(mask);
    expect_array("old.npy", "<f4", "(3,)", uniform, 3, 1e-7);
    assert_int_equal(lstat("link.npy", &info), 0);
    assert_true(S_ISLNK(info.st_mode));
    assert_int_equal(stat("new.npy", &info), 0);
    assert_int_equal(info.st_mode & 0777, 0640);
    list_files(names, sizeof names);
    assert_string_equal(names, "link.npy new.npy old.npy w4.npy w8.npy x4.npy x8.npy y4.npy y8.npy z.npy ");
    /* The input itself may be the output. */
    expect_success("softmax z.npy --output z.npy --device reference");
    expect_array("z.npy", "<f4", "(3,)", uniform, 3, 1e-7);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(test_help_and_version),
        TEST(test_devices),
        TEST(test_device_by_environment),
        TEST(test_lines_for_people),
        TEST(test_json_members),
        TEST(test_json_special_numbers),
        TEST(test_outputs_replace_and_follow_links),
    };
    return cmocka_run_group_tests_name("program: output", tests, NULL, NULL);
}
