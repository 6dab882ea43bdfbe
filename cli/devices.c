/* The command devices: every device of every platform, numbered as --device and CLXENT_DEVICE count them. */
#include "device.h"
#include "json.h"
#include "message.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const cli_option options[] = {
    {OPTION_DEVICE, "N|cpu|gpu|reference", "mark the device that this value selects instead of the default one"},
    {OPTION_JSON, NULL, "print one JSON object per device, each on its line"},
    OPTION_ROWS_HELP,
};

/* What is told of a device. */
typedef struct limits {
    char name[256], platform[256], vendor[256], version[256], c_version[256], driver[256];
    const char *type;
    cl_bool available, compiler, unified;
    cl_uint compute_units, clock_mhz, float_width;
    cl_ulong global_bytes, allocation_bytes, local_bytes;
    size_t work_group_size;
    bool fp64;
    cl_int error; /* of the first question without an answer */
} limits;

static const char *type_name(cl_device_type type) {
    return type & CL_DEVICE_TYPE_GPU           ? "GPU"
           : type & CL_DEVICE_TYPE_CPU         ? "CPU"
           : type & CL_DEVICE_TYPE_ACCELERATOR ? "accelerator"
                                               : "other";
}

static void query(limits *of, cl_device_id id, cl_device_info what, void *value, size_t size) {
    memset(value, 0, size);
    cl_int error = clGetDeviceInfo(id, what, size, value, NULL);
    bool optional = what == CL_DEVICE_DOUBLE_FP_CONFIG && error == CL_INVALID_VALUE; /* before OpenCL 1.2: none */
    if (of->error == CL_SUCCESS && !optional)
        of->error = error;
}

static void read_limits(cl_platform_id platform, cl_device_id id, limits *of) {
    cl_device_type type;
    cl_device_fp_config doubles;
    of->error = CL_SUCCESS;
    platform_text(platform, CL_PLATFORM_NAME, of->platform, sizeof of->platform);
    device_text(id, CL_DEVICE_NAME, of->name, sizeof of->name);
    device_text(id, CL_DEVICE_VENDOR, of->vendor, sizeof of->vendor);
    device_text(id, CL_DEVICE_VERSION, of->version, sizeof of->version);
    device_text(id, CL_DEVICE_OPENCL_C_VERSION, of->c_version, sizeof of->c_version);
    device_text(id, CL_DRIVER_VERSION, of->driver, sizeof of->driver);
    query(of, id, CL_DEVICE_TYPE, &type, sizeof type);
    query(of, id, CL_DEVICE_AVAILABLE, &of->available, sizeof of->available);
    query(of, id, CL_DEVICE_COMPILER_AVAILABLE, &of->compiler, sizeof of->compiler);
    query(of, id, CL_DEVICE_HOST_UNIFIED_MEMORY, &of->unified, sizeof of->unified);
    query(of, id, CL_DEVICE_MAX_COMPUTE_UNITS, &of->compute_units, sizeof of->compute_units);
    query(of, id, CL_DEVICE_MAX_CLOCK_FREQUENCY, &of->clock_mhz, sizeof of->clock_mhz);
    query(of, id, CL_DEVICE_NATIVE_VECTOR_WIDTH_FLOAT, &of->float_width, sizeof of->float_width);
    query(of, id, CL_DEVICE_GLOBAL_MEM_SIZE, &of->global_bytes, sizeof of->global_bytes);
    query(of, id, CL_DEVICE_MAX_MEM_ALLOC_SIZE, &of->allocation_bytes, sizeof of->allocation_bytes);
    query(of, id, CL_DEVICE_LOCAL_MEM_SIZE, &of->local_bytes, sizeof of->local_bytes);
    query(of, id, CL_DEVICE_MAX_WORK_GROUP_SIZE, &of->work_group_size, sizeof of->work_group_size);
    query(of, id, CL_DEVICE_DOUBLE_FP_CONFIG, &doubles, sizeof doubles);
    of->type = type_name(type);
    of->fp64 = doubles != 0;
}

static double mib(cl_ulong bytes) {
    return (double)bytes / (1024.0 * 1024.0);
}

static const char *yes_no(bool yes) {
    return yes ? "yes" : "no";
}

static void print_device(size_t index, bool selected, const limits *of) {
    if (of->error != CL_SUCCESS) {
        printf("%c %zu  %s does not answer: clGetDeviceInfo failed: %s (%d)\n", selected ? '*' : ' ', index, of->name,
               clxent_status_string(of->error), (int)of->error);
        return;
    }
    printf("%c %zu  %s (%s%s%s)\n", selected ? '*' : ' ', index, of->name, of->type,
           of->available ? "" : ", not available", of->compiler ? "" : ", no compiler");
    printf("     platform          %s\n", of->platform);
    printf("     vendor, driver    %s, %s\n", of->vendor, of->driver);
    printf("     version           %s; %s\n", of->version, of->c_version);
    printf("     compute units     %u at %u MHz, float vectors of %u\n", of->compute_units, of->clock_mhz,
           of->float_width);
    printf("     memory            %.0f MiB, largest allocation %.0f MiB, local %.0f KiB\n", mib(of->global_bytes),
           mib(of->allocation_bytes), mib(of->local_bytes) * 1024);
    printf("     work-group        at most %zu work-items\n", of->work_group_size);
    printf("     fp64              %s\n", yes_no(of->fp64));
    printf("     unified memory    %s\n", yes_no(of->unified));
}

static void print_device_json(size_t index, bool selected, const limits *of) {
    json object;
    json_begin(&object);
    json_count(&object, "index", index);
    json_bool(&object, "selected", selected);
    json_string(&object, "device", of->name);
    if (of->error != CL_SUCCESS) {
        json_string(&object, "error", clxent_status_string(of->error));
        json_end(&object);
        return;
    }
    json_string(&object, "platform", of->platform);
    json_string(&object, "vendor", of->vendor);
    json_string(&object, "driver", of->driver);
    json_string(&object, "type", of->type);
    json_bool(&object, "available", of->available);
    json_bool(&object, "compiler", of->compiler);
    json_string(&object, "version", of->version);
    json_string(&object, "opencl_c_version", of->c_version);
    json_count(&object, "compute_units", of->compute_units);
    json_count(&object, "clock_mhz", of->clock_mhz);
    json_count(&object, "float_vector_width", of->float_width);
    json_count(&object, "global_memory_bytes", of->global_bytes);
    json_count(&object, "max_allocation_bytes", of->allocation_bytes);
    json_count(&object, "local_memory_bytes", of->local_bytes);
    json_count(&object, "max_work_group_size", of->work_group_size);
    json_bool(&object, "fp64", of->fp64);
    json_bool(&object, "unified_memory", of->unified);
    json_end(&object);
}

typedef void print_function(size_t index, bool selected, const limits *of);

/* Prints the devices of one platform and adds their number. */
static int print_platform(cl_platform_id platform, size_t *devices, cl_device_id selected, print_function *print) {
    cl_uint count = 0;
    cl_int error = clGetDeviceIDs(platform, CL_DEVICE_TYPE_ALL, 0, NULL, &count);
    if (error == CL_DEVICE_NOT_FOUND || (error == CL_SUCCESS && count == 0))
        return STATUS_OK;
    if (error != CL_SUCCESS)
        return complain_opencl("clGetDeviceIDs", error);
    cl_device_id *ids = calloc(count, sizeof(cl_device_id));
    if (ids == NULL)
        return complain("no memory for a list of %u devices", count);
    error = clGetDeviceIDs(platform, CL_DEVICE_TYPE_ALL, count, ids, NULL);
    for (cl_uint i = 0; error == CL_SUCCESS && i < count; i++) {
        limits of;
        read_limits(platform, ids[i], &of);
        print((*devices)++, ids[i] == selected, &of);
    }
    free(ids);
    return error == CL_SUCCESS ? STATUS_OK : complain_opencl("clGetDeviceIDs", error);
}

#define PLATFORM_NOT_FOUND (-1001) /* CL_PLATFORM_NOT_FOUND_KHR of CL/cl_ext.h */

static int print_all(size_t *devices, cl_device_id selected, print_function *print) {
    cl_uint count = 0;
    int status = STATUS_OK;
    cl_int error = clGetPlatformIDs(0, NULL, &count);
    if (error == PLATFORM_NOT_FOUND || (error == CL_SUCCESS && count == 0))
        return STATUS_OK;
    if (error != CL_SUCCESS)
        return complain_opencl("clGetPlatformIDs", error);
    cl_platform_id *ids = calloc(count, sizeof(cl_platform_id));
    if (ids == NULL)
        return complain("no memory for a list of %u platforms", count);
    error = clGetPlatformIDs(count, ids, NULL);
    for (cl_uint i = 0; error == CL_SUCCESS && status == STATUS_OK && i < count; i++)
        status = print_platform(ids[i], devices, selected, print);
    free(ids);
    return error == CL_SUCCESS ? status : complain_opencl("clGetPlatformIDs", error);
}

static int run(const cli_command *self, const cli_arguments *given) {
    cl_device_id selected = NULL;
    bool to_json = given->values[OPTION_JSON] != NULL, reference = wants_reference(given);
    int refusal = check_selector(self, given);
    if (refusal != STATUS_OK)
        return refusal;
    clxent_status found = reference ? CLXENT_SUCCESS : clxent_find_device(given->values[OPTION_DEVICE], &selected);
    size_t devices = 0;
    int listed = print_all(&devices, selected, to_json ? print_device_json : print_device);
    if (listed != STATUS_OK)
        return listed;
    if (devices == 0)
        return complain("there is no OpenCL device: is a driver (an .icd file in /etc/OpenCL/vendors) installed?");
    if (!to_json && selected != NULL)
        puts("* is the device that is used");
    if (!to_json && reference)
        puts("None of them is used: the CPU reference is selected");
    int status = flush_output();
    return found == CLXENT_SUCCESS ? status : complain("%s", clxent_last_error());
}

const cli_command devices_command = {
    .name = "devices",
    .summary = "every OpenCL device, its limits, and which one is used",
    .about = "Lists the devices of every OpenCL platform with their limits. The number in front is the one that\n"
             "--device and the environment variable CLXENT_DEVICE take; a star marks the device that is used.",
    .options = options,
    .example = "  clxent devices --json",
    .run = run,
};
