/* `clxent bench --op linear-cross-entropy`: the time and the memory that it takes not to have all logits at once. */
#ifndef CLI_BENCH_LINEAR_H
#define CLI_BENCH_LINEAR_H

#include "device.h"
#include "options.h"

/* Is that what the options ask for? */
bool bench_is_linear(const cli_arguments *given);

/* Prints a table, or JSON. */
int bench_linear(const cli_command *self, const cli_arguments *given, const cli_device *device);

#endif
