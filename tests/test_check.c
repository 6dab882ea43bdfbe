/* The judge behind `clxent check`: does it pass what is right, and does it see one wrong element? The device is played by
 * the reference, in clxent_run too (the linker's --wrap). */
#include "check_compare.h"
#include "check_shards.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include <math.h>

#define LARGEST_GROUP 256

/* Visits the cases of all lines; those of a vocabulary's size are left out, to stay quick. */
typedef void visitor(const check_line *line, const check_case *c);

static void for_each_case(visitor *visit) {
    check_line line;
    check_case c;
    for (size_t i = 0; check_get_line(i, false, &line); i++)
        for (size_t j = 0; check_get_case(&line, j, LARGEST_GROUP, &c); j++)
            if (c.desc.classes <= 1000)
                visit(&line, &c);
}

static void run_both(check_data *data, const check_case *c) {
    assert_true(check_data_init(data, c));
    clxent_host_args got = check_data_args(data, c, &data->got), expected = check_data_args(data, c, &data->expected);
    if (clxent_reference(&c->desc, &got) != CLXENT_SUCCESS || clxent_reference(&c->desc, &expected) != CLXENT_SUCCESS)
        fail_msg("%s", clxent_last_error());
}

/* Has the output padding, which is NaN? */
static bool is_padded(const check_case *c) {
    return check_is_elementwise(c->desc.op) && c->desc.row_stride > 0;
}

/* A batch without poison in it has finite results, or one row would hide the others in a mean. */
static void expect_agreement(const check_line *line, const check_case *c) {
    (void)line;
    check_data data;
    run_both(&data, c);
    assert_true(check_compare(&data, c).ratio == 0);
    if (data.got.output != NULL && check_is_loss(c->desc.op) && !c->poison && c->desc.batch > 0 && !is_padded(c))
        for (size_t i = 0; i < data.output_elements; i++)
            assert_true(isfinite(clx_load(check_output_type(c), data.got.output, i)));
    check_data_free(&data);
}

clxent_status __wrap_clxent_run(clxent_context *context, const clxent_desc *desc, const clxent_host_args *args);
clxent_status __wrap_clxent_run(clxent_context *context, const clxent_desc *desc, const clxent_host_args *args) {
    (void)context;
    return clxent_reference(desc, args);
}

/* Dealt out, merged and put together again, a case is what it is in one piece. */
static void expect_shards_agree(const check_line *line, const check_case *c) {
    check_data data;
    if (!line->shards)
        return;
    assert_true(check_data_init(&data, c));
    clxent_host_args got = check_data_args(&data, c, &data.got), expected = check_data_args(&data, c, &data.expected);
    if (check_run_shards(NULL, c, &got) != CLXENT_SUCCESS || clxent_reference(&c->desc, &expected) != CLXENT_SUCCESS)
        fail_msg("%s", clxent_last_error());
    assert_true(check_compare(&data, c).ratio <= 1);
    check_data_free(&data);
}

static void test_shards_pass(void **state) {
    (void)state;
    for_each_case(expect_shards_agree);
}

static void test_equal_results_pass(void **state) {
    (void)state;
    for_each_case(expect_agreement);
}

/* An error that no result of a type may have, relative to results above 1. In a 16-bit type it is a few times the
 * distance of neighbouring numbers. */
static double fault_of(clxent_dtype type) {
    return type == CLXENT_F16 ? 0x1p-8 : type == CLXENT_BF16 ? 0x1p-5 : 1e-3;
}

/* Spoils an element by `faults` such errors, looks whether that is seen, and puts it back. */
static void expect_sight(const check_data *data, const check_case *c, clxent_dtype type, void *array, size_t i,
                         double faults) {
    double value = clx_load(type, array, i);
    double error = faults * fault_of(type) * (fabs(value) > 1 && isfinite(value) ? fabs(value) : 1);
    clx_store(type, array, i, isfinite(value) ? value + error : 0);
    assert_true(check_compare(data, c).ratio > 1);
    assert_int_equal(check_compare(data, c).index, i);
    clx_store(type, array, i, value);
}

/* One element off by a fault, wherever it is; where NaN or infinity belongs, a number. That includes padding, which is
 * NaN where nobody wrote to it. */
static void expect_faults_seen(const check_line *line, const check_case *c) {
    clxent_dtype output = check_output_type(c), storage = line->dtype;
    check_data data;
    run_both(&data, c);
    if (data.got.output != NULL && data.output_elements > 0) {
        expect_sight(&data, c, output, data.got.output, 0, 1);
        expect_sight(&data, c, output, data.got.output, data.output_elements - 1, -1);
        expect_sight(&data, c, output, data.got.output, data.output_elements / 2, NAN);
    }
    if (data.got.lse != NULL && data.rows > 0)
        expect_sight(&data, c, check_real_type(storage), data.got.lse, data.rows - 1, 1);
    if (data.got.grad_input != NULL && data.span > 0) {
        expect_sight(&data, c, storage, data.got.grad_input, 0, 1);
        expect_sight(&data, c, storage, data.got.grad_input, data.span / 2, -1);
    }
    if (data.got.grad_linear_weight != NULL) {
        expect_sight(&data, c, check_real_type(storage), data.got.grad_linear_weight, data.layer_elements - 1, 1);
        expect_sight(&data, c, check_real_type(storage), data.got.grad_linear_bias, c->desc.classes - 1, -1);
    }
    check_data_free(&data);
}

/* Classes and counts are exact: one off by one is seen. */
static void expect_count_faults_seen(const check_line *line, const check_case *c) {
    (void)line;
    check_data data;
    if (!c->argmax && !c->counts)
        return;
    run_both(&data, c);
    check_results *got = &data.got;
    if (got->argmax != NULL && data.rows > 0 && c->desc.logit_softcap == 0) {
        got->argmax[data.rows / 2]++;
        assert_string_equal(check_compare(&data, c).tensor, "argmax");
        got->argmax[data.rows / 2]--;
    }
    if (c->counts) {
        got->invalid++;
        assert_string_equal(check_compare(&data, c).tensor, "invalid_count");
        got->invalid--;
    }
    if (c->counts && got->argmax != NULL) {
        got->correct--;
        assert_string_equal(check_compare(&data, c).tensor, "correct_count");
        got->correct++;
    }
    assert_true(check_compare(&data, c).ratio == 0);
    check_data_free(&data);
}

static void test_wrong_counts_fail(void **state) {
    (void)state;
    for_each_case(expect_count_faults_seen);
}

/* Where the cap makes logits as good as equal, either class will do; where it does not, and without a cap, it will not.
 */
static void test_ties(void **state) {
    (void)state;
    check_case c = {.argmax = true, .counts = true};
    check_data data;
    clxent_desc_init(&c.desc, CLXENT_CROSS_ENTROPY);
    c.desc.logit_softcap = 5;
    c.desc.batch = 1;
    c.desc.classes = 3;
    run_both(&data, &c);
    float *x = data.input;
    int32_t *y = data.target;
    y[0] = 1;
    x[0] = 1;
    x[1] = 60;
    x[2] = 70;
    data.expected.argmax[0] = 1;
    data.got.argmax[0] = 2;
    data.expected.correct = 1;
    data.got.correct = 0;
    assert_true(check_compare(&data, &c).ratio == 0);
    data.got.argmax[0] = 0;
    assert_true(isinf(check_compare(&data, &c).ratio));
    data.got.argmax[0] = 3;
    assert_true(isinf(check_compare(&data, &c).ratio));
    data.got.argmax[0] = 1;
    assert_string_equal(check_compare(&data, &c).tensor, "correct_count");
    data.got.argmax[0] = 2;
    c.desc.logit_softcap = 0;
    assert_string_equal(check_compare(&data, &c).tensor, "argmax");
    check_data_free(&data);
}

static void test_wrong_results_fail(void **state) {
    (void)state;
    for_each_case(expect_faults_seen);
}

/* A result in a 16-bit type may be the neighbour of the right number, subnormal ones included. Two steps are seen
 * in the lower half between two powers of two, where these numbers are. */
static void test_neighbours_pass(void **state) {
    (void)state;
    for (clxent_dtype type = CLXENT_F16; type <= CLXENT_BF16; type++) {
        check_case c = {.seed = 0};
        check_data data;
        clxent_desc_init(&c.desc, CLXENT_SOFTMAX);
        c.desc.dtype = type;
        c.desc.batch = 2;
        c.desc.classes = 2;
        run_both(&data, &c);
        uint16_t *got = data.got.output, *expected = data.expected.output;
        const uint16_t numbers[4] = {type == CLXENT_F16 ? 3 : 0x0100, 0x3c02, 0x3c10, 0x3c20};
        for (size_t i = 0; i < 4; i++) {
            for (int off = -2; off <= 2; off++) {
                expected[i] = numbers[i];
                got[i] = (uint16_t)(numbers[i] + off);
                bool tiny = i == 0 && type == CLXENT_BF16; /* so small that exp may have been cut off */
                assert_true((check_compare(&data, &c).ratio <= 1) == (tiny || (off >= -1 && off <= 1)));
            }
            got[i] = numbers[i];
        }
        check_data_free(&data);
    }
}

static void test_padding_is_watched(void **state) {
    (void)state;
    check_case c = {.seed = 1};
    check_data data;
    clxent_desc_init(&c.desc, CLXENT_SOFTMAX);
    c.desc.batch = 2;
    c.desc.classes = 3;
    c.desc.row_stride = 5;
    run_both(&data, &c);
    ((float *)data.got.output)[4] = 0;
    assert_true(isinf(check_compare(&data, &c).ratio));
    check_data_free(&data);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_equal_results_pass), cmocka_unit_test(test_wrong_results_fail),
        cmocka_unit_test(test_wrong_counts_fail),  cmocka_unit_test(test_ties),
        cmocka_unit_test(test_neighbours_pass),    cmocka_unit_test(test_padding_is_watched),
        cmocka_unit_test(test_shards_pass),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
