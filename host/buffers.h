/* Checks of the device buffers that a caller brings. */
#ifndef CLX_BUFFERS_H
#define CLX_BUFFERS_H

#include "plan.h"
#include "tensor.h"

/* The buffer of a tensor. */
const clxent_buffer *clx_buffer(const clxent_args *args, clx_tensor tensor);

/* struct_size, presence, kind, context, size, alignment and overlap of every buffer that the plan uses. */
clxent_status clx_check_buffers(const clxent_plan *plan, const clxent_args *args, bool needs_workspace);

#endif
