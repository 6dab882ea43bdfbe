/* The CPU reference against values worked out by hand and the golden values of docs/numerics.md. */
#include "reference_cases.h"

/* The rows, targets and weights that the golden values belong to; the second row is ignored. */
static void set_golden(reference_case *c) {
    static const double logits[] = {1, 2, 3, .5, -.5, 0, -1, 4, 2};
    static const double weights[] = {.25, 1, 2};
    static const int targets[] = {2, -100, 0};
    set_numbers(c, &c->input, logits, 9);
    set_numbers(c, &c->weight, weights, 3);
    set_targets(c, targets, 3);
    point_to_required(c);
    c->args.weight = &c->weight;
}

static void golden_losses(void **state) {
    (void)state;
    static const struct {
        clxent_reduction reduction;
        double label_smoothing, loss;
    } golden[] = {
        {CLXENT_REDUCTION_MEAN, 0, 0.9326325499202911},
        {CLXENT_REDUCTION_MEAN, .1, 0.9653910192846895},
        {CLXENT_REDUCTION_SUM, 0, 2.098423237320655},
        {CLXENT_REDUCTION_SUM, .1, 2.1721297933905515},
    };
    reference_case c;
    for (size_t i = 0; i < sizeof golden / sizeof golden[0]; i++)
        FOR_BOTH_TYPES(&c, CLXENT_CROSS_ENTROPY, CLXENT_FORWARD, 3, 3) {
            c.desc.reduction = golden[i].reduction;
            c.desc.label_smoothing = golden[i].label_smoothing;
            set_golden(&c);
            run_case(&c);
            assert_near(get_number(&c, &c.output, 0), golden[i].loss, tolerance(&c));
            assert_true(is_untouched(&c.output.f[c.desc.dtype == CLXENT_F64 ? 2 : 1], 32));
        }
}

static void golden_gradient(void **state) {
    (void)state;
    static const double gradient[] = {.080027176, .217536419,  -.297563595, 0,         0,
                                      0,          -.110455583, .097288955,  .013166628};
    reference_case c;
    for (clxent_pass pass = CLXENT_BACKWARD; pass <= CLXENT_FORWARD_BACKWARD; pass++)
        FOR_BOTH_TYPES(&c, CLXENT_CROSS_ENTROPY, pass, 3, 3) {
            set_golden(&c);
            run_case(&c);
            for (size_t i = 0; i < 9; i++)
                assert_near(get_number(&c, &c.grad_input, i), gradient[i], c.desc.dtype == CLXENT_F64 ? 6e-10 : 1e-7);
            for (size_t i = 3; i < 6; i++)
                assert_positive_zero(get_number(&c, &c.grad_input, i));
        }
}

/* Logits 0, log 2, log 3 have the probabilities 1/6, 2/6, 3/6. */
static void set_sixths(reference_case *c, numbers *array) {
    const double logits[] = {0, log(2), log(3)};
    set_numbers(c, array, logits, 3);
}

static void softmax_by_hand(void **state) {
    (void)state;
    static const double expected[] = {1. / 6, 2. / 6, 3. / 6};
    reference_case c;
    FOR_BOTH_TYPES(&c, CLXENT_SOFTMAX, CLXENT_FORWARD, 1, 3) {
        set_sixths(&c, &c.input);
        point_to_required(&c);
        run_case(&c);
        for (size_t i = 0; i < 3; i++)
            assert_near(get_number(&c, &c.output, i), expected[i], tolerance(&c));
    }
}

/* g . p = 1/6 + 4/6 + 9/6 = 7/3. */
static void softmax_backward_by_hand(void **state) {
    (void)state;
    static const double outputs[] = {1. / 6, 2. / 6, 3. / 6}, incoming[] = {1, 2, 3};
    static const double expected[] = {-2. / 9, -1. / 9, 1. / 3};
    reference_case c;
    FOR_BOTH_TYPES(&c, CLXENT_SOFTMAX, CLXENT_BACKWARD, 1, 3) {
        set_numbers(&c, &c.output, outputs, 3);
        set_numbers(&c, &c.grad_output, incoming, 3);
        point_to_required(&c);
        run_case(&c);
        for (size_t i = 0; i < 3; i++)
            assert_near(get_number(&c, &c.grad_input, i), expected[i], tolerance(&c));
    }
}

static void log_softmax_by_hand(void **state) {
    (void)state;
    reference_case c;
    FOR_BOTH_TYPES(&c, CLXENT_LOG_SOFTMAX, CLXENT_FORWARD, 1, 3) {
        set_sixths(&c, &c.input);
        point_to_required(&c);
        run_case(&c);
        for (size_t i = 0; i < 3; i++)
            assert_near(get_number(&c, &c.output, i), log(((double)i + 1) / 6), tolerance(&c));
    }
}

/* sum g = -1. */
static void log_softmax_backward_by_hand(void **state) {
    (void)state;
    static const double incoming[] = {1, 0, -2}, expected[] = {7. / 6, 2. / 6, -9. / 6};
    reference_case c;
    FOR_BOTH_TYPES(&c, CLXENT_LOG_SOFTMAX, CLXENT_BACKWARD, 1, 3) {
        for (size_t i = 0; i < 3; i++)
            set_number(&c, &c.output, i, log(((double)i + 1) / 6));
        set_numbers(&c, &c.grad_output, incoming, 3);
        point_to_required(&c);
        run_case(&c);
        for (size_t i = 0; i < 3; i++)
            assert_near(get_number(&c, &c.grad_input, i), expected[i], tolerance(&c));
    }
}

/* Losses 2 * 3, ignored, .5 * 4; W = 2.5. */
static void set_nll(reference_case *c, clxent_reduction reduction) {
    static const double log_probs[] = {-1, -2, -3, -7, -8, -9, -4, -5, -6}, weights[] = {.5, 1, 2};
    static const int targets[] = {2, -100, 0};
    c->desc.reduction = reduction;
    set_numbers(c, &c->input, log_probs, 9);
    set_numbers(c, &c->weight, weights, 3);
    set_targets(c, targets, 3);
    point_to_required(c);
    c->args.weight = &c->weight;
}

static void nll_loss_by_hand(void **state) {
    (void)state;
    reference_case c;
    FOR_BOTH_TYPES(&c, CLXENT_NLL_LOSS, CLXENT_FORWARD, 3, 3) {
        set_nll(&c, CLXENT_REDUCTION_MEAN);
        run_case(&c);
        assert_near(get_number(&c, &c.output, 0), 3.2, tolerance(&c));
        set_nll(&c, CLXENT_REDUCTION_SUM);
        run_case(&c);
        assert_near(get_number(&c, &c.output, 0), 8, 0);
        set_nll(&c, CLXENT_REDUCTION_NONE);
        run_case(&c);
        assert_near(get_number(&c, &c.output, 0), 6, 0);
        assert_positive_zero(get_number(&c, &c.output, 1));
        assert_near(get_number(&c, &c.output, 2), 2, 0);
        c.args.weight = NULL;
        set_number(&c, &c.output, 2, 99);
        run_case(&c);
        assert_near(get_number(&c, &c.output, 2), 4, 0);
        set_number(&c, &c.input, 6, 0); /* certain */
        run_case(&c);
        assert_positive_zero(get_number(&c, &c.output, 2));
    }
}

static void nll_gradient_by_hand(void **state) {
    (void)state;
    static const double incoming[] = {10, 100, 1000};
    static const double expected[][2] = {
        [CLXENT_REDUCTION_NONE] = {-20, -500}, [CLXENT_REDUCTION_MEAN] = {-8, -2}, [CLXENT_REDUCTION_SUM] = {-20, -5}};
    reference_case c;
    for (clxent_reduction reduction = CLXENT_REDUCTION_NONE; reduction <= CLXENT_REDUCTION_SUM; reduction++)
        FOR_BOTH_TYPES(&c, CLXENT_NLL_LOSS, CLXENT_BACKWARD, 3, 3) {
            set_nll(&c, reduction);
            set_numbers(&c, &c.grad_output, incoming, 3);
            c.args.grad_output = &c.grad_output;
            run_case(&c);
            for (size_t i = 0; i < 9; i++) {
                double got = get_number(&c, &c.grad_input, i);
                if (i == 2 || i == 6)
                    assert_near(got, expected[reduction][i == 6], tolerance(&c));
                else
                    assert_positive_zero(got);
            }
        }
}

/* e = .3 over three classes: l = .7 w_1 (-lp_1) + .1 sum w_c (-lp_c), with -lp = log 6, log 3, log 2. */
static void cross_entropy_by_hand(void **state) {
    (void)state;
    static const double weights[] = {1, 2, 4}, incoming[] = {-3};
    static const int targets[] = {1};
    reference_case c;
    FOR_BOTH_TYPES(&c, CLXENT_CROSS_ENTROPY, CLXENT_FORWARD_BACKWARD, 1, 3) {
        c.desc.reduction = CLXENT_REDUCTION_SUM;
        c.desc.label_smoothing = .3;
        set_sixths(&c, &c.input);
        set_numbers(&c, &c.weight, weights, 3);
        set_numbers(&c, &c.grad_output, incoming, 1);
        set_targets(&c, targets, 1);
        point_to_required(&c);
        c.args.weight = &c.weight;
        c.args.lse = &c.lse;
        c.args.grad_output = &c.grad_output;
        c.args.invalid_count = &c.invalid_count;
        run_case(&c);
        double hard = .7 * 2 * log(3), smooth = .1 * (log(6) + 2 * log(3) + 4 * log(2));
        assert_near(get_number(&c, &c.output, 0), hard + smooth, tolerance(&c));
        assert_near(get_number(&c, &c.lse, 0), log(6), tolerance(&c));
        assert_int_equal(c.invalid_count, 0);
        for (size_t k = 0; k < 3; k++) {
            double p = ((double)k + 1) / 6;
            double gradient = .7 * 2 * (p - (k == 1)) + .1 * (p * 7 - weights[k]);
            assert_near(get_number(&c, &c.grad_input, k), -3 * gradient, 3 * tolerance(&c));
        }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(golden_losses),         cmocka_unit_test(golden_gradient),
        cmocka_unit_test(softmax_by_hand),       cmocka_unit_test(softmax_backward_by_hand),
        cmocka_unit_test(log_softmax_by_hand),   cmocka_unit_test(log_softmax_backward_by_hand),
        cmocka_unit_test(nll_loss_by_hand),      cmocka_unit_test(nll_gradient_by_hand),
        cmocka_unit_test(cross_entropy_by_hand),
    };
    return cmocka_run_group_tests_name("reference", tests, NULL, NULL);
}
