/* `clxent bench` from outside: its three formats, its picture, what it refuses. */
#include "json_lines.h"
#include "run_program.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define BENCH_TEST(name) cmocka_unit_test_setup_teardown(name, enter_directory, leave_directory)

/* ---- JSON ---- */

/* The figures of a line fit together. */
static void expect_figures(const char *line, double elements, double bytes) {
    double ms = json_number(line, "ms");
    assert_true(ms > 0 && isfinite(ms));
    assert_true(json_number(line, "bytes") == bytes);
    expect_near(json_number(line, "gbps"), 1e-6 * bytes / ms, 1e-9 * bytes / ms);
    expect_near(json_number(line, "elements_per_second"), 1e3 * elements / ms, elements / ms);
    assert_true(json_number(line, "ceiling_gbps") > 0);
    assert_true(json_number(line, "fraction") > 0);
    assert_true(json_number(line, "launch_us") > 0);
    assert_true(json_number(line, "launch_row_us") > 0);
}

static void test_json(void **state) {
    (void)state;
    program_run run = expect_success("bench --shape 8x21x4x3 --min-time 0 --json --engine column");
    assert_int_equal(expect_json_lines(run.out), 3);
    const char *line = run.out;
    static const char *const passes[] = {"forward", "backward", "forward-backward"};
    for (size_t i = 0; i < 3; i++) {
        expect_member(line, "op", "cross-entropy");
        expect_member(line, "pass", passes[i]);
        expect_member(line, "dtype", "f32");
        expect_member(line, "engine", "column");
        expect_member(line, "in_place", "false");
        expect_member(line, "ceiling", i == 0 ? "read" : "copy");
        assert_non_null(strstr(line, "\"shape\": [8, 21, 4, 3], "));
        expect_figures(line, 2016, (i == 0 ? 1 : 2) * 2016 * 4 + 96 * 4);
        line = strchr(line, '\n') + 1;
    }
}

static void test_in_place(void **state) {
    (void)state;
    program_run run = expect_success("bench --op softmax --dtype bf16 --in-place --shape 9x50 --min-time 0 --json");
    assert_int_equal(expect_json_lines(run.out), 2);
    const char *line = run.out;
    expect_member(line, "pass", "forward");
    expect_member(line, "ceiling", "scale in place");
    expect_member(line, "in_place", "true");
    expect_member(line, "dtype", "bf16");
    expect_figures(line, 450, 2 * 900);
    line = strchr(line, '\n') + 1;
    expect_member(line, "pass", "backward");
    expect_member(line, "ceiling", "scale of two in place");
    expect_figures(line, 450, 3 * 900);
}

static size_t count_commas(const char *line) {
    size_t commas = 0;
    for (; *line != '\n' && *line != '\0'; line++)
        commas += *line == ',';
    return commas;
}

static void test_csv(void **state) {
    (void)state;
    program_run run = expect_success("bench --op nll-loss --shape 33x10 --min-time 0 --csv --engine rows_per_lane");
    const char *first = strchr(run.out, '\n') + 1, *second = strchr(first, '\n') + 1;
    assert_memory_equal(run.out, "op,pass,dtype,shape,engine,in_place,ceiling,bytes,ms,gbps,", 58);
    assert_memory_equal(first, "nll-loss,forward,f32,33x10,rows_per_lane,false,read,264,", 56);
    assert_memory_equal(second, "nll-loss,backward,f32,33x10,rows_per_lane,false,write,1452,", 59);
    assert_int_equal(count_commas(first), count_commas(run.out));
    assert_int_equal(count_commas(second), count_commas(run.out));
    assert_int_equal(*(strchr(second, '\n') + 1), '\0');
}

/* ---- the picture ---- */

/* Every element that is opened is closed again, in the right order. */
static void expect_well_formed(const char *text) {
    enum { DEEPEST = 8 };
    char open[DEEPEST][16];
    size_t depth = 0, roots = 0;
    for (const char *at = strchr(text, '<'); at != NULL; at = strchr(at, '<')) {
        const char *end = strchr(at, '>');
        assert_non_null(end);
        char name[16];
        size_t length = strcspn(at + 1, " />") + (at[1] == '/' ? 1 + strcspn(at + 2, " >") : 0);
        snprintf(name, sizeof name, "%.*s", (int)length, at + 1);
        roots += depth == 0;
        if (name[0] == '/') {
            assert_true(depth > 0);
            assert_string_equal(name + 1, open[--depth]);
        } else if (end[-1] != '/') {
            assert_true(depth < DEEPEST);
            memcpy(open[depth++], name, sizeof name);
        }
        at = end;
    }
    assert_int_equal(depth, 0);
    assert_int_equal(roots, 1);
}

static size_t count_words(const char *text, const char *word) {
    size_t found = 0;
    for (; (text = strstr(text, word)) != NULL; text++)
        found++;
    return found;
}

static void test_plot(void **state) {
    (void)state;
    static char text[65536];
    char names[256];
    write_bytes("real.svg", "old", 3);
    assert_int_equal(symlink("real.svg", "out.svg"), 0);
    program_run run =
        expect_success("bench --op binary-cross-entropy-with-logits --shape 64x10 --min-time 0 --plot out.svg");
    assert_non_null(strstr(run.out, "fraction"));
    list_files(names, sizeof names);
    assert_string_equal(names, "out.svg real.svg ");
    FILE *file = fopen("real.svg", "rb");
    assert_non_null(file);
    text[fread(text, 1, sizeof text - 1, file)] = '\0';
    fclose(file);
    expect_well_formed(text);
    assert_int_equal(strncmp(text, "<svg xmlns=\"http://www.w3.org/2000/svg\"", 39), 0);
    assert_non_null(strstr(text, "prefers-color-scheme: dark"));
    assert_int_equal(count_words(text, "<rect class=\"bar\""), 3);
    assert_int_equal(count_words(text, "<rect class=\"track\""), 3);
    assert_int_equal(count_words(text, "against a kernel"), 2);
}

/* ---- refusals ---- */

static void test_usage(void **state) {
    (void)state;
    expect_refusal(2, "bench --op softmix", "--op is \"softmix\", which it cannot be; the nearest is softmax");
    expect_refusal(2, "bench --pass forwards", "the nearest is forward");
    expect_refusal(2, "bench --dtype f23", "the nearest is f32");
    expect_refusal(2, "bench --engine row_per_itme", "the nearest is row_per_item");
    expect_refusal(2, "bench --shape 1024", "--shape is \"1024\", it must be sizes like");
    expect_refusal(2, "bench --shape 1024x0", "it must be sizes like");
    expect_refusal(2, "bench --shape 1024x5y", "it must be sizes like");
    expect_refusal(2, "bench --min-time -1", "--min-time is -1, it must be a number from 0 to 3600");
    expect_refusal(2, "bench --min-time nan", "it must be a number from 0 to 3600");
    expect_refusal(2, "bench --op softmax --pass forward-backward", "softmax has no pass forward-backward");
    expect_refusal(2, "bench --in-place --pass forward", "cross-entropy forward writes no tensor that could lie over");
    expect_refusal(2, "bench --in-place --op nll-loss", "no pass of nll-loss can lay its result over what it reads");
    expect_refusal(2, "bench --json --csv", "--csv has no meaning beside --json");
    expect_refusal(2, "bench --sweep --shape 4x5", "--shape has no meaning beside --sweep");
    expect_refusal(2, "bench --sweep --plot out.svg", "--plot has no meaning beside --sweep");
    expect_refusal(2, "bench --overhead --engine column", "--engine has no meaning beside --overhead");
    expect_refusal(2, "bench --device reference", "bench measures an OpenCL device, not the reference");
    expect_refusal(2, "bench logits.npy", "bench takes no file");
}

static void test_refusals(void **state) {
    (void)state;
    expect_refusal(1, "bench --plot nowhere/out.svg", "cannot write nowhere/out.svg: ");
    expect_refusal(1, "bench --plot .", "cannot write .: ");
    expect_refusal(1, "bench --shape 2x3x4 --engine row_per_item --plot out.svg", "engine row_per_item cannot do this");
    expect_refusal(1, "bench --shape 4000000x65536 --pass forward", "this device has room for ");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        BENCH_TEST(test_json), BENCH_TEST(test_in_place), BENCH_TEST(test_csv),
        BENCH_TEST(test_plot), BENCH_TEST(test_usage),    BENCH_TEST(test_refusals),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
