/* What came later, and no device_case has: merges, shards, and linear-cross-entropy. */
#ifndef FUZZ_LATER_H
#define FUZZ_LATER_H

#include "fuzz_case.h"

/* A descriptor, mostly a well-formed one. */
clxent_desc fuzz_take_later(fuzz_bytes *bytes);

/* Is the tensor given, where the optional ones are those whose bits are set? */
bool fuzz_takes(const clx_problem *problem, clx_tensor tensor, unsigned optional);

/* The reference and clxent_run on arrays of what the bytes say, each of exactly its size: both refuse, or they agree. */
void fuzz_compare_later(const clxent_desc *desc, unsigned optional, fuzz_bytes *bytes);

#endif
