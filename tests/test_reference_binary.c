/* Both binary cross-entropies on the CPU reference: values worked out by hand, their agreement with each other, layout,
 * weights, reductions. Infinities and other edges are in test_reference_binary_edges.c. */
#include "reference_cases.h"

#define PROBABILITIES CLXENT_BINARY_CROSS_ENTROPY
#define LOGITS CLXENT_BINARY_CROSS_ENTROPY_WITH_LOGITS

static double sigmoid(double x) {
    return 1 / (1 + exp(-x));
}

/* Two entries of two classes. x, t, and for every element the weights: class 1, 2; element .5, 1, 4, 0. */
static void set_four(reference_case *c, clxent_reduction reduction) {
    static const double x[] = {.25, .5, .75, .125}, t[] = {1, .5, 0, .25};
    static const double weights[] = {1, 2}, sample_weights[] = {.5, 1, 4, 0};
    c->desc.reduction = reduction;
    set_numbers(c, &c->input, x, 4);
    set_numbers(c, &c->weight, weights, 2);
    set_numbers(c, &c->sample_weight, sample_weights, 4);
    set_probabilities(c, t);
    point_to_required(c);
}

static void losses_by_hand(void **state) {
    (void)state;
    reference_case c;
    FOR_BOTH_TYPES(&c, PROBABILITIES, CLXENT_FORWARD, 2, 2) {
        set_four(&c, CLXENT_REDUCTION_NONE);
        run_case(&c);
        const double expected[] = {log(4), log(2), log(4), -(.25 * log(.125) + .75 * log(.875))};
        for (size_t i = 0; i < 4; i++)
            assert_near(get_number(&c, &c.output, i), expected[i], tolerance(&c));
        c.args.weight = &c.weight;
        c.args.sample_weight = &c.sample_weight;
        run_case(&c);
        static const double factors[] = {.5, 2, 4, 0};
        for (size_t i = 0; i < 4; i++)
            assert_near(get_number(&c, &c.output, i), factors[i] * expected[i], 4 * tolerance(&c));
        double sum = .5 * log(4) + 2 * log(2) + 4 * log(4);
        c.desc.reduction = CLXENT_REDUCTION_SUM;
        run_case(&c);
        assert_near(get_number(&c, &c.output, 0), sum, 8 * tolerance(&c));
        c.desc.reduction = CLXENT_REDUCTION_MEAN; /* by the number of elements, whatever the weights */
        run_case(&c);
        assert_near(get_number(&c, &c.output, 0), sum / 4, 2 * tolerance(&c));
    }
}

/* dx = w g (x - t) / (x (1-x)): -4, 0, 4 and -8/7 before weights and g. */
static void gradients_by_hand(void **state) {
    (void)state;
    static const double incoming[] = {1, 10, 100, 1000}, plain[] = {-4, 0, 4, -8. / 7};
    static const double factors[][4] = {[CLXENT_REDUCTION_NONE] = {.5, 20, 400, 0},
                                        [CLXENT_REDUCTION_MEAN] = {.125, .5, 1, 0},
                                        [CLXENT_REDUCTION_SUM] = {.5, 2, 4, 0}};
    reference_case c;
    for (clxent_pass pass = CLXENT_BACKWARD; pass <= CLXENT_FORWARD_BACKWARD; pass++)
        for (clxent_reduction reduction = CLXENT_REDUCTION_NONE; reduction <= CLXENT_REDUCTION_SUM; reduction++)
            FOR_BOTH_TYPES(&c, PROBABILITIES, pass, 2, 2) {
                set_four(&c, reduction);
                c.args.weight = &c.weight;
                c.args.sample_weight = &c.sample_weight;
                set_numbers(&c, &c.grad_output, incoming, 4);
                c.args.grad_output = &c.grad_output;
                c.desc.grad_scale = -2;
                run_case(&c);
                for (size_t i = 0; i < 4; i++) {
                    double expected = -2 * factors[reduction][i] * plain[i];
                    assert_near(get_number(&c, &c.grad_input, i), expected, (1 + fabs(expected)) * tolerance(&c));
                }
            }
}

/* x = log 3: sigmoid 3/4. pos_weight 5 for class 0, 1/2 for class 1. */
static void logits_by_hand(void **state) {
    (void)state;
    const double x[] = {log(3), -log(3), log(3), 0}, pos_weights[] = {5, .5}, t[] = {1, .5, 0, .25};
    const double losses[] = {5 * log(4. / 3), .25 * log(4) + .5 * log(4. / 3), log(4), .125 * log(2) + .75 * log(2)};
    static const double gradients[] = {-1.25, .125 - .1875, .75, .375 - .0625};
    reference_case c;
    FOR_BOTH_TYPES(&c, LOGITS, CLXENT_FORWARD_BACKWARD, 2, 2) {
        c.desc.reduction = CLXENT_REDUCTION_NONE;
        set_numbers(&c, &c.input, x, 4);
        set_numbers(&c, &c.pos_weight, pos_weights, 2);
        set_probabilities(&c, t);
        point_to_required(&c);
        c.args.pos_weight = &c.pos_weight;
        run_case(&c);
        for (size_t i = 0; i < 4; i++) {
            assert_near(get_number(&c, &c.output, i), losses[i], 2 * tolerance(&c));
            assert_near(get_number(&c, &c.grad_input, i), gradients[i], tolerance(&c));
        }
    }
}

/* The formula of docs/numerics.md as it stands there, at ordinary logits. */
static void logits_as_in_the_contract(void **state) {
    (void)state;
    reference_case c;
    begin_case(&c, LOGITS, CLXENT_FORWARD_BACKWARD, CLXENT_F64, 4, 5);
    c.desc.reduction = CLXENT_REDUCTION_NONE;
    double t[20];
    for (size_t i = 0; i < 20; i++) {
        c.input.d[i] = (double)i / 2 - 5;
        t[i] = (double)(i * 7 % 20) / 10 - .5; /* outside [0, 1] too: not refused with logits */
        c.sample_weight.d[i] = (double)(i % 3);
    }
    for (size_t k = 0; k < 5; k++)
        c.pos_weight.d[k] = (double)k;
    set_probabilities(&c, t);
    point_to_required(&c);
    c.args.pos_weight = &c.pos_weight;
    c.args.sample_weight = &c.sample_weight;
    run_case(&c);
    for (size_t i = 0; i < 20; i++) {
        double x = c.input.d[i], w = (double)(i % 3), pw = (double)(i % 5);
        double soft = log1p(exp(-fabs(x))) + fmax(-x, 0);
        assert_near(c.output.d[i], w * ((1 - t[i]) * x + (1 + (pw - 1) * t[i]) * soft), 1e-13);
        assert_near(c.grad_input.d[i], w * ((pw * t[i] + 1 - t[i]) * sigmoid(x) - pw * t[i]), 1e-14);
    }
}

/* With logits it is the loss of the sigmoid, and by the chain rule x (1-x) times its gradient. */
static void logits_equal_probabilities(void **state) {
    (void)state;
    reference_case a, b;
    for (clxent_reduction reduction = CLXENT_REDUCTION_NONE; reduction <= CLXENT_REDUCTION_SUM; reduction++) {
        begin_case(&a, LOGITS, CLXENT_FORWARD_BACKWARD, CLXENT_F64, 4, 3);
        begin_case(&b, PROBABILITIES, CLXENT_FORWARD_BACKWARD, CLXENT_F64, 4, 3);
        double t[12];
        for (size_t i = 0; i < 12; i++) {
            a.input.d[i] = (double)i * 1.5 - 8;
            b.input.d[i] = sigmoid(a.input.d[i]);
            t[i] = (double)(i * 5 % 12) / 11;
        }
        reference_case *both[] = {&a, &b};
        for (size_t i = 0; i < 2; i++) {
            both[i]->desc.reduction = reduction;
            set_numbers(both[i], &both[i]->weight, (const double[]){.5, 3, 1}, 3);
            set_probabilities(both[i], t);
            point_to_required(both[i]);
            both[i]->args.weight = &both[i]->weight;
            run_case(both[i]);
        }
        for (size_t i = 0; i < (reduction == CLXENT_REDUCTION_NONE ? 12 : 1); i++)
            assert_near(a.output.d[i], b.output.d[i], 1e-12);
        for (size_t i = 0; i < 12; i++)
            assert_near(a.grad_input.d[i], b.grad_input.d[i] * b.input.d[i] * (1 - b.input.d[i]), 1e-12);
    }
}

/* (N, C, inner) with padding, per-class weights, and targets of float beside double inputs: as one element at a time. */
static void layout(void **state) {
    (void)state;
    static const double weights[] = {1, 2, 4}, pos_weights[] = {3, 1, 2};
    for (int op = PROBABILITIES; op <= (int)LOGITS; op++)
        for (int target = CLXENT_TARGET_PROBABILITIES; target <= CLXENT_TARGET_PROBABILITIES_F32; target++) {
            reference_case all, one;
            begin_case(&all, (clxent_op)op, CLXENT_FORWARD_BACKWARD, CLXENT_F64, 2, 3);
            all.desc.inner = 2;
            all.desc.row_stride = 9;
            all.desc.target_type = (clxent_target_type)target;
            all.desc.reduction = CLXENT_REDUCTION_NONE;
            double x[12], t[12], u[12], g[12];
            for (size_t i = 0; i < 12; i++) {
                x[i] = (double)(i + 1) / 16;
                t[i] = (double)(i * 5 % 12) / 16;
                u[i] = (double)(i % 4);
                g[i] = (double)i - 4;
            }
            set_dense(&all, &all.input, x);
            set_dense(&all, &all.sample_weight, u);
            set_dense(&all, &all.grad_output, g);
            set_numbers(&all, &all.weight, weights, 3);
            set_numbers(&all, &all.pos_weight, pos_weights, 3);
            set_probabilities(&all, t);
            point_to_required(&all);
            all.args.weight = &all.weight;
            all.args.sample_weight = &all.sample_weight;
            all.args.grad_output = &all.grad_output;
            all.args.pos_weight = op == (int)LOGITS ? &all.pos_weight : NULL;
            run_case(&all);
            for (size_t i = 0; i < 12; i++) {
                size_t k = i / 2 % 3;
                begin_case(&one, (clxent_op)op, CLXENT_FORWARD_BACKWARD, CLXENT_F64, 1, 1);
                one.desc.reduction = CLXENT_REDUCTION_SUM;
                one.desc.grad_scale = g[i];
                one.input.d[0] = x[i];
                one.weight.d[0] = weights[k] * u[i];
                one.pos_weight.d[0] = pos_weights[k];
                set_probabilities(&one, &t[i]);
                point_to_required(&one);
                one.args.weight = &one.weight;
                one.args.pos_weight = op == (int)LOGITS ? &one.pos_weight : NULL;
                run_case(&one);
                assert_near(get_dense(&all, &all.output, i), one.output.d[0], 1e-14);
                assert_near(get_dense(&all, &all.grad_input, i), one.grad_input.d[0], 1e-12);
            }
            for (size_t i = 6; i < 9; i++) /* padding between the entries */
                assert_true(is_untouched(&all.output.d[i], 8) && is_untouched(&all.grad_input.d[i], 8));
            assert_true(is_untouched(&all.output.d[15], 64) && is_untouched(&all.grad_input.d[15], 64));
        }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(losses_by_hand),
        cmocka_unit_test(gradients_by_hand),
        cmocka_unit_test(logits_by_hand),
        cmocka_unit_test(logits_as_in_the_contract),
        cmocka_unit_test(logits_equal_probabilities),
        cmocka_unit_test(layout),
    };
    return cmocka_run_group_tests_name("reference binary cross-entropy", tests, NULL, NULL);
}
