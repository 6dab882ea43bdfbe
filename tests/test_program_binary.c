/* The commands binary-cross-entropy and binary-cross-entropy-with-logits as a user meets them, with values worked out by
 * hand, on the reference and on the default device alike. */
#include "run_program.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include <math.h>

/* A sure answer that is wrong costs 100, and has the steepest gradient there is. */
static const double probabilities[4] = {.5, .25, .75, 1}, labels[4] = {1, 0, 1, 0};
static double probability_loss[4], probability_grad[4];

static void write_probabilities(void) {
    const double losses[4] = {log(2), -log(.75), -log(.75), 100}, grads[4] = {-2, 4 / 3., -4 / 3., 1e12};
    memcpy(probability_loss, losses, sizeof losses);
    memcpy(probability_grad, grads, sizeof grads);
    write_f4("p4.npy", "(2, 2)", probabilities, 4);
    write_f8("p8.npy", "(2, 2)", probabilities, 4);
    write_f4("t4.npy", "(2, 2)", labels, 4);
    write_f8("t8.npy", "(2, 2)", labels, 4);
}

static double sum(const double *values, size_t count) {
    double total = 0;
    for (size_t i = 0; i < count; i++)
        total += values[i];
    return total;
}

/* A number of each gradient relative to its size. */
static void expect_relative(const char *name, const char *shape, const double *expected, size_t count) {
    float got[16];
    read_npy(name, "<f4", shape, got, count * sizeof(float));
    for (size_t i = 0; i < count; i++)
        expect_near((double)got[i] / expected[i], 1, 1e-6);
}

static void test_probabilities(void **state) {
    (void)state;
    write_probabilities();
    double mean = sum(probability_loss, 4) / 4;
    for (size_t device = 0; device < DEVICES; device++) {
        program_run run;
        run_on_device(device, "binary-cross-entropy p4.npy t4.npy --json --verify", &run);
        expect_near(json_number(run.out, "loss"), mean, 1e-5);
        expect_near(json_number(run.out, "max_error"), 0, 1e-5);
        if (run_on_device(device, "binary-cross-entropy p8.npy t8.npy --json --reduction sum", &run))
            expect_near(json_number(run.out, "loss"), 4 * mean, 1e-12);
        if (run_on_device(device, "binary-cross-entropy p8.npy t4.npy --json", &run))
            expect_near(json_number(run.out, "loss"), mean, 1e-12);
        run_on_device(device, "binary-cross-entropy p4.npy t4.npy --reduction none --output l.npy --grad g.npy", &run);
        assert_non_null(strstr(run.out, "binary-cross-entropy, one loss per element\n2 rows of 2 classes; "));
        expect_array("l.npy", "<f4", "(2, 2)", probability_loss, 4, 1e-5);
        expect_relative("g.npy", "(2, 2)", probability_grad, 4);
    }
}

static void test_weights_of_probabilities(void **state) {
    (void)state;
    const double w[2] = {1, 2}, u[4] = {3, 1, 4, .5}, all[4] = {3, 2, 4, 1}, in[4] = {1, 2, -1, .5};
    double loss = 0, grad[4], per_element[4];
    write_probabilities();
    for (size_t i = 0; i < 4; i++) {
        loss += all[i] * probability_loss[i] / 4;
        grad[i] = 8 * all[i] * probability_grad[i] / 4;
        per_element[i] = in[i] * probability_grad[i];
    }
    write_f4("w.npy", "(2,)", w, 2);
    write_f4("u.npy", "(2, 2)", u, 4);
    write_f4("in.npy", "(2, 2)", in, 4);
    for (size_t device = 0; device < DEVICES; device++) {
        program_run run;
        run_on_device(device,
                      "binary-cross-entropy p4.npy t4.npy --weight w.npy --sample-weight u.npy --json --grad g.npy "
                      "--grad-scale 8",
                      &run);
        expect_near(json_number(run.out, "loss"), loss, 2e-5);
        expect_relative("g.npy", "(2, 2)", grad, 4);
        run_on_device(device,
                      "binary-cross-entropy p4.npy t4.npy --reduction none --grad-output in.npy --grad g.npy --verify",
                      &run);
        expect_relative("g.npy", "(2, 2)", per_element, 4);
    }
}

/* log(1 + exp(v)) */
static double softplus(double v) {
    return v > 0 ? v + log1p(exp(-v)) : log1p(exp(v));
}

static double sigmoid(double v) {
    return 1 / (1 + exp(-v));
}

static void test_logits(void **state) {
    (void)state;
    const double x[6] = {0, 2, -3, -1000, 1000, .5}, t[6] = {1, .25, 0, 1, 1, .5}, pw[3] = {3, 1, .5};
    double losses[6], grad[6];
    for (size_t i = 0; i < 6; i++) {
        double positive = pw[i % 3] * t[i];
        losses[i] = positive * softplus(-x[i]) + (1 - t[i]) * softplus(x[i]);
        grad[i] = ((1 - t[i]) * sigmoid(x[i]) - positive * sigmoid(-x[i])) / 6;
    }
    write_f4("x.npy", "(2, 3)", x, 6);
    write_f4("t.npy", "(2, 3)", t, 6);
    write_f4("pw.npy", "(3,)", pw, 3);
    for (size_t device = 0; device < DEVICES; device++) {
        program_run run;
        run_on_device(device,
                      "binary-cross-entropy-with-logits x.npy t.npy --pos-weight pw.npy --json --grad g.npy --verify",
                      &run);
        expect_near(json_number(run.out, "loss"), sum(losses, 6) / 6, 1e-4);
        expect_near(json_number(run.out, "max_error"), 0, 1e-4);
        expect_array("g.npy", "<f4", "(2, 3)", grad, 6, 1e-6);
        run_on_device(
            device, "binary-cross-entropy-with-logits x.npy t.npy --pos-weight pw.npy --output l.npy --reduction none",
            &run);
        expect_array("l.npy", "<f4", "(2, 3)", losses, 6, 1e-4);
    }
}

/* The loss goes to its limit, where the textbook's formula has NaN. */
static void test_infinite_logits(void **state) {
    (void)state;
    const double sure[2] = {INFINITY, -INFINITY}, right[2] = {1, 0}, wrong[2] = {1, 1};
    write_f4("x.npy", "(1, 2)", sure, 2);
    write_f4("right.npy", "(1, 2)", right, 2);
    write_f4("wrong.npy", "(1, 2)", wrong, 2);
    for (size_t device = 0; device < DEVICES; device++) {
        program_run run;
        run_on_device(device, "binary-cross-entropy-with-logits x.npy right.npy --json --verify", &run);
        assert_true(json_number(run.out, "loss") == 0);
        run_on_device(device, "binary-cross-entropy-with-logits x.npy wrong.npy --json --verify", &run);
        assert_non_null(strstr(run.out, "\"loss\": \"inf\""));
        assert_true(json_number(run.out, "max_error") == 0);
    }
}

/* Class weights lie along the class axis, and one-dimensional input has one class. */
static void test_class_axis(void **state) {
    (void)state;
    const double zeros[4] = {0}, ones[4] = {1, 1, 1, 1}, w[2] = {1, 5}, three[1] = {3}, four[4] = {1, 2, 3, 6};
    const double along_1[4] = {log(2), 5 * log(2), log(2), 5 * log(2)};
    const double along_0[4] = {log(2), log(2), 5 * log(2), 5 * log(2)};
    write_f4("x.npy", "(2, 2)", zeros, 4);
    write_f4("t.npy", "(2, 2)", ones, 4);
    write_f4("line.npy", "(4,)", zeros, 4);
    write_f4("ones.npy", "(4,)", ones, 4);
    write_f4("w.npy", "(2,)", w, 2);
    write_f4("three.npy", "(1,)", three, 1);
    write_f4("four.npy", "(4,)", four, 4);
    for (size_t device = 0; device < DEVICES; device++) {
        program_run run;
        const char *command = "binary-cross-entropy-with-logits";
        char line[256];
        snprintf(line, sizeof line, "%s x.npy t.npy --weight w.npy --reduction none --output l.npy", command);
        run_on_device(device, line, &run);
        expect_array("l.npy", "<f4", "(2, 2)", along_1, 4, 1e-6);
        snprintf(line, sizeof line, "%s x.npy t.npy --pos-weight w.npy --reduction none --output l.npy --axis 0",
                 command);
        run_on_device(device, line, &run);
        expect_array("l.npy", "<f4", "(2, 2)", along_0, 4, 1e-6);
        snprintf(line, sizeof line, "%s line.npy ones.npy --pos-weight three.npy", command);
        run_on_device(device, line, &run);
        assert_non_null(strstr(run.out, "4 rows of 1 class; "));
        snprintf(line, sizeof line, "%s line.npy ones.npy --pos-weight three.npy --json", command);
        run_on_device(device, line, &run);
        expect_near(json_number(run.out, "loss"), 3 * log(2), 1e-6);
        snprintf(line, sizeof line, "%s line.npy ones.npy --weight four.npy --axis 0 --json", command);
        run_on_device(device, line, &run);
        expect_near(json_number(run.out, "loss"), 3 * log(2), 1e-6);
    }
}

static void test_refusals(void **state) {
    (void)state;
    const double wide[6] = {0}, outside[4] = {.5, 1.5, 0, 1}, negative[4] = {0, 0, -.25, 0}, two[2] = {1, 2};
    const int32_t classes[4] = {0, 1, 0, 1};
    write_probabilities();
    write_f4("wide.npy", "(2, 3)", wide, 6);
    write_f4("outside.npy", "(2, 2)", outside, 4);
    write_f4("negative.npy", "(2, 2)", negative, 4);
    write_f4("two.npy", "(2,)", two, 2);
    write_f4("line.npy", "(4,)", probabilities, 4);
    write_array("y.npy", "<i4", "(2, 2)", classes, sizeof classes);
    expect_refusal(1, "binary-cross-entropy p4.npy wide.npy --output o.npy",
                   "clxent: the target has the shape (2, 3), the input (2, 2): they must be the same\n");
    expect_refusal(1, "binary-cross-entropy-with-logits wide.npy p4.npy --grad o.npy",
                   "clxent: the target has the shape (2, 2), the input (2, 3): they must be the same\n");
    expect_refusal(1, "binary-cross-entropy p4.npy y.npy",
                   "clxent: y.npy holds i4, for an input of type f4 targets must be f4\n");
    expect_refusal(1, "binary-cross-entropy p4.npy t8.npy",
                   "t8.npy holds f8, for an input of type f4 targets must be f4\n");
    expect_refusal(1, "binary-cross-entropy p8.npy y.npy", "for an input of type f8 targets must be f8 or f4\n");
    expect_refusal(1, "binary-cross-entropy p4.npy t4.npy --sample-weight two.npy",
                   "clxent: sample-weight has the shape (2,), it must be (2, 2), the input's\n");
    expect_refusal(1, "binary-cross-entropy p4.npy t4.npy --sample-weight t8.npy",
                   "clxent: sample-weight holds f8, for an input of type f4 it must be f4\n");
    expect_refusal(1, "binary-cross-entropy-with-logits p4.npy t4.npy --pos-weight p4.npy",
                   "clxent: pos-weight has the shape (2, 2), it must be one-dimensional with 2 entries\n");
    expect_refusal(1, "binary-cross-entropy-with-logits line.npy line.npy --pos-weight two.npy",
                   "clxent: pos-weight has 2 entries, but one-dimensional input has one class, unless --axis 0 is "
                   "given\n");
    expect_refusal(1, "binary-cross-entropy p4.npy t4.npy --reduction none --grad-output two.npy --grad g.npy",
                   "clxent: grad-output has the shape (2,), but with --reduction none it needs the loss's, (2, 2)\n");
    expect_refusal(2, "binary-cross-entropy p4.npy t4.npy --pos-weight two.npy",
                   "clxent: binary-cross-entropy has no option --pos-weight, the nearest is ");
    expect_refusal(2, "binary-cross-entropy-with-logits p4.npy t4.npy --label-smoothing .1",
                   "has no option --label-smoothing");
    expect_refusal(2, "binary-cros-entropy p4.npy t4.npy", "the nearest is binary-cross-entropy ");
    for (size_t device = 0; device < DEVICES; device++) {
        char words[256];
        snprintf(words, sizeof words, "binary-cross-entropy outside.npy t4.npy --output o.npy %s", devices[device]);
        expect_refusal(1, words, "clxent: input[1] = 1.5 is outside [0, 1]\n");
        snprintf(words, sizeof words, "binary-cross-entropy p4.npy negative.npy --grad g.npy %s", devices[device]);
        expect_refusal(1, words, "clxent: target[2] = -0.25 is outside [0, 1]\n");
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(test_probabilities), TEST(test_weights_of_probabilities),
        TEST(test_logits),        TEST(test_infinite_logits),
        TEST(test_class_axis),    TEST(test_refusals),
    };
    return cmocka_run_group_tests_name("program: binary cross-entropy", tests, NULL, NULL);
}
