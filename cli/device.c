/* Where to compute: an OpenCL device, or the CPU reference. */
#include "device.h"

#include "message.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool wants_reference(const cli_arguments *given) {
    const char *selector = given->values[OPTION_DEVICE];
    if (selector == NULL)
        selector = getenv("CLXENT_DEVICE");
    return selector != NULL && strcmp(selector, "reference") == 0;
}

int check_selector(const cli_command *self, const cli_arguments *given) {
    static const char *const words[] = {"cpu", "gpu", "reference"};
    const char *selector = given->values[OPTION_DEVICE];
    if (selector == NULL || strspn(selector, "0123456789") == strlen(selector))
        return STATUS_OK;
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        if (strcmp(selector, words[i]) == 0)
            return STATUS_OK;
    return complain_usage(
        self->name, "--device is \"%s\", it must be a number of `clxent devices`, cpu, gpu or reference", selector);
}

int complain_opencl(const char *what, cl_int error) {
    return complain("%s failed: %s (%d)", what, clxent_status_string(error), (int)error);
}

static void tidy(cl_int error, char *text, size_t size) {
    if (error != CL_SUCCESS) {
        snprintf(text, size, "unknown");
        return;
    }
    text[size - 1] = '\0';
    size_t begin = strspn(text, " "), end = strlen(text);
    while (end > begin && text[end - 1] == ' ')
        end--;
    memmove(text, text + begin, end - begin);
    text[end - begin] = '\0';
}

void device_text(cl_device_id id, cl_device_info what, char *text, size_t size) {
    tidy(clGetDeviceInfo(id, what, size, text, NULL), text, size);
}

void platform_text(cl_platform_id id, cl_platform_info what, char *text, size_t size) {
    tidy(clGetPlatformInfo(id, what, size, text, NULL), text, size);
}

int device_open(const cli_command *self, const cli_arguments *given, cli_device *device) {
    memset(device, 0, sizeof *device);
    int refusal = check_selector(self, given);
    if (refusal != STATUS_OK)
        return refusal;
    if (wants_reference(given)) {
        device->reference = true;
        snprintf(device->name, sizeof device->name, "CPU reference");
        snprintf(device->platform, sizeof device->platform, "none");
        return STATUS_OK;
    }
    clxent_status status = clxent_find_device(given->values[OPTION_DEVICE], &device->id);
    if (status == CLXENT_SUCCESS)
        status = clxent_context_create(NULL, device->id, &device->context);
    if (status != CLXENT_SUCCESS)
        return complain("%s", clxent_last_error());
    cl_platform_id platform = NULL;
    clGetDeviceInfo(device->id, CL_DEVICE_PLATFORM, sizeof platform, &platform, NULL);
    device_text(device->id, CL_DEVICE_NAME, device->name, sizeof device->name);
    platform_text(platform, CL_PLATFORM_NAME, device->platform, sizeof device->platform);
    return STATUS_OK;
}

int device_ask(cli_device *device) {
    device_facts *facts = &device->facts;
    const struct {
        cl_device_info what;
        size_t size;
        void *value;
    } questions[] = {{CL_DEVICE_TYPE, sizeof facts->type, &facts->type},
                     {CL_DEVICE_MAX_COMPUTE_UNITS, sizeof facts->compute_units, &facts->compute_units},
                     {CL_DEVICE_MAX_WORK_GROUP_SIZE, sizeof facts->max_work_group, &facts->max_work_group},
                     {CL_DEVICE_GLOBAL_MEM_SIZE, sizeof facts->memory, &facts->memory},
                     {CL_DEVICE_GLOBAL_MEM_CACHE_SIZE, sizeof facts->cache, &facts->cache},
                     {CL_DEVICE_MAX_MEM_ALLOC_SIZE, sizeof facts->largest_buffer, &facts->largest_buffer}};
    cl_int error = CL_SUCCESS;
    for (size_t i = 0; i < sizeof questions / sizeof questions[0] && error == CL_SUCCESS; i++)
        error = clGetDeviceInfo(device->id, questions[i].what, questions[i].size, questions[i].value, NULL);
    return error == CL_SUCCESS ? STATUS_OK : complain_opencl("clGetDeviceInfo", error);
}

void device_close(cli_device *device) {
    clxent_context_destroy(device->context);
    device->context = NULL;
}
