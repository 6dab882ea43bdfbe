/* Program blobs while OpenCL and the heap fail: a blob is made, is given to a context, and serves a plan there; where a
 * driver turns it down the program is compiled from its source. */
#include "scenario.h"

/* One blob of one plan. */
typedef struct blobs {
    clxent_desc desc;
    clxent_plan *plan; /* whose program it is */
    unsigned char *bytes, *made;
    size_t size;
    clxent_context *context; /* another one, that gets it */
    clxent_plan *other;
} blobs;

static void open_blobs(blobs *b) {
    *b = (blobs){.desc = good_desc(CLXENT_SOFTMAX, CLXENT_FORWARD), .other = NO_PLAN};
    assert_success(clxent_plan_create(the_device.context, &b->desc, &b->plan));
    assert_success(clxent_plan_get_blob(b->plan, 0, NULL, &b->size));
    b->bytes = malloc(b->size);
    b->made = malloc(b->size);
    assert_non_null(b->bytes);
    assert_non_null(b->made);
    assert_success(clxent_plan_get_blob(b->plan, b->size, b->bytes, &b->size));
}

static void close_blobs(blobs *b) {
    free(b->bytes);
    free(b->made);
    clxent_plan_destroy(b->plan);
}

/* ---- clxent_plan_get_blob ---- */

static clxent_status get(void *state) {
    blobs *b = state;
    size_t needed = 0;
    memset(b->made, 0, b->size);
    return clxent_plan_get_blob(b->plan, b->size, b->made, &needed);
}

static void expect_same_blob(void *state) {
    blobs *b = state;
    assert_memory_equal(b->made, b->bytes, b->size);
}

static void get_again(void *state) {
    assert_success(get(state));
    expect_same_blob(state);
}

static void blobs_are_made(void **state) {
    (void)state;
    blobs b;
    open_blobs(&b);
    const scenario all = {
        .name = "clxent_plan_get_blob", .state = &b, .attempt = get, .succeeded = expect_same_blob, .again = get_again};
    inject_everywhere(&all);
    close_blobs(&b);
}

/* ---- clxent_context_add_blob ---- */

static void begin_adding(void *state) {
    blobs *b = state;
    assert_success(clxent_context_create(the_device.cl, the_device.id, &b->context));
}

static clxent_status add(void *state) {
    blobs *b = state;
    return clxent_context_add_blob(b->context, b->bytes, b->size);
}

/* How many programs are compiled for a plan of this context. */
static unsigned programs_built(blobs *b) {
    clxent_plan_info info = {.struct_size = sizeof info};
    assert_success(clxent_plan_create(b->context, &b->desc, &b->other));
    assert_success(clxent_plan_get_info(b->other, &info));
    clxent_plan_destroy(b->other);
    b->other = NO_PLAN;
    return info.programs_built;
}

static void expect_blob_is_there(void *state) {
    assert_int_equal(programs_built(state), 0);
}

static void expect_no_blob(void *state, clxent_status status, bool memory) {
    (void)status, (void)memory;
    assert_int_equal(programs_built(state), 1);
}

static void end_adding(void *state) {
    clxent_context_destroy(((blobs *)state)->context);
}

static void blobs_are_added(void **state) {
    (void)state;
    blobs b;
    open_blobs(&b);
    const scenario all = {.name = "clxent_context_add_blob",
                          .state = &b,
                          .begin = begin_adding,
                          .attempt = add,
                          .failed = expect_no_blob,
                          .succeeded = expect_blob_is_there,
                          .end = end_adding};
    inject_everywhere(&all);
    close_blobs(&b);
}

/* ---- a plan from a blob ---- */

static void begin_using(void *state) {
    begin_adding(state);
    assert_success(add(state));
}

static clxent_status use(void *state) {
    blobs *b = state;
    return clxent_plan_create(b->context, &b->desc, &b->other);
}

static void no_plan_made(void *state, clxent_status status, bool memory) {
    (void)status, (void)memory;
    assert_ptr_equal(((blobs *)state)->other, NO_PLAN);
}

static void expect_right_plan(void *state) {
    blobs *b = state;
    const api_device before = the_device;
    api_case c;
    the_device.context = b->context;
    case_make(&c, CLXENT_SOFTMAX, CLXENT_FORWARD);
    assert_success(case_run(&c));
    assert_right(&c);
    case_release(&c);
    the_device = before;
}

static void end_using(void *state) {
    blobs *b = state;
    if (b->other != NO_PLAN)
        clxent_plan_destroy(b->other);
    b->other = NO_PLAN;
    end_adding(b);
}

static void blobs_are_used(void **state) {
    (void)state;
    blobs b;
    open_blobs(&b);
    const scenario all = {.name = "clxent_plan_create from a blob",
                          .state = &b,
                          .begin = begin_using,
                          .attempt = use,
                          .failed = no_plan_made,
                          .succeeded = expect_right_plan,
                          .again = expect_right_plan,
                          .end = end_using,
                          .takes_blob = true,
                          .without_arguments = true};
    inject_everywhere(&all);
    close_blobs(&b);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        fault_test(blobs_are_made),
        fault_test(blobs_are_added),
        fault_test(blobs_are_used),
    };
    return run_fault_tests("blobs", tests, sizeof tests / sizeof tests[0], 80, open_device, close_device);
}
