/* A device that seems to be another one. What it says is kept in a list; what follows from it is looked up there. */
#include "pretence.h"

#include <string.h>

enum { ANSWERS = 16, ANSWER_BYTES = 64 };

typedef struct answer {
    cl_device_info what;
    cl_int error;
    size_t size;
    unsigned char bytes[ANSWER_BYTES];
} answer;

static answer answers[ANSWERS];
static size_t answer_count, kernel_limit;
static cl_int build_error;
static const char *build_log;

/* ---- what is pretended ---- */

static answer *new_answer(cl_device_info what) {
    answer *a = &answers[answer_count < ANSWERS ? answer_count++ : 0];
    *a = (answer){.what = what};
    return a;
}

void pretend_bytes(cl_device_info what, const void *value, size_t size) {
    answer *a = new_answer(what);
    a->size = size < ANSWER_BYTES ? size : ANSWER_BYTES;
    memcpy(a->bytes, value, a->size);
}

void pretend_text(cl_device_info what, const char *text) {
    pretend_bytes(what, text, strlen(text) + 1);
}

void pretend_uint(cl_device_info what, cl_uint value) {
    pretend_bytes(what, &value, sizeof value);
}

void pretend_size(cl_device_info what, size_t value) {
    pretend_bytes(what, &value, sizeof value);
}

void pretend_ulong(cl_device_info what, cl_ulong value) {
    pretend_bytes(what, &value, sizeof value);
}

void pretend_error(cl_device_info what, cl_int error) {
    new_answer(what)->error = error;
}

void pretend_kernel_limit(size_t items) {
    kernel_limit = items;
}

void pretend_build_error(cl_int error, const char *log) {
    build_error = error;
    build_log = log;
}

void pretend_nothing(void) {
    answer_count = kernel_limit = 0;
    build_error = CL_SUCCESS;
    build_log = NULL;
}

/* ---- what the wrappers ask ---- */

static const answer *find_answer(cl_device_info what) {
    for (size_t i = answer_count; i > 0; i--)
        if (answers[i - 1].what == what)
            return &answers[i - 1];
    return NULL;
}

/* The number that is pretended, or `otherwise`. */
static cl_ulong number_of(cl_device_info what, cl_ulong otherwise) {
    const answer *a = find_answer(what);
    cl_ulong value = 0;
    if (a == NULL || a->error != CL_SUCCESS)
        return otherwise;
    memcpy(&value, a->bytes, a->size < sizeof value ? a->size : sizeof value);
    return value;
}

/* As OpenCL answers queries. */
static cl_int give(const void *bytes, size_t have, size_t size, void *value, size_t *needed) {
    if (value != NULL && size < have)
        return CL_INVALID_VALUE;
    if (value != NULL)
        memcpy(value, bytes, have);
    if (needed != NULL)
        *needed = have;
    return CL_SUCCESS;
}

bool pretence_of_device(cl_device_info what, size_t size, void *value, size_t *needed, cl_int *error) {
    const answer *a = find_answer(what);
    if (a == NULL)
        return false;
    *error = a->error != CL_SUCCESS ? a->error : give(a->bytes, a->size, size, value, needed);
    return true;
}

bool pretence_of_log(cl_program_build_info what, size_t size, void *value, size_t *needed, cl_int *error) {
    if (build_error == CL_SUCCESS || what != CL_PROGRAM_BUILD_LOG)
        return false;
    *error = build_log == NULL ? CL_OUT_OF_HOST_MEMORY : give(build_log, strlen(build_log) + 1, size, value, needed);
    return true;
}

void pretence_of_kernel_limit(size_t *items) {
    cl_ulong most = number_of(CL_DEVICE_MAX_WORK_GROUP_SIZE, *items);
    if (kernel_limit > 0 && most > kernel_limit)
        most = kernel_limit;
    if (*items > most)
        *items = (size_t)most;
}

cl_int pretence_of_build(void) {
    return build_error;
}

static cl_ulong addresses(void) {
    return number_of(CL_DEVICE_ADDRESS_BITS, 64) < 64 ? (cl_ulong)1 << 32 : CL_ULONG_MAX;
}

cl_int pretence_of_buffer(size_t size) {
    bool fits = size <= number_of(CL_DEVICE_MAX_MEM_ALLOC_SIZE, CL_ULONG_MAX) && size < addresses();
    return fits ? CL_SUCCESS : CL_INVALID_BUFFER_SIZE;
}

/* Mesa 22.3 counts each local variable of a kernel twice. */
static cl_ulong counted_by(cl_device_id id, cl_ulong memory) {
    char name[256] = "";
    clGetDeviceInfo(id, CL_DEVICE_NAME, sizeof name - 1, name, NULL);
    return strncmp(name, "llvmpipe", strlen("llvmpipe")) == 0 ? memory / 2 : memory;
}

/* Groups no larger than the device and the kernel take, no more work-items than its size_t counts, no more local memory
 * than it has. */
cl_int pretence_of_launch(cl_command_queue queue, cl_kernel kernel, const size_t *global, const size_t *local) {
    cl_device_id id = NULL;
    cl_ulong memory = 0;
    size_t items = SIZE_MAX, sizes[8] = {SIZE_MAX};
    if (answer_count == 0 && kernel_limit == 0)
        return CL_SUCCESS;
    cl_int error = clGetCommandQueueInfo(queue, CL_QUEUE_DEVICE, sizeof id, &id, NULL);
    if (error == CL_SUCCESS)
        error = clGetKernelWorkGroupInfo(kernel, id, CL_KERNEL_WORK_GROUP_SIZE, sizeof items, &items, NULL);
    if (error == CL_SUCCESS)
        error = clGetKernelWorkGroupInfo(kernel, id, CL_KERNEL_LOCAL_MEM_SIZE, sizeof memory, &memory, NULL);
    if (error == CL_SUCCESS)
        error = clGetDeviceInfo(id, CL_DEVICE_MAX_WORK_ITEM_SIZES, sizeof sizes, sizes, NULL);
    if (error != CL_SUCCESS)
        return error;
    if (*local > items)
        return CL_INVALID_WORK_GROUP_SIZE;
    if (*local > sizes[0])
        return CL_INVALID_WORK_ITEM_SIZE;
    if (counted_by(id, memory) > number_of(CL_DEVICE_LOCAL_MEM_SIZE, CL_ULONG_MAX) || *global >= addresses())
        return CL_OUT_OF_RESOURCES;
    return CL_SUCCESS;
}
