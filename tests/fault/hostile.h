/* For the tests of hostile devices: a context of a device that pretends, and what must be right on it. */
#ifndef FAULT_HOSTILE_H
#define FAULT_HOSTILE_H

#include "api_fixture.h"
#include "pretence.h"

/* Set-up and tear-down of each test: the_device as it was opened, and as it is. */
int begin_hostile(void **state);
int end_hostile(void **state);
#define hostile_test(function) cmocka_unit_test_setup_teardown(function, begin_hostile, end_hostile)

/* The device is taken for a GPU. */
void pretend_gpu(void);

/* Is a device to be tried as what it is, or as a GPU? Both are asked for, one after the other; with CLXENT_TEST_SHARE from 2 on it is
 * one of the two, the other one for the next device and the next time. */
bool is_kind_shared(bool gpu);

/* From now on the_device.context is one of the device as it pretends to be. */
void become(void);

/* Operations of every kind, on the shapes that each engine is for, gives what the reference does, through plan and enqueue and
 * through clxent_run; so does every engine when it is forced, where it can do the work. */
void expect_all_right(void);

/* The same of cross-entropy alone, with few classes and with many, where the programs are compiled anew for each device. */
void expect_some_right(void);

/* The refusal of a plan of this descriptor. */
#define EXPECT_NO_PLAN(change, status, text)                                                                           \
    do {                                                                                                               \
        clxent_desc d = good_desc(CLXENT_CROSS_ENTROPY, CLXENT_FORWARD_BACKWARD);                                      \
        clxent_plan *plan = NO_PLAN;                                                                                   \
        change;                                                                                                        \
        assert_refused(clxent_plan_create(the_device.context, &d, &plan), status, text);                               \
        assert_ptr_equal(plan, NO_PLAN);                                                                               \
    } while (0)

/* The refusal of a context. */
void expect_no_context(clxent_status status, const char *text);

/* Prints how many devices were tried; fewer than `least` are a failure. */
int run_hostile_tests(const char *name, const struct CMUnitTest *tests, size_t count, size_t least);

#endif
