/* Checks of the device buffers that a caller brings: everything that OpenCL itself would not notice. */
#include "buffers.h"

#include "op.h"
#include "status.h"

static clxent_status refuse_handle(const char *name, cl_int error) {
    return clx_fail(CLXENT_INVALID_BUFFER, "%s is not a valid cl_mem: %s (%d)", name, clxent_status_string(error),
                    (int)error);
}

/* Is it a buffer of this context, and how many bytes has it? */
static clxent_status check_memory(const clxent_plan *plan, const char *name, cl_mem mem, size_t *size) {
    cl_mem_object_type type = 0;
    cl_context context = NULL;
    cl_int error = clGetMemObjectInfo(mem, CL_MEM_TYPE, sizeof type, &type, NULL);
    if (error == CL_SUCCESS)
        error = clGetMemObjectInfo(mem, CL_MEM_CONTEXT, sizeof context, &context, NULL);
    if (error == CL_SUCCESS)
        error = clGetMemObjectInfo(mem, CL_MEM_SIZE, sizeof *size, size, NULL);
    if (error != CL_SUCCESS)
        return refuse_handle(name, error);
    if (type != CL_MEM_OBJECT_BUFFER)
        return clx_fail(CLXENT_INVALID_BUFFER, "%s is a memory object of type 0x%x, not a buffer", name,
                        (unsigned)type);
    if (context != plan->core->cl)
        return clx_fail(CLXENT_INVALID_BUFFER, "%s belongs to another OpenCL context than the plan", name);
    return CLXENT_SUCCESS;
}

/* A sub-buffer's bytes are those of its parent, so that overlap is seen through it. */
static clxent_status find_place(const char *name, const clxent_buffer *buffer, size_t bytes, clx_place *place) {
    cl_mem parent = NULL;
    size_t origin = 0;
    cl_int error = clGetMemObjectInfo(buffer->mem, CL_MEM_ASSOCIATED_MEMOBJECT, sizeof parent, &parent, NULL);
    if (error == CL_SUCCESS && parent != NULL)
        error = clGetMemObjectInfo(buffer->mem, CL_MEM_OFFSET, sizeof origin, &origin, NULL);
    if (error != CL_SUCCESS)
        return refuse_handle(name, error);
    place->object = parent != NULL ? (const void *)parent : (const void *)buffer->mem;
    place->begin = origin + buffer->offset;
    place->size = bytes;
    return CLXENT_SUCCESS;
}

static clxent_status check_buffer(const clxent_plan *plan, const char *name, const clxent_buffer *buffer, size_t bytes,
                                  size_t alignment, clx_place *place) {
    size_t size = 0;
    clxent_status status = check_memory(plan, name, buffer->mem, &size);
    if (status != CLXENT_SUCCESS)
        return status;
    if (buffer->offset % alignment != 0)
        return clx_fail(CLXENT_INVALID_BUFFER, "%s has offset %zu, which is not a multiple of %zu", name,
                        buffer->offset, alignment);
    if (buffer->offset > size || size - buffer->offset < bytes)
        return clx_fail(CLXENT_BUFFER_TOO_SMALL, "%s needs %zu bytes from offset %zu, the buffer has %zu", name, bytes,
                        buffer->offset, size);
    return find_place(name, buffer, bytes, place);
}

static clxent_status check_workspace(const clxent_plan *plan, const clxent_args *args,
                                     const clx_place places[CLX_TENSORS]) {
    const clxent_buffer *workspace = &args->workspace;
    clx_place place = {0};
    if (workspace->mem == NULL)
        return clx_fail(CLXENT_MISSING_BUFFER, "workspace is null, but this call needs its %zu bytes",
                        plan->workspace.size);
    clxent_status status =
        check_buffer(plan, "workspace", workspace, plan->workspace.size, CLX_WORKSPACE_ALIGNMENT, &place);
    for (clx_tensor tensor = 0; tensor < CLX_TENSORS && status == CLXENT_SUCCESS; tensor++)
        if (clx_is_used(clx_tensor_use(&plan->problem, tensor)) && clx_overlap(&place, &places[tensor]))
            status = clx_fail(CLXENT_INVALID_BUFFER, "workspace overlaps %s", clx_tensor_name(tensor));
    return status;
}

clxent_status clx_check_buffers(const clxent_plan *plan, const clxent_args *args, bool needs_workspace) {
    const clx_problem *problem = &plan->problem;
    clx_place places[CLX_TENSORS] = {{0}};
    for (clx_tensor tensor = 0; tensor < CLX_TENSORS; tensor++)
        places[tensor].object = clx_buffer(args, tensor)->mem;
    clxent_status status = clx_check_presence(problem, places);
    for (clx_tensor tensor = 0; tensor < CLX_TENSORS && status == CLXENT_SUCCESS; tensor++)
        if (places[tensor].object != NULL && clx_is_used(clx_tensor_use(problem, tensor)))
            status =
                check_buffer(plan, clx_tensor_name(tensor), clx_buffer(args, tensor), clx_tensor_bytes(problem, tensor),
                             clx_element_size(problem, tensor), &places[tensor]);
    if (status == CLXENT_SUCCESS)
        status = clx_check_overlap(problem, places);
    if (status == CLXENT_SUCCESS && needs_workspace)
        status = check_workspace(plan, args, places);
    return status;
}
