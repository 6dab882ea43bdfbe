/* The edge cases of docs/numerics.md that have nothing to do with infinities, on the CPU reference: empty batches,
 * ignored rows, weights that vanish, a single class. */
#include "reference_cases.h"

static const clxent_op losses[] = {CLXENT_NLL_LOSS, CLXENT_CROSS_ENTROPY};

static void empty_batch(void **state) {
    (void)state;
    static const double expected[] = {
        [CLXENT_REDUCTION_NONE] = 0, [CLXENT_REDUCTION_MEAN] = NAN, [CLXENT_REDUCTION_SUM] = 0};
    reference_case c;
    for (size_t i = 0; i < 2; i++)
        for (clxent_dtype dtype = CLXENT_F32; dtype <= CLXENT_F64; dtype++)
            for (clxent_reduction reduction = CLXENT_REDUCTION_NONE; reduction <= CLXENT_REDUCTION_SUM; reduction++) {
                begin_case(&c, losses[i], CLXENT_FORWARD, dtype, 0, 3);
                c.desc.reduction = reduction;
                bool none = reduction == CLXENT_REDUCTION_NONE;
                if (!none)
                    c.args.output = &c.output;
                c.args.invalid_count = &c.invalid_count;
                run_case(&c); /* input, target and, for NONE, output have no elements and are null */
                if (none)
                    assert_true(is_untouched(&c.output, sizeof c.output));
                else
                    assert_near(get_number(&c, &c.output, 0), expected[reduction], 0);
                assert_int_equal(c.invalid_count, 0);
                c.desc.pass = CLXENT_BACKWARD;
                c.args.grad_input = &c.grad_input;
                run_case(&c);
                assert_true(is_untouched(&c.grad_input, sizeof c.grad_input));
            }
    for (clxent_op op = CLXENT_SOFTMAX; op <= CLXENT_LOG_SOFTMAX; op++) {
        begin_case(&c, op, CLXENT_FORWARD, CLXENT_F32, 0, 3);
        run_case(&c);
        c.desc.pass = CLXENT_BACKWARD;
        run_case(&c);
    }
}

/* Ignored rows give exactly 0, also where their logits are NaN; their lse is written as for any row. */
static void every_row_ignored(void **state) {
    (void)state;
    static const double logits[] = {1, 1, 1, NAN, 2, 3}, incoming[] = {-1, -1};
    static const int targets[] = {-100, -100};
    reference_case c;
    for (size_t i = 0; i < 2; i++)
        for (clxent_pass pass = CLXENT_FORWARD; pass <= CLXENT_BACKWARD; pass++)
            for (clxent_reduction reduction = CLXENT_REDUCTION_NONE; reduction <= CLXENT_REDUCTION_SUM; reduction++) {
                begin_case(&c, losses[i], pass, CLXENT_F64, 2, 3);
                c.desc.reduction = reduction;
                c.desc.label_smoothing = losses[i] == CLXENT_CROSS_ENTROPY ? .1 : 0;
                set_numbers(&c, &c.input, logits, 6);
                set_numbers(&c, &c.grad_output, incoming, 2);
                set_targets(&c, targets, 2);
                point_to_required(&c);
                c.args.grad_output = &c.grad_output;
                if (losses[i] == CLXENT_CROSS_ENTROPY && pass == CLXENT_FORWARD)
                    c.args.lse = &c.lse;
                run_case(&c);
                if (c.args.lse != NULL) {
                    assert_near(c.lse.d[0], 1 + log(3), 1e-14);
                    assert_near(c.lse.d[1], NAN, 0);
                }
                if (pass == CLXENT_FORWARD && reduction == CLXENT_REDUCTION_MEAN)
                    assert_near(c.output.d[0], NAN, 0);
                else if (pass == CLXENT_FORWARD)
                    assert_positive_zero(c.output.d[0]);
                for (size_t k = 0; k < 6 && pass == CLXENT_BACKWARD; k++)
                    assert_positive_zero(c.grad_input.d[k]);
            }
}

/* The rows that count have weights that are zero, or that cancel: the mean divides by nothing. */
static void no_weight_in_the_mean(void **state) {
    (void)state;
    static const double weights[][3] = {{0, 0, 1}, {1, -1, 1}}, logits[] = {1, 2, 3, 4, 6, 5, 9, 8, 7};
    static const int targets[] = {0, 1, -100};
    reference_case c;
    for (size_t i = 0; i < 4; i++) {
        clxent_op op = losses[i % 2];
        begin_case(&c, op, CLXENT_FORWARD, CLXENT_F64, 3, 3);
        set_numbers(&c, &c.input, logits, 9);
        set_numbers(&c, &c.weight, weights[i / 2], 3);
        set_targets(&c, targets, 3);
        point_to_required(&c);
        c.args.weight = &c.weight;
        run_case(&c);
        assert_near(c.output.d[0], NAN, 0);
        c.desc.pass = CLXENT_BACKWARD;
        point_to_required(&c);
        run_case(&c);
        for (size_t k = 0; k < 6; k++) {
            bool at_target = k == 0 || k == 4;
            if (op == CLXENT_CROSS_ENTROPY || at_target)
                assert_near(c.grad_input.d[k], NAN, 0);
            else
                assert_positive_zero(c.grad_input.d[k]);
        }
        for (size_t k = 6; k < 9; k++)
            assert_positive_zero(c.grad_input.d[k]);
    }
}

static void ignore_index_inside_the_classes(void **state) {
    (void)state;
    static const double logits[] = {0, 0, 0, 1, 2, 3};
    static const int targets[] = {0, 1};
    reference_case c;
    for (clxent_dtype dtype = CLXENT_F32; dtype <= CLXENT_F64; dtype++) {
        set_rows(&c, dtype, logits, targets, 2);
        c.desc.ignore_index = 1;
        c.desc.reduction = CLXENT_REDUCTION_MEAN;
        run_case(&c);
        assert_near(get_number(&c, &c.output, 0), log(3), tolerance(&c)); /* class 1 is in the denominator */
        check_row_gradient(&c, 0, -2. / 3, 1. / 3, 1. / 3);
        for (size_t k = 3; k < 6; k++)
            assert_positive_zero(get_number(&c, &c.grad_input, k));
    }
}

static void a_single_class(void **state) {
    (void)state;
    static const double smoothing[] = {0, .1, 1};
    reference_case c;
    for (size_t i = 0; i < 3; i++) {
        begin_case(&c, CLXENT_CROSS_ENTROPY, CLXENT_FORWARD_BACKWARD, CLXENT_F64, 2, 1);
        c.desc.reduction = CLXENT_REDUCTION_NONE;
        c.desc.label_smoothing = smoothing[i];
        set_numbers(&c, &c.input, (const double[]){3.25, -1e4}, 2);
        set_targets(&c, (const int[]){0, 0}, 2);
        point_to_required(&c);
        run_case(&c);
        for (size_t r = 0; r < 2; r++) {
            assert_positive_zero(c.output.d[r]);
            assert_near(c.grad_input.d[r], 0, 0);
        }
    }
    begin_case(&c, CLXENT_SOFTMAX, CLXENT_FORWARD, CLXENT_F64, 1, 1);
    c.input.d[0] = -7;
    point_to_required(&c);
    run_case(&c);
    assert_near(c.output.d[0], 1, 0);
    c.desc.op = CLXENT_LOG_SOFTMAX;
    run_case(&c);
    assert_near(c.output.d[0], 0, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(empty_batch),           cmocka_unit_test(every_row_ignored),
        cmocka_unit_test(no_weight_in_the_mean), cmocka_unit_test(ignore_index_inside_the_classes),
        cmocka_unit_test(a_single_class),
    };
    return cmocka_run_group_tests_name("reference edge cases", tests, NULL, NULL);
}
