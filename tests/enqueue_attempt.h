/* For the tests of what clxent_enqueue refuses and allows: a good call, one thing changed in it, and what must follow.
 */
#ifndef ENQUEUE_ATTEMPT_H
#define ENQUEUE_ATTEMPT_H

#include "api_fixture.h"

/* A call of clxent_enqueue, good until a test changes something in it. */
typedef struct attempt {
    api_case c;
    cl_command_queue queue;
    clxent_plan *plan;
    clxent_args *args;
    cl_uint wait_count;
    const cl_event *wait_list;
} attempt;

/* Goes on from case_begin, when the descriptor is as it is to be. */
void begin_good(attempt *a);

/* The call is refused so, every buffer and *event stay as they were; releases the attempt. */
void expect_refusal(attempt *a, clxent_status status, const char *text, const char *file, int line);

/* The call succeeds, every tensor that it writes holds what the reference gives; releases the attempt. */
void expect_results(attempt *a, const char *file, int line);

/* Makes a good call of a descriptor that `setup` may change (a.c.desc), applies `change` to it, does the rest. */
#define ATTEMPT(begin, setup, change, rest)                                                                            \
    do {                                                                                                               \
        attempt a;                                                                                                     \
        begin;                                                                                                         \
        setup;                                                                                                         \
        begin_good(&a);                                                                                                \
        change;                                                                                                        \
        rest;                                                                                                          \
    } while (0)

/* Expects the refusal. */
#define REFUSES_WITH(operation, setup, change, status, text)                                                           \
    ATTEMPT(case_begin(&a.c, operation), setup, change, expect_refusal(&a, status, text, __FILE__, __LINE__))
#define REFUSES(operation, change, status, text)                                                                       \
    ATTEMPT(case_begin(&a.c, operation), , change, expect_refusal(&a, status, text, __FILE__, __LINE__))

/* Expects what the reference gives. */
#define ACCEPTS_WITH(operation, setup, change)                                                                         \
    ATTEMPT(case_begin(&a.c, operation), setup, change, expect_results(&a, __FILE__, __LINE__))
#define ACCEPTS(operation, change)                                                                                     \
    ATTEMPT(case_begin(&a.c, operation), , change, expect_results(&a, __FILE__, __LINE__))

/* For `setup`. */
#define PROBABILITIES set_probabilities(&a.c.desc, CLXENT_TARGET_PROBABILITIES)
#define SHARD(pass) (a.c.desc = good_shard(CLXENT_##pass))
#define NO_REDUCTION (a.c.desc.reduction = CLXENT_REDUCTION_NONE)
#define ACCUMULATES (a.c.desc.flags = CLXENT_ACCUMULATE_GRAD)

#define ARGUMENT CLXENT_INVALID_ARGUMENT
#define MISSING CLXENT_MISSING_BUFFER
#define BUFFER CLXENT_INVALID_BUFFER
#define SMALL CLXENT_BUFFER_TOO_SMALL

#endif
