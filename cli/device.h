/* Where to compute: an OpenCL device, or the CPU reference. */
#ifndef CLI_DEVICE_H
#define CLI_DEVICE_H

#include "clxent.h"
#include "options.h"

/* What a device says of itself. */
typedef struct device_facts {
    cl_device_type type;
    cl_uint compute_units;
    size_t max_work_group;
    cl_ulong memory, cache, largest_buffer; /* bytes */
} device_facts;

typedef struct cli_device {
    bool reference;
    clxent_context *context; /* NULL for the reference */
    cl_device_id id;
    char name[256];
    char platform[256];
    device_facts facts; /* after device_ask */
} cli_device;

/* Is --device, or without it CLXENT_DEVICE, "reference"? */
bool wants_reference(const cli_arguments *given);

/* Refuses a --device that is neither a number nor one of the words. */
int check_selector(const cli_command *self, const cli_arguments *given);

/* Opens what --device asks for. Complains on failure. */
int device_open(const cli_command *self, const cli_arguments *given, cli_device *device);
void device_close(cli_device *device);

/* Asks for the facts, which are not the CPU reference's. Complains where the device does not answer. */
int device_ask(cli_device *device);

/* Complains that a call of OpenCL, or what it was for, has failed. */
int complain_opencl(const char *what, cl_int error);

/* Text that OpenCL knows of a device or a platform, blanks at either end removed; "unknown" where it fails. */
void device_text(cl_device_id id, cl_device_info what, char *text, size_t size);
void platform_text(cl_platform_id id, cl_platform_info what, char *text, size_t size);

#endif
