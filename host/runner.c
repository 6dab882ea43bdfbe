/* What clxent_run keeps between calls: a queue, plans, buffers. */
#include "runner.h"

#include "status.h"

#include <string.h>

clxent_status clx_runner_init(clx_runner *runner) {
    if (clx_lock_init(&runner->lock) != 0)
        return clx_fail(CLXENT_OUT_OF_MEMORY, "no resources for a mutex");
    return CLXENT_SUCCESS;
}

static void release_buffer(clx_kept_buffer *buffer) {
    if (buffer->mem != NULL)
        clReleaseMemObject(buffer->mem);
    *buffer = (clx_kept_buffer){NULL, 0};
}

void clx_runner_destroy(clx_runner *runner) {
    for (size_t i = 0; i < CLX_KEPT_PLANS; i++)
        clxent_plan_destroy(runner->plans[i]);
    for (clx_tensor tensor = 0; tensor < CLX_TENSORS; tensor++)
        release_buffer(&runner->tensors[tensor]);
    release_buffer(&runner->workspace);
    if (runner->queue != NULL)
        clReleaseCommandQueue(runner->queue);
    clx_lock_destroy(&runner->lock);
}

_Static_assert(sizeof(clxent_desc) == offsetof(clxent_desc, workspace_limit) + sizeof(uint64_t),
               "clxent_desc has a new last member: compare it below");

static bool same_plan(const clxent_desc *a, const clxent_desc *b) {
    return a->op == b->op && a->pass == b->pass && a->dtype == b->dtype && a->target_type == b->target_type &&
           a->reduction == b->reduction && a->engine == b->engine && a->work_group_size == b->work_group_size &&
           a->batch == b->batch && a->classes == b->classes && a->inner == b->inner && a->row_stride == b->row_stride &&
           a->ignore_index == b->ignore_index && a->label_smoothing == b->label_smoothing && a->flags == b->flags &&
           a->logit_scale == b->logit_scale && a->logit_softcap == b->logit_softcap && a->z_loss == b->z_loss &&
           a->reg_lambda == b->reg_lambda && a->mix_lambda == b->mix_lambda && a->grad_scale == b->grad_scale &&
           a->class_start == b->class_start && a->class_total == b->class_total && a->parts == b->parts &&
           a->features == b->features && a->workspace_limit == b->workspace_limit;
}

static void move_to_front(clx_runner *runner, size_t from, clxent_plan *plan) {
    memmove(runner->plans + 1, runner->plans, from * sizeof *runner->plans);
    runner->plans[0] = plan;
}

clxent_status clx_runner_plan(clx_runner *runner, clx_core *core, const clxent_desc *desc, clxent_plan **plan) {
    size_t i = 0;
    while (i < CLX_KEPT_PLANS && runner->plans[i] != NULL && !same_plan(&runner->plans[i]->problem.desc, desc))
        i++;
    bool kept = i < CLX_KEPT_PLANS && runner->plans[i] != NULL;
    clxent_plan *found = kept ? runner->plans[i] : NULL;
    if (!kept) {
        clxent_status status = clx_plan_create(core, desc, &found);
        if (status != CLXENT_SUCCESS)
            return status;
        if (i == CLX_KEPT_PLANS)
            clxent_plan_destroy(runner->plans[--i]);
    }
    move_to_front(runner, i, found);
    *plan = found;
    return CLXENT_SUCCESS;
}

clxent_status clx_runner_grow(clx_core *core, clx_kept_buffer *buffer, size_t size, const char *name) {
    if (buffer->size >= size && buffer->mem != NULL)
        return CLXENT_SUCCESS;
    release_buffer(buffer);
    cl_int error = CL_SUCCESS;
    cl_mem mem = clCreateBuffer(core->cl, CL_MEM_READ_WRITE, size, NULL, &error);
    if (error != CL_SUCCESS)
        return clx_fail_cl(error, "clCreateBuffer of %zu bytes for %s", size, name);
    *buffer = (clx_kept_buffer){mem, size};
    return CLXENT_SUCCESS;
}

clxent_status clx_runner_queue(clx_runner *runner, clx_core *core) {
    if (runner->queue != NULL)
        return CLXENT_SUCCESS;
    cl_int error = CL_SUCCESS;
    cl_command_queue queue = clCreateCommandQueue(core->cl, core->device.id, 0, &error);
    if (error != CL_SUCCESS)
        return clx_fail_cl(error, "clCreateCommandQueue");
    runner->queue = queue;
    return CLXENT_SUCCESS;
}
