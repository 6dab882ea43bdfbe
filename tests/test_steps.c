/* Options and tensors of one call after another: accumulated gradients, one plan for many shares of two targets, argmax
 * and the count of correct rows, on in-order and out-of-order queues. */
#include "api_fixture.h"

#include <math.h>

/* After `TIMES` calls on a gradient that began with numbers of its own. */
static void accumulate(clxent_op op, clxent_pass pass, bool all_options) {
    enum { TIMES = 4 };
    static api_case c, expected;
    case_begin(&c, op, pass);
    if (all_options)
        set_all_options(&c.desc);
    c.desc.flags = CLXENT_ACCUMULATE_GRAD;
    case_fill(&c);
    case_upload(&c);
    cl_command_queue queue = make_unordered_queue();
    cl_event before = NULL;
    for (size_t i = 0; i < TIMES; i++) {
        cl_event done = NULL;
        assert_success(clxent_enqueue(queue, c.plan, &c.args, i > 0, i > 0 ? &before : NULL, &done));
        if (before != NULL)
            clReleaseEvent(before);
        before = done;
    }
    wait_for(before);
    case_copy(&expected, &c);
    for (size_t i = 0; i + 1 < TIMES; i++)
        assert_success(clxent_reference(&expected.desc, &expected.host));
    memcpy(c.array[CLX_GRAD_INPUT], expected.array[CLX_GRAD_INPUT], ARRAY_BYTES);
    assert_right(&c); /* which adds it once more */
    case_release(&c);
    clReleaseCommandQueue(queue);
}

static void gradients_add_up(void **state) {
    (void)state;
    accumulate(NLL_BACKWARD, false);
    accumulate(LOSS_BACKWARD, true);
    accumulate(LOSS_BOTH, true);
    accumulate(BINARY_BACKWARD, false);
    accumulate(LOGITS_BOTH, false);
}

/* The gradients of two losses of the same logits: the first one writes, the second one adds. */
static void gradients_of_two_losses(void **state) {
    (void)state;
    api_case first, second;
    case_make(&first, LOSS_BACKWARD);
    case_begin(&second, LOGITS_BOTH);
    second.desc.flags = CLXENT_ACCUMULATE_GRAD;
    case_fill(&second);
    case_upload(&second);
    second.args.input = first.args.input;
    second.args.grad_input = first.args.grad_input;
    memcpy(second.array[CLX_INPUT], first.array[CLX_INPUT], ARRAY_BYTES);
    assert_success(clxent_enqueue(the_device.queue, first.plan, &first.args, 0, NULL, NULL));
    assert_success(clxent_enqueue(the_device.queue, second.plan, &second.args, 0, NULL, NULL));
    finish_queue(the_device.queue);
    assert_success(clxent_reference(&first.desc, &first.host));
    memcpy(second.array[CLX_GRAD_INPUT], first.array[CLX_GRAD_INPUT], ARRAY_BYTES);
    assert_right(&second);
    case_release(&first);
    case_release(&second);
}

/* Rows that do not count leave what they add to as it is, bit for bit; so do all rows when nothing counts. */
static void ignored_rows_add_nothing(void **state) {
    (void)state;
    for (size_t ignored = 1; ignored <= 3; ignored++) {
        api_case c;
        case_begin(&c, LOSS_BOTH);
        c.desc.flags = CLXENT_ACCUMULATE_GRAD | CLXENT_EMPTY_MEAN_ZERO;
        case_fill(&c);
        for (size_t row = 0; row < ignored; row++)
            for (int tensor = CLX_TARGET; tensor <= CLX_TARGET2; tensor++)
                ((int32_t *)(void *)c.array[tensor])[row] = -100;
        case_upload(&c);
        assert_success(case_run(&c));
        unsigned char gradient[60];
        read_buffer(c.memory[CLX_GRAD_INPUT], 0, sizeof gradient, gradient);
        assert_memory_equal(gradient, c.array[CLX_GRAD_INPUT], ignored * 20);
        assert_right(&c);
        float loss = 1;
        read_buffer(c.memory[CLX_OUTPUT], 0, sizeof loss, &loss);
        assert_true((loss == 0) == (ignored == 3));
        case_release(&c);
    }
}

/* One plan, a share of its own for each step, all under way at once. */
static void one_plan_for_all_shares(void **state) {
    (void)state;
    enum { STEPS = 5 };
    static const float shares[STEPS] = {.25f, 1, 0, .5f, .8125f};
    static api_case steps[STEPS];
    cl_event user = make_user_event();
    for (size_t i = 0; i < STEPS; i++) {
        case_begin(&steps[i], LOSS_BOTH);
        case_fill(&steps[i]);
        memcpy(steps[i].array[CLX_MIX_LAMBDA], &shares[i], sizeof(float));
        case_upload(&steps[i]);
    }
    for (size_t i = 0; i < STEPS; i++)
        assert_success(
            clxent_enqueue(the_device.queue, steps[0].plan, &steps[i].args, i == 0, i == 0 ? &user : NULL, NULL));
    clFlush(the_device.queue);
    let_go(user);
    finish_queue(the_device.queue);
    for (size_t i = 0; i < STEPS; i++) {
        assert_right(&steps[i]);
        case_release(&steps[i]);
    }
}

/* The tensor stands in for the descriptor's share, whatever that is. */
static void the_tensor_outranks_the_descriptor(void **state) {
    (void)state;
    api_case with, without;
    case_begin(&with, LOSS_BOTH);
    with.desc.mix_lambda = .875;
    case_fill(&with);
    case_copy(&without, &with);
    without.desc.mix_lambda = .375; /* what case_fill gives the tensor */
    case_set_array(&without, CLX_MIX_LAMBDA, NULL);
    case_upload(&with);
    case_upload(&without);
    assert_success(case_run(&with));
    assert_success(case_run(&without));
    assert_right(&with);
    assert_right(&without);
    for (int tensor = CLX_OUTPUT; tensor <= CLX_CORRECT_COUNT; tensor++) {
        unsigned char a[ARRAY_BYTES], b[ARRAY_BYTES];
        size_t bytes = case_bytes(&with, tensor);
        read_buffer(with.memory[tensor], 0, bytes, a);
        read_buffer(without.memory[tensor], 0, bytes, b);
        assert_memory_equal(a, b, bytes);
    }
    case_release(&with);
    case_release(&without);
}

/* ---- argmax and correct_count, by hand ---- */

static const float logits[] = {
    0,  2,    1, 2,  -1, /* equals: the lowest, 1 */
    -3, -2,   5, 0,  1,  /* 2 */
    4,  4,    4, 4,  4,  /* 0 */
    1,  NAN,  3, 2,  0,  /* NaN is passed over: 2 */
    0,  1,    2, 3,  9,  /* 4, but ignored */
    9,  1,    2, 3,  0,  /* 0, and no such target */
    1,  -1e4, 0, 88, 3,  /* 3, and a wrong target */
};
static const int32_t targets[] = {1, 2, 0, 2, -100, 5, 1};
static const int64_t largest[] = {1, 2, 0, 2, 4, 0, 3};
enum { ROWS = 7 };

static void count_correct(clxent_pass pass, clxent_reduction reduction, clxent_engine engine, cl_command_queue queue) {
    api_case c;
    case_begin(&c, CLXENT_CROSS_ENTROPY, pass);
    c.desc.batch = ROWS;
    c.desc.reduction = reduction;
    c.desc.engine = engine;
    case_fill(&c);
    memcpy(c.array[CLX_INPUT], logits, sizeof logits);
    memcpy(c.array[CLX_TARGET], targets, sizeof targets);
    case_upload(&c);
    cl_event user = make_user_event(), done = NULL;
    assert_success(clxent_enqueue(queue, c.plan, &c.args, 1, &user, &done));
    clFlush(queue);
    let_go(user);
    wait_for(done);
    int64_t argmax[ROWS];
    uint64_t correct = 0;
    read_buffer(c.memory[CLX_ARGMAX], 0, sizeof argmax, argmax);
    read_buffer(c.memory[CLX_CORRECT_COUNT], 0, sizeof correct, &correct);
    for (size_t row = 0; row < ROWS; row++)
        assert_int_equal(argmax[row], largest[row]);
    assert_int_equal(correct, 4);
    case_release(&c);
}

static void correct_rows_are_counted(void **state) {
    (void)state;
    cl_command_queue unordered = make_unordered_queue(), in_order = make_queue(0);
    for (clxent_pass pass = CLXENT_FORWARD; pass <= CLXENT_FORWARD_BACKWARD; pass += CLXENT_FORWARD_BACKWARD) {
        for (clxent_reduction reduction = CLXENT_REDUCTION_NONE; reduction <= CLXENT_REDUCTION_SUM; reduction++) {
            count_correct(pass, reduction, CLXENT_ENGINE_AUTO, unordered);
            count_correct(pass, reduction, CLXENT_ENGINE_AUTO, in_order);
        }
    }
    for (clxent_engine engine = CLXENT_ENGINE_ROW_PER_ITEM; engine <= CLXENT_ENGINE_ROW_SPLIT; engine++)
        count_correct(CLXENT_FORWARD, CLXENT_REDUCTION_MEAN, engine, in_order);
    clReleaseCommandQueue(unordered);
    clReleaseCommandQueue(in_order);
}

/* The same through clxent_run, but for the target outside the classes, which it refuses. */
static void correct_rows_are_counted_by_run(void **state) {
    (void)state;
    api_case c;
    case_begin(&c, LOSS);
    c.desc.batch = ROWS;
    case_fill(&c);
    memcpy(c.array[CLX_INPUT], logits, sizeof logits);
    memcpy(c.array[CLX_TARGET], targets, sizeof targets);
    ((int32_t *)(void *)c.array[CLX_TARGET])[5] = 0;
    assert_success(clxent_run(the_device.context, &c.desc, &c.host));
    assert_memory_equal(c.array[CLX_ARGMAX], largest, sizeof largest);
    uint64_t correct = 0;
    memcpy(&correct, c.array[CLX_CORRECT_COUNT], sizeof correct);
    assert_int_equal(correct, 5);
}

/* argmax alone needs neither a count nor a workspace; of probabilities there is an argmax, but no count. */
static void argmax_alone(void **state) {
    (void)state;
    for (size_t kind = 0; kind < 2; kind++) {
        api_case c;
        case_begin(&c, LOSS);
        c.desc.reduction = CLXENT_REDUCTION_NONE;
        if (kind == 1)
            set_probabilities(&c.desc, CLXENT_TARGET_PROBABILITIES);
        case_fill(&c);
        case_upload(&c);
        case_drop(&c, CLX_CORRECT_COUNT);
        case_drop(&c, CLX_INVALID_COUNT);
        case_drop(&c, CLX_WEIGHT_SUM);
        c.args.workspace.mem = NULL;
        assert_success(case_run(&c));
        assert_right(&c);
        case_release(&c);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gradients_add_up),
        cmocka_unit_test(gradients_of_two_losses),
        cmocka_unit_test(ignored_rows_add_nothing),
        cmocka_unit_test(one_plan_for_all_shares),
        cmocka_unit_test(the_tensor_outranks_the_descriptor),
        cmocka_unit_test(correct_rows_are_counted),
        cmocka_unit_test(correct_rows_are_counted_by_run),
        cmocka_unit_test(argmax_alone),
    };
    return cmocka_run_group_tests_name("steps", tests, open_device, close_device);
}
