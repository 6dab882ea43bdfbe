/* Enqueueing while OpenCL and the heap fail: every operation and pass, on queues of both kinds, with the caller's events
 * before and behind. What follows each failure: nothing was touched where the status says so, *event never; what is only
 * read stays; and the same plan goes on to work, with the same buffers and with others. */
#include "host_product.h"
#include "scenario.h"

#include "op.h"

/* A call, and how it is made. */
typedef struct call {
    api_case c;
    clxent_desc desc;
    cl_command_queue queue;
    bool events;      /* waits for one, and wants one */
    bool own_product; /* of linear cross-entropy: the matrix products are the caller's */
    cl_event before, behind;
} call;

static void begin_call(void *state) {
    call *k = state;
    case_begin(&k->c, k->desc.op, k->desc.pass);
    k->c.desc = k->desc;
    case_fill(&k->c);
    case_upload(&k->c);
    if (k->own_product)
        assert_success(clxent_plan_set_product(k->c.plan, multiply_on_host, NULL));
    k->before = NULL;
    k->behind = NO_EVENT;
    if (k->events)
        assert_int_equal(clEnqueueMarkerWithWaitList(k->queue, 0, NULL, &k->before), CL_SUCCESS);
}

static clxent_status enqueue(void *state) {
    call *k = state;
    return clxent_enqueue(k->queue, k->c.plan, &k->c.args, k->events, k->events ? &k->before : NULL,
                          k->events ? &k->behind : NULL);
}

/* Only checks. */
static clxent_status check_arguments(void *state) {
    call *k = state;
    return clxent_check_args(k->queue, k->c.plan, &k->c.args);
}

static void expect_untouched(void *state) {
    assert_true(case_is_untouched(&((call *)state)->c));
}

static void check_again(void *state) {
    assert_success(check_arguments(state));
}

static void expect_refused_untouched(void *state, clxent_status status, bool memory) {
    (void)status, (void)memory;
    expect_untouched(state);
}

/* No tensor that is only read has changed; where nothing was enqueued, no other one has. */
static void expect_unharmed(void *state, clxent_status status, bool memory) {
    call *k = state;
    (void)memory;
    assert_ptr_equal(k->behind, NO_EVENT);
    finish_queue(k->queue);
    if (status > 0) {
        assert_true(case_is_untouched(&k->c));
        return;
    }
    for (int tensor = 0; tensor < CASE_TENSORS; tensor++) {
        unsigned char now[ARRAY_BYTES];
        if (k->c.memory[tensor] == NULL || case_writes(&k->c, tensor))
            continue;
        read_buffer(k->c.memory[tensor], 0, case_bytes(&k->c, tensor), now);
        assert_memory_equal(now, k->c.array[tensor], case_bytes(&k->c, tensor));
    }
}

static void expect_right(void *state) {
    call *k = state;
    if (k->behind != NO_EVENT)
        wait_for(k->behind);
    k->behind = NO_EVENT;
    finish_queue(k->queue);
    assert_right(&k->c);
}

/* What is added to holds again what it did at first. */
static void restore(call *k) {
    static const int gradients[] = {CLX_GRAD_INPUT, CLX_GRAD_LINEAR_WEIGHT, CLX_GRAD_LINEAR_BIAS};
    for (size_t i = 0; i < 3 && (k->desc.flags & CLXENT_ACCUMULATE_GRAD); i++) {
        cl_mem mem = k->c.memory[gradients[i]];
        if (mem != NULL)
            assert_int_equal(clEnqueueWriteBuffer(the_device.queue, mem, CL_TRUE, 0, case_bytes(&k->c, gradients[i]),
                                                  k->c.array[gradients[i]], 0, NULL, NULL),
                             CL_SUCCESS);
    }
}

/* A tensor that the call writes. */
static int result_of(const call *k) {
    static const int results[] = {CLX_OUTPUT, CLX_PARTIAL, CLX_GRAD_INPUT};
    size_t i = 0;
    while (!case_writes(&k->c, results[i]))
        i++;
    return results[i];
}

/* With other buffers, of which the ones that are written begin elsewhere, and without what is optional; then as before. */
static void enqueue_again(void *state) {
    call *k = state;
    static const int optional[] = {CLX_WEIGHT,      CLX_SAMPLE_WEIGHT, CLX_POS_WEIGHT,
                                   CLX_GRAD_OUTPUT, CLX_LINEAR_BIAS,   CLX_GRAD_LINEAR_WEIGHT};
    restore(k);
    call other = *k;
    case_copy(&other.c, &k->c);
    for (size_t i = 0; i < 6 && is_loss(k->desc.op); i++)
        case_drop(&other.c, optional[i]);
    clxent_buffer *output = case_buffer(&other.c, result_of(&other));
    cl_mem roomy = make_buffer(ARRAY_BYTES, NULL);
    if (!(k->desc.flags & CLXENT_ACCUMULATE_GRAD) && output->mem != NULL)
        *output = (clxent_buffer){roomy, 64};
    assert_success(enqueue(&other));
    expect_right(&other);
    restore(k);
    assert_success(enqueue(k));
    expect_right(k);
    clReleaseMemObject(roomy);
}

static void end_call(void *state) {
    call *k = state;
    if (k->before != NULL)
        clReleaseEvent(k->before);
    case_release(&k->c);
}

static void check_call(const char *what, call *k) {
    char name[160];
    snprintf(name, sizeof name, "clxent_enqueue, %s, pass %d%s", clx_find_op(k->desc.op)->title, (int)k->desc.pass,
             what);
    const scenario all = {.name = name,
                          .state = k,
                          .begin = begin_call,
                          .attempt = enqueue,
                          .failed = expect_unharmed,
                          .succeeded = expect_right,
                          .again = enqueue_again,
                          .end = end_call};
    assert_true(inject_everywhere(&all) > 0);
}

static void every_pass(cl_command_queue queue, bool events, const char *what) {
    static call k;
    char text[80];
    snprintf(text, sizeof text, ", a shard%s", what);
    for (clxent_pass pass = CLXENT_FORWARD; pass <= CLXENT_FORWARD_BACKWARD; pass++) {
        for (clxent_op op = CLXENT_SOFTMAX; op <= LAST_OP; op++) {
            /* It makes many calls: in both directions at once where it has events, and in_chunks. */
            const bool elsewhere = op == CLXENT_LINEAR_CROSS_ENTROPY && (pass == last_pass(op)) != events;
            if (!has_pass(op, pass) || elsewhere)
                continue;
            k = (call){.desc = good_desc(op, pass), .queue = queue, .events = events};
            check_call(what, &k);
        }
        if (pass == CLXENT_FORWARD_BACKWARD)
            continue;
        k = (call){.desc = good_shard(pass), .queue = queue, .events = events};
        check_call(text, &k);
    }
}

/* Products by the caller's function, each of whose calls fails, too. */
static void check_own_product(cl_command_queue queue, bool events, const char *what) {
    static call k;
    k = (call){.desc = good_desc(CLXENT_LINEAR_CROSS_ENTROPY, CLXENT_FORWARD_BACKWARD),
               .queue = queue,
               .events = events,
               .own_product = true};
    check_call(what, &k);
}

static void on_an_ordered_queue(void **state) {
    (void)state;
    every_pass(the_device.queue, false, "");
    check_own_product(the_device.queue, false, ", own product");
}

/* In an OpenCL context of the caller's. */
static void on_a_queue_without_order(void **state) {
    (void)state;
    const api_device before = the_device;
    cl_int error = CL_SUCCESS;
    the_device.cl = make_context();
    the_device.queue = clCreateCommandQueue(the_device.cl, the_device.id, 0, &error);
    assert_int_equal(error, CL_SUCCESS);
    assert_success(clxent_context_create(the_device.cl, the_device.id, &the_device.context));
    cl_command_queue queue = make_unordered_queue();
    every_pass(queue, true, ", events");
    check_own_product(queue, true, ", own product, events");
    clReleaseCommandQueue(queue);
    clReleaseCommandQueue(the_device.queue);
    clxent_context_destroy(the_device.context);
    clReleaseContext(the_device.cl);
    the_device = before;
}

/* Everything there is to be asked for, on three kernels and the sums. */
static void with_all_options(void **state) {
    (void)state;
    static call k;
    k = (call){.desc = good_desc(CLXENT_CROSS_ENTROPY, CLXENT_FORWARD_BACKWARD), .queue = the_device.queue};
    set_all_options(&k.desc);
    k.desc.engine = CLXENT_ENGINE_ROW_SPLIT;
    check_call(", all options, row_split", &k);
    k.desc.engine = CLXENT_ENGINE_AUTO;
    set_probabilities(&k.desc, CLXENT_TARGET_PROBABILITIES);
    check_call(", probabilities", &k);
}

/* A row at a time, each adding to the gradients. */
static void in_chunks(void **state) {
    (void)state;
    static call k;
    k = (call){.desc = good_desc(CLXENT_LINEAR_CROSS_ENTROPY, CLXENT_FORWARD_BACKWARD), .queue = the_device.queue};
    k.desc.flags = CLXENT_ACCUMULATE_GRAD;
    limit_workspace(&k.desc);
    check_call(", in chunks", &k);
}

/* Of the hidden states alone, by way of what tells which blocks can be left out. */
static void with_the_filter(void **state) {
    (void)state;
    static call k;
    k = (call){.desc = good_desc(CLXENT_LINEAR_CROSS_ENTROPY, CLXENT_FORWARD_BACKWARD), .queue = the_device.queue};
    k.desc.flags = CLXENT_FILTER_GRADIENT;
    check_call(", filter", &k);
}

static void arguments_are_checked(void **state) {
    (void)state;
    static call k;
    for (clxent_op op = CLXENT_SOFTMAX; op <= LAST_OP; op++) {
        k = (call){.desc = good_desc(op, last_pass(op)), .queue = the_device.queue};
        const scenario all = {.name = "clxent_check_args",
                              .state = &k,
                              .begin = begin_call,
                              .attempt = check_arguments,
                              .failed = expect_refused_untouched,
                              .succeeded = expect_untouched,
                              .again = check_again,
                              .end = end_call};
        assert_true(inject_everywhere(&all) > 0);
    }
}

/* Nothing to compute: a marker keeps the order of events. */
static void with_an_empty_batch(void **state) {
    (void)state;
    static call k;
    k = (call){.desc = good_desc(CLXENT_SOFTMAX, CLXENT_FORWARD), .queue = the_device.queue, .events = true};
    k.desc.batch = 0;
    check_call(", an empty batch", &k);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        fault_test(on_an_ordered_queue),   fault_test(on_a_queue_without_order),
        fault_test(with_all_options),      fault_test(in_chunks),
        fault_test(with_the_filter),       fault_test(with_an_empty_batch),
        fault_test(arguments_are_checked),
    };
    return run_fault_tests("enqueue", tests, sizeof tests / sizeof tests[0], 5000, open_device, close_device);
}
