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

#endif
