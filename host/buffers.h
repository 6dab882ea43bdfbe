/* Checks of the device buffers that a caller brings. */
#ifndef CLX_BUFFERS_H
#define CLX_BUFFERS_H

#include "plan.h"
#include "tensor.h"

/* struct_size, presence, kind, context, size, alignment and overlap of every buffer that the plan uses. */
clxent_status clx_check_buffers(const clxent_plan *plan, const clxent_args *args, bool needs_workspace);

#endif
