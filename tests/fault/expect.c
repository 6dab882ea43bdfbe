/* What each failure must come to, by the words of include/clxent.h. */
#include "scenario.h"

static expectation comes_through(cl_int error) {
    expectation e = {.status = error};
    snprintf(e.text, sizeof e.text, " failed: %s (%d)", clxent_status_string(error), (int)error);
    return e;
}

static expectation translated(clxent_status status, const char *text) {
    expectation e = {.status = status};
    snprintf(e.text, sizeof e.text, "%s", text);
    return e;
}

static const expectation unnoticed = {.status = CLXENT_SUCCESS, .may_succeed = true};

static bool is_shortage(cl_int error) {
    return error == CL_OUT_OF_RESOURCES || error == CL_OUT_OF_HOST_MEMORY;
}

/* A handle that OpenCL does not know is the caller's mistake; that there was no memory to look at it is not. */
static expectation of_handle(clxent_status status, const char *what, cl_int error) {
    if (is_shortage(error))
        return comes_through(error);
    expectation e = {.status = status};
    snprintf(e.text, sizeof e.text, " is not a valid %s: %s (%d)", what, clxent_status_string(error), (int)error);
    return e;
}

#define PLATFORM_NOT_FOUND (-1001) /* CL_PLATFORM_NOT_FOUND_KHR of CL/cl_ext.h */

/* Is there more than one device, or a platform that is passed over without harm since it has none? */
static bool more_devices(void) {
    cl_platform_id platforms[16];
    cl_uint platform_count = 0, devices = 0;
    assert_int_equal(clGetPlatformIDs(16, platforms, &platform_count), CL_SUCCESS);
    for (cl_uint i = 0; i < platform_count && i < 16; i++) {
        cl_uint count = 0;
        if (clGetDeviceIDs(platforms[i], CL_DEVICE_TYPE_ALL, 0, NULL, &count) == CL_SUCCESS)
            devices += count;
    }
    return devices > 1 || platform_count > 1;
}

/* Devices that do not say what they are, are passed over, and so are platforms without devices. The calls that ask for a
 * number, and not for the list, have the detail 0. */
static expectation of_search(const fault_hit *hit) {
    const cl_uint what = hit->detail;
    expectation e = translated(CLXENT_NO_DEVICE, "");
    if (hit->call == FAULT_clGetDeviceInfo) {
        bool speed = what == CL_DEVICE_MAX_COMPUTE_UNITS || what == CL_DEVICE_MAX_CLOCK_FREQUENCY;
        e = speed ? unnoticed : e;
    } else if (what != 0 || (hit->error != CL_DEVICE_NOT_FOUND && hit->error != PLATFORM_NOT_FOUND)) {
        e = comes_through(hit->error);
    }
    e.may_succeed = hit->call != FAULT_clGetPlatformIDs && more_devices();
    return e;
}

/* A device may not know these; the last three are the work-items that its hardware runs as one (host/device.c). */
static bool is_optional(cl_uint question) {
    static const cl_uint optional[] = {CL_DEVICE_DOUBLE_FP_CONFIG, CL_DEVICE_NATIVE_VECTOR_WIDTH_DOUBLE, 0x1067, 0x4003,
                                       0x4043};
    bool found = false;
    for (size_t i = 0; i < sizeof optional / sizeof optional[0]; i++)
        found = found || question == optional[i];
    return found;
}

static expectation of_device_info(const fault_hit *hit) {
    return is_optional(hit->detail) && hit->error == CL_INVALID_VALUE ? unnoticed : comes_through(hit->error);
}

static bool is_release(fault_call call) {
    return call == FAULT_clReleaseCommandQueue || call == FAULT_clReleaseContext || call == FAULT_clReleaseEvent ||
           call == FAULT_clReleaseKernel || call == FAULT_clReleaseMemObject || call == FAULT_clReleaseProgram;
}

/* The steps from a blob to a program; where one fails, there is still the source. */
static bool is_of_blob(const fault_hit *hit) {
    return hit->call == FAULT_clCreateProgramWithBinary || hit->call == FAULT_clBuildProgram ||
           (hit->call == FAULT_clGetProgramInfo && hit->detail == CL_PROGRAM_NUM_KERNELS);
}

expectation expect_of(const scenario *s, const fault_hit *hit) {
    if (hit->kind == FAULT_MEMORY)
        return translated(CLXENT_OUT_OF_MEMORY, "no ");
    if (is_release(hit->call) || (s->takes_blob && is_of_blob(hit)))
        return unnoticed;
    if (hit->nth < s->search_calls)
        return of_search(hit);
    switch (hit->call) {
    case FAULT_clGetDeviceInfo:
        return of_device_info(hit);
    case FAULT_clGetCommandQueueInfo:
        return of_handle(CLXENT_INVALID_QUEUE, "cl_command_queue", hit->error);
    case FAULT_clGetMemObjectInfo:
        return of_handle(CLXENT_INVALID_BUFFER, "cl_mem", hit->error);
    case FAULT_clBuildProgram:
        return hit->error == CL_BUILD_PROGRAM_FAILURE
                   ? translated(CLXENT_BUILD_FAILED, " failed: CL_BUILD_PROGRAM_FAILURE (-11)")
                   : comes_through(hit->error);
    default:
        return comes_through(hit->error);
    }
}
