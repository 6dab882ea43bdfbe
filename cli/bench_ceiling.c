/* The ceilings: a kernel that reads and adds, one that reads, scales and writes. Both as plain and as wide as the
 * device likes it, so that nothing but memory holds them up. */
#include "bench_ceiling.h"

#include "message.h"

static const char source[] =
    "#ifdef __clang__\n"
    "#pragma clang diagnostic ignored \"-Wpsabi\"\n" /* vectors wider than the machine's are meant */
    "#endif\n"
    "#define JOIN_(a, b) a##b\n"
    "#define JOIN(a, b) JOIN_(a, b)\n"
    "typedef JOIN(float, WIDTH) wide;\n"
    "#define LOAD(i) JOIN(vload, WIDTH)(i, from)\n"
    "__kernel void read_and_add(__global const float *from, ulong vectors, ulong strided, __global float *to) {\n"
    "    ulong items = get_global_size(0), item = get_global_id(0), share = (vectors + items - 1) / items;\n"
    "    ulong first = strided ? item : item * share, step = strided ? items : 1;\n"
    "    ulong end = strided ? vectors : min(first + share, vectors), i = first;\n"
    "    wide s0 = 0, s1 = 0, s2 = 0, s3 = 0;\n"
    "    for (; i + 3 * step < end; i += 4 * step) {\n"
    "        s0 += LOAD(i);\n"
    "        s1 += LOAD(i + step);\n"
    "        s2 += LOAD(i + 2 * step);\n"
    "        s3 += LOAD(i + 3 * step);\n"
    "    }\n"
    "    for (; i < end; i += step)\n"
    "        s0 += LOAD(i);\n"
    "    float sum[WIDTH], all = 0;\n"
    "    JOIN(vstore, WIDTH)((s0 + s1) + (s2 + s3), 0, sum);\n"
    "    for (int lane = 0; lane < WIDTH; lane++)\n"
    "        all += sum[lane];\n"
    "    to[item] = all;\n"
    "}\n"
    "__kernel void scale_and_copy(__global const float *from, ulong vectors, ulong strided, __global float *to) {\n"
    "    ulong items = get_global_size(0), item = get_global_id(0), share = (vectors + items - 1) / items;\n"
    "    ulong first = strided ? item : item * share, step = strided ? items : 1;\n"
    "    ulong end = strided ? vectors : min(first + share, vectors);\n"
    "    for (ulong i = first; i < end; i += step)\n"
    "        JOIN(vstore, WIDTH)(2.0f * LOAD(i), i, to);\n"
    "}\n";

#define WIDTH_CPU 16
#define WIDTH_GPU 4
#define GROUP_GPU 256

static int refuse(const char *what, cl_int error) {
    return complain("%s failed: %s (%d)", what, clxent_status_string(error), (int)error);
}

int bench_ceiling_open(bench_ceiling *ceiling, cl_context context, cl_device_id device) {
    *ceiling = (bench_ceiling){0};
    cl_device_type type = 0;
    cl_uint units = 1;
    cl_int error = clGetDeviceInfo(device, CL_DEVICE_TYPE, sizeof type, &type, NULL);
    if (error == CL_SUCCESS)
        error = clGetDeviceInfo(device, CL_DEVICE_MAX_COMPUTE_UNITS, sizeof units, &units, NULL);
    if (error != CL_SUCCESS)
        return refuse("clGetDeviceInfo", error);
    ceiling->strided = (type & CL_DEVICE_TYPE_CPU) == 0;
    ceiling->items = (size_t)units * (ceiling->strided ? 2048 : 8);
    const char *text = source;
    ceiling->program = clCreateProgramWithSource(context, 1, &text, NULL, &error);
    if (error == CL_SUCCESS)
        error =
            clBuildProgram(ceiling->program, 1, &device, ceiling->strided ? "-D WIDTH=4" : "-D WIDTH=16", NULL, NULL);
    if (error == CL_SUCCESS)
        ceiling->read = clCreateKernel(ceiling->program, "read_and_add", &error);
    if (error == CL_SUCCESS)
        ceiling->copy = clCreateKernel(ceiling->program, "scale_and_copy", &error);
    if (error == CL_SUCCESS)
        return STATUS_OK;
    bench_ceiling_close(ceiling);
    return refuse("building the kernels that measure the ceilings", error);
}

void bench_ceiling_close(bench_ceiling *ceiling) {
    if (ceiling->read != NULL)
        clReleaseKernel(ceiling->read);
    if (ceiling->copy != NULL)
        clReleaseKernel(ceiling->copy);
    if (ceiling->program != NULL)
        clReleaseProgram(ceiling->program);
    *ceiling = (bench_ceiling){0};
}

static cl_int enqueue(const bench_ceiling *ceiling, cl_kernel kernel, cl_command_queue queue, cl_mem from, size_t count,
                      cl_mem to) {
    cl_ulong vectors = count / (ceiling->strided ? WIDTH_GPU : WIDTH_CPU), strided = ceiling->strided;
    cl_int error = clSetKernelArg(kernel, 0, sizeof from, &from);
    if (error == CL_SUCCESS)
        error = clSetKernelArg(kernel, 1, sizeof vectors, &vectors);
    if (error == CL_SUCCESS)
        error = clSetKernelArg(kernel, 2, sizeof strided, &strided);
    if (error == CL_SUCCESS)
        error = clSetKernelArg(kernel, 3, sizeof to, &to);
    if (error != CL_SUCCESS)
        return error;
    const size_t group = ceiling->strided ? GROUP_GPU : 1; /* a CPU spreads groups, not work-items, over its cores */
    return clEnqueueNDRangeKernel(queue, kernel, 1, NULL, &ceiling->items, &group, 0, NULL, NULL);
}

cl_int bench_read(const bench_ceiling *ceiling, cl_command_queue queue, cl_mem from, size_t count, cl_mem to) {
    return enqueue(ceiling, ceiling->read, queue, from, count, to);
}

cl_int bench_copy(const bench_ceiling *ceiling, cl_command_queue queue, cl_mem from, size_t count, cl_mem to) {
    return enqueue(ceiling, ceiling->copy, queue, from, count, to);
}
