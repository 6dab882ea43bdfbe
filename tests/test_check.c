/* The judge behind `clxent check`: does it have every combination, does it pass what is right, and does it see one
 * wrong element? The device is played by the reference. */
#include "check_compare.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include <math.h>

#define LARGEST_GROUP 256

/* Visits the cases of all lines; those of a vocabulary's size are left out, to stay quick. */
typedef void visitor(const check_line *line, const check_case *c);

static void for_each_case(visitor *visit) {
    check_line line;
    check_case c;
    for (size_t i = 0; check_get_line(i, &line); i++)
        for (size_t j = 0; check_get_case(&line, j, LARGEST_GROUP, &c); j++)
            if (c.desc.classes <= 1000)
                visit(&line, &c);
}

static void test_combinations(void **state) {
    (void)state;
    static bool seen[4][3][4][4][3];
    check_line line;
    check_case c;
    size_t lines = 0, large = 0;
    for (; check_get_line(lines, &line); lines++)
        for (size_t j = 0; check_get_case(&line, j, LARGEST_GROUP, &c); j++) {
            assert_true(c.desc.op == line.op && c.desc.pass == line.pass && c.desc.engine == line.engine);
            seen[line.op][line.pass][line.dtype][line.engine][c.desc.target_type] = true;
            large += c.desc.classes == 50257;
        }
    assert_int_equal(lines, 9 * 4 * 3);
    assert_true(large >= lines);
    for (int op = CLXENT_NLL_LOSS; op <= CLXENT_CROSS_ENTROPY; op++)
        for (int pass = 0; pass < (op == CLXENT_CROSS_ENTROPY ? 3 : 2); pass++)
            for (int engine = CLXENT_ENGINE_ROW_PER_ITEM; engine <= CLXENT_ENGINE_COLUMN; engine++)
                for (int type = 0; type < 3; type++)
                    assert_true(seen[op][pass][CLXENT_F32][engine][type]);
    /* In the other storage types one target type each, but all of them in every operation. */
    for (int op = CLXENT_NLL_LOSS; op <= CLXENT_CROSS_ENTROPY; op++)
        for (int dtype = CLXENT_F64; dtype <= CLXENT_BF16; dtype++)
            for (int type = 0; type < 3; type++)
                assert_true(seen[op][CLXENT_FORWARD][dtype][CLXENT_ENGINE_ROW_PER_ITEM][type] +
                                seen[op][CLXENT_FORWARD][dtype][CLXENT_ENGINE_ROW_PER_GROUP][type] +
                                seen[op][CLXENT_FORWARD][dtype][CLXENT_ENGINE_COLUMN][type] ==
                            1);
}

static void run_both(check_data *data, const check_case *c) {
    assert_true(check_data_init(data, c));
    clxent_host_args got = check_data_args(data, &data->got), expected = check_data_args(data, &data->expected);
    if (clxent_reference(&c->desc, &got) != CLXENT_SUCCESS || clxent_reference(&c->desc, &expected) != CLXENT_SUCCESS)
        fail_msg("%s", clxent_last_error());
}

/* A batch without poison in it has finite results, or one row would hide the others in a mean. */
static void expect_agreement(const check_line *line, const check_case *c) {
    (void)line;
    check_data data;
    run_both(&data, c);
    assert_true(check_compare(&data, c).ratio == 0);
    if (data.got.output != NULL && check_is_loss(c->desc.op) && !c->poison)
        for (size_t i = 0; i < data.output_elements; i++)
            assert_true(isfinite(check_get(check_output_type(c), data.got.output, i)));
    check_data_free(&data);
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
    double value = check_get(type, array, i);
    double error = faults * fault_of(type) * (fabs(value) > 1 && isfinite(value) ? fabs(value) : 1);
    check_set(type, array, i, isfinite(value) ? value + error : 0);
    assert_true(check_compare(data, c).ratio > 1);
    assert_int_equal(check_compare(data, c).index, i);
    check_set(type, array, i, value);
}

/* One element off by a fault, wherever it is; where NaN or infinity belongs, a number. That includes padding, which is
 * NaN where nobody wrote to it. */
static void expect_faults_seen(const check_line *line, const check_case *c) {
    clxent_dtype output = check_output_type(c), storage = line->dtype;
    check_data data;
    run_both(&data, c);
    if (data.got.output != NULL) {
        expect_sight(&data, c, output, data.got.output, 0, 1);
        expect_sight(&data, c, output, data.got.output, data.output_elements - 1, -1);
        expect_sight(&data, c, output, data.got.output, data.output_elements / 2, NAN);
    }
    if (data.got.lse != NULL)
        expect_sight(&data, c, check_real_type(storage), data.got.lse, data.rows - 1, 1);
    if (data.got.grad_input != NULL) {
        expect_sight(&data, c, storage, data.got.grad_input, 0, 1);
        expect_sight(&data, c, storage, data.got.grad_input, data.span / 2, -1);
    }
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
        cmocka_unit_test(test_combinations),       cmocka_unit_test(test_equal_results_pass),
        cmocka_unit_test(test_wrong_results_fail), cmocka_unit_test(test_neighbours_pass),
        cmocka_unit_test(test_padding_is_watched),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
