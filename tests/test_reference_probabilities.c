/* Cross-entropy with target probabilities on the CPU reference: golden values, values worked out by hand, its agreement
 * with class indices, and its edge cases. */
#include "reference_cases.h"

#define INF ((double)INFINITY)

static const clxent_target_type kinds[] = {CLXENT_TARGET_PROBABILITIES, CLXENT_TARGET_PROBABILITIES_F32};

/* The logits and weights of the golden values of docs/numerics.md, for targets {2, 0, 0}. */
static void set_golden(reference_case *c) {
    static const double logits[] = {1, 2, 3, .5, -.5, 0, -1, 4, 2}, weights[] = {.25, 1, 2};
    set_numbers(c, &c->input, logits, 9);
    set_numbers(c, &c->weight, weights, 3);
    point_to_required(c);
    c->args.weight = &c->weight;
}

static void golden_losses(void **state) {
    (void)state;
    static const double one_hot[] = {0, 0, 1, 1, 0, 0, 1, 0, 0};
    static const int classes[] = {2, 0, 0};
    reference_case c;
    for (size_t i = 0; i < 2; i++)
        FOR_BOTH_TYPES(&c, CLXENT_CROSS_ENTROPY, CLXENT_FORWARD, 3, 3) {
            c.desc.target_type = kinds[i];
            set_golden(&c);
            set_probabilities(&c, one_hot);
            run_case(&c);
            assert_near(get_number(&c, &c.output, 0), 0.7561635517, c.desc.dtype == CLXENT_F64 ? 6e-11 : 1e-7);
            c.desc.target_type = CLXENT_TARGET_I32;
            set_targets(&c, classes, 3);
            run_case(&c);
            assert_near(get_number(&c, &c.output, 0), 0.9073962620, c.desc.dtype == CLXENT_F64 ? 6e-11 : 1e-7);
        }
}

/* p = 1/6, 2/6, 3/6; w = 1, 2, 4; q = 1/2, 0, 1/4 (which need not sum to 1); e = .3, so q' = .7 q + .1. */
static void by_hand(void **state) {
    (void)state;
    static const double weights[] = {1, 2, 4}, q[] = {.5, 0, .25}, shares[] = {.45, .1, .275}, incoming[] = {-3};
    const double logits[] = {0, log(2), log(3)};
    reference_case c;
    for (size_t i = 0; i < 2; i++)
        FOR_BOTH_TYPES(&c, CLXENT_CROSS_ENTROPY, CLXENT_FORWARD_BACKWARD, 1, 3) {
            c.desc.target_type = kinds[i];
            c.desc.label_smoothing = .3;
            set_numbers(&c, &c.input, logits, 3);
            set_numbers(&c, &c.weight, weights, 3);
            set_numbers(&c, &c.grad_output, incoming, 1);
            set_probabilities(&c, q);
            point_to_required(&c);
            c.args.weight = &c.weight;
            c.args.grad_output = &c.grad_output;
            c.args.lse = &c.lse;
            c.args.argmax = c.argmax;
            run_case(&c);
            double loss = .45 * log(6) + 2 * .1 * log(3) + 4 * .275 * log(2), mass = .45 + 2 * .1 + 4 * .275;
            assert_near(get_number(&c, &c.output, 0), loss, tolerance(&c)); /* one row: the mean divides by 1 */
            assert_near(get_number(&c, &c.lse, 0), log(6), tolerance(&c));
            assert_int_equal(c.argmax[0], 2);
            for (size_t k = 0; k < 3; k++) {
                double gradient = ((double)k + 1) / 6 * mass - weights[k] * shares[k];
                assert_near(get_number(&c, &c.grad_input, k), -3 * gradient, 3 * tolerance(&c));
            }
        }
}

/* Two rows of losses u * 2 log 2 and u * log 2: the mean divides by sum u, whatever the class weights. */
static void mean_divides_by_the_sample_weights(void **state) {
    (void)state;
    static const double zeros[] = {0, 0, 0, 0}, q[] = {1, 0, 0, 1}, weights[] = {2, 1}, sample_weights[] = {3, .5};
    reference_case c;
    FOR_BOTH_TYPES(&c, CLXENT_CROSS_ENTROPY, CLXENT_FORWARD_BACKWARD, 2, 2) {
        c.desc.target_type = CLXENT_TARGET_PROBABILITIES;
        set_numbers(&c, &c.input, zeros, 4);
        set_numbers(&c, &c.weight, weights, 2);
        set_numbers(&c, &c.sample_weight, sample_weights, 2);
        set_probabilities(&c, q);
        point_to_required(&c);
        c.args.weight = &c.weight;
        run_case(&c);
        assert_near(get_number(&c, &c.output, 0), 3 * log(2) / 2, tolerance(&c));
        c.args.sample_weight = &c.sample_weight;
        run_case(&c);
        assert_near(get_number(&c, &c.output, 0), 6.5 * log(2) / 3.5, tolerance(&c));
        static const double gradient[] = {-3 / 3.5, 3 / 3.5, .25 / 3.5, -.25 / 3.5};
        for (size_t k = 0; k < 4; k++)
            assert_near(get_number(&c, &c.grad_input, k), gradient[k], tolerance(&c));
        c.desc.reduction = CLXENT_REDUCTION_SUM;
        run_case(&c);
        assert_near(get_number(&c, &c.output, 0), 6.5 * log(2), 8 * tolerance(&c));
        c.desc.reduction = CLXENT_REDUCTION_NONE;
        run_case(&c);
        assert_near(get_number(&c, &c.output, 0), 6 * log(2), 8 * tolerance(&c));
        assert_near(get_number(&c, &c.output, 1), .5 * log(2), tolerance(&c));
    }
}

/* Fills 8 rows of 3 classes, targets y, and every option that both kinds of targets share. */
static void set_everything(reference_case *c, clxent_reduction reduction, const int *y, bool one_hot) {
    static const double weights[] = {.5, 2, 1.25};
    begin_case(c, CLXENT_CROSS_ENTROPY, CLXENT_FORWARD_BACKWARD, CLXENT_F64, 4, 3);
    c->desc.inner = 2;
    c->desc.row_stride = 7;
    c->desc.reduction = reduction;
    c->desc.logit_scale = 1.5;
    c->desc.logit_softcap = 2;
    c->desc.z_loss = .25;
    c->desc.reg_lambda = -.5;
    c->desc.grad_scale = 3;
    double logits[24], q[24];
    for (size_t i = 0; i < 24; i++) {
        logits[i] = (double)(i * 7 % 11) / 4 - 1;
        q[i] = y[i / 6 * 2 + i % 2] == (int)(i / 2 % 3);
    }
    set_dense(c, &c->input, logits);
    set_numbers(c, &c->weight, weights, 3);
    for (size_t r = 0; r < 8; r++) {
        c->sample_weight.d[r] = (double)(r * 3 % 8) / 4;
        c->grad_output.d[r] = (double)r - 3.5;
    }
    c->desc.target_type = one_hot ? CLXENT_TARGET_PROBABILITIES : CLXENT_TARGET_I32;
    if (one_hot)
        set_probabilities(c, q);
    else
        set_targets(c, y, 8);
    point_to_required(c);
    c->args.weight = &c->weight;
    c->args.sample_weight = &c->sample_weight;
    c->args.grad_output = &c->grad_output;
}

/* The same numbers from both kinds of targets; the mean differs by W / U. */
static void one_hot_equals_indices(void **state) {
    (void)state;
    static const int y[] = {0, 2, 1, 1, 0, 2, 2, 1};
    reference_case a, b;
    for (clxent_reduction reduction = CLXENT_REDUCTION_NONE; reduction <= CLXENT_REDUCTION_SUM; reduction++) {
        set_everything(&a, reduction, y, true);
        set_everything(&b, reduction, y, false);
        if (reduction == CLXENT_REDUCTION_MEAN) {
            a.args.weight = NULL;
            b.args.weight = NULL;
        }
        run_case(&a);
        run_case(&b);
        for (size_t r = 0; r < (reduction == CLXENT_REDUCTION_NONE ? 8 : 1); r++) {
            assert_true(isfinite(b.output.d[r]));
            assert_near(a.output.d[r], b.output.d[r], 1e-14);
        }
        for (size_t i = 0; i < 24; i++)
            assert_near(get_dense(&a, &a.grad_input, i), get_dense(&b, &b.grad_input, i), 1e-14);
    }
}

/* A class with q'_c = 0 or w_c = 0 adds nothing, also where its lp is -inf; another one makes the loss infinite. */
static void minus_infinity_among_the_logits(void **state) {
    (void)state;
    static const double logits[] = {0, -INF, 0}, without[] = {.25, 0, .75}, with[] = {.25, .5, .25};
    static const double weights[] = {1, 0, 1};
    reference_case c;
    FOR_BOTH_TYPES(&c, CLXENT_CROSS_ENTROPY, CLXENT_FORWARD_BACKWARD, 1, 3) {
        c.desc.target_type = CLXENT_TARGET_PROBABILITIES;
        set_numbers(&c, &c.input, logits, 3);
        set_numbers(&c, &c.weight, weights, 3);
        set_probabilities(&c, without);
        point_to_required(&c);
        run_case(&c);
        assert_near(get_number(&c, &c.output, 0), log(2), tolerance(&c));
        check_row_gradient(&c, 0, .25, 0, -.25);
        assert_positive_zero(get_number(&c, &c.grad_input, 1));
        set_probabilities(&c, with);
        run_case(&c);
        assert_near(get_number(&c, &c.output, 0), INF, 0);
        check_row_gradient(&c, 0, .25, -.5, .25);
        c.args.weight = &c.weight;
        run_case(&c);
        assert_near(get_number(&c, &c.output, 0), .5 * log(2), tolerance(&c));
        check_row_gradient(&c, 0, 0, 0, 0);
        c.args.weight = NULL; /* smoothing gives every class a share */
        set_probabilities(&c, without);
        c.desc.label_smoothing = .3;
        run_case(&c);
        assert_near(get_number(&c, &c.output, 0), INF, 0);
        check_row_gradient(&c, 0, .5 - .275, -.1, .5 - .625);
    }
}

/* NaN among the targets, or a row that is NaN for itself, even with targets of zero: NaN there and nowhere else. */
static void poisoned_rows(void **state) {
    (void)state;
    static const double rows[][6] = {{0, 0, 0, NAN, .5, .5},
                                     {0, 0, 0, 0, 0, NAN},
                                     {NAN, 0, 0, 0, 1, 0},
                                     {0, INF, 0, 0, 0, 0},
                                     {-INF, -INF, -INF, 0, 0, 0}};
    reference_case c;
    for (size_t i = 0; i < 5; i++)
        FOR_BOTH_TYPES(&c, CLXENT_CROSS_ENTROPY, CLXENT_FORWARD_BACKWARD, 3, 3) {
            double logits[9] = {0}, q[] = {1, 0, 0, 0, 0, 0, 0, 0, 1};
            memcpy(logits + 3, rows[i], 3 * sizeof(double));
            memcpy(q + 3, rows[i] + 3, 3 * sizeof(double));
            c.desc.target_type = CLXENT_TARGET_PROBABILITIES;
            c.desc.reduction = CLXENT_REDUCTION_NONE;
            set_numbers(&c, &c.input, logits, 9);
            set_probabilities(&c, q);
            point_to_required(&c);
            run_case(&c);
            assert_near(get_number(&c, &c.output, 0), log(3), tolerance(&c));
            assert_near(get_number(&c, &c.output, 1), NAN, 0);
            assert_near(get_number(&c, &c.output, 2), log(3), tolerance(&c));
            check_row_gradient(&c, 0, -2. / 3, 1. / 3, 1. / 3);
            check_row_gradient(&c, 1, NAN, NAN, NAN);
            check_row_gradient(&c, 2, 1. / 3, 1. / 3, -2. / 3);
        }
}

static void nothing_to_average(void **state) {
    (void)state;
    static const double q[] = {1, 0, 0, 0, 1, 0}, zeros[] = {0, 0, 0, 0, 0, 0};
    reference_case c;
    for (int flag = 0; flag < 2; flag++) {
        begin_case(&c, CLXENT_CROSS_ENTROPY, CLXENT_FORWARD, CLXENT_F64, 0, 3);
        c.desc.target_type = CLXENT_TARGET_PROBABILITIES;
        c.desc.flags = flag ? CLXENT_EMPTY_MEAN_ZERO : 0;
        c.args.output = &c.output;
        run_case(&c);
        assert_near(c.output.d[0], flag ? 0 : NAN, 0);
        c.desc.reduction = CLXENT_REDUCTION_SUM;
        run_case(&c);
        assert_positive_zero(c.output.d[0]);
        /* Rows are there, but weigh nothing: NaN with and without the flag. */
        begin_case(&c, CLXENT_CROSS_ENTROPY, CLXENT_FORWARD_BACKWARD, CLXENT_F64, 2, 3);
        c.desc.target_type = CLXENT_TARGET_PROBABILITIES;
        c.desc.flags = flag ? CLXENT_EMPTY_MEAN_ZERO : 0;
        set_numbers(&c, &c.input, zeros, 6);
        set_numbers(&c, &c.sample_weight, zeros, 2);
        set_probabilities(&c, q);
        point_to_required(&c);
        c.args.sample_weight = &c.sample_weight;
        run_case(&c);
        assert_near(c.output.d[0], NAN, 0);
        check_row_gradient(&c, 0, NAN, NAN, NAN);
        check_row_gradient(&c, 1, NAN, NAN, NAN);
    }
}

/* A saved lse is accepted, and the row is reduced again all the same. */
static void saved_lse_is_not_used(void **state) {
    (void)state;
    static const double logits[] = {0, 0, 0}, q[] = {1, 0, 0};
    reference_case c;
    begin_case(&c, CLXENT_CROSS_ENTROPY, CLXENT_BACKWARD, CLXENT_F64, 1, 3);
    c.desc.target_type = CLXENT_TARGET_PROBABILITIES;
    set_numbers(&c, &c.input, logits, 3);
    set_probabilities(&c, q);
    point_to_required(&c);
    c.lse.d[0] = log(10);
    c.args.lse = &c.lse;
    run_case(&c);
    check_row_gradient(&c, 0, -2. / 3, 1. / 3, 1. / 3);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(golden_losses),
        cmocka_unit_test(by_hand),
        cmocka_unit_test(mean_divides_by_the_sample_weights),
        cmocka_unit_test(one_hot_equals_indices),
        cmocka_unit_test(minus_infinity_among_the_logits),
        cmocka_unit_test(poisoned_rows),
        cmocka_unit_test(nothing_to_average),
        cmocka_unit_test(saved_lse_is_not_used),
    };
    return cmocka_run_group_tests_name("reference target probabilities", tests, NULL, NULL);
}
