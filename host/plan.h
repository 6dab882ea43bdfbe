/* A plan: a problem with its geometry, its kernels and the arguments that never change. */
#ifndef CLX_PLAN_H
#define CLX_PLAN_H

#include "arguments.h"
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

typedef struct clx_launch {
    clx_kernel kernel;
    cl_uint what;   /* of reduce_rows: which sums */
    cl_uint stages; /* of reduce_rows: over the rows, over the partial sums, or both */
    size_t global_size;
    size_t group_size;
} clx_launch;

#define CLX_MAX_LAUNCHES 7

/* What follows from which tensors a call has. A plan keeps that of its last call, as the next one mostly has the same.
 */
typedef struct clx_combination {
    bool decided;
    unsigned tensors; /* a bit for each that the call has, as in clx_needs */
    cl_uint given;    /* the argument of the kernels */
    bool reduces;     /* is reduce_rows among the launches? */
    bool uses_workspace;
    size_t count;
    clx_launch launches[CLX_MAX_LAUNCHES];
} clx_combination;

/* What a plan asks of the tensors, looked up once; sets are bits, 1 << tensor. */
typedef struct clx_needs {
    unsigned used, refused;
    size_t bytes[CLX_TENSORS], alignment[CLX_TENSORS]; /* of those that are used */
} clx_needs;

typedef struct clx_linear clx_linear;

struct clxent_plan {
    clx_core *core;
    clx_problem problem;
    clx_needs needs;
    clx_geometry geometry;
    clx_workspace workspace;
    size_t global_size;   /* of row_op; 0 for an empty batch */
    size_t reduce_limit;  /* work-items in a group of reduce_rows, at most */
    clx_program *program; /* the core's */
    unsigned programs_built;
    cl_kernel kernels[CLX_KERNELS]; /* the plan's own; NULL for those that it does not launch */
    clx_linear *linear;             /* of linear-cross-entropy: what stands in for those over the rows; else NULL */
    clx_lock lock; /* held from the checks of a call to its last launch: cl_kernel objects carry their arguments */
    clx_combination last;             /* guarded by the lock, like the next */
    clx_arguments given[CLX_KERNELS]; /* to each kernel */
};

/* Builds the program for the plan's geometry and makes the kernels; where they turn out to fit only smaller groups,
 * once more for those. In plan_kernels.c, like the next three. */
clxent_status clx_build_kernels(clxent_plan *plan);
void clx_release_kernels(clxent_plan *plan);
clxent_status clx_create_kernel(cl_program program, const char *name, cl_kernel *kernel);

/* Lowers *limit to the work-items that the device can put into a group of this kernel, which may be fewer than it can
 * in general. Of NULL there is no limit. */
clxent_status clx_lower_group_limit(const clxent_plan *plan, cl_kernel kernel, size_t *limit);

/* Makes a plan on a core, from a descriptor or from what has been made of one. */
clxent_status clx_plan_create_for(clx_core *core, const clx_problem *problem, clxent_plan **plan);
clxent_status clx_plan_create(clx_core *core, const clxent_desc *desc, clxent_plan **plan);

#endif
