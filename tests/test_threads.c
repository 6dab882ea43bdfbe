/* Many threads at once on one context: plans made and destroyed, one plan shared by all with buffers of each one's own,
 * clxent_run, and failures whose sentence is each thread's own. CMocka's assertions work in the main thread alone, so
 * the others write down what went wrong first. */
#include "api_fixture.h"

#include <pthread.h>

enum { THREADS = 8, ROUNDS = 6, BATCH = 4, MAX_CLASSES = 16 };

typedef struct worker {
    size_t number;
    clxent_plan *shared;
    clxent_desc shared_desc;
    cl_command_queue queue;
    cl_mem input, target, output, grad_input, workspace;
    float logits[BATCH * MAX_CLASSES];
    int32_t targets[BATCH];
    char trouble[256]; /* "" while all is well */
} worker;

static bool note(worker *w, bool good, const char *what) {
    if (!good && w->trouble[0] == '\0')
        snprintf(w->trouble, sizeof w->trouble, "thread %zu: %s (%s)", w->number, what, clxent_last_error());
    return good;
}

static bool is_near(const float *got, const float *want, size_t count) {
    bool near = true;
    for (size_t i = 0; i < count; i++)
        near = near && got[i] - want[i] < 2e-6f && want[i] - got[i] < 2e-6f;
    return near;
}

typedef struct result {
    float loss, gradient[BATCH * MAX_CLASSES];
} result;

static clxent_host_args arrays_of(worker *w, result *to) {
    clxent_host_args args;
    clxent_host_args_init(&args);
    args.input = w->logits;
    args.target = w->targets;
    args.output = &to->loss;
    args.grad_input = to->gradient;
    return args;
}

static bool is_expected(worker *w, const clxent_desc *desc, const result *got, const char *what) {
    result want;
    clxent_host_args args = arrays_of(w, &want);
    return note(w, clxent_reference(desc, &args) == CLXENT_SUCCESS, "clxent_reference") &&
           note(w, is_near(&got->loss, &want.loss, 1), what) &&
           note(w, is_near(got->gradient, want.gradient, BATCH * desc->classes), what);
}

/* A plan on the worker's queue and buffers, waiting for nothing but its own event. */
static bool enqueue(worker *w, clxent_plan *plan, const clxent_desc *desc, const char *what) {
    result got;
    clxent_args args;
    cl_event done = NULL;
    size_t bytes = BATCH * desc->classes * sizeof(float);
    clxent_args_init(&args);
    args.input.mem = w->input;
    args.target.mem = w->target;
    args.output.mem = w->output;
    args.grad_input.mem = w->grad_input;
    args.workspace.mem = w->workspace;
    if (!note(w, clxent_enqueue(w->queue, plan, &args, 0, NULL, &done) == CLXENT_SUCCESS, what))
        return false;
    bool read =
        clEnqueueReadBuffer(w->queue, w->output, CL_TRUE, 0, sizeof(float), &got.loss, 1, &done, NULL) == CL_SUCCESS &&
        clEnqueueReadBuffer(w->queue, w->grad_input, CL_TRUE, 0, bytes, got.gradient, 1, &done, NULL) == CL_SUCCESS;
    clReleaseEvent(done);
    return note(w, read, "clEnqueueReadBuffer") && is_expected(w, desc, &got, what);
}

static clxent_desc desc_of(size_t classes) {
    clxent_desc desc;
    clxent_desc_init(&desc, CLXENT_CROSS_ENTROPY);
    desc.pass = CLXENT_FORWARD_BACKWARD;
    desc.batch = BATCH;
    desc.classes = classes;
    return desc;
}

static bool use_own_plan(worker *w, size_t round) {
    clxent_desc desc = desc_of(5 + (w->number + round) % 8);
    desc.label_smoothing = round % 2 ? .1 : 0; /* another program */
    clxent_plan *plan = NULL;
    bool good = note(w, clxent_plan_create(the_device.context, &desc, &plan) == CLXENT_SUCCESS, "clxent_plan_create") &&
                enqueue(w, plan, &desc, "a plan of the thread's own");
    clxent_plan_destroy(plan);
    return good;
}

static bool use_run(worker *w, size_t round) {
    result got;
    clxent_desc desc = desc_of(5 + (w->number * 3 + round) % 8);
    clxent_host_args args = arrays_of(w, &got);
    return note(w, clxent_run(the_device.context, &desc, &args) == CLXENT_SUCCESS, "clxent_run") &&
           is_expected(w, &desc, &got, "clxent_run");
}

/* A refusal whose sentence holds the thread's number. */
static void fail_on_purpose(worker *w, char sentence[160]) {
    clxent_desc desc = desc_of(1000 + w->number);
    desc.row_stride = 1 + w->number;
    clxent_plan *plan = NULL;
    note(w, clxent_plan_create(the_device.context, &desc, &plan) == CLXENT_INVALID_SHAPE, "no refusal");
    snprintf(sentence, 160, "row_stride is %zu, it must be at least classes * inner = %zu * 1 = %zu", 1 + w->number,
             1000 + w->number, 1000 + w->number);
    note(w, strcmp(clxent_last_error(), sentence) == 0, "the sentence of another failure");
}

static void *work(void *argument) {
    worker *w = argument;
    for (size_t round = 0; round < ROUNDS && w->trouble[0] == '\0'; round++) {
        char sentence[160];
        fail_on_purpose(w, sentence);
        use_own_plan(w, round);
        enqueue(w, w->shared, &w->shared_desc, "the shared plan");
        use_run(w, round);
        note(w, strcmp(clxent_last_error(), sentence) == 0, "the sentence did not stay");
    }
    return NULL;
}

static void set_up(worker *w, size_t number, clxent_plan *shared, const clxent_desc *desc) {
    memset(w, 0, sizeof *w);
    w->number = number;
    w->shared = shared;
    w->shared_desc = *desc;
    w->queue = make_queue(0);
    for (size_t i = 0; i < sizeof w->logits / sizeof w->logits[0]; i++)
        w->logits[i] = (float)((i * 29 + number * 7) % 31) / 8 - 2;
    for (size_t i = 0; i < BATCH; i++)
        w->targets[i] = (int32_t)((i * 3 + number) % 5);
    w->input = make_buffer(sizeof w->logits, w->logits);
    w->target = make_buffer(sizeof w->targets, w->targets);
    w->output = make_buffer(sizeof(float), NULL);
    w->grad_input = make_buffer(sizeof w->logits, NULL);
    w->workspace = make_buffer(4096, NULL);
}

static void clean_up(worker *w) {
    clReleaseMemObject(w->input);
    clReleaseMemObject(w->target);
    clReleaseMemObject(w->output);
    clReleaseMemObject(w->grad_input);
    clReleaseMemObject(w->workspace);
    clReleaseCommandQueue(w->queue);
}

static void threads_share_a_context(void **state) {
    (void)state;
    static worker workers[THREADS];
    pthread_t threads[THREADS];
    clxent_desc desc = desc_of(MAX_CLASSES);
    clxent_plan *shared = NULL;
    clxent_plan_info info = {.struct_size = sizeof info};
    assert_success(clxent_plan_create(the_device.context, &desc, &shared));
    assert_success(clxent_plan_get_info(shared, &info));
    assert_in_range(info.workspace_size, 1, 4096);
    for (size_t i = 0; i < THREADS; i++)
        set_up(&workers[i], i, shared, &desc);
    for (size_t i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, work, &workers[i]), 0);
    for (size_t i = 0; i < THREADS; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    for (size_t i = 0; i < THREADS; i++) {
        assert_string_equal(workers[i].trouble, "");
        clean_up(&workers[i]);
    }
    clxent_plan_destroy(shared);
}

/* All at once on a context that has no program yet: it is built once, and all get it. */
typedef struct first_plan {
    clxent_context *context;
    clxent_status status;
    unsigned built;
} first_plan;

static void *make_first_plan(void *argument) {
    first_plan *f = argument;
    clxent_desc desc = desc_of(9);
    desc.work_group_size = 1;
    clxent_plan *plan = NULL;
    clxent_plan_info info = {.struct_size = sizeof info};
    f->status = clxent_plan_create(f->context, &desc, &plan);
    if (f->status == CLXENT_SUCCESS)
        f->status = clxent_plan_get_info(plan, &info);
    f->built = info.programs_built;
    clxent_plan_destroy(plan);
    return NULL;
}

static void a_program_is_built_once(void **state) {
    (void)state;
    first_plan plans[THREADS];
    pthread_t threads[THREADS];
    clxent_context *context = NULL;
    unsigned built = 0;
    assert_success(clxent_context_create(NULL, the_device.id, &context));
    for (size_t i = 0; i < THREADS; i++) {
        plans[i] = (first_plan){.context = context};
        assert_int_equal(pthread_create(&threads[i], NULL, make_first_plan, &plans[i]), 0);
    }
    for (size_t i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
        assert_int_equal(plans[i].status, CLXENT_SUCCESS);
        built += plans[i].built;
    }
    assert_int_equal(built, 1);
    clxent_context_destroy(context);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(threads_share_a_context),
        cmocka_unit_test(a_program_is_built_once),
    };
    return cmocka_run_group_tests_name("threads", tests, open_device, close_device);
}
