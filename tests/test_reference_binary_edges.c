/* The edges of both binary cross-entropies on the CPU reference: certain probabilities, infinite logits, NaN, weights of
 * zero, the empty batch, accumulated gradients and working in place. */
#include "reference_cases.h"

#define INF ((double)INFINITY)
#define PROBABILITIES CLXENT_BINARY_CROSS_ENTROPY
#define LOGITS CLXENT_BINARY_CROSS_ENTROPY_WITH_LOGITS

/* One row of `count` elements, loss per element. */
static void set_elements(reference_case *c, clxent_op op, clxent_dtype dtype, const double *x, const double *t,
                         size_t count) {
    begin_case(c, op, CLXENT_FORWARD_BACKWARD, dtype, 1, count);
    c->desc.reduction = CLXENT_REDUCTION_NONE;
    set_numbers(c, &c->input, x, count);
    set_probabilities(c, t);
    point_to_required(c);
}

static void check_elements(const reference_case *c, const double *losses, const double *gradients) {
    for (size_t i = 0; i < c->desc.classes; i++) {
        double loss = get_number(c, &c->output, i), gradient = get_number(c, &c->grad_input, i);
        assert_near(loss, losses[i], (1 + fabs(losses[i])) * tolerance(c));
        assert_near(gradient, gradients[i], (1 + fabs(gradients[i])) * tolerance(c));
    }
}

/* The logarithms are clamped at -100, x (1-x) at 1e-12, and the clamps are not differentiated. */
static void certain_probabilities(void **state) {
    (void)state;
    static const double x[] = {0, 0, 1, 1, 0, 1}, t[] = {0, 1, 1, 0, .25, .25};
    static const double losses[] = {0, 100, 0, 100, 25, 75};
    static const double gradients[] = {0, -1e12, 0, 1e12, -.25e12, .75e12};
    reference_case c;
    for (clxent_dtype dtype = CLXENT_F32; dtype <= CLXENT_F64; dtype++) {
        set_elements(&c, PROBABILITIES, dtype, x, t, 6);
        run_case(&c);
        check_elements(&c, losses, gradients);
        assert_positive_zero(get_number(&c, &c.output, 0));
        assert_positive_zero(get_number(&c, &c.output, 2));
    }
    /* Just inside the clamps: log(1e-43) is -99.01, log(1e-44) is -101.3. */
    static const double small[] = {1e-43, 1e-44, 1e-11}, ones[] = {1, 1, 1};
    const double small_losses[] = {-log(1e-43), 100, -log(1e-11)}, small_gradients[] = {-1e12, -1e12, -1e11};
    set_elements(&c, PROBABILITIES, CLXENT_F64, small, ones, 3);
    run_case(&c);
    check_elements(&c, small_losses, small_gradients);
}

/* log(1-x) keeps its digits where x is small. */
static void small_probabilities(void **state) {
    (void)state;
    static const double x[] = {1e-20, 1e-30}, t[] = {0, 0}, gradients[] = {1e-8, 1e-18};
    reference_case c;
    set_elements(&c, PROBABILITIES, CLXENT_F64, x, t, 2);
    run_case(&c);
    for (size_t i = 0; i < 2; i++) {
        assert_near(c.output.d[i], x[i], 1e-15 * x[i]);
        assert_near(c.grad_input.d[i], gradients[i], 1e-15 * gradients[i]);
    }
}

/* Infinite logits give the limits: 0 where they are right, +inf where they are wrong, by however little. */
static void infinite_logits(void **state) {
    (void)state;
    static const double x[] = {INF, -INF, INF, -INF, INF, -INF}, t[] = {1, 0, 0, 1, .25, .25};
    static const double losses[] = {0, 0, INF, INF, INF, INF}, gradients[] = {0, 0, 1, -1, .75, -.25};
    reference_case c;
    for (clxent_dtype dtype = CLXENT_F32; dtype <= CLXENT_F64; dtype++) {
        set_elements(&c, LOGITS, dtype, x, t, 6);
        run_case(&c);
        check_elements(&c, losses, gradients);
        assert_positive_zero(get_number(&c, &c.output, 0));
        assert_positive_zero(get_number(&c, &c.output, 1));
        /* pos_weight 0: a positive target that is missed costs nothing. */
        static const double pos_weights[] = {1, 1, 1, 0, 1, 0}, free_losses[] = {0, 0, INF, 0, INF, 0};
        static const double free_gradients[] = {0, 0, 1, 0, .75, 0};
        set_numbers(&c, &c.pos_weight, pos_weights, 6);
        c.args.pos_weight = &c.pos_weight;
        run_case(&c);
        check_elements(&c, free_losses, free_gradients);
        /* w = 0 takes the infinity with it. */
        static const double zeros[6] = {0};
        set_numbers(&c, &c.weight, zeros, 6);
        c.args.weight = &c.weight;
        c.args.pos_weight = NULL;
        run_case(&c);
        check_elements(&c, zeros, zeros);
        set_numbers(&c, &c.sample_weight, zeros, 6);
        c.args.weight = NULL;
        c.args.sample_weight = &c.sample_weight;
        run_case(&c);
        check_elements(&c, zeros, zeros);
    }
}

/* Large logits keep their digits: softplus(x) is x, and exp(-|x|) on the other side. */
static void large_logits(void **state) {
    (void)state;
    static const double x[] = {88, -88, 1e4, -1e4, 1e8, -1e8, 88, -88}, t[] = {0, 1, 0, 1, 0, 1, 1, 0};
    const double losses[] = {88, 88, 1e4, 1e4, 1e8, 1e8, exp(-88), exp(-88)};
    const double gradients[] = {1, -1, 1, -1, 1, -1, -exp(-88), exp(-88)};
    reference_case c;
    for (clxent_dtype dtype = CLXENT_F32; dtype <= CLXENT_F64; dtype++) {
        set_elements(&c, LOGITS, dtype, x, t, 8);
        run_case(&c);
        for (size_t i = 0; i < 8; i++) {
            assert_near(get_number(&c, &c.output, i), losses[i], tolerance(&c) * losses[i]);
            assert_near(get_number(&c, &c.grad_input, i), gradients[i], tolerance(&c) * fabs(gradients[i]));
        }
    }
}

/* NaN in the input or the target shows in that element, whatever its weight, and in no other one. */
static void poisoned_elements(void **state) {
    (void)state;
    static const double x[] = {.5, NAN, .5, NAN, .5}, t[] = {1, 1, NAN, NAN, 1}, weights[] = {1, 0, 0, 0, 1};
    reference_case c;
    for (int op = PROBABILITIES; op <= (int)LOGITS; op++)
        for (clxent_dtype dtype = CLXENT_F32; dtype <= CLXENT_F64; dtype++)
            for (int weighted = 0; weighted < 2; weighted++) {
                set_elements(&c, (clxent_op)op, dtype, x, t, 5);
                set_numbers(&c, &c.weight, weights, 5);
                c.args.weight = weighted ? &c.weight : NULL;
                run_case(&c);
                for (size_t i = 0; i < 5; i++) {
                    bool poisoned = i > 0 && i < 4;
                    assert_true(isnan(get_number(&c, &c.output, i)) == poisoned);
                    assert_true(isnan(get_number(&c, &c.grad_input, i)) == poisoned);
                }
                c.desc.reduction = CLXENT_REDUCTION_SUM;
                run_case(&c);
                assert_near(get_number(&c, &c.output, 0), NAN, 0);
            }
}

static void empty_batch(void **state) {
    (void)state;
    reference_case c;
    for (int op = PROBABILITIES; op <= (int)LOGITS; op++)
        for (int flag = 0; flag < 2; flag++) {
            begin_case(&c, (clxent_op)op, CLXENT_FORWARD, CLXENT_F64, 0, 3);
            c.desc.flags = flag ? CLXENT_EMPTY_MEAN_ZERO : 0;
            c.args.output = &c.output;
            run_case(&c);
            assert_near(c.output.d[0], flag ? 0 : NAN, 0);
            c.desc.reduction = CLXENT_REDUCTION_SUM;
            run_case(&c);
            assert_positive_zero(c.output.d[0]);
            c.desc.reduction = CLXENT_REDUCTION_NONE;
            c.args.output = NULL;
            run_case(&c);
            c.desc.pass = CLXENT_FORWARD_BACKWARD;
            run_case(&c);
        }
}

/* ACCUMULATE_GRAD adds to what is there, padding aside. */
static void accumulated_gradients(void **state) {
    (void)state;
    static const double x[] = {.25, .5, .75, .125}, t[] = {1, .5, 0, .25}, old[] = {1, -2, 3, -4};
    reference_case fresh, added;
    for (int op = PROBABILITIES; op <= (int)LOGITS; op++)
        for (clxent_dtype dtype = CLXENT_F32; dtype <= CLXENT_F64; dtype++) {
            set_elements(&fresh, (clxent_op)op, dtype, x, t, 4);
            set_elements(&added, (clxent_op)op, dtype, x, t, 4);
            added.desc.flags = CLXENT_ACCUMULATE_GRAD;
            set_numbers(&added, &added.grad_input, old, 4);
            run_case(&fresh);
            run_case(&added);
            for (size_t i = 0; i < 4; i++) {
                double expected = old[i] + get_number(&fresh, &fresh.grad_input, i);
                assert_near(get_number(&added, &added.grad_input, i), expected, 4 * tolerance(&added));
            }
        }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(certain_probabilities), cmocka_unit_test(small_probabilities),
        cmocka_unit_test(infinite_logits),       cmocka_unit_test(large_logits),
        cmocka_unit_test(poisoned_elements),     cmocka_unit_test(empty_batch),
        cmocka_unit_test(accumulated_gradients),
    };
    return cmocka_run_group_tests_name("reference binary cross-entropy edges", tests, NULL, NULL);
}
