/* The devices of multi_device.c: those that are named, or the parts of one. */
#include "multi_device.h"

#include <stdio.h>

static bool find_device(share *s, const char *name, size_t length) {
    char selector[32] = "";
    memcpy(selector, name, length < sizeof selector ? length : sizeof selector - 1);
    const bool by_default = strcmp(selector, "default") == 0;
    if (!ok(clxent_find_device(by_default ? NULL : selector, &s->root), NULL))
        return false;
    s->device = s->root;
    return true;
}

static bool ask_units(share *s) {
    return ok(clGetDeviceInfo(s->device, CL_DEVICE_MAX_COMPUTE_UNITS, sizeof s->units, &s->units, NULL),
              "cannot ask for the compute units of a device");
}

/* Parts of a device: a compute unit and all others, which is uneven from three units on. A status of OpenCL. */
static int create_parts(cl_device_id device, cl_uint units, cl_device_id part[2]) {
    cl_uint most = 0;
    const cl_device_partition_property one_and_others[] = {CL_DEVICE_PARTITION_BY_COUNTS, 1, (intptr_t)units - 1,
                                                           CL_DEVICE_PARTITION_BY_COUNTS_LIST_END, 0};
    int status = clGetDeviceInfo(device, CL_DEVICE_PARTITION_MAX_SUB_DEVICES, sizeof most, &most, NULL);
    if (status == CL_SUCCESS && (most < 2 || units < 2))
        status = CL_INVALID_DEVICE_PARTITION_COUNT; /* what clCreateSubDevices should say, but need not */
    return status == CL_SUCCESS ? clCreateSubDevices(device, one_and_others, 2, part, NULL) : status;
}

/* Makes two shares of one. */
static bool split(share s[2]) {
    const cl_device_id root = s[0].root;
    cl_device_id part[2] = {root, root};
    int status = create_parts(root, s[0].units, part);
    if (status == CL_SUCCESS)
        puts("one device, split into two sub-devices");
    else
        printf("one device that cannot be split (%s): two contexts on it\n", clxent_status_string(status));
    for (int i = 0; i < 2; i++) {
        s[i].root = root;
        s[i].device = status == CL_SUCCESS ? part[i] : root;
    }
    return ask_units(&s[0]) && ask_units(&s[1]);
}

bool find_devices(const char *names, share s[MOST_DEVICES], size_t *count) {
    for (*count = 0; *count < MOST_DEVICES; names++) {
        const size_t length = strcspn(names, ",");
        if (!find_device(&s[*count], names, length) || !ask_units(&s[*count]))
            return false;
        ++*count;
        names += length;
        if (*names == '\0' && *count > 1)
            return true;
        if (*names == '\0') {
            *count = 2;
            return split(s);
        }
    }
    fprintf(stderr, "more than %d devices\n", MOST_DEVICES);
    return false;
}
