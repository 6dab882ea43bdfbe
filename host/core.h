/* The part of a context that its plans keep alive: the OpenCL context, the device, the programs built for it. */
#ifndef CLX_CORE_H
#define CLX_CORE_H

#include "device.h"
#include "lock.h"

#include <stdatomic.h>

typedef struct clx_program clx_program;
typedef struct clx_blob clx_blob;

typedef struct clx_core {
    atomic_size_t references;
    cl_context cl;
    clx_device device;
    clx_lock build_lock;   /* held while looking for a program and while building one: builds are serialised */
    clx_program *programs; /* guarded by build_lock; entries are only ever added */
    clx_blob *blobs;       /* guarded by build_lock; programs that a caller brought and no plan has wanted yet */
} clx_core;

/* Takes `cl`, or makes an OpenCL context where it is NULL. The caller has the first reference. */
clxent_status clx_core_create(cl_context cl, cl_device_id id, clx_core **core);
clx_core *clx_core_retain(clx_core *core);
void clx_core_release(clx_core *core);

#endif
