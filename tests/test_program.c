/* The program from outside: exit status, standard output and error, and the files it writes. Everything that computes
 * runs on the reference and on the default device alike. */
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

/* The golden values of docs/numerics.md. */
static const double logits[9] = {1, 2, 3, .5, -.5, 0, -1, 4, 2}, weights[3] = {.25, 1, 2};
static const int64_t targets[3] = {2, -100, 0};
static const double golden_grad[9] = {.080027176, .217536419,  -.297563595, 0,         0,
                                      0,          -.110455583, .097288955,  .013166628};

static const char *const devices[] = {"--device reference", ""};
#define DEVICES 2

static void write_f4(const char *name, const char *shape, const double *values, size_t count) {
    float narrow[64];
    assert_true(count <= 64);
    for (size_t i = 0; i < count; i++)
        narrow[i] = (float)values[i];
    write_array(name, "<f4", shape, narrow, count * sizeof(float));
}

static void write_f8(const char *name, const char *shape, const double *values, size_t count) {
    write_array(name, "<f8", shape, values, count * sizeof(double));
}

static void write_golden(void) {
    const int32_t targets4[3] = {2, -100, 0};
    write_f4("x4.npy", "(3, 3)", logits, 9);
    write_f8("x8.npy", "(3, 3)", logits, 9);
    write_f4("w4.npy", "(3,)", weights, 3);
    write_f8("w8.npy", "(3,)", weights, 3);
    write_array("y8.npy", "<i8", "(3,)", targets, sizeof targets);
    write_array("y4.npy", "<i4", "(3,)", targets4, sizeof targets4);
}

static int enter_with_golden(void **state) {
    int entered = enter_directory(state);
    if (entered == 0)
        write_golden();
    return entered;
}

static void expect_near(double got, double expected, double tolerance) {
    if (!(fabs(got - expected) <= tolerance))
        fail_msg("%.17g, but %.17g within %g was expected", got, expected, tolerance);
}

static void expect_array(const char *name, const char *type, const char *shape, const double *expected, size_t count,
                         double tolerance) {
    if (strcmp(type, "<f4") == 0) {
        float got[64];
        read_array(name, type, shape, got, count * sizeof(float));
        for (size_t i = 0; i < count; i++)
            expect_near((double)got[i], expected[i], tolerance);
    } else {
        double got[64];
        read_array(name, type, shape, got, count * sizeof(double));
        for (size_t i = 0; i < count; i++)
            expect_near(got[i], expected[i], tolerance);
    }
}

/* Runs the words on a device. F64 needs a device that has it: without, the refusal must say so, and there is nothing
 * more to look at. Returns whether it ran. */
static int run_on(size_t device, const char *words, program_run *run) {
    char line[512];
    snprintf(line, sizeof line, "%s %s", words, devices[device]);
    *run = run_program(line);
    if (run->status == 1 && strstr(line, "8.npy") != NULL && strstr(run->err, "double") != NULL)
        return 0;
    if (run->status != 0 || strstr(run->err, "clxent: ") != NULL)
        fail_msg("clxent %s: status %d, err \"%s\"", line, run->status, run->err);
    return 1;
}

/* ----------------------------------------------------------------------------------------------------- losses ---- */

static void test_cross_entropy_golden(void **state) {
    (void)state;
    static const struct {
        const char *words;
        double loss, tolerance;
    } cases[] = {
        {"x8.npy y8.npy --weight w8.npy", 0.9326325499202911, 1e-14},
        {"x8.npy y4.npy --weight w8.npy --label-smoothing 0.1", 0.9653910192846895, 1e-14},
        {"x8.npy y8.npy --weight=w8.npy --reduction=sum", 2.098423237320655, 1e-14},
        {"x8.npy y8.npy --weight w8.npy --reduction sum --label-smoothing=.1", 2.1721297933905515, 1e-14},
        {"x4.npy y8.npy --weight w4.npy", 0.9326325499202911, 1e-6},
        {"x4.npy y4.npy --weight w4.npy --label-smoothing 0.1", 0.9653910192846895, 1e-6},
        {"x4.npy y4.npy --weight w4.npy --reduction sum", 2.098423237320655, 2e-6},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        for (size_t device = 0; device < DEVICES; device++) {
            char words[256];
            program_run run;
            snprintf(words, sizeof words, "cross-entropy %s --json --verify", cases[i].words);
            if (!run_on(device, words, &run))
                continue;
            expect_near(json_number(run.out, "loss"), cases[i].loss, cases[i].tolerance);
            expect_near(json_number(run.out, "max_error"), 0, cases[i].tolerance);
        }
    }
}

static void test_json_members(void **state) {
    (void)state;
    for (size_t device = 0; device < DEVICES; device++) {
        program_run run;
        char text[256];
        run_on(device, "cross-entropy x4.npy y4.npy --json", &run);
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
        run_on(device, "cross-entropy x4.npy y4.npy --json --reduction none", &run);
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
        run_on(device, "cross-entropy x.npy y.npy --json --verify", &run);
        assert_non_null(strstr(run.out, "\"loss\": \"inf\""));
        assert_true(json_number(run.out, "max_error") == 0);
        run_on(device, "cross-entropy x.npy none.npy --json --verify", &run);
        assert_non_null(strstr(run.out, "\"loss\": \"nan\""));
        assert_true(json_number(run.out, "max_error") == 0);
    }
}

static void test_lines_for_people(void **state) {
    (void)state;
    program_run run = expect_success("cross-entropy x8.npy y8.npy --weight w8.npy --device reference --verify");
    assert_non_null(strstr(run.out, "cross-entropy, mean: 0.93263254992029"));
    assert_non_null(strstr(run.out, "3 rows of 3 classes, 1 ignored"));
    assert_non_null(strstr(run.out, "largest difference from the reference: 0\n"));
    run_on(1, "softmax x4.npy", &run);
    assert_non_null(strstr(run.out, "softmax\n3 rows of 3 classes; row_per_"));
}

static void test_cross_entropy_files(void **state) {
    (void)state;
    const double loss = 0.9326325499202911, lse[3] = {3.40760596444438, 1.1802696706417346, 4.132845233727576};
    for (size_t device = 0; device < DEVICES; device++) {
        program_run run;
        run_on(device, "cross-entropy x4.npy y4.npy --weight w4.npy --output loss4.npy --grad grad4.npy --lse lse4.npy",
               &run);
        expect_array("loss4.npy", "<f4", "()", &loss, 1, 1e-6);
        expect_array("grad4.npy", "<f4", "(3, 3)", golden_grad, 9, 1e-7);
        expect_array("lse4.npy", "<f4", "(3,)", lse, 3, 1e-6);
        if (run_on(device,
                   "cross-entropy x8.npy y8.npy --weight w8.npy --output loss8.npy --grad grad8.npy --lse lse8.npy",
                   &run)) {
            expect_array("loss8.npy", "<f8", "()", &loss, 1, 1e-14);
            expect_array("grad8.npy", "<f8", "(3, 3)", golden_grad, 9, 1e-9);
            expect_array("lse8.npy", "<f8", "(3,)", lse, 3, 1e-9);
        }
    }
}

static void test_incoming_gradient(void **state) {
    (void)state;
    const double one[1] = {2}, rows[3] = {1, 5, -1};
    /* -w[y] log p[y] is 2 * .407605964 and .25 * 5.132844981; its gradient w[y] (p - onehot). */
    const double losses[3] = {0.815211929, 0, 1.283211245};
    double doubled[9], per_row[9];
    for (size_t i = 0; i < 9; i++) {
        doubled[i] = 2 * golden_grad[i];
        per_row[i] = golden_grad[i] * 2.25 * (i < 3 ? 1 : -1);
    }
    write_f4("one.npy", "(1,)", one, 1);
    write_f4("zero-d.npy", "()", one, 1);
    write_f4("rows.npy", "(3,)", rows, 3);
    for (size_t device = 0; device < DEVICES; device++) {
        program_run run;
        run_on(device, "cross-entropy x4.npy y4.npy --weight w4.npy --grad-output one.npy --grad g1.npy", &run);
        expect_array("g1.npy", "<f4", "(3, 3)", doubled, 9, 2e-7);
        run_on(device, "cross-entropy x4.npy y4.npy --weight w4.npy --grad-output zero-d.npy --grad g0.npy", &run);
        expect_array("g0.npy", "<f4", "(3, 3)", doubled, 9, 2e-7);
        run_on(device,
               "cross-entropy x4.npy y4.npy --weight w4.npy --reduction none --grad-output rows.npy --grad gr.npy "
               "--output losses.npy",
               &run);
        expect_array("gr.npy", "<f4", "(3, 3)", per_row, 9, 4e-7);
        expect_array("losses.npy", "<f4", "(3,)", losses, 3, 1e-6);
    }
}

static void test_nll_loss(void **state) {
    (void)state;
    const double log_probs[6] = {-1, -2, -3, -.5, -.25, -4}, mean = (3 + 2 * .25) / 3,
                 grad[6] = {0, 0, -1. / 3, 0, -2. / 3, 0};
    const double w[3] = {9, 2, 1};
    const uint8_t y[2] = {2, 1};
    write_f4("lp.npy", "(2, 3)", log_probs, 6);
    write_f4("w.npy", "(3,)", w, 3);
    write_array("y.npy", "|u1", "(2,)", y, sizeof y);
    for (size_t device = 0; device < DEVICES; device++) {
        program_run run;
        run_on(device, "nll-loss lp.npy y.npy --weight w.npy --json --grad g.npy --verify", &run);
        expect_near(json_number(run.out, "loss"), mean, 1e-6);
        expect_near(json_number(run.out, "max_error"), 0, 1e-6);
        expect_array("g.npy", "<f4", "(2, 3)", grad, 6, 1e-7);
        run_on(device, "nll-loss lp.npy y.npy --json --reduction sum --ignore-index 1", &run);
        expect_near(json_number(run.out, "loss"), 3, 1e-6);
        assert_true(json_number(run.out, "ignored") == 1);
    }
}

/* Equal logits: the loss of every row is log C whatever the target, so that the axis shows in the loss. */
static void test_ranks_and_axes(void **state) {
    (void)state;
    static const struct {
        const char *input, *target, *words;
        double classes, rows;
    } cases[] = {
        {"(24,)", "()", "", 24, 1},
        {"(4, 6)", "(4,)", "", 6, 4},
        {"(4, 6)", "(6,)", "--axis 0", 4, 6},
        {"(2, 3, 4)", "(2, 4)", "", 3, 8},
        {"(2, 3, 4)", "(2, 3)", "--axis -1", 4, 6},
        {"(2, 3, 4)", "(3, 4)", "--axis=-3", 2, 12},
        {"(2, 2, 3, 2)", "(2, 3, 2)", "", 2, 12},
        {"(2, 2, 3, 2)", "(2, 2, 2)", "--axis 2", 3, 8},
    };
    const double zeros[24] = {0};
    const int32_t y[24] = {0};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        write_f4("x.npy", cases[i].input, zeros, 24);
        write_array("y.npy", "<i4", cases[i].target, y, (size_t)cases[i].rows * sizeof(int32_t));
        for (size_t device = 0; device < DEVICES; device++) {
            program_run run;
            char words[256];
            snprintf(words, sizeof words, "cross-entropy x.npy y.npy --json --verify %s", cases[i].words);
            run_on(device, words, &run);
            expect_near(json_number(run.out, "loss"), log(cases[i].classes), 1e-6);
            assert_true(json_number(run.out, "rows") == cases[i].rows);
            expect_near(json_number(run.out, "max_error"), 0, 1e-6);
        }
    }
}

static void test_empty_batch(void **state) {
    (void)state;
    write_f4("x.npy", "(0, 3)", NULL, 0);
    write_array("y.npy", "<i4", "(0,)", NULL, 0);
    for (size_t device = 0; device < DEVICES; device++) {
        program_run run;
        run_on(device, "cross-entropy x.npy y.npy --json --grad g.npy --verify", &run);
        assert_non_null(strstr(run.out, "\"loss\": \"nan\""));
        expect_array("g.npy", "<f4", "(0, 3)", NULL, 0, 0);
        run_on(device, "cross-entropy x.npy y.npy --json --reduction sum", &run);
        assert_true(json_number(run.out, "loss") == 0);
        run_on(device, "softmax x.npy --output p.npy", &run);
        expect_array("p.npy", "<f4", "(0, 3)", NULL, 0, 0);
    }
}

/* ---------------------------------------------------------------------------------------------------- softmax ---- */

static void test_softmax(void **state) {
    (void)state;
    /* exp of these is 1, 2, 1 and 3, 1, 4: rows sum to 4 and 8, columns to 4, 3, 5. */
    const double x[6] = {0, log(2), 0, log(3), 0, log(4)}, g[6] = {1, 0, 0, 0, 0, 8};
    const double p[6] = {.25, .5, .25, .375, .125, .5}, columns[6] = {.25, 2. / 3, .2, .75, 1. / 3, .8};
    /* p (g - dot): the dot products are .25 and 4. */
    const double dx[6] = {.25 * .75, .5 * -.25, .25 * -.25, .375 * -4, .125 * -4, .5 * 4};
    write_f4("x.npy", "(2, 3)", x, 6);
    write_f8("xx8.npy", "(2, 3)", x, 6);
    write_f4("g.npy", "(2, 3)", g, 6);
    for (size_t device = 0; device < DEVICES; device++) {
        program_run run;
        run_on(device, "softmax x.npy --output p.npy --grad-output g.npy --grad dx.npy --verify --json", &run);
        expect_array("p.npy", "<f4", "(2, 3)", p, 6, 1e-6);
        expect_array("dx.npy", "<f4", "(2, 3)", dx, 6, 4e-6);
        expect_near(json_number(run.out, "max_error"), 0, 2e-6);
        assert_null(strstr(run.out, "\"loss\""));
        run_on(device, "softmax x.npy --output columns.npy --axis 0", &run);
        expect_array("columns.npy", "<f4", "(2, 3)", columns, 6, 1e-6);
        if (run_on(device, "softmax xx8.npy --output p8.npy", &run))
            expect_array("p8.npy", "<f8", "(2, 3)", p, 6, 1e-15);
    }
}

static void test_log_softmax(void **state) {
    (void)state;
    const double x[3] = {10000, 10000 + log(2), 10000}, y[3] = {0, log(2), 0}, g[3] = {1, 2, 3};
    const double lp[3] = {-log(4), -log(2), -log(4)}, dx[3] = {1 - .25 * 6, 2 - .5 * 6, 3 - .25 * 6};
    write_f8("x8.npy", "(1, 1, 3)", x, 3);
    write_f4("x.npy", "(3,)", y, 3);
    write_f4("g.npy", "(3,)", g, 3);
    for (size_t device = 0; device < DEVICES; device++) {
        program_run run;
        if (run_on(device, "log-softmax x8.npy --output lp8.npy", &run))
            expect_array("lp8.npy", "<f8", "(1, 1, 3)", lp, 3, 1e-11);
        run_on(device, "log-softmax x.npy --output lp.npy --grad-output g.npy --grad dx.npy", &run);
        expect_array("lp.npy", "<f4", "(3,)", lp, 3, 1e-6);
        expect_array("dx.npy", "<f4", "(3,)", dx, 3, 2e-6);
    }
}

/* -------------------------------------------------------------------------------------------------- bad input ---- */

static void test_usage_errors(void **state) {
    (void)state;
    expect_refusal(2, "", "a command is needed");
    expect_refusal(2, "sofmax x4.npy", "no command \"sofmax\", the nearest is softmax");
    expect_refusal(2, "--hepl", "no option \"--hepl\", the nearest is --help");
    expect_refusal(2, "softmax", "softmax needs the file INPUT.npy");
    expect_refusal(2, "cross-entropy x4.npy", "cross-entropy needs the file TARGET.npy");
    expect_refusal(2, "softmax x4.npy y4.npy", "\"y4.npy\" is one too many");
    expect_refusal(2, "devices x4.npy", "\"x4.npy\" is one too many");
    expect_refusal(2, "softmax x4.npy --axos 1", "no option --axos, the nearest is --axis");
    expect_refusal(2, "softmax x4.npy --lse l.npy", "no option --lse");
    expect_refusal(2, "nll-loss x4.npy y4.npy --label-smoothing 0", "no option --label-smoothing");
    expect_refusal(2, "cross-entropy x4.npy y4.npy --output", "--output needs a value");
    expect_refusal(2, "cross-entropy x4.npy y4.npy --output --json", "--output needs a value");
    expect_refusal(2, "cross-entropy x4.npy y4.npy --output=", "--output has an empty value");
    expect_refusal(2, "cross-entropy x4.npy y4.npy --json=yes", "--json takes no value");
    expect_refusal(2, "softmax x4.npy --axis 0 --axis 1", "--axis is given twice");
    expect_refusal(2, "softmax x4.npy --axis 1x", "--axis is \"1x\"");
    expect_refusal(2, "softmax x4.npy --axis 99999999999999999999", "--axis is \"99999999999999999999\"");
    expect_refusal(2, "cross-entropy x4.npy y4.npy --reduction avg", "--reduction is \"avg\"");
    expect_refusal(2, "cross-entropy x4.npy y4.npy --label-smoothing 2", "--label-smoothing is 2");
    expect_refusal(2, "cross-entropy x4.npy y4.npy --label-smoothing nan", "--label-smoothing is nan");
    expect_refusal(2, "softmax x4.npy --device banana", "--device is \"banana\"");
    expect_refusal(2, "softmax x4.npy --grad g.npy", "--grad is given without --grad-output");
    expect_refusal(2, "softmax x4.npy --grad-output x4.npy", "--grad-output is given without --grad");
    expect_refusal(2, "cross-entropy x4.npy y4.npy --grad-output w4.npy", "--grad-output is given without --grad");
    expect_refusal(2, "check --device reference", "the device cannot be the reference");
}

static void test_unreadable_files(void **state) {
    (void)state;
    const float two[2] = {1, 2};
    write_bytes("empty.npy", "", 0);
    write_bytes("text.npy", "hello, world", 12);
    write_bytes("magic.npy", "\x93NUMPY\x01\x00v", 9);
    write_bytes("header.npy", "\x93NUMPY\x01\x00v\x00{'descr': '<f4', 'for", 31);
    write_array("short.npy", "<f4", "(3,)", two, 8);
    write_array("long.npy", "<f4", "(1,)", two, 8);
    write_array("huge.npy", "<f4", "(4611686018427387904, 8)", two, 8);
    write_array("large.npy", "<f4", "(1000000, 1000000)", two, 8);
    write_array("half.npy", "<f2", "(4,)", two, 8);
    write_array("big.npy", ">f4", "(2,)", two, 8);
    write_array("int.npy", "<i4", "(2,)", two, 8);
    write_npy("fortran.npy", "{'descr': '<f4', 'fortran_order': True, 'shape': (1, 2), }", two, 8);
    write_npy("dict.npy", "{'descr': '<f4', 'fortran_order': False, 'shape': (2,)", two, 8);
    expect_refusal(1, "softmax missing.npy --output o.npy", "missing.npy: No such file");
    expect_refusal(1, "softmax . --output o.npy", "not a regular file");
    expect_refusal(1, "softmax empty.npy --output o.npy", "empty.npy: not a .npy file");
    expect_refusal(1, "softmax text.npy --output o.npy", "text.npy: not a .npy file");
    expect_refusal(1, "softmax magic.npy --output o.npy", "ends after 9 bytes");
    expect_refusal(1, "softmax header.npy --output o.npy", "ends after 31 bytes, inside its header of 128");
    expect_refusal(1, "softmax short.npy --output o.npy", "holds 8 bytes of elements, its header promises 12");
    expect_refusal(1, "softmax long.npy --output o.npy", "4 bytes follow the 4 bytes");
    expect_refusal(1, "softmax huge.npy --output o.npy", "more elements than this machine can address");
    expect_refusal(1, "softmax large.npy --output o.npy",
                   "holds 8 bytes of elements, its header promises 4000000000000");
    expect_refusal(1, "softmax half.npy --output o.npy", "'<f2'");
    expect_refusal(1, "softmax big.npy --output o.npy", "big-endian");
    expect_refusal(1, "softmax int.npy --output o.npy", "int.npy holds i4, the input must be f4 or f8");
    expect_refusal(1, "softmax fortran.npy --output o.npy", "Fortran order");
    expect_refusal(1, "softmax dict.npy --output o.npy", "corrupt");
}

static void test_wrong_arrays(void **state) {
    (void)state;
    const double four[4] = {1, 1, 1, 1};
    const int32_t wrong[3] = {2, -100, 12};
    write_f4("zero-d.npy", "()", four, 1);
    write_f4("w2.npy", "(2,)", four, 2);
    write_f4("w2d.npy", "(1, 3)", four, 3);
    write_f4("g2.npy", "(2,)", four, 2);
    write_array("y2.npy", "<i4", "(2,)", wrong, 8);
    write_array("bad.npy", "<i4", "(3,)", wrong, 12);
    expect_refusal(1, "softmax zero-d.npy", "zero-d.npy is zero-dimensional");
    expect_refusal(1, "softmax x4.npy --axis 2", "shape (3, 3), which has no axis 2");
    expect_refusal(1, "softmax x4.npy --axis -3", "shape (3, 3), which has no axis -3");
    expect_refusal(1, "cross-entropy x4.npy x4.npy", "x4.npy holds f4, targets must be u1, i4 or i8");
    expect_refusal(1, "cross-entropy x4.npy y2.npy", "target has the shape (2,), but an input of the shape (3, 3)");
    expect_refusal(1, "cross-entropy x4.npy y4.npy --weight w2.npy", "weight has 2 entries, the class axis has 3");
    expect_refusal(1, "cross-entropy x4.npy y4.npy --weight w2d.npy", "weight has the shape (1, 3)");
    expect_refusal(1, "cross-entropy x4.npy y4.npy --weight w8.npy", "weight holds f8, the input f4");
    expect_refusal(1, "cross-entropy x8.npy y4.npy --weight w4.npy", "weight holds f4, the input f8");
    expect_refusal(1, "softmax x4.npy --grad-output x8.npy --grad g.npy", "grad-output holds f8, the input f4");
    expect_refusal(1, "softmax x4.npy --grad-output w4.npy --grad g.npy",
                   "grad-output has the shape (3,), the input (3, 3)");
    expect_refusal(1, "cross-entropy x4.npy y4.npy --grad-output g2.npy --grad g.npy", "needs one number");
    expect_refusal(1, "nll-loss x4.npy y4.npy --reduction none --grad-output g2.npy --grad g.npy",
                   "grad-output has the shape (2,), but with --reduction none it needs the target's, (3,)");
    for (size_t device = 0; device < DEVICES; device++) {
        char words[256];
        snprintf(words, sizeof words, "cross-entropy x4.npy bad.npy --output o.npy --grad g.npy %s", devices[device]);
        expect_refusal(1, words, "target[2] = 12 is outside [0, 3)");
    }
    expect_refusal(1, "softmax x4.npy --device 4096 --output o.npy", "4096");
}

/* --------------------------------------------------------------------------------------------- written files ---- */

#define ON_REFERENCE " --device reference"

static void test_refused_outputs(void **state) {
    (void)state;
    const struct {
        const char *words, *says;
    } cases[] = {
        {"softmax x4.npy --output nowhere/o.npy" ON_REFERENCE, "nowhere/o.npy: No such file or directory"},
        {"softmax x4.npy --output ." ON_REFERENCE, "cannot write .: Is a directory"},
        {"softmax x4.npy --output /dev/null" ON_REFERENCE, "cannot write /dev/null: not a regular file"},
        {"cross-entropy x4.npy y4.npy --output l.npy --grad nowhere/g.npy" ON_REFERENCE, "nowhere/g.npy"},
        {"cross-entropy x4.npy y4.npy --output l.npy --grad ./l.npy" ON_REFERENCE, "two outputs of this run"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        expect_refusal(1, cases[i].words, cases[i].says);
}

static void test_old_output_survives_a_refusal(void **state) {
    (void)state;
    char text[8] = {0};
    write_bytes("old.npy", "old", 3);
    expect_refusal(1, "cross-entropy x4.npy y4.npy --output old.npy --grad nowhere/g.npy" ON_REFERENCE, "nowhere");
    expect_refusal(1, "softmax missing.npy --output old.npy" ON_REFERENCE, "missing.npy");
    FILE *file = fopen("old.npy", "rb");
    assert_non_null(file);
    assert_int_equal(fread(text, 1, sizeof text - 1, file), 3);
    fclose(file);
    assert_string_equal(text, "old");
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

/* ---------------------------------------------------------------------------------------------------- the rest ---- */

static void test_help_and_version(void **state) {
    (void)state;
    static const char *const names[] = {"softmax", "log-softmax", "nll-loss", "cross-entropy", "devices", "check"};
    program_run run = expect_success("--help");
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        assert_non_null(strstr(run.out, names[i]));
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        char words[64];
        snprintf(words, sizeof words, "%s --help", names[i]);
        run = expect_success(words);
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

#define TEST(name) cmocka_unit_test_setup_teardown(name, enter_with_golden, leave_directory)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(test_cross_entropy_golden),
        TEST(test_json_members),
        TEST(test_json_special_numbers),
        TEST(test_lines_for_people),
        TEST(test_cross_entropy_files),
        TEST(test_incoming_gradient),
        TEST(test_nll_loss),
        TEST(test_ranks_and_axes),
        TEST(test_empty_batch),
        TEST(test_softmax),
        TEST(test_log_softmax),
        TEST(test_usage_errors),
        TEST(test_unreadable_files),
        TEST(test_wrong_arrays),
        TEST(test_refused_outputs),
        TEST(test_old_output_survives_a_refusal),
        TEST(test_outputs_replace_and_follow_links),
        TEST(test_help_and_version),
        TEST(test_devices),
        TEST(test_device_by_environment),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
