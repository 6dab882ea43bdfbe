/* Status codes and the sentence of the last failure. */
#ifndef CLX_STATUS_H
#define CLX_STATUS_H

#include "clxent.h"
#include "format.h"

/* Records one sentence as this thread's last error and returns `status`, so that a refusal is one line:
 *     return clx_fail(CLXENT_INVALID_SHAPE, "classes is 0, it must be at least 1");                        */
clxent_status clx_fail(clxent_status status, const char *format, ...) CLX_PRINTF(2, 3);

/* The same for an OpenCL call that failed: "clCreateBuffer of 4096 bytes failed: CL_OUT_OF_RESOURCES (-5)". */
clxent_status clx_fail_cl(cl_int error, const char *format, ...) CLX_PRINTF(2, 3);

/* The same for a query of a caller's handle: `refusal`, as OpenCL does not know the handle, unless there was only no
 * memory to look at it. */
clxent_status clx_fail_handle(clxent_status refusal, cl_int error, const char *name, const char *type);

/* Appends text (a build log) to the sentence just recorded. */
void clx_append_error(const char *text);

#endif
