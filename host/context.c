/* Contexts: made from a device, with or without an OpenCL context of the caller's. */
#include "context.h"

#include "blob.h"
#include "status.h"

#include <stdlib.h>

clxent_status clxent_context_create(cl_context cl, cl_device_id device, clxent_context **context) {
    if (device == NULL || context == NULL)
        return clx_fail(CLXENT_INVALID_ARGUMENT, "%s is null", device == NULL ? "device" : "context");
    clxent_context *made = calloc(1, sizeof *made);
    if (made == NULL)
        return clx_fail(CLXENT_OUT_OF_MEMORY, "no memory for a context of %zu bytes", sizeof *made);
    clxent_status status = clx_core_create(cl, device, &made->core);
    if (status == CLXENT_SUCCESS)
        status = clx_runner_init(&made->runner);
    if (status != CLXENT_SUCCESS) {
        clx_core_release(made->core);
        free(made);
        return status;
    }
    *context = made;
    return CLXENT_SUCCESS;
}

clxent_status clxent_context_create_default(clxent_context **context) {
    cl_device_id device = NULL;
    clxent_status status = clxent_find_device(NULL, &device);
    return status == CLXENT_SUCCESS ? clxent_context_create(NULL, device, context) : status;
}

clxent_status clxent_context_get(clxent_context *context, cl_context *cl, cl_device_id *device) {
    if (context == NULL)
        return clx_fail(CLXENT_INVALID_ARGUMENT, "context is null");
    if (cl != NULL)
        *cl = context->core->cl;
    if (device != NULL)
        *device = context->core->device.id;
    return CLXENT_SUCCESS;
}

clxent_status clxent_context_add_blob(clxent_context *context, const void *blob, size_t size) {
    if (context == NULL || blob == NULL)
        return clx_fail(CLXENT_INVALID_ARGUMENT, "%s is null", context == NULL ? "context" : "blob");
    return clx_blob_add(context->core, blob, size);
}

void clxent_context_destroy(clxent_context *context) {
    if (context == NULL)
        return;
    clx_runner_destroy(&context->runner);
    clx_core_release(context->core);
    free(context);
}
