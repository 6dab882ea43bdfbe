/* argmax and correct_count of cross-entropy on the CPU reference. */
#include "reference_cases.h"

#include <float.h>

#define INF ((double)INFINITY)

static void set_argmax_rows(reference_case *c, clxent_dtype dtype, const double *logits, const int *classes,
                            size_t rows) {
    set_rows(c, dtype, logits, classes, rows);
    c->args.argmax = c->argmax;
    c->args.correct_count = &c->correct_count;
}

/* The largest, the lowest among equals; NaN is passed over; nothing above the lowest finite number gives 0. */
static void largest_logit(void **state) {
    (void)state;
    static const struct {
        double logits[3];
        int argmax;
    } rows[] = {
        {{1, 2, 3}, 2},       {{1, 3, 2}, 1},          {{3, 1, 2}, 0},      {{2, 2, 1}, 0},         {{1, 2, 2}, 1},
        {{5, 5, 5}, 0},       {{-3, -1, -2}, 1},       {{NAN, 1, 2}, 2},    {{2, NAN, 1}, 0},       {{NAN, NAN, -7}, 2},
        {{NAN, NAN, NAN}, 0}, {{-INF, -INF, -INF}, 0}, {{NAN, -INF, 1}, 2}, {{-INF, NAN, NAN}, 0},  {{1, INF, 2}, 1},
        {{INF, INF, 3}, 0},   {{-INF, -1e30, 0}, 2},   {{-0., 0, 0}, 0},    {{NAN, -INF, -INF}, 0},
    };
    for (clxent_dtype dtype = CLXENT_F32; dtype <= CLXENT_F64; dtype++)
        for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
            reference_case c;
            set_argmax_rows(&c, dtype, rows[i].logits, (const int[]){rows[i].argmax}, 1);
            run_case(&c);
            assert_int_equal(c.argmax[0], rows[i].argmax);
            assert_int_equal(c.correct_count, 1);
            c.desc.ignore_index = rows[i].argmax; /* written for an ignored row too, which is not counted */
            c.argmax[0] = -1;
            run_case(&c);
            assert_int_equal(c.argmax[0], rows[i].argmax);
            assert_int_equal(c.correct_count, 0);
        }
}

/* The lowest finite number of the real type is where the search starts. */
static void lowest_numbers(void **state) {
    (void)state;
    static const struct {
        double lowest, above;
    } types[] = {[CLXENT_F32] = {-(double)FLT_MAX, -3e38}, [CLXENT_F64] = {-DBL_MAX, -1e308}};
    for (clxent_dtype dtype = CLXENT_F32; dtype <= CLXENT_F64; dtype++)
        for (int found = 0; found < 2; found++) {
            reference_case c;
            double logits[] = {-INF, types[dtype].lowest, found ? types[dtype].above : NAN};
            set_argmax_rows(&c, dtype, logits, (const int[]){0}, 1);
            run_case(&c);
            assert_int_equal(c.argmax[0], found ? 2 : 0);
        }
}

/* Of logits that their scale and cap make equal in the real type the first one wins; a negative scale turns them. */
static void scaled_and_capped(void **state) {
    (void)state;
    static const double far[] = {1e6, 2e6, -1e6}, near[] = {1, 1.0000001, -3}, large[] = {2, 3, -3};
    reference_case c;
    for (clxent_dtype dtype = CLXENT_F32; dtype <= CLXENT_F64; dtype++) {
        set_argmax_rows(&c, dtype, far, (const int[]){0}, 1);
        run_case(&c);
        assert_int_equal(c.argmax[0], 1);
        c.desc.logit_softcap = 30;
        run_case(&c);
        assert_int_equal(c.argmax[0], 0);
        c.desc.logit_scale = -1;
        run_case(&c);
        assert_int_equal(c.argmax[0], 2);
        c.desc.logit_scale = 0;
        run_case(&c);
        assert_int_equal(c.argmax[0], 0);
        /* These differ by one bit of a float, also after the scale, and no longer after a cap of .5. */
        set_argmax_rows(&c, dtype, near, (const int[]){0}, 1);
        run_case(&c);
        assert_int_equal(c.argmax[0], 1);
        c.desc.logit_softcap = .5;
        run_case(&c);
        assert_int_equal(c.argmax[0], dtype == CLXENT_F64 ? 1 : 0);
        set_argmax_rows(&c, dtype, large, (const int[]){0}, 1);
        c.desc.logit_scale = 3e38; /* inf in float: all positive ones are equal */
        c.desc.logit_softcap = 0;
        run_case(&c);
        assert_int_equal(c.argmax[0], dtype == CLXENT_F64 ? 1 : 0);
    }
}

/* Rows of target, not of target2, whatever their shares; the count starts at 0 in every call. */
static void correct_rows(void **state) {
    (void)state;
    static const double logits[] = {3, 1, 2, 1, 2, 3, 1, 2, 3, 9, 9, 0, NAN, 0, 1};
    static const int classes[] = {0, 1, -100, 0, 2}, others[] = {2, 2, 2, 1, 0};
    static const int64_t expected[] = {0, 2, 2, 0, 2};
    for (clxent_pass pass = CLXENT_FORWARD; pass <= CLXENT_FORWARD_BACKWARD; pass++)
        for (int mixed = 0; mixed < 3; mixed++) {
            reference_case c;
            set_argmax_rows(&c, CLXENT_F32, logits, classes, 5);
            c.desc.pass = pass;
            if (mixed > 0)
                set_targets2(&c, others, 5);
            c.desc.mix_lambda = mixed == 1 ? .5 : mixed == 2 ? 0 : 1;
            set_numbers(&c, &c.lse, (const double[]){1, 1, 1, 1, 1}, 5);
            run_case(&c);
            if (pass == CLXENT_BACKWARD) { /* which ignores both */
                assert_true(is_untouched(&c.argmax, sizeof c.argmax));
                assert_true(is_untouched(&c.correct_count, sizeof c.correct_count));
                continue;
            }
            assert_memory_equal(c.argmax, expected, sizeof expected);
            assert_true(is_untouched(&c.argmax[5], 8));
            assert_int_equal(c.correct_count, 3);
        }
}

/* Without correct_count argmax is written all the same, and an empty batch has no correct row. */
static void one_without_the_other(void **state) {
    (void)state;
    static const double logits[] = {1, 2, 0};
    reference_case c;
    set_argmax_rows(&c, CLXENT_F64, logits, (const int[]){1}, 1);
    c.args.correct_count = NULL;
    run_case(&c);
    assert_int_equal(c.argmax[0], 1);
    begin_case(&c, CLXENT_CROSS_ENTROPY, CLXENT_FORWARD, CLXENT_F64, 0, 3);
    c.desc.reduction = CLXENT_REDUCTION_SUM;
    c.args.output = &c.output;
    c.args.correct_count = &c.correct_count;
    run_case(&c);
    assert_int_equal(c.correct_count, 0);
}

/* Rows along an inner axis, with padding. */
static void layout(void **state) {
    (void)state;
    static const double logits[] = {1, 5, 2, 4, 3, 3, 9, 0, 8, 1, 7, 2}; /* (2, 3, 2) */
    static const int64_t expected[] = {2, 0, 0, 2};
    reference_case c;
    begin_case(&c, CLXENT_CROSS_ENTROPY, CLXENT_FORWARD, CLXENT_F32, 2, 3);
    c.desc.inner = 2;
    c.desc.row_stride = 8;
    set_dense(&c, &c.input, logits);
    set_targets(&c, (const int[]){2, 1, 0, 2}, 4);
    point_to_required(&c);
    c.args.argmax = c.argmax;
    c.args.correct_count = &c.correct_count;
    run_case(&c);
    assert_memory_equal(c.argmax, expected, sizeof expected);
    assert_int_equal(c.correct_count, 3);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(largest_logit), cmocka_unit_test(lowest_numbers),        cmocka_unit_test(scaled_and_capped),
        cmocka_unit_test(correct_rows),  cmocka_unit_test(one_without_the_other), cmocka_unit_test(layout),
    };
    return cmocka_run_group_tests_name("reference argmax", tests, NULL, NULL);
}
