/* Eight threads on one context and one plan, of cross-entropy or of linear-cross-entropy, whose plan has another one in it; each
 * with buffers of its own, in an order that is random for each: enqueues with all tensors and with few, on a queue of the thread's
 * and on one that all share; runs; plans made and destroyed; and every kind of call that is refused, whose sentence must be the
 * thread's own. Results must have the bits that they had when nobody else ran. CMocka's assertions work in the main thread alone,
 * so the others write down what went wrong first. */
#include "api_fixture.h"

#include <pthread.h>

enum { THREADS = 8, ROUNDS = 200, CASES = 2 };

typedef struct worker {
    size_t number;
    uint64_t random;
    clxent_plan *shared;
    cl_command_queue queue;
    api_case cases[CASES]; /* with all tensors, and with those that are required */
    unsigned char wanted[CASES][CASE_TENSORS][ARRAY_BYTES];
    api_case run;
    char sentence[200]; /* of the last refusal */
    char trouble[400];  /* "" while all is well */
} worker;

static worker workers[THREADS];
static clxent_op op; /* that they do */

static bool note(worker *w, bool good, const char *what) {
    if (!good && w->trouble[0] == '\0')
        snprintf(w->trouble, sizeof w->trouble, "thread %zu: %s (%s)", w->number, what, clxent_last_error());
    return good;
}

static size_t draw(worker *w, size_t limit) {
    w->random = w->random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (size_t)(w->random >> 33) % limit;
}

/* ---- what is right ---- */

static bool gives(const api_case *c, int tensor) {
    return case_has(c, tensor) && case_writes(c, tensor);
}

static bool read_results(worker *w, api_case *c, unsigned char results[CASE_TENSORS][ARRAY_BYTES]) {
    bool read = true;
    for (int tensor = 0; tensor < CASE_TENSORS; tensor++)
        if (gives(c, tensor))
            read = read && clEnqueueReadBuffer(w->queue, case_buffer(c, tensor)->mem, CL_TRUE, 0, case_bytes(c, tensor),
                                               results[tensor], 0, NULL, NULL) == CL_SUCCESS;
    return note(w, read, "clEnqueueReadBuffer");
}

static bool has_wanted(worker *w, size_t index, unsigned char results[CASE_TENSORS][ARRAY_BYTES], const char *what) {
    api_case *c = &w->cases[index];
    bool same = true;
    for (int tensor = 0; tensor < CASE_TENSORS; tensor++)
        same = same &&
               (!gives(c, tensor) || memcmp(results[tensor], w->wanted[index][tensor], case_bytes(c, tensor)) == 0);
    return note(w, same, what);
}

static void enqueue(worker *w, size_t index, cl_command_queue queue) {
    unsigned char results[CASE_TENSORS][ARRAY_BYTES];
    cl_event done = NULL;
    clxent_status status = clxent_enqueue(queue, w->shared, &w->cases[index].args, 0, NULL, &done);
    if (!note(w, status == CLXENT_SUCCESS, "an enqueue of the shared plan"))
        return;
    note(w, clWaitForEvents(1, &done) == CL_SUCCESS && clReleaseEvent(done) == CL_SUCCESS, "its event");
    if (read_results(w, &w->cases[index], results))
        has_wanted(w, index, results, "an enqueue of the shared plan has other bits");
}

static void run(worker *w) {
    if (note(w, clxent_run(the_device.context, &w->run.desc, &w->run.host) == CLXENT_SUCCESS, "clxent_run"))
        has_wanted(w, 0, w->run.array, "clxent_run has other bits");
}

static void make_plan(worker *w) {
    clxent_desc desc = w->cases[0].desc;
    clxent_plan *plan = NULL;
    clxent_plan_info info = {.struct_size = sizeof info};
    desc.batch = 1 + draw(w, 5);
    desc.classes = 2 + draw(w, 9);
    note(w, clxent_plan_create(the_device.context, &desc, &plan) == CLXENT_SUCCESS, "clxent_plan_create");
    note(w, clxent_plan_get_info(plan, &info) == CLXENT_SUCCESS && info.programs_built == 0, "clxent_plan_get_info");
    clxent_plan_destroy(plan);
}

/* ---- what is refused ---- */

static void expect_refusal(worker *w, clxent_status got, clxent_status status, const char *sentence) {
    note(w, got == status, sentence);
    note(w, strstr(clxent_last_error(), sentence) != NULL, sentence);
    snprintf(w->sentence, sizeof w->sentence, "%.190s", clxent_last_error());
}

static void fail_plan(worker *w) {
    clxent_desc desc = w->cases[0].desc;
    clxent_plan *plan = NO_PLAN;
    char sentence[80];
    desc.classes = 1000 + w->number;
    desc.features = op == CLXENT_LINEAR_CROSS_ENTROPY ? 1000 : 0;
    desc.row_stride = 1 + w->number;
    snprintf(sentence, sizeof sentence, "row_stride is %zu", 1 + w->number);
    expect_refusal(w, clxent_plan_create(the_device.context, &desc, &plan), CLXENT_INVALID_SHAPE, sentence);
    note(w, plan == NO_PLAN, "a refusal touched *plan");
}

static void fail_enqueue(worker *w) {
    clxent_args args = w->cases[0].args;
    cl_event event = NO_EVENT;
    char sentence[80];
    switch (draw(w, 3)) {
    case 0:
        args.target.mem = NULL;
        expect_refusal(w, clxent_enqueue(w->queue, w->shared, &args, 0, NULL, &event), CLXENT_MISSING_BUFFER,
                       "target is null");
        break;
    case 1:
        args.input.offset = 1024 * (1 + w->number);
        snprintf(sentence, sizeof sentence, "offset %zu", args.input.offset);
        expect_refusal(w, clxent_enqueue(w->queue, w->shared, &args, 0, NULL, &event), CLXENT_BUFFER_TOO_SMALL,
                       "input");
        break;
    default:
        args.struct_size = w->number;
        snprintf(sentence, sizeof sentence, "args.struct_size is %zu", w->number);
        expect_refusal(w, clxent_enqueue(w->queue, w->shared, &args, 0, NULL, &event), CLXENT_INVALID_ARGUMENT,
                       sentence);
    }
    note(w, event == NO_EVENT, "a refusal touched *event");
}

static void fail_run(worker *w) {
    int32_t targets[3] = {0, 100 + (int32_t)w->number, 0};
    clxent_host_args args = w->run.host;
    char sentence[80];
    args.target = targets;
    snprintf(sentence, sizeof sentence, "target[1] = %d", (int)targets[1]);
    expect_refusal(w, clxent_run(the_device.context, &w->run.desc, &args), CLXENT_INVALID_TARGET, sentence);
}

static void fail_blob(worker *w) {
    size_t needed = 0;
    unsigned char bytes[64] = {(unsigned char)w->number};
    if (op == CLXENT_LINEAR_CROSS_ENTROPY)
        expect_refusal(w, clxent_plan_get_blob(w->shared, 0, NULL, &needed), CLXENT_UNSUPPORTED, "two programs");
    else
        note(w, clxent_plan_get_blob(w->shared, 0, NULL, &needed) == CLXENT_SUCCESS && needed > 0,
             "clxent_plan_get_blob");
    expect_refusal(w, clxent_context_add_blob(the_device.context, bytes, sizeof bytes), CLXENT_INVALID_ARGUMENT,
                   "blob");
}

/* ---- the threads ---- */

static void *work(void *argument) {
    worker *w = argument;
    fail_plan(w);
    for (size_t round = 0; round < ROUNDS && w->trouble[0] == '\0'; round++) {
        static void (*const others[])(worker *) = {run, make_plan, fail_plan, fail_enqueue, fail_run, fail_blob};
        size_t step = draw(w, 10);
        if (step < 4)
            enqueue(w, step % CASES, step < 2 ? w->queue : the_device.queue);
        else
            others[step - 4](w);
        note(w, strncmp(clxent_last_error(), w->sentence, sizeof w->sentence - 10) == 0, "the sentence did not stay");
    }
    return NULL;
}

static void make_case(worker *w, size_t index) {
    api_case *c = &w->cases[index];
    clx_problem problem;
    case_begin(c, op, CLXENT_FORWARD_BACKWARD);
    case_fill(c);
    assert_success(clx_problem_init(&problem, &c->desc));
    for (size_t i = 0; i < case_bytes(c, CLX_INPUT) / sizeof(float); i++)
        case_set_number(c, CLX_INPUT, i, (double)((i * 29 + w->number * 7) % 31) / 8 - 2);
    case_upload(c);
    for (int tensor = 0; index > 0 && tensor < CASE_TENSORS; tensor++)
        if (!clx_is_required(clx_tensor_use(&problem, (clx_tensor)tensor)))
            case_drop(c, tensor);
    assert_success(case_run(c));
    assert_right(c);
    assert_true(read_results(w, c, w->wanted[index]));
}

static void set_up(worker *w, size_t number) {
    memset(w, 0, sizeof *w);
    w->number = number;
    w->random = number;
    w->queue = make_queue(0);
    for (size_t i = 0; i < CASES; i++)
        make_case(w, i);
    case_copy(&w->run, &w->cases[0]);
    w->shared = workers[0].cases[0].plan;
}

static void share_one_plan_and_one_context(void) {
    pthread_t threads[THREADS];
    for (size_t i = 0; i < THREADS; i++)
        set_up(&workers[i], i);
    for (size_t i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, work, &workers[i]), 0);
    for (size_t i = 0; i < THREADS; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    for (size_t i = 0; i < THREADS; i++)
        assert_string_equal(workers[i].trouble, "");
    for (size_t i = 0; i < THREADS; i++) {
        for (size_t j = 0; j < CASES; j++)
            case_release(&workers[i].cases[j]);
        clReleaseCommandQueue(workers[i].queue);
    }
}

static void test_one_plan_and_one_context(void **state) {
    (void)state;
    op = CLXENT_CROSS_ENTROPY;
    share_one_plan_and_one_context();
}

static void test_one_plan_with_another_in_it(void **state) {
    (void)state;
    op = CLXENT_LINEAR_CROSS_ENTROPY;
    share_one_plan_and_one_context();
}

/* ---- contexts ---- */

/* A context of the thread's own, let go while its plan lives on. */
static void *use_own_context(void *argument) {
    worker *w = argument;
    for (size_t round = 0; round < 5 && w->trouble[0] == '\0'; round++) {
        clxent_context *context = NULL;
        clxent_plan *plan = NULL;
        clxent_plan_info info = {.struct_size = sizeof info};
        clxent_desc desc = good_desc(CLXENT_SOFTMAX, CLXENT_FORWARD);
        note(w, clxent_context_create(NULL, the_device.id, &context) == CLXENT_SUCCESS, "clxent_context_create");
        note(w, clxent_plan_create(context, &desc, &plan) == CLXENT_SUCCESS, "clxent_plan_create");
        clxent_context_destroy(context);
        note(w, clxent_plan_get_info(plan, &info) == CLXENT_SUCCESS, "a plan without its context");
        clxent_plan_destroy(plan);
    }
    return NULL;
}

static void test_contexts_of_their_own(void **state) {
    (void)state;
    pthread_t threads[THREADS];
    for (size_t i = 0; i < THREADS; i++) {
        memset(&workers[i], 0, sizeof workers[i]);
        workers[i].number = i;
        assert_int_equal(pthread_create(&threads[i], NULL, use_own_context, &workers[i]), 0);
    }
    for (size_t i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
        assert_string_equal(workers[i].trouble, "");
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_one_plan_and_one_context),
        cmocka_unit_test(test_one_plan_with_another_in_it),
        cmocka_unit_test(test_contexts_of_their_own),
    };
    return cmocka_run_group_tests_name("shared threads", tests, open_device, close_device);
}
