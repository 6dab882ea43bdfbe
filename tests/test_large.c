/* More than 2^31 elements: loss and gradient of 528,384 rows of 4096 half-precision logits, 4.3 GB, in place. Runs
 * where device and machine have the memory for it; elsewhere the plan must still be made, and the test says what was
 * missing.
 *
 * Logits and targets repeat every PERIOD rows, so every loss is known from the first ones, to the last bit. */
#include "device_cases.h"

#include "half.h"

#include <math.h>
#include <stdlib.h>

#define CLASSES 4096
#define PERIOD 64
#define BORDER (((size_t)1 << 31) / CLASSES) /* the row that begins at element 2^31 */
#define ROWS (BORDER + CLASSES)
#define BYTES (ROWS * CLASSES * sizeof(uint16_t))

static const char fill_text[] =
    "__kernel void fill(__global half *logits, __global uchar *targets) {\n"
    "    ulong row = get_global_id(0);\n"
    "    for (ulong c = 0; c < 4096; c++)\n"
    "        vstore_half((float)((row * 7 + c * 13) % 64) / 8 - 4, row * 4096 + c, logits);\n"
    "    targets[row] = row % 64;\n"
    "}\n";

static double logit_of(size_t row, size_t c) {
    return (double)((row * 7 + c * 13) % PERIOD) / 8 - 4;
}

static clxent_desc large_desc(void) {
    clxent_desc desc;
    clxent_desc_init(&desc, CLXENT_CROSS_ENTROPY);
    desc.pass = CLXENT_FORWARD_BACKWARD;
    desc.dtype = CLXENT_F16;
    desc.target_type = CLXENT_TARGET_U8;
    desc.reduction = CLXENT_REDUCTION_NONE;
    desc.batch = ROWS;
    desc.classes = CLASSES;
    return desc;
}

/* Bytes of memory that the machine could still give, or 0 where it does not say. */
static unsigned long long available_memory(void) {
    unsigned long long kilobytes = 0;
    char line[128];
    FILE *file = fopen("/proc/meminfo", "r");
    while (file != NULL && fgets(line, sizeof line, file) != NULL)
        if (sscanf(line, "MemAvailable: %llu kB", &kilobytes) == 1)
            break;
    if (file != NULL)
        fclose(file);
    return kilobytes * 1024;
}

static bool fits(void) {
    cl_ulong most = 0, all = 0;
    unsigned long long available = available_memory();
    must(clGetDeviceInfo(device.about->id, CL_DEVICE_MAX_MEM_ALLOC_SIZE, sizeof most, &most, NULL));
    must(clGetDeviceInfo(device.about->id, CL_DEVICE_GLOBAL_MEM_SIZE, sizeof all, &all, NULL));
    bool device_fits = most >= BYTES && all >= BYTES + BYTES / 4;
    bool machine_fits = !device.about->unified_memory || available >= BYTES + BYTES / 2;
    if (!device_fits || !machine_fits)
        print_message("not run: it needs one buffer of %zu bytes; the device allows %llu of %llu, %llu are free\n",
                      BYTES, (unsigned long long)most, (unsigned long long)all, available);
    return device_fits && machine_fits;
}

static cl_mem make_buffer(size_t size) {
    cl_int error = CL_SUCCESS;
    cl_mem buffer = clCreateBuffer(device.cl, CL_MEM_READ_WRITE, size, NULL, &error);
    must(error);
    return buffer;
}

static void fill(cl_mem logits, cl_mem targets) {
    const char *text = fill_text;
    const size_t rows = ROWS;
    cl_int error = CL_SUCCESS;
    cl_program program = clCreateProgramWithSource(device.cl, 1, &text, NULL, &error);
    must(error);
    must(clBuildProgram(program, 1, &device.about->id, "-cl-std=CL1.2", NULL, NULL));
    cl_kernel kernel = clCreateKernel(program, "fill", &error);
    must(error);
    must(clSetKernelArg(kernel, 0, sizeof logits, &logits));
    must(clSetKernelArg(kernel, 1, sizeof targets, &targets));
    must(clEnqueueNDRangeKernel(device.queue, kernel, 1, NULL, &rows, NULL, 0, NULL, NULL));
    must(clFinish(device.queue));
    must(clReleaseKernel(kernel));
    must(clReleaseProgram(program));
}

/* A row as the reference has it, in double. */
static void expect_row(size_t row, float loss, cl_mem gradients) {
    static double logits[CLASSES], expected[CLASSES];
    static uint16_t got[CLASSES];
    uint8_t target = (uint8_t)(row % PERIOD);
    double expected_loss = 0;
    clxent_desc desc = large_desc();
    clxent_host_args args;
    for (size_t c = 0; c < CLASSES; c++)
        logits[c] = logit_of(row, c);
    desc.dtype = CLXENT_F64;
    desc.batch = 1;
    clxent_host_args_init(&args);
    args.input = logits;
    args.target = &target;
    args.output = &expected_loss;
    args.grad_input = expected;
    assert_int_equal(clxent_reference(&desc, &args), CLXENT_SUCCESS);
    if (fabs((double)loss - expected_loss) > 1e-5 * expected_loss)
        fail_msg("the loss of row %zu is %.9g, not %.9g", row, (double)loss, expected_loss);
    must(clEnqueueReadBuffer(device.queue, gradients, CL_TRUE, row * sizeof got, sizeof got, got, 0, NULL, NULL));
    for (size_t c = 0; c < CLASSES; c++) {
        double gradient = clx_from_f16(got[c]);
        if (fabs(gradient - expected[c]) > 0x1p-11 * fabs(expected[c]) + 0x1p-25 + 1e-5 * fabs(expected[c]))
            fail_msg("the gradient at row %zu, class %zu is %.9g, not %.9g", row, c, gradient, expected[c]);
    }
}

static void expect_results_of(cl_mem losses, cl_mem gradients) {
    static const size_t rows[] = {0, 1, BORDER - 1, BORDER, BORDER + 1, BORDER + 77, ROWS - 2, ROWS - 1};
    float *loss = malloc(ROWS * sizeof *loss);
    assert_non_null(loss);
    must(clEnqueueReadBuffer(device.queue, losses, CL_TRUE, 0, ROWS * sizeof *loss, loss, 0, NULL, NULL));
    for (size_t row = PERIOD; row < ROWS; row++)
        if (loss[row] != loss[row % PERIOD])
            fail_msg("the loss of row %zu is %.9g, that of row %zu %.9g", row, (double)loss[row], row % PERIOD,
                     (double)loss[row % PERIOD]);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        expect_row(rows[i], loss[rows[i]], gradients);
    free(loss);
}

static void test_more_than_2_31_elements(void **state) {
    (void)state;
    clxent_desc desc = large_desc();
    clxent_plan *plan = NULL;
    clxent_plan_info info = {.struct_size = sizeof info};
    if (clxent_plan_create(device.context, &desc, &plan) != CLXENT_SUCCESS)
        fail_msg("%s", clxent_last_error());
    assert_int_equal(clxent_plan_get_info(plan, &info), CLXENT_SUCCESS);
    assert_true(info.engine != CLXENT_ENGINE_AUTO && info.kernels == 1);
    if (fits()) {
        clxent_args args;
        clxent_args_init(&args);
        args.input.mem = args.grad_input.mem = make_buffer(BYTES);
        args.target.mem = make_buffer(ROWS);
        args.output.mem = make_buffer(ROWS * sizeof(float));
        fill(args.input.mem, args.target.mem);
        if (clxent_enqueue(device.queue, plan, &args, 0, NULL, NULL) != CLXENT_SUCCESS)
            fail_msg("%s", clxent_last_error());
        must(clFinish(device.queue));
        expect_results_of(args.output.mem, args.grad_input.mem);
        must(clReleaseMemObject(args.input.mem));
        must(clReleaseMemObject(args.target.mem));
        must(clReleaseMemObject(args.output.mem));
    }
    clxent_plan_destroy(plan);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_more_than_2_31_elements)};
    return cmocka_run_group_tests(tests, open_device, close_device);
}
