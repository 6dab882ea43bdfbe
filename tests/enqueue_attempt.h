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

void begin_good(attempt *a, clxent_op op, clxent_pass pass);

/* The call is refused so, every buffer and *event stay as they were; releases the attempt. */
void expect_refusal(attempt *a, clxent_status status, const char *text, const char *file, int line);

/* Makes a good call, applies `change` to it, expects the refusal. */
#define REFUSES(operation, change, status, text)                                                                       \
    do {                                                                                                               \
        attempt a;                                                                                                     \
        begin_good(&a, operation);                                                                                     \
        change;                                                                                                        \
        expect_refusal(&a, status, text, __FILE__, __LINE__);                                                          \
    } while (0)

/* Makes a good call, applies `change` to it, and expects what the reference gives. */
#define ACCEPTS(operation, change)                                                                                     \
    do {                                                                                                               \
        attempt a;                                                                                                     \
        begin_good(&a, operation);                                                                                     \
        change;                                                                                                        \
        assert_success(case_run(&a.c));                                                                                \
        assert_right(&a.c);                                                                                            \
        case_release(&a.c);                                                                                            \
    } while (0)

#define ARGUMENT CLXENT_INVALID_ARGUMENT
#define MISSING CLXENT_MISSING_BUFFER
#define BUFFER CLXENT_INVALID_BUFFER
#define SMALL CLXENT_BUFFER_TOO_SMALL

#endif
