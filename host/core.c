/* The part of a context that its plans keep alive. */
#include "core.h"

#include "blob.h"
#include "status.h"

#include <stdlib.h>

static clxent_status check_context_holds(cl_context cl, cl_device_id id) {
    size_t bytes = 0;
    cl_int error = clGetContextInfo(cl, CL_CONTEXT_DEVICES, 0, NULL, &bytes);
    if (error != CL_SUCCESS)
        return clx_fail_cl(error, "clGetContextInfo");
    cl_device_id *ids = malloc(bytes);
    if (ids == NULL)
        return clx_fail(CLXENT_OUT_OF_MEMORY, "no memory to list the %zu devices of a context", bytes / sizeof *ids);
    error = clGetContextInfo(cl, CL_CONTEXT_DEVICES, bytes, ids, NULL);
    bool found = false;
    for (size_t i = 0; i < bytes / sizeof *ids && error == CL_SUCCESS; i++)
        found = found || ids[i] == id;
    free(ids);
    if (error != CL_SUCCESS)
        return clx_fail_cl(error, "clGetContextInfo");
    return found ? CLXENT_SUCCESS : clx_fail(CLXENT_INVALID_ARGUMENT, "the OpenCL context does not hold the device");
}

static clxent_status take_cl_context(clx_core *core, cl_context cl, cl_device_id id) {
    cl_int error = CL_SUCCESS;
    if (cl == NULL) {
        core->cl = clCreateContext(NULL, 1, &id, NULL, NULL, &error);
        return error == CL_SUCCESS ? CLXENT_SUCCESS : clx_fail_cl(error, "clCreateContext");
    }
    clxent_status status = check_context_holds(cl, id);
    if (status != CLXENT_SUCCESS)
        return status;
    error = clRetainContext(cl);
    if (error != CL_SUCCESS)
        return clx_fail_cl(error, "clRetainContext");
    core->cl = cl;
    return CLXENT_SUCCESS;
}

clxent_status clx_core_create(cl_context cl, cl_device_id id, clx_core **core) {
    clx_core *made = calloc(1, sizeof *made);
    if (made == NULL)
        return clx_fail(CLXENT_OUT_OF_MEMORY, "no memory for a context of %zu bytes", sizeof *made);
    if (clx_lock_init(&made->build_lock) != 0) {
        free(made);
        return clx_fail(CLXENT_OUT_OF_MEMORY, "no resources for a mutex");
    }
    atomic_init(&made->references, 1);
    clxent_status status = clx_device_init(&made->device, id);
    if (status == CLXENT_SUCCESS)
        status = take_cl_context(made, cl, id);
    if (status != CLXENT_SUCCESS) {
        clx_core_release(made);
        return status;
    }
    *core = made;
    return CLXENT_SUCCESS;
}

clx_core *clx_core_retain(clx_core *core) {
    atomic_fetch_add(&core->references, 1);
    return core;
}

void clx_core_release(clx_core *core) {
    if (core == NULL || atomic_fetch_sub(&core->references, 1) != 1)
        return;
    clx_programs_release(core->programs);
    clx_blobs_release(core->blobs);
    if (core->cl != NULL)
        clReleaseContext(core->cl);
    clx_lock_destroy(&core->build_lock);
    free(core);
}
