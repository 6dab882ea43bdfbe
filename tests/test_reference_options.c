/* The options of cross-entropy and nll-loss on the CPU reference, each by values worked out by hand. Their edges are in
 * test_reference_option_edges.c, random combinations of all in test_reference_combinations.c. */
#include "reference_cases.h"

/* Two rows with the probabilities 1/6, 2/6, 3/6 and 1/2, 1/4, 1/4 (lse: log 6 and log 4), targets 1 and 0. */
static void set_two(reference_case *c, clxent_dtype dtype, clxent_reduction reduction) {
    const double logits[] = {0, log(2), log(3), log(2), 0, 0};
    static const int classes[] = {1, 0};
    set_rows(c, dtype, logits, classes, 2);
    c->desc.reduction = reduction;
}

static const double probs[] = {1. / 6, 2. / 6, 3. / 6, .5, .25, .25};
#define FOR_REDUCTIONS(reduction)                                                                                      \
    for (clxent_reduction reduction = CLXENT_REDUCTION_NONE; reduction <= CLXENT_REDUCTION_SUM; reduction++)
#define FOR_TYPES(dtype) for (clxent_dtype dtype = CLXENT_F32; dtype <= CLXENT_F64; dtype++)

/* Losses of the two rows, or a single one where `second` is NaN. */
static void check_losses(const reference_case *c, double first, double second) {
    assert_near(get_number(c, &c->output, 0), first, 8 * tolerance(c));
    if (!isnan(second))
        assert_near(get_number(c, &c->output, 1), second, 8 * tolerance(c));
}

static void check_gradient(const reference_case *c, size_t i, double expected) {
    assert_near(get_number(c, &c->grad_input, i), expected, 8 * tolerance(c));
}

static double onehot_gradient(size_t i) {
    return probs[i] - (i == 1 || i == 3 ? 1 : 0);
}

/* u = 3, 1/2. */
static void sample_weights(void **state) {
    (void)state;
    FOR_REDUCTIONS(reduction)
    FOR_TYPES(dtype) {
        reference_case c;
        set_two(&c, dtype, reduction);
        set_numbers(&c, &c.sample_weight, (const double[]){3, .5}, 2);
        c.args.sample_weight = &c.sample_weight;
        run_case(&c);
        double divisor = reduction == CLXENT_REDUCTION_MEAN ? 3.5 : 1, sum = 3 * log(3) + .5 * log(2);
        if (reduction == CLXENT_REDUCTION_NONE)
            check_losses(&c, 3 * log(3), .5 * log(2));
        else
            check_losses(&c, sum / divisor, NAN);
        for (size_t i = 0; i < 6; i++)
            check_gradient(&c, i, (i < 3 ? 3 : .5) * onehot_gradient(i) / divisor);
        /* With class weights the mean divides by sum u w[y] = 3 * 4 + .5 * 2. */
        set_numbers(&c, &c.weight, (const double[]){2, 4, 9}, 3);
        c.args.weight = &c.weight;
        run_case(&c);
        if (reduction == CLXENT_REDUCTION_MEAN)
            check_losses(&c, (12 * log(3) + log(2)) / 13, NAN);
    }
}

/* z (lse^2) with z = .1: unweighted by w, but by u; its mean divides by sum u. */
static void z_loss(void **state) {
    (void)state;
    double squares[] = {.1 * log(6) * log(6), .1 * log(4) * log(4)};
    FOR_REDUCTIONS(reduction)
    FOR_TYPES(dtype) {
        reference_case c;
        set_two(&c, dtype, reduction);
        c.desc.z_loss = .1;
        set_numbers(&c, &c.sample_weight, (const double[]){3, .5}, 2);
        set_numbers(&c, &c.weight, (const double[]){2, 4, 9}, 3);
        c.args.sample_weight = &c.sample_weight;
        c.args.weight = &c.weight;
        run_case(&c);
        bool mean = reduction == CLXENT_REDUCTION_MEAN;
        double loss = 12 * log(3) + log(2), z = 3 * squares[0] + .5 * squares[1];
        if (reduction == CLXENT_REDUCTION_NONE)
            check_losses(&c, 12 * log(3) + 3 * squares[0], log(2) + .5 * squares[1]);
        else
            check_losses(&c, mean ? loss / 13 + z / 3.5 : loss + z, NAN);
        for (size_t i = 0; i < 6; i++) {
            double u = i < 3 ? 3 : .5, w = i < 3 ? 4 : 2, lse = i < 3 ? log(6) : log(4);
            check_gradient(&c, i,
                           u * w * onehot_gradient(i) / (mean ? 13 : 1) + u * .2 * lse * probs[i] / (mean ? 3.5 : 1));
        }
    }
}

/* r sum_c p_c^2 with r = -2: 14/36 and 3/8. Mean and sum alike add its mean over the weights u. */
static void reg_lambda(void **state) {
    (void)state;
    FOR_REDUCTIONS(reduction)
    FOR_TYPES(dtype) {
        reference_case c;
        set_two(&c, dtype, reduction);
        c.desc.reg_lambda = -2;
        set_numbers(&c, &c.sample_weight, (const double[]){3, .5}, 2);
        c.args.sample_weight = &c.sample_weight;
        run_case(&c);
        bool none = reduction == CLXENT_REDUCTION_NONE;
        double first = 14. / 36, second = 3. / 8, loss = 3 * log(3) + .5 * log(2);
        double divisor = reduction == CLXENT_REDUCTION_MEAN ? 3.5 : 1;
        if (none)
            check_losses(&c, 3 * (log(3) - 2 * first), .5 * (log(2) - 2 * second));
        else
            check_losses(&c, loss / divisor - 2 * (3 * first + .5 * second) / 3.5, NAN);
        for (size_t i = 0; i < 6; i++) {
            double u = i < 3 ? 3 : .5, squares = i < 3 ? first : second;
            double reg = -2 * u * 2 * probs[i] * (probs[i] - squares) / (none ? 1 : 3.5);
            check_gradient(&c, i, u * onehot_gradient(i) / divisor + reg);
        }
    }
}

/* Targets 1, 0 in the share .25 and 2, ignored in the share .75: each has its own mean. */
static void mixed_targets(void **state) {
    (void)state;
    FOR_REDUCTIONS(reduction)
    FOR_TYPES(dtype)
    for (int from_array = 0; from_array < 2; from_array++) {
        reference_case c;
        set_two(&c, dtype, reduction);
        set_targets2(&c, (const int[]){2, -100}, 2);
        c.desc.mix_lambda = from_array ? .5 : .25; /* the array has the last word */
        c.mix_lambda.f[0] = .25F;
        if (dtype == CLXENT_F64)
            c.mix_lambda.d[0] = .25;
        c.args.mix_lambda = from_array ? &c.mix_lambda : NULL;
        run_case(&c);
        double divisor = reduction == CLXENT_REDUCTION_MEAN ? 2 : 1;
        if (reduction == CLXENT_REDUCTION_NONE)
            check_losses(&c, .25 * log(3) + .75 * log(2), .25 * log(2));
        else
            check_losses(&c, .25 * log(6) / divisor + .75 * log(2), NAN);
        for (size_t i = 0; i < 6; i++) {
            double second = i < 3 ? probs[i] - (i == 2 ? 1 : 0) : 0;
            check_gradient(&c, i, .25 * onehot_gradient(i) / divisor + .75 * second);
        }
    }
}

/* Scale 1/2 of twice the logits is the case above, and the gradient takes the factor 1/2; a negative scale of the
 * negated logits likewise. */
static void logit_scale(void **state) {
    (void)state;
    static const double scales[] = {.5, -.5, -1, 4};
    FOR_TYPES(dtype)
    for (size_t s = 0; s < 4; s++) {
        reference_case c;
        set_two(&c, dtype, CLXENT_REDUCTION_NONE);
        c.desc.logit_scale = scales[s];
        for (size_t i = 0; i < 6; i++)
            set_number(&c, &c.input, i, get_number(&c, &c.input, i) / scales[s]);
        run_case(&c);
        check_losses(&c, log(3), log(2));
        assert_near(get_number(&c, &c.lse, 0), log(6), 2 * tolerance(&c));
        for (size_t i = 0; i < 6; i++)
            check_gradient(&c, i, scales[s] * onehot_gradient(i));
    }
    reference_case c; /* scale 0: every class alike */
    set_two(&c, CLXENT_F64, CLXENT_REDUCTION_NONE);
    c.desc.logit_scale = 0;
    run_case(&c);
    check_losses(&c, log(3), log(3));
    for (size_t i = 0; i < 6; i++)
        check_gradient(&c, i, 0);
}

/* x'' = t tanh(a x / t) with t = 2, a = 1/2: x = 4 atanh(l / 2) gives x'' = l, and dx'' / dx = (1 - l^2 / 4) / 2. */
static void logit_softcap(void **state) {
    (void)state;
    FOR_TYPES(dtype) {
        reference_case c;
        set_two(&c, dtype, CLXENT_REDUCTION_NONE);
        double capped[6];
        c.desc.logit_softcap = 2;
        c.desc.logit_scale = .5;
        for (size_t i = 0; i < 6; i++) {
            capped[i] = get_number(&c, &c.input, i);
            set_number(&c, &c.input, i, 4 * atanh(capped[i] / 2));
        }
        run_case(&c);
        check_losses(&c, log(3), log(2));
        assert_near(get_number(&c, &c.lse, 0), log(6), 8 * tolerance(&c));
        for (size_t i = 0; i < 6; i++)
            check_gradient(&c, i, onehot_gradient(i) * (1 - capped[i] * capped[i] / 4) / 2);
    }
}

/* A loss scale multiplies the incoming gradient and no loss. */
static void grad_scale(void **state) {
    (void)state;
    FOR_REDUCTIONS(reduction)
    FOR_TYPES(dtype) {
        reference_case c;
        set_two(&c, dtype, reduction);
        c.desc.z_loss = .1;
        c.desc.reg_lambda = .3;
        run_case(&c);
        numbers loss = c.output, gradient = c.grad_input;
        c.desc.grad_scale = -2;
        run_case(&c);
        assert_memory_equal(&c.output, &loss, sizeof loss);
        for (size_t i = 0; i < 6; i++)
            check_gradient(&c, i, -2 * get_number(&c, &gradient, i));
        set_numbers(&c, &c.grad_output, (const double[]){3, -5}, 2);
        c.args.grad_output = &c.grad_output;
        run_case(&c);
        assert_memory_equal(&c.output, &loss, sizeof loss);
        for (size_t i = 0; i < 6; i++)
            check_gradient(&c, i,
                           (reduction == CLXENT_REDUCTION_NONE && i >= 3 ? 10 : -6) * get_number(&c, &gradient, i));
    }
}

/* The gradient is added to what is there; a row that does not count keeps what it has, to the bit. */
static void accumulated_gradients(void **state) {
    (void)state;
    static const double old[] = {1, -2, 3, -4, 5, -6};
    FOR_TYPES(dtype)
    for (clxent_op op = CLXENT_NLL_LOSS; op <= CLXENT_CROSS_ENTROPY; op++) {
        reference_case c;
        set_two(&c, dtype, CLXENT_REDUCTION_SUM);
        c.desc.op = op;
        c.desc.pass = CLXENT_BACKWARD;
        c.desc.flags = CLXENT_ACCUMULATE_GRAD;
        c.args.lse = NULL;
        set_numbers(&c, &c.grad_input, old, 3);
        c.desc.ignore_index = 0; /* the second row, which stays as begin_case left it */
        run_case(&c);
        for (size_t i = 0; i < 3; i++)
            check_gradient(&c, i, old[i] + (op == CLXENT_CROSS_ENTROPY ? onehot_gradient(i) : i == 1 ? -1 : 0));
        size_t size = dtype == CLXENT_F64 ? sizeof(double) : sizeof(float);
        assert_true(is_untouched((const char *)&c.grad_input + 3 * size, 3 * size));
    }
}

/* Losses 2 * 3 and .5 * 4 as in test_reference.c, with u = 10, 100: W = 10 * 2 + 100 * .5. */
static void nll_loss(void **state) {
    (void)state;
    static const double log_probs[] = {-1, -2, -3, -7, -8, -9, -4, -5, -6}, weights[] = {.5, 1, 2};
    static const double sample_weights[] = {10, NAN, 100}, losses[] = {60, 0, 200};
    static const int classes[] = {2, -100, 0};
    FOR_REDUCTIONS(reduction)
    FOR_TYPES(dtype) {
        reference_case c;
        begin_case(&c, CLXENT_NLL_LOSS, CLXENT_FORWARD, dtype, 3, 3);
        c.desc.reduction = reduction;
        set_numbers(&c, &c.input, log_probs, 9);
        set_numbers(&c, &c.weight, weights, 3);
        set_numbers(&c, &c.sample_weight, sample_weights, 3); /* of an ignored row it is never used */
        set_targets(&c, classes, 3);
        point_to_required(&c);
        c.args.weight = &c.weight;
        c.args.sample_weight = &c.sample_weight;
        run_case(&c);
        double divisor = reduction == CLXENT_REDUCTION_MEAN ? 70 : 1;
        for (size_t r = 0; r < 3 && reduction == CLXENT_REDUCTION_NONE; r++)
            assert_near(get_number(&c, &c.output, r), losses[r], 0);
        if (reduction != CLXENT_REDUCTION_NONE)
            assert_near(get_number(&c, &c.output, 0), 260 / divisor, 8 * tolerance(&c));
        c.desc.pass = CLXENT_BACKWARD;
        c.desc.grad_scale = 7;
        point_to_required(&c);
        run_case(&c);
        for (size_t i = 0; i < 9; i++)
            check_gradient(&c, i, i == 2 ? -140 / divisor : i == 6 ? -350 / divisor : 0);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sample_weights), cmocka_unit_test(z_loss),
        cmocka_unit_test(reg_lambda),     cmocka_unit_test(mixed_targets),
        cmocka_unit_test(logit_scale),    cmocka_unit_test(logit_softcap),
        cmocka_unit_test(grad_scale),     cmocka_unit_test(accumulated_gradients),
        cmocka_unit_test(nll_loss),
    };
    return cmocka_run_group_tests_name("reference options", tests, NULL, NULL);
}
