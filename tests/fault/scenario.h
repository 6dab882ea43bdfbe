/* A scenario: one use of the library, done over and over, each time with one other call of OpenCL, or allocation,
 * that fails, until it has been through all of them. */
#ifndef FAULT_SCENARIO_H
#define FAULT_SCENARIO_H

#include "api_fixture.h"
#include "layer.h"

/* Of the functions all but `attempt` may be NULL, where there is nothing to do. */
typedef struct scenario {
    const char *name;
    void *state;
    void (*begin)(void *state);                                     /* fresh for an attempt; nothing fails here */
    clxent_status (*attempt)(void *state);                          /* what is tried */
    void (*failed)(void *state, clxent_status status, bool memory); /* is all as it was promised after a failure? */
    void (*succeeded)(void *state);                                 /* are the results right? */
    void (*again)(void *state); /* a correct call with what is left must give the right results */
    void (*end)(void *state);   /* lets everything go */
    size_t search_calls;        /* so many calls of OpenCL look for a device, and pass over one that does not answer */
    bool takes_blob;            /* a program comes from a blob, or else from its source */
    bool without_arguments;     /* of kernels: those fail in another scenario */
} scenario;

/* Goes through it; ends the test where a promise is broken. Returns the number of failures injected. */
size_t inject_everywhere(const scenario *s);

/* What a failure must come to: this status, with this in the sentence. NULL: it must not be noticed. In expect.c. */
typedef struct expectation {
    clxent_status status;
    char text[64];
    bool may_succeed;
} expectation;
expectation expect_of(const scenario *s, const fault_hit *hit);

/* Set-up and tear-down of each test: says at which injection a test has ended early. */
int begin_test(void **state);
int end_test(void **state);

/* Runs the tests of a program on the device, and prints how many injections they made; fewer than `least` are a failure,
 * where all are made (CLXENT_TEST_SHARE). */
int run_fault_tests(const char *name, const struct CMUnitTest *tests, size_t count, size_t least,
                    CMFixtureFunction open, CMFixtureFunction close);
#define fault_test(function) cmocka_unit_test_setup_teardown(function, begin_test, end_test)

#endif
