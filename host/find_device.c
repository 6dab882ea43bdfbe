/* Which device a program means: by number, by type, or the best there is. */
#include "device.h"

#include "status.h"

#include <stdlib.h>
#include <string.h>

#define PLATFORM_NOT_FOUND (-1001) /* CL_PLATFORM_NOT_FOUND_KHR of CL/cl_ext.h */

typedef struct candidates {
    cl_device_id *ids;
    size_t count;
    cl_int error; /* of a platform that did not list its devices */
} candidates;

/* All devices of one platform behind those that are there. */
static clxent_status add_platform(candidates *all, cl_platform_id platform) {
    cl_uint count = 0;
    cl_int error = clGetDeviceIDs(platform, CL_DEVICE_TYPE_ALL, 0, NULL, &count);
    if (error == CL_SUCCESS && count == 0)
        return CLXENT_SUCCESS;
    if (error != CL_SUCCESS) {
        if (error != CL_DEVICE_NOT_FOUND) /* which a platform without devices says */
            all->error = error;
        return CLXENT_SUCCESS; /* another platform may have what is wanted */
    }
    cl_device_id *ids = realloc(all->ids, (all->count + count) * sizeof *ids);
    if (ids == NULL)
        return clx_fail(CLXENT_OUT_OF_MEMORY, "no memory to list %zu devices", all->count + count);
    all->ids = ids;
    error = clGetDeviceIDs(platform, CL_DEVICE_TYPE_ALL, count, ids + all->count, NULL);
    if (error != CL_SUCCESS)
        return clx_fail_cl(error, "clGetDeviceIDs");
    all->count += count;
    return CLXENT_SUCCESS;
}

static clxent_status list_devices(candidates *all) {
    cl_uint count = 0;
    cl_int error = clGetPlatformIDs(0, NULL, &count);
    if (error == PLATFORM_NOT_FOUND || (error == CL_SUCCESS && count == 0))
        return CLXENT_SUCCESS; /* an ICD loader without platforms says so with an error */
    if (error != CL_SUCCESS)
        return clx_fail_cl(error, "clGetPlatformIDs");
    cl_platform_id *platforms = malloc(count * sizeof *platforms);
    if (platforms == NULL)
        return clx_fail(CLXENT_OUT_OF_MEMORY, "no memory to list %u platforms", (unsigned)count);
    error = clGetPlatformIDs(count, platforms, NULL);
    clxent_status status = error == CL_SUCCESS ? CLXENT_SUCCESS : clx_fail_cl(error, "clGetPlatformIDs");
    for (cl_uint i = 0; i < count && status == CLXENT_SUCCESS; i++)
        status = add_platform(all, platforms[i]);
    free(platforms);
    return status;
}

static bool is_usable(cl_device_id id) {
    cl_bool available = CL_FALSE, compiler = CL_FALSE;
    clGetDeviceInfo(id, CL_DEVICE_AVAILABLE, sizeof available, &available, NULL);
    clGetDeviceInfo(id, CL_DEVICE_COMPILER_AVAILABLE, sizeof compiler, &compiler, NULL);
    return available == CL_TRUE && compiler == CL_TRUE;
}

static cl_device_type type_of(cl_device_id id) {
    cl_device_type type = 0;
    clGetDeviceInfo(id, CL_DEVICE_TYPE, sizeof type, &type, NULL);
    return type;
}

/* Compute units times clock, at least 1. */
static double speed_of(cl_device_id id) {
    cl_uint units = 0, clock = 0;
    clGetDeviceInfo(id, CL_DEVICE_MAX_COMPUTE_UNITS, sizeof units, &units, NULL);
    clGetDeviceInfo(id, CL_DEVICE_MAX_CLOCK_FREQUENCY, sizeof clock, &clock, NULL);
    return (units > 0 ? (double)units : 1) * (clock > 0 ? (double)clock : 1);
}

/* The fastest usable GPU, or the first usable device of the other types wanted; NULL if there is none. */
static cl_device_id best_of(const candidates *all, cl_device_type wanted) {
    cl_device_id best = NULL;
    double best_speed = 0;
    for (size_t i = 0; i < all->count; i++) {
        cl_device_type type = type_of(all->ids[i]);
        if ((type & wanted) == 0 || !is_usable(all->ids[i]))
            continue;
        double speed = (type & CL_DEVICE_TYPE_GPU) ? 1 + speed_of(all->ids[i]) : 1;
        if (speed > best_speed) {
            best = all->ids[i];
            best_speed = speed;
        }
    }
    return best;
}

static clxent_status by_number(const candidates *all, const char *selector, cl_device_id *device) {
    if (selector[strspn(selector, "0123456789")] != '\0')
        return clx_fail(CLXENT_INVALID_ARGUMENT, "device \"%s\" is neither a number, nor \"cpu\", nor \"gpu\"",
                        selector);
    if (all->error != CL_SUCCESS) /* so who knows which device has that number? */
        return clx_fail_cl(all->error, "clGetDeviceIDs");
    unsigned long index = strtoul(selector, NULL, 10); /* ULONG_MAX where the number is larger */
    if (index >= all->count)
        return clx_fail(CLXENT_NO_DEVICE, "device %s does not exist, there are %zu", selector, all->count);
    if (!is_usable(all->ids[index]))
        return clx_fail(CLXENT_NO_DEVICE, "device %s is not available or has no compiler", selector);
    *device = all->ids[index];
    return CLXENT_SUCCESS;
}

static clxent_status select_device(const candidates *all, const char *selector, cl_device_id *device) {
    cl_device_type wanted = CL_DEVICE_TYPE_ALL;
    if (selector != NULL && strcmp(selector, "cpu") == 0)
        wanted = CL_DEVICE_TYPE_CPU;
    else if (selector != NULL && strcmp(selector, "gpu") == 0)
        wanted = CL_DEVICE_TYPE_GPU;
    else if (selector != NULL)
        return by_number(all, selector, device);
    cl_device_id best = best_of(all, wanted);
    if (best == NULL && all->error != CL_SUCCESS)
        return clx_fail_cl(all->error, "clGetDeviceIDs");
    if (best == NULL)
        return clx_fail(CLXENT_NO_DEVICE, "no usable OpenCL %s was found among %zu devices",
                        wanted == CL_DEVICE_TYPE_ALL ? "device" : selector, all->count);
    *device = best;
    return CLXENT_SUCCESS;
}

clxent_status clxent_find_device(const char *selector, cl_device_id *device) {
    if (device == NULL)
        return clx_fail(CLXENT_INVALID_ARGUMENT, "device is null");
    if (selector == NULL)
        selector = getenv("CLXENT_DEVICE");
    if (selector != NULL && *selector == '\0')
        selector = NULL;
    candidates all = {NULL, 0, CL_SUCCESS};
    clxent_status status = list_devices(&all);
    if (status == CLXENT_SUCCESS)
        status = select_device(&all, selector, device);
    free(all.ids);
    return status;
}
