/* Program blobs: made from a program, checked and kept until a plan wants the program. */
#include "blob.h"

#include "status.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct clx_blob {
    clx_blob *next;
    clx_program_key key;
    size_t size; /* of the binary */
    unsigned char binary[];
};

static const char magic[16] = "clxent blob 1\n";

uint64_t clx_blob_checksum(const void *blob, size_t size) {
    const size_t at = offsetof(clx_blob_header, checksum) + sizeof(uint64_t);
    return clx_hash(CLX_HASH_START, (const unsigned char *)blob + at, size - at);
}

/* ---- what a blob is for ---- */

/* "3.1, OpenCL 3.0 ..., OpenCL 3.0 ...": programs are good for the driver that made them alone. */
static clxent_status describe_driver(cl_device_id id, char *text, size_t size) {
    char driver[128] = "", device[128] = "", platform_version[128] = "";
    cl_platform_id platform = NULL;
    cl_int error = clGetDeviceInfo(id, CL_DRIVER_VERSION, sizeof driver - 1, driver, NULL);
    if (error == CL_SUCCESS)
        error = clGetDeviceInfo(id, CL_DEVICE_VERSION, sizeof device - 1, device, NULL);
    if (error == CL_SUCCESS)
        error = clGetDeviceInfo(id, CL_DEVICE_PLATFORM, sizeof platform, &platform, NULL);
    if (error == CL_SUCCESS)
        error = clGetPlatformInfo(platform, CL_PLATFORM_VERSION, sizeof platform_version - 1, platform_version, NULL);
    if (error != CL_SUCCESS)
        return clx_fail_cl(error, "asking for the versions of the driver");
    snprintf(text, size, "%s, %s, %s", driver, device, platform_version);
    return CLXENT_SUCCESS;
}

/* All of it but checksum and size. */
static clxent_status fill_header(const clx_core *core, const clx_program_key *key, clx_blob_header *header) {
    memset(header, 0, sizeof *header);
    memcpy(header->magic, magic, sizeof magic);
    snprintf(header->library, sizeof header->library, "%s", clxent_version());
    header->key = *key;
    cl_int error = clGetDeviceInfo(core->device.id, CL_DEVICE_NAME, sizeof header->device - 1, header->device, NULL);
    if (error != CL_SUCCESS)
        return clx_fail_cl(error, "asking for the name of the device");
    clxent_status status = describe_driver(core->device.id, header->driver, sizeof header->driver);
    return status == CLXENT_SUCCESS ? clx_program_hash(key, &header->sources) : status;
}

/* ---- making one ---- */

/* Where a program has more devices than the one that it was built for, the others have no binary. */
typedef struct binaries {
    size_t count, ours;
    cl_device_id *devices;
    size_t *sizes;
    unsigned char **places;
} binaries;

static clxent_status find_binary(cl_program program, cl_device_id id, binaries *b) {
    cl_uint count = 0;
    cl_int error = clGetProgramInfo(program, CL_PROGRAM_NUM_DEVICES, sizeof count, &count, NULL);
    if (error != CL_SUCCESS)
        return clx_fail_cl(error, "clGetProgramInfo");
    b->count = count;
    b->devices = calloc(count, sizeof *b->devices);
    b->sizes = calloc(count, sizeof *b->sizes);
    b->places = calloc(count, sizeof *b->places);
    if (b->devices == NULL || b->sizes == NULL || b->places == NULL)
        return clx_fail(CLXENT_OUT_OF_MEMORY, "no memory for the list of a program's %zu binaries", b->count);
    error = clGetProgramInfo(program, CL_PROGRAM_DEVICES, count * sizeof *b->devices, b->devices, NULL);
    if (error == CL_SUCCESS)
        error = clGetProgramInfo(program, CL_PROGRAM_BINARY_SIZES, count * sizeof *b->sizes, b->sizes, NULL);
    if (error != CL_SUCCESS)
        return clx_fail_cl(error, "clGetProgramInfo");
    while (b->ours < b->count && b->devices[b->ours] != id)
        b->ours++;
    if (b->ours == b->count || b->sizes[b->ours] == 0)
        return clx_fail(CLXENT_UNSUPPORTED, "the driver gives no binary of its programs");
    return CLXENT_SUCCESS;
}

static clxent_status write_blob(clx_core *core, const clx_program *program, binaries *b, unsigned char *blob) {
    clx_blob_header header;
    clxent_status status = fill_header(core, &program->key, &header);
    if (status != CLXENT_SUCCESS)
        return status;
    b->places[b->ours] = blob + sizeof header;
    cl_int error = clGetProgramInfo(program->cl, CL_PROGRAM_BINARIES, b->count * sizeof *b->places, b->places, NULL);
    if (error != CL_SUCCESS)
        return clx_fail_cl(error, "clGetProgramInfo of a binary of %zu bytes", b->sizes[b->ours]);
    header.size = sizeof header + b->sizes[b->ours];
    memcpy(blob, &header, sizeof header);
    header.checksum = clx_blob_checksum(blob, header.size);
    memcpy(blob, &header, sizeof header);
    return CLXENT_SUCCESS;
}

clxent_status clx_blob_get(clx_core *core, const clx_program *program, size_t size, void *blob, size_t *needed) {
    binaries b = {0};
    clx_lock_acquire(&core->build_lock); /* a driver may compile for this */
    clxent_status status = find_binary(program->cl, core->device.id, &b);
    if (status == CLXENT_SUCCESS) {
        *needed = sizeof(clx_blob_header) + b.sizes[b.ours];
        if (blob != NULL && size < *needed)
            status = clx_fail(CLXENT_BUFFER_TOO_SMALL, "the blob has %zu bytes, there is room for %zu", *needed, size);
        else if (blob != NULL)
            status = write_blob(core, program, &b, blob);
    }
    clx_lock_release(&core->build_lock);
    free(b.devices);
    free(b.sizes);
    free(b.places);
    return status;
}

/* ---- taking one back ---- */

static bool is_text(const char *text, size_t size) {
    return memchr(text, '\0', size) != NULL;
}

static clxent_status check_whole(const clx_blob_header *header, const void *blob, size_t size) {
    if (memcmp(header->magic, magic, sizeof magic) != 0)
        return clx_fail(CLXENT_INVALID_ARGUMENT, "the %zu bytes are no program blob of this library's format", size);
    if (header->size != size)
        return clx_fail(CLXENT_INVALID_ARGUMENT, "the blob has %zu bytes, by its header it should have %llu", size,
                        (unsigned long long)header->size);
    if (header->checksum != clx_blob_checksum(blob, size))
        return clx_fail(CLXENT_INVALID_ARGUMENT, "the blob of %zu bytes is damaged: its checksum is wrong", size);
    if (!is_text(header->library, sizeof header->library) || !is_text(header->device, sizeof header->device) ||
        !is_text(header->driver, sizeof header->driver) || !is_text(header->key.engine, sizeof header->key.engine) ||
        !is_text(header->key.op, sizeof header->key.op) || !is_text(header->key.options, sizeof header->key.options))
        return clx_fail(CLXENT_INVALID_ARGUMENT, "the header of the blob has a text without an end");
    return CLXENT_SUCCESS;
}

static clxent_status check_origin(const clx_core *core, const clx_blob_header *header) {
    clx_blob_header here;
    if (strcmp(header->library, clxent_version()) != 0)
        return clx_fail(CLXENT_UNSUPPORTED, "the blob was made by clxent %s, this is %s", header->library,
                        clxent_version());
    clxent_status status = fill_header(core, &header->key, &here);
    if (status != CLXENT_SUCCESS)
        return status;
    if (strcmp(header->device, here.device) != 0)
        return clx_fail(CLXENT_UNSUPPORTED, "the blob was made for the device \"%s\", this is \"%s\"", header->device,
                        here.device);
    if (strcmp(header->driver, here.driver) != 0)
        return clx_fail(CLXENT_UNSUPPORTED, "the blob was made by the driver \"%s\", this is \"%s\"", header->driver,
                        here.driver);
    if (header->sources != here.sources)
        return clx_fail(CLXENT_UNSUPPORTED, "the blob was made from other kernels than those of this library");
    return CLXENT_SUCCESS;
}

clxent_status clx_blob_add(clx_core *core, const void *blob, size_t size) {
    clx_blob_header header;
    if (size <= sizeof header)
        return clx_fail(CLXENT_INVALID_ARGUMENT, "the blob has %zu bytes, its header alone would have %zu", size,
                        sizeof header);
    memcpy(&header, blob, sizeof header);
    clxent_status status = check_whole(&header, blob, size);
    if (status == CLXENT_SUCCESS)
        status = check_origin(core, &header);
    if (status != CLXENT_SUCCESS)
        return status;
    const size_t bytes = size - sizeof header;
    clx_blob *kept = malloc(sizeof *kept + bytes);
    if (kept == NULL)
        return clx_fail(CLXENT_OUT_OF_MEMORY, "no memory for a binary of %zu bytes", bytes);
    kept->key = header.key;
    kept->size = bytes;
    memcpy(kept->binary, (const unsigned char *)blob + sizeof header, bytes);
    clx_lock_acquire(&core->build_lock);
    kept->next = core->blobs;
    core->blobs = kept;
    clx_lock_release(&core->build_lock);
    return CLXENT_SUCCESS;
}

/* NULL where the driver does not take it. */
static cl_program load(const clx_core *core, const clx_blob *blob) {
    const unsigned char *binary = blob->binary;
    cl_int accepted = CL_SUCCESS, error = CL_SUCCESS;
    cl_program made = clCreateProgramWithBinary(core->cl, 1, &core->device.id, &blob->size, &binary, &accepted, &error);
    if (error != CL_SUCCESS || made == NULL)
        return NULL;
    size_t kernels = 0;
    if (accepted == CL_SUCCESS &&
        clBuildProgram(made, 1, &core->device.id, blob->key.options, NULL, NULL) == CL_SUCCESS &&
        clGetProgramInfo(made, CL_PROGRAM_NUM_KERNELS, sizeof kernels, &kernels, NULL) == CL_SUCCESS && kernels > 0)
        return made;
    clReleaseProgram(made);
    return NULL;
}

cl_program clx_blob_take(clx_core *core, const clx_program_key *key) {
    for (clx_blob **at = &core->blobs; *at != NULL; at = &(*at)->next) {
        clx_blob *blob = *at;
        if (!clx_same_key(&blob->key, key))
            continue;
        cl_program made = load(core, blob);
        *at = blob->next;
        free(blob);
        return made;
    }
    return NULL;
}

void clx_blobs_release(clx_blob *blobs) {
    while (blobs != NULL) {
        clx_blob *next = blobs->next;
        free(blobs);
        blobs = next;
    }
}
