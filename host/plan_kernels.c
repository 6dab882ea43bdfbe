/* The kernels of a plan: which program holds them, which of them it launches, and the groups that they fit. */
#include "op.h"
#include "plan.h"
#include "program.h"
#include "status.h"

#include <stdio.h>
#include <string.h>

#define PREFETCH_AHEAD 1024 /* elements; docs/performance.md has what was measured */

/* How the kernels read targets. Class indices of operations without targets are never read. */
static void target_options(const clx_problem *problem, char *options, size_t size) {
    static const char *const types[] = {"int", "long", "uchar", "storage", "float"};
    enum { NO_TARGETS, CLASS_TARGETS, PROBABILITY_TARGETS, ELEMENT_TARGETS }; /* as in kernels/common.cl */
    const clxent_desc *desc = &problem->desc;
    int kind = !problem->op->loss               ? NO_TARGETS
               : problem->op->elementwise       ? ELEMENT_TARGETS
               : clx_has_probabilities(problem) ? PROBABILITY_TARGETS
                                                : CLASS_TARGETS;
    /* One program where both are the same. */
    bool as_logits = desc->target_type == CLXENT_TARGET_PROBABILITIES_F32 && desc->dtype == CLXENT_F32;
    const char *type = types[as_logits ? CLXENT_TARGET_PROBABILITIES : desc->target_type];
    snprintf(options, size, "-D TARGET_KIND=%d -D TARGET_TYPE=%s -D LOAD_TARGET=load_class%s", kind, type,
             strcmp(type, "float") == 0 ? "_float" : "");
}

static void make_key(const clxent_plan *plan, clx_program_key *key) {
    const clx_problem *problem = &plan->problem;
    const clx_geometry *geometry = &plan->geometry;
    char prefetch[40] = "", tile[32] = "";
    const char *counted = problem->counted_rows ? " -D COUNTED_ROWS=1" : "";
    if (plan->core->device.pocl)
        snprintf(prefetch, sizeof prefetch, " -D PREFETCH_AHEAD=%d", PREFETCH_AHEAD);
    if (geometry->tile > 0)
        snprintf(tile, sizeof tile, " -D TILE=%zu", geometry->tile);
    else if (geometry->local_tile > 0)
        snprintf(tile, sizeof tile, " -D LOCAL_TILE=1");
    else if (geometry->keeps_row)
        snprintf(tile, sizeof tile, " -D KEEPS_ROW=1");
    snprintf(key->engine, sizeof key->engine, "engine_%s", geometry->file);
    snprintf(key->op, sizeof key->op, "%s", problem->op->kernel);
    char targets[96], features[96];
    target_options(problem, targets, sizeof targets);
    problem->op->build_options(problem, features, sizeof features);
    snprintf(key->options, sizeof key->options,
             "-cl-std=CL1.2 -D STORAGE=%d %s -D LANES=%zu -D LAYOUT=%d -D PASS=%d -D GROUP=%zu "
             "-D SHARED_ROWS=%d -D HAS_FMA=%d%s%s%s%s",
             (int)problem->desc.dtype, targets, geometry->lanes, (int)geometry->layout, (int)problem->desc.pass,
             geometry->shared_rows ? geometry->group_size : 1, geometry->shared_rows, plan->core->device.fma, prefetch,
             tile, features, counted);
}

const char *clx_kernel_name(clx_kernel kernel) {
    static const char *const names[CLX_KERNELS] = {"row_op", "split_reduce", "split_finish", "reduce_rows"};
    return names[kernel];
}

/* Which kernels the plan launches. */
static bool needs_kernel(const clx_problem *problem, const clx_geometry *geometry, clx_kernel kernel) {
    switch (kernel) {
    case CLX_ROW_OP:
        return !geometry->splits || problem->op->maps(problem);
    case CLX_SPLIT_REDUCE:
        return geometry->splits && problem->op->reduces(problem);
    case CLX_SPLIT_FINISH:
        return geometry->splits;
    default:
        return clx_sums_rows(problem);
    }
}

void clx_release_kernels(clxent_plan *plan) {
    for (int kernel = 0; kernel < CLX_KERNELS; kernel++) {
        if (plan->kernels[kernel] != NULL)
            clReleaseKernel(plan->kernels[kernel]);
        plan->kernels[kernel] = NULL;
    }
}

clxent_status clx_create_kernel(cl_program program, const char *name, cl_kernel *kernel) {
    cl_int error = CL_SUCCESS;
    cl_kernel made = clCreateKernel(program, name, &error);
    if (error != CL_SUCCESS)
        return clx_fail_cl(error, "clCreateKernel of %s", name);
    *kernel = made;
    return CLXENT_SUCCESS;
}

static clxent_status make_kernels(clxent_plan *plan, cl_program program) {
    for (int kernel = 0; kernel < CLX_KERNELS; kernel++) {
        if (!needs_kernel(&plan->problem, &plan->geometry, (clx_kernel)kernel))
            continue;
        clxent_status status = clx_create_kernel(program, clx_kernel_name((clx_kernel)kernel), &plan->kernels[kernel]);
        if (status != CLXENT_SUCCESS)
            return status;
    }
    return CLXENT_SUCCESS;
}

clxent_status clx_lower_group_limit(const clxent_plan *plan, cl_kernel kernel, size_t *limit) {
    size_t most = 0;
    if (kernel == NULL)
        return CLXENT_SUCCESS;
    cl_int error =
        clGetKernelWorkGroupInfo(kernel, plan->core->device.id, CL_KERNEL_WORK_GROUP_SIZE, sizeof most, &most, NULL);
    if (error != CL_SUCCESS)
        return clx_fail_cl(error, "clGetKernelWorkGroupInfo");
    if (most == 0)
        most = 1;
    if (*limit > most)
        *limit = most;
    return CLXENT_SUCCESS;
}

clxent_status clx_build_kernels(clxent_plan *plan) {
    for (;;) {
        clx_program_key key;
        make_key(plan, &key);
        clxent_status status = clx_program_get(plan->core, &key, &plan->program, &plan->programs_built);
        if (status == CLXENT_SUCCESS)
            status = make_kernels(plan, plan->program->cl);
        size_t limit = SIZE_MAX;
        if (status == CLXENT_SUCCESS)
            status = clx_lower_group_limit(plan, plan->kernels[CLX_ROW_OP], &limit);
        if (status == CLXENT_SUCCESS)
            status = clx_lower_group_limit(plan, plan->kernels[CLX_SPLIT_REDUCE], &limit);
        if (status != CLXENT_SUCCESS || plan->geometry.group_size <= limit)
            return status;
        if (plan->problem.desc.work_group_size > 0)
            return clx_fail(CLXENT_UNSUPPORTED, "work_group_size is %zu, the device allows %zu for this kernel",
                            plan->problem.desc.work_group_size, limit);
        while (plan->geometry.group_size > limit)
            plan->geometry.group_size /= 2;
        clx_release_kernels(plan);
        status = clx_engine_check_loops(&plan->problem, &plan->core->device, &plan->geometry);
        if (status != CLXENT_SUCCESS)
            return status;
    }
}
