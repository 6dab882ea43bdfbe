/* What clxent_run keeps between calls: a queue, plans, buffers.
 *
 * Plans: the most recent CLX_KEPT_PLANS, by descriptor; the least recently used one goes first. Buffers: one per tensor
 * and the workspace, grown when a call needs more; on devices that share memory with the host only the workspace.
 * Concurrency: one lock held for a whole run. */
#ifndef CLX_RUNNER_H
#define CLX_RUNNER_H

#include "lock.h"
#include "plan.h"
#include "tensor.h"

#define CLX_KEPT_PLANS 32

typedef struct clx_kept_buffer {
    cl_mem mem;
    size_t size;
} clx_kept_buffer;

typedef struct clx_runner {
    clx_lock lock;
    cl_command_queue queue;             /* made by the first run */
    clxent_plan *plans[CLX_KEPT_PLANS]; /* most recently used first; NULL from the first free place on */
    clx_kept_buffer tensors[CLX_TENSORS];
    clx_kept_buffer workspace;
} clx_runner;

clxent_status clx_runner_init(clx_runner *runner);
void clx_runner_destroy(clx_runner *runner);

/* The plan for a checked descriptor, made if it is not kept; moves to the front. */
clxent_status clx_runner_plan(clx_runner *runner, clx_core *core, const clxent_desc *desc, clxent_plan **plan);

/* Makes a kept buffer hold at least `size` bytes. */
clxent_status clx_runner_grow(clx_core *core, clx_kept_buffer *buffer, size_t size, const char *name);

/* The queue. */
clxent_status clx_runner_queue(clx_runner *runner, clx_core *core);

#endif
