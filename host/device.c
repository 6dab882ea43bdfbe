/* What the library needs to know of a device. */
#include "device.h"

#include "status.h"

#include <stdio.h>
#include <string.h>

/* Queries of fixed-size values; a failing one leaves the zero that was there and its code in *error. */
static void query(cl_device_id id, cl_device_info what, void *value, size_t size, cl_int *error) {
    cl_int status = clGetDeviceInfo(id, what, size, value, NULL);
    if (status != CL_SUCCESS && *error == CL_SUCCESS)
        *error = status;
}

static size_t query_uint(cl_device_id id, cl_device_info what, cl_int *error) {
    cl_uint value = 0;
    query(id, what, &value, sizeof value, error);
    return value;
}

static bool query_bool(cl_device_id id, cl_device_info what, cl_int *error) {
    cl_bool value = CL_FALSE;
    query(id, what, &value, sizeof value, error);
    return value == CL_TRUE;
}

/* "OpenCL C 1.2 ...": is it at least 1.2? */
static bool compiles_opencl_c_1_2(cl_device_id id) {
    char version[256] = "";
    int major = 0, minor = 0;
    if (clGetDeviceInfo(id, CL_DEVICE_OPENCL_C_VERSION, sizeof version - 1, version, NULL) != CL_SUCCESS)
        return false;
    return sscanf(version, "OpenCL C %d.%d", &major, &minor) == 2 && (major > 1 || (major == 1 && minor >= 2));
}

static bool is_platform(cl_device_id id, const char *wanted) {
    cl_platform_id platform = NULL;
    char name[256] = "";
    if (clGetDeviceInfo(id, CL_DEVICE_PLATFORM, sizeof platform, &platform, NULL) != CL_SUCCESS)
        return false;
    if (clGetPlatformInfo(platform, CL_PLATFORM_NAME, sizeof name - 1, name, NULL) != CL_SUCCESS)
        return false;
    return strcmp(name, wanted) == 0;
}

static bool is_llvmpipe(const clx_device *device) {
    return strncmp(device->name, "llvmpipe", strlen("llvmpipe")) == 0;
}

/* Text that fits; "" where the device does not say, or says more. */
static void query_text(cl_device_id id, cl_device_info what, char *text, size_t size) {
    if (clGetDeviceInfo(id, what, size - 1, text, NULL) != CL_SUCCESS)
        text[0] = '\0';
}

/* OpenCL has this since 3.0; before, two vendors had a name of their own. */
static size_t query_group_multiple(cl_device_id id) {
    enum { PREFERRED_WORK_GROUP_SIZE_MULTIPLE = 0x1067, WARP_SIZE_NV = 0x4003, WAVEFRONT_WIDTH_AMD = 0x4043 };
    size_t multiple = 0;
    if (clGetDeviceInfo(id, PREFERRED_WORK_GROUP_SIZE_MULTIPLE, sizeof multiple, &multiple, NULL) == CL_SUCCESS &&
        multiple > 0)
        return multiple;
    const cl_device_info older[] = {WARP_SIZE_NV, WAVEFRONT_WIDTH_AMD};
    for (size_t i = 0; i < sizeof older / sizeof older[0]; i++) {
        cl_uint width = 0;
        if (clGetDeviceInfo(id, older[i], sizeof width, &width, NULL) == CL_SUCCESS && width > 0)
            return width;
    }
    return 1;
}

#define LLVMPIPE_LOOP_LIMIT 65535

clxent_status clx_device_init(clx_device *device, cl_device_id id) {
    cl_int error = CL_SUCCESS;
    cl_device_type type = 0;
    cl_ulong local_memory = 0;
    cl_device_fp_config fp32 = 0, fp64 = 0;
    *device = (clx_device){.id = id};
    query(id, CL_DEVICE_TYPE, &type, sizeof type, &error);
    query(id, CL_DEVICE_LOCAL_MEM_SIZE, &local_memory, sizeof local_memory, &error);
    query(id, CL_DEVICE_MAX_WORK_GROUP_SIZE, &device->max_work_group, sizeof device->max_work_group, &error);
    device->compute_units = query_uint(id, CL_DEVICE_MAX_COMPUTE_UNITS, &error);
    device->float_lanes = query_uint(id, CL_DEVICE_NATIVE_VECTOR_WIDTH_FLOAT, &error);
    device->unified_memory = query_bool(id, CL_DEVICE_HOST_UNIFIED_MEMORY, &error);
    bool compiler = query_bool(id, CL_DEVICE_COMPILER_AVAILABLE, &error);
    if (error != CL_SUCCESS)
        return clx_fail_cl(error, "clGetDeviceInfo");
    if (!compiler || !compiles_opencl_c_1_2(id))
        return clx_fail(CLXENT_UNSUPPORTED, "the device has no compiler for OpenCL C 1.2");
    /* Devices without double precision may answer these with an error. */
    cl_int ignored = CL_SUCCESS;
    query(id, CL_DEVICE_DOUBLE_FP_CONFIG, &fp64, sizeof fp64, &ignored);
    device->double_lanes = query_uint(id, CL_DEVICE_NATIVE_VECTOR_WIDTH_DOUBLE, &ignored);
    query(id, CL_DEVICE_SINGLE_FP_CONFIG, &fp32, sizeof fp32, &ignored);
    query_text(id, CL_DEVICE_NAME, device->name, sizeof device->name);
    query_text(id, CL_DEVICE_VENDOR, device->vendor, sizeof device->vendor);
    device->group_multiple = query_group_multiple(id);
    device->fp64 = fp64 != 0;
    device->fma = (fp32 & CL_FP_FMA) != 0 && (fp64 == 0 || (fp64 & CL_FP_FMA) != 0);
    device->cpu = (type & CL_DEVICE_TYPE_CPU) != 0;
    device->pocl = device->cpu && is_platform(id, "Portable Computing Language");
    device->simt = !device->cpu || is_llvmpipe(device);
    device->loop_limit = is_llvmpipe(device) ? LLVMPIPE_LOOP_LIMIT : 0;
    device->local_memory = (size_t)local_memory;
    if (device->compute_units == 0)
        device->compute_units = 1;
    if (device->max_work_group == 0)
        device->max_work_group = 1;
    return CLXENT_SUCCESS;
}
