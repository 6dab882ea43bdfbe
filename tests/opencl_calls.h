/* Counts calls of OpenCL, and makes them fail on demand. The linker sends every call of these functions, from the
 * library and from the test alike, through here: see clxent_counting_test in CMakeLists.txt, which lists them too. */
#ifndef OPENCL_CALLS_H
#define OPENCL_CALLS_H

#include <stddef.h>

#include "clxent.h"

typedef enum opencl_call {
    CREATE_BUFFER,
    CREATE_PROGRAM,
    BUILD_PROGRAM,
    CREATE_KERNEL,
    ENQUEUE_KERNEL,
    WRITE_BUFFER,
    READ_BUFFER,
    READ_BUFFER_RECT,
    MAP_BUFFER,
    FINISH,
    WAIT_FOR_EVENTS,
    RELEASE_EVENT,
    SET_WATCHED, /* arguments of kernels that were set to the watched memory object */
    OPENCL_CALLS /* their number */
} opencl_call;

/* Calls since the last reset. */
size_t calls_of(opencl_call call);
void reset_calls(void);

/* From now on the `nth` call (0: the next one) fails with `error`, once. */
void fail_call(opencl_call call, size_t nth, cl_int error);

/* Which memory object SET_WATCHED counts. */
void watch_memory(cl_mem mem);

/* The source of the next programs instead of their own; NULL: their own again. */
void replace_source(const char *source);

/* How a kernel was enqueued, since the last reset. */
typedef struct kernel_call {
    cl_uint wait_count;
    cl_event waits_for; /* the first of the list */
    cl_event event;     /* that of the kernel, NULL if none was asked for */
} kernel_call;
#define KERNEL_CALLS 16
const kernel_call *kernel_call_at(size_t i);

#endif
