/* Offsets into tensors of more than 2^31 and 2^32 elements, without the memory: the kernels' own way from a row and a
 * class to an element (kernels/layout.cl), asked for by a small kernel, against the same arithmetic on the host. */
#include "device_cases.h"

#include "kernel_source.h"

static const char ask[] =
    "\n__kernel void ask(__global const long *in, __global long *out) {\n"
    "    op_args a;\n"
    "    a.row_stride = in[0];\n"
    "    a.inner = in[1];\n"
    "    a.batch = a.classes = 1;\n"
    "    where w = where_is(&a, in[2], in[2] / a.inner * a.row_stride + in[2] % a.inner, LANES);\n"
    "    for (int lane = 0; lane < LANES; lane++)\n"
    "        out[lane] = CLASS_ELEMENT(&w, in[3]) + lane * LANE_STEP(&w);\n"
    "}\n";

enum { CLASSES_ALONG, POSITIONS_ALONG, ROWS_ALONG }; /* as in kernels/layout.cl */
#define LANES 4

typedef struct question {
    cl_long row_stride, inner, row, class;
} question;

static const char *text_of(const char *name) {
    for (const clx_kernel_source *source = clx_kernel_sources; source->name != NULL; source++)
        if (strcmp(source->name, name) == 0)
            return source->text;
    fail_msg("no kernel source %s", name);
    return NULL;
}

static cl_program build(int layout) {
    const char *texts[] = {text_of("common"), text_of("math"), text_of("storage"), text_of("layout"), ask};
    char options[200];
    cl_int error = CL_SUCCESS;
    snprintf(
        options, sizeof options,
        "-cl-std=CL1.2 -D STORAGE=%d -D TARGET_KIND=0 -D TARGET_TYPE=int -D LANES=%d -D LAYOUT=%d -D PASS=0 -D GROUP=1 "
        "-D HAS_FMA=0",
        CLXENT_F16, LANES, layout);
    cl_program program = clCreateProgramWithSource(device.cl, 5, texts, NULL, &error);
    must(error);
    must(clBuildProgram(program, 1, &device.about->id, options, NULL, NULL));
    return program;
}

static cl_long expected_element(int layout, const question *q, cl_long lane) {
    cl_long first = q->row / q->inner * q->row_stride + q->row % q->inner + q->class * q->inner;
    return first + lane * (layout == ROWS_ALONG ? q->row_stride : 1);
}

static void expect_answers(int layout, cl_kernel kernel, const question *q) {
    cl_int errors[2] = {CL_SUCCESS, CL_SUCCESS};
    cl_long got[LANES];
    question copy = *q;
    const size_t one = 1;
    cl_mem in = clCreateBuffer(device.cl, CL_MEM_READ_ONLY | CL_MEM_COPY_HOST_PTR, sizeof copy, &copy, &errors[0]);
    cl_mem out = clCreateBuffer(device.cl, CL_MEM_WRITE_ONLY, sizeof got, NULL, &errors[1]);
    must(errors[0]);
    must(errors[1]);
    must(clSetKernelArg(kernel, 0, sizeof in, &in));
    must(clSetKernelArg(kernel, 1, sizeof out, &out));
    must(clEnqueueNDRangeKernel(device.queue, kernel, 1, NULL, &one, NULL, 0, NULL, NULL));
    must(clEnqueueReadBuffer(device.queue, out, CL_TRUE, 0, sizeof got, got, 0, NULL, NULL));
    for (int lane = 0; lane < LANES; lane++)
        if (got[lane] != expected_element(layout, q, lane))
            fail_msg("layout %d, row %lld of stride %lld and inner %lld, class %lld, lane %d: element %lld, not %lld",
                     layout, (long long)q->row, (long long)q->row_stride, (long long)q->inner, (long long)q->class,
                     lane, (long long)got[lane], (long long)expected_element(layout, q, lane));
    must(clReleaseMemObject(in));
    must(clReleaseMemObject(out));
}

/* Elements just below and above 2^31 and 2^32, and far above, by way of the row, of the class and of both. */
static void check_layout(int layout) {
    static const question questions[] = {
        {1000, 1, 7, 999},
        {32768, 1, 65535, 32767},           /* the last element below 2^31 */
        {32768, 1, 65536, 0},               /* 2^31 */
        {32768, 1, 131071, 32767},          /* the last below 2^32 */
        {32768, 1, 131072, 5},              /* above 2^32 */
        {128256, 1, 1 << 30, 128255},       /* a long way above */
        {(cl_long)1 << 33, 1, 3, 77},       /* padded far apart */
        {5000000000, 1, 0, 4999999999},     /* a class of one row */
        {21 << 20, 1 << 20, 110 << 20, 20}, /* above 2^31 by n and by class, with inner positions */
        {(cl_long)21 << 30, 1 << 30, (7 << 20) + 12345, 20},
    };
    cl_int error = CL_SUCCESS;
    cl_program program = build(layout);
    cl_kernel kernel = clCreateKernel(program, "ask", &error);
    must(error);
    for (size_t i = 0; i < sizeof questions / sizeof questions[0]; i++)
        if (layout == POSITIONS_ALONG || questions[i].inner == 1)
            expect_answers(layout, kernel, &questions[i]);
    must(clReleaseKernel(kernel));
    must(clReleaseProgram(program));
}

static void test_classes_along(void **state) {
    (void)state;
    check_layout(CLASSES_ALONG);
}

static void test_positions_along(void **state) {
    (void)state;
    check_layout(POSITIONS_ALONG);
}

static void test_rows_along(void **state) {
    (void)state;
    check_layout(ROWS_ALONG);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_classes_along),
        cmocka_unit_test(test_positions_along),
        cmocka_unit_test(test_rows_along),
    };
    return cmocka_run_group_tests(tests, open_device, close_device);
}
