/* Counts calls of OpenCL, and makes them fail on demand: the linker replaces clX by __wrap_clX, and the real one is
 * __real_clX. Tests that count do so in one thread; the others only pass through. */
#include "opencl_calls.h"

#include <stdatomic.h>
#include <string.h>

static atomic_size_t counts[OPENCL_CALLS];
static atomic_int failures[OPENCL_CALLS]; /* 0: the call may succeed */
static size_t fails_at[OPENCL_CALLS];
static const char *replacement;
static cl_mem watched;
static kernel_call kernel_calls[KERNEL_CALLS];

size_t calls_of(opencl_call call) {
    return counts[call];
}

void reset_calls(void) {
    for (size_t i = 0; i < OPENCL_CALLS; i++) {
        counts[i] = 0;
        failures[i] = CL_SUCCESS;
    }
    memset(kernel_calls, 0, sizeof kernel_calls);
}

void fail_call(opencl_call call, size_t nth, cl_int error) {
    fails_at[call] = counts[call] + nth;
    failures[call] = error;
}

void replace_source(const char *source) {
    replacement = source;
}

void watch_memory(cl_mem mem) {
    watched = mem;
}

const kernel_call *kernel_call_at(size_t i) {
    return &kernel_calls[i];
}

/* Counts a call; gives the error that it is to fail with. */
static cl_int pass(opencl_call call) {
    size_t index = atomic_fetch_add(&counts[call], 1);
    if (failures[call] == CL_SUCCESS || index != fails_at[call])
        return CL_SUCCESS;
    return atomic_exchange(&failures[call], CL_SUCCESS);
}

/* A function that gives an error, and one that gives an object and has an error parameter. */
#define COUNT(call, name, parameters, arguments)                                                                       \
    cl_int __real_##name parameters;                                                                                   \
    cl_int __wrap_##name parameters;                                                                                   \
    cl_int __wrap_##name parameters {                                                                                  \
        cl_int refusal = pass(call);                                                                                   \
        return refusal != CL_SUCCESS ? refusal : __real_##name arguments;                                              \
    }
#define COUNT_OBJECT(call, type, name, parameters, arguments)                                                          \
    type __real_##name parameters;                                                                                     \
    type __wrap_##name parameters;                                                                                     \
    type __wrap_##name parameters {                                                                                    \
        cl_int refusal = pass(call);                                                                                   \
        if (refusal == CL_SUCCESS)                                                                                     \
            return __real_##name arguments;                                                                            \
        if (error != NULL)                                                                                             \
            *error = refusal;                                                                                          \
        return NULL;                                                                                                   \
    }

COUNT_OBJECT(CREATE_BUFFER, cl_mem, clCreateBuffer,
             (cl_context context, cl_mem_flags flags, size_t size, void *host, cl_int *error),
             (context, flags, size, host, error))
COUNT_OBJECT(CREATE_KERNEL, cl_kernel, clCreateKernel, (cl_program program, const char *name, cl_int *error),
             (program, name, error))
COUNT_OBJECT(MAP_BUFFER, void *, clEnqueueMapBuffer,
             (cl_command_queue queue, cl_mem mem, cl_bool blocking, cl_map_flags flags, size_t offset, size_t size,
              cl_uint wait_count, const cl_event *wait_list, cl_event *event, cl_int *error),
             (queue, mem, blocking, flags, offset, size, wait_count, wait_list, event, error))
COUNT(BUILD_PROGRAM, clBuildProgram,
      (cl_program program, cl_uint count, const cl_device_id *devices, const char *options,
       void(CL_CALLBACK *notify)(cl_program, void *), void *user),
      (program, count, devices, options, notify, user))
COUNT(WRITE_BUFFER, clEnqueueWriteBuffer,
      (cl_command_queue queue, cl_mem mem, cl_bool blocking, size_t offset, size_t size, const void *bytes,
       cl_uint wait_count, const cl_event *wait_list, cl_event *event),
      (queue, mem, blocking, offset, size, bytes, wait_count, wait_list, event))
COUNT(READ_BUFFER, clEnqueueReadBuffer,
      (cl_command_queue queue, cl_mem mem, cl_bool blocking, size_t offset, size_t size, void *bytes,
       cl_uint wait_count, const cl_event *wait_list, cl_event *event),
      (queue, mem, blocking, offset, size, bytes, wait_count, wait_list, event))
COUNT(READ_BUFFER_RECT, clEnqueueReadBufferRect,
      (cl_command_queue queue, cl_mem mem, cl_bool blocking, const size_t *origin, const size_t *host_origin,
       const size_t *region, size_t row, size_t slice, size_t host_row, size_t host_slice, void *bytes,
       cl_uint wait_count, const cl_event *wait_list, cl_event *event),
      (queue, mem, blocking, origin, host_origin, region, row, slice, host_row, host_slice, bytes, wait_count,
       wait_list, event))
COUNT(FINISH, clFinish, (cl_command_queue queue), (queue))
COUNT(RELEASE_EVENT, clReleaseEvent, (cl_event event), (event))
COUNT(WAIT_FOR_EVENTS, clWaitForEvents, (cl_uint count, const cl_event *events), (count, events))

cl_int __real_clSetKernelArg(cl_kernel kernel, cl_uint index, size_t size, const void *value);
cl_int __wrap_clSetKernelArg(cl_kernel kernel, cl_uint index, size_t size, const void *value);
cl_int __wrap_clSetKernelArg(cl_kernel kernel, cl_uint index, size_t size, const void *value) {
    if (watched != NULL && value != NULL && size == sizeof(cl_mem) && memcmp(value, &watched, size) == 0)
        pass(SET_WATCHED);
    return __real_clSetKernelArg(kernel, index, size, value);
}

cl_program __real_clCreateProgramWithSource(cl_context context, cl_uint count, const char **texts, const size_t *sizes,
                                            cl_int *error);
cl_program __wrap_clCreateProgramWithSource(cl_context context, cl_uint count, const char **texts, const size_t *sizes,
                                            cl_int *error);
cl_program __wrap_clCreateProgramWithSource(cl_context context, cl_uint count, const char **texts, const size_t *sizes,
                                            cl_int *error) {
    cl_int refusal = pass(CREATE_PROGRAM);
    if (refusal != CL_SUCCESS && error != NULL)
        *error = refusal;
    if (refusal != CL_SUCCESS)
        return NULL;
    if (replacement != NULL)
        return __real_clCreateProgramWithSource(context, 1, &replacement, NULL, error);
    return __real_clCreateProgramWithSource(context, count, texts, sizes, error);
}

cl_int __real_clEnqueueNDRangeKernel(cl_command_queue queue, cl_kernel kernel, cl_uint dimensions, const size_t *offset,
                                     const size_t *global, const size_t *local, cl_uint wait_count,
                                     const cl_event *wait_list, cl_event *event);
cl_int __wrap_clEnqueueNDRangeKernel(cl_command_queue queue, cl_kernel kernel, cl_uint dimensions, const size_t *offset,
                                     const size_t *global, const size_t *local, cl_uint wait_count,
                                     const cl_event *wait_list, cl_event *event);
cl_int __wrap_clEnqueueNDRangeKernel(cl_command_queue queue, cl_kernel kernel, cl_uint dimensions, const size_t *offset,
                                     const size_t *global, const size_t *local, cl_uint wait_count,
                                     const cl_event *wait_list, cl_event *event) {
    size_t index = counts[ENQUEUE_KERNEL];
    cl_int refusal = pass(ENQUEUE_KERNEL);
    if (refusal != CL_SUCCESS)
        return refusal;
    cl_int error =
        __real_clEnqueueNDRangeKernel(queue, kernel, dimensions, offset, global, local, wait_count, wait_list, event);
    if (error == CL_SUCCESS && index < KERNEL_CALLS)
        kernel_calls[index] = (kernel_call){wait_count, wait_count > 0 ? wait_list[0] : NULL, event ? *event : NULL};
    return error;
}
