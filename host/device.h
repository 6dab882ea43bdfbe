/* What the library needs to know of a device. */
#ifndef CLX_DEVICE_H
#define CLX_DEVICE_H

#include "clxent.h"

#include <stdbool.h>

typedef struct clx_device {
    cl_device_id id;
    bool cpu;            /* runs a work-group on one CPU core */
    bool simt;           /* runs the work-items of a group side by side in vector lanes: GPUs, and llvmpipe on a CPU */
    bool fp64;           /* has double precision */
    bool fma;            /* has a fused multiply-add, in float and, where there is double, in double */
    bool unified_memory; /* shares memory with the host */
    bool pocl;           /* PoCL on a CPU: its compiler is clang, and takes clang's builtins */
    size_t loop_limit;   /* loop iterations after which a work-item goes wrong, see docs/devices.md; 0: no such limit */
    size_t compute_units;
    size_t max_work_group; /* work-items */
    size_t local_memory;   /* bytes */
    size_t float_lanes;    /* native vector width */
    size_t double_lanes;
    size_t group_multiple; /* work-items that the hardware runs as one: a group should be a multiple; 1: unknown */
    char name[128], vendor[128];
} clx_device;

/* Asks the device. Refuses with UNSUPPORTED what cannot compile OpenCL C 1.2. */
clxent_status clx_device_init(clx_device *device, cl_device_id id);

#endif
