/* Wrappers of what makes and ends objects. A release that fails has released all the same, as there is nothing that its
 * caller could do about it. */
#include "wrap.h"

#define CREATES(type, name, object, refusal, parameters, arguments)                                                    \
    type __real_##name parameters;                                                                                     \
    type __wrap_##name parameters;                                                                                     \
    type __wrap_##name parameters {                                                                                    \
        cl_int failure = fault_pass(FAULT_##name, 0);                                                                  \
        if (failure == CL_SUCCESS)                                                                                     \
            failure = refusal;                                                                                         \
        type made = failure == CL_SUCCESS ? __real_##name arguments : NULL;                                            \
        if (failure != CL_SUCCESS && error != NULL)                                                                    \
            *error = failure;                                                                                          \
        fault_count(object, made != NULL);                                                                             \
        return made;                                                                                                   \
    }

CREATES(cl_context, clCreateContext, FAULT_CONTEXT, CL_SUCCESS,
        (const cl_context_properties *properties, cl_uint count, const cl_device_id *ids,
         void(CL_CALLBACK *notify)(const char *, const void *, size_t, void *), void *user, cl_int *error),
        (properties, count, ids, notify, user, error))
CREATES(cl_command_queue, clCreateCommandQueue, FAULT_QUEUE, CL_SUCCESS,
        (cl_context cl, cl_device_id id, cl_command_queue_properties properties, cl_int *error),
        (cl, id, properties, error))
CREATES(cl_mem, clCreateBuffer, FAULT_BUFFER, pretence_of_buffer(size),
        (cl_context cl, cl_mem_flags flags, size_t size, void *host, cl_int *error), (cl, flags, size, host, error))
CREATES(cl_program, clCreateProgramWithSource, FAULT_PROGRAM, CL_SUCCESS,
        (cl_context cl, cl_uint count, const char **texts, const size_t *sizes, cl_int *error),
        (cl, count, texts, sizes, error))
CREATES(cl_program, clCreateProgramWithBinary, FAULT_PROGRAM, CL_SUCCESS,
        (cl_context cl, cl_uint count, const cl_device_id *ids, const size_t *sizes, const unsigned char **binaries,
         cl_int *accepted, cl_int *error),
        (cl, count, ids, sizes, binaries, accepted, error))
CREATES(cl_kernel, clCreateKernel, FAULT_KERNEL, CL_SUCCESS, (cl_program program, const char *name, cl_int *error),
        (program, name, error))

#define RETAINS(name, type, object)                                                                                    \
    WRAPS(cl_int, name, type it)                                                                                       \
    cl_int __wrap_##name(type it) {                                                                                    \
        cl_int error = fault_pass(FAULT_##name, 0);                                                                    \
        if (error == CL_SUCCESS)                                                                                       \
            error = __real_##name(it);                                                                                 \
        fault_count(object, error == CL_SUCCESS);                                                                      \
        return error;                                                                                                  \
    }

RETAINS(clRetainContext, cl_context, FAULT_CONTEXT)
RETAINS(clRetainEvent, cl_event, FAULT_EVENT)

#define RELEASES(name, type, object)                                                                                   \
    WRAPS(cl_int, name, type it)                                                                                       \
    cl_int __wrap_##name(type it) {                                                                                    \
        cl_int failure = fault_pass(FAULT_##name, 0), error = __real_##name(it);                                       \
        fault_count(object, error == CL_SUCCESS ? -1 : 0);                                                             \
        return failure != CL_SUCCESS ? failure : error;                                                                \
    }

RELEASES(clReleaseContext, cl_context, FAULT_CONTEXT)
RELEASES(clReleaseCommandQueue, cl_command_queue, FAULT_QUEUE)
RELEASES(clReleaseMemObject, cl_mem, FAULT_BUFFER)
RELEASES(clReleaseProgram, cl_program, FAULT_PROGRAM)
RELEASES(clReleaseKernel, cl_kernel, FAULT_KERNEL)
RELEASES(clReleaseEvent, cl_event, FAULT_EVENT)
