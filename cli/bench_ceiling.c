/* The ceilings: building their kernels for a device, and launching them. */
#include "bench_ceiling.h"

#include "bench.h"
#include "bench_ceiling_source.h"
#include "message.h"

#include <stdio.h>
#include <string.h>

/* What a work-item does differently; the names end those of the kernels. */
static const struct {
    const char *name;
    size_t streams, unroll;
    bool reads, writes; /* is there a kernel that only reads, and one that writes? */
    bool cores, pocl;   /* only where a core runs a whole work-item; only on PoCL */
} variants[BENCH_VARIANTS] = {
    {"1", 1, 8, true, true, false, false},
    {"2", 2, 2, true, true, true, false},
    {"4", 4, 2, true, true, true, false},
    {"fetched_1", 1, 8, true, true, true, true},     /* loads ahead by software */
    {"fetched_4", 4, 2, true, false, true, true},    /* likewise */
    {"past_cache_1", 1, 8, false, true, true, true}, /* stores that do not read the line first */
    {"past_cache_2", 2, 8, false, true, true, true}, /* likewise */
};

static const char *const motion_names[BENCH_MOTIONS] = {[BENCH_READ] = "read",
                                                        [BENCH_READ_TWO] = "read_two",
                                                        [BENCH_COPY] = "copy",
                                                        [BENCH_COPY_TWO] = "copy_two",
                                                        [BENCH_WRITE] = "write"};

static bool is_pocl(const cli_device *device) {
    return strcmp(device->platform, "Portable Computing Language") == 0;
}

/* Does one of the processor's cores run a whole work-item, vectors and all? Mesa's llvmpipe calls itself a CPU but runs
 * work-items in the lanes, as GPUs do. */
static bool runs_vectors(const cli_device *device) {
    return (device->facts.type & CL_DEVICE_TYPE_CPU) != 0 && strncmp(device->name, "llvmpipe", strlen("llvmpipe")) != 0;
}

static cl_int make_kernels(bench_ceiling *ceiling, bool cores, bool pocl) {
    cl_int error = CL_SUCCESS;
    ceiling->empty = clCreateKernel(ceiling->program, "empty", &error);
    for (size_t motion = 0; motion < BENCH_MOTIONS; motion++)
        for (size_t i = 0; i < BENCH_VARIANTS && error == CL_SUCCESS; i++) {
            char name[64];
            bool here = (cores || !variants[i].cores) && (pocl || !variants[i].pocl);
            if (!here || !(motion <= BENCH_READ_TWO ? variants[i].reads : variants[i].writes))
                continue;
            snprintf(name, sizeof name, "%s_%s", motion_names[motion], variants[i].name);
            ceiling->kernels[motion][i] = clCreateKernel(ceiling->program, name, &error);
        }
    return error;
}

static cl_int build(bench_ceiling *ceiling, cl_context context, const cli_device *device) {
    cl_int error = CL_SUCCESS;
    bool vectors = runs_vectors(device), pocl = vectors && is_pocl(device);
    const size_t units = device->facts.compute_units, most = device->facts.max_work_group;
    ceiling->group = vectors ? 1 : most < 256 ? most : 256; /* a CPU spreads groups over its cores */
    ceiling->items = vectors ? units * 16 : units * 8 * ceiling->group;
    ceiling->vector = vectors ? 64 : 16;
    char build_options[80];
    snprintf(build_options, sizeof build_options, "-D WIDTH=%zu -D STRIDED=%d%s", ceiling->vector / sizeof(cl_uint),
             !vectors, pocl ? " -D POCL" : "");
    const char *text = bench_ceiling_source;
    ceiling->sums = clCreateBuffer(context, CL_MEM_READ_WRITE, ceiling->items * sizeof(cl_uint), NULL, &error);
    if (error == CL_SUCCESS)
        ceiling->program = clCreateProgramWithSource(context, 1, &text, NULL, &error);
    if (error == CL_SUCCESS)
        error = clBuildProgram(ceiling->program, 1, &device->id, build_options, NULL, NULL);
    return error == CL_SUCCESS ? make_kernels(ceiling, vectors, pocl) : error;
}

int bench_ceiling_open(bench_ceiling *ceiling, cl_context context, const cli_device *device) {
    *ceiling = (bench_ceiling){0};
    cl_int error = build(ceiling, context, device);
    if (error == CL_SUCCESS)
        return STATUS_OK;
    bench_ceiling_close(ceiling);
    return complain_opencl("building the kernels that measure the ceilings", error);
}

void bench_ceiling_close(bench_ceiling *ceiling) {
    for (size_t motion = 0; motion < BENCH_MOTIONS; motion++)
        for (size_t i = 0; i < BENCH_VARIANTS; i++)
            if (ceiling->kernels[motion][i] != NULL)
                clReleaseKernel(ceiling->kernels[motion][i]);
    if (ceiling->empty != NULL)
        clReleaseKernel(ceiling->empty);
    if (ceiling->program != NULL)
        clReleaseProgram(ceiling->program);
    if (ceiling->sums != NULL)
        clReleaseMemObject(ceiling->sums);
    *ceiling = (bench_ceiling){0};
}

cl_int bench_ceiling_enqueue(const bench_ceiling *ceiling, cl_command_queue queue, bench_motion motion, size_t variant,
                             const bench_span *span) {
    /* Every argument must be a buffer, used or not. */
    cl_mem second = span->second != NULL ? span->second : span->first;
    cl_mem result = span->result != NULL ? span->result : span->first;
    cl_ulong start = span->offset / ceiling->vector, vectors = span->bytes / ceiling->vector;
    cl_uint factor = 1;
    const struct {
        size_t size;
        const void *value;
    } arguments[] = {{sizeof span->first, &span->first},
                     {sizeof second, &second},
                     {sizeof result, &result},
                     {sizeof start, &start},
                     {sizeof vectors, &vectors},
                     {sizeof factor, &factor},
                     {sizeof ceiling->sums, &ceiling->sums}};
    cl_kernel kernel = ceiling->kernels[motion][variant];
    cl_int error = CL_SUCCESS;
    for (cl_uint i = 0; i < sizeof arguments / sizeof arguments[0] && error == CL_SUCCESS; i++)
        error = clSetKernelArg(kernel, i, arguments[i].size, arguments[i].value);
    if (error != CL_SUCCESS)
        return error;
    return clEnqueueNDRangeKernel(queue, kernel, 1, NULL, &ceiling->items, &ceiling->group, 0, NULL, NULL);
}

size_t bench_ceiling_bytes(const bench_ceiling *ceiling, size_t variant, size_t bytes) {
    size_t at_once = ceiling->items * variants[variant].streams * variants[variant].unroll * ceiling->vector;
    return bytes / at_once * at_once;
}
