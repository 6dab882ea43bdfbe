/* What `clxent bench` measures, from inside: the bytes that each pass must move, shapes, and the lists of cases. */
#include "bench_cases.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static bench_case make(clxent_op op, clxent_pass pass, clxent_dtype dtype, const char *shape) {
    bench_case c = {.op = op, .pass = pass, .dtype = dtype};
    assert_true(bench_parse_shape(shape, &c));
    return c;
}

/* In a 3 x 5 x 2 tensor there are 30 elements and 6 rows. */
static void test_bytes(void **state) {
    (void)state;
    static const struct {
        clxent_op op;
        clxent_pass pass;
        clxent_dtype dtype;
        double bytes;
    } expected[] = {
        {CLXENT_SOFTMAX, CLXENT_FORWARD, CLXENT_F32, 2 * 120},
        {CLXENT_SOFTMAX, CLXENT_BACKWARD, CLXENT_F32, 3 * 120},
        {CLXENT_LOG_SOFTMAX, CLXENT_FORWARD, CLXENT_F64, 2 * 240},
        {CLXENT_LOG_SOFTMAX, CLXENT_BACKWARD, CLXENT_BF16, 3 * 60},
        {CLXENT_NLL_LOSS, CLXENT_FORWARD, CLXENT_F32, 6 * 4 + 24},
        {CLXENT_NLL_LOSS, CLXENT_BACKWARD, CLXENT_F32, 120 + 24},
        {CLXENT_CROSS_ENTROPY, CLXENT_FORWARD, CLXENT_F32, 120 + 24},
        {CLXENT_CROSS_ENTROPY, CLXENT_BACKWARD, CLXENT_F32, 2 * 120 + 24},
        {CLXENT_CROSS_ENTROPY, CLXENT_FORWARD_BACKWARD, CLXENT_F16, 2 * 60 + 24},
        {CLXENT_BINARY_CROSS_ENTROPY, CLXENT_FORWARD, CLXENT_F32, 2 * 120},
        {CLXENT_BINARY_CROSS_ENTROPY, CLXENT_BACKWARD, CLXENT_F32, 3 * 120},
        {CLXENT_BINARY_CROSS_ENTROPY_WITH_LOGITS, CLXENT_FORWARD_BACKWARD, CLXENT_F32, 3 * 120},
    };
    for (size_t i = 0; i < sizeof expected / sizeof expected[0]; i++) {
        bench_case c = make(expected[i].op, expected[i].pass, expected[i].dtype, "3x5x2");
        if (bench_traffic_of(&c).bytes != expected[i].bytes)
            fail_msg("%s: %g bytes, but %g were expected", bench_describe(&c).text, bench_traffic_of(&c).bytes,
                     expected[i].bytes);
    }
}

static void test_shapes(void **state) {
    (void)state;
    bench_case c = make(CLXENT_CROSS_ENTROPY, CLXENT_FORWARD, CLXENT_F32, "8x21x512x3");
    assert_int_equal(c.rank, 4);
    assert_string_equal(bench_write_shape(&c).text, "8x21x512x3");
    clxent_desc desc = bench_desc(&c);
    assert_int_equal(desc.batch, 8);
    assert_int_equal(desc.classes, 21);
    assert_int_equal(desc.inner, 1536);
    assert_int_equal(bench_rows(&c), 8 * 1536);
    assert_int_equal(bench_elements(&c), 8 * 1536 * 21);
    make(CLXENT_CROSS_ENTROPY, CLXENT_FORWARD, CLXENT_F32, "16777216x16777216");
    make(CLXENT_CROSS_ENTROPY, CLXENT_FORWARD, CLXENT_F32, "1x2x3x4x5x6x7x8");
    static const char *const wrong[] = {"",
                                        "5",
                                        "x",
                                        "5x",
                                        "x5",
                                        "5xx5",
                                        "0x5",
                                        "5x0",
                                        "-1x5",
                                        "+1x5",
                                        "5x 5",
                                        "5X5",
                                        "5x5 ",
                                        "5,5",
                                        "1x2x3x4x5x6x7x8x9",
                                        "5x5.0",
                                        "0x10x",
                                        "5x5y",
                                        "16777216x16777217",
                                        "99999999999999999999x1"};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        if (bench_parse_shape(wrong[i], &c))
            fail_msg("\"%s\" was taken for the shape %s", wrong[i], bench_write_shape(&c).text);
}

static size_t count(const bench_case *like, bool every_pass) {
    bench_cases cases;
    bench_list_cases(like, every_pass, &cases);
    for (size_t i = 0; i < cases.count; i++) {
        assert_int_equal(cases.list[i].op, like->op);
        assert_true(bench_has_pass(cases.list[i].op, cases.list[i].pass));
        assert_true(!like->in_place || bench_has_in_place(cases.list[i].op, cases.list[i].pass));
    }
    return cases.count;
}

static void test_lists(void **state) {
    (void)state;
    bench_case c = make(CLXENT_CROSS_ENTROPY, CLXENT_BACKWARD, CLXENT_F32, "4x5");
    assert_int_equal(count(&c, true), 3);
    assert_int_equal(count(&c, false), 1);
    c.in_place = true;
    assert_int_equal(count(&c, true), 2);
    c.pass = CLXENT_FORWARD;
    assert_int_equal(count(&c, false), 0);
    c.op = CLXENT_SOFTMAX;
    assert_int_equal(count(&c, true), 2);
    c.op = CLXENT_NLL_LOSS;
    assert_int_equal(count(&c, true), 0);
    c.in_place = false;
    c.rank = 0;
    assert_int_equal(count(&c, true), 10);
    c.pass = CLXENT_FORWARD_BACKWARD;
    assert_int_equal(count(&c, false), 0);
}

/* Every line of the suite is another one, and has a pass that there is. */
static void test_default_suite(void **state) {
    (void)state;
    bench_cases cases;
    bench_default_suite(&cases);
    assert_int_equal(cases.count, 21);
    for (size_t i = 0; i < cases.count; i++) {
        const bench_case *c = &cases.list[i];
        assert_true(bench_has_pass(c->op, c->pass));
        assert_true(!c->in_place || bench_has_in_place(c->op, c->pass));
        for (size_t j = 0; j < i; j++)
            assert_string_not_equal(bench_describe(c).text, bench_describe(&cases.list[j]).text);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bytes),
        cmocka_unit_test(test_shapes),
        cmocka_unit_test(test_lists),
        cmocka_unit_test(test_default_suite),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
