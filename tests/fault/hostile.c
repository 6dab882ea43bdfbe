/* A context of a device that pretends, and what must be right on it. */
#include "hostile.h"

#include "context.h"
#include "setting.h"

#define NO_CONTEXT ((clxent_context *)(void *)&the_device)

static clxent_context *honest;
static size_t devices, results;

int begin_hostile(void **state) {
    (void)state;
    pretend_nothing();
    honest = the_device.context;
    return 0;
}

int end_hostile(void **state) {
    (void)state;
    pretend_nothing();
    if (the_device.context != honest)
        clxent_context_destroy(the_device.context);
    the_device.context = honest;
    return 0;
}

void pretend_gpu(void) {
    const cl_device_type type = CL_DEVICE_TYPE_GPU;
    pretend_bytes(CL_DEVICE_TYPE, &type, sizeof type);
}

void become(void) {
    if (the_device.context != honest)
        clxent_context_destroy(the_device.context);
    the_device.context = honest;
    assert_success(clxent_context_create(the_device.cl, the_device.id, &the_device.context));
    devices++;
}

void expect_no_context(clxent_status status, const char *text) {
    clxent_context *context = NO_CONTEXT;
    assert_refused(clxent_context_create(the_device.cl, the_device.id, &context), status, text);
    assert_ptr_equal(context, NO_CONTEXT);
    assert_refused(clxent_context_create(NULL, the_device.id, &context), status, text);
    assert_ptr_equal(context, NO_CONTEXT);
    devices++;
}

/* ---- what must be right ---- */

/* One of each kind, in the pass that does most. */
static const struct {
    clxent_op op;
    clxent_pass pass;
} operations[] = {
    {CLXENT_LOG_SOFTMAX, CLXENT_BACKWARD},
    {CLXENT_NLL_LOSS, CLXENT_FORWARD},
    {CLXENT_CROSS_ENTROPY, CLXENT_FORWARD_BACKWARD},
    {CLXENT_BINARY_CROSS_ENTROPY_WITH_LOGITS, CLXENT_FORWARD_BACKWARD},
};
enum { CROSS_ENTROPY = 2, OPERATIONS = sizeof operations / sizeof operations[0] };

/* Rows side by side, rows that a group shares, inner positions. */
static const struct { size_t batch, classes, inner; } shapes[] = {{7, 5, 1}, {3, 70, 1}, {2, 5, 9}};
enum { SHAPES = sizeof shapes / sizeof shapes[0] };

static void begin_shape(api_case *c, size_t operation, size_t shape) {
    case_begin(c, operations[operation].op, operations[operation].pass);
    c->desc.batch = shapes[shape].batch;
    c->desc.classes = shapes[shape].classes;
    c->desc.inner = shapes[shape].inner;
}

/* Those that came later, each in two shapes, by enqueue in one and by run in the other. */
static const struct {
    clxent_op op;
    clxent_pass pass;
    size_t shapes[2];
} later_operations[] = {
    {CLXENT_MERGE, CLXENT_FORWARD, {0, 2}},
    {CLXENT_CROSS_ENTROPY, CLXENT_FORWARD, {1, 2}}, /* of a shard */
    {CLXENT_CROSS_ENTROPY, CLXENT_BACKWARD, {1, 2}},
    {CLXENT_LINEAR_CROSS_ENTROPY, CLXENT_FORWARD_BACKWARD, {0, 1}},
};
enum { LATER_OPERATIONS = sizeof later_operations / sizeof later_operations[0] };

static void begin_later(api_case *c, size_t operation, size_t shape) {
    case_begin(c, later_operations[operation].op, later_operations[operation].pass);
    if (c->desc.op == CLXENT_CROSS_ENTROPY)
        c->desc = good_shard(c->desc.pass);
    c->desc.batch = shapes[shape].batch;
    c->desc.classes = shapes[shape].classes;
    c->desc.inner = shapes[shape].inner;
    if (c->desc.class_total > 0)
        c->desc.class_total = c->desc.class_start + c->desc.classes + 1;
}

static void expect_right_by_enqueue(api_case *c) {
    case_fill(c);
    case_upload(c);
    assert_success(case_run(c));
    assert_right(c);
    case_release(c);
    results++;
}

static void expect_right_by_run(api_case *c) {
    static api_case after;
    case_fill(c);
    case_copy(&after, c);
    assert_success(clxent_run(the_device.context, &after.desc, &after.host));
    assert_true(arrays_are_right(c, &after));
    results++;
}

static void expect_forced_engine_right(clxent_engine engine) {
    static api_case c;
    begin_shape(&c, CROSS_ENTROPY, engine == CLXENT_ENGINE_COLUMN ? 2 : 1);
    c.desc.engine = engine;
    set_all_options(&c.desc); /* the largest state */
    clxent_status status = clxent_plan_create(the_device.context, &c.desc, &c.plan);
    if (status == CLXENT_UNSUPPORTED) {
        assert_non_null(strstr(clxent_last_error(), "local memory"));
        return;
    }
    clxent_plan_destroy(c.plan);
    expect_right_by_enqueue(&c);
}

static size_t seed(void) {
    return setting("CLXENT_TEST_SEED", 0);
}

/* Is i, of so many, to be done on the device at hand? With CLXENT_TEST_SHARE=n, from 2 on, every 2n-th is, other ones on each
 * device and each time, and one at the least: nearly all of the time goes into compiling. */
static bool is_shared(size_t i, size_t count) {
    const size_t share = setting_share(), step = share == 1 ? 1 : 2 * share < count ? 2 * share : count;
    return (i + devices + seed()) % step == 0;
}

bool is_kind_shared(bool gpu) {
    static size_t asked;
    const size_t device = asked++ / 2;
    return setting_share() == 1 || (device + seed()) % 2 == gpu;
}

/* Products for which groups are too small, in panels, loop too long for a device that stops after some iterations. */
static bool is_refused(const api_case *c) {
    clxent_plan *plan = NULL;
    if (the_device.context->core->device.loop_limit == 0)
        return false;
    const clxent_status status = clxent_plan_create(the_device.context, &c->desc, &plan);
    if (status == CLXENT_UNSUPPORTED)
        assert_non_null(strstr(clxent_last_error(), "products need groups of 16 work-items on a device that stops"));
    clxent_plan_destroy(plan);
    return status == CLXENT_UNSUPPORTED;
}

static void expect_later_right(size_t operation) {
    static api_case c;
    begin_later(&c, operation, later_operations[operation].shapes[0]);
    if (is_refused(&c))
        return;
    expect_right_by_enqueue(&c);
    begin_later(&c, operation, later_operations[operation].shapes[1]);
    expect_right_by_run(&c);
}

void expect_all_right(void) {
    static api_case c;
    for (size_t operation = 0; operation < OPERATIONS; operation++) {
        for (size_t shape = 0; shape < SHAPES; shape++) {
            if (!is_shared(operation * SHAPES + shape, OPERATIONS * SHAPES))
                continue;
            begin_shape(&c, operation, shape);
            expect_right_by_enqueue(&c);
            begin_shape(&c, operation, shape);
            expect_right_by_run(&c);
        }
    }
    for (size_t operation = 0; operation < LATER_OPERATIONS; operation++)
        if (is_shared(operation, LATER_OPERATIONS))
            expect_later_right(operation);
    if (is_shared(0, 4)) {
        begin_shape(&c, CROSS_ENTROPY, 0);
        c.desc.dtype = CLXENT_F16;
        set_all_options(&c.desc);
        expect_right_by_enqueue(&c);
    }
    for (clxent_engine engine = CLXENT_ENGINE_ROW_PER_ITEM; engine <= CLXENT_ENGINE_ROW_SPLIT; engine++)
        if (is_shared((size_t)engine, CLXENT_ENGINE_ROW_SPLIT))
            expect_forced_engine_right(engine);
}

void expect_some_right(void) {
    static api_case c;
    for (size_t shape = 0; shape < 2; shape++) {
        begin_shape(&c, CROSS_ENTROPY, shape);
        expect_right_by_enqueue(&c);
    }
}

int run_hostile_tests(const char *name, const struct CMUnitTest *tests, size_t count, size_t least) {
    if (setting_share() > 1)
        least /= 2;
    int failures = _cmocka_run_group_tests(name, tests, count, open_device, close_device);
    print_message("%s: %zu hostile devices, %zu results compared\n", name, devices, results);
    if (devices < least) {
        print_error("that is too few, there should be at least %zu\n", least);
        return failures + 1;
    }
    return failures;
}
