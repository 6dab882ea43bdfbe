/* Plans: everything slow or refusable, done once. */
#include "plan.h"

#include "blob.h"
#include "context.h"
#include "launch.h"
#include "linear.h"
#include "op.h"
#include "status.h"

#include <stdio.h>
#include <stdlib.h>

static clxent_status check_device(const clx_problem *problem, const clx_device *device) {
    if (problem->desc.dtype == CLXENT_F64 && !device->fp64)
        return clx_fail(CLXENT_UNSUPPORTED, "dtype is F64, the device has no double precision");
    if (device->loop_limit > 0 && clx_sums_rows(problem) && clx_reduce_iterations(problem) > device->loop_limit)
        return clx_fail(CLXENT_UNSUPPORTED,
                        "summing %zu rows takes up to %zu loop iterations, this device stops after %zu", problem->rows,
                        clx_reduce_iterations(problem), device->loop_limit);
    return CLXENT_SUCCESS;
}

static clxent_status set_real(const clxent_plan *plan, cl_kernel kernel, cl_uint index, double value) {
    float narrow = (float)value;
    bool wide = plan->problem.real_size == sizeof(double);
    return clx_set_argument(kernel, index, plan->problem.real_size,
                            wide ? (const void *)&value : (const void *)&narrow);
}

/* What the descriptor fixes for good, of the kernels over the rows. */
static clxent_status set_shape(const clxent_plan *plan, cl_kernel kernel) {
    const clxent_desc *desc = &plan->problem.desc;
    const cl_ulong sizes[] = {desc->batch, desc->classes, desc->inner, desc->row_stride};
    const cl_long ignore_index = desc->ignore_index;
    const double numbers[] = {desc->label_smoothing, desc->logit_scale, desc->logit_softcap, desc->z_loss,
                              desc->reg_lambda,      desc->mix_lambda,  desc->grad_scale};
    const cl_ulong parts_at = plan->workspace.parts_at, tile_slot = plan->geometry.local_tile;
    const cl_ulong dealt_out[] = {desc->class_start, desc->class_total, desc->parts};
    const bool parts = clx_has_parts(&plan->problem);
    const cl_uint own = clx_engine_argument(parts);
    clxent_status status = CLXENT_SUCCESS;
    for (cl_uint i = 0; i < 4 && status == CLXENT_SUCCESS; i++)
        status = clx_set_argument(kernel, CLX_ARG_BATCH + i, sizeof sizes[i], &sizes[i]);
    if (status == CLXENT_SUCCESS)
        status = clx_set_argument(kernel, CLX_ARG_IGNORE_INDEX, sizeof ignore_index, &ignore_index);
    for (cl_uint i = 0; i < CLX_ARG_GIVEN - CLX_ARG_NUMBERS && status == CLXENT_SUCCESS; i++)
        status = set_real(plan, kernel, CLX_ARG_NUMBERS + i, numbers[i]);
    for (cl_uint i = 0; parts && i < 3 && status == CLXENT_SUCCESS; i++)
        status = clx_set_argument(kernel, CLX_ARG_DEALT_OUT + i, sizeof dealt_out[i], &dealt_out[i]);
    if (status == CLXENT_SUCCESS && plan->geometry.splits)
        status = clx_set_argument(kernel, own, sizeof parts_at, &parts_at);
    if (status == CLXENT_SUCCESS && tile_slot > 0)
        status = clx_set_argument(kernel, own, clx_engine_local_bytes(&plan->problem, &plan->geometry), NULL);
    if (status == CLXENT_SUCCESS && tile_slot > 0)
        status = clx_set_argument(kernel, own + 1, sizeof tile_slot, &tile_slot);
    return status;
}

/* The same of reduce_rows. */
static clxent_status set_shape_of_sums(const clxent_plan *plan, cl_kernel kernel) {
    const clxent_desc *desc = &plan->problem.desc;
    const cl_ulong sizes[] = {desc->batch, desc->classes, desc->inner}, losses_at = plan->workspace.losses_at;
    const cl_long ignore_index = desc->ignore_index;
    const cl_int chunks = (cl_int)plan->workspace.chunks;
    const cl_ulong parts = desc->parts;
    clxent_status status = CLXENT_SUCCESS;
    for (cl_uint i = 0; i < 3 && status == CLXENT_SUCCESS; i++)
        status = clx_set_argument(kernel, CLX_SUM_ARG_BATCH + i, sizeof sizes[i], &sizes[i]);
    if (status == CLXENT_SUCCESS)
        status = clx_set_argument(kernel, CLX_SUM_ARG_IGNORE_INDEX, sizeof ignore_index, &ignore_index);
    if (status == CLXENT_SUCCESS)
        status = set_real(plan, kernel, CLX_SUM_ARG_MIX_LAMBDA, desc->mix_lambda);
    if (status == CLXENT_SUCCESS)
        status = clx_set_argument(kernel, CLX_SUM_ARG_LOSSES_AT, sizeof losses_at, &losses_at);
    if (status == CLXENT_SUCCESS)
        status = clx_set_argument(kernel, CLX_SUM_ARG_CHUNKS, sizeof chunks, &chunks);
    if (status == CLXENT_SUCCESS && clx_has_parts(&plan->problem))
        status = clx_set_argument(kernel, CLX_SUM_ARG_PARTS, sizeof parts, &parts);
    return status;
}

static clxent_status set_shapes(clxent_plan *plan) {
    clxent_status status = CLXENT_SUCCESS;
    for (int i = 0; i < CLX_KERNELS && status == CLXENT_SUCCESS; i++) {
        cl_kernel kernel = plan->kernels[i];
        const bool sums = i == CLX_REDUCE_ROWS;
        if (kernel == NULL)
            continue;
        status = clx_clear_arguments(&plan->given[i], kernel, sums, clx_has_parts(&plan->problem));
        if (status == CLXENT_SUCCESS)
            status = sums ? set_shape_of_sums(plan, kernel) : set_shape(plan, kernel);
    }
    return status;
}

static clx_needs needs_of(const clx_problem *problem) {
    clx_needs needs = {0};
    for (clx_tensor tensor = 0; tensor < CLX_TENSORS; tensor++) {
        const clx_use use = clx_tensor_use(problem, tensor);
        const unsigned bit = 1u << tensor;
        needs.used |= clx_is_used(use) ? bit : 0;
        needs.refused |= use == CLX_REFUSED ? bit : 0;
        if (!clx_is_used(use))
            continue;
        needs.bytes[tensor] = clx_tensor_bytes(problem, tensor);
        needs.alignment[tensor] = clx_element_size(problem, tensor);
    }
    return needs;
}

/* Programs and kernels, with the geometry that they are for and the workspace that they need. */
static clxent_status build(clxent_plan *plan) {
    if (plan->problem.op->takes & CLX_TAKES_FEATURES) {
        plan->workspace = clx_workspace_of(&plan->problem, &plan->geometry);
        return clx_linear_create(plan);
    }
    clxent_status status = clx_engine_choose(&plan->problem, &plan->core->device, &plan->geometry);
    if (status == CLXENT_SUCCESS && !clx_workspace_fits(&plan->problem, &plan->geometry))
        status = clx_fail(CLXENT_INVALID_SHAPE,
                          "%zu rows take engine %s more bytes of workspace than this machine can address",
                          plan->problem.rows, plan->geometry.name);
    if (status == CLXENT_SUCCESS)
        status = clx_build_kernels(plan);
    if (status == CLXENT_SUCCESS)
        plan->workspace = clx_workspace_of(&plan->problem, &plan->geometry);
    return status;
}

static clxent_status prepare(clxent_plan *plan) {
    clxent_status status = check_device(&plan->problem, &plan->core->device);
    if (status == CLXENT_SUCCESS)
        status = build(plan);
    if (status != CLXENT_SUCCESS)
        return status;
    plan->reduce_limit = plan->core->device.max_work_group;
    status = clx_lower_group_limit(plan, plan->kernels[CLX_REDUCE_ROWS], &plan->reduce_limit);
    if (status == CLXENT_SUCCESS)
        status = set_shapes(plan);
    if (plan->linear != NULL)
        plan->global_size = plan->problem.rows > 0 ? plan->linear->rows->global_size : 0;
    else if (status == CLXENT_SUCCESS && plan->problem.rows > 0)
        plan->global_size = clx_engine_global_size(&plan->problem, &plan->core->device, &plan->geometry);
    return status;
}

clxent_status clx_plan_create_for(clx_core *core, const clx_problem *problem, clxent_plan **plan) {
    clxent_plan *made = calloc(1, sizeof *made);
    if (made == NULL)
        return clx_fail(CLXENT_OUT_OF_MEMORY, "no memory for a plan of %zu bytes", sizeof *made);
    if (clx_lock_init(&made->lock) != 0) {
        free(made);
        return clx_fail(CLXENT_OUT_OF_MEMORY, "no resources for a mutex");
    }
    made->core = clx_core_retain(core);
    made->problem = *problem;
    made->needs = needs_of(problem);
    clxent_status status = prepare(made);
    if (status != CLXENT_SUCCESS) {
        clxent_plan_destroy(made);
        return status;
    }
    *plan = made;
    return CLXENT_SUCCESS;
}

clxent_status clx_plan_create(clx_core *core, const clxent_desc *desc, clxent_plan **plan) {
    clx_problem problem;
    clxent_status status = clx_problem_init(&problem, desc);
    return status == CLXENT_SUCCESS ? clx_plan_create_for(core, &problem, plan) : status;
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
    info->work_items = plan->global_size;
    info->workspace_size = plan->workspace.size;
    info->kernels = (unsigned)clx_list_launches(plan, (clx_wishes){0}, launches);
    if (plan->linear != NULL) { /* which a function for its products may be given to meanwhile */
        clx_lock *lock = (clx_lock *)(uintptr_t)&plan->lock;
        clx_lock_acquire(lock);
        info->kernels += (unsigned)clx_linear_launches(plan) - 1;
        clx_lock_release(lock);
    }
    info->programs_built = plan->programs_built;
    return CLXENT_SUCCESS;
}

clxent_status clxent_plan_get_reason(const clxent_plan *plan, clxent_engine engine, size_t size, char *text) {
    if (plan == NULL || text == NULL)
        return clx_fail(CLXENT_INVALID_ARGUMENT, "%s is null", plan == NULL ? "plan" : "text");
    if (size == 0)
        return clx_fail(CLXENT_INVALID_ARGUMENT, "size is 0, it must have room for the end of the text");
    const int number = (int)engine;
    if (number <= CLXENT_ENGINE_AUTO || number > CLXENT_ENGINE_ROW_SPLIT)
        return clx_fail(CLXENT_INVALID_OPTION, "engine is %d, it must be from 1 to %d", number,
                        (int)CLXENT_ENGINE_ROW_SPLIT);
    char reason[CLX_REASON];
    clx_engine_reason(plan->linear != NULL ? &plan->linear->rows->problem : &plan->problem, &plan->core->device,
                      plan->geometry.engine, engine, reason);
    snprintf(text, size, "%s", reason);
    return CLXENT_SUCCESS;
}

clxent_status clxent_plan_get_blob(const clxent_plan *plan, size_t size, void *blob, size_t *needed) {
    if (plan == NULL || needed == NULL)
        return clx_fail(CLXENT_INVALID_ARGUMENT, "%s is null", plan == NULL ? "plan" : "needed");
    if (plan->linear != NULL)
        return clx_fail(CLXENT_UNSUPPORTED, "a plan of linear-cross-entropy has two programs, and no blob");
    return clx_blob_get(plan->core, plan->program, size, blob, needed);
}

clxent_status clxent_plan_set_product(clxent_plan *plan, clxent_product_function function, void *user) {
    if (plan == NULL)
        return clx_fail(CLXENT_INVALID_ARGUMENT, "plan is null");
    if (plan->linear == NULL)
        return clx_fail(CLXENT_UNSUPPORTED, "a plan of %s has no matrix products", plan->problem.op->title);
    clx_lock_acquire(&plan->lock);
    plan->linear->function = function;
    plan->linear->user = user;
    clx_lock_release(&plan->lock);
    return CLXENT_SUCCESS;
}

void clxent_plan_destroy(clxent_plan *plan) {
    if (plan == NULL)
        return;
    clx_release_kernels(plan);
    clx_linear_destroy(plan->linear);
    clx_core_release(plan->core);
    clx_lock_destroy(&plan->lock);
    free(plan);
}
