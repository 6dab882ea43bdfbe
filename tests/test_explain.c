/* `clxent explain` from outside: its page, its JSON lines, that they fit together, what it refuses. */
#include "json_lines.h"
#include "run_program.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define EXPLAIN_TEST(name) cmocka_unit_test_setup_teardown(name, enter_directory, leave_directory)

static const char *const engines[] = {"row_per_item", "row_per_group", "column", "rows_per_lane", "row_split"};
enum { ENGINES = 5 };

static const char *next_line(const char *line) {
    return strchr(line, '\n') + 1;
}

/* The lines of the engines: one is in use, which is that of the first line, and all have a reason. */
static void expect_engines(const char *out) {
    const char *line = out;
    char engine[64], text[512];
    size_t in_use = 0;
    json_text(out, "engine", engine, sizeof engine);
    for (size_t i = 0; i < ENGINES; i++) {
        line = next_line(line);
        expect_member(line, "engine", engines[i]);
        json_text(line, "reason", text, sizeof text);
        assert_true(strlen(text) > 8);
        json_text(line, "state", text, sizeof text);
        bool known = strcmp(text, "in use") == 0 || strcmp(text, "not chosen") == 0 || strcmp(text, "refused") == 0;
        assert_true(known);
        assert_int_equal(strcmp(text, "in use") == 0, strcmp(engine, engines[i]) == 0);
        in_use += strcmp(text, "in use") == 0;
    }
    assert_int_equal(in_use, 1);
}

/* The figures of the first line fit together. */
static void expect_figures(const char *line, double bytes, double kernels) {
    double memory_ms = 1e-6 * bytes / json_number(line, "ceiling_gbps"),
           launches_ms = 1e-3 * kernels * json_number(line, "launch_row_us"), least = json_number(line, "least_ms");
    assert_true(json_number(line, "bytes") == bytes);
    assert_true(json_number(line, "kernels") == kernels);
    assert_true(json_number(line, "ceiling_gbps") > 0);
    assert_true(json_number(line, "launch_row_us") > 0);
    expect_near(least, memory_ms + launches_ms, 1e-6 * least);
    assert_true(json_number(line, "plan_ms") > 0);
    assert_true(json_number(line, "programs_built") == 1);
    assert_true(json_number(line, "work_items") >= json_number(line, "work_group_size"));
    assert_true(json_number(line, "work_group_size") >= 1);
}

static void test_json(void **state) {
    (void)state;
    program_run run = expect_success("explain cross-entropy --shape 4000x10 --pass forward-backward --json");
    assert_int_equal(expect_json_lines(run.out), 1 + ENGINES);
    assert_non_null(strstr(run.out, "{\"op\": \"cross-entropy\", \"pass\": \"forward-backward\", \"dtype\": \"f32\", "
                                    "\"shape\": [4000, 10], \"engine\": \"rows_per_lane\", "));
    expect_member(run.out, "ceiling", "copy");
    expect_figures(run.out, 2 * 4000 * 10 * 4 + 4000 * 4, 3);
    assert_true(json_number(run.out, "workspace_bytes") >= 4000 * 4);
    expect_engines(run.out);
    assert_non_null(
        strstr(run.out, "{\"engine\": \"rows_per_lane\", \"state\": \"in use\", \"reason\": \"it is for up to "));
    assert_non_null(strstr(run.out, "{\"engine\": \"row_per_item\", \"state\": \"not chosen\", \"reason\": "
                                    "\"rows_per_lane suits too and comes before it\"}\n"));
}

/* An inner size, which only one engine can do; the default pass; a type of two bytes. */
static void test_refused_engines(void **state) {
    (void)state;
    program_run run = expect_success("explain binary-cross-entropy --shape=8x21x4x3 --dtype bf16 --json");
    assert_int_equal(expect_json_lines(run.out), 1 + ENGINES);
    expect_member(run.out, "pass", "forward");
    expect_member(run.out, "dtype", "bf16");
    expect_member(run.out, "engine", "column");
    expect_member(run.out, "ceiling", "read of two");
    expect_figures(run.out, 2 * 8 * 21 * 12 * 2, 2);
    expect_engines(run.out);
    const char *refused = "\"state\": \"refused\", \"reason\": \"engine row_per_item cannot do this: inner is 12, it "
                          "needs the classes of a row side by side\"}\n";
    assert_non_null(strstr(run.out, refused));
}

static void test_page(void **state) {
    (void)state;
    static const struct {
        const char *words, *says[5];
    } cases[] = {
        {"softmax --shape 300x200 --pass backward",
         {"softmax backward, f32, 300x200\n", "  kernels        1 launched by a call\n", "  workspace      0 bytes\n",
          "  bytes          720 kB: 2 tensors read, 1 written\n",
          " as a kernel reaches that does no more (copy of two)\n"}},
        {"nll-loss --shape 300x200",
         {"nll-loss forward, f32, 300x200\n", "  kernels        2 launched by a call\n",
          "  bytes          2.4 kB: a number of each row read, a class for each row\n", "no more (read)\n",
          "engine row_split cannot do this: this pass of nll-loss visits one class of a row"}},
        {"nll-loss --shape 3x2 --pass backward",
         {"  bytes          36 bytes: 1 tensor written, a class for each row\n", "no more (write)\n", "  time  ",
          "  programs       1 built, the plan made in ", " over the rows, in work-groups of "}},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char words[128];
        snprintf(words, sizeof words, "explain %s", cases[i].words);
        program_run run = expect_success(words);
        for (size_t j = 0; j < 5; j++)
            if (strstr(run.out, cases[i].says[j]) == NULL)
                fail_msg("clxent %s does not say \"%s\", but: %s", words, cases[i].says[j], run.out);
        for (size_t j = 0; j < ENGINES; j++)
            assert_non_null(strstr(run.out, engines[j]));
        assert_non_null(strstr(run.out, " in use "));
    }
}

static void test_refusals(void **state) {
    (void)state;
    static const struct {
        const char *words, *says;
    } cases[] = {
        {"explain", "clxent: explain needs the operation OP (see `clxent explain --help`)"},
        {"explian softmax --shape 3x4", "no command \"explian\", the nearest is explain"},
        {"explain softmix --shape 3x4", "there is no operation \"softmix\", the nearest is softmax"},
        {"explain binary-cros-entropy-with-logit --shape 3x4", "the nearest is binary-cross-entropy-with-logits"},
        {"explain softmax nll-loss --shape 3x4", "explain takes one operation, so \"nll-loss\" is one too many"},
        {"explain softmax", "explain needs --shape, sizes like 1024x50257"},
        {"explain softmax --shape 3", "--shape is \"3\", it must be sizes like"},
        {"explain softmax --shape 3x0", "--shape is \"3x0\", it must be sizes like"},
        {"explain softmax --shape 3x99999999999999999999", "it must be sizes like"},
        {"explain softmax --shape", "--shape needs a value"},
        {"explain softmax --shap 3x4", "explain has no option --shap, the nearest is --shape"},
        {"explain softmax --shape 3x4 --pass backwards",
         "--pass is \"backwards\", which it cannot be; the nearest is backward"},
        {"explain softmax --shape 3x4 --pass forward-backward", "softmax has no pass forward-backward"},
        {"explain softmax --shape 3x4 --dtype f23", "--dtype is \"f23\", which it cannot be; the nearest is f32"},
        {"explain softmax --shape 3x4 --device reference", "explain asks an OpenCL device, not the reference"},
        {"explain softmax --shape 3x4 --device banana", "--device is \"banana\", it must be a number"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        expect_refusal(2, cases[i].words, cases[i].says);
    expect_refusal(1, "explain softmax --shape 3x4 --device 4096", "4096");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        EXPLAIN_TEST(test_json),
        EXPLAIN_TEST(test_refused_engines),
        EXPLAIN_TEST(test_page),
        EXPLAIN_TEST(test_refusals),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
