/* What clxent itself costs on the host, part of the command bench. */
#ifndef CLI_BENCH_OVERHEAD_H
#define CLI_BENCH_OVERHEAD_H

#include "device.h"

/* Measures and prints: the host time of clxent_enqueue and of the same launches without clxent, a plan whose program is
 * there already, the first plan and the first call of the process, the time of an empty kernel. Must be the first thing
 * that is done with the device, or the first plan is none. Gives the exit status, after a complaint if that is not 0. */
int bench_overhead(const cli_device *device, bool as_json);

#endif
