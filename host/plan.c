/* Plans: everything slow or refusable, done once. */
#include "plan.h"

#include "context.h"
#include "launch.h"
#include "op.h"
#include "program.h"
#include "status.h"

#include <stdio.h>
#include <stdlib.h>

#define PREFETCH_AHEAD 4096 /* elements; docs/performance.md has what was measured */

static clxent_status check_device(const clx_problem *problem, const clx_device *device) {
    if (problem->desc.dtype == CLXENT_F64 && !device->fp64)
        return clx_fail(CLXENT_UNSUPPORTED, "dtype is F64, the device has no double precision");
    if (device->loop_limit > 0 && problem->op->loss && clx_reduce_iterations(problem->rows) > device->loop_limit)
        return clx_fail(CLXENT_UNSUPPORTED,
                        "summing %zu rows takes up to %zu loop iterations, this device stops after %zu", problem->rows,
                        clx_reduce_iterations(problem->rows), device->loop_limit);
    return CLXENT_SUCCESS;
}

static void make_key(const clxent_plan *plan, clx_program_key *key) {
    static const char *const target_types[] = {"int", "long", "uchar"};
    const clx_problem *problem = &plan->problem;
    const clx_geometry *geometry = &plan->geometry;
    char prefetch[40] = "";
    if (plan->core->device.pocl)
        snprintf(prefetch, sizeof prefetch, " -D PREFETCH_AHEAD=%d", PREFETCH_AHEAD);
    snprintf(key->engine, sizeof key->engine, "engine_%s", geometry->name);
    snprintf(key->op, sizeof key->op, "%s", problem->op->kernel);
    snprintf(key->options, sizeof key->options,
             "-cl-std=CL1.2 -D STORAGE=%d -D TARGET_TYPE=%s -D LANES=%zu -D COLUMN=%d -D PASS=%d -D GROUP=%zu -D "
             "HAS_FMA=%d%s %s",
             (int)problem->desc.dtype, target_types[problem->desc.target_type], geometry->lanes, geometry->column,
             (int)problem->desc.pass, geometry->group_per_row ? geometry->group_size : 1, plan->core->device.fma,
             prefetch, problem->op->build_options(problem));
}

static clxent_status make_kernel(cl_program program, const char *name, cl_kernel *kernel) {
    cl_int error = CL_SUCCESS;
    cl_kernel made = clCreateKernel(program, name, &error);
    if (error != CL_SUCCESS)
        return clx_fail_cl(error, "clCreateKernel of %s", name);
    *kernel = made;
    return CLXENT_SUCCESS;
}

/* Work-items that the device can put into a group of this kernel, which may be fewer than it can in general. */
static clxent_status kernel_limit(const clxent_plan *plan, cl_kernel kernel, size_t *limit) {
    cl_int error =
        clGetKernelWorkGroupInfo(kernel, plan->core->device.id, CL_KERNEL_WORK_GROUP_SIZE, sizeof *limit, limit, NULL);
    if (error != CL_SUCCESS)
        return clx_fail_cl(error, "clGetKernelWorkGroupInfo");
    if (*limit == 0)
        *limit = 1;
    return CLXENT_SUCCESS;
}

/* Builds for the geometry; where the kernel turns out to fit only smaller groups, once more for those. */
static clxent_status make_row_op(clxent_plan *plan, cl_program *program) {
    for (;;) {
        clx_program_key key;
        make_key(plan, &key);
        clxent_status status = clx_program_get(plan->core, &key, program, &plan->programs_built);
        if (status == CLXENT_SUCCESS)
            status = make_kernel(*program, "row_op", &plan->row_op);
        size_t limit = 0;
        if (status == CLXENT_SUCCESS)
            status = kernel_limit(plan, plan->row_op, &limit);
        if (status != CLXENT_SUCCESS || plan->geometry.group_size <= limit)
            return status;
        if (plan->problem.desc.work_group_size > 0)
            return clx_fail(CLXENT_UNSUPPORTED, "work_group_size is %zu, the device allows %zu for this kernel",
                            plan->problem.desc.work_group_size, limit);
        while (plan->geometry.group_size > limit)
            plan->geometry.group_size /= 2;
        clReleaseKernel(plan->row_op);
        plan->row_op = NULL;
        status = clx_engine_check_loops(&plan->problem, &plan->core->device, &plan->geometry);
        if (status != CLXENT_SUCCESS)
            return status;
    }
}

static clxent_status set_argument(cl_kernel kernel, cl_uint index, size_t size, const void *value) {
    cl_int error = clSetKernelArg(kernel, index, size, value);
    return error == CL_SUCCESS ? CLXENT_SUCCESS : clx_fail_cl(error, "clSetKernelArg of argument %u", (unsigned)index);
}

/* What the descriptor fixes for good. */
static clxent_status set_shape(const clxent_plan *plan, cl_kernel kernel) {
    const clxent_desc *desc = &plan->problem.desc;
    const cl_ulong sizes[] = {desc->batch, desc->classes, desc->inner, desc->row_stride};
    const cl_long ignore_index = desc->ignore_index;
    const double smoothing64 = desc->label_smoothing;
    const float smoothing32 = (float)desc->label_smoothing;
    bool wide = plan->problem.real_size == sizeof(double);
    clxent_status status = CLXENT_SUCCESS;
    for (cl_uint i = 0; i < 4 && status == CLXENT_SUCCESS; i++)
        status = set_argument(kernel, CLX_ARG_BATCH + i, sizeof sizes[i], &sizes[i]);
    if (status == CLXENT_SUCCESS)
        status = set_argument(kernel, CLX_ARG_IGNORE_INDEX, sizeof ignore_index, &ignore_index);
    if (status == CLXENT_SUCCESS)
        status = set_argument(kernel, CLX_ARG_SMOOTHING, plan->problem.real_size,
                              wide ? (const void *)&smoothing64 : (const void *)&smoothing32);
    return status;
}

static clxent_status set_reduce_shape(const clxent_plan *plan) {
    const cl_ulong losses_at = plan->workspace.losses_at;
    const cl_int chunks = (cl_int)plan->workspace.chunks;
    clxent_status status = set_shape(plan, plan->reduce);
    if (status == CLXENT_SUCCESS)
        status = set_argument(plan->reduce, CLX_ARG_LOSSES_AT, sizeof losses_at, &losses_at);
    if (status == CLXENT_SUCCESS)
        status = set_argument(plan->reduce, CLX_ARG_CHUNKS, sizeof chunks, &chunks);
    return status;
}

static clxent_status prepare(clxent_plan *plan) {
    cl_program program = NULL;
    plan->workspace = clx_workspace_of(&plan->problem);
    clxent_status status = check_device(&plan->problem, &plan->core->device);
    if (status == CLXENT_SUCCESS)
        status = clx_engine_choose(&plan->problem, &plan->core->device, &plan->geometry);
    if (status == CLXENT_SUCCESS)
        status = make_row_op(plan, &program);
    if (status == CLXENT_SUCCESS)
        status = set_shape(plan, plan->row_op);
    if (status == CLXENT_SUCCESS && plan->problem.op->loss) {
        status = make_kernel(program, "reduce_rows", &plan->reduce);
        if (status == CLXENT_SUCCESS)
            status = set_reduce_shape(plan);
        if (status == CLXENT_SUCCESS)
            status = kernel_limit(plan, plan->reduce, &plan->reduce_limit);
    }
    if (status != CLXENT_SUCCESS)
        return status;
    if (plan->problem.rows > 0)
        plan->global_size = clx_engine_global_size(&plan->problem, &plan->core->device, &plan->geometry);
    return CLXENT_SUCCESS;
}

clxent_status clx_plan_create(clx_core *core, const clxent_desc *desc, clxent_plan **plan) {
    clx_problem problem;
    clxent_status status = clx_problem_init(&problem, desc);
    if (status != CLXENT_SUCCESS)
        return status;
    clxent_plan *made = calloc(1, sizeof *made);
    if (made == NULL)
        return clx_fail(CLXENT_OUT_OF_MEMORY, "no memory for a plan of %zu bytes", sizeof *made);
    if (clx_lock_init(&made->lock) != 0) {
        free(made);
        return clx_fail(CLXENT_OUT_OF_MEMORY, "no resources for a mutex");
    }
    made->core = clx_core_retain(core);
    made->problem = problem;
    status = prepare(made);
    if (status != CLXENT_SUCCESS) {
        clxent_plan_destroy(made);
        return status;
    }
    *plan = made;
    return CLXENT_SUCCESS;
}

clxent_status clxent_plan_create(clxent_context *context, const clxent_desc *desc, clxent_plan **plan) {
    if (context == NULL || plan == NULL)
        return clx_fail(CLXENT_INVALID_ARGUMENT, "%s is null", context == NULL ? "context" : "plan");
    return clx_plan_create(context->core, desc, plan);
}

clxent_status clxent_plan_get_info(const clxent_plan *plan, clxent_plan_info *info) {
    if (plan == NULL || info == NULL)
        return clx_fail(CLXENT_INVALID_ARGUMENT, "%s is null", plan == NULL ? "plan" : "info");
    if (info->struct_size != sizeof *info)
        return clx_fail(CLXENT_INVALID_ARGUMENT, "info.struct_size is %zu, this library knows %zu", info->struct_size,
                        sizeof *info);
    clx_launch launches[CLX_MAX_LAUNCHES];
    info->engine = plan->geometry.engine;
    info->engine_name = plan->geometry.name;
    info->work_group_size = plan->geometry.group_size;
    info->workspace_size = plan->workspace.size;
    info->kernels = (unsigned)clx_list_launches(plan, false, launches);
    info->programs_built = plan->programs_built;
    return CLXENT_SUCCESS;
}

void clxent_plan_destroy(clxent_plan *plan) {
    if (plan == NULL)
        return;
    if (plan->row_op != NULL)
        clReleaseKernel(plan->row_op);
    if (plan->reduce != NULL)
        clReleaseKernel(plan->reduce);
    clx_core_release(plan->core);
    clx_lock_destroy(&plan->lock);
    free(plan);
}
