/* Shards of linear cross-entropy in the CPU reference: a partial worked out by hand, central differences, the loss in one piece with
 * every option, and what is refused. */
#include "linear_shard_cases.h"

#include <float.h>
#include <math.h>

static void near(double got, double expected, double tolerance, int line) {
    if (!(got == expected || fabs(got - expected) <= tolerance))
        fail_msg("line %d: %.17g, expected %.17g", line, got, expected);
}
#define assert_near(got, expected, tolerance) near(got, expected, tolerance, __LINE__)

/* Logits 2 * 3 + 1 = 7 | 2 * 1 + 0 = 2, 2 * 2 - 1 = 3 of the only row that counts; the target is the last class. */
static void by_hand(void **state) {
    (void)state;
    double hidden[] = {2, NAN}, weight[] = {3, 1, 2}, bias[] = {1, 0, -1}, partial[2][PLANES][2];
    int32_t target[] = {2, -100};
    clxent_desc desc;
    clxent_host_args args;
    clxent_desc_init(&desc, CLXENT_LINEAR_CROSS_ENTROPY);
    clxent_host_args_init(&args);
    desc.dtype = CLXENT_F64;
    desc.batch = 2;
    desc.features = 1;
    desc.class_total = 3;
    args.input = hidden;
    args.target = target;
    for (size_t i = 0; i < 2; i++) {
        desc.class_start = i;
        desc.classes = 1 + i;
        args.linear_weight = weight + i;
        args.linear_bias = bias + i;
        args.partial = partial[i];
        assert_int_equal(clxent_reference(&desc, &args), CLXENT_SUCCESS);
    }
    /* The ignored row has in all an lse of 0. */
    const double expected[2][PLANES][2] = {{{7, 0}, {1, 1}, {0, 0}, {0, 0}, {0, 0}, {0, 0}},
                                           {{3, -DBL_MAX}, {1 + exp(-1), 0}, {3, 0}, {1, 0}, {0, 0}, {0, 0}}};
    for (size_t i = 0; i < 2; i++)
        for (size_t plane = 0; plane < PLANES; plane++)
            for (size_t row = 0; row < 2; row++)
                assert_near(partial[i][plane][row], expected[i][plane][row], 1e-15);
}

/* All options in turn; the shards are uneven, and one has a single class. */
static linear_case combination(size_t i) {
    static const size_t sizes[] = {5, 1, 9, 2};
    static const clxent_target_type types[] = {CLXENT_TARGET_I32, CLXENT_TARGET_I64, CLXENT_TARGET_U8};
    linear_case c = make_linear_case(i % 3 == 0 ? 1 : 9, 1 + i % 6, 1 + i % 4, sizes + (i % 4 == 3 ? 0 : i % 2));
    c.whole.dtype = (clxent_dtype)(i % 4);
    c.whole.row_stride = i % 5 == 0 ? c.whole.features + 2 : 0;
    c.whole.reduction = (clxent_reduction)(i / 2 % 3);
    c.whole.target_type = types[i % 3];
    c.whole.ignore_index = i % 3 == 2 ? 255 : -100;
    c.whole.label_smoothing = i / 3 % 2 ? .125 : i % 11 == 0 ? 1 : 0;
    c.whole.logit_scale = i / 4 % 2 ? .75 : 1;
    c.whole.logit_softcap = i / 5 % 2 ? 6 : 0;
    c.whole.z_loss = i / 6 % 2 ? .125 : 0;
    c.whole.grad_scale = i / 7 % 2 ? 4 : 1;
    c.whole.flags = (i % 6 == 1 ? CLXENT_ACCUMULATE_GRAD : 0u) | (i % 9 == 0 ? CLXENT_EMPTY_MEAN_ZERO : 0u);
    c.bias = i / 2 % 2 == 0;
    c.weight = i / 8 % 2 == 0;
    c.sample_weight = i / 9 % 2 == 0;
    c.grad_output = i / 10 % 2 == 0;
    c.all_ignored = i % 13 == 12;
    c.masked = c.bias && c.count > 1 && c.whole.label_smoothing == 0 && c.whole.logit_softcap == 0 && i % 4 == 2;
    return c;
}

static void as_in_one_piece(void **state) {
    (void)state;
    for (size_t i = 0; i < 400; i++) {
        linear_case c = combination(i);
        linear_data before, d;
        linear_data_init(&before, &c, i);
        linear_data_init(&d, &c, i);
        run_linear_shards(&d, clxent_reference);
        expect_linear_whole(&d, &before);
        linear_data_free(&d);
        linear_data_free(&before);
    }
}

/* Logits that float has not, the tops among them, but for those of targets: what a partial says goes with the top that it has. */
static void set_unrounded(linear_data *d) {
    static const float weights[] = {.9001f, .25f, .7f, -.3f, .5f, .123f};
    static const int64_t targets[] = {1, 4, -100, 1};
    for (size_t row = 0; row < d->rows; row++) {
        ((float *)d->input)[row] = 1;
        put_linear_target(d, row, targets[row]);
    }
    for (size_t c = 0; c < d->c.whole.classes; c++) {
        ((float *)d->linear_weight)[c] = weights[c];
        ((float *)d->linear_bias)[c] = 4096;
    }
}

static void tops_between_floats(void **state) {
    (void)state;
    static const double smoothing[] = {0, .125, 1};
    for (size_t i = 0; i < 3; i++) {
        linear_case c = make_linear_case(4, 1, 3, (size_t[]){2, 1, 3});
        linear_data before, d;
        c.bias = c.weight = true;
        c.whole.dtype = CLXENT_F32;
        c.whole.label_smoothing = smoothing[i];
        linear_data_init(&before, &c, 3);
        linear_data_init(&d, &c, 3);
        set_unrounded(&before);
        set_unrounded(&d);
        run_linear_shards(&d, clxent_reference);
        expect_linear_whole(&d, &before);
        linear_data_free(&d);
        linear_data_free(&before);
    }
}

/* ---- central differences ---- */

static double loss_of(linear_data *d) {
    run_linear_shards(d, clxent_reference);
    return ((const double *)d->output)[0];
}

static void check_gradient(linear_data *d, double *at, const double *gradient, size_t count) {
    for (size_t i = 0; i < count; i++) {
        const double h = 1e-5, x = at[i];
        at[i] = x + h;
        const double above = loss_of(d);
        at[i] = x - h;
        const double below = loss_of(d);
        at[i] = x;
        assert_near(gradient[i], (above - below) / (2 * h), 1e-8);
    }
}

static void gradients(void **state) {
    (void)state;
    for (unsigned options = 0; options < 8; options++) {
        enum { N = 2, D = 2, V = 6 };
        linear_case c = make_linear_case(N, D, 3, (size_t[]){2, 1, 3});
        linear_data d;
        double hidden[N * D] = {0}, weight[V * D], bias[V];
        c.whole.dtype = CLXENT_F64;
        c.whole.reduction = options & 1 ? CLXENT_REDUCTION_SUM : CLXENT_REDUCTION_MEAN;
        c.whole.label_smoothing = options & 2 ? .2 : 0;
        c.whole.z_loss = .1;
        c.whole.logit_softcap = options & 4 ? 2 : 0;
        c.bias = c.weight = c.sample_weight = true;
        linear_data_init(&d, &c, options);
        run_linear_shards(&d, clxent_reference);
        for (size_t i = 0; i < N * D; i++)
            for (size_t part = 0; part < c.count; part++)
                hidden[i] += ((const double *)d.grad_input[part])[i];
        memcpy(weight, d.grad_linear_weight, sizeof weight);
        memcpy(bias, d.grad_linear_bias, sizeof bias);
        check_gradient(&d, d.input, hidden, N * D);
        check_gradient(&d, d.linear_weight, weight, V * D);
        check_gradient(&d, d.linear_bias, bias, V);
        linear_data_free(&d);
    }
}

/* ---- refusals ---- */

static void refuses(clxent_status got, clxent_status status, const char *text, int line) {
    if (got != status || strcmp(clxent_last_error(), text) != 0)
        fail_msg("line %d: %s: %s", line, clxent_status_string(got), clxent_last_error());
}

/* A change to a good case of a pass makes it be refused, and nothing is written. */
#define REFUSES(the_pass, change, status, text)                                                                        \
    do {                                                                                                               \
        linear_case c = make_linear_case(3, 4, 2, (size_t[]){2, 3});                                                   \
        linear_data d, before;                                                                                         \
        linear_data_init(&d, &c, 7);                                                                                   \
        linear_data_init(&before, &c, 7);                                                                              \
        clxent_desc desc = linear_shard_desc(&c, 1, CLXENT_##the_pass);                                                \
        clxent_host_args args = linear_shard_args(&d, 1, CLXENT_##the_pass);                                           \
        change;                                                                                                        \
        refuses(clxent_reference(&desc, &args), CLXENT_##status, text, __LINE__);                                      \
        assert_memory_equal(d.partials, before.partials, 2 * PLANES * 3 * sizeof(float));                              \
        assert_memory_equal(d.grad_input[1], before.grad_input[1], 3 * 4 * sizeof(float));                             \
        assert_memory_equal(d.grad_linear_weight, before.grad_linear_weight, 5 * 4 * sizeof(float));                   \
        assert_memory_equal(d.grad_linear_bias, before.grad_linear_bias, 5 * sizeof(float));                           \
        linear_data_free(&d);                                                                                          \
        linear_data_free(&before);                                                                                     \
    } while (0)

static void refused_descriptors(void **state) {
    (void)state;
    REFUSES(FORWARD, desc.class_start = 3, INVALID_SHAPE,
            "a shard of 3 classes from class_start 3 on is not inside [0, class_total = 5)");
    REFUSES(FORWARD, desc.class_total = 0, INVALID_SHAPE,
            "a shard of 3 classes from class_start 2 on is not inside [0, class_total = 0)");
    REFUSES(FORWARD, desc.features = 0, INVALID_SHAPE, "features is 0, it must be at least 1");
    REFUSES(FORWARD, desc.inner = 2, INVALID_SHAPE, "inner is 2, linear-cross-entropy takes 1");
    REFUSES(FORWARD, desc.pass = CLXENT_FORWARD_BACKWARD, INVALID_OPTION,
            "linear-cross-entropy of a shard has no FORWARD_BACKWARD pass");
    REFUSES(FORWARD, desc.reg_lambda = .5, INVALID_OPTION,
            "linear-cross-entropy of a shard does not use reg_lambda, which must stay at its default of 0, but is 0.5");
    REFUSES(BACKWARD, desc.parts = 2, INVALID_OPTION,
            "linear-cross-entropy of a shard does not use parts, which must stay at its default of 0, but is 2");
    REFUSES(BACKWARD, desc.target_type = CLXENT_TARGET_PROBABILITIES, INVALID_OPTION,
            "target_type is 3, linear-cross-entropy of a shard takes class indices");
}

static void refused_arrays(void **state) {
    (void)state;
    int64_t argmax[3];
    REFUSES(FORWARD, args.partial = NULL, MISSING_BUFFER,
            "partial is null, but this pass of linear-cross-entropy of a shard needs its 72 bytes");
    REFUSES(FORWARD, args.linear_weight = NULL, MISSING_BUFFER,
            "linear_weight is null, but this pass of linear-cross-entropy of a shard needs its 48 bytes");
    REFUSES(FORWARD, args.argmax = argmax, INVALID_ARGUMENT,
            "argmax is given, but no pass of linear-cross-entropy of a shard uses it");
    REFUSES(FORWARD, put_linear_target(&d, 1, 5), INVALID_TARGET, "target[1] = 5 is outside [0, 5)");
    REFUSES(BACKWARD, args.merged = NULL, MISSING_BUFFER,
            "merged is null, but this pass of linear-cross-entropy of a shard needs its 72 bytes");
    REFUSES(BACKWARD, args.weight_sum = NULL, MISSING_BUFFER,
            "weight_sum is null, but this pass of linear-cross-entropy of a shard needs its 8 bytes");
    REFUSES(BACKWARD, args.grad_input = NULL, MISSING_BUFFER,
            "grad_input is null, but this pass of linear-cross-entropy of a shard needs its 48 bytes");
    REFUSES(BACKWARD, args.grad_input = d.input, INVALID_BUFFER,
            "grad_input overlaps input, which linear-cross-entropy of a shard does not allow");
}

/* What the pass ignores is not looked at, and gradients of the layer need not be wanted. */
static void accepted_arrays(void **state) {
    (void)state;
    linear_case c = make_linear_case(3, 4, 2, (size_t[]){2, 3});
    linear_data d;
    char nothing = 0;
    c.whole.reduction = CLXENT_REDUCTION_SUM;
    linear_data_init(&d, &c, 7);
    run_linear_shards(&d, clxent_reference);
    clxent_desc desc = linear_shard_desc(&c, 1, CLXENT_BACKWARD);
    clxent_host_args args = linear_shard_args(&d, 1, CLXENT_BACKWARD);
    args.weight_sum = args.grad_linear_weight = args.grad_linear_bias = NULL;
    args.output = args.lse = args.partial = args.invalid_count = &nothing;
    assert_int_equal(clxent_reference(&desc, &args), CLXENT_SUCCESS);
    assert_int_equal(nothing, 0);
    linear_data_free(&d);
}

/* ---- clxent_check_shards ---- */

static void shards_of(clxent_desc descs[2], clxent_pass pass) {
    linear_case c = make_linear_case(3, 4, 2, (size_t[]){2, 3});
    for (size_t i = 0; i < 2; i++)
        descs[i] = linear_shard_desc(&c, i, pass);
}

#define REFUSES_SHARDS(change, status, text)                                                                           \
    do {                                                                                                               \
        clxent_desc s[2];                                                                                              \
        shards_of(s, CLXENT_FORWARD);                                                                                  \
        change;                                                                                                        \
        refuses(clxent_check_shards(s, 2), CLXENT_##status, text, __LINE__);                                           \
    } while (0)

static void shards_together(void **state) {
    (void)state;
    clxent_desc good[2];
    shards_of(good, CLXENT_BACKWARD);
    good[1].row_stride = 7;
    good[1].workspace_limit = 1;
    assert_int_equal(clxent_check_shards(good, 2), CLXENT_SUCCESS);
    REFUSES_SHARDS(s[1].features = 5, INVALID_SHAPE, "descs[1].features is 5, but descs[0].features is 4");
    REFUSES_SHARDS((s[1].op = CLXENT_CROSS_ENTROPY, s[1].features = 0), INVALID_OPTION,
                   "descs[1].op is 3, but descs[0].op is 7");
    REFUSES_SHARDS(
        s[1].class_start = 1, INVALID_SHAPE,
        "descs[0] has the classes [0, 2) and descs[1] the classes [1, 4): they overlap, or are not in ascending "
        "order");
    REFUSES_SHARDS(s[1].class_start = s[1].class_total = 0, INVALID_ARGUMENT,
                   "descs[1] is no shard: it is of linear-cross-entropy, with a class_total of 0");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(by_hand),
        cmocka_unit_test(as_in_one_piece),
        cmocka_unit_test(tops_between_floats),
        cmocka_unit_test(gradients),
        cmocka_unit_test(refused_arrays),
        cmocka_unit_test(accepted_arrays),
        cmocka_unit_test(refused_descriptors),
        cmocka_unit_test(shards_together),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
