/* Empty kernels that take as many arguments as those of the library. */
#include "bench_empty.h"

#include <stdbool.h>
#include <stdio.h>

/* Buffers with an offset each, then numbers. */
static const int pairs[EMPTY_KINDS] = {13, 10}, numbers[EMPTY_KINDS] = {13, 10};

static cl_int build(bench_empty *empty, cl_context cl, cl_device_id device, empty_kind kind) {
    char source[2048];
    int length = snprintf(source, sizeof source, "__kernel void empty(");
    for (int i = 0; i < pairs[kind]; i++)
        length += snprintf(source + length, sizeof source - (size_t)length, "__global int *b%d, ulong at%d, ", i, i);
    for (int i = 0; i < numbers[kind]; i++)
        length += snprintf(source + length, sizeof source - (size_t)length, "ulong n%d%s", i,
                           i + 1 < numbers[kind] ? ", " : ") { if (n0) b0[at0] = 1; }");
    const char *text = source;
    cl_int error = CL_SUCCESS;
    empty->programs[kind] = clCreateProgramWithSource(cl, 1, &text, NULL, &error);
    if (error == CL_SUCCESS)
        error = clBuildProgram(empty->programs[kind], 1, &device, "", NULL, NULL);
    if (error == CL_SUCCESS)
        empty->kernels[kind] = clCreateKernel(empty->programs[kind], "empty", &error);
    const cl_ulong zero = 0;
    const cl_mem none = NULL;
    for (int i = 0; i < 2 * pairs[kind] + numbers[kind] && error == CL_SUCCESS; i++) {
        bool buffer = i < 2 * pairs[kind] && i % 2 == 0;
        error = clSetKernelArg(empty->kernels[kind], (cl_uint)i, buffer ? sizeof none : sizeof zero,
                               buffer ? (const void *)&none : (const void *)&zero);
    }
    return error;
}

cl_int bench_empty_open(bench_empty *empty, cl_context cl, cl_device_id device) {
    cl_int error = CL_SUCCESS;
    for (empty_kind kind = 0; kind < EMPTY_KINDS && error == CL_SUCCESS; kind++)
        error = build(empty, cl, device, kind);
    return error;
}

void bench_empty_close(bench_empty *empty) {
    for (empty_kind kind = 0; kind < EMPTY_KINDS; kind++) {
        if (empty->kernels[kind] != NULL)
            clReleaseKernel(empty->kernels[kind]);
        if (empty->programs[kind] != NULL)
            clReleaseProgram(empty->programs[kind]);
    }
}

cl_int bench_empty_launch(const bench_empty *empty, empty_kind kind, cl_command_queue queue, int buffers,
                          const cl_mem *memory, const cl_event *after) {
    const size_t one = 1;
    const cl_ulong offset = 0;
    cl_int error = CL_SUCCESS;
    for (int i = 0; i < buffers && error == CL_SUCCESS; i++) {
        error = clSetKernelArg(empty->kernels[kind], 2 * (cl_uint)i, sizeof(cl_mem), &memory[i]);
        if (error == CL_SUCCESS)
            error = clSetKernelArg(empty->kernels[kind], 2 * (cl_uint)i + 1, sizeof offset, &offset);
    }
    if (error == CL_SUCCESS)
        error = clEnqueueNDRangeKernel(queue, empty->kernels[kind], 1, NULL, &one, &one, after != NULL, after, NULL);
    return error;
}
