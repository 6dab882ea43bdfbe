/* A plan: a problem with its geometry, its kernels and the arguments that never change. */
#ifndef CLX_PLAN_H
#define CLX_PLAN_H

#include "core.h"
#include "engine.h"
#include "workspace.h"

struct clxent_plan {
    clx_core *core;
    clx_problem problem;
    clx_geometry geometry;
    clx_workspace workspace;
    size_t global_size;  /* of row_op; 0 for an empty batch */
    size_t reduce_limit; /* work-items in a group of reduce, at most */
    unsigned programs_built;
    clx_lock lock;    /* held around setting arguments and enqueueing: cl_kernel objects carry their arguments */
    cl_kernel row_op; /* the plan's own */
    cl_kernel reduce; /* NULL for operations that are no loss */
};

/* Makes a plan on a core. */
clxent_status clx_plan_create(clx_core *core, const clxent_desc *desc, clxent_plan **plan);

/* Arguments of both kernels, in the order of OP_PARAMETERS in kernels/common.cl; a buffer is followed by its offset. */
enum {
    CLX_ARG_BUFFERS = 0, /* the tensors from CLX_INPUT to CLX_GRAD_INPUT, then the workspace */
    CLX_ARG_WORKSPACE = 14,
    CLX_ARG_BATCH = 16,
    CLX_ARG_CLASSES,
    CLX_ARG_INNER,
    CLX_ARG_ROW_STRIDE,
    CLX_ARG_IGNORE_INDEX,
    CLX_ARG_SMOOTHING,
    CLX_ARG_GIVEN,
    CLX_ARG_LOSSES_AT, /* from here on of reduce_rows alone */
    CLX_ARG_INVALID_COUNT,
    CLX_ARG_CHUNKS = CLX_ARG_INVALID_COUNT + 2,
    CLX_ARG_WHAT,
    CLX_ARG_STAGES
};

#endif
