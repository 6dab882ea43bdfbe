/* A case of `clxent check` with its classes dealt out to shards. */
#ifndef CLI_CHECK_SHARDS_H
#define CLI_CHECK_SHARDS_H

#include "check_data.h"

/* Runs the passes of up to three shards, one of a single class, and their merge, so that what a cross-entropy in one piece writes
 * is written by `args`. Fails as clxent_run does. */
clxent_status check_run_shards(clxent_context *context, const check_case *c, const clxent_host_args *args);

#endif
