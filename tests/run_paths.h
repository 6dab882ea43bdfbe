/* For the tests of clxent_run: one context that works in place and one that copies, whatever the device is. */
#ifndef RUN_PATHS_H
#define RUN_PATHS_H

#include "api_fixture.h"

enum { IN_PLACE, COPYING, PATHS };
extern clxent_context *contexts[PATHS];

/* Group setup and teardown of CMocka: the device, then the contexts. */
int open_paths(void **state);
int close_paths(void **state);

/* Runs a copy of the case on one path: `after` has arrays of its own. */
clxent_status run_on(size_t path, const api_case *c, api_case *after);

/* A good case, changed, is refused in either way with this status and text, and nothing is written. */
#define REFUSES(operation, change, status, text)                                                                       \
    do {                                                                                                               \
        for (size_t path = 0; path < PATHS; path++) {                                                                  \
            api_case c, after;                                                                                         \
            case_begin(&c, operation);                                                                                 \
            case_fill(&c);                                                                                             \
            change;                                                                                                    \
            assert_refused(run_on(path, &c, &after), status, text);                                                    \
            assert_memory_equal(after.array, c.array, sizeof c.array);                                                 \
        }                                                                                                              \
    } while (0)

#endif
