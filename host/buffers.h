/* Checks of the device buffers that a caller brings. */
#ifndef CLX_BUFFERS_H
#define CLX_BUFFERS_H

#include "plan.h"
#include "tensor.h"

/* Kind, context, size, alignment and overlap of every buffer in the set `tensors` (bits, 1 << tensor), all of which the
 * plan uses, and of the workspace where it is needed. Presence has been checked. */
clxent_status clx_check_buffers(const clxent_plan *plan, const clxent_args *args, unsigned tensors,
                                bool needs_workspace);

#endif
