/* Wrappers of what builds, sets arguments, enqueues and waits. What waits has waited although it fails, and
 * an unmap has unmapped: what a device does after one that has not, nobody can say. */
#include "wrap.h"

#define COMMAND(name, refusal, events, parameters, arguments)                                                          \
    cl_int __real_##name parameters;                                                                                   \
    cl_int __wrap_##name parameters;                                                                                   \
    cl_int __wrap_##name parameters {                                                                                  \
        cl_int error = fault_pass(FAULT_##name, 0);                                                                    \
        if (error == CL_SUCCESS)                                                                                       \
            error = refusal;                                                                                           \
        if (error == CL_SUCCESS)                                                                                       \
            error = __real_##name arguments;                                                                           \
        fault_count(FAULT_EVENT, error == CL_SUCCESS && (events));                                                     \
        return error;                                                                                                  \
    }

COMMAND(clBuildProgram, pretence_of_build(), false,
        (cl_program program, cl_uint count, const cl_device_id *ids, const char *options,
         void(CL_CALLBACK *notify)(cl_program, void *), void *user),
        (program, count, ids, options, notify, user))
COMMAND(clSetKernelArg, CL_SUCCESS, false, (cl_kernel kernel, cl_uint index, size_t size, const void *value),
        (kernel, index, size, value))
COMMAND(clEnqueueNDRangeKernel, pretence_of_launch(queue, kernel, global, local), event != NULL,
        (cl_command_queue queue, cl_kernel kernel, cl_uint dimensions, const size_t *offset, const size_t *global,
         const size_t *local, cl_uint wait_count, const cl_event *wait_list, cl_event *event),
        (queue, kernel, dimensions, offset, global, local, wait_count, wait_list, event))
COMMAND(clEnqueueMarkerWithWaitList, CL_SUCCESS, event != NULL,
        (cl_command_queue queue, cl_uint wait_count, const cl_event *wait_list, cl_event *event),
        (queue, wait_count, wait_list, event))
COMMAND(clEnqueueWriteBuffer, CL_SUCCESS, event != NULL,
        (cl_command_queue queue, cl_mem mem, cl_bool blocking, size_t offset, size_t size, const void *bytes,
         cl_uint wait_count, const cl_event *wait_list, cl_event *event),
        (queue, mem, blocking, offset, size, bytes, wait_count, wait_list, event))
COMMAND(clEnqueueReadBuffer, CL_SUCCESS, event != NULL,
        (cl_command_queue queue, cl_mem mem, cl_bool blocking, size_t offset, size_t size, void *bytes,
         cl_uint wait_count, const cl_event *wait_list, cl_event *event),
        (queue, mem, blocking, offset, size, bytes, wait_count, wait_list, event))
COMMAND(clEnqueueReadBufferRect, CL_SUCCESS, event != NULL,
        (cl_command_queue queue, cl_mem mem, cl_bool blocking, const size_t *origin, const size_t *host_origin,
         const size_t *region, size_t row, size_t slice, size_t host_row, size_t host_slice, void *bytes,
         cl_uint wait_count, const cl_event *wait_list, cl_event *event),
        (queue, mem, blocking, origin, host_origin, region, row, slice, host_row, host_slice, bytes, wait_count,
         wait_list, event))
COMMAND(clEnqueueWriteBufferRect, CL_SUCCESS, event != NULL,
        (cl_command_queue queue, cl_mem mem, cl_bool blocking, const size_t *origin, const size_t *host_origin,
         const size_t *region, size_t row, size_t slice, size_t host_row, size_t host_slice, const void *bytes,
         cl_uint wait_count, const cl_event *wait_list, cl_event *event),
        (queue, mem, blocking, origin, host_origin, region, row, slice, host_row, host_slice, bytes, wait_count,
         wait_list, event))
COMMAND(clEnqueueCopyBuffer, CL_SUCCESS, event != NULL,
        (cl_command_queue queue, cl_mem from, cl_mem to, size_t from_offset, size_t to_offset, size_t size,
         cl_uint wait_count, const cl_event *wait_list, cl_event *event),
        (queue, from, to, from_offset, to_offset, size, wait_count, wait_list, event))
COMMAND(clFlush, CL_SUCCESS, false, (cl_command_queue queue), (queue))
WRAPS(void *, clEnqueueMapBuffer, cl_command_queue queue, cl_mem mem, cl_bool blocking, cl_map_flags flags,
      size_t offset, size_t size, cl_uint wait_count, const cl_event *wait_list, cl_event *event, cl_int *error)
void *__wrap_clEnqueueMapBuffer(cl_command_queue queue, cl_mem mem, cl_bool blocking, cl_map_flags flags, size_t offset,
                                size_t size, cl_uint wait_count, const cl_event *wait_list, cl_event *event,
                                cl_int *error) {
    cl_int failure = fault_pass(FAULT_clEnqueueMapBuffer, 0);
    if (failure == CL_SUCCESS)
        return __real_clEnqueueMapBuffer(queue, mem, blocking, flags, offset, size, wait_count, wait_list, event,
                                         error);
    if (error != NULL)
        *error = failure;
    return NULL;
}

WRAPS(cl_int, clFinish, cl_command_queue queue)
cl_int __wrap_clFinish(cl_command_queue queue) {
    cl_int failure = fault_pass(FAULT_clFinish, 0), error = __real_clFinish(queue);
    return failure != CL_SUCCESS ? failure : error;
}

WRAPS(cl_int, clWaitForEvents, cl_uint count, const cl_event *events)
cl_int __wrap_clWaitForEvents(cl_uint count, const cl_event *events) {
    cl_int failure = fault_pass(FAULT_clWaitForEvents, 0), error = __real_clWaitForEvents(count, events);
    return failure != CL_SUCCESS ? failure : error;
}

WRAPS(cl_int, clEnqueueUnmapMemObject, cl_command_queue queue, cl_mem mem, void *mapped, cl_uint wait_count,
      const cl_event *wait_list, cl_event *event)
cl_int __wrap_clEnqueueUnmapMemObject(cl_command_queue queue, cl_mem mem, void *mapped, cl_uint wait_count,
                                      const cl_event *wait_list, cl_event *event) {
    cl_int failure = fault_pass(FAULT_clEnqueueUnmapMemObject, 0);
    cl_int error = __real_clEnqueueUnmapMemObject(queue, mem, mapped, wait_count, wait_list, event);
    return failure != CL_SUCCESS ? failure : error;
}
