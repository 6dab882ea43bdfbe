/* The kernels' own tanh and logarithms (kernels/math.cl, in float; test_exp.c has the exponential): a small program is built
 * from that file as it is embedded, and swept. */
#include "device_cases.h"

#include "kernel_source.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>

static const char try_kernel[] = "\n__kernel void try_math(__global const real *x, __global real *out, ulong n) {\n"
                                 "    ulong at = get_global_id(0) * LANES;\n"
                                 "    for (ulong i = at; i < at + LANES; i++)\n"
                                 "        out[i] = tanh_real(x[i]);\n"
                                 "    lanes v = PACK(x + at), hyperbolic = tanh_lanes(v);\n"
                                 "    lanes grown = log1p_unit_lanes(v), logarithm = log_unit_lanes(v);\n"
                                 "    lanes complement = log_complement_lanes(v);\n"
                                 "    UNPACK(hyperbolic, out + n + at);\n"
                                 "    UNPACK(grown, out + 2 * n + at);\n"
                                 "    UNPACK(logarithm, out + 3 * n + at);\n"
                                 "    UNPACK(complement, out + 4 * n + at);\n"
                                 "}\n";

static double log1p_of(double x) {
    return log1p(x);
}

static double complement_of(double x) {
    return log1p(-x);
}

/* Each function, where it is used, and how exact it must be there. */
static const struct {
    const char *name;
    double (*exact)(double);
    double first, last, relative;
} functions[] = {
    {"tanh_real", tanh, -INFINITY, INFINITY, 3 * FLT_EPSILON},
    {"tanh_lanes", tanh, -INFINITY, INFINITY, 3 * FLT_EPSILON},
    {"log1p_unit_lanes", log1p_of, 0, 1, 2 * FLT_EPSILON},
    {"log_unit_lanes", log, FLT_MIN, 1, 2 * FLT_EPSILON},
    {"log_complement_lanes", complement_of, 0, 1 - 0x1p-24, 2 * FLT_EPSILON},
};
enum { FUNCTIONS = sizeof functions / sizeof functions[0] };

#define COUNT ((size_t)1 << 18) /* arguments: a multiple of every width */

typedef struct sweep {
    float x[COUNT], values[FUNCTIONS][COUNT];
} sweep;

static cl_kernel build(int lanes) {
    const char *texts[3] = {NULL, NULL, try_kernel};
    char options[256];
    cl_int error = CL_SUCCESS;
    for (const clx_kernel_source *source = clx_kernel_sources; source->name != NULL; source++) {
        if (strcmp(source->name, "common") == 0)
            texts[0] = source->text;
        if (strcmp(source->name, "math") == 0)
            texts[1] = source->text;
    }
    snprintf(options, sizeof options,
             "-cl-std=CL1.2 -D STORAGE=0 -D TARGET_KIND=0 -D TARGET_TYPE=int -D LANES=%d -D LAYOUT=0 -D PASS=0 -D "
             "GROUP=1 -D HAS_FMA=%d",
             lanes, device.about->fma);
    cl_program program = clCreateProgramWithSource(device.cl, 3, texts, NULL, &error);
    must(error);
    must(clBuildProgram(program, 1, &device.about->id, options, NULL, NULL));
    cl_kernel kernel = clCreateKernel(program, "try_math", &error);
    must(error);
    clReleaseProgram(program);
    return kernel;
}

static void compute(sweep *s, int lanes) {
    const cl_ulong n = COUNT;
    size_t items = COUNT / (size_t)lanes;
    cl_int error = CL_SUCCESS;
    cl_kernel kernel = build(lanes);
    cl_mem in = clCreateBuffer(device.cl, CL_MEM_COPY_HOST_PTR, sizeof s->x, s->x, &error);
    must(error);
    cl_mem out = clCreateBuffer(device.cl, CL_MEM_READ_WRITE, sizeof s->values, NULL, &error);
    must(error);
    must(clSetKernelArg(kernel, 0, sizeof in, &in));
    must(clSetKernelArg(kernel, 1, sizeof out, &out));
    must(clSetKernelArg(kernel, 2, sizeof n, &n));
    must(clEnqueueNDRangeKernel(device.queue, kernel, 1, NULL, &items, NULL, 0, NULL, NULL));
    must(clEnqueueReadBuffer(device.queue, out, CL_TRUE, 0, sizeof s->values, s->values, 0, NULL, NULL));
    clReleaseMemObject(in);
    clReleaseMemObject(out);
    clReleaseKernel(kernel);
}

/* The ends of every range, then evenly in [0, 1], evenly in its exponent, and both signs of larger ones. */
static void fill(sweep *s) {
    static const float ends[] = {
        0,       -0.0f,    1,        FLT_MIN,   0x1p-24f, 1 - 0x1p-24f, 0.5f, 0.6f,   -0.6f,     0.599999f, 44, -44,
        FLT_MAX, -FLT_MAX, INFINITY, -INFINITY, 0.70710f, 0.70711f,     NAN,  1e-30f, 1 - 1e-6f, 9,         -9, 100};
    uint64_t state = device.seed;
    for (size_t i = 0; i < COUNT; i++) {
        double u = (draw(&state) + 1) / 2;
        s->x[i] = (float)(i % 4 == 0   ? u
                          : i % 4 == 1 ? exp2(-126 * u)
                          : i % 4 == 2 ? 1 - exp2(-24 * u)
                                       : 20 * (2 * u - 1));
    }
    memcpy(s->x, ends, sizeof ends);
}

static void expect_accuracy(const sweep *s, int function, int lanes) {
    double worst = 0;
    for (size_t i = 0; i < COUNT; i++) {
        double x = (double)s->x[i], got = (double)s->values[function][i], exact = functions[function].exact(x);
        if (isnan(x) && !isnan(got))
            fail_msg("%s(NaN) in vectors of %d is %g", functions[function].name, lanes, got);
        if (!(x >= functions[function].first && x <= functions[function].last))
            continue;
        double error = got == exact ? 0 : fabs(got - exact) / fabs(exact);
        if (!(fabs(got - exact) <= functions[function].relative * fabs(exact) + 6e-38))
            fail_msg("%s(%.9g) in vectors of %d is %.9g, should be %.9g: CLXENT_TEST_SEED=%llu",
                     functions[function].name, x, lanes, got, exact, (unsigned long long)device.seed);
        if (fabs(exact) > 1e-30 && error > worst)
            worst = error;
    }
    print_message("%s in vectors of %d: largest relative error %.3g\n", functions[function].name, lanes, worst);
}

static void check_lanes(void **state) {
    int lanes = *(const int *)*state;
    sweep *s = malloc(sizeof *s);
    assert_non_null(s);
    fill(s);
    compute(s, lanes);
    for (int function = 0; function < FUNCTIONS; function++)
        expect_accuracy(s, function, lanes);
    /* Whatever is below the clamp of binary cross-entropy will do. */
    assert_true(s->values[3][0] < -100);
    free(s);
}

int main(void) {
    static const int widths[] = {1, 4, 8, 16};
    const struct CMUnitTest tests[] = {
        {"scalars", check_lanes, NULL, NULL, (void *)&widths[0]},
        {"vectors of 4", check_lanes, NULL, NULL, (void *)&widths[1]},
        {"vectors of 8", check_lanes, NULL, NULL, (void *)&widths[2]},
        {"vectors of 16", check_lanes, NULL, NULL, (void *)&widths[3]},
    };
    return cmocka_run_group_tests(tests, open_device, close_device);
}
