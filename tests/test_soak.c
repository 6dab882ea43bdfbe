/* Memory stays where it was, however long one goes on: small enqueues of one plan, and runs of changing shapes, more of them than
 * the context keeps plans for. The resident memory is read after the first tenth, when the driver has warmed up, and at the end.
 *
 * CLXENT_SOAK_CALLS is the number of enqueues, a tenth as many runs follow; 100000 by default, some seconds, and a million in
 * `ci/test.sh --long`. Under a sanitizer or Valgrind memory is not given back at once, so there the numbers mean nothing. */
#include "api_fixture.h"
#include "setting.h"

#include <unistd.h>

/* Bytes that the resident memory may grow by after the first tenth. It was seen not to grow at all; an allocator or a driver may
 * still make room once. One block of malloc, which takes 32, lost in each enqueue would be three times this in the short form. */
#define GROWTH ((size_t)1 << 20)

enum { CALLS = 100000, SHAPES = 48 /* above the 32 plans that a context keeps */ };

static size_t calls(void) {
    return setting("CLXENT_SOAK_CALLS", CALLS);
}

static size_t resident(void) {
    unsigned long all = 0, pages = 0;
    FILE *file = fopen("/proc/self/statm", "r");
    assert_non_null(file);
    assert_int_equal(fscanf(file, "%lu %lu", &all, &pages), 2);
    fclose(file);
    return pages * (size_t)sysconf(_SC_PAGESIZE);
}

/* ---- enqueues ---- */

static void enqueue(api_case *c, size_t count) {
    for (size_t i = 0; i < count; i++) {
        cl_event done = NULL;
        assert_success(clxent_enqueue(the_device.queue, c->plan, &c->args, 0, NULL, i % 64 == 0 ? &done : NULL));
        if (i % 64 == 0) { /* a queue must not grow without end */
            assert_int_equal(clFinish(the_device.queue), CL_SUCCESS);
            clReleaseEvent(done);
        }
    }
    assert_int_equal(clFinish(the_device.queue), CL_SUCCESS);
}

/* ---- runs ---- */

/* Of three programs: cross-entropy, softmax, binary cross-entropy with logits. */
static clxent_desc desc_of(size_t i) {
    static const clxent_op ops[] = {CLXENT_CROSS_ENTROPY, CLXENT_SOFTMAX, CLXENT_BINARY_CROSS_ENTROPY_WITH_LOGITS};
    clxent_desc desc;
    clxent_desc_init(&desc, ops[i % 3]);
    desc.engine = CLXENT_ENGINE_ROW_PER_ITEM;
    desc.pass = desc.op == CLXENT_SOFTMAX ? CLXENT_FORWARD : CLXENT_FORWARD_BACKWARD;
    desc.batch = 1 + i % 5;
    desc.classes = 3 + i % SHAPES;
    return desc;
}

static void run(size_t count) {
    static float input[8 * (SHAPES + 3)], probabilities[8 * (SHAPES + 3)], output[8 * (SHAPES + 3)],
        grad[8 * (SHAPES + 3)];
    static const int32_t target[8] = {0, 1, 2};
    for (size_t i = 0; i < count; i++) {
        clxent_desc desc = desc_of(i);
        clxent_host_args args;
        clxent_host_args_init(&args);
        args.input = input;
        args.output = output;
        if (desc.op != CLXENT_SOFTMAX) {
            args.target = desc.op == CLXENT_CROSS_ENTROPY ? (const void *)target : probabilities;
            args.grad_input = grad;
        }
        assert_success(clxent_run(the_device.context, &desc, &args));
    }
}

/* A refused call makes a sentence, and must leave nothing either. */
static void refuse(api_case *c, size_t count) {
    for (size_t i = 0; i < count; i++) {
        clxent_desc desc = c->desc;
        clxent_plan *plan = NO_PLAN;
        desc.row_stride = 1;
        assert_int_equal(clxent_plan_create(the_device.context, &desc, &plan), CLXENT_INVALID_SHAPE);
        assert_int_equal(clxent_enqueue(NULL, c->plan, &c->args, 0, NULL, NULL), CLXENT_INVALID_QUEUE);
    }
}

/* ---- before and after ---- */

static void expect_flat(const char *what, size_t count, size_t before) {
    size_t after = resident();
    print_message("%zu %s: %zu KiB resident after a tenth of them, %zu KiB at the end\n", count, what, before >> 10,
                  after >> 10);
    if (after > before + GROWTH)
        fail_msg("%s: the resident memory grew by %zu bytes, allowed are %zu", what, after - before, GROWTH);
}

static void test_enqueues(void **state) {
    (void)state;
    size_t count = calls();
    api_case c;
    case_make(&c, CLXENT_CROSS_ENTROPY, CLXENT_FORWARD_BACKWARD);
    enqueue(&c, count / 10);
    size_t before = resident();
    enqueue(&c, count - count / 10);
    expect_flat("enqueues", count, before);
    refuse(&c, count / 10);
    expect_flat("refusals behind them", count / 10, before);
    assert_right(&c);
    case_release(&c);
}

static void test_runs(void **state) {
    (void)state;
    size_t count = calls() / 10;
    run(count / 10 + 3 * SHAPES); /* each shape at least once */
    size_t before = resident();
    run(count - count / 10);
    expect_flat("runs", count, before);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_enqueues),
        cmocka_unit_test(test_runs),
    };
    return cmocka_run_group_tests_name("soak", tests, open_device, close_device);
}
