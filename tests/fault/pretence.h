/* Lets the device seem to be another one: the queries of it lie, and calls fail that would fail on such a device. */
#ifndef FAULT_PRETENCE_H
#define FAULT_PRETENCE_H

#include "clxent.h"

#include <stdbool.h>

/* ---- for tests ---- */

/* From now on the device answers this query with these bytes, which are copied; up to 64 of them. */
void pretend_bytes(cl_device_info what, const void *value, size_t size);
void pretend_text(cl_device_info what, const char *text);
void pretend_uint(cl_device_info what, cl_uint value);
void pretend_size(cl_device_info what, size_t value);
void pretend_ulong(cl_device_info what, cl_ulong value);

/* From now on the device answers this query with an error. */
void pretend_error(cl_device_info what, cl_int error);

/* Every kernel takes only so many work-items in a group. */
void pretend_kernel_limit(size_t items);

/* The compiler refuses every program with this code, and has this to say; NULL: asking for its log fails. */
void pretend_build_error(cl_int error, const char *log);

/* An end to all that. */
void pretend_nothing(void);

/* ---- for the wrappers ---- */

/* False: the device is to answer itself. */
bool pretence_of_device(cl_device_info what, size_t size, void *value, size_t *needed, cl_int *error);
bool pretence_of_log(cl_program_build_info what, size_t size, void *value, size_t *needed, cl_int *error);
void pretence_of_kernel_limit(size_t *items);

/* The errors of such a device, or CL_SUCCESS. */
cl_int pretence_of_buffer(size_t size);
cl_int pretence_of_build(void);
cl_int pretence_of_launch(cl_command_queue queue, cl_kernel kernel, const size_t *global, const size_t *local);

#endif
