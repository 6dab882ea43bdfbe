/* Status codes and the sentence of the last failure, kept per thread. */
#include "status.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define SENTENCE_SIZE 16384

static _Thread_local char sentence[SENTENCE_SIZE];

static const struct {
    clxent_status status;
    const char *name;
} names[] = {
#define NAME(code)                                                                                                     \
    { code, #code }
    NAME(CLXENT_SUCCESS),
    NAME(CLXENT_INVALID_ARGUMENT),
    NAME(CLXENT_INVALID_SHAPE),
    NAME(CLXENT_INVALID_OPTION),
    NAME(CLXENT_MISSING_BUFFER),
    NAME(CLXENT_INVALID_BUFFER),
    NAME(CLXENT_BUFFER_TOO_SMALL),
    NAME(CLXENT_INVALID_QUEUE),
    NAME(CLXENT_INVALID_TARGET),
    NAME(CLXENT_UNSUPPORTED),
    NAME(CLXENT_NO_DEVICE),
    NAME(CLXENT_OUT_OF_MEMORY),
    NAME(CLXENT_BUILD_FAILED),
    NAME(CLXENT_INVALID_INPUT),
    NAME(CLXENT_MPI_FAILED),
    NAME(CL_DEVICE_NOT_FOUND),
    NAME(CL_DEVICE_NOT_AVAILABLE),
    NAME(CL_COMPILER_NOT_AVAILABLE),
    NAME(CL_MEM_OBJECT_ALLOCATION_FAILURE),
    NAME(CL_OUT_OF_RESOURCES),
    NAME(CL_OUT_OF_HOST_MEMORY),
    NAME(CL_PROFILING_INFO_NOT_AVAILABLE),
    NAME(CL_MEM_COPY_OVERLAP),
    NAME(CL_IMAGE_FORMAT_MISMATCH),
    NAME(CL_IMAGE_FORMAT_NOT_SUPPORTED),
    NAME(CL_BUILD_PROGRAM_FAILURE),
    NAME(CL_MAP_FAILURE),
    NAME(CL_MISALIGNED_SUB_BUFFER_OFFSET),
    NAME(CL_EXEC_STATUS_ERROR_FOR_EVENTS_IN_WAIT_LIST),
    NAME(CL_COMPILE_PROGRAM_FAILURE),
    NAME(CL_LINKER_NOT_AVAILABLE),
    NAME(CL_LINK_PROGRAM_FAILURE),
    NAME(CL_DEVICE_PARTITION_FAILED),
    NAME(CL_KERNEL_ARG_INFO_NOT_AVAILABLE),
    NAME(CL_INVALID_VALUE),
    NAME(CL_INVALID_DEVICE_TYPE),
    NAME(CL_INVALID_PLATFORM),
    NAME(CL_INVALID_DEVICE),
    NAME(CL_INVALID_CONTEXT),
    NAME(CL_INVALID_QUEUE_PROPERTIES),
    NAME(CL_INVALID_COMMAND_QUEUE),
    NAME(CL_INVALID_HOST_PTR),
    NAME(CL_INVALID_MEM_OBJECT),
    NAME(CL_INVALID_IMAGE_FORMAT_DESCRIPTOR),
    NAME(CL_INVALID_IMAGE_SIZE),
    NAME(CL_INVALID_SAMPLER),
    NAME(CL_INVALID_BINARY),
    NAME(CL_INVALID_BUILD_OPTIONS),
    NAME(CL_INVALID_PROGRAM),
    NAME(CL_INVALID_PROGRAM_EXECUTABLE),
    NAME(CL_INVALID_KERNEL_NAME),
    NAME(CL_INVALID_KERNEL_DEFINITION),
    NAME(CL_INVALID_KERNEL),
    NAME(CL_INVALID_ARG_INDEX),
    NAME(CL_INVALID_ARG_VALUE),
    NAME(CL_INVALID_ARG_SIZE),
    NAME(CL_INVALID_KERNEL_ARGS),
    NAME(CL_INVALID_WORK_DIMENSION),
    NAME(CL_INVALID_WORK_GROUP_SIZE),
    NAME(CL_INVALID_WORK_ITEM_SIZE),
    NAME(CL_INVALID_GLOBAL_OFFSET),
    NAME(CL_INVALID_EVENT_WAIT_LIST),
    NAME(CL_INVALID_EVENT),
    NAME(CL_INVALID_OPERATION),
    NAME(CL_INVALID_GL_OBJECT),
    NAME(CL_INVALID_BUFFER_SIZE),
    NAME(CL_INVALID_MIP_LEVEL),
    NAME(CL_INVALID_GLOBAL_WORK_SIZE),
    NAME(CL_INVALID_PROPERTY),
    NAME(CL_INVALID_IMAGE_DESCRIPTOR),
    NAME(CL_INVALID_COMPILER_OPTIONS),
    NAME(CL_INVALID_LINKER_OPTIONS),
    NAME(CL_INVALID_DEVICE_PARTITION_COUNT),
    {-1001, "CL_PLATFORM_NOT_FOUND_KHR"},
#undef NAME
};

const char *clxent_status_string(clxent_status status) {
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (names[i].status == status)
            return names[i].name;
    return "unknown status";
}

const char *clxent_last_error(void) {
    return sentence;
}

void clxent_set_last_error(const char *text) {
    const size_t length = text == NULL ? 0 : strlen(text),
                 kept = length < sizeof sentence ? length : sizeof sentence - 1;
    memmove(sentence, text == NULL ? "" : text, kept);
    sentence[kept] = '\0';
}

clxent_status clx_fail(clxent_status status, const char *format, ...) {
    va_list values;
    va_start(values, format);
    vsnprintf(sentence, sizeof sentence, format, values);
    va_end(values);
    return status;
}

clxent_status clx_fail_cl(cl_int error, const char *format, ...) {
    va_list values;
    va_start(values, format);
    vsnprintf(sentence, sizeof sentence, format, values);
    va_end(values);
    char reason[80];
    snprintf(reason, sizeof reason, " failed: %s (%d)", clxent_status_string(error), (int)error);
    clx_append_error(reason);
    return error;
}

clxent_status clx_fail_handle(clxent_status refusal, cl_int error, const char *name, const char *type) {
    if (error == CL_OUT_OF_RESOURCES || error == CL_OUT_OF_HOST_MEMORY)
        return clx_fail_cl(error, "looking at %s", name);
    return clx_fail(refusal, "%s is not a valid %s: %s (%d)", name, type, clxent_status_string(error), (int)error);
}

void clx_append_error(const char *text) {
    size_t used = strlen(sentence);
    snprintf(sentence + used, sizeof sentence - used, "%s", text);
}

#define TEXT_OF(token) #token
#define VERSION_TEXT(major, minor, patch) TEXT_OF(major) "." TEXT_OF(minor) "." TEXT_OF(patch)

const char *clxent_version(void) {
    return VERSION_TEXT(CLXENT_VERSION_MAJOR, CLXENT_VERSION_MINOR, CLXENT_VERSION_PATCH);
}
