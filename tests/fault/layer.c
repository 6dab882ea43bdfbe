/* Counts calls and objects, and lets one call fail. */
#include "layer.h"

#include <stdio.h>

static bool armed, counts_arguments;
static size_t passed, code_index;
static fault_hit hit;
static fault_balance balance;

void fault_arm(fault_kind kind, size_t nth, size_t code, bool arguments) {
    hit = (fault_hit){.kind = kind, .nth = nth};
    passed = 0;
    code_index = code;
    counts_arguments = arguments;
    armed = true;
}

fault_hit fault_disarm(void) {
    armed = false;
    hit.calls = passed;
    return hit;
}

/* Is it the turn of this one? */
static bool is_hit(fault_kind kind) {
    if (!armed || hit.kind != kind || passed++ != hit.nth)
        return false;
    hit.fired = true;
    return true;
}

cl_int fault_pass(fault_call call, cl_uint detail) {
    if ((call == FAULT_clSetKernelArg && !counts_arguments) || !is_hit(FAULT_OPENCL))
        return CL_SUCCESS;
    const int *codes = fault_codes_of(call);
    hit.call = call;
    hit.detail = detail;
    while (codes[hit.codes] != CL_SUCCESS)
        hit.codes++;
    hit.error = codes[code_index % hit.codes];
    return hit.error;
}

bool fault_pass_memory(void) {
    return is_hit(FAULT_MEMORY);
}

void fault_count(fault_object object, long references) {
    balance.references[object] += references;
}

fault_balance fault_balance_now(void) {
    return balance;
}

bool fault_same_balance(const fault_balance *a, const fault_balance *b) {
    static const char *const names[FAULT_OBJECTS] = {"contexts", "queues", "programs", "kernels",
                                                     "buffers",  "events", "blocks",   "locks"};
    bool same = true;
    for (int object = 0; object < FAULT_OBJECTS; object++) {
        long difference = b->references[object] - a->references[object];
        if (difference != 0)
            fprintf(stderr, "%ld %s more than before\n", difference, names[object]);
        same = same && difference == 0;
    }
    return same;
}
