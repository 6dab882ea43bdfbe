/* The program on 16-bit inputs: f2, which .npy knows, and bfloat16, which comes as u2. On the reference and on the
 * default device alike. */
#include "half.h"
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
static const double logits[9] = {1, 2, 3, .5, -.5, 0, -1, 4, 2};
static const double golden_grad[9] = {.080027176, .217536419,  -.297563595, 0,         0,
                                      0,          -.110455583, .097288955,  .013166628};

static void write_f2(const char *name, const char *shape, const double *values, size_t count) {
    uint16_t narrow[64];
    assert_true(count <= 64);
    for (size_t i = 0; i < count; i++)
        narrow[i] = clx_to_f16(values[i]);
    write_array(name, "<f2", shape, narrow, count * sizeof(uint16_t));
}

static double round_f2(double value) {
    return clx_from_f16(clx_to_f16(value));
}

static double round_bf16(double value) {
    return clx_from_bf16(clx_to_bf16(value));
}

static void write_bf16(const char *name, const char *shape, const double *values, size_t count) {
    uint16_t narrow[64];
    assert_true(count <= 64);
    for (size_t i = 0; i < count; i++)
        narrow[i] = clx_to_bf16(values[i]);
    write_array(name, "<u2", shape, narrow, count * sizeof(uint16_t));
}

/* Each number of a file of 16-bit elements is as expected within the tolerance. */
static void expect_narrow(const char *name, const char *type, const char *shape, const double *expected, size_t count,
                          double tolerance) {
    uint16_t got[64];
    read_npy(name, type, shape, got, count * sizeof(uint16_t));
    for (size_t i = 0; i < count; i++)
        expect_near(type[1] == 'f' ? clx_from_f16(got[i]) : clx_from_bf16(got[i]), expected[i], tolerance);
}

static const struct {
    const char *name, *file, *words; /* as JSON and the .npy file say it, and what the command line needs */
    void (*write)(const char *name, const char *shape, const double *values, size_t count);
    double (*round)(double value);
    double epsilon;
} narrow_types[] = {{"f2", "<f2", "", write_f2, round_f2, 0x1p-10},
                    {"bf16", "<u2", "--dtype bf16", write_bf16, round_bf16, 0x1p-7}};
#define NARROW_TYPES 2

/* The golden logits are exact in both types, so the loss is exact to float, and only the gradient is rounded: to the
 * nearest number, so that each is known to the bit. */
static void test_losses_of_16_bits(void **state) {
    (void)state;
    const double loss = 0.9326325499202911, one[1] = {1},
                 lse[3] = {3.40760596444438, 1.1802696706417346, 4.132845233727576};
    write_f4("one.npy", "()", one, 1);
    for (size_t i = 0; i < NARROW_TYPES; i++) {
        double grad[9];
        for (size_t k = 0; k < 9; k++)
            grad[k] = narrow_types[i].round(golden_grad[k]);
        for (size_t device = 0; device < DEVICES; device++) {
            char words[256], text[16];
            program_run run;
            narrow_types[i].write("x2.npy", "(3, 3)", logits, 9);
            snprintf(
                words, sizeof words,
                "cross-entropy x2.npy y4.npy --weight w4.npy --grad-output one.npy --output loss.npy --lse lse.npy "
                "--grad grad.npy --json --verify %s",
                narrow_types[i].words);
            run_on_device(device, words, &run);
            json_text(run.out, "type", text, sizeof text);
            assert_string_equal(text, narrow_types[i].name);
            expect_near(json_number(run.out, "loss"), loss, 1e-6);
            expect_near(json_number(run.out, "max_error"), 0, .25 * narrow_types[i].epsilon);
            expect_array("loss.npy", "<f4", "()", &loss, 1, 1e-6);
            expect_array("lse.npy", "<f4", "(3,)", lse, 3, 1e-6);
            expect_narrow("grad.npy", narrow_types[i].file, "(3, 3)", grad, 9, 0);
        }
    }
}

static void test_softmax_of_16_bits(void **state) {
    (void)state;
    /* exp of these is 1 and e. */
    const double x[4] = {0, 1, 1, 0}, g[4] = {1, 0, 0, 8}, e = exp(1), low = 1 / (1 + e), high = e / (1 + e);
    const double p[4] = {low, high, high, low};
    const double dx[4] = {low * (1 - low), -high * low, -high * 8 * low, low * (8 - 8 * low)};
    for (size_t i = 0; i < NARROW_TYPES; i++) {
        for (size_t device = 0; device < DEVICES; device++) {
            char words[256];
            program_run run;
            double epsilon = narrow_types[i].epsilon;
            narrow_types[i].write("x2.npy", "(2, 2)", x, 4);
            narrow_types[i].write("g2.npy", "(2, 2)", g, 4);
            snprintf(words, sizeof words,
                     "softmax x2.npy --output p.npy --grad-output g2.npy --grad dx.npy --json --verify %s",
                     narrow_types[i].words);
            run_on_device(device, words, &run);
            expect_narrow("p.npy", narrow_types[i].file, "(2, 2)", p, 4, .26 * epsilon);
            expect_narrow("dx.npy", narrow_types[i].file, "(2, 2)", dx, 4, 4 * epsilon);
            expect_near(json_number(run.out, "max_error"), 0, 2 * epsilon);
        }
    }
}

/* --verify sees 16-bit elements as numbers: the softmax of equal logits is the same bits on every device, and of -inf
 * it is NaN on both sides. */
static void test_verify_of_16_bits(void **state) {
    (void)state;
    const double x[8] = {2, 2, 2, 2, -INFINITY, -INFINITY, -INFINITY, -INFINITY};
    const double p[4] = {.25, .25, .25, .25};
    for (size_t i = 0; i < NARROW_TYPES; i++) {
        for (size_t device = 0; device < DEVICES; device++) {
            char words[256];
            program_run run;
            narrow_types[i].write("x2.npy", "(2, 4)", x, 8);
            snprintf(words, sizeof words, "softmax x2.npy --json --verify %s", narrow_types[i].words);
            run_on_device(device, words, &run);
            assert_true(json_number(run.out, "max_error") == 0);
            narrow_types[i].write("x2.npy", "(1, 4)", x, 4);
            snprintf(words, sizeof words, "softmax x2.npy --output p.npy %s", narrow_types[i].words);
            run_on_device(device, words, &run);
            expect_narrow("p.npy", narrow_types[i].file, "(1, 4)", p, 4, 0);
        }
    }
}

/* Targets of 16 bits beside logits of 16 bits; the numbers are exact in both types. */
static void test_targets_of_16_bits(void **state) {
    (void)state;
    const double q[9] = {0, 0, 1, 1, 0, 0, 1, 0, 0}, zeros[4] = {0}, t[4] = {.5, 1, .25, 0}, u[4] = {1, 2, 4, .5};
    write_f4("q4.npy", "(3, 3)", q, 9);
    for (size_t i = 0; i < NARROW_TYPES; i++) {
        narrow_types[i].write("x2.npy", "(3, 3)", logits, 9);
        narrow_types[i].write("q2.npy", "(3, 3)", q, 9);
        narrow_types[i].write("z2.npy", "(2, 2)", zeros, 4);
        narrow_types[i].write("t2.npy", "(2, 2)", t, 4);
        narrow_types[i].write("u2.npy", "(2, 2)", u, 4);
        for (size_t device = 0; device < DEVICES; device++) {
            char words[256];
            program_run run;
            for (int wide = 0; wide < 2; wide++) {
                snprintf(words, sizeof words, "cross-entropy x2.npy q%c.npy --weight w4.npy --json %s",
                         wide ? '4' : '2', narrow_types[i].words);
                run_on_device(device, words, &run);
                expect_near(json_number(run.out, "loss"), 0.7561635517, 1e-6);
            }
            snprintf(words, sizeof words,
                     "binary-cross-entropy-with-logits z2.npy t2.npy --sample-weight u2.npy --json %s",
                     narrow_types[i].words);
            run_on_device(device, words, &run);
            expect_near(json_number(run.out, "loss"), 7.5 * log(2) / 4, 1e-6);
        }
    }
}

static void test_dtype(void **state) {
    (void)state;
    write_f2("half.npy", "(3, 3)", logits, 9);
    write_bf16("bits.npy", "(3, 3)", logits, 9);
    expect_success("softmax half.npy --dtype f2 --device reference");
    expect_success("softmax x4.npy --dtype=f4 --device reference");
    expect_success("log-softmax x8.npy --dtype f8 --device reference");
    expect_refusal(1, "softmax bits.npy --output o.npy",
                   "bits.npy holds u2, which is read as bfloat16 only with --dtype bf16");
    expect_refusal(1, "nll-loss bits.npy y4.npy --grad o.npy", "only with --dtype bf16");
    expect_refusal(1, "softmax bits.npy --dtype f2", "bits.npy holds u2, but --dtype f2 needs f2");
    expect_refusal(1, "softmax half.npy --dtype bf16", "half.npy holds f2, but --dtype bf16 needs u2");
    expect_refusal(1, "cross-entropy x4.npy y4.npy --dtype f8", "x4.npy holds f4, but --dtype f8 needs f8");
    expect_refusal(1, "cross-entropy x4.npy bits.npy", "bits.npy holds u2, for an input of type f4 targets must be u1");
    expect_refusal(1, "cross-entropy half.npy y4.npy --weight half.npy",
                   "weight holds f2, for an input of type f2 it must be f4");
    expect_refusal(1, "cross-entropy bits.npy y4.npy --dtype bf16 --grad-output w8.npy --grad g.npy",
                   "grad-output holds f8, for an input of type bf16 it must be f4");
    expect_refusal(1, "softmax bits.npy --dtype bf16 --grad-output x4.npy --grad g.npy",
                   "grad-output holds f4, for an input of type bf16 it must be u2");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(test_losses_of_16_bits),
        TEST(test_softmax_of_16_bits),
        TEST(test_verify_of_16_bits),
        TEST(test_targets_of_16_bits),
        TEST(test_dtype),
    };
    return cmocka_run_group_tests_name("program: 16-bit types", tests, NULL, NULL);
}
