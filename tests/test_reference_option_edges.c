/* The edges of the options of cross-entropy and nll-loss on the CPU reference: means over nothing, weights that vanish,
 * rows that one of two targets ignores, infinities under weights, scale and cap. */
#include "reference_cases.h"

#define INF ((double)INFINITY)
#define MEAN CLXENT_REDUCTION_MEAN
#define SUM CLXENT_REDUCTION_SUM

/* Cross-entropy in F64 of rows of three equal logits: every p is 1/3, lse is log 3, sum p^2 is 1/3. */
static void set_flat(reference_case *c, clxent_reduction reduction, const int *classes, size_t rows) {
    const double zeros[30] = {0};
    set_rows(c, CLXENT_F64, zeros, classes, rows);
    c->desc.reduction = reduction;
}

static void give_sample_weights(reference_case *c, const double *u, size_t count) {
    set_numbers(c, &c->sample_weight, u, count);
    c->args.sample_weight = &c->sample_weight;
}

static void check_loss(const reference_case *c, double expected) {
    assert_near(c->output.d[0], expected, 1e-14);
}

static void check_zero_row(const reference_case *c, size_t row) {
    for (size_t k = 0; k < 3; k++)
        assert_positive_zero(c->grad_input.d[row * 3 + k]);
}

/* An empty batch and a batch of ignored rows: NaN, or 0 with the flag, and so for the z-loss and the regulariser. */
static void mean_over_nothing(void **state) {
    (void)state;
    static const int ignored[] = {-100, -100};
    for (int flag = 0; flag < 2; flag++)
        for (size_t rows = 0; rows <= 2; rows += 2)
            for (int options = 0; options < 2; options++) {
                reference_case c;
                set_flat(&c, MEAN, ignored, rows);
                c.desc.flags = flag ? CLXENT_EMPTY_MEAN_ZERO : 0;
                c.desc.z_loss = options ? .5 : 0;
                c.desc.reg_lambda = options ? -.5 : 0;
                c.args.argmax = c.argmax;
                c.args.correct_count = &c.correct_count;
                run_case(&c);
                check_loss(&c, flag ? 0 : NAN);
                assert_int_equal(c.correct_count, 0);
                for (size_t r = 0; r < rows; r++)
                    check_zero_row(&c, r);
                c.desc.reduction = SUM;
                run_case(&c);
                assert_positive_zero(c.output.d[0]);
                begin_case(&c, CLXENT_NLL_LOSS, CLXENT_FORWARD, CLXENT_F64, rows, 3);
                c.desc.flags = flag ? CLXENT_EMPTY_MEAN_ZERO : 0;
                set_targets(&c, ignored, 2);
                point_to_required(&c);
                run_case(&c);
                check_loss(&c, flag ? 0 : NAN);
            }
}

/* Rows count, but W is 0: NaN also with the flag, which is for a mean over nothing. */
static void no_weight_in_the_mean(void **state) {
    (void)state;
    static const int classes[] = {0, 0, -100};
    for (int flag = 0; flag < 2; flag++) {
        reference_case c;
        set_flat(&c, MEAN, classes, 3);
        c.desc.flags = flag ? CLXENT_EMPTY_MEAN_ZERO : 0;
        set_numbers(&c, &c.weight, (const double[]){0, 1, 1}, 3);
        c.args.weight = &c.weight;
        run_case(&c);
        check_loss(&c, NAN);
        check_row_gradient(&c, 0, NAN, NAN, NAN);
        check_row_gradient(&c, 1, NAN, NAN, NAN);
        check_zero_row(&c, 2);
    }
}

/* u is 0 everywhere, or cancels: no mean, and in a sum no mean of the regulariser. Without one a sum is a sum. */
static void no_sample_weight(void **state) {
    (void)state;
    static const double weights[][2] = {{0, 0}, {1, -1}};
    static const int classes[] = {0, 1};
    for (size_t i = 0; i < 2; i++) {
        reference_case c;
        set_flat(&c, MEAN, classes, 2);
        give_sample_weights(&c, weights[i], 2);
        run_case(&c);
        check_loss(&c, NAN);
        check_row_gradient(&c, 1, NAN, NAN, NAN);
        set_numbers(&c, &c.weight, (const double[]){2, 1, 1}, 3); /* now W is not 0 where u cancels, but U is */
        c.args.weight = &c.weight;
        run_case(&c);
        check_loss(&c, i == 0 ? NAN : log(3));
        if (i == 1)
            check_row_gradient(&c, 0, -4. / 3, 2. / 3, 2. / 3);
        c.desc.z_loss = 1;
        run_case(&c);
        check_loss(&c, NAN);
        check_row_gradient(&c, 0, NAN, NAN, NAN);
        c.desc.reduction = SUM;
        run_case(&c);
        check_loss(&c, i == 0 ? 0 : log(3));
        c.desc.reg_lambda = 1;
        run_case(&c);
        check_loss(&c, NAN);
        check_row_gradient(&c, 0, NAN, NAN, NAN);
        c.desc.reduction = CLXENT_REDUCTION_NONE;
        run_case(&c);
        check_loss(&c, i == 0 ? 0 : 2 * log(3) + log(3) * log(3) + 1. / 3);
    }
}

/* A regulariser in a sum over no rows adds nothing. */
static void sum_over_nothing(void **state) {
    (void)state;
    reference_case c;
    set_flat(&c, SUM, (const int[]){-100, -100}, 2);
    c.desc.reg_lambda = 3;
    run_case(&c);
    assert_positive_zero(c.output.d[0]);
    set_targets2(&c, (const int[]){1, -100}, 2); /* the second target has a row, the first has none */
    c.desc.mix_lambda = .25;
    run_case(&c);
    check_loss(&c, .75 * (log(3) + 1));
    check_zero_row(&c, 1);
}

/* u = 0 takes an infinite loss with it, and no NaN. */
static void zero_weight_and_infinity(void **state) {
    (void)state;
    static const double logits[] = {-INF, 0, 0, 0, 0, 0}, u[] = {0, 2};
    reference_case c;
    for (clxent_reduction reduction = CLXENT_REDUCTION_NONE; reduction <= SUM; reduction++) {
        set_rows(&c, CLXENT_F64, logits, (const int[]){0, 0}, 2);
        c.desc.reduction = reduction;
        c.desc.z_loss = .5;
        c.desc.reg_lambda = .5;
        give_sample_weights(&c, u, 2);
        run_case(&c);
        double z = .5 * log(3) * log(3), reg = .5 / 3;
        static const double scales[] = {2, 1, 2}, reg_scales[] = {2, 1, 1};
        double loss = scales[reduction] * (log(3) + z) + reg_scales[reduction] * reg;
        assert_near(c.output.d[reduction == CLXENT_REDUCTION_NONE], loss, 1e-14);
        if (reduction == CLXENT_REDUCTION_NONE)
            assert_positive_zero(c.output.d[0]);
        check_row_gradient(&c, 0, 0, 0, 0);
        c.input.d[2] = NAN;
        run_case(&c);
        check_loss(&c, NAN);
        check_row_gradient(&c, 0, NAN, NAN, NAN);
        assert_true(isfinite(c.grad_input.d[3]));
    }
    begin_case(&c, CLXENT_NLL_LOSS, CLXENT_FORWARD, CLXENT_F64, 2, 3);
    set_numbers(&c, &c.input, (const double[]){-INF, 0, 0, -5, 0, 0}, 6);
    set_targets(&c, (const int[]){0, 0}, 2);
    point_to_required(&c);
    give_sample_weights(&c, u, 2);
    run_case(&c);
    check_loss(&c, 5);
    c.input.d[0] = NAN;
    run_case(&c);
    check_loss(&c, NAN);
}

/* A target with the share 0 is left out, with its empty mean, its infinity, and the rows that only it counts. */
static void a_share_of_zero(void **state) {
    (void)state;
    static const double logits[] = {-INF, 0, 0, 0, 0, 0};
    static const int infinite[] = {0, -100}, finite[] = {1, -100}, none[] = {-100, -100}, other[] = {-100, 0};
    const int *left_out[] = {infinite, none, other};
    for (int second = 0; second < 2; second++)
        for (size_t i = 0; i < 3; i++) {
            reference_case c;
            set_rows(&c, CLXENT_F64, logits, second ? left_out[i] : finite, 2);
            set_targets2(&c, second ? finite : left_out[i], 2);
            c.desc.reduction = MEAN;
            c.desc.mix_lambda = second ? 0 : 1;
            run_case(&c);
            check_loss(&c, log(2));
            check_row_gradient(&c, 0, 0, -.5, .5);
            check_zero_row(&c, 1);
            c.mix_lambda.d[0] = .5; /* and now it is in */
            c.args.mix_lambda = &c.mix_lambda;
            run_case(&c);
            check_loss(&c, i == 0 ? INF : i == 1 ? NAN : .5 * (log(2) + log(3)));
        }
}

/* Rows that both ignore are 0, rows that one ignores are the other's, and lse is written for all. */
static void rows_that_one_target_ignores(void **state) {
    (void)state;
    static const int first[] = {-100, 0, -100, 1}, second[] = {-100, -100, 2, 2};
    reference_case c;
    set_flat(&c, CLXENT_REDUCTION_NONE, first, 4);
    set_targets2(&c, second, 4);
    c.desc.mix_lambda = .25;
    c.desc.z_loss = 1;
    c.input.d[0] = NAN;
    run_case(&c);
    double row = log(3) + log(3) * log(3), z = 2 * log(3) / 3;
    assert_positive_zero(c.output.d[0]);
    assert_near(c.output.d[1], .25 * row, 1e-14);
    assert_near(c.output.d[2], .75 * row, 1e-14);
    assert_near(c.output.d[3], row, 1e-14);
    check_zero_row(&c, 0);
    check_row_gradient(&c, 1, .25 * (z - 2. / 3), .25 * (z + 1. / 3), .25 * (z + 1. / 3));
    check_row_gradient(&c, 2, .75 * (z + 1. / 3), .75 * (z + 1. / 3), .75 * (z - 2. / 3));
    check_row_gradient(&c, 3, z + 1. / 3, z + 1. / 3 - .25, z + 1. / 3 - .75);
    assert_near(c.lse.d[0], NAN, 0);
    assert_near(c.lse.d[2], log(3), 1e-14);
    c.desc.logit_softcap = 2; /* whose slope is NaN there, too */
    run_case(&c);
    check_zero_row(&c, 0);
}

/* A capped infinity is the cap, with no gradient; logits far beyond the cap are equal to it. */
static void infinities_under_a_cap(void **state) {
    (void)state;
    static const double logits[] = {INF, -INF, 0, 1e8, -1e8, 0};
    reference_case c;
    for (clxent_dtype dtype = CLXENT_F32; dtype <= CLXENT_F64; dtype++) {
        set_rows(&c, dtype, logits, (const int[]){1, 1}, 2);
        c.desc.logit_softcap = 2;
        run_case(&c);
        double sum = exp(2) + exp(-2) + 1, lse = log(sum);
        const double gradient[] = {0, 0, 1 / sum};
        for (size_t r = 0; r < 2; r++) {
            check_row(&c, r, lse + 2, lse, gradient);
            assert_true(get_number(&c, &c.grad_input, r * 3) == 0 && get_number(&c, &c.grad_input, r * 3 + 1) == 0);
        }
        set_number(&c, &c.input, 2, NAN);
        run_case(&c);
        assert_near(get_number(&c, &c.output, 0), NAN, 0);
        check_row_gradient(&c, 0, NAN, NAN, NAN);
        assert_near(get_number(&c, &c.output, 1), lse + 2, tolerance(&c));
    }
}

/* 0 * inf is NaN; a negative scale turns -inf into +inf, and +inf into a class that is impossible. */
static void infinities_under_a_scale(void **state) {
    (void)state;
    static const double logits[] = {-INF, 0, 0, INF, 0, 0}, impossible[] = {0, -.5, .5};
    static const double scales[] = {0, -1};
    reference_case c;
    for (size_t i = 0; i < 2; i++) {
        set_rows(&c, CLXENT_F64, logits, (const int[]){1, 2}, 2);
        c.desc.logit_scale = scales[i];
        run_case(&c);
        assert_near(c.output.d[0], NAN, 0);
        check_row_gradient(&c, 0, NAN, NAN, NAN);
        if (i == 0)
            assert_near(c.output.d[1], NAN, 0);
        else
            check_row(&c, 1, log(2), log(2), impossible);
    }
}

/* BACKWARD takes a saved lse, for the z-loss too, unless the regulariser makes it reduce the row. */
static void saved_lse(void **state) {
    (void)state;
    for (int regularised = 0; regularised < 2; regularised++) {
        reference_case c;
        set_flat(&c, SUM, (const int[]){0}, 1);
        c.desc.pass = CLXENT_BACKWARD;
        c.desc.z_loss = .5;
        c.desc.reg_lambda = regularised ? 1 : 0; /* no gradient of its own: every p is the same */
        c.lse.d[0] = log(10);                    /* p would be .1 each */
        run_case(&c);
        double p = regularised ? 1. / 3 : .1, lse = regularised ? log(3) : log(10);
        check_row_gradient(&c, 0, p - 1 + lse * p, p + lse * p, p + lse * p);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(mean_over_nothing),
        cmocka_unit_test(no_weight_in_the_mean),
        cmocka_unit_test(no_sample_weight),
        cmocka_unit_test(sum_over_nothing),
        cmocka_unit_test(zero_weight_and_infinity),
        cmocka_unit_test(a_share_of_zero),
        cmocka_unit_test(rows_that_one_target_ignores),
        cmocka_unit_test(infinities_under_a_cap),
        cmocka_unit_test(infinities_under_a_scale),
        cmocka_unit_test(saved_lse),
    };
    return cmocka_run_group_tests_name("reference option edges", tests, NULL, NULL);
}
