/* From bytes to a case for the device: which bytes mean what. */
#ifndef FUZZ_CASE_H
#define FUZZ_CASE_H

#include "device_cases.h"
#include "fuzz.h"

/* A well-formed case. What is compiled into kernels is drawn from a short list of programs, whose number is the second byte:
 * PoCL takes seconds to build a program and then keeps it in POCL_CACHE_DIR, so that only the first inputs of all are slow. All
 * else that a descriptor can say comes from the bytes, in small sizes. */
device_case fuzz_take_case(fuzz_bytes *bytes);

/* Makes its data, and changes some of the values that the pass reads: numbers to others, NaN and infinities among them;
 * classes and probabilities also to such as are refused. */
void fuzz_make_data(device_data *d, const device_case *c, fuzz_bytes bytes);

/* Whether the device may refuse with this status what the reference has computed: an engine or a size of groups that was asked
 * for, a shard of more classes than can be counted where inner leaves but one engine, a workspace, which only a plan counts. */
bool fuzz_may_refuse(const clxent_desc *desc, clxent_status status);

/* Every call that fails says why. */
void fuzz_expect_sentence(clxent_status status);

/* Puts values that have no meaning, or hardly any, into one to three members. The list of programs does not grow by it. */
void fuzz_spoil_descriptor(clxent_desc *desc, fuzz_bytes *bytes);

#endif
