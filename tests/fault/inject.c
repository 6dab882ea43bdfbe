/* Goes through a scenario with one failure at a time. */
#include "scenario.h"

#include "setting.h"

static size_t injections;
static char note[200]; /* the injection at hand; "" when there is none */

int begin_test(void **state) {
    (void)state;
    note[0] = '\0';
    return 0;
}

int end_test(void **state) {
    (void)state;
    fault_disarm();
    if (note[0] != '\0')
        print_error("%s\n", note);
    return 0;
}

static void call(const scenario *s, void (*function)(void *state)) {
    if (function != NULL)
        function(s->state);
}

static void take_note(const scenario *s, const fault_hit *hit, clxent_status status) {
    if (hit->kind == FAULT_MEMORY)
        snprintf(note, sizeof note, "%s: allocation %zu failed", s->name, hit->nth);
    else
        snprintf(note, sizeof note, "%s: call %zu, %s (0x%x), failed with %s", s->name, hit->nth,
                 fault_call_name(hit->call), (unsigned)hit->detail, clxent_status_string(hit->error));
    size_t used = strlen(note);
    snprintf(note + used, sizeof note - used, "; got %s", clxent_status_string(status));
}

/* So that the sentence of an earlier failure is not taken for this one's. */
static void forget_sentence(void) {
    clxent_find_device(NULL, NULL);
    assert_string_equal(clxent_last_error(), "device is null");
}

static void expect_outcome(const scenario *s, const fault_hit *hit, clxent_status status) {
    const expectation e = expect_of(s, hit);
    if (status == CLXENT_SUCCESS && e.may_succeed) {
        call(s, s->succeeded);
        return;
    }
    check_refused(status, e.status, e.text, __FILE__, __LINE__);
    assert_string_not_equal(clxent_last_error(), "device is null");
    if (s->failed != NULL)
        s->failed(s->state, status, hit->kind == FAULT_MEMORY);
}

/* One attempt. */
static fault_hit attempt(const scenario *s, fault_kind kind, size_t nth, size_t code) {
    const fault_balance before = fault_balance_now();
    call(s, s->begin);
    forget_sentence();
    fault_arm(kind, nth, code, !s->without_arguments);
    clxent_status status = s->attempt(s->state);
    const fault_hit hit = fault_disarm();
    take_note(s, &hit, status);
    if (hit.fired) {
        expect_outcome(s, &hit, status);
        call(s, s->again);
        injections++;
    } else {
        assert_success(status);
        call(s, s->succeeded);
    }
    call(s, s->end);
    const fault_balance after = fault_balance_now();
    assert_true(fault_same_balance(&before, &after));
    note[0] = '\0';
    return hit;
}

/* With how many codes each call fails, for sanitizers, which are slow: all that it has, or others than the call before. */
static size_t codes_of_call(size_t all) {
    const size_t most = setting("CLXENT_FAULT_CODES", all);
    return most < all ? most : all;
}

static size_t inject(const scenario *s, fault_kind kind) {
    size_t count = 0;
    for (size_t nth = setting("CLXENT_TEST_SEED", 0) % setting_share();; nth += setting_share()) {
        const fault_hit hit = attempt(s, kind, nth, nth);
        if (!hit.fired)
            return count;
        count++;
        for (size_t more = 1; more < codes_of_call(hit.codes); more++, count++)
            attempt(s, kind, nth, nth + more);
    }
}

size_t inject_everywhere(const scenario *s) {
    call(s, s->begin); /* what is kept for good is made now */
    assert_success(s->attempt(s->state));
    call(s, s->end);
    size_t of_opencl = inject(s, FAULT_OPENCL), of_memory = inject(s, FAULT_MEMORY);
    print_message("%-52s %5zu OpenCL errors, %3zu failed allocations\n", s->name, of_opencl, of_memory);
    return of_opencl + of_memory;
}

int run_fault_tests(const char *name, const struct CMUnitTest *tests, size_t count, size_t least,
                    CMFixtureFunction open, CMFixtureFunction close) {
    int failures = _cmocka_run_group_tests(name, tests, count, open, close);
    print_message("%s: %zu injections survived\n", name, injections);
    if (codes_of_call(SIZE_MAX) < SIZE_MAX)
        least /= 8; /* a call has seven codes or so */
    least /= setting_share();
    if (injections < least) {
        print_error("that is too few, there should be at least %zu\n", least);
        return failures + 1;
    }
    return failures;
}
