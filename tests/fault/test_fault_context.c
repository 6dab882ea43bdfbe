/* Looking for a device, and making contexts of the library's own OpenCL context and of the caller's, while OpenCL and
 * the heap fail; and the functions that use neither. */
#include "scenario.h"

#include "setting.h"

#define NO_DEVICE_YET ((cl_device_id)(void *)&the_device)
#define NO_CONTEXT ((clxent_context *)(void *)&the_device)

/* ---- clxent_find_device ---- */

typedef struct search {
    const char *selector;
    cl_device_id found;
} search;

static void begin_search(void *state) {
    ((search *)state)->found = NO_DEVICE_YET;
}

static clxent_status find(void *state) {
    search *s = state;
    return clxent_find_device(s->selector, &s->found);
}

static void nothing_found(void *state, clxent_status status, bool memory) {
    (void)status, (void)memory;
    assert_ptr_equal(((search *)state)->found, NO_DEVICE_YET);
}

static void something_found(void *state) {
    cl_device_type type = 0;
    assert_int_equal(clGetDeviceInfo(((search *)state)->found, CL_DEVICE_TYPE, sizeof type, &type, NULL), CL_SUCCESS);
    assert_true(type != 0);
}

static void find_again(void *state) {
    assert_success(find(state));
    something_found(state);
}

static void devices_are_looked_for(void **state) {
    (void)state;
    static const char *const selectors[] = {"", "0"};
    for (size_t i = 0; i < 2; i++) {
        search s = {.selector = selectors[i]};
        char name[60];
        snprintf(name, sizeof name, "clxent_find_device(\"%s\")", selectors[i]);
        const scenario all = {.name = name,
                              .state = &s,
                              .begin = begin_search,
                              .attempt = find,
                              .failed = nothing_found,
                              .succeeded = something_found,
                              .again = find_again,
                              .search_calls = SIZE_MAX};
        inject_everywhere(&all);
    }
}

/* ---- clxent_context_create, clxent_context_destroy ---- */

typedef struct making {
    cl_context cl; /* the caller's; NULL: of the library's own */
    clxent_context *context;
} making;

static void begin_making(void *state) {
    ((making *)state)->context = NO_CONTEXT;
}

static clxent_status make(void *state) {
    making *m = state;
    return clxent_context_create(m->cl, the_device.id, &m->context);
}

static void nothing_made(void *state, clxent_status status, bool memory) {
    (void)status, (void)memory;
    assert_ptr_equal(((making *)state)->context, NO_CONTEXT);
}

/* It computes something. */
static void expect_good_context(void *state) {
    making *m = state;
    api_case c, after;
    case_begin(&c, CLXENT_SOFTMAX, CLXENT_FORWARD);
    case_fill(&c);
    case_copy(&after, &c);
    assert_success(clxent_run(m->context, &after.desc, &after.host));
    assert_true(arrays_are_right(&c, &after));
}

static void end_making(void *state) {
    making *m = state;
    if (m->context != NO_CONTEXT)
        clxent_context_destroy(m->context);
}

static void make_again(void *state) {
    making *m = state;
    if (m->context == NO_CONTEXT)
        assert_success(make(m));
}

static void check_making(const char *name, making *m, void (*succeeded)(void *)) {
    const scenario all = {.name = name,
                          .state = m,
                          .begin = begin_making,
                          .attempt = make,
                          .failed = nothing_made,
                          .succeeded = succeeded,
                          .again = make_again,
                          .end = end_making};
    inject_everywhere(&all);
}

static void contexts_are_made(void **state) {
    (void)state;
    making own = {.cl = NULL}, of_caller = {.cl = the_device.cl};
    check_making("clxent_context_create, the library's cl_context", &own, expect_good_context);
    check_making("clxent_context_create, the caller's cl_context", &of_caller, expect_good_context);
}

static clxent_status make_default(void *state) {
    return clxent_context_create_default(&((making *)state)->context);
}

/* How many calls of OpenCL the search takes. */
static size_t count_search_calls(void) {
    cl_device_id id = NULL;
    fault_arm(FAULT_OPENCL, SIZE_MAX, 0, true);
    assert_success(clxent_find_device(NULL, &id));
    return fault_disarm().calls;
}

static void the_default_context_is_made(void **state) {
    (void)state;
    making m = {.cl = NULL};
    const scenario all = {.name = "clxent_context_create_default",
                          .state = &m,
                          .begin = begin_making,
                          .attempt = make_default,
                          .failed = nothing_made,
                          .succeeded = expect_good_context,
                          .again = make_again,
                          .end = end_making,
                          .search_calls = count_search_calls()};
    inject_everywhere(&all);
}

/* A context that has been used is let go, while every release says that it failed. */
static void begin_destruction(void *state) {
    making *m = state;
    m->cl = NULL;
    assert_success(make(m));
    expect_good_context(m);
}

static clxent_status destroy(void *state) {
    clxent_context_destroy(((making *)state)->context);
    return CLXENT_SUCCESS;
}

static void contexts_are_destroyed(void **state) {
    (void)state;
    making m = {.cl = NULL};
    const scenario all = {
        .name = "clxent_context_destroy", .state = &m, .begin = begin_destruction, .attempt = destroy};
    assert_true(inject_everywhere(&all) > 0);
}

/* ---- functions that ask nobody ---- */

static clxent_status ask_nobody(void *state) {
    clxent_desc *desc = state;
    clxent_context_get(the_device.context, NULL, NULL);
    clxent_context_destroy(NULL);
    clxent_plan_destroy(NULL);
    clxent_set_last_error("said by a caller");
    assert_string_equal(clxent_last_error(), "said by a caller");
    const clxent_desc shard = good_shard(CLXENT_FORWARD);
    assert_refused(clxent_check_shards(&shard, 1), CLXENT_INVALID_SHAPE, "begins at class 2");
    assert_non_null(clxent_version());
    assert_string_equal(clxent_status_string(desc->op == CLXENT_SOFTMAX ? CL_SUCCESS : 1),
                        desc->op == CLXENT_SOFTMAX ? "CLXENT_SUCCESS" : "CLXENT_INVALID_ARGUMENT");
    api_case c;
    case_begin(&c, desc->op, desc->pass);
    case_fill(&c);
    return clxent_reference(&c.desc, &c.host);
}

static void some_functions_cannot_fail(void **state) {
    (void)state;
    for (clxent_op op = CLXENT_SOFTMAX; op <= CLXENT_MERGE; op++) {
        clxent_desc desc = good_desc(op, CLXENT_FORWARD);
        const scenario all = {
            .name = "clxent_reference, clxent_context_get, ...", .state = &desc, .attempt = ask_nobody};
        assert_int_equal(inject_everywhere(&all), 0);
    }
}

/* ---- the reference that needs memory ---- */

/* A case before and after it. */
typedef struct computing {
    clxent_pass pass;
    api_case before, after;
} computing;

static void begin_computing(void *state) {
    computing *k = state;
    case_begin(&k->before, CLXENT_LINEAR_CROSS_ENTROPY, k->pass);
    case_fill(&k->before);
    case_copy(&k->after, &k->before);
}

static clxent_status compute(void *state) {
    computing *k = state;
    return clxent_reference(&k->after.desc, &k->after.host);
}

static void nothing_computed(void *state, clxent_status status, bool memory) {
    computing *k = state;
    (void)status, (void)memory;
    assert_memory_equal(k->after.array, k->before.array, sizeof k->before.array);
}

static void compute_again(void *state) {
    computing *k = state;
    assert_success(compute(k));
    assert_true(arrays_are_right(&k->before, &k->after));
}

/* All logits at once, in double. */
static void logits_need_memory(void **state) {
    (void)state;
    static computing k;
    for (k.pass = CLXENT_FORWARD; k.pass <= CLXENT_FORWARD_BACKWARD; k.pass++) {
        const scenario all = {.name = "clxent_reference, linear-cross-entropy",
                              .state = &k,
                              .begin = begin_computing,
                              .attempt = compute,
                              .failed = nothing_computed,
                              .again = compute_again};
        assert_true(inject_everywhere(&all) >= 4 / setting_share());
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        fault_test(devices_are_looked_for),      fault_test(contexts_are_made),
        fault_test(the_default_context_is_made), fault_test(contexts_are_destroyed),
        fault_test(some_functions_cannot_fail),  fault_test(logits_need_memory),
    };
    return run_fault_tests("contexts", tests, sizeof tests / sizeof tests[0], 150, open_device, close_device);
}
