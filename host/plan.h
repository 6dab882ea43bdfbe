/* A plan: a problem with its geometry, its kernels and the arguments that never change. */
#ifndef CLX_PLAN_H
#define CLX_PLAN_H

#include "core.h"
#include "engine.h"
#include "tensor.h"
#include "workspace.h"

typedef enum clx_kernel {
    CLX_ROW_OP,
    CLX_SPLIT_REDUCE,
    CLX_SPLIT_FINISH, /* this and the one before of engine row_split alone */
    CLX_REDUCE_ROWS,  /* of losses */
    CLX_KERNELS       /* their number */
} clx_kernel;

/* "row_op" */
const char *clx_kernel_name(clx_kernel kernel);

struct clxent_plan {
    clx_core *core;
    clx_problem problem;
    clx_geometry geometry;
    clx_workspace workspace;
    size_t global_size;  /* of row_op; 0 for an empty batch */
    size_t reduce_limit; /* work-items in a group of reduce_rows, at most */
    unsigned programs_built;
    clx_lock lock; /* held around setting arguments and enqueueing: cl_kernel objects carry their arguments */
    cl_kernel kernels[CLX_KERNELS]; /* the plan's own; NULL for those that it does not launch */
};

/* Builds the program for the plan's geometry and makes the kernels; where they turn out to fit only smaller groups,
 * once more for those. In plan_kernels.c, like the next two. */
clxent_status clx_build_kernels(clxent_plan *plan);
void clx_release_kernels(clxent_plan *plan);

/* Lowers *limit to the work-items that the device can put into a group of this kernel, which may be fewer than it can
 * in general. */
clxent_status clx_lower_group_limit(const clxent_plan *plan, clx_kernel kernel, size_t *limit);

/* Makes a plan on a core. */
clxent_status clx_plan_create(clx_core *core, const clxent_desc *desc, clxent_plan **plan);

/* Arguments of all kernels, in the order of OP_PARAMETERS in kernels/common.cl; a buffer is followed by its offset. */
enum {
    CLX_ARG_BUFFERS = 0, /* the tensors from CLX_INPUT to CLX_GRAD_INPUT, then the workspace */
    CLX_ARG_WORKSPACE = CLX_ARG_BUFFERS + 2 * (CLX_GRAD_INPUT + 1),
    CLX_ARG_BATCH = CLX_ARG_WORKSPACE + 2,
    CLX_ARG_CLASSES,
    CLX_ARG_INNER,
    CLX_ARG_ROW_STRIDE,
    CLX_ARG_IGNORE_INDEX,
    CLX_ARG_NUMBERS, /* label_smoothing, logit_scale, logit_softcap, z_loss, reg_lambda, mix_lambda, grad_scale */
    CLX_ARG_GIVEN = CLX_ARG_NUMBERS + 7,
    CLX_ARG_PARTS_AT,                     /* of engine row_split's alone */
    CLX_ARG_LOSSES_AT = CLX_ARG_PARTS_AT, /* from here on of reduce_rows alone */
    CLX_ARG_INVALID_COUNT,
    CLX_ARG_CORRECT_COUNT = CLX_ARG_INVALID_COUNT + 2,
    CLX_ARG_CHUNKS = CLX_ARG_CORRECT_COUNT + 2,
    CLX_ARG_WHAT,
    CLX_ARG_STAGES
};

#endif
