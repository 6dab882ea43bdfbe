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

/* The same of a text; "" where it fails. */
typedef struct text {
    char chars[1024];
} text;

static text query_text(cl_device_id id, cl_device_info what, cl_int *error) {
    text value = {""};
    query(id, what, value.chars, sizeof value.chars - 1, error);
    return value;
}

/* Of what not every device has: one that does not know the question has it not. */
static void query_optional(cl_device_id id, cl_device_info what, void *value, size_t size, cl_int *error) {
    cl_int status = CL_SUCCESS;
    query(id, what, value, size, &status);
    if (status != CL_SUCCESS && status != CL_INVALID_VALUE && *error == CL_SUCCESS)
        *error = status;
}

/* "OpenCL C 1.2 ...": is it at least 1.2? */
static bool is_opencl_c_1_2(const char *version) {
    int major = 0, minor = 0;
    return sscanf(version, "OpenCL C %d.%d", &major, &minor) == 2 && (major > 1 || (major == 1 && minor >= 2));
}

static bool is_platform(cl_device_id id, const char *wanted, cl_int *error) {
    cl_platform_id platform = NULL;
    text name = {""};
    query(id, CL_DEVICE_PLATFORM, &platform, sizeof platform, error);
    if (*error == CL_SUCCESS)
        *error = clGetPlatformInfo(platform, CL_PLATFORM_NAME, sizeof name.chars - 1, name.chars, NULL);
    return strcmp(name.chars, wanted) == 0;
}

/* OpenCL has this since 3.0; before, two vendors had a name of their own. */
static size_t query_group_multiple(cl_device_id id, cl_int *error) {
    enum { PREFERRED_WORK_GROUP_SIZE_MULTIPLE = 0x1067, WARP_SIZE_NV = 0x4003, WAVEFRONT_WIDTH_AMD = 0x4043 };
    size_t multiple = 0;
    cl_uint warp = 0, wavefront = 0;
    query_optional(id, PREFERRED_WORK_GROUP_SIZE_MULTIPLE, &multiple, sizeof multiple, error);
    query_optional(id, WARP_SIZE_NV, &warp, sizeof warp, error);
    query_optional(id, WAVEFRONT_WIDTH_AMD, &wavefront, sizeof wavefront, error);
    return multiple > 0 ? multiple : warp > 0 ? warp : wavefront > 0 ? wavefront : 1;
}

#define LLVMPIPE_LOOP_LIMIT 65535

/* What it is: a device that is taken for another one would give wrong numbers, so no error is passed over. */
static cl_int find_kind(clx_device *device) {
    cl_int error = CL_SUCCESS;
    cl_device_type type = 0;
    query(device->id, CL_DEVICE_TYPE, &type, sizeof type, &error);
    const text name = query_text(device->id, CL_DEVICE_NAME, &error);
    const text vendor = query_text(device->id, CL_DEVICE_VENDOR, &error);
    snprintf(device->name, sizeof device->name, "%.*s", (int)sizeof device->name - 1, name.chars);
    snprintf(device->vendor, sizeof device->vendor, "%.*s", (int)sizeof device->vendor - 1, vendor.chars);
    const bool llvmpipe = strncmp(name.chars, "llvmpipe", strlen("llvmpipe")) == 0;
    device->cpu = (type & CL_DEVICE_TYPE_CPU) != 0;
    device->pocl = is_platform(device->id, "Portable Computing Language", &error) && device->cpu;
    device->simt = !device->cpu || llvmpipe;
    device->loop_limit = llvmpipe ? LLVMPIPE_LOOP_LIMIT : 0;
    return error;
}

/* Work-items that a group may have: in all, and in the one dimension that there is. */
static size_t find_group_limit(cl_device_id id, cl_int *error) {
    enum { MOST_DIMENSIONS = 16 };
    size_t items = 0, of_dimension[MOST_DIMENSIONS] = {0};
    query(id, CL_DEVICE_MAX_WORK_GROUP_SIZE, &items, sizeof items, error);
    query(id, CL_DEVICE_MAX_WORK_ITEM_SIZES, of_dimension, sizeof of_dimension, error);
    if (items > of_dimension[0])
        items = of_dimension[0];
    return items > 0 ? items : 1;
}

static cl_int find_sizes(clx_device *device) {
    cl_int error = CL_SUCCESS;
    cl_ulong local_memory = 0;
    query(device->id, CL_DEVICE_LOCAL_MEM_SIZE, &local_memory, sizeof local_memory, &error);
    device->max_work_group = find_group_limit(device->id, &error);
    device->compute_units = query_uint(device->id, CL_DEVICE_MAX_COMPUTE_UNITS, &error);
    device->group_multiple = query_group_multiple(device->id, &error);
    device->unified_memory = query_bool(device->id, CL_DEVICE_HOST_UNIFIED_MEMORY, &error);
    device->local_memory = (size_t)local_memory;
    if (device->compute_units == 0)
        device->compute_units = 1;
    return error;
}

static cl_int find_arithmetic(clx_device *device) {
    cl_int error = CL_SUCCESS;
    cl_uint double_lanes = 0;
    cl_device_fp_config fp32 = 0, fp64 = 0;
    device->float_lanes = query_uint(device->id, CL_DEVICE_NATIVE_VECTOR_WIDTH_FLOAT, &error);
    query(device->id, CL_DEVICE_SINGLE_FP_CONFIG, &fp32, sizeof fp32, &error);
    query_optional(device->id, CL_DEVICE_DOUBLE_FP_CONFIG, &fp64, sizeof fp64, &error);
    query_optional(device->id, CL_DEVICE_NATIVE_VECTOR_WIDTH_DOUBLE, &double_lanes, sizeof double_lanes, &error);
    device->double_lanes = double_lanes;
    device->fp64 = fp64 != 0;
    device->fma = (fp32 & CL_FP_FMA) != 0 && (fp64 == 0 || (fp64 & CL_FP_FMA) != 0);
    return error;
}

clxent_status clx_device_init(clx_device *device, cl_device_id id) {
    *device = (clx_device){.id = id};
    cl_int error = CL_SUCCESS;
    const bool compiler = query_bool(id, CL_DEVICE_COMPILER_AVAILABLE, &error);
    const text version = query_text(id, CL_DEVICE_OPENCL_C_VERSION, &error);
    if (error == CL_SUCCESS && (!compiler || !is_opencl_c_1_2(version.chars)))
        return clx_fail(CLXENT_UNSUPPORTED, "the device has no compiler for OpenCL C 1.2");
    if (error == CL_SUCCESS)
        error = find_kind(device);
    if (error == CL_SUCCESS)
        error = find_sizes(device);
    if (error == CL_SUCCESS)
        error = find_arithmetic(device);
    return error == CL_SUCCESS ? CLXENT_SUCCESS : clx_fail_cl(error, "asking the device what it is");
}
