/* Checks of the device buffers that a caller brings: everything that OpenCL itself would not notice.
 *
 * Each call asks OpenCL anew, since a handle can be that of another object than last time; within a call, each handle
 * once. */
#include "buffers.h"

#include "op.h"
#include "status.h"

/* A memory object, and where in its parent it lies, if it is a sub-buffer. */
typedef struct memory {
    cl_mem mem;
    size_t size;
    const void *root;
    size_t origin;
} memory;

/* The buffers of a call that have been looked at. */
typedef struct found {
    const clxent_plan *plan;
    size_t count;
    int numbers[CLX_BUFFERS];
    memory memories[CLX_BUFFERS];
    clx_place places[CLX_BUFFERS];
} found;

static const char *name_of(int number) {
    return number == CLX_WORKSPACE ? "workspace" : clx_tensor_name((clx_tensor)number);
}

static clxent_status refuse_handle(int number, cl_int error) {
    return clx_fail_handle(CLXENT_INVALID_BUFFER, error, name_of(number), "cl_mem");
}

/* Is it a buffer of this context, and how many bytes has it? */
static clxent_status check_memory(const clxent_plan *plan, int number, cl_mem mem, size_t *size) {
    cl_mem_object_type type = 0;
    cl_context context = NULL;
    cl_int error = clGetMemObjectInfo(mem, CL_MEM_TYPE, sizeof type, &type, NULL);
    if (error == CL_SUCCESS)
        error = clGetMemObjectInfo(mem, CL_MEM_CONTEXT, sizeof context, &context, NULL);
    if (error == CL_SUCCESS)
        error = clGetMemObjectInfo(mem, CL_MEM_SIZE, sizeof *size, size, NULL);
    if (error != CL_SUCCESS)
        return refuse_handle(number, error);
    if (type != CL_MEM_OBJECT_BUFFER)
        return clx_fail(CLXENT_INVALID_BUFFER, "%s is a memory object of type 0x%x, not a buffer", name_of(number),
                        (unsigned)type);
    if (context != plan->core->cl)
        return clx_fail(CLXENT_INVALID_BUFFER, "%s belongs to another OpenCL context than the plan", name_of(number));
    return CLXENT_SUCCESS;
}

/* A sub-buffer's bytes are those of its parent, so that overlap is seen through it. */
static clxent_status find_root(int number, memory *m) {
    cl_mem parent = NULL;
    m->origin = 0;
    cl_int error = clGetMemObjectInfo(m->mem, CL_MEM_ASSOCIATED_MEMOBJECT, sizeof parent, &parent, NULL);
    if (error == CL_SUCCESS && parent != NULL)
        error = clGetMemObjectInfo(m->mem, CL_MEM_OFFSET, sizeof m->origin, &m->origin, NULL);
    m->root = parent != NULL ? (const void *)parent : (const void *)m->mem;
    return error == CL_SUCCESS ? CLXENT_SUCCESS : refuse_handle(number, error);
}

static const memory *seen_before(const found *f, cl_mem mem) {
    for (size_t i = 0; i < f->count; i++)
        if (f->memories[i].mem == mem)
            return &f->memories[i];
    return NULL;
}

/* Checks one buffer by itself, and notes where it lies. */
static clxent_status look_at(found *f, int number, const clxent_buffer *buffer, size_t bytes, size_t alignment) {
    const memory *before = seen_before(f, buffer->mem);
    memory m = before != NULL ? *before : (memory){.mem = buffer->mem};
    clxent_status status = before != NULL ? CLXENT_SUCCESS : check_memory(f->plan, number, m.mem, &m.size);
    if (status != CLXENT_SUCCESS)
        return status;
    if (buffer->offset % alignment != 0)
        return clx_fail(CLXENT_INVALID_BUFFER, "%s has offset %zu, which is not a multiple of %zu", name_of(number),
                        buffer->offset, alignment);
    if (buffer->offset > m.size || m.size - buffer->offset < bytes)
        return clx_fail(CLXENT_BUFFER_TOO_SMALL, "%s needs %zu bytes from offset %zu, the buffer has %zu",
                        name_of(number), bytes, buffer->offset, m.size);
    status = before != NULL ? CLXENT_SUCCESS : find_root(number, &m);
    f->numbers[f->count] = number;
    f->memories[f->count] = m;
    f->places[f->count] = (clx_place){m.root, m.origin + buffer->offset, bytes};
    f->count++;
    return status;
}

/* What may lie over each other and how is for host/tensor.c to say; mostly nothing does, and that is soon seen. */
static bool any_overlap(const found *f) {
    for (size_t i = 0; i < f->count; i++)
        for (size_t j = 0; j < i; j++)
            if (clx_overlap(&f->places[i], &f->places[j]))
                return true;
    return false;
}

static clxent_status check_overlap(const found *f) {
    clx_place places[CLX_TENSORS] = {{0}};
    for (size_t i = 0; i < f->count; i++)
        places[f->numbers[i]] = f->places[i];
    return clx_check_overlap(&f->plan->problem, places);
}

static clxent_status check_workspace(found *f, const clxent_buffer *workspace) {
    const size_t size = f->plan->workspace.size, tensors = f->count;
    if (workspace->mem == NULL)
        return clx_fail(CLXENT_MISSING_BUFFER, "workspace is null, but this call needs its %zu bytes", size);
    clxent_status status = look_at(f, CLX_WORKSPACE, workspace, size, CLX_WORKSPACE_ALIGNMENT);
    for (size_t i = 0; i < tensors && status == CLXENT_SUCCESS; i++)
        if (clx_overlap(&f->places[tensors], &f->places[i]))
            status = clx_fail(CLXENT_INVALID_BUFFER, "workspace overlaps %s", name_of(f->numbers[i]));
    return status;
}

clxent_status clx_check_buffers(const clxent_plan *plan, const clxent_args *args, unsigned tensors,
                                bool needs_workspace) {
    found f;
    f.plan = plan;
    f.count = 0;
    clxent_status status = CLXENT_SUCCESS;
    for (clx_tensor tensor = 0; tensor < CLX_TENSORS && status == CLXENT_SUCCESS; tensor++)
        if (tensors & 1u << tensor)
            status = look_at(&f, (int)tensor, clx_buffer(args, tensor), plan->needs.bytes[tensor],
                             plan->needs.alignment[tensor]);
    if (status == CLXENT_SUCCESS && any_overlap(&f))
        status = check_overlap(&f);
    if (status == CLXENT_SUCCESS && needs_workspace)
        status = check_workspace(&f, &args->workspace);
    return status;
}
