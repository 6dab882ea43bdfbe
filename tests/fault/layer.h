/* The layer between the library and what it stands on: OpenCL, the heap, and locks.
 *
 * The linker sends every call of those through here (--wrap; see tests/CMakeLists.txt), from the library and from the
 * test alike. The layer counts what is created and released, and while it is armed lets one call fail, once. It serves
 * one thread. */
#ifndef FAULT_LAYER_H
#define FAULT_LAYER_H

#include "calls.h"

#include "clxent.h"

#include <stdbool.h>

/* ---- failures ---- */

/* What is made to fail: calls of OpenCL, or allocations (malloc, calloc, realloc, pthread_mutex_init). */
typedef enum fault_kind { FAULT_OPENCL, FAULT_MEMORY } fault_kind;

/* What has failed. */
typedef struct fault_hit {
    bool fired; /* false: there were fewer calls */
    fault_kind kind;
    size_t nth;      /* the number of the call, from 0 */
    fault_call call; /* of OpenCL, which one, */
    cl_uint detail;  /* what it asked for, in a query, */
    cl_int error;    /* and the code it gave */
    size_t codes;    /* the number of codes that the call has */
    size_t calls;    /* of this kind, in all */
} fault_hit;

/* From now on the `nth` call of this kind fails; of OpenCL with the code of that number in its list. `arguments`: those that set
 * an argument of a kernel are among them. */
void fault_arm(fault_kind kind, size_t nth, size_t code, bool arguments);

/* From now on no call fails. */
fault_hit fault_disarm(void);

/* ---- balances ---- */

typedef enum fault_object {
    FAULT_CONTEXT,
    FAULT_QUEUE,
    FAULT_PROGRAM,
    FAULT_KERNEL,
    FAULT_BUFFER,
    FAULT_EVENT,
    FAULT_BLOCK, /* of the heap */
    FAULT_LOCK,
    FAULT_OBJECTS
} fault_object;

/* References of each kind: created and retained, less released. */
typedef struct fault_balance {
    long references[FAULT_OBJECTS];
} fault_balance;

fault_balance fault_balance_now(void);

/* Says which kinds differ. */
bool fault_same_balance(const fault_balance *a, const fault_balance *b);

/* ---- for the wrappers ---- */

/* Counts a call of OpenCL; gives the code that it is to fail with, or CL_SUCCESS. */
cl_int fault_pass(fault_call call, cl_uint detail);

/* Counts an allocation; is it to fail? */
bool fault_pass_memory(void);

void fault_count(fault_object object, long references);

#endif
