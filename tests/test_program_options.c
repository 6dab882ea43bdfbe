/* The options of cross-entropy and nll-loss as a user meets them: their numbers, against formulas written out here, on
 * the reference and on the default device alike. */
#include "run_program.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include <math.h>

/* The golden values of docs/numerics.md; targets that count everywhere, and second ones. */
static const double logits[9] = {1, 2, 3, .5, -.5, 0, -1, 4, 2}, weights[3] = {.25, 1, 2};
static const int32_t targets[3] = {2, 0, 0}, targets2[3] = {0, 1, 2};

static double lse_of(const double x[3]) {
    return log(exp(x[0]) + exp(x[1]) + exp(x[2]));
}

/* -log of the probability of a class of a golden row. */
static double loss_of(size_t row, int32_t class) {
    return lse_of(logits + 3 * row) - logits[3 * row + (size_t) class];
}

/* The weighted mean of the golden rows. */
static double mean_of(const int32_t y[3]) {
    double sum = 0, divisor = 0;
    for (size_t row = 0; row < 3; row++) {
        sum += weights[y[row]] * loss_of(row, y[row]);
        divisor += weights[y[row]];
    }
    return sum / divisor;
}

static void expect_loss(const char *words, double loss) {
    for (size_t device = 0; device < DEVICES; device++) {
        char line[256];
        program_run run;
        snprintf(line, sizeof line, "cross-entropy %s --json --verify", words);
        if (!run_on_device(device, line, &run))
            continue;
        double tolerance = strstr(words, "8.npy") != NULL ? 1e-13 : 2e-6;
        expect_near(json_number(run.out, "loss"), loss, tolerance);
        expect_near(json_number(run.out, "max_error"), 0, tolerance);
    }
}

static void write_both(const char *name, const char *shape, const double *values, size_t count) {
    char file[64];
    snprintf(file, sizeof file, "%s4.npy", name);
    write_f4(file, shape, values, count);
    snprintf(file, sizeof file, "%s8.npy", name);
    write_f8(file, shape, values, count);
}

static void write_targets(void) {
    write_array("y.npy", "<i4", "(3,)", targets, sizeof targets);
    write_array("z.npy", "<i4", "(3,)", targets2, sizeof targets2);
}

/* The golden value, and that class indices divide by their weights instead. */
static void test_target_probabilities(void **state) {
    (void)state;
    const double one_hot[9] = {0, 0, 1, 1, 0, 0, 1, 0, 0};
    double grad[9];
    for (size_t row = 0; row < 3; row++)
        for (size_t k = 0; k < 3; k++) {
            double p = exp(logits[3 * row + k] - lse_of(logits + 3 * row)), w = weights[targets[row]];
            grad[3 * row + k] = w * (p - one_hot[3 * row + k]) / 3;
        }
    write_both("q", "(3, 3)", one_hot, 9);
    write_targets();
    expect_loss("x4.npy q4.npy --weight w4.npy", 0.7561635517);
    expect_loss("x8.npy q8.npy --weight w8.npy", mean_of(targets) * 2.5 / 3);
    expect_loss("x8.npy q4.npy --weight w8.npy", mean_of(targets) * 2.5 / 3);
    expect_loss("x4.npy y.npy --weight w4.npy", 0.9073962620);
    expect_loss("x8.npy q8.npy --weight w8.npy --reduction sum", mean_of(targets) * 2.5);
    for (size_t device = 0; device < DEVICES; device++) {
        program_run run;
        run_on_device(device, "cross-entropy x4.npy q4.npy --weight w4.npy --grad g.npy --argmax a.npy", &run);
        expect_array("g.npy", "<f4", "(3, 3)", grad, 9, 1e-6);
        assert_non_null(strstr(run.out, "3 rows of 3 classes; "));
        assert_null(strstr(run.out, "correct"));
    }
}

static void test_mixed_targets(void **state) {
    (void)state;
    const double mixed = .25 * mean_of(targets) + .75 * mean_of(targets2);
    write_targets();
    expect_loss("x8.npy y.npy --weight w8.npy --target2 z.npy --mix .25", mixed);
    expect_loss("x4.npy y.npy --weight w4.npy --target2 z.npy --mix .25", mixed);
    expect_loss("x4.npy y.npy --weight w4.npy --target2 z.npy --mix 1", mean_of(targets));
    expect_loss("x4.npy y.npy --weight w4.npy --target2 z.npy --mix 0", mean_of(targets2));
}

static void test_numbers(void **state) {
    (void)state;
    double plain = 0, squares = 0, powers = 0, bent = 0;
    for (size_t row = 0; row < 3; row++) {
        double lse = lse_of(logits + 3 * row), x[3];
        plain += loss_of(row, targets[row]) / 3;
        squares += lse * lse / 3;
        for (size_t k = 0; k < 3; k++) {
            powers += exp(2 * (logits[3 * row + k] - lse)) / 3;
            x[k] = 2 * tanh(1.5 * logits[3 * row + k] / 2);
        }
        bent += (lse_of(x) - x[targets[row]]) / 3;
    }
    write_targets();
    expect_loss("x8.npy y.npy --z-loss .5", plain + .5 * squares);
    expect_loss("x8.npy y.npy --reg-lambda=-.25", plain - .25 * powers);
    expect_loss("x8.npy y.npy --scale 1.5 --softcap 2", bent);
    expect_loss("x4.npy y.npy --scale 1.5 --softcap 2", bent);
    expect_loss("x4.npy y.npy --z-loss .5 --reg-lambda .25", plain + .5 * squares + .25 * powers);
}

static void test_sample_weight(void **state) {
    (void)state;
    const double u[3] = {2, 1, .5}, log_probs[6] = {-1, -2, -3, -.5, -.25, -4};
    /* Row 1 is ignored. */
    const double loss = (2 * 2 * loss_of(0, 2) + .5 * .25 * loss_of(2, 0)) / (2 * 2 + .5 * .25);
    const double grad[6] = {0, 0, -2 * 2 / 3., 0, -2 * 1 / 3., 0};
    const uint8_t y[2] = {2, 1};
    write_both("u", "(3,)", u, 3);
    write_f4("u.npy", "(2,)", u, 2);
    write_f4("lp.npy", "(2, 3)", log_probs, 6);
    write_array("y.npy", "|u1", "(2,)", y, sizeof y);
    expect_loss("x8.npy y8.npy --weight w8.npy --sample-weight u8.npy", loss);
    expect_loss("x4.npy y4.npy --weight w4.npy --sample-weight u4.npy", loss);
    for (size_t device = 0; device < DEVICES; device++) {
        program_run run;
        run_on_device(device, "nll-loss lp.npy y.npy --sample-weight u.npy --json --grad g.npy --grad-scale 2 --verify",
                      &run);
        expect_near(json_number(run.out, "loss"), (2 * 3 + 1 * .25) / 3, 1e-6);
        expect_near(json_number(run.out, "max_error"), 0, 1e-6);
        expect_array("g.npy", "<f4", "(2, 3)", grad, 6, 1e-6);
    }
}

static void test_grad_scale(void **state) {
    (void)state;
    const double golden[9] = {.080027176, .217536419, -.297563595, 0, 0, 0, -.110455583, .097288955, .013166628};
    double scaled[9];
    for (size_t i = 0; i < 9; i++)
        scaled[i] = -1024 * golden[i];
    for (size_t device = 0; device < DEVICES; device++) {
        program_run run;
        run_on_device(device, "cross-entropy x4.npy y4.npy --weight w4.npy --grad g.npy --grad-scale -1024 --json",
                      &run);
        expect_array("g.npy", "<f4", "(3, 3)", scaled, 9, 1e-4);
        expect_near(json_number(run.out, "loss"), 0.9326325499202911, 1e-6);
    }
}

static void test_empty_mean_zero(void **state) {
    (void)state;
    const int32_t ignored[3] = {-100, -100, -100};
    write_array("none.npy", "<i4", "(3,)", ignored, sizeof ignored);
    write_f4("empty.npy", "(0, 3)", NULL, 0);
    write_array("nothing.npy", "<i4", "(0,)", NULL, 0);
    static const char *const words[] = {"cross-entropy x4.npy none.npy", "nll-loss x4.npy none.npy",
                                        "cross-entropy empty.npy nothing.npy",
                                        "binary-cross-entropy empty.npy empty.npy"};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        for (size_t device = 0; device < DEVICES; device++) {
            char line[128];
            program_run run;
            snprintf(line, sizeof line, "%s --json", words[i]);
            run_on_device(device, line, &run);
            assert_non_null(strstr(run.out, "\"loss\": \"nan\""));
            snprintf(line, sizeof line, "%s --json --empty-mean-zero", words[i]);
            run_on_device(device, line, &run);
            assert_true(json_number(run.out, "loss") == 0);
        }
    }
}

/* The golden row 1 is ignored, row 0 has its largest logit at the target and row 2 has not. */
static void test_accuracy(void **state) {
    (void)state;
    const int64_t expected[3] = {2, 0, 1};
    const int32_t second[3] = {0, 0, -100}, ignored[3] = {-100, -100, -100};
    int64_t argmax[3];
    write_array("z.npy", "<i4", "(3,)", second, sizeof second);
    write_array("none.npy", "<i4", "(3,)", ignored, sizeof ignored);
    for (size_t device = 0; device < DEVICES; device++) {
        program_run run;
        run_on_device(device, "cross-entropy x4.npy y4.npy --accuracy", &run);
        assert_non_null(strstr(run.out, "\ncorrect: 1 of 2 (50.0 %)\n"));
        run_on_device(device, "cross-entropy x4.npy y4.npy --accuracy --json", &run);
        assert_true(json_number(run.out, "correct") == 1);
        assert_true(json_number(run.out, "accuracy") == .5);
        run_on_device(device, "cross-entropy x4.npy y4.npy --argmax a.npy --json --verify", &run);
        assert_true(json_number(run.out, "correct") == 1);
        assert_true(json_number(run.out, "argmax_differences") == 0);
        read_npy("a.npy", "<i8", "(3,)", argmax, sizeof argmax);
        assert_memory_equal(argmax, expected, sizeof argmax);
        run_on_device(device, "cross-entropy x4.npy y4.npy --argmax a.npy --grad g.npy --verify", &run);
        assert_non_null(strstr(run.out, "\nargmax is that of the reference in every row\n"));
        /* Only the first target is compared; a row that the second one alone ignores counts. */
        run_on_device(device, "cross-entropy x4.npy y4.npy --target2 z.npy --mix .5 --accuracy", &run);
        assert_non_null(strstr(run.out, "0 ignored"));
        assert_non_null(strstr(run.out, "\ncorrect: 1 of 2 (50.0 %)\n"));
        run_on_device(device, "cross-entropy x4.npy none.npy --accuracy", &run);
        assert_non_null(strstr(run.out, "3 ignored"));
        assert_non_null(strstr(run.out, "\ncorrect: 0 of 0\n"));
        run_on_device(device, "cross-entropy x4.npy y4.npy --json", &run);
        assert_null(strstr(run.out, "correct"));
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(test_target_probabilities), TEST(test_mixed_targets),   TEST(test_numbers),  TEST(test_sample_weight),
        TEST(test_grad_scale),           TEST(test_empty_mean_zero), TEST(test_accuracy),
    };
    return cmocka_run_group_tests_name("program: options", tests, NULL, NULL);
}
