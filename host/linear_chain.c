#include "linear_chain.h"

#include "launch.h"
#include "status.h"

#define MOST_ITEMS ((size_t)1 << 20)
#define SIMT_GROUP 64

bool clx_chain_has(const clx_chain *c, clx_tensor tensor) {
    return (c->call->tensors & 1u << tensor) != 0;
}

bool clx_chain_wants_event(clx_chain *c) {
    return --c->left == 0 ? c->wants_last : !c->call->in_order;
}

void clx_chain_advance(clx_chain *c, cl_event done) {
    if (c->before != NULL)
        clReleaseEvent(c->before);
    c->before = done;
    c->wait_count = done != NULL;
    c->wait_list = done != NULL ? &c->before : NULL;
}

clxent_status clx_chain_launch(clx_chain *c, cl_kernel kernel, const char *name, size_t items, size_t group) {
    const size_t global = (items + group - 1) / group * group;
    cl_event done = NULL;
    cl_event *event = clx_chain_wants_event(c) ? &done : NULL;
    cl_int error =
        clEnqueueNDRangeKernel(c->call->queue, kernel, 1, NULL, &global, &group, c->wait_count, c->wait_list, event);
    if (error != CL_SUCCESS)
        return clx_fail_cl(error, "launching %s with %zu work-items in groups of %zu", name, global, group);
    clx_chain_advance(c, done);
    return CLXENT_SUCCESS;
}

clx_setter clx_begin(clx_chain *c, clx_linear_kernel kernel) {
    return (clx_setter){.c = c, .kernel = kernel, .status = CLXENT_SUCCESS};
}

static void set(clx_setter *s, size_t size, const void *value) {
    if (s->status == CLXENT_SUCCESS)
        s->status = clx_set_argument(s->c->l->kernels[s->kernel], s->next++, size, value);
}

void clx_set_memory(clx_setter *s, cl_mem mem, size_t offset) {
    const cl_ulong at = offset;
    set(s, sizeof mem, &mem);
    set(s, sizeof at, &at);
}

void clx_set_tensor(clx_setter *s, clx_tensor tensor) {
    const clxent_buffer *buffer = clx_buffer(s->c->call->args, tensor);
    if (clx_chain_has(s->c, tensor))
        clx_set_memory(s, buffer->mem, buffer->offset);
    else
        clx_set_memory(s, NULL, 0);
}

void clx_set_workspace(clx_setter *s, size_t offset) {
    clx_set_memory(s, s->c->call->args->workspace.mem, s->c->call->args->workspace.offset + offset);
}

void clx_set_long(clx_setter *s, uint64_t value) {
    const cl_ulong number = value;
    set(s, sizeof number, &number);
}

void clx_set_bits(clx_setter *s, cl_uint bits) {
    set(s, sizeof bits, &bits);
}

clxent_status clx_finish(clx_setter *s, size_t things) {
    const clx_device *device = &s->c->plan->core->device;
    size_t group = device->simt && device->max_work_group >= SIMT_GROUP ? SIMT_GROUP : 1;
    size_t most = device->loop_limit > 0 ? SIZE_MAX
                  : device->simt         ? MOST_ITEMS
                                         : device->compute_units * CLX_ITEMS_OF_UNIT;
    size_t items = things < most ? things : most;
    if (s->status != CLXENT_SUCCESS)
        return s->status;
    return clx_chain_launch(s->c, s->c->l->kernels[s->kernel], clx_linear_kernel_name(s->kernel), items > 0 ? items : 1,
                            group);
}
