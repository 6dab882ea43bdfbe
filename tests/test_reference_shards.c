/* Shards in the CPU reference: numbers worked out by hand, central differences, the loss in one piece with every option. */
#include "shard_cases.h"

#include <float.h>
#include <math.h>

static void near(double got, double expected, double tolerance, int line) {
    if (isnan(expected) ? !isnan(got) : !(got == expected || fabs(got - expected) <= tolerance))
        fail_msg("line %d: %.17g, expected %.17g", line, got, expected);
}
#define assert_near(got, expected, tolerance) near(got, expected, tolerance, __LINE__)

static void init(shard_data *d, const shard_case *c, const double *logits, const int *targets) {
    shard_data_init(d, c, 1);
    for (size_t i = 0; i < d->logits; i++)
        put_logit(d, d->input, i, logits[i]);
    for (size_t row = 0; row < d->rows; row++)
        put_target(d, row, targets[row]);
}

static double plane(const shard_data *d, const void *partials, size_t part, size_t plane, size_t row) {
    return real_at(d, partials, (part * PLANES + plane) * d->rows + row);
}

/* ---- by hand ---- */

static const double golden[] = {1, 2, 3, .5, -.5, 0, -1, 4, 2};
static const int golden_targets[] = {2, -100, 0};

/* exp(-1), and exp(-2), beside a 1; the target of row 0 is in the second shard, row 1 is ignored, row 2's is in the first. */
static void partials_by_hand(void **state) {
    (void)state;
    shard_data d;
    shard_case c = make_shard_case(3, 2, (size_t[]){1, 2});
    c.weight = true;
    c.whole.label_smoothing = .1;
    init(&d, &c, golden, golden_targets);
    for (size_t k = 0; k < 3; k++)
        put_real(&d, d.weight, k, (double[]){.25, 1, 2}[k]);
    assert_true(run_shards(&d, clxent_reference));
    const double expected[2][PLANES][3] = {
        {{1, .5, -1}, {1, 1, 1}, {0, 0, -1}, {0, 0, .25}, {0, 0, 0}, {.25, .25, .25}},
        {{3, 0, 4}, {1 + exp(-1), 1 + exp(-.5), 1 + exp(-2)}, {3, 0, 0}, {2, 0, 0}, {-1, -.5, -4}, {3, 3, 3}},
    };
    for (size_t part = 0; part < 2; part++)
        for (size_t p = 0; p < PLANES; p++)
            for (size_t row = 0; row < 3; row++)
                assert_near(plane(&d, d.partials, part, p, row), expected[part][p][row], 1e-15);
    const double merged[PLANES] = {3, 1 + exp(-1) + exp(-2), 3, 2, -1 + .25 * -2, 3.25};
    for (size_t p = 0; p < PLANES; p++)
        assert_near(plane(&d, d.merged, 0, p, 0), merged[p], 1e-15);
    assert_near(real_at(&d, d.weight_sum, 0), 2.25, 0);
    assert_near(real_at(&d, d.weight_sum, 1), 2, 0);
    shard_data_free(&d);
}

/* docs/numerics.md has them. */
static void golden_values(void **state) {
    (void)state;
    static const struct {
        bool weight;
        clxent_reduction reduction;
        double smoothing, loss;
    } values[] = {
        {false, CLXENT_REDUCTION_MEAN, 0, 2.770225599085978}, {false, CLXENT_REDUCTION_MEAN, .1, 2.686892265752645},
        {false, CLXENT_REDUCTION_SUM, 0, 5.540451198171956},  {false, CLXENT_REDUCTION_SUM, .1, 5.37378453150529},
        {true, CLXENT_REDUCTION_MEAN, 0, 0.9326325499202911}, {true, CLXENT_REDUCTION_MEAN, .1, 0.9653910192846895},
        {true, CLXENT_REDUCTION_SUM, 0, 2.098423237320655},   {true, CLXENT_REDUCTION_SUM, .1, 2.1721297933905515},
    };
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
        shard_data d;
        shard_case c = make_shard_case(3, 2, (size_t[]){1, 2});
        c.weight = values[i].weight;
        c.whole.reduction = values[i].reduction;
        c.whole.label_smoothing = values[i].smoothing;
        init(&d, &c, golden, golden_targets);
        for (size_t k = 0; c.weight && k < 3; k++)
            put_real(&d, d.weight, k, (double[]){.25, 1, 2}[k]);
        assert_true(run_shards(&d, clxent_reference));
        assert_near(real_at(&d, d.output, 0), values[i].loss, 1e-14);
        const double gradient[] = {0.080027176, 0.217536419,  -0.297563595, 0,          0,
                                   0,           -0.110455583, 0.097288955,  0.013166628};
        for (size_t k = 0; i == 4 && k < 9; k++)
            assert_near(logit_at(&d, d.grad_input, k), gradient[k], 5e-10);
        shard_data_free(&d);
    }
}

/* ---- against the loss in one piece ---- */

/* All options in turn; the shards are uneven, and one has a single class. */
static shard_case combination(size_t i) {
    static const size_t sizes[] = {5, 1, 9, 2};
    static const clxent_target_type types[] = {CLXENT_TARGET_I32, CLXENT_TARGET_I64, CLXENT_TARGET_U8};
    shard_case c = make_shard_case(i % 3 == 0 ? 1 : 9, 1 + i % 4, sizes + (i % 4 == 3 ? 0 : i % 2));
    c.whole.dtype = (clxent_dtype)(i % 4);
    c.whole.inner = i % 5 == 0 ? 3 : 1;
    c.whole.reduction = (clxent_reduction)(i / 2 % 3);
    c.whole.target_type = types[i % 3];
    c.whole.ignore_index = i % 3 == 2 ? 255 : i % 7 == 0 && c.whole.classes > 1 ? 1 : -100;
    c.whole.label_smoothing = i / 3 % 2 ? .125 : i % 11 == 0 ? 1 : 0;
    c.whole.logit_scale = i / 4 % 2 ? .75 : 1;
    c.whole.logit_softcap = i / 5 % 2 ? 6 : 0;
    c.whole.z_loss = i / 6 % 2 ? i % 5 == 0 ? 1 : .125 : 0;
    c.whole.grad_scale = i / 7 % 2 ? 4 : 1;
    c.whole.flags = (i % 6 == 1 ? CLXENT_ACCUMULATE_GRAD : 0u) | (i % 9 == 0 ? CLXENT_EMPTY_MEAN_ZERO : 0u);
    c.weight = i / 8 % 2 == 0;
    c.sample_weight = i / 9 % 2 == 0;
    c.grad_output = i / 10 % 2 == 0;
    c.in_place = !(c.whole.flags & CLXENT_ACCUMULATE_GRAD) && i % 2 == 0;
    return c;
}

static void as_in_one_piece(void **state) {
    (void)state;
    for (size_t i = 0; i < 400; i++) {
        shard_data d;
        shard_case c = combination(i);
        shard_data_init(&d, &c, i);
        shard_data_expect(&d);
        assert_true(run_shards(&d, clxent_reference));
        expect_whole(&d);
        shard_data_free(&d);
    }
}

/* A merged partial is a partial like any other: merging it again changes nothing. */
static void merging_twice(void **state) {
    (void)state;
    shard_data d;
    shard_case c = make_shard_case(9, 3, (size_t[]){3, 1, 4});
    c.weight = true;
    c.whole.label_smoothing = .25;
    shard_data_init(&d, &c, 5);
    assert_true(run_shards(&d, clxent_reference));
    double once = real_at(&d, d.output, 0);
    clxent_desc desc = merge_desc(&c);
    clxent_host_args args = merge_args(&d);
    desc.parts = 1;
    args.partial = d.merged;
    args.merged = NULL;
    assert_int_equal(clxent_reference(&desc, &args), CLXENT_SUCCESS);
    assert_near(real_at(&d, d.output, 0), once, 1e-15);
    shard_data_free(&d);
}

/* ---- central differences ---- */

static double loss_of(shard_data *d) {
    for (size_t i = 0; i < d->c.count; i++) {
        clxent_desc desc = shard_desc(&d->c, i, CLXENT_FORWARD);
        clxent_host_args args = shard_args(d, i, CLXENT_FORWARD);
        assert_int_equal(clxent_reference(&desc, &args), CLXENT_SUCCESS);
    }
    clxent_desc desc = merge_desc(&d->c);
    clxent_host_args args = merge_args(d);
    assert_int_equal(clxent_reference(&desc, &args), CLXENT_SUCCESS);
    return real_at(d, d->output, 0);
}

static void gradients(void **state) {
    (void)state;
    for (int options = 0; options < 8; options++) {
        shard_data d;
        shard_case c = make_shard_case(3, 3, (size_t[]){2, 1, 3});
        c.whole.reduction = options & 1 ? CLXENT_REDUCTION_SUM : CLXENT_REDUCTION_MEAN;
        c.whole.label_smoothing = options & 2 ? .2 : 0;
        c.whole.z_loss = .1;
        c.whole.logit_scale = .5;
        c.whole.logit_softcap = options & 4 ? 5 : 0;
        c.weight = c.sample_weight = true;
        shard_data_init(&d, &c, (uint64_t)options);
        assert_true(run_shards(&d, clxent_reference));
        const double h = 1e-5;
        for (size_t i = 0; i < d.logits; i++) {
            double x = logit_at(&d, d.input, i);
            put_logit(&d, d.input, i, x + h);
            double above = loss_of(&d);
            put_logit(&d, d.input, i, x - h);
            double below = loss_of(&d);
            put_logit(&d, d.input, i, x);
            assert_near(logit_at(&d, d.grad_input, i), (above - below) / (2 * h), 1e-7);
        }
        shard_data_free(&d);
    }
}

/* ---- edges: docs/numerics.md, "Shards", line by line ---- */

static void edge_rows(void **state) {
    (void)state;
    const double inf = INFINITY;
    const double rows[][4] = {
        {-inf, -inf, 1, 2},         /* a shard of -inf alone */
        {-inf, -inf, -inf, -inf},   /* all of them */
        {inf, 0, 1, 2},             /* +inf in a shard */
        {0, 1, NAN, 2},             /* NaN in one */
        {0, -inf, 1, 2},            /* -inf at the target */
        {1e8, 1e8 + 8, 1e8, 1e8},   /* a common offset */
        {-FLT_MAX, -FLT_MAX, 0, 1}, /* numbers that round to the lowest float */
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        for (clxent_dtype dtype = CLXENT_F32; dtype <= CLXENT_F64; dtype++)
            for (int smooth = 0; smooth < 2; smooth++) {
                shard_data d;
                shard_case c = make_shard_case(1, 2, (size_t[]){2, 2});
                c.whole.dtype = dtype;
                c.whole.reduction = CLXENT_REDUCTION_NONE;
                c.whole.label_smoothing = smooth ? .1 : 0;
                init(&d, &c, rows[i], (int[]){1});
                shard_data_expect(&d);
                assert_true(run_shards(&d, clxent_reference));
                expect_whole(&d);
                shard_data_free(&d);
            }
}

/* Of a shard that is -inf throughout, and of an ignored row full of NaN: its loss is 0 all the same. */
static void odd_partials(void **state) {
    (void)state;
    shard_data d;
    shard_case c = make_shard_case(2, 2, (size_t[]){2, 2});
    c.whole.dtype = CLXENT_F32;
    c.whole.reduction = CLXENT_REDUCTION_NONE;
    init(&d, &c, (double[]){-INFINITY, -INFINITY, 1, 2, NAN, NAN, NAN, NAN}, (int[]){3, -100});
    assert_true(run_shards(&d, clxent_reference));
    assert_near(plane(&d, d.partials, 0, 0, 0), -(double)FLT_MAX, 0);
    assert_near(plane(&d, d.partials, 0, 1, 0), 0, 0);
    for (size_t part = 0; part < 2; part++) {
        assert_near(plane(&d, d.partials, part, 0, 1), -(double)FLT_MAX, 0);
        assert_near(plane(&d, d.partials, part, 1, 1), NAN, 0);
        assert_near(plane(&d, d.partials, part, 2, 1), 0, 0);
        assert_near(plane(&d, d.partials, part, 3, 1), 0, 0);
    }
    assert_near(real_at(&d, d.output, 1), 0, 0);
    for (size_t k = 4; k < 8; k++)
        assert_near(logit_at(&d, d.grad_input, k), 0, 0);
    shard_data_free(&d);
}

/* ---- weight_sum of losses in one piece ---- */

static void weight_sums(void **state) {
    (void)state;
    for (clxent_op op = CLXENT_NLL_LOSS; op <= CLXENT_CROSS_ENTROPY; op++) {
        float x[] = {-1, -2, -3, -1, -2, -3, -1, -2, -3}, w[] = {.25f, 1, 2}, u[] = {3, 5, 7}, loss, sum[2];
        int32_t y[] = {2, -100, 0};
        clxent_desc desc;
        clxent_desc_init(&desc, op);
        desc.batch = desc.classes = 3;
        clxent_host_args args;
        clxent_host_args_init(&args);
        args.input = x;
        args.target = y;
        args.output = &loss;
        args.weight_sum = sum;
        assert_int_equal(clxent_reference(&desc, &args), CLXENT_SUCCESS);
        assert_true(sum[0] == 2 && sum[1] == 2);
        args.weight = w;
        args.sample_weight = u;
        assert_int_equal(clxent_reference(&desc, &args), CLXENT_SUCCESS);
        assert_true(sum[0] == 3 * 2 + 7 * .25f && sum[1] == 10);
        y[0] = y[2] = -100;
        assert_int_equal(clxent_reference(&desc, &args), CLXENT_SUCCESS);
        assert_true(sum[0] == 0 && sum[1] == 0);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(partials_by_hand), cmocka_unit_test(golden_values), cmocka_unit_test(as_in_one_piece),
        cmocka_unit_test(merging_twice),    cmocka_unit_test(gradients),     cmocka_unit_test(edge_rows),
        cmocka_unit_test(odd_partials),     cmocka_unit_test(weight_sums),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
