/* Shards in the CPU reference: numbers worked out by hand, central differences, the loss in one piece with every option, and what
 * is refused. */
#include "shard_cases.h"

#include <float.h>
#include <math.h>

static void near(double got, double expected, double tolerance, int line) {
    if (isnan(expected) ? !isnan(got) : !(got == expected || fabs(got - expected) <= tolerance))
        fail_msg("line %d: %.17g, expected %.17g", line, got, expected);
}
#define assert_near(got, expected, tolerance) near(got, expected, tolerance, __LINE__)

static shard_case make_case(size_t batch, size_t count, const size_t *sizes) {
    shard_case c = {.count = count};
    clxent_desc_init(&c.whole, CLXENT_CROSS_ENTROPY);
    c.whole.dtype = CLXENT_F64;
    c.whole.batch = batch;
    for (size_t i = 0; i < count; i++) {
        c.sizes[i] = sizes[i];
        c.whole.classes += sizes[i];
    }
    return c;
}

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
    shard_case c = make_case(3, 2, (size_t[]){1, 2});
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
        shard_case c = make_case(3, 2, (size_t[]){1, 2});
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
    shard_case c = make_case(i % 3 == 0 ? 1 : 9, 1 + i % 4, sizes + (i % 4 == 3 ? 0 : i % 2));
    c.whole.dtype = (clxent_dtype)(i % 4);
    c.whole.inner = i % 5 == 0 ? 3 : 1;
    c.whole.reduction = (clxent_reduction)(i / 2 % 3);
    c.whole.target_type = types[i % 3];
    c.whole.ignore_index = i % 3 == 2 ? 255 : i % 7 == 0 && c.whole.classes > 1 ? 1 : -100;
    c.whole.label_smoothing = i / 3 % 2 ? .125 : i % 11 == 0 ? 1 : 0;
    c.whole.logit_scale = i / 4 % 2 ? .75 : 1;
    c.whole.logit_softcap = i / 5 % 2 ? 6 : 0;
    c.whole.z_loss = i / 6 % 2 ? .125 : 0;
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
    shard_case c = make_case(9, 3, (size_t[]){3, 1, 4});
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
        shard_case c = make_case(3, 3, (size_t[]){2, 1, 3});
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
                shard_case c = make_case(1, 2, (size_t[]){2, 2});
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
    shard_case c = make_case(2, 2, (size_t[]){2, 2});
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

/* ---- refusals ---- */

static void refuses(clxent_status got, clxent_status status, const char *text, int line) {
    if (got != status || strcmp(clxent_last_error(), text) != 0)
        fail_msg("line %d: %s: %s", line, clxent_status_string(got), clxent_last_error());
}
#define assert_refused(call, status, text) refuses(call, CLXENT_##status, text, __LINE__)

/* A change to a good case of a shard's pass, or of the merge, makes it be refused, and nothing is written. */
enum { FORWARD, BACKWARD, MERGE };
static struct {
    shard_data data, before;
    clxent_desc desc;
    clxent_host_args args;
} attempt;

static void begin(int which) {
    shard_case c = make_case(3, 2, (size_t[]){2, 3});
    c.whole.dtype = CLXENT_F32;
    shard_data_init(&attempt.data, &c, 7);
    shard_data_init(&attempt.before, &c, 7);
    attempt.desc = which == MERGE ? merge_desc(&c) : shard_desc(&c, 1, (clxent_pass)which);
    attempt.args = which == MERGE ? merge_args(&attempt.data) : shard_args(&attempt.data, 1, (clxent_pass)which);
}

static void end(void) {
    const shard_data *d = &attempt.data, *before = &attempt.before;
    assert_memory_equal(d->partials, before->partials, 2 * PLANES * 3 * sizeof(float));
    assert_memory_equal(d->merged, before->merged, PLANES * 3 * sizeof(float));
    assert_memory_equal(d->output, before->output, sizeof(float));
    assert_memory_equal(d->weight_sum, before->weight_sum, 2 * sizeof(float));
    assert_memory_equal(d->grad_input, before->grad_input, 15 * sizeof(float));
    shard_data_free(&attempt.data);
    shard_data_free(&attempt.before);
}

#define REFUSES(which, change, status, text)                                                                           \
    do {                                                                                                               \
        begin(which);                                                                                                  \
        change;                                                                                                        \
        assert_refused(clxent_reference(&attempt.desc, &attempt.args), status, text);                                  \
        end();                                                                                                         \
    } while (0)

static void refused_descriptors(void **state) {
    (void)state;
    REFUSES(FORWARD, attempt.desc.class_start = 3, INVALID_SHAPE,
            "a shard of 3 classes from class_start 3 on is not inside [0, class_total = 5)");
    REFUSES(FORWARD, attempt.desc.class_start = SIZE_MAX, INVALID_SHAPE,
            "a shard of 3 classes from class_start 18446744073709551615 on is not inside [0, class_total = 5)");
    REFUSES(FORWARD, attempt.desc.class_total = 2, INVALID_SHAPE,
            "a shard of 3 classes from class_start 2 on is not inside [0, class_total = 2)");
    REFUSES(FORWARD, attempt.desc.class_total = 0, INVALID_SHAPE,
            "a shard of 3 classes from class_start 2 on is not inside [0, class_total = 0)");
    REFUSES(FORWARD, attempt.desc.pass = CLXENT_FORWARD_BACKWARD, INVALID_OPTION,
            "cross-entropy of a shard has no FORWARD_BACKWARD pass");
    REFUSES(FORWARD, attempt.desc.target_type = CLXENT_TARGET_PROBABILITIES, INVALID_OPTION,
            "target_type is 3, cross-entropy of a shard takes class indices");
    REFUSES(FORWARD, attempt.desc.reg_lambda = .5, INVALID_OPTION,
            "cross-entropy of a shard does not use reg_lambda, which must stay at its default of 0, but is 0.5");
    REFUSES(BACKWARD, attempt.desc.mix_lambda = .5, INVALID_OPTION,
            "cross-entropy of a shard does not use mix_lambda, which must stay at its default of 1, but is 0.5");
    REFUSES(FORWARD, attempt.desc.parts = 2, INVALID_OPTION,
            "cross-entropy of a shard does not use parts, which must stay at its default of 0, but is 2");
    REFUSES(MERGE, attempt.desc.parts = 0, INVALID_SHAPE, "parts is 0, it must be at least 1");
    REFUSES(MERGE, attempt.desc.parts = SIZE_MAX / 64, INVALID_SHAPE,
            "partials of 3 rows in 288230376151711743 parts have more bytes than this machine can address");
    REFUSES(MERGE, attempt.desc.pass = CLXENT_BACKWARD, INVALID_OPTION,
            "merge has no BACKWARD pass: each shard has one");
    REFUSES(MERGE, attempt.desc.pass = CLXENT_FORWARD_BACKWARD, INVALID_OPTION, "merge has no FORWARD_BACKWARD pass");
    REFUSES(MERGE, attempt.desc.logit_scale = 2, INVALID_OPTION,
            "merge does not use logit_scale, which must stay at its default of 1, but is 2");
    REFUSES(MERGE, attempt.desc.logit_softcap = 2, INVALID_OPTION,
            "merge does not use logit_softcap, which must stay at its default of 0, but is 2");
    REFUSES(MERGE, attempt.desc.grad_scale = 2, INVALID_OPTION,
            "merge does not use grad_scale, which must stay at its default of 1, but is 2");
    REFUSES(MERGE, attempt.desc.class_total = 5, INVALID_OPTION,
            "merge does not use class_total, which must stay at its default of 0, but is 5");
}

static void refused_arrays(void **state) {
    (void)state;
    int64_t argmax[3];
    REFUSES(FORWARD, attempt.args.partial = NULL, MISSING_BUFFER,
            "partial is null, but this pass of cross-entropy of a shard needs its 72 bytes");
    REFUSES(FORWARD, attempt.args.argmax = argmax, INVALID_ARGUMENT,
            "argmax is given, but no pass of cross-entropy of a shard uses it");
    REFUSES(FORWARD, attempt.args.target2 = attempt.data.target, INVALID_ARGUMENT,
            "target2 is given, but no pass of cross-entropy of a shard uses it");
    REFUSES(FORWARD, attempt.args.correct_count = argmax, INVALID_ARGUMENT,
            "correct_count is given, but no pass of cross-entropy of a shard uses it");
    REFUSES(FORWARD, put_target(&attempt.data, 1, 5), INVALID_TARGET, "target[1] = 5 is outside [0, 5)");
    REFUSES(BACKWARD, attempt.args.merged = NULL, MISSING_BUFFER,
            "merged is null, but this pass of cross-entropy of a shard needs its 72 bytes");
    REFUSES(BACKWARD, attempt.args.weight_sum = NULL, MISSING_BUFFER,
            "weight_sum is null, but this pass of cross-entropy of a shard needs its 8 bytes");
    REFUSES(BACKWARD, put_target(&attempt.data, 0, -1), INVALID_TARGET, "target[0] = -1 is outside [0, 5)");
    REFUSES(MERGE, attempt.args.partial = NULL, MISSING_BUFFER,
            "partial is null, but this pass of merge needs its 144 bytes");
    REFUSES(MERGE, attempt.args.input = attempt.data.input, INVALID_ARGUMENT,
            "input is given, but no pass of merge uses it");
    REFUSES(MERGE, attempt.args.weight = attempt.data.lse, INVALID_ARGUMENT,
            "weight is given, but no pass of merge uses it");
    REFUSES(MERGE, attempt.args.merged = attempt.data.partials, INVALID_BUFFER,
            "merged overlaps partial, which merge does not allow");
    REFUSES(MERGE, put_target(&attempt.data, 2, 5), INVALID_TARGET, "target[2] = 5 is outside [0, 5)");
}

/* What a mean does not need is not asked for, and a struct from before there were shards has no weight_sum. */
static void accepted_arrays(void **state) {
    (void)state;
    shard_data d;
    shard_case c = make_case(3, 2, (size_t[]){2, 3});
    c.whole.reduction = CLXENT_REDUCTION_SUM;
    shard_data_init(&d, &c, 7);
    assert_true(run_shards(&d, clxent_reference));
    clxent_desc desc = shard_desc(&c, 1, CLXENT_BACKWARD);
    clxent_host_args args = shard_args(&d, 1, CLXENT_BACKWARD);
    args.weight_sum = NULL;
    assert_int_equal(clxent_reference(&desc, &args), CLXENT_SUCCESS);
    desc = c.whole;
    desc.struct_size = offsetof(clxent_desc, class_start);
    clxent_host_args_init(&args);
    args.struct_size = offsetof(clxent_host_args, partial);
    args.input = d.input;
    args.target = d.target;
    args.output = d.output;
    args.partial = args.merged = args.weight_sum = &d; /* bytes that are the caller's own */
    assert_int_equal(clxent_reference(&desc, &args), CLXENT_SUCCESS);
    shard_data_free(&d);
}

/* ---- clxent_check_shards ---- */

static void shards_of(clxent_desc descs[3]) {
    shard_case c = make_case(3, 3, (size_t[]){2, 1, 3});
    for (size_t i = 0; i < 3; i++)
        descs[i] = shard_desc(&c, i, CLXENT_FORWARD);
}

#define REFUSES_SHARDS(change, status, text)                                                                           \
    do {                                                                                                               \
        clxent_desc s[3];                                                                                              \
        shards_of(s);                                                                                                  \
        change;                                                                                                        \
        assert_refused(clxent_check_shards(s, 3), status, text);                                                       \
    } while (0)

static void shards_together(void **state) {
    (void)state;
    clxent_desc good[3];
    shards_of(good);
    assert_int_equal(clxent_check_shards(good, 3), CLXENT_SUCCESS);
    good[1].engine = CLXENT_ENGINE_COLUMN;
    good[1].work_group_size = 4;
    good[2].row_stride = 0;
    assert_int_equal(clxent_check_shards(good, 3), CLXENT_SUCCESS);
    assert_refused(clxent_check_shards(good, 2), INVALID_SHAPE, "descs[1], the last, ends at class 3 of 6");
    assert_refused(clxent_check_shards(NULL, 3), INVALID_ARGUMENT, "descs is null");
    assert_refused(clxent_check_shards(good, 0), INVALID_ARGUMENT, "count is 0, there must be at least 1 shard");
    REFUSES_SHARDS(s[2].class_start = 2, INVALID_SHAPE,
                   "descs[1] has the classes [2, 3) and descs[2] the classes [2, 5): they overlap, or are not in "
                   "ascending order");
    REFUSES_SHARDS((s[2].class_start = 4, s[2].classes = 2), INVALID_SHAPE,
                   "descs[1] has the classes [2, 3) and descs[2] the classes [4, 6): they leave a gap");
    REFUSES_SHARDS((s[0].class_start = 1, s[0].classes = 1), INVALID_SHAPE,
                   "descs[0] begins at class 1, and no shard has those before it");
    REFUSES_SHARDS(s[2].batch = 4, INVALID_SHAPE, "descs[2].batch is 4, but descs[0].batch is 3");
    REFUSES_SHARDS((s[1].inner = 2, s[1].row_stride = 0), INVALID_SHAPE,
                   "descs[1].inner is 2, but descs[0].inner is 1");
    REFUSES_SHARDS(s[1].class_total = 7, INVALID_SHAPE, "descs[1].class_total is 7, but descs[0].class_total is 6");
    REFUSES_SHARDS(s[1].pass = CLXENT_BACKWARD, INVALID_OPTION, "descs[1].pass is 1, but descs[0].pass is 0");
    REFUSES_SHARDS(s[1].dtype = CLXENT_F16, INVALID_OPTION, "descs[1].dtype is 2, but descs[0].dtype is 1");
    REFUSES_SHARDS(s[1].target_type = CLXENT_TARGET_U8, INVALID_OPTION,
                   "descs[1].target_type is 2, but descs[0].target_type is 0");
    REFUSES_SHARDS(s[1].reduction = CLXENT_REDUCTION_SUM, INVALID_OPTION,
                   "descs[1].reduction is 2, but descs[0].reduction is 1");
    REFUSES_SHARDS(s[1].ignore_index = -1, INVALID_OPTION,
                   "descs[1].ignore_index is -1, but descs[0].ignore_index is -100");
    REFUSES_SHARDS(s[1].flags = CLXENT_ACCUMULATE_GRAD, INVALID_OPTION, "descs[1].flags is 1, but descs[0].flags is 0");
    REFUSES_SHARDS(s[1].label_smoothing = .5, INVALID_OPTION,
                   "descs[1].label_smoothing is 0.5, but descs[0].label_smoothing is 0");
    REFUSES_SHARDS(s[1].logit_scale = .5, INVALID_OPTION, "descs[1].logit_scale is 0.5, but descs[0].logit_scale is 1");
    REFUSES_SHARDS(s[1].logit_softcap = .5, INVALID_OPTION,
                   "descs[1].logit_softcap is 0.5, but descs[0].logit_softcap is 0");
    REFUSES_SHARDS(s[1].z_loss = .5, INVALID_OPTION, "descs[1].z_loss is 0.5, but descs[0].z_loss is 0");
    REFUSES_SHARDS(s[1].grad_scale = .5, INVALID_OPTION, "descs[1].grad_scale is 0.5, but descs[0].grad_scale is 1");
    REFUSES_SHARDS((s[1].class_start = s[1].class_total = 0), INVALID_ARGUMENT,
                   "descs[1] is no shard: it is of cross-entropy, with a class_total of 0");
    REFUSES_SHARDS(s[1].classes = 0, INVALID_SHAPE, "classes is 0, it must be at least 1");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(partials_by_hand), cmocka_unit_test(golden_values),   cmocka_unit_test(as_in_one_piece),
        cmocka_unit_test(merging_twice),    cmocka_unit_test(gradients),       cmocka_unit_test(edge_rows),
        cmocka_unit_test(odd_partials),     cmocka_unit_test(weight_sums),     cmocka_unit_test(refused_descriptors),
        cmocka_unit_test(refused_arrays),   cmocka_unit_test(accepted_arrays), cmocka_unit_test(shards_together),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
