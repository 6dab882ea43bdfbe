/* What the program computes, from outside: its numbers and the files that it writes, on the reference and on the
 * default device alike. */
#include "run_program.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include <math.h>

/* The gradient of docs/numerics.md's golden values. */
static const double golden_grad[9] = {.080027176, .217536419,  -.297563595, 0,         0,
                                      0,          -.110455583, .097288955,  .013166628};

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
            if (!run_on_device(device, words, &run))
                continue;
            expect_near(json_number(run.out, "loss"), cases[i].loss, cases[i].tolerance);
            expect_near(json_number(run.out, "max_error"), 0, cases[i].tolerance);
        }
    }
}

static void test_cross_entropy_files(void **state) {
    (void)state;
    const double loss = 0.9326325499202911, lse[3] = {3.40760596444438, 1.1802696706417346, 4.132845233727576};
    for (size_t device = 0; device < DEVICES; device++) {
        program_run run;
        run_on_device(device,
                      "cross-entropy x4.npy y4.npy --weight w4.npy --output loss4.npy --grad grad4.npy --lse lse4.npy",
                      &run);
        expect_array("loss4.npy", "<f4", "()", &loss, 1, 1e-6);
        expect_array("grad4.npy", "<f4", "(3, 3)", golden_grad, 9, 1e-7);
        expect_array("lse4.npy", "<f4", "(3,)", lse, 3, 1e-6);
        if (run_on_device(
                device,
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
        run_on_device(device, "cross-entropy x4.npy y4.npy --weight w4.npy --grad-output one.npy --grad g1.npy", &run);
        expect_array("g1.npy", "<f4", "(3, 3)", doubled, 9, 2e-7);
        run_on_device(device, "cross-entropy x4.npy y4.npy --weight w4.npy --grad-output zero-d.npy --grad g0.npy",
                      &run);
        expect_array("g0.npy", "<f4", "(3, 3)", doubled, 9, 2e-7);
        run_on_device(
            device,
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
        run_on_device(device, "nll-loss lp.npy y.npy --weight w.npy --json --grad g.npy --verify", &run);
        expect_near(json_number(run.out, "loss"), mean, 1e-6);
        expect_near(json_number(run.out, "max_error"), 0, 1e-6);
        expect_array("g.npy", "<f4", "(2, 3)", grad, 6, 1e-7);
        run_on_device(device, "nll-loss lp.npy y.npy --json --reduction sum --ignore-index 1", &run);
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
            run_on_device(device, words, &run);
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
        run_on_device(device, "cross-entropy x.npy y.npy --json --grad g.npy --verify", &run);
        assert_non_null(strstr(run.out, "\"loss\": \"nan\""));
        expect_array("g.npy", "<f4", "(0, 3)", NULL, 0, 0);
        run_on_device(device, "cross-entropy x.npy y.npy --json --reduction sum", &run);
        assert_true(json_number(run.out, "loss") == 0);
        run_on_device(device, "softmax x.npy --output p.npy", &run);
        expect_array("p.npy", "<f4", "(0, 3)", NULL, 0, 0);
    }
}

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
        run_on_device(device, "softmax x.npy --output p.npy --grad-output g.npy --grad dx.npy --verify --json", &run);
        expect_array("p.npy", "<f4", "(2, 3)", p, 6, 1e-6);
        expect_array("dx.npy", "<f4", "(2, 3)", dx, 6, 4e-6);
        expect_near(json_number(run.out, "max_error"), 0, 2e-6);
        assert_null(strstr(run.out, "\"loss\""));
        run_on_device(device, "softmax x.npy --output columns.npy --axis 0", &run);
        expect_array("columns.npy", "<f4", "(2, 3)", columns, 6, 1e-6);
        if (run_on_device(device, "softmax xx8.npy --output p8.npy", &run))
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
        if (run_on_device(device, "log-softmax x8.npy --output lp8.npy", &run))
            expect_array("lp8.npy", "<f8", "(1, 1, 3)", lp, 3, 1e-11);
        run_on_device(device, "log-softmax x.npy --output lp.npy --grad-output g.npy --grad dx.npy", &run);
        expect_array("lp.npy", "<f4", "(3,)", lp, 3, 1e-6);
        expect_array("dx.npy", "<f4", "(3,)", dx, 3, 2e-6);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(test_cross_entropy_golden),
        TEST(test_cross_entropy_files),
        TEST(test_incoming_gradient),
        TEST(test_nll_loss),
        TEST(test_ranks_and_axes),
        TEST(test_empty_batch),
        TEST(test_softmax),
        TEST(test_log_softmax),
    };
    return cmocka_run_group_tests_name("program", tests, NULL, NULL);
}
