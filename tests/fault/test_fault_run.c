/* clxent_run while OpenCL and the heap fail: every operation and pass, the first run of a context (queue, plan and buffers
 * are made) and a later one (they are there), in place and with copies. After each failure nothing but results was
 * written, and the same context goes on to work. */
#include "scenario.h"

#include "context.h"
#include "op.h"
#include "run_paths.h"

/* A run on a context that is new, but for the programs. */
typedef struct running {
    clxent_desc desc;
    size_t path;
    bool later; /* there was a run before */
    clxent_context *context;
    api_case before, after;
} running;

static clxent_status run_case(void *state) {
    running *r = state;
    return clxent_run(r->context, &r->after.desc, &r->after.host);
}

static void begin_running(void *state) {
    running *r = state;
    r->context = calloc(1, sizeof *r->context);
    assert_non_null(r->context);
    r->context->core = clx_core_retain(contexts[r->path]->core);
    assert_success(clx_runner_init(&r->context->runner));
    case_begin(&r->before, r->desc.op, r->desc.pass);
    r->before.desc = r->desc;
    case_fill(&r->before);
    case_copy(&r->after, &r->before);
    if (r->later)
        assert_success(run_case(r));
    case_copy(&r->after, &r->before);
}

/* No array that is only read has changed, and no byte behind one that is written; where no memory was to be had, nothing
 * was written at all. */
static void expect_unharmed(void *state, clxent_status status, bool memory) {
    running *r = state;
    (void)status;
    for (int tensor = 0; tensor < CASE_TENSORS; tensor++) {
        size_t written = case_writes(&r->before, tensor) && !memory ? case_bytes(&r->before, tensor) : 0;
        assert_memory_equal(r->after.array[tensor] + written, r->before.array[tensor] + written, ARRAY_BYTES - written);
    }
}

static void expect_right(void *state) {
    running *r = state;
    assert_true(arrays_are_right(&r->before, &r->after));
}

static void run_again(void *state) {
    running *r = state;
    case_copy(&r->after, &r->before);
    assert_success(run_case(r));
    expect_right(r);
}

static void end_running(void *state) {
    clxent_context_destroy(((running *)state)->context);
}

static void check_run(const clxent_desc *desc, size_t path, bool later, const char *what) {
    static running r;
    r = (running){.desc = *desc, .path = path, .later = later};
    char name[100];
    snprintf(name, sizeof name, "clxent_run, %s, pass %d, %s%s%s", clx_find_op(desc->op)->title, (int)desc->pass,
             path == IN_PLACE ? "in place" : "copying", later ? ", later" : "", what);
    const scenario all = {.name = name,
                          .state = &r,
                          .begin = begin_running,
                          .attempt = run_case,
                          .failed = expect_unharmed,
                          .succeeded = expect_right,
                          .again = run_again,
                          .end = end_running};
    assert_true(inject_everywhere(&all) > 0);
}

static void every_pass(size_t path, bool later) {
    for (clxent_op op = CLXENT_SOFTMAX; op <= LAST_OP; op++) {
        for (clxent_pass pass = CLXENT_FORWARD; pass <= CLXENT_FORWARD_BACKWARD; pass++) {
            const clxent_desc desc = good_desc(op, pass);
            /* It makes many calls, and in both directions at once those of either. */
            const bool again = op == CLXENT_LINEAR_CROSS_ENTROPY && (later || path == COPYING) && pass != last_pass(op);
            if (has_pass(op, pass) && !again)
                check_run(&desc, path, later, "");
        }
    }
    for (clxent_pass pass = CLXENT_FORWARD; pass <= CLXENT_BACKWARD; pass++) {
        const clxent_desc shard = good_shard(pass);
        check_run(&shard, path, later, ", a shard");
    }
}

static void in_place(void **state) {
    (void)state;
    every_pass(IN_PLACE, false);
}

static void with_copies(void **state) {
    (void)state;
    every_pass(COPYING, false);
}

static void in_place_again(void **state) {
    (void)state;
    every_pass(IN_PLACE, true);
}

static void with_copies_again(void **state) {
    (void)state;
    every_pass(COPYING, true);
}

/* Rows that lie apart are read back one by one, and a gradient that is added to is also sent there. */
static void with_padding_and_options(void **state) {
    (void)state;
    for (size_t path = 0; path < PATHS; path++) {
        clxent_desc desc = good_desc(CLXENT_CROSS_ENTROPY, CLXENT_FORWARD_BACKWARD);
        set_all_options(&desc);
        desc.row_stride = 9;
        check_run(&desc, path, false, ", padded, all options");
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        fault_test(in_place),
        fault_test(with_copies),
        fault_test(in_place_again),
        fault_test(with_copies_again),
        fault_test(with_padding_and_options),
    };
    return run_fault_tests("run", tests, sizeof tests / sizeof tests[0], 10000, open_paths, close_paths);
}
