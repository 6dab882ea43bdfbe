/* What the program refuses, from outside: the exit status, one sentence on standard error, and no file made, changed or
 * lost. */
#include "run_program.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

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
    expect_refusal(2, "softmax x4.npy --dtype f16", "--dtype is \"f16\", it must be f2, f4, f8 or bf16");
    expect_refusal(2, "check --device reference", "the device cannot be the reference");
    expect_refusal(2, "check --op softmix", "--op is \"softmix\", which it cannot be; the nearest is softmax");
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
    write_array("complex.npy", "<c8", "(1,)", two, 8);
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
    expect_refusal(1, "softmax complex.npy --output o.npy", "'<c8'");
    expect_refusal(1, "softmax big.npy --output o.npy", "big-endian");
    expect_refusal(1, "softmax int.npy --output o.npy", "int.npy holds i4, the input must be f2, f4 or f8, or u2");
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
    expect_refusal(1, "nll-loss x4.npy x4.npy", "clxent: x4.npy holds f4, targets must be u1, i4 or i8\n");
    expect_refusal(1, "cross-entropy x4.npy x8.npy",
                   "clxent: x8.npy holds f8, for an input of type f4 targets must be u1, i4 or i8, or probabilities in "
                   "f4\n");
    expect_refusal(
        1, "cross-entropy x4.npy w4.npy",
        "clxent: the target holds f4 and has the shape (3,), but probabilities need the input's, (3, 3), and "
        "class indices u1, i4 or i8\n");
    expect_refusal(1, "cross-entropy x4.npy y2.npy", "target has the shape (2,), but an input of the shape (3, 3)");
    expect_refusal(1, "cross-entropy x4.npy y4.npy --weight w2.npy", "weight has 2 entries, the class axis has 3");
    expect_refusal(1, "cross-entropy x4.npy y4.npy --weight w2d.npy", "weight has the shape (1, 3)");
    expect_refusal(1, "cross-entropy x4.npy y4.npy --weight w8.npy",
                   "weight holds f8, for an input of type f4 it must be f4");
    expect_refusal(1, "cross-entropy x8.npy y4.npy --weight w4.npy",
                   "weight holds f4, for an input of type f8 it must be f8");
    expect_refusal(1, "softmax x4.npy --grad-output x8.npy --grad g.npy",
                   "grad-output holds f8, for an input of type f4 it must be f4");
    expect_refusal(1, "softmax x4.npy --grad-output w4.npy --grad g.npy",
                   "grad-output has the shape (3,), the input (3, 3)");
    expect_refusal(1, "cross-entropy x4.npy y4.npy --grad-output g2.npy --grad g.npy", "needs one number");
    expect_refusal(1, "nll-loss x4.npy y4.npy --reduction none --grad-output g2.npy --grad g.npy",
                   "grad-output has the shape (2,), but with --reduction none it needs the loss's, (3,)");
    for (size_t device = 0; device < DEVICES; device++) {
        char words[256];
        snprintf(words, sizeof words, "cross-entropy x4.npy bad.npy --output o.npy --grad g.npy %s", devices[device]);
        expect_refusal(1, words, "target[2] = 12 is outside [0, 3)");
        snprintf(words, sizeof words, "cross-entropy x4.npy y4.npy --target2 bad.npy --mix .5 --argmax a.npy %s",
                 devices[device]);
        expect_refusal(1, words, "clxent: target2[2] = 12 is outside [0, 3)\n");
    }
    expect_refusal(1, "softmax x4.npy --device 4096 --output o.npy", "4096");
}

/* Numbers outside their range, and options that need another one or exclude it. */
static void test_options_of_losses(void **state) {
    (void)state;
    static const struct {
        int status;
        const char *words, *says;
    } cases[] = {
        {2, "--mix 1.5 --target2 y4.npy", "clxent: --mix is 1.5, it must be a number from 0 to 1 (see"},
        {2, "--mix .5x --target2 y4.npy", "clxent: --mix is .5x, it must be"},
        {2, "--z-loss -1", "clxent: --z-loss is -1, it must be a finite number of 0 or more (see"},
        {2, "--softcap=-2", "clxent: --softcap is -2, it must be a finite number of 0 or more (see"},
        {2, "--softcap nan", "clxent: --softcap is nan, it must be"},
        {2, "--scale inf", "clxent: --scale is inf, it must be a finite number (see"},
        {2, "--reg-lambda 1e999", "clxent: --reg-lambda is 1e999, it must be a finite number (see"},
        {2, "--grad-scale two --grad g.npy", "clxent: --grad-scale is two, it must be a finite number (see"},
        {2, "--mix .5", "clxent: --mix is given without --target2, which it is for (see"},
        {2, "--target2 y4.npy", "clxent: --target2 is given without --mix, the share of TARGET.npy in the loss (see"},
        {2, "--grad-scale 2", "clxent: --grad-scale is given without --grad, which it is for (see"},
        {2, "--reduction sum --empty-mean-zero",
         "clxent: --empty-mean-zero is for --reduction mean, but that is sum (see"},
        {2, "--pos-weight w4.npy", "clxent: cross-entropy has no option --pos-weight, the nearest is --weight (see"},
        {2, "--sample-wieght w4.npy", "no option --sample-wieght, the nearest is --sample-weight (see"},
        {2, "--accuracy=yes", "clxent: --accuracy takes no value"},
        {1, "--target2 y8.npy --mix .5", "clxent: target2 holds i8, the target i4: both must be of one type\n"},
        {1, "--target2 y2.npy --mix .5", "clxent: target2 has the shape (2,), the target (3,)\n"},
        {1, "--target2 missing.npy --mix .5", "missing.npy: No such file"},
        {1, "--sample-weight w8.npy", "clxent: sample-weight holds f8, for an input of type f4 it must be f4\n"},
        {1, "--sample-weight x4.npy",
         "clxent: sample-weight has the shape (3, 3), it must be (3,), one number for each row\n"},
        {1, "--argmax nowhere/a.npy", "cannot write nowhere/a.npy"},
    };
    const int32_t two[2] = {0, 1};
    write_array("y2.npy", "<i4", "(2,)", two, sizeof two);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char words[256];
        snprintf(words, sizeof words, "cross-entropy x4.npy y4.npy --output o.npy --device reference %s",
                 cases[i].words);
        expect_refusal(cases[i].status, words, cases[i].says);
    }
    expect_refusal(2, "nll-loss x4.npy y4.npy --z-loss 1", "nll-loss has no option --z-loss");
    expect_refusal(2, "nll-loss x4.npy y4.npy --argmax a.npy", "nll-loss has no option --argmax");
    expect_refusal(2, "nll-loss x4.npy y4.npy --grad-scale 2", "--grad-scale is given without --grad");
}

/* Probabilities have no class that could be ignored, mixed or right. */
static void test_options_of_classes(void **state) {
    (void)state;
    expect_refusal(1, "cross-entropy x4.npy x4.npy --target2 y4.npy --mix .5 --output o.npy",
                   "clxent: --target2 needs class indices, but x4.npy holds probabilities (f4)\n");
    expect_refusal(1, "cross-entropy x4.npy x4.npy --ignore-index 1 --output o.npy",
                   "clxent: --ignore-index needs class indices, but x4.npy holds probabilities (f4)\n");
    expect_refusal(1, "cross-entropy x8.npy x4.npy --accuracy --output o.npy",
                   "clxent: --accuracy needs class indices, but x4.npy holds probabilities (f4)\n");
}

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

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(test_usage_errors),
        TEST(test_unreadable_files),
        TEST(test_wrong_arrays),
        TEST(test_options_of_losses),
        TEST(test_options_of_classes),
        TEST(test_refused_outputs),
        TEST(test_old_output_survives_a_refusal),
    };
    return cmocka_run_group_tests_name("program: refusals", tests, NULL, NULL);
}
