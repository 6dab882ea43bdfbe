/* The kernels' own exponential (kernels/math.cl), which every sum over a row is made of: a small program is built
 * from that file as it is embedded, and swept. */
#include "device_cases.h"

#include "kernel_source.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>

/* The functions on the same arguments: exp(d) from each. */
static const char try_kernel[] = "\n__kernel void try_exp(__global const real *d, __global real *out, ulong n) {\n"
                                 "    ulong at = get_global_id(0) * LANES;\n"
                                 "    for (ulong i = at; i < at + LANES; i++) {\n"
                                 "        out[i] = exp_minus_real(-d[i]);\n"
                                 "        out[n + i] = exp_any_real(-d[i]);\n"
                                 "    }\n"
                                 "    lanes x = PACK(d + at);\n"
                                 "    lanes value = exp_minus_lanes(-x), any = exp_any_lanes(-x);\n"
                                 "    UNPACK(value, out + 2 * n + at);\n"
                                 "    UNPACK(any, out + 3 * n + at);\n"
                                 "    lanes sum = add_exp_lanes((lanes)0, -x);\n"
                                 "    UNPACK(sum, out + 4 * n + at);\n"
                                 "}\n";
enum { EXP_MINUS_REAL, EXP_ANY_REAL, EXP_MINUS_LANES, EXP_ANY_LANES, ADD_EXP_LANES, FUNCTIONS };
static const char *const names[FUNCTIONS] = {"exp_minus_real", "exp_any_real", "exp_minus_lanes", "exp_any_lanes",
                                             "add_exp_lanes"};

#define AT_ONCE ((size_t)1 << 18) /* arguments of a launch: a multiple of every width */

/* One type and vector width. */
typedef struct trial {
    bool wide; /* double */
    int lanes;
} trial;

typedef struct sweep {
    const trial *t;
    cl_program program;
    cl_kernel kernel;
    cl_mem in, out;
    union {
        float f[AT_ONCE];
        double d[AT_ONCE];
        uint32_t bits32[AT_ONCE];
        uint64_t bits64[AT_ONCE];
    } * arguments;
    union {
        float f[FUNCTIONS][AT_ONCE];
        double d[FUNCTIONS][AT_ONCE];
    } * values;
    size_t count;
} sweep;

static size_t real_size(const sweep *s) {
    return s->t->wide ? sizeof(double) : sizeof(float);
}

static void build(sweep *s) {
    const char *texts[3] = {NULL, NULL, try_kernel};
    char options[256];
    cl_int error = CL_SUCCESS;
    for (const clx_kernel_source *source = clx_kernel_sources; source->name != NULL; source++)
        if (strcmp(source->name, "common") == 0 || strcmp(source->name, "math") == 0)
            texts[strcmp(source->name, "math") == 0] = source->text;
    assert_non_null(texts[0]);
    assert_non_null(texts[1]);
    snprintf(options, sizeof options,
             "-cl-std=CL1.2 -D STORAGE=%d -D TARGET_KIND=0 -D TARGET_TYPE=int -D LANES=%d -D LAYOUT=0 -D PASS=0 -D "
             "GROUP=1 -D HAS_FMA=%d",
             s->t->wide ? CLXENT_F64 : CLXENT_F32, s->t->lanes, device.about->fma);
    s->program = clCreateProgramWithSource(device.cl, 3, texts, NULL, &error);
    must(error);
    must(clBuildProgram(s->program, 1, &device.about->id, options, NULL, NULL));
    s->kernel = clCreateKernel(s->program, "try_exp", &error);
    must(error);
}

static void begin(sweep *s, const trial *t) {
    cl_int errors[2] = {CL_SUCCESS, CL_SUCCESS};
    const cl_ulong n = AT_ONCE;
    memset(s, 0, sizeof *s);
    s->t = t;
    build(s);
    s->arguments = calloc(1, sizeof *s->arguments);
    s->values = calloc(1, sizeof *s->values);
    assert_true(s->arguments != NULL && s->values != NULL);
    s->in = clCreateBuffer(device.cl, CL_MEM_READ_ONLY, AT_ONCE * real_size(s), NULL, &errors[0]);
    s->out = clCreateBuffer(device.cl, CL_MEM_READ_WRITE, FUNCTIONS * AT_ONCE * real_size(s), NULL, &errors[1]);
    must(errors[0]);
    must(errors[1]);
    must(clSetKernelArg(s->kernel, 0, sizeof s->in, &s->in));
    must(clSetKernelArg(s->kernel, 1, sizeof s->out, &s->out));
    must(clSetKernelArg(s->kernel, 2, sizeof n, &n));
}

static void end(sweep *s) {
    clReleaseMemObject(s->in);
    clReleaseMemObject(s->out);
    clReleaseKernel(s->kernel);
    clReleaseProgram(s->program);
    free(s->arguments);
    free(s->values);
}

static double argument(const sweep *s, size_t i) {
    return s->t->wide ? s->arguments->d[i] : (double)s->arguments->f[i];
}

static double value(const sweep *s, int function, size_t i) {
    return s->t->wide ? s->values->d[function][i] : (double)s->values->f[function][i];
}

static void add(sweep *s, double d) {
    if (s->t->wide)
        s->arguments->d[s->count++] = d;
    else
        s->arguments->f[s->count++] = (float)d;
}

static void compute(sweep *s) {
    size_t items = AT_ONCE / (size_t)s->t->lanes;
    must(clEnqueueWriteBuffer(device.queue, s->in, CL_TRUE, 0, AT_ONCE * real_size(s), s->arguments, 0, NULL, NULL));
    must(clEnqueueNDRangeKernel(device.queue, s->kernel, 1, NULL, &items, NULL, 0, NULL, NULL));
    for (size_t f = 0; f < FUNCTIONS; f++)
        must(clEnqueueReadBuffer(device.queue, s->out, CL_TRUE, f * AT_ONCE * real_size(s), AT_ONCE * real_size(s),
                                 s->t->wide ? (void *)s->values->d[f] : (void *)s->values->f[f], 0, NULL, NULL));
}

static void expect(const sweep *s, int function, size_t i, bool right, const char *what) {
    if (!right)
        fail_msg("%s(%.17g) in vectors of %d is %.17g, but should be %s", names[function], argument(s, i), s->t->lanes,
                 value(s, function, i), what);
}

/* ---- accuracy ---- */

static void expect_accuracy(sweep *s, long double *worst) {
    const long double allowed = s->t->wide ? 4e-16L : 1e-7L;
    compute(s);
    for (size_t i = 0; i < s->count; i++) {
        double d = argument(s, i);
        long double exact = s->t->wide ? expl((long double)d) : (long double)exp(d);
        for (int f = 0; f < FUNCTIONS; f++) {
            long double error = fabsl(((long double)value(s, f, i) - exact) / exact);
            expect(s, f, i, error < allowed, s->t->wide ? "exact to 4e-16" : "exact to 1e-7");
            *worst = error > *worst ? error : *worst;
        }
    }
    s->count = 0;
}

/* Every 64th float between -87 and -2^-30, from another one each time. */
static void sweep_float(sweep *s, long double *worst) {
    const uint32_t first = 0xb0800000u, last = 0xc2ae0000u;
    for (uint32_t bits = first + (uint32_t)(device.seed % 64); bits <= last; bits += 64) {
        s->arguments->bits32[s->count++] = bits;
        if (s->count == AT_ONCE)
            expect_accuracy(s, worst);
    }
}

/* Evenly between -708 and 0, and then evenly in the exponent. */
static void sweep_double(sweep *s, long double *worst) {
    uint64_t state = device.seed;
    for (size_t i = 0; i < 4 * AT_ONCE; i++) {
        double u = ((double)i + (draw(&state) + 1) / 2) / (4.0 * (double)AT_ONCE);
        add(s, i % 2 == 0 ? -708 * u : -708 * exp2(-60 * u));
        if (s->count == AT_ONCE)
            expect_accuracy(s, worst);
    }
}

/* Nothing is ever built in double for a device without it, which a plan has to say. */
static void expect_no_double(void) {
    clxent_desc desc;
    clxent_plan *plan = NULL;
    clxent_desc_init(&desc, CLXENT_SOFTMAX);
    desc.dtype = CLXENT_F64;
    desc.batch = desc.classes = 1;
    assert_int_equal(clxent_plan_create(device.context, &desc, &plan), CLXENT_UNSUPPORTED);
    assert_string_equal(clxent_last_error(), "dtype is F64, the device has no double precision");
}

static void test_accuracy(void **state) {
    const trial *t = *state;
    sweep s;
    long double worst = 0;
    if (t->wide && !device.about->fp64) {
        expect_no_double();
        return;
    }
    begin(&s, t);
    if (t->wide)
        sweep_double(&s, &worst);
    else
        sweep_float(&s, &worst);
    expect_accuracy(&s, &worst);
    print_message("largest relative error in vectors of %d: %.3Lg\n", t->lanes, worst);
    end(&s);
}

/* ---- special arguments ---- */

static void expect_values(sweep *s, bool (*right)(const sweep *s, int function, double value), const char *what) {
    compute(s);
    for (size_t i = 0; i < s->count; i++)
        for (int f = 0; f < FUNCTIONS; f++)
            expect(s, f, i, right(s, f, value(s, f, i)), what);
    s->count = 0;
}

static bool is_one(const sweep *s, int function, double value) {
    (void)s, (void)function;
    return value == 1;
}

static bool is_nan(const sweep *s, int function, double value) {
    (void)s, (void)function;
    return isnan(value);
}

static bool is_negligible(const sweep *s, int function, double value) {
    (void)function;
    return value >= 0 && value <= (s->t->wide ? 4e-308 : 2e-38);
}

static bool is_zero(const sweep *s, int function, double value) {
    (void)s, (void)function;
    return value == 0;
}

/* Only the functions for any argument take one above 0. */
static bool is_large(const sweep *s, int function, double value) {
    bool any = function == EXP_ANY_REAL || function == EXP_ANY_LANES;
    return !any || value > (s->t->wide ? 1e307 : 1e38);
}

static void add_nans(sweep *s) {
    static const uint32_t narrow[] = {0x7fc00000, 0xffc00000, 0x7fffffff, 0xffffffff,
                                      0x7f800001, 0xff800001, 0x7fabcdef, 0xffe00000};
    static const uint64_t wide[] = {0x7ff8000000000000, 0xfff8000000000000, 0x7fffffffffffffff, 0xffffffffffffffff,
                                    0x7ff0000000000001, 0xfff0000000000001, 0x7ffabcdef0123456, 0xfffc000000000000};
    for (size_t i = 0; i < sizeof narrow / sizeof narrow[0]; i++) {
        if (s->t->wide)
            s->arguments->bits64[s->count++] = wide[i];
        else
            s->arguments->bits32[s->count++] = narrow[i];
    }
}

static void test_special_arguments(void **state) {
    const trial *t = *state;
    sweep s;
    if (t->wide && !device.about->fp64) {
        expect_no_double();
        return;
    }
    begin(&s, t);
    add(&s, 0);
    add(&s, -0.0);
    add(&s, -1e-300 * (t->wide ? 1 : 0));
    expect_values(&s, is_one, "exactly 1");

    add_nans(&s);
    expect_values(&s, is_nan, "NaN");

    add(&s, t->wide ? -708.4 : -87.4);
    add(&s, t->wide ? -708.9 : -87.9);
    expect_values(&s, is_negligible, "negligible");

    const double below[] = {t->wide ? -709 : -88, -1e4, -1e8, t->wide ? -DBL_MAX : (double)-FLT_MAX, -INFINITY};
    for (size_t i = 0; i < sizeof below / sizeof below[0]; i++)
        add(&s, below[i]);
    expect_values(&s, is_zero, "exactly 0");

    const double above[] = {t->wide ? 710 : 89, 1000, 1e8, t->wide ? DBL_MAX : (double)FLT_MAX, INFINITY};
    for (size_t i = 0; i < sizeof above / sizeof above[0]; i++)
        add(&s, above[i]);
    expect_values(&s, is_large, "near the largest number");
    end(&s);
}

#define BOTH(name, wide, lanes)                                                                                        \
    {"accuracy of " name, test_accuracy, NULL, NULL, &(trial){wide, lanes}}, {                                         \
        "special arguments of " name, test_special_arguments, NULL, NULL, &(trial) {                                   \
            wide, lanes                                                                                                \
        }                                                                                                              \
    }

int main(void) {
    const struct CMUnitTest tests[] = {
        BOTH("float", false, 1), BOTH("float8", false, 8), BOTH("float16", false, 16),
        BOTH("double", true, 1), BOTH("double4", true, 4),
    };
    return cmocka_run_group_tests(tests, open_device, close_device);
}
