/* How many kernels a call of clxent_enqueue launches, by what is asked of it; and that a training step with everything
 * asked for only enqueues. */
#include "api_fixture.h"
#include "opencl_calls.h"

#include "launch.h"

/* What a call may have beside the descriptor. */
enum { TARGET2 = 1, INVALID = 2, CORRECT = 4, WEIGHTS = 8 };

static size_t kernels_of(const clxent_desc *desc, unsigned wishes) {
    api_case c;
    case_begin(&c, desc->op, desc->pass);
    c.desc = *desc;
    case_fill(&c);
    case_upload(&c);
    if (!(wishes & TARGET2)) {
        case_drop(&c, CLX_TARGET2);
        case_drop(&c, CLX_MIX_LAMBDA);
    }
    if (!(wishes & INVALID))
        case_drop(&c, CLX_INVALID_COUNT);
    if (!(wishes & CORRECT))
        case_drop(&c, CLX_CORRECT_COUNT);
    if (!(wishes & WEIGHTS))
        case_drop(&c, CLX_WEIGHT_SUM);
    reset_calls();
    assert_success(case_run(&c));
    size_t kernels = calls_of(ENQUEUE_KERNEL);
    if (wishes == 0)
        assert_int_equal(kernels, c.info.kernels);
    assert_in_range(kernels, c.info.kernels, CLX_MAX_LAUNCHES);
    assert_right(&c);
    case_release(&c);
    return kernels;
}

enum { NOTHING, Z_LOSS, REG, OPTIONS };

static clxent_desc desc_with(clxent_op op, clxent_pass pass, clxent_reduction reduction, size_t option) {
    clxent_desc desc = good_desc(op, pass);
    desc.reduction = reduction;
    desc.z_loss = option == Z_LOSS ? .5 : 0;
    desc.reg_lambda = option == REG ? .5 : 0;
    return desc;
}

/* Rows; sums before them where gradients or losses are divided by them; sums after them. */
static void cross_entropy(void **state) {
    (void)state;
    static const struct {
        clxent_pass pass;
        clxent_reduction reduction;
        unsigned wishes;
        size_t kernels[OPTIONS]; /* without an option, with z_loss, with reg_lambda */
    } cases[] = {
        {CLXENT_FORWARD, CLXENT_REDUCTION_NONE, 0, {1, 1, 1}},
        {CLXENT_FORWARD, CLXENT_REDUCTION_NONE, TARGET2, {1, 1, 1}},
        {CLXENT_FORWARD, CLXENT_REDUCTION_NONE, INVALID, {2, 2, 2}},
        {CLXENT_FORWARD, CLXENT_REDUCTION_NONE, CORRECT, {2, 2, 2}},
        {CLXENT_FORWARD, CLXENT_REDUCTION_NONE, WEIGHTS, {2, 2, 2}},
        {CLXENT_FORWARD, CLXENT_REDUCTION_NONE, TARGET2 | INVALID | CORRECT, {2, 2, 2}},
        {CLXENT_FORWARD, CLXENT_REDUCTION_MEAN, WEIGHTS, {2, 3, 3}},
        {CLXENT_FORWARD, CLXENT_REDUCTION_SUM, WEIGHTS, {2, 2, 3}},
        {CLXENT_BACKWARD, CLXENT_REDUCTION_NONE, WEIGHTS, {1, 1, 1}},
        {CLXENT_FORWARD_BACKWARD, CLXENT_REDUCTION_SUM, WEIGHTS | INVALID, {2, 2, 3}},
        {CLXENT_FORWARD, CLXENT_REDUCTION_MEAN, 0, {2, 3, 3}},
        {CLXENT_FORWARD, CLXENT_REDUCTION_MEAN, INVALID | CORRECT, {2, 3, 3}},
        {CLXENT_FORWARD, CLXENT_REDUCTION_MEAN, TARGET2 | INVALID | CORRECT, {3, 3, 3}},
        {CLXENT_FORWARD, CLXENT_REDUCTION_SUM, 0, {2, 2, 3}},
        {CLXENT_FORWARD, CLXENT_REDUCTION_SUM, TARGET2 | INVALID | CORRECT, {2, 2, 3}},
        {CLXENT_BACKWARD, CLXENT_REDUCTION_NONE, TARGET2, {1, 1, 1}},
        {CLXENT_BACKWARD, CLXENT_REDUCTION_NONE, TARGET2 | INVALID, {2, 2, 2}},
        {CLXENT_BACKWARD, CLXENT_REDUCTION_MEAN, 0, {2, 2, 2}},
        {CLXENT_BACKWARD, CLXENT_REDUCTION_MEAN, TARGET2 | INVALID, {2, 2, 2}},
        {CLXENT_BACKWARD, CLXENT_REDUCTION_SUM, 0, {1, 1, 2}},
        {CLXENT_BACKWARD, CLXENT_REDUCTION_SUM, TARGET2 | INVALID, {2, 2, 2}},
        {CLXENT_FORWARD_BACKWARD, CLXENT_REDUCTION_NONE, 0, {1, 1, 1}},
        {CLXENT_FORWARD_BACKWARD, CLXENT_REDUCTION_NONE, CORRECT, {2, 2, 2}},
        {CLXENT_FORWARD_BACKWARD, CLXENT_REDUCTION_MEAN, 0, {3, 3, 3}},
        {CLXENT_FORWARD_BACKWARD, CLXENT_REDUCTION_MEAN, TARGET2 | INVALID | CORRECT, {3, 3, 3}},
        {CLXENT_FORWARD_BACKWARD, CLXENT_REDUCTION_SUM, 0, {2, 2, 3}},
        {CLXENT_FORWARD_BACKWARD, CLXENT_REDUCTION_SUM, TARGET2 | INVALID | CORRECT, {2, 2, 3}},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        for (size_t option = NOTHING; option < OPTIONS; option++) {
            clxent_desc desc = desc_with(CLXENT_CROSS_ENTROPY, cases[i].pass, cases[i].reduction, option);
            size_t kernels = kernels_of(&desc, cases[i].wishes);
            if (kernels != cases[i].kernels[option])
                fail_msg("case %zu, option %zu: %zu kernels, not %zu", i, option, kernels, cases[i].kernels[option]);
        }
    }
}

static void probabilities(void **state) {
    (void)state;
    static const size_t kernels[][3] = {{1, 2, 2}, {1, 2, 1}, {1, 3, 2}};
    for (clxent_pass pass = CLXENT_FORWARD; pass <= CLXENT_FORWARD_BACKWARD; pass++) {
        for (clxent_reduction reduction = CLXENT_REDUCTION_NONE; reduction <= CLXENT_REDUCTION_SUM; reduction++) {
            clxent_desc desc = desc_with(CLXENT_CROSS_ENTROPY, pass, reduction, NOTHING);
            set_probabilities(&desc, CLXENT_TARGET_PROBABILITIES);
            assert_int_equal(kernels_of(&desc, 0), kernels[pass][reduction]);
        }
    }
}

/* An elementwise mean is divided by a number that is known, so nothing need be summed up first. */
static void binary_cross_entropy(void **state) {
    (void)state;
    static const size_t kernels[][3] = {{1, 2, 2}, {1, 1, 1}, {1, 2, 2}};
    for (clxent_pass pass = CLXENT_FORWARD; pass <= CLXENT_FORWARD_BACKWARD; pass++) {
        for (clxent_reduction reduction = CLXENT_REDUCTION_NONE; reduction <= CLXENT_REDUCTION_SUM; reduction++) {
            clxent_desc desc = desc_with(CLXENT_BINARY_CROSS_ENTROPY_WITH_LOGITS, pass, reduction, NOTHING);
            assert_int_equal(kernels_of(&desc, 0), kernels[pass][reduction]);
        }
    }
}

/* The engine row_split takes two kernels to the row, and a third one to map it; where elements are mapped and nothing is reduced, or
 * gradients are written on the way, it is one less. */
static void row_split(void **state) {
    (void)state;
    static const struct {
        clxent_op op;
        clxent_pass pass;
        size_t kernels[3];
    } cases[] = {{LOSS, {2, 3, 3}},
                 {LOSS_BOTH, {3, 5, 4}},
                 {LOGITS, {2, 3, 3}},
                 {LOGITS_BACKWARD, {2, 2, 2}},
                 {LOGITS_BOTH, {2, 3, 3}}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        for (clxent_reduction reduction = CLXENT_REDUCTION_NONE; reduction <= CLXENT_REDUCTION_SUM; reduction++) {
            clxent_desc desc = desc_with(cases[i].op, cases[i].pass, reduction, NOTHING);
            desc.engine = CLXENT_ENGINE_ROW_SPLIT;
            assert_int_equal(kernels_of(&desc, 0), cases[i].kernels[reduction]);
        }
    }
    clxent_desc desc = good_desc(SOFTMAX_BACKWARD);
    desc.engine = CLXENT_ENGINE_ROW_SPLIT;
    assert_int_equal(kernels_of(&desc, 0), 3);
}

/* A reduction of very many rows takes two kernels, before the rows and after them. No call has more than these. */
enum { MANY_ROWS = 70000, CLASSES = 2 };

static void launch_very_many(clxent_engine engine, size_t kernels) {
    static float input[MANY_ROWS * CLASSES], gradient[MANY_ROWS * CLASSES];
    static uint8_t target[MANY_ROWS], target2[MANY_ROWS];
    static int64_t argmax[MANY_ROWS];
    for (size_t i = 0; i < MANY_ROWS * CLASSES; i++)
        input[i] = (float)(i * 7 % 13) / 4;
    for (size_t i = 0; i < MANY_ROWS; i++) {
        target[i] = i % 5 == 0;
        target2[i] = i % 3 == 0;
    }
    const float mix = .75f;
    float loss = 0;
    uint64_t correct = 0, invalid = 0;
    clxent_desc desc = good_desc(LOSS_BOTH);
    desc.batch = MANY_ROWS;
    desc.classes = CLASSES;
    desc.engine = engine;
    desc.target_type = CLXENT_TARGET_U8;
    clxent_host_args host;
    clxent_host_args_init(&host);
    host.input = input, host.target = target, host.target2 = target2, host.mix_lambda = &mix;
    host.output = &loss, host.argmax = argmax, host.correct_count = &correct, host.invalid_count = &invalid;
    host.grad_input = gradient;
    assert_success(clxent_reference(&desc, &host));
    const float expected_loss = loss;
    const uint64_t expected_correct = correct;
    assert_in_range(correct, 1, MANY_ROWS - 1);
    loss = 0, correct = 0, invalid = 1;
    reset_calls();
    assert_success(clxent_run(the_device.context, &desc, &host));
    assert_int_equal(calls_of(ENQUEUE_KERNEL), kernels);
    assert_true(loss - expected_loss < 1e-5f && expected_loss - loss < 1e-5f);
    assert_int_equal(correct, expected_correct);
    assert_int_equal(invalid, 0);
}

static void very_many_rows(void **state) {
    (void)state;
    launch_very_many(CLXENT_ENGINE_AUTO, 5);
    launch_very_many(CLXENT_ENGINE_ROW_SPLIT, CLX_MAX_LAUNCHES);
}

/* Everything at once, over and over: nothing is compiled, allocated, copied or waited for. */
static void a_training_step_only_enqueues(void **state) {
    (void)state;
    static const clxent_op ops[] = {CLXENT_CROSS_ENTROPY, CLXENT_CROSS_ENTROPY, CLXENT_BINARY_CROSS_ENTROPY,
                                    CLXENT_BINARY_CROSS_ENTROPY_WITH_LOGITS};
    static const size_t kernels[] = {3, 3, 2, 2};
    for (size_t i = 0; i < 4; i++) {
        api_case c;
        case_begin(&c, ops[i], CLXENT_FORWARD_BACKWARD);
        c.desc.flags = CLXENT_ACCUMULATE_GRAD;
        if (ops[i] == CLXENT_CROSS_ENTROPY)
            set_all_options(&c.desc);
        if (i == 1)
            set_probabilities(&c.desc, CLXENT_TARGET_PROBABILITIES);
        case_fill(&c);
        case_upload(&c);
        reset_calls();
        for (size_t step = 0; step < 5; step++)
            assert_success(clxent_enqueue(the_device.queue, c.plan, &c.args, 0, NULL, NULL));
        for (opencl_call call = 0; call < OPENCL_CALLS; call++)
            assert_int_equal(calls_of(call), call == ENQUEUE_KERNEL ? 5 * kernels[i] : 0);
        finish_queue(the_device.queue);
        case_release(&c);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cross_entropy),        cmocka_unit_test(probabilities),
        cmocka_unit_test(binary_cross_entropy), cmocka_unit_test(row_split),
        cmocka_unit_test(very_many_rows),       cmocka_unit_test(a_training_step_only_enqueues),
    };
    return cmocka_run_group_tests_name("launches", tests, open_device, close_device);
}
