/* What clxent_enqueue promises beside its results: it only enqueues, it honours the wait list, *event is that of the
 * last kernel, on in-order and out-of-order queues, for one plan at a time or many. */
#include "api_fixture.h"
#include "opencl_calls.h"

#include <math.h>

/* Nothing runs before the user event is set, and clxent_enqueue returns all the same. What is computed on is only
 * written to the buffer after that event, by a command that the enqueue waits for. */
static void wait_list_is_honoured(void **state) {
    (void)state;
    cl_command_queue queue = make_unordered_queue();
    api_case c;
    case_make(&c, LOSS_BOTH);
    unsigned char input[ARRAY_BYTES];
    memcpy(input, c.array[CLX_INPUT], sizeof input);
    for (size_t i = 0; i < 15; i++)
        ((float *)(void *)c.array[CLX_INPUT])[i] = (float)i * .25f;
    cl_event user = make_user_event(), written = NULL, done = NULL;
    assert_int_equal(
        clEnqueueWriteBuffer(queue, c.args.input.mem, CL_FALSE, 0, 60, c.array[CLX_INPUT], 1, &user, &written),
        CL_SUCCESS);
    assert_success(clxent_enqueue(queue, c.plan, &c.args, 1, &written, &done));
    clFlush(queue);
    assert_int_not_equal(state_of(done), CL_COMPLETE);
    assert_int_not_equal(state_of(written), CL_COMPLETE);
    let_go(user);
    wait_for(done);
    assert_right(&c);
    clReleaseEvent(written);
    case_release(&c);
    clReleaseCommandQueue(queue);
}

/* All events of a longer list. */
static void every_event_is_waited_for(void **state) {
    (void)state;
    cl_command_queue queue = make_unordered_queue();
    for (size_t last = 0; last < 3; last++) {
        api_case c;
        case_make(&c, SOFTMAX);
        cl_event users[3] = {make_user_event(), make_user_event(), make_user_event()}, done = NULL;
        assert_success(clxent_enqueue(queue, c.plan, &c.args, 3, users, &done));
        clFlush(queue);
        for (size_t i = 0; i < 3; i++)
            if (i != last)
                let_go(users[i]);
        assert_int_not_equal(state_of(done), CL_COMPLETE);
        let_go(users[last]);
        wait_for(done);
        assert_right(&c);
        case_release(&c);
    }
    clReleaseCommandQueue(queue);
}

/* A kernel of the caller makes the logits. */
static const char halve_source[] = "__kernel void halve(__global float *x) { x[get_global_id(0)] *= 0.5f; }";

static void kernel_of_the_caller_is_waited_for(void **state) {
    (void)state;
    const char *source = halve_source;
    cl_int error = CL_SUCCESS;
    cl_program program = clCreateProgramWithSource(the_device.cl, 1, &source, NULL, &error);
    assert_int_equal(error, CL_SUCCESS);
    assert_int_equal(clBuildProgram(program, 1, &the_device.id, "", NULL, NULL), CL_SUCCESS);
    cl_kernel kernel = clCreateKernel(program, "halve", &error);
    assert_int_equal(error, CL_SUCCESS);
    cl_command_queue queue = make_unordered_queue();
    api_case c;
    case_make(&c, LOSS_BOTH);
    assert_int_equal(clSetKernelArg(kernel, 0, sizeof(cl_mem), &c.args.input.mem), CL_SUCCESS);
    const size_t items = 15;
    cl_event user = make_user_event(), halved = NULL, done = NULL;
    assert_int_equal(clEnqueueNDRangeKernel(queue, kernel, 1, NULL, &items, NULL, 1, &user, &halved), CL_SUCCESS);
    assert_success(clxent_enqueue(queue, c.plan, &c.args, 1, &halved, &done));
    clFlush(queue);
    let_go(user);
    wait_for(done);
    for (size_t i = 0; i < items; i++)
        ((float *)(void *)c.array[CLX_INPUT])[i] *= .5f;
    assert_right(&c);
    clReleaseEvent(halved);
    case_release(&c);
    clReleaseCommandQueue(queue);
    clReleaseKernel(kernel);
    clReleaseProgram(program);
}

/* A mean with its gradient is three kernels. The first waits for the caller's events; on an out-of-order queue each
 * other one for the one before it; the caller's event is that of the last. */
static void kernels_are_chained(void **state) {
    (void)state;
    cl_command_queue queues[] = {make_unordered_queue(), make_queue(0)};
    api_case c;
    case_make(&c, LOSS_BOTH);
    assert_int_equal(c.info.kernels, 3);
    for (size_t i = 0; i < 2; i++) {
        bool unordered = i == 0 && device_is_unordered();
        cl_event user = make_user_event(), done = NULL;
        reset_calls();
        assert_success(clxent_enqueue(queues[i], c.plan, &c.args, 1, &user, &done));
        assert_int_equal(calls_of(ENQUEUE_KERNEL), 3);
        assert_int_equal(calls_of(RELEASE_EVENT), unordered ? 2 : 0);
        assert_int_equal(kernel_call_at(0)->wait_count, 1);
        assert_ptr_equal(kernel_call_at(0)->waits_for, user);
        for (size_t k = 1; k < 3; k++) {
            assert_int_equal(kernel_call_at(k)->wait_count, unordered ? 1 : 0);
            assert_ptr_equal(kernel_call_at(k)->waits_for, kernel_call_at(k - 1)->event);
            assert_true(!unordered || kernel_call_at(k - 1)->event != NULL);
        }
        assert_ptr_equal(kernel_call_at(2)->event, done);
        let_go(user);
        wait_for(done);
        assert_right(&c);
    }
    case_release(&c);
    clReleaseCommandQueue(queues[0]);
    clReleaseCommandQueue(queues[1]);
}

/* After *event and nothing else, all results are there; its times can be asked for. */
static void event_comes_after_all_kernels(void **state) {
    (void)state;
    cl_command_queue queue = make_unordered_queue();
    for (clxent_reduction reduction = CLXENT_REDUCTION_NONE; reduction <= CLXENT_REDUCTION_SUM; reduction++) {
        api_case c;
        case_begin(&c, LOSS_BOTH);
        c.desc.reduction = reduction;
        case_fill(&c);
        case_upload(&c);
        cl_event done = NULL;
        assert_success(clxent_enqueue(queue, c.plan, &c.args, 0, NULL, &done));
        assert_int_equal(clWaitForEvents(1, &done), CL_SUCCESS);
        assert_right(&c);
        cl_ulong begin = 0, end = 0;
        assert_int_equal(clGetEventProfilingInfo(done, CL_PROFILING_COMMAND_START, sizeof begin, &begin, NULL),
                         CL_SUCCESS);
        assert_int_equal(clGetEventProfilingInfo(done, CL_PROFILING_COMMAND_END, sizeof end, &end, NULL), CL_SUCCESS);
        assert_true(begin > 0 && end >= begin);
        clReleaseEvent(done);
        case_release(&c);
    }
    clReleaseCommandQueue(queue);
}

/* Without an event, on both kinds of queue. */
static void event_may_be_null(void **state) {
    (void)state;
    cl_command_queue queues[] = {make_unordered_queue(), make_queue(0)};
    for (size_t i = 0; i < 2; i++) {
        api_case c;
        case_make(&c, LOSS_BOTH);
        assert_success(clxent_enqueue(queues[i], c.plan, &c.args, 0, NULL, NULL));
        finish_queue(queues[i]);
        assert_right(&c);
        case_release(&c);
        clReleaseCommandQueue(queues[i]);
    }
}

/* Log-softmax into the loss, by events alone where the queue does not order them: the same as cross-entropy. */
static void chain_of_enqueues(cl_command_queue queue, bool by_events) {
    api_case first, second, whole;
    case_make(&first, LOG_SOFTMAX);
    case_make(&second, NLL);
    case_make(&whole, LOSS);
    case_drop(&whole, CLX_TARGET2); /* which nll-loss does not have */
    case_drop(&whole, CLX_MIX_LAMBDA);
    second.args.input = first.args.output;
    whole.args.input = first.args.input;
    memcpy(whole.array[CLX_INPUT], first.array[CLX_INPUT], ARRAY_BYTES);
    cl_event user = make_user_event(), logs = NULL, loss = NULL;
    assert_success(clxent_enqueue(queue, first.plan, &first.args, 1, &user, by_events ? &logs : NULL));
    assert_success(clxent_enqueue(queue, second.plan, &second.args, by_events, by_events ? &logs : NULL, &loss));
    assert_success(clxent_enqueue(queue, whole.plan, &whole.args, 1, &loss, NULL));
    clFlush(queue);
    let_go(user);
    finish_queue(queue);
    assert_right(&first);
    assert_right(&whole);
    float a = 0, b = 1;
    read_buffer(second.args.output.mem, 0, sizeof a, &a);
    read_buffer(whole.args.output.mem, 0, sizeof b, &b);
    assert_true(fabsf(a - b) < 1e-5f);
    if (logs != NULL)
        clReleaseEvent(logs);
    clReleaseEvent(loss);
    case_release(&first);
    case_release(&second);
    case_release(&whole);
}

static void enqueues_are_chained(void **state) {
    (void)state;
    cl_command_queue unordered = make_unordered_queue(), in_order = make_queue(0);
    chain_of_enqueues(unordered, true);
    chain_of_enqueues(in_order, true);
    chain_of_enqueues(in_order, false);
    clReleaseCommandQueue(unordered);
    clReleaseCommandQueue(in_order);
}

/* Two plans of one program, and one plan with two sets of buffers, in turn and without waiting in between: arguments
 * stay with the call that they came with. */
static void calls_are_not_mixed_up(void **state) {
    (void)state;
    enum { CALLS = 4 };
    api_case c[CALLS];
    cl_event user = make_user_event();
    for (size_t i = 0; i < CALLS; i++) {
        case_begin(&c[i], LOSS_BOTH);
        c[i].desc.batch = 2 + i % 2;
        c[i].desc.classes = 5 + i % 2;
        c[i].desc.ignore_index = i % 2 ? -100 : 1;
        case_fill(&c[i]);
        ((float *)(void *)c[i].array[CLX_INPUT])[2] = (float)i;
        case_upload(&c[i]);
        assert_int_equal(i > 0 ? c[i].info.programs_built : 0, 0);
    }
    for (size_t i = 0; i < CALLS; i++)
        assert_success(
            clxent_enqueue(the_device.queue, c[i % 2].plan, &c[i].args, i == 0, i == 0 ? &user : NULL, NULL));
    clFlush(the_device.queue);
    let_go(user);
    finish_queue(the_device.queue);
    for (size_t i = 0; i < CALLS; i++) {
        assert_right(&c[i]);
        case_release(&c[i]);
    }
}

/* An optional tensor that one call has and the next has not. */
static void optional_tensors_come_and_go(void **state) {
    (void)state;
    api_case with, without;
    case_make(&with, LOSS_BOTH);
    case_make(&without, LOSS_BOTH);
    clx_problem problem;
    assert_success(clx_problem_init(&problem, &without.desc));
    for (clx_tensor tensor = 0; tensor < CASE_TENSORS; tensor++)
        if (!clx_is_required(clx_tensor_use(&problem, tensor)))
            case_drop(&without, (int)tensor);
    for (size_t i = 0; i < 4; i++) {
        api_case *c = i % 2 ? &without : &with;
        assert_success(clxent_enqueue(the_device.queue, with.plan, &c->args, 0, NULL, NULL));
    }
    finish_queue(the_device.queue);
    assert_right(&with);
    assert_right(&without);
    case_release(&with);
    case_release(&without);
}

/* Not one call that compiles, allocates, copies or waits; and it comes back although nothing may run yet. */
static void only_enqueues(void **state) {
    (void)state;
    for (clxent_op op = CLXENT_SOFTMAX; op <= LAST_OP; op++) {
        api_case c;
        case_make(&c, op, last_pass(op));
        for (size_t i = 0; i < 3 && op == CLXENT_LINEAR_CROSS_ENTROPY; i++) /* each of these takes a kernel more */
            case_drop(&c, (const int[]){CLX_LSE, CLX_GRAD_LINEAR_WEIGHT, CLX_GRAD_LINEAR_BIAS}[i]);
        cl_event user = make_user_event(), done = NULL;
        reset_calls();
        assert_success(clxent_enqueue(the_device.queue, c.plan, &c.args, 1, &user, &done));
        for (opencl_call call = 0; call < OPENCL_CALLS; call++)
            assert_int_equal(calls_of(call), call == ENQUEUE_KERNEL ? c.info.kernels : 0);
        let_go(user);
        wait_for(done);
        assert_right(&c);
        assert_true(calls_of(WAIT_FOR_EVENTS) > 0); /* the counter counts */
        case_release(&c);
    }
}

/* What OpenCL refuses comes through as it is; *event stays. Events of earlier kernels are let go. */
static void errors_of_opencl_come_through(void **state) {
    (void)state;
    cl_command_queue queue = make_unordered_queue();
    api_case c;
    case_make(&c, LOSS_BOTH);
    for (size_t nth = 0; nth < 3; nth++) {
        cl_event event = NO_EVENT;
        reset_calls();
        fail_call(ENQUEUE_KERNEL, nth, CL_OUT_OF_RESOURCES);
        assert_refused(clxent_enqueue(queue, c.plan, &c.args, 0, NULL, &event), CL_OUT_OF_RESOURCES,
                       "failed: CL_OUT_OF_RESOURCES (-5)");
        assert_ptr_equal(event, NO_EVENT);
        assert_int_equal(calls_of(ENQUEUE_KERNEL), nth + 1);
        assert_int_equal(calls_of(RELEASE_EVENT), device_is_unordered() ? nth : 0);
    }
    finish_queue(queue);
    assert_success(case_run(&c));
    assert_right(&c);
    case_release(&c);
    clReleaseCommandQueue(queue);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(wait_list_is_honoured),
        cmocka_unit_test(every_event_is_waited_for),
        cmocka_unit_test(kernel_of_the_caller_is_waited_for),
        cmocka_unit_test(kernels_are_chained),
        cmocka_unit_test(event_comes_after_all_kernels),
        cmocka_unit_test(event_may_be_null),
        cmocka_unit_test(enqueues_are_chained),
        cmocka_unit_test(calls_are_not_mixed_up),
        cmocka_unit_test(optional_tensors_come_and_go),
        cmocka_unit_test(only_enqueues),
        cmocka_unit_test(errors_of_opencl_come_through),
    };
    return cmocka_run_group_tests_name("enqueue", tests, open_device, close_device);
}
