/* Program blobs: a compiled program with what it was compiled from and for, as bytes that a caller may keep.
 *
 * A blob is a header and the driver's binary. It serves the same machine again, so numbers are stored as they lie in
 * memory; a blob from elsewhere fails the checks below, the first of which is a checksum of all its bytes. */
#ifndef CLX_BLOB_H
#define CLX_BLOB_H

#include "program.h"

typedef struct clx_blob_header {
    char magic[16];
    uint64_t checksum; /* clx_blob_checksum */
    uint64_t size;     /* of the blob in bytes */
    uint64_t sources;  /* clx_program_hash */
    char library[16];  /* clxent_version */
    char device[256];  /* CL_DEVICE_NAME */
    char driver[256];  /* versions of driver, device and platform */
    clx_program_key key;
} clx_blob_header;

/* Over all bytes behind `checksum` itself. `size` is at least that of a header. */
uint64_t clx_blob_checksum(const void *blob, size_t size);

/* The blob of a program, as clxent_plan_get_blob gives it. */
clxent_status clx_blob_get(clx_core *core, const clx_program *program, size_t size, void *blob, size_t *needed);

/* Checks a blob and keeps a copy of it for clx_blob_take. */
clxent_status clx_blob_add(clx_core *core, const void *blob, size_t size);

/* The program for a key from a blob that was added, or NULL where there is none, or where the driver rejects it; the
 * blob is gone then, either way. Under build_lock. */
cl_program clx_blob_take(clx_core *core, const clx_program_key *key);

void clx_blobs_release(clx_blob *blobs);

#endif
