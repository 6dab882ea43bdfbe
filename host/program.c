/* The program cache of a context: puts a program's source together, builds it, keeps it. */
#include "blob.h"
#include "kernel_source.h"
#include "status.h"

#include <stdlib.h>
#include <string.h>

static const char *source_of(const char *name) {
    for (const clx_kernel_source *source = clx_kernel_sources; source->name != NULL; source++)
        if (strcmp(source->name, name) == 0)
            return source->text;
    return NULL;
}

static void append_build_log(cl_program program, cl_device_id id) {
    size_t bytes = 0;
    if (clGetProgramBuildInfo(program, id, CL_PROGRAM_BUILD_LOG, 0, NULL, &bytes) != CL_SUCCESS || bytes == 0)
        return;
    char *log = calloc(bytes + 1, 1);
    if (log != NULL && clGetProgramBuildInfo(program, id, CL_PROGRAM_BUILD_LOG, bytes, log, NULL) == CL_SUCCESS) {
        clx_append_error("\n");
        clx_append_error(log);
    }
    free(log);
}

enum { FILES = 16 };

/* common, storage and layout first, what operations share, the operation, then the engine that calls it, and the
 * reductions. The matrix products have a program of their own. */
static clxent_status find_sources(const clx_program_key *key, const char *texts[FILES], cl_uint *count) {
    const char *rows[] = {"common", "math",   "storage", "layout", "per_row", "transpose", "logit",     "logsumexp",
                          "loss",   "masses", "shard",   key->op,  "row",     "group",     key->engine, "reduce"};
    const char *products[] = {"common", "storage", "transpose", "linear", "product", key->engine};
    const bool is_product = strcmp(key->op, "linear") == 0;
    const char *const *names = is_product ? products : rows;
    *count = is_product ? sizeof products / sizeof products[0] : FILES;
    for (cl_uint i = 0; i < *count; i++) {
        texts[i] = source_of(names[i]);
        if (texts[i] == NULL)
            return clx_fail(CLXENT_BUILD_FAILED, "the kernel file %s.cl is not in this library", names[i]);
    }
    return CLXENT_SUCCESS;
}

uint64_t clx_hash(uint64_t hash, const void *bytes, size_t size) {
    for (size_t i = 0; i < size; i++)
        hash = (hash ^ ((const unsigned char *)bytes)[i]) * UINT64_C(1099511628211);
    return hash;
}

clxent_status clx_program_hash(const clx_program_key *key, uint64_t *hash) {
    const char *texts[FILES];
    cl_uint count = 0;
    clxent_status status = find_sources(key, texts, &count);
    *hash = CLX_HASH_START;
    for (cl_uint i = 0; i < count && status == CLXENT_SUCCESS; i++)
        *hash = clx_hash(*hash, texts[i], strlen(texts[i]));
    return status;
}

static clxent_status build(clx_core *core, const clx_program_key *key, cl_program *program) {
    const char *texts[FILES];
    cl_uint count = 0;
    clxent_status sources = find_sources(key, texts, &count);
    if (sources != CLXENT_SUCCESS)
        return sources;
    cl_int error = CL_SUCCESS;
    cl_program made = clCreateProgramWithSource(core->cl, count, texts, NULL, &error);
    if (error != CL_SUCCESS)
        return clx_fail_cl(error, "clCreateProgramWithSource");
    error = clBuildProgram(made, 1, &core->device.id, key->options, NULL, NULL);
    if (error == CL_SUCCESS) {
        *program = made;
        return CLXENT_SUCCESS;
    }
    clxent_status status = clx_fail_cl(error, "building %s for %s with \"%s\"", key->op, key->engine, key->options);
    if (error == CL_BUILD_PROGRAM_FAILURE) {
        append_build_log(made, core->device.id);
        status = CLXENT_BUILD_FAILED;
    }
    clReleaseProgram(made);
    return status;
}

bool clx_same_key(const clx_program_key *a, const clx_program_key *b) {
    return strcmp(a->engine, b->engine) == 0 && strcmp(a->op, b->op) == 0 && strcmp(a->options, b->options) == 0;
}

/* Under build_lock. */
static clxent_status find_or_build(clx_core *core, const clx_program_key *key, clx_program **program, unsigned *built) {
    for (clx_program *entry = core->programs; entry != NULL; entry = entry->next) {
        if (clx_same_key(&entry->key, key)) {
            *program = entry;
            return CLXENT_SUCCESS;
        }
    }
    clx_program *entry = calloc(1, sizeof *entry);
    if (entry == NULL)
        return clx_fail(CLXENT_OUT_OF_MEMORY, "no memory for a program entry of %zu bytes", sizeof *entry);
    entry->cl = clx_blob_take(core, key);
    const bool builds = entry->cl == NULL;
    clxent_status status = builds ? build(core, key, &entry->cl) : CLXENT_SUCCESS;
    if (status != CLXENT_SUCCESS) {
        free(entry);
        return status;
    }
    entry->key = *key;
    entry->next = core->programs;
    core->programs = entry;
    *program = entry;
    *built += builds;
    return CLXENT_SUCCESS;
}

clxent_status clx_program_get(clx_core *core, const clx_program_key *key, clx_program **program, unsigned *built) {
    clx_lock_acquire(&core->build_lock);
    clxent_status status = find_or_build(core, key, program, built);
    clx_lock_release(&core->build_lock);
    return status;
}

void clx_programs_release(clx_program *programs) {
    while (programs != NULL) {
        clx_program *next = programs->next;
        clReleaseProgram(programs->cl);
        free(programs);
        programs = next;
    }
}
