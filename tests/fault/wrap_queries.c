/* Wrappers of the queries: they can fail, and some of them can lie (pretence.h). */
#include "wrap.h"

#define QUERY(name, first_type, first, lie)                                                                            \
    WRAPS(cl_int, name, first_type first, cl_uint what, size_t size, void *value, size_t *needed)                      \
    cl_int __wrap_##name(first_type first, cl_uint what, size_t size, void *value, size_t *needed) {                   \
        cl_int error = fault_pass(FAULT_##name, what);                                                                 \
        if (error != CL_SUCCESS || lie)                                                                                \
            return error;                                                                                              \
        return __real_##name(first, what, size, value, needed);                                                        \
    }
#define QUERY_OF_DEVICE(name, first_type, first, lie)                                                                  \
    WRAPS(cl_int, name, first_type first, cl_device_id id, cl_uint what, size_t size, void *value, size_t *needed)     \
    cl_int __wrap_##name(first_type first, cl_device_id id, cl_uint what, size_t size, void *value, size_t *needed) {  \
        cl_int error = fault_pass(FAULT_##name, what);                                                                 \
        if (error != CL_SUCCESS || lie)                                                                                \
            return error;                                                                                              \
        return __real_##name(first, id, what, size, value, needed);                                                    \
    }

QUERY(clGetDeviceInfo, cl_device_id, id, pretence_of_device(what, size, value, needed, &error))
QUERY(clGetPlatformInfo, cl_platform_id, platform, false)
QUERY(clGetContextInfo, cl_context, cl, false)
QUERY(clGetCommandQueueInfo, cl_command_queue, queue, false)
QUERY(clGetEventInfo, cl_event, event, false)
QUERY(clGetMemObjectInfo, cl_mem, mem, false)
QUERY(clGetProgramInfo, cl_program, program, false)
QUERY_OF_DEVICE(clGetProgramBuildInfo, cl_program, program, pretence_of_log(what, size, value, needed, &error))

WRAPS(cl_int, clGetKernelWorkGroupInfo, cl_kernel kernel, cl_device_id id, cl_kernel_work_group_info what, size_t size,
      void *value, size_t *needed)
cl_int __wrap_clGetKernelWorkGroupInfo(cl_kernel kernel, cl_device_id id, cl_kernel_work_group_info what, size_t size,
                                       void *value, size_t *needed) {
    cl_int error = fault_pass(FAULT_clGetKernelWorkGroupInfo, what);
    if (error == CL_SUCCESS)
        error = __real_clGetKernelWorkGroupInfo(kernel, id, what, size, value, needed);
    if (error == CL_SUCCESS && what == CL_KERNEL_WORK_GROUP_SIZE && value != NULL)
        pretence_of_kernel_limit(value);
    return error;
}

WRAPS(cl_int, clGetPlatformIDs, cl_uint room, cl_platform_id *platforms, cl_uint *count)
cl_int __wrap_clGetPlatformIDs(cl_uint room, cl_platform_id *platforms, cl_uint *count) {
    cl_int error = fault_pass(FAULT_clGetPlatformIDs, platforms != NULL);
    return error != CL_SUCCESS ? error : __real_clGetPlatformIDs(room, platforms, count);
}

WRAPS(cl_int, clGetDeviceIDs, cl_platform_id platform, cl_device_type type, cl_uint room, cl_device_id *ids,
      cl_uint *count)
cl_int __wrap_clGetDeviceIDs(cl_platform_id platform, cl_device_type type, cl_uint room, cl_device_id *ids,
                             cl_uint *count) {
    cl_int error = fault_pass(FAULT_clGetDeviceIDs, ids != NULL);
    return error != CL_SUCCESS ? error : __real_clGetDeviceIDs(platform, type, room, ids, count);
}
