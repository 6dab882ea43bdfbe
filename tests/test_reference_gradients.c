/* Every backward pass of the CPU reference against central finite differences of its forward pass, in double. */
#include "reference_cases.h"

#define BATCH 3
#define CLASSES 4
#define STEP 1e-5

static const clxent_reduction reductions[] = {CLXENT_REDUCTION_NONE, CLXENT_REDUCTION_MEAN, CLXENT_REDUCTION_SUM};

/* Numbers in [-2, 2) that look like noise, the same in every run. */
static double noise(uint32_t *seed) {
    *seed = *seed * 1664525u + 1013904223u;
    return (double)(*seed >> 8) / (1 << 22) - 2;
}

static void fill(reference_case *c, numbers *array, uint32_t seed) {
    double values[BATCH * CLASSES * 3];
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++)
        values[i] = noise(&seed);
    set_dense(c, array, values);
}

/* The number whose gradient is taken: the outputs of FORWARD, each times what its incoming gradient is. */
static double objective(const reference_case *backward) {
    reference_case c = *backward;
    c.desc.pass = CLXENT_FORWARD;
    memset(&c.output, UNTOUCHED, sizeof c.output);
    clxent_host_args_init(&c.args);
    c.args.input = &c.input;
    c.args.output = &c.output;
    c.args.target = backward->args.target == NULL ? NULL : &c.target;
    c.args.weight = backward->args.weight == NULL ? NULL : &c.weight;
    run_case(&c);
    bool loss = is_loss(c.desc.op);
    size_t rows = c.desc.batch * c.desc.inner;
    size_t outputs = loss ? (c.desc.reduction == CLXENT_REDUCTION_NONE ? rows : 1) : rows * c.desc.classes;
    double sum = 0;
    for (size_t i = 0; i < outputs; i++) {
        size_t place = loss ? i : dense_place(&c, i);
        sum += c.output.d[place] * (backward->args.grad_output == NULL ? 1 : c.grad_output.d[place]);
    }
    return sum;
}

/* Compares the gradient that `c` has already computed. */
static void check_gradient(reference_case *c) {
    for (size_t i = 0; i < c->desc.batch * c->desc.classes * c->desc.inner; i++) {
        double *x = &c->input.d[dense_place(c, i)], middle = *x;
        *x = middle + STEP;
        double above = objective(c);
        *x = middle - STEP;
        double below = objective(c);
        *x = middle;
        assert_near(c->grad_input.d[dense_place(c, i)], (above - below) / (2 * STEP), 2e-9);
    }
}

static void begin_shaped(reference_case *c, clxent_op op, size_t inner, size_t padding) {
    begin_case(c, op, CLXENT_BACKWARD, CLXENT_F64, BATCH, CLASSES);
    c->desc.inner = inner;
    c->desc.row_stride = padding == 0 ? 0 : CLASSES * inner + padding;
    fill(c, &c->input, 1);
}

static void softmax_gradients(void **state) {
    (void)state;
    for (clxent_op op = CLXENT_SOFTMAX; op <= CLXENT_LOG_SOFTMAX; op++)
        for (size_t inner = 1; inner <= 3; inner += 2)
            for (size_t padding = 0; padding <= 5; padding += 5) {
                reference_case c;
                begin_shaped(&c, op, inner, padding);
                fill(&c, &c.grad_output, 2);
                c.desc.pass = CLXENT_FORWARD;
                point_to_required(&c);
                run_case(&c);
                c.desc.pass = CLXENT_BACKWARD;
                point_to_required(&c);
                run_case(&c);
                check_gradient(&c);
            }
}

/* What varies in the loss tests. */
typedef struct loss_options {
    clxent_op op;
    clxent_reduction reduction;
    double label_smoothing;
    size_t inner, padding;
    bool weighted, incoming, some_ignored;
    clxent_target_type target_type;
} loss_options;

static void set_loss_case(reference_case *c, const loss_options *options) {
    static const int counted[] = {0, 3, 1, 2, 2, 0, 3, 1, 1}, ignored[] = {0, 2, 1, 2, 2, 0, 3, 1, 2};
    static const double weights[] = {.5, 0, 2, 1.25};
    begin_shaped(c, options->op, options->inner, options->padding);
    c->desc.reduction = options->reduction;
    c->desc.label_smoothing = options->label_smoothing;
    c->desc.target_type = options->target_type;
    c->desc.ignore_index = options->some_ignored ? 2 : -100;
    set_targets(c, options->some_ignored ? ignored : counted, BATCH * options->inner);
    set_numbers(c, &c->weight, weights, CLASSES);
    uint32_t seed = 3;
    for (size_t r = 0; r < BATCH * options->inner; r++)
        c->grad_output.d[r] = noise(&seed);
    point_to_required(c);
    c->args.weight = options->weighted ? &c->weight : NULL;
    c->args.grad_output = options->incoming ? &c->grad_output : NULL;
}

static void check_ignored_rows(const reference_case *c, const loss_options *options) {
    size_t inner = options->inner;
    for (size_t i = 0; i < BATCH * CLASSES * inner; i++) {
        size_t row = i / (CLASSES * inner) * inner + i % inner;
        int64_t y = options->target_type == CLXENT_TARGET_U8 ? c->target.u8[row] : c->target.i64[row];
        if (y == c->desc.ignore_index)
            assert_positive_zero(get_dense(c, &c->grad_input, i));
    }
}

/* The same gradient from FORWARD_BACKWARD, and from BACKWARD with the lse of that run. */
static void check_other_passes(const reference_case *backward) {
    reference_case both = *backward, saved = *backward;
    both.desc.pass = CLXENT_FORWARD_BACKWARD;
    both.args.input = &both.input;
    both.args.target = &both.target;
    both.args.output = &both.output;
    both.args.grad_input = &both.grad_input;
    both.args.lse = &both.lse;
    run_case(&both);
    assert_memory_equal(&both.grad_input, &backward->grad_input, sizeof both.grad_input);
    saved.args.lse = &both.lse;
    saved.args.grad_input = &saved.grad_input;
    run_case(&saved);
    for (size_t i = 0; i < BATCH * CLASSES * backward->desc.inner; i++)
        assert_near(get_dense(&saved, &saved.grad_input, i), get_dense(backward, &backward->grad_input, i), 1e-14);
}

static void check_loss(const loss_options *options) {
    reference_case c;
    set_loss_case(&c, options);
    run_case(&c);
    check_gradient(&c);
    check_ignored_rows(&c, options);
    if (options->op == CLXENT_CROSS_ENTROPY)
        check_other_passes(&c);
}

/* Every combination of reduction, shape, weights, incoming gradient and ignored rows. */
static void check_losses(clxent_op op, double label_smoothing) {
    for (unsigned bits = 0; bits < 32; bits++)
        for (size_t i = 0; i < 3; i++) {
            loss_options options = {
                .op = op,
                .reduction = reductions[i],
                .label_smoothing = label_smoothing,
                .inner = bits & 1 ? 3 : 1,
                .padding = bits & 2 ? 5 : 0,
                .weighted = bits & 4,
                .incoming = bits & 8,
                .some_ignored = bits & 16,
                .target_type = bits & 1 ? CLXENT_TARGET_U8 : CLXENT_TARGET_I64,
            };
            check_loss(&options);
        }
}

static void nll_gradients(void **state) {
    (void)state;
    check_losses(CLXENT_NLL_LOSS, 0);
}

static void cross_entropy_gradients(void **state) {
    (void)state;
    check_losses(CLXENT_CROSS_ENTROPY, 0);
}

static void smoothed_gradients(void **state) {
    (void)state;
    check_losses(CLXENT_CROSS_ENTROPY, .1);
    check_losses(CLXENT_CROSS_ENTROPY, 1);
}

/* Cross-entropy is the NLL of a log-softmax: three operations, one number. */
static void cross_entropy_is_nll_of_log_softmax(void **state) {
    (void)state;
    for (size_t i = 0; i < 3; i++) {
        loss_options options = {.op = CLXENT_CROSS_ENTROPY,
                                .reduction = reductions[i],
                                .inner = 3,
                                .padding = 5,
                                .weighted = true,
                                .some_ignored = true};
        reference_case direct, composed;
        set_loss_case(&direct, &options);
        options.op = CLXENT_NLL_LOSS;
        set_loss_case(&composed, &options);
        begin_shaped(&composed, CLXENT_LOG_SOFTMAX, 3, 5);
        composed.desc.pass = CLXENT_FORWARD;
        point_to_required(&composed);
        run_case(&composed);
        numbers log_probs = composed.output;
        set_loss_case(&composed, &options);
        composed.input = log_probs;
        double nll = objective(&composed), cross_entropy = objective(&direct);
        assert_true(isfinite(nll) && nll > 0);
        assert_near(cross_entropy, nll, 1e-13);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(softmax_gradients),
        cmocka_unit_test(nll_gradients),
        cmocka_unit_test(cross_entropy_gradients),
        cmocka_unit_test(smoothed_gradients),
        cmocka_unit_test(cross_entropy_is_nll_of_log_softmax),
    };
    return cmocka_run_group_tests_name("reference gradients", tests, NULL, NULL);
}
