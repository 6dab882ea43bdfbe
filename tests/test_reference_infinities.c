/* The edge cases of docs/numerics.md that come from the values of the logits, on the CPU reference: infinities, NaN,
 * large and nearly certain logits. */
#include "reference_cases.h"

#include <float.h>

#define INF ((double)INFINITY)

static void minus_infinity_among_the_logits(void **state) {
    (void)state;
    static const double logits[] = {0, -INF, 0, -INF, 0, 0, 5, -INF, -INF}; /* not y; y; all but y */
    static const int targets[] = {0, 0, 0};
    static const double gradients[][3] = {{-.5, 0, .5}, {-1, .5, .5}, {0, 0, 0}};
    reference_case c;
    for (clxent_dtype dtype = CLXENT_F32; dtype <= CLXENT_F64; dtype++) {
        set_rows(&c, dtype, logits, targets, 3);
        run_case(&c);
        check_row(&c, 0, log(2), log(2), gradients[0]);
        check_row(&c, 1, INF, log(2), gradients[1]);
        check_row(&c, 2, 0, 5, gradients[2]);
        assert_positive_zero(get_number(&c, &c.grad_input, 1));
    }
}

/* With smoothing every class of non-zero weight takes part in the loss. */
static void minus_infinity_with_smoothing(void **state) {
    (void)state;
    static const double logits[] = {0, -INF, 0}, weights[] = {1, 0, 1};
    static const int targets[] = {0};
    reference_case c;
    set_rows(&c, CLXENT_F64, logits, targets, 1);
    c.desc.label_smoothing = .3;
    run_case(&c);
    static const double gradient[] = {.7 * -.5 + .1 * .5, -.1, .7 * .5 + .1 * .5};
    check_row(&c, 0, INF, log(2), gradient);

    c.desc.label_smoothing = 1; /* at y itself: the hard term is left out, the smooth one is infinite */
    c.target.i32[0] = 1;
    run_case(&c);
    static const double flat_gradient[] = {1. / 6, -1. / 3, 1. / 6};
    check_row(&c, 0, INF, log(2), flat_gradient);

    c.desc.label_smoothing = .3;
    c.target.i32[0] = 0;
    c.args.weight = &c.weight;
    set_numbers(&c, &c.weight, weights, 3);
    run_case(&c);
    static const double weighted_gradient[] = {.7 * -.5, 0, .7 * .5};
    check_row(&c, 0, .9 * log(2), log(2), weighted_gradient);

    c.desc.label_smoothing = 1; /* the target itself plays no part */
    c.target.i32[0] = 1;
    run_case(&c);
    static const double uniform_gradient[] = {0, 0, 0};
    check_row(&c, 0, 2. / 3 * log(2), log(2), uniform_gradient);

    c.desc.label_smoothing = 0; /* w[y] = 0 beside lp_y = -inf */
    run_case(&c);
    check_row(&c, 0, 0, log(2), uniform_gradient);
}

static void nll_of_minus_infinity(void **state) {
    (void)state;
    static const double log_probs[] = {-INF, -1, -2, -INF, -1, -2}, weights[] = {2, 1, 1};
    static const int targets[] = {0, 1};
    reference_case c;
    begin_case(&c, CLXENT_NLL_LOSS, CLXENT_FORWARD, CLXENT_F64, 2, 3);
    c.desc.reduction = CLXENT_REDUCTION_NONE;
    set_numbers(&c, &c.input, log_probs, 6);
    set_numbers(&c, &c.weight, weights, 3);
    set_targets(&c, targets, 2);
    point_to_required(&c);
    c.args.weight = &c.weight;
    run_case(&c);
    assert_near(c.output.d[0], INF, 0);
    assert_near(c.output.d[1], 1, 0);
    c.weight.d[0] = 0;
    run_case(&c);
    assert_positive_zero(c.output.d[0]);
    c.desc.pass = CLXENT_BACKWARD;
    point_to_required(&c);
    run_case(&c);
    assert_near(c.grad_input.d[0], 0, 0);
    assert_near(c.grad_input.d[4], -1, 0);
}

/* A row that begins with -inf gives what the row without those classes gives. */
static void leading_minus_infinities(void **state) {
    (void)state;
    reference_case full, cut;
    for (size_t absent = 1; absent < 6; absent++) {
        begin_case(&full, CLXENT_CROSS_ENTROPY, CLXENT_FORWARD_BACKWARD, CLXENT_F64, 1, 6);
        begin_case(&cut, CLXENT_CROSS_ENTROPY, CLXENT_FORWARD_BACKWARD, CLXENT_F64, 1, 6 - absent);
        for (size_t k = 0; k < 6; k++)
            full.input.d[k] = k < absent ? -INF : (double)(k * k) / 8 - 1;
        memcpy(cut.input.d, full.input.d + absent, (6 - absent) * sizeof(double));
        set_targets(&full, (const int[]){5}, 1);
        set_targets(&cut, (const int[]){5 - (int)absent}, 1);
        point_to_required(&full);
        point_to_required(&cut);
        run_case(&full);
        run_case(&cut);
        assert_true(isfinite(full.output.d[0]));
        assert_memory_equal(full.output.d, cut.output.d, sizeof(double));
        for (size_t k = 0; k < absent; k++)
            assert_positive_zero(full.grad_input.d[k]);
        assert_memory_equal(full.grad_input.d + absent, cut.grad_input.d, (6 - absent) * sizeof(double));
    }
}

/* Each of these rows is NaN in every output, and the rows around it are as if it were not there. */
static const double poisons[][3] = {{-INF, -INF, -INF}, {1, INF, 2}, {INF, INF, INF}, {INF, -INF, 0},
                                    {NAN, 1, 2},        {1, 2, NAN}, {NAN, NAN, NAN}, {-INF, NAN, INF}};
#define POISONS (sizeof poisons / sizeof poisons[0])

static void set_poisoned(double logits[9], size_t poison) {
    static const double healthy[] = {0, 0, 0};
    memcpy(logits, healthy, sizeof healthy);
    memcpy(logits + 3, poisons[poison], sizeof healthy);
    memcpy(logits + 6, healthy, sizeof healthy);
}

static void poisoned_rows_of_cross_entropy(void **state) {
    (void)state;
    static const double smoothing[] = {0, .3, 1}, not_a_number[] = {NAN, NAN, NAN};
    static const double weights[] = {0, 1, 1};
    reference_case c;
    for (size_t poison = 0; poison < POISONS; poison++)
        for (size_t i = 0; i < 12; i++) {
            double logits[9];
            set_poisoned(logits, poison);
            int y = (int)(i / 3 % 2);
            set_rows(&c, i % 2 ? CLXENT_F64 : CLXENT_F32, logits, (const int[]){2, y, 2}, 3);
            double e = c.desc.label_smoothing = smoothing[i % 3];
            set_numbers(&c, &c.weight, weights, 3);
            if (i >= 6)
                c.args.weight = &c.weight;
            run_case(&c);
            double weight_sum = i >= 6 ? 2 : 3, w_0 = i >= 6 ? 0 : 1;
            double loss = (1 - e) * log(3) + e / 3 * weight_sum * log(3);
            double smooth_0 = e / 3 * (weight_sum / 3 - w_0), smooth_1 = e / 3 * (weight_sum / 3 - 1);
            const double gradient[] = {(1 - e) / 3 + smooth_0, (1 - e) / 3 + smooth_1, (1 - e) * -2 / 3 + smooth_1};
            check_row(&c, 0, loss, log(3), gradient);
            check_row(&c, 1, NAN, NAN, not_a_number);
            check_row(&c, 2, loss, log(3), gradient);
            c.desc.pass = CLXENT_BACKWARD; /* from the lse just saved */
            memset(&c.grad_input, 0, sizeof c.grad_input);
            run_case(&c);
            check_row_gradient(&c, 1, NAN, NAN, NAN);
            check_row_gradient(&c, 2, gradient[0], gradient[1], gradient[2]);
        }
}

static void poisoned_rows_of_softmax(void **state) {
    (void)state;
    reference_case c;
    for (size_t poison = 0; poison < POISONS; poison++)
        for (clxent_op op = CLXENT_SOFTMAX; op <= CLXENT_LOG_SOFTMAX; op++) {
            double logits[9], healthy = op == CLXENT_SOFTMAX ? 1. / 3 : -log(3);
            set_poisoned(logits, poison);
            begin_case(&c, op, CLXENT_FORWARD, CLXENT_F32, 3, 3);
            set_numbers(&c, &c.input, logits, 9);
            point_to_required(&c);
            run_case(&c);
            for (size_t k = 0; k < 9; k++)
                assert_near(c.output.f[k], k / 3 == 1 ? NAN : healthy, 1e-6);
            static const double incoming[] = {1, 1, 1, 1, 1, 1, 1, 1, 1};
            set_numbers(&c, &c.grad_output, incoming, 9);
            c.desc.pass = CLXENT_BACKWARD;
            point_to_required(&c);
            run_case(&c);
            for (size_t k = 0; k < 9; k++)
                assert_near(c.grad_input.f[k], k / 3 == 1 ? NAN : 0, 1e-6);
        }
}

static void softmax_of_minus_infinity(void **state) {
    (void)state;
    static const double logits[] = {-INF, 0, 0}, incoming[] = {8, 1, 3};
    reference_case c;
    begin_case(&c, CLXENT_SOFTMAX, CLXENT_FORWARD, CLXENT_F64, 1, 3);
    set_numbers(&c, &c.input, logits, 3);
    set_numbers(&c, &c.grad_output, incoming, 3);
    point_to_required(&c);
    run_case(&c);
    assert_positive_zero(c.output.d[0]);
    assert_near(c.output.d[1], .5, 0);
    c.desc.pass = CLXENT_BACKWARD;
    point_to_required(&c);
    run_case(&c);
    assert_near(c.grad_input.d[0], 0, 0);
    assert_near(c.grad_input.d[1], -.5, 0);

    c.desc.op = CLXENT_LOG_SOFTMAX;
    c.desc.pass = CLXENT_FORWARD;
    run_case(&c);
    assert_near(c.output.d[0], -INF, 0);
    assert_near(c.output.d[1], -log(2), 1e-15);
    c.desc.pass = CLXENT_BACKWARD;
    run_case(&c);
    assert_near(c.grad_input.d[0], 8, 0);
    assert_near(c.grad_input.d[1], 1 - .5 * 12, 1e-14);
}

/* An offset that every logit shares changes lse and nothing else, not in one bit. */
static void large_common_offsets(void **state) {
    (void)state;
    static const double offsets[] = {88, -88, 1e4, -1e4, 1e8, -1e8}, logits[] = {0, 16, 8};
    static const int targets[] = {2};
    reference_case c, plain;
    for (clxent_dtype dtype = CLXENT_F32; dtype <= CLXENT_F64; dtype++)
        for (size_t i = 0; i < 6; i++) {
            double shifted[3];
            for (size_t k = 0; k < 3; k++)
                shifted[k] = logits[k] + offsets[i];
            set_rows(&plain, dtype, logits, targets, 1);
            set_rows(&c, dtype, shifted, targets, 1);
            run_case(&plain);
            run_case(&c);
            assert_memory_equal(&plain.output, &c.output, sizeof c.output);
            assert_memory_equal(&plain.grad_input, &c.grad_input, sizeof c.grad_input);
            double eps = c.desc.dtype == CLXENT_F64 ? DBL_EPSILON : FLT_EPSILON;
            double lse = offsets[i] + get_number(&plain, &plain.lse, 0);
            assert_near(get_number(&c, &c.lse, 0), lse, eps * fabs(lse));
        }
}

static void logits_far_apart(void **state) {
    (void)state;
    static const double logits[] = {1e4, -1e4, 0, 1e8, -1e8, 0, FLT_MAX, -FLT_MAX, 0};
    static const int targets[] = {1, 1, 0};
    static const double to_target[] = {1, -1, 0}, certain[] = {0, 0, 0};
    reference_case c;
    for (clxent_dtype dtype = CLXENT_F32; dtype <= CLXENT_F64; dtype++) {
        set_rows(&c, dtype, logits, targets, 3);
        run_case(&c);
        check_row(&c, 0, 2e4, 1e4, to_target);
        check_row(&c, 1, 2e8, 1e8, to_target);
        check_row(&c, 2, 0, FLT_MAX, certain);
    }
}

/* The rounding of long double where the program runs: some machines, and Valgrind, give it no more than double has. */
static double finest_rounding(void) {
    volatile long double sum = 1;
    sum += LDBL_EPSILON;
    return sum > 1 ? (double)LDBL_EPSILON : DBL_EPSILON;
}

/* In a nearly certain row what remains of the loss and of the gradient at y keeps its digits. */
static void nearly_certain_row(void **state) {
    (void)state;
    static const double logits[] = {30, 0, 0};
    static const int targets[] = {0};
    reference_case c;
    set_rows(&c, CLXENT_F64, logits, targets, 1);
    run_case(&c);
    double rest = 2 * exp(-30);
    assert_near(c.output.d[0], log1p(rest), 4 * finest_rounding());
    assert_near(c.grad_input.d[0], -rest / (1 + rest), 4 * finest_rounding());
    assert_near(c.grad_input.d[1], exp(-30) / (1 + rest), 1e-26);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(minus_infinity_among_the_logits),
        cmocka_unit_test(minus_infinity_with_smoothing),
        cmocka_unit_test(nll_of_minus_infinity),
        cmocka_unit_test(leading_minus_infinities),
        cmocka_unit_test(poisoned_rows_of_cross_entropy),
        cmocka_unit_test(poisoned_rows_of_softmax),
        cmocka_unit_test(softmax_of_minus_infinity),
        cmocka_unit_test(large_common_offsets),
        cmocka_unit_test(logits_far_apart),
        cmocka_unit_test(nearly_certain_row),
    };
    return cmocka_run_group_tests_name("reference infinities", tests, NULL, NULL);
}
