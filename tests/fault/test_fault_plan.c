/* Making plans while OpenCL and the heap fail: of every operation and pass, on a context that has the program already;
 * and the first of a context, which compiles it. */
#include "scenario.h"

#include "op.h"

/* A plan of a descriptor. */
typedef struct planning {
    clxent_desc desc;
    clxent_context *context;
    clxent_plan *plan;
    bool fresh;        /* the context is as new, so programs must be compiled, */
    unsigned programs; /* so many */
} planning;

static void begin_planning(void *state) {
    planning *p = state;
    p->plan = NO_PLAN;
    p->context = the_device.context;
    if (p->fresh)
        assert_success(clxent_context_create(the_device.cl, the_device.id, &p->context));
}

static clxent_status make_plan(void *state) {
    planning *p = state;
    return clxent_plan_create(p->context, &p->desc, &p->plan);
}

static void no_plan_made(void *state, clxent_status status, bool memory) {
    (void)status, (void)memory;
    assert_ptr_equal(((planning *)state)->plan, NO_PLAN);
}

/* Gives the number of programs that were compiled for it. */
static unsigned expect_whole_plan(const planning *p) {
    clxent_plan_info info = {.struct_size = sizeof info};
    assert_success(clxent_plan_get_info(p->plan, &info));
    assert_true(info.kernels > 0);
    return info.programs_built;
}

static void expect_good_plan(void *state) {
    const planning *p = state;
    assert_int_equal(expect_whole_plan(p), p->programs);
}

static void plan_again(void *state) {
    planning *p = state;
    if (p->plan == NO_PLAN)
        assert_success(make_plan(p));
    expect_whole_plan(p);
}

static void end_planning(void *state) {
    planning *p = state;
    if (p->plan != NO_PLAN)
        clxent_plan_destroy(p->plan);
    if (p->fresh)
        clxent_context_destroy(p->context);
}

/* As many as without a failure. */
static void count_programs(planning *p) {
    begin_planning(p);
    assert_success(make_plan(p));
    p->programs = expect_whole_plan(p);
    end_planning(p);
}

static scenario scenario_of(const char *name, planning *p) {
    return (scenario){.name = name,
                      .state = p,
                      .begin = begin_planning,
                      .attempt = make_plan,
                      .failed = no_plan_made,
                      .succeeded = expect_good_plan,
                      .again = plan_again,
                      .end = end_planning};
}

static void plans_are_made(void **state) {
    (void)state;
    for (clxent_op op = CLXENT_SOFTMAX; op <= LAST_OP; op++) {
        for (clxent_pass pass = CLXENT_FORWARD; pass <= CLXENT_FORWARD_BACKWARD; pass++) {
            if (!has_pass(op, pass))
                continue;
            planning p = {.desc = good_desc(op, pass)};
            char name[80];
            snprintf(name, sizeof name, "clxent_plan_create, %s, pass %d", clx_find_op(op)->title, (int)pass);
            const scenario all = scenario_of(name, &p);
            inject_everywhere(&all);
        }
    }
    for (clxent_pass pass = CLXENT_FORWARD; pass <= CLXENT_BACKWARD; pass++) {
        planning p = {.desc = good_shard(pass)};
        const scenario all = scenario_of("clxent_plan_create, cross-entropy of a shard", &p);
        inject_everywhere(&all);
    }
}

/* Three kernels and the sums. */
static void plans_of_many_kernels_are_made(void **state) {
    (void)state;
    planning p = {.desc = good_desc(CLXENT_CROSS_ENTROPY, CLXENT_FORWARD_BACKWARD)};
    p.desc.engine = CLXENT_ENGINE_ROW_SPLIT;
    const scenario all = scenario_of("clxent_plan_create, cross-entropy, row_split", &p);
    inject_everywhere(&all);
}

/* Compiling takes its time, so with the pass that has the fewest arguments to set. */
static void programs_are_compiled(void **state) {
    (void)state;
    planning p = {.desc = good_desc(CLXENT_SOFTMAX, CLXENT_FORWARD), .fresh = true};
    count_programs(&p);
    assert_int_equal(p.programs, 1);
    scenario all = scenario_of("clxent_plan_create, the first of a context", &p);
    all.without_arguments = true;
    inject_everywhere(&all);
}

/* Two programs, one after the other; a third one where the kernels of the products take smaller groups than the device has. */
static void several_programs_are_compiled(void **state) {
    (void)state;
    planning p = {.desc = good_desc(CLXENT_LINEAR_CROSS_ENTROPY, CLXENT_FORWARD), .fresh = true};
    count_programs(&p);
    assert_in_range(p.programs, 2, 3);
    scenario all = scenario_of("clxent_plan_create, linear-cross-entropy, the first of a context", &p);
    all.without_arguments = true;
    inject_everywhere(&all);
}

/* A plan is let go, while every release says that it failed. */
static void begin_destruction(void *state) {
    begin_planning(state);
    assert_success(make_plan(state));
}

static clxent_status destroy(void *state) {
    clxent_plan_destroy(((planning *)state)->plan);
    ((planning *)state)->plan = NO_PLAN;
    return CLXENT_SUCCESS;
}

static void plans_are_destroyed(void **state) {
    (void)state;
    static const clxent_op ops[] = {CLXENT_CROSS_ENTROPY, CLXENT_LINEAR_CROSS_ENTROPY};
    for (size_t i = 0; i < 2; i++) {
        planning p = {.desc = good_desc(ops[i], CLXENT_FORWARD_BACKWARD)};
        scenario all = scenario_of("clxent_plan_destroy", &p);
        all.begin = begin_destruction;
        all.attempt = destroy;
        all.succeeded = NULL;
        assert_true(inject_everywhere(&all) > 0);
    }
}

/* What a plan is asked and told needs nobody else. */
static clxent_status ask_plan(void *state) {
    planning *p = state;
    char reason[200];
    expect_whole_plan(p);
    assert_success(clxent_plan_get_reason(p->plan, CLXENT_ENGINE_ROW_PER_ITEM, sizeof reason, reason));
    return clxent_plan_set_product(p->plan, NULL, NULL);
}

static void plans_are_asked(void **state) {
    (void)state;
    planning p = {.desc = good_desc(CLXENT_LINEAR_CROSS_ENTROPY, CLXENT_FORWARD_BACKWARD)};
    const scenario all = {.name = "clxent_plan_get_info, clxent_plan_get_reason, clxent_plan_set_product",
                          .state = &p,
                          .begin = begin_destruction,
                          .attempt = ask_plan,
                          .end = end_planning};
    assert_int_equal(inject_everywhere(&all), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        fault_test(plans_are_made),        fault_test(plans_of_many_kernels_are_made),
        fault_test(programs_are_compiled), fault_test(several_programs_are_compiled),
        fault_test(plans_are_destroyed),   fault_test(plans_are_asked),
    };
    return run_fault_tests("plans", tests, sizeof tests / sizeof tests[0], 2000, open_device, close_device);
}
