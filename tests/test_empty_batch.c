/* A batch of no rows on a device: clxent_enqueue gives the results that it has all the same, in their place behind the
 * events that it waits for, even where no kernel is left to run. */
#include "api_fixture.h"
#include "opencl_calls.h"

#include <math.h>

/* An empty batch has a result all the same, and its place behind the events that it waits for. */
static void run_empty(clxent_op op, clxent_pass pass, clxent_reduction reduction, uint64_t flags) {
    api_case c;
    case_begin(&c, op, pass);
    c.desc.batch = 0;
    c.desc.flags = flags;
    if (is_loss(op))
        c.desc.reduction = reduction;
    case_fill(&c);
    case_upload(&c);
    cl_command_queue queue = make_unordered_queue();
    cl_event user = make_user_event(), done = NULL;
    assert_success(clxent_enqueue(queue, c.plan, &c.args, 1, &user, &done));
    clFlush(queue);
    assert_non_null(done);
    assert_int_not_equal(state_of(done), CL_COMPLETE);
    let_go(user);
    wait_for(done);
    assert_right(&c);
    if (c.memory[CLX_OUTPUT] != NULL) { /* one loss */
        float loss = 1;
        read_buffer(c.memory[CLX_OUTPUT], 0, sizeof loss, &loss);
        assert_true(reduction == CLXENT_REDUCTION_MEAN && flags == 0 ? isnan(loss) != 0 : loss == 0);
    }
    for (int tensor = CLX_INVALID_COUNT; tensor <= CLX_CORRECT_COUNT; tensor++) {
        uint64_t count = 0;
        if (c.memory[tensor] != NULL)
            read_buffer(c.memory[tensor], 0, sizeof count, &count);
        assert_int_equal(count, 0);
    }
    assert_success(clxent_enqueue(queue, c.plan, &c.args, 0, NULL, NULL));
    finish_queue(queue);
    case_release(&c);
    clReleaseCommandQueue(queue);
}

static void empty_batches(void **state) {
    (void)state;
    run_empty(CLXENT_SOFTMAX, CLXENT_FORWARD, CLXENT_REDUCTION_MEAN, 0);
    run_empty(CLXENT_LOG_SOFTMAX, CLXENT_BACKWARD, CLXENT_REDUCTION_MEAN, 0);
    for (clxent_op op = CLXENT_NLL_LOSS; op <= LAST_OP; op++)
        for (clxent_pass pass = CLXENT_FORWARD; pass <= CLXENT_FORWARD_BACKWARD; pass++)
            for (clxent_reduction reduction = CLXENT_REDUCTION_NONE;
                 has_pass(op, pass) && reduction <= CLXENT_REDUCTION_SUM; reduction++) {
                run_empty(op, pass, reduction, 0);
                run_empty(op, pass, reduction, CLXENT_EMPTY_MEAN_ZERO);
            }
}

/* No kernel at all, so nothing needs a workspace: a marker carries the events. */
static void empty_batch_without_kernels(void **state) {
    (void)state;
    api_case c;
    case_begin(&c, LOSS);
    c.desc.batch = 0;
    c.desc.reduction = CLXENT_REDUCTION_NONE;
    case_fill(&c);
    case_upload(&c);
    assert_int_equal(c.info.kernels, 0);
    c.args.invalid_count.mem = c.args.correct_count.mem = c.args.weight_sum.mem = NULL;
    c.args.workspace.mem = NULL;
    cl_event user = make_user_event(), done = NULL;
    reset_calls();
    assert_success(clxent_enqueue(the_device.queue, c.plan, &c.args, 1, &user, &done));
    assert_int_equal(calls_of(ENQUEUE_KERNEL), 0);
    clFlush(the_device.queue);
    assert_int_not_equal(state_of(done), CL_COMPLETE);
    let_go(user);
    wait_for(done);
    case_release(&c);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(empty_batches),
        cmocka_unit_test(empty_batch_without_kernels),
    };
    return cmocka_run_group_tests_name("empty batch", tests, open_device, close_device);
}
