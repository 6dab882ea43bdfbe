/* A matrix product of the caller's own for linear cross-entropy, on the host: its calls of OpenCL fail as the library's do. */
#ifndef FAULT_HOST_PRODUCT_H
#define FAULT_HOST_PRODUCT_H

#include "clxent.h"

/* A clxent_product_function for matrices of F32, each of at most ARRAY_BYTES. */
cl_int multiply_on_host(void *user, cl_command_queue queue, const clxent_product *product, cl_uint wait_count,
                        const cl_event *wait_list, cl_event *event);

#endif
