/* The calls of OpenCL that the library makes, and clxent_mpi. tests/CMakeLists.txt wraps exactly these, and the test fault_calls_are_all
 * compares them with what the library's objects ask the linker for. */
#ifndef FAULT_CALLS_H
#define FAULT_CALLS_H

#define FAULT_CALLS(CALL)                                                                                              \
    CALL(clBuildProgram)                                                                                               \
    CALL(clCreateBuffer)                                                                                               \
    CALL(clCreateCommandQueue)                                                                                         \
    CALL(clCreateContext)                                                                                              \
    CALL(clCreateKernel)                                                                                               \
    CALL(clCreateProgramWithBinary)                                                                                    \
    CALL(clCreateProgramWithSource)                                                                                    \
    CALL(clEnqueueCopyBuffer)                                                                                          \
    CALL(clEnqueueMapBuffer)                                                                                           \
    CALL(clEnqueueMarkerWithWaitList)                                                                                  \
    CALL(clEnqueueNDRangeKernel)                                                                                       \
    CALL(clEnqueueReadBuffer)                                                                                          \
    CALL(clEnqueueReadBufferRect)                                                                                      \
    CALL(clEnqueueUnmapMemObject)                                                                                      \
    CALL(clEnqueueWriteBuffer)                                                                                         \
    CALL(clEnqueueWriteBufferRect)                                                                                     \
    CALL(clFinish)                                                                                                     \
    CALL(clFlush)                                                                                                      \
    CALL(clGetCommandQueueInfo)                                                                                        \
    CALL(clGetContextInfo)                                                                                             \
    CALL(clGetDeviceIDs)                                                                                               \
    CALL(clGetDeviceInfo)                                                                                              \
    CALL(clGetEventInfo)                                                                                               \
    CALL(clGetKernelWorkGroupInfo)                                                                                     \
    CALL(clGetMemObjectInfo)                                                                                           \
    CALL(clGetPlatformIDs)                                                                                             \
    CALL(clGetPlatformInfo)                                                                                            \
    CALL(clGetProgramBuildInfo)                                                                                        \
    CALL(clGetProgramInfo)                                                                                             \
    CALL(clReleaseCommandQueue)                                                                                        \
    CALL(clReleaseContext)                                                                                             \
    CALL(clReleaseEvent)                                                                                               \
    CALL(clReleaseKernel)                                                                                              \
    CALL(clReleaseMemObject)                                                                                           \
    CALL(clReleaseProgram)                                                                                             \
    CALL(clRetainContext)                                                                                              \
    CALL(clRetainEvent)                                                                                                \
    CALL(clSetKernelArg)                                                                                               \
    CALL(clWaitForEvents)

typedef enum fault_call {
#define FAULT_ENUM(name) FAULT_##name,
    FAULT_CALLS(FAULT_ENUM)
#undef FAULT_ENUM
        FAULT_COUNT
} fault_call;

/* "clCreateBuffer" */
const char *fault_call_name(fault_call call);

/* The error codes that OpenCL 1.2 lets this call give, leaving out those that would be a mistake of the test itself;
 * ended by CL_SUCCESS. In codes.c. */
const int *fault_codes_of(fault_call call);

#endif
