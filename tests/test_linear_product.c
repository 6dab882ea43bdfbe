/* Matrix products of the caller's own in linear cross-entropy: what the function is told, what becomes of what it computes, of
 * the events that it takes and gives, and of its failures. Its kernel knows nothing of clxent's. */
#include "device_cases.h"

#include "half.h"

#include <math.h>
#include <stdlib.h>

enum { N = 21, D = 13, V = 40, MOST_CALLS = 100 };

typedef struct tensor {
    size_t bytes;
    unsigned char array[V * D * sizeof(double)];
} tensor;

/* What the tests share: a plan, its tensors in arrays and in buffers, and what was seen of the calls. */
static struct {
    clxent_desc desc;
    clxent_plan *plan;
    clxent_args args;
    clxent_host_args expected;
    tensor hidden, target, weight, bias, loss, grad_hidden, grad_weight, grad_bias;
    cl_kernel kernel;
    cl_program program;
    clxent_product products[MOST_CALLS];
    cl_uint waits[MOST_CALLS];
    bool gives_event[MOST_CALLS];
    int calls, fails_at, keeps_event_at;
} the;

static bool one_chunk; /* are all rows to be in one? */

/* ---- a product ---- */

static const char *const source =
    "#if B_KIND == 2\n"
    "#define B(i) vload_half(i, (__global const half *)b)\n"
    "#elif B_KIND == 3\n"
    "#define B(i) as_float((uint)((__global const ushort *)b)[i] << 16)\n"
    "#else\n"
    "#define B(i) ((__global const float *)b)[i]\n"
    "#endif\n"
    "__kernel void multiply(__global const char *a_memory, ulong a_at, __global const char *b_memory, ulong b_at,\n"
    "                       __global char *c_memory, ulong c_at, ulong n, ulong k, ulong a_row, ulong a_column,\n"
    "                       ulong b_row, ulong b_column, ulong c_row, int adds) {\n"
    "    __global const float *a = (__global const float *)(a_memory + a_at);\n"
    "    __global const char *b = b_memory + b_at;\n"
    "    ulong i = get_global_id(0) / n, j = get_global_id(0) % n;\n"
    "    __global float *c = (__global float *)(c_memory + c_at) + i * c_row + j;\n"
    "    float sum = adds ? *c : 0.0f;\n"
    "    for (ulong l = 0; l < k; l++)\n"
    "        sum += a[i * a_row + l * a_column] * B(l * b_row + j * b_column);\n"
    "    *c = sum;\n"
    "}\n";

static void build(clxent_dtype b_dtype) {
    char options[32];
    cl_int error = CL_SUCCESS;
    snprintf(options, sizeof options, "-D B_KIND=%d", b_dtype == CLXENT_F16 ? 2 : b_dtype == CLXENT_BF16 ? 3 : 1);
    the.program = clCreateProgramWithSource(device.cl, 1, (const char **)(uintptr_t)&source, NULL, &error);
    must(error);
    must(clBuildProgram(the.program, 1, &device.about->id, options, NULL, NULL));
    the.kernel = clCreateKernel(the.program, "multiply", &error);
    must(error);
}

static void drop_kernel(void) {
    clReleaseKernel(the.kernel);
    clReleaseProgram(the.program);
}

static void set_arguments(const clxent_product *p) {
    const clxent_buffer matrices[] = {p->a, p->b, p->c};
    const size_t numbers[] = {p->n, p->k, p->a_row, p->a_column, p->b_row, p->b_column, p->c_row};
    cl_uint next = 0;
    for (size_t i = 0; i < 3; i++) {
        const cl_ulong at = matrices[i].offset;
        must(clSetKernelArg(the.kernel, next++, sizeof(cl_mem), &matrices[i].mem));
        must(clSetKernelArg(the.kernel, next++, sizeof at, &at));
    }
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        const cl_ulong number = numbers[i];
        must(clSetKernelArg(the.kernel, next++, sizeof number, &number));
    }
    const cl_int adds = p->adds;
    must(clSetKernelArg(the.kernel, next, sizeof adds, &adds));
}

static cl_int multiply(void *user, cl_command_queue queue, const clxent_product *product, cl_uint wait_count,
                       const cl_event *wait_list, cl_event *event) {
    const size_t items = product->m * product->n;
    assert_ptr_equal(user, &the);
    assert_true(the.calls < MOST_CALLS);
    the.products[the.calls] = *product;
    the.waits[the.calls] = wait_count;
    the.gives_event[the.calls] = event != NULL;
    if (++the.calls == the.fails_at)
        return CL_OUT_OF_RESOURCES;
    drop_kernel(); /* arguments are set anew for each, and stay those of what was enqueued */
    build(product->b_dtype);
    set_arguments(product);
    return clEnqueueNDRangeKernel(queue, the.kernel, 1, NULL, &items, NULL, wait_count, wait_list,
                                  the.calls == the.keeps_event_at ? NULL : event);
}

/* ---- a plan and its tensors ---- */

static void fill(tensor *t, clxent_dtype dtype, size_t count, double most) {
    t->bytes = count * (dtype == CLXENT_F32 ? 4 : 2);
    for (size_t i = 0; i < count; i++)
        clx_store(dtype, t->array, i, most * (double)((i * 7919 + count) % 2003) / 1001 - most);
}

static cl_mem buffer_of(const tensor *t) {
    cl_int error = CL_SUCCESS;
    cl_mem mem = clCreateBuffer(device.cl, CL_MEM_READ_WRITE | CL_MEM_COPY_HOST_PTR, t->bytes,
                                (void *)(uintptr_t)t->array, &error);
    must(error);
    return mem;
}

/* Full of NaN, as nothing may be made of what a workspace holds. */
static cl_mem workspace(size_t bytes) {
    cl_int error = CL_SUCCESS;
    unsigned char *nan = malloc(bytes);
    assert_non_null(nan);
    memset(nan, 0xff, bytes);
    cl_mem mem = clCreateBuffer(device.cl, CL_MEM_READ_WRITE | CL_MEM_COPY_HOST_PTR, bytes, nan, &error);
    must(error);
    free(nan);
    return mem;
}

static void set_tensors(clxent_dtype dtype, bool bias) {
    fill(&the.hidden, dtype, N * D, 1);
    fill(&the.weight, dtype, V * D, 1);
    fill(&the.bias, dtype, V, 1);
    fill(&the.loss, CLXENT_F32, 1, 1);
    fill(&the.grad_hidden, dtype, N * D, 1);
    fill(&the.grad_weight, CLXENT_F32, V * D, 1);
    fill(&the.grad_bias, CLXENT_F32, V, 1);
    the.target.bytes = N * sizeof(int32_t);
    for (int32_t i = 0; i < N; i++) {
        const int32_t y = i % 4 == 1 ? -100 : i * 11 % V;
        memcpy(the.target.array + (size_t)i * sizeof y, &y, sizeof y);
    }
    clxent_host_args_init(&the.expected);
    the.expected.input = the.hidden.array;
    the.expected.target = the.target.array;
    the.expected.linear_weight = the.weight.array;
    the.expected.linear_bias = bias ? the.bias.array : NULL;
    the.expected.output = the.loss.array;
    the.expected.grad_input = the.grad_hidden.array;
    the.expected.grad_linear_weight = the.grad_weight.array;
    the.expected.grad_linear_bias = the.grad_bias.array;
    clxent_args_init(&the.args);
    the.args.input.mem = buffer_of(&the.hidden);
    the.args.target.mem = buffer_of(&the.target);
    the.args.linear_weight.mem = buffer_of(&the.weight);
    the.args.linear_bias.mem = bias ? buffer_of(&the.bias) : NULL;
    the.args.output.mem = buffer_of(&the.loss);
    the.args.grad_input.mem = buffer_of(&the.grad_hidden);
    the.args.grad_linear_weight.mem = buffer_of(&the.grad_weight);
    the.args.grad_linear_bias.mem = buffer_of(&the.grad_bias);
}

/* A plan whose chunks have up to 8 of the rows, of which 16 count: so some chunk has not as many, or none. */
static void set_up(clxent_pass pass, clxent_dtype dtype, bool bias) {
    clxent_plan_info info = {.struct_size = sizeof info};
    unsigned long long least = 0;
    memset(&the, 0, sizeof the);
    clxent_desc_init(&the.desc, CLXENT_LINEAR_CROSS_ENTROPY);
    the.desc.pass = pass;
    the.desc.dtype = dtype;
    the.desc.batch = N;
    the.desc.features = D;
    the.desc.classes = V;
    the.desc.workspace_limit = 1;
    assert_int_equal(clxent_plan_create(device.context, &the.desc, &the.plan), CLXENT_INVALID_OPTION);
    assert_int_equal(sscanf(clxent_last_error(), "workspace_limit is 1, a chunk of one row needs %llu", &least), 1);
    the.desc.workspace_limit = least + 7 * (V + 2 * D + 70) * sizeof(float);
    if (one_chunk)
        the.desc.workspace_limit = UINT64_MAX;
    assert_int_equal(clxent_plan_create(device.context, &the.desc, &the.plan), CLXENT_SUCCESS);
    assert_int_equal(clxent_plan_get_info(the.plan, &info), CLXENT_SUCCESS);
    assert_int_equal(clxent_plan_set_product(the.plan, multiply, &the), CLXENT_SUCCESS);
    set_tensors(dtype, bias);
    the.args.workspace.mem = workspace(info.workspace_size);
    build(CLXENT_F32);
}

static void tear_down(void) {
    const cl_mem all[] = {the.args.input.mem,           the.args.target.mem,
                          the.args.linear_weight.mem,   the.args.linear_bias.mem,
                          the.args.output.mem,          the.args.grad_input.mem,
                          the.args.workspace.mem,       the.args.grad_linear_weight.mem,
                          the.args.grad_linear_bias.mem};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        if (all[i] != NULL)
            clReleaseMemObject(all[i]);
    clxent_plan_destroy(the.plan);
    drop_kernel();
}

/* ---- what comes of it ---- */

static void expect_close(const char *name, const tensor *expected, cl_mem mem, clxent_dtype dtype, double tolerance) {
    static unsigned char got[sizeof expected->array];
    must(clEnqueueReadBuffer(device.queue, mem, CL_TRUE, 0, expected->bytes, got, 0, NULL, NULL));
    for (size_t i = 0; i < expected->bytes / (dtype == CLXENT_F32 ? 4 : 2); i++) {
        const double g = clx_load(dtype, got, i), e = clx_load(dtype, expected->array, i);
        if (!(fabs(g - e) <= tolerance * (1 + fabs(e))))
            fail_msg("%s[%zu] is %.9g, expected %.9g", name, i, g, e);
    }
}

static void expect_reference(void) {
    const clxent_dtype dtype = the.desc.dtype;
    assert_int_equal(clxent_reference(&the.desc, &the.expected), CLXENT_SUCCESS);
    expect_close("output", &the.loss, the.args.output.mem, CLXENT_F32, 1e-5);
    expect_close("grad_input", &the.grad_hidden, the.args.grad_input.mem, dtype,
                 dtype == CLXENT_F32   ? 1e-5
                 : dtype == CLXENT_F16 ? 0x1p-10
                                       : 0x1p-7);
    expect_close("grad_linear_weight", &the.grad_weight, the.args.grad_linear_weight.mem, CLXENT_F32, 1e-5);
    expect_close("grad_linear_bias", &the.grad_bias, the.args.grad_linear_bias.mem, CLXENT_F32, 1e-5);
}

static void enqueue_and_wait(cl_command_queue queue) {
    cl_event event = NULL;
    if (clxent_enqueue(queue, the.plan, &the.args, 0, NULL, &event) != CLXENT_SUCCESS)
        fail_msg("%s", clxent_last_error());
    assert_non_null(event);
    must(clWaitForEvents(1, &event));
    clReleaseEvent(event);
}

static void expect_product(const clxent_product *p, clxent_product_role role, size_t m, size_t n, size_t k,
                           clxent_dtype b_dtype) {
    assert_int_equal(p->struct_size, sizeof *p);
    assert_int_equal(p->role, role);
    assert_int_equal(p->dtype, CLXENT_F32);
    assert_int_equal(p->b_dtype, b_dtype);
    assert_int_equal(p->m, m);
    assert_int_equal(p->n, n);
    assert_int_equal(p->k, k);
    assert_true(p->a_row == 1 || p->a_column == 1);
    assert_true(p->b_row == 1 || p->b_column == 1);
    assert_true(p->c_row >= n);
}

/* Three for each chunk; what they are of is what the header says. */
static void expect_calls(bool bias) {
    const clxent_dtype dtype = the.desc.dtype;
    const size_t chunk = the.products[0].m;
    assert_in_range(chunk, 2, 8);
    assert_int_equal(the.calls, 3 * ((N + chunk - 1) / chunk));
    for (int i = 0; i < the.calls; i += 3) {
        const clxent_product *p = &the.products[i];
        expect_product(&p[0], CLXENT_PRODUCT_LOGITS, chunk, V, D, dtype);
        expect_product(&p[1], CLXENT_PRODUCT_HIDDEN, chunk, D, V, dtype);
        expect_product(&p[2], CLXENT_PRODUCT_WEIGHT, V, D, chunk, CLXENT_F32);
        assert_int_equal(p[0].adds != 0, bias);
        assert_false(p[1].adds);
        assert_int_equal(p[2].adds != 0, i > 0);
        assert_ptr_equal(p[0].b.mem, the.args.linear_weight.mem);
        assert_ptr_equal(p[1].b.mem, the.args.linear_weight.mem);
        assert_ptr_equal(p[2].c.mem, the.args.grad_linear_weight.mem);
    }
}

/* Ignored rows and a bias, of which the function knows nothing, come out right. */
static void values(void **state) {
    (void)state;
    static const clxent_dtype dtypes[] = {CLXENT_F32, CLXENT_F16, CLXENT_BF16};
    for (size_t i = 0; i < 6; i++) {
        set_up(CLXENT_FORWARD_BACKWARD, dtypes[i / 2], i % 2 != 0);
        enqueue_and_wait(device.queue);
        expect_calls(i % 2 != 0);
        expect_reference();
        tear_down();
    }
}

/* The places of a chunk behind the rows that count have what the workspace had, which is NaN, and still nothing comes of them. */
static void a_chunk_that_is_not_full(void **state) {
    (void)state;
    one_chunk = true;
    for (int bias = 0; bias < 2; bias++) {
        set_up(CLXENT_FORWARD_BACKWARD, CLXENT_F32, bias != 0);
        enqueue_and_wait(device.queue);
        assert_int_equal(the.calls, 3);
        assert_int_equal(the.products[0].m, N);
        expect_reference();
        tear_down();
    }
    one_chunk = false;
}

static cl_command_queue queue_of(cl_command_queue_properties wanted) {
    cl_command_queue_properties can = 0;
    cl_int error = CL_SUCCESS;
    must(clGetDeviceInfo(device.about->id, CL_DEVICE_QUEUE_PROPERTIES, sizeof can, &can, NULL));
    cl_command_queue queue = clCreateCommandQueue(device.cl, device.about->id, can & wanted, &error);
    must(error);
    return queue;
}

/* Out of order, each product waits for an event and gives one. */
static void a_queue_out_of_order(void **state) {
    (void)state;
    cl_command_queue_properties is = 0;
    cl_command_queue queue = queue_of(CL_QUEUE_OUT_OF_ORDER_EXEC_MODE_ENABLE);
    must(clGetCommandQueueInfo(queue, CL_QUEUE_PROPERTIES, sizeof is, &is, NULL));
    set_up(CLXENT_FORWARD_BACKWARD, CLXENT_F32, true);
    enqueue_and_wait(queue);
    for (int i = 0; i < the.calls && is & CL_QUEUE_OUT_OF_ORDER_EXEC_MODE_ENABLE; i++) {
        assert_int_equal(the.waits[i], 1);
        assert_true(the.gives_event[i]);
    }
    expect_reference();
    tear_down();
    clReleaseCommandQueue(queue);
}

/* In order there is nothing to wait for; the last launch is none of the function's, as long as a bias has a gradient. */
static void a_queue_in_order(void **state) {
    (void)state;
    cl_command_queue queue = queue_of(0);
    set_up(CLXENT_FORWARD_BACKWARD, CLXENT_F32, true);
    enqueue_and_wait(queue);
    for (int i = 0; i < the.calls; i++) {
        assert_int_equal(the.waits[i], 0);
        assert_false(the.gives_event[i]);
    }
    expect_reference();
    tear_down();
    clReleaseCommandQueue(queue);
}

/* Where it is the last, its event is the call's: no sum comes behind a gradient. */
static void the_last_event(void **state) {
    (void)state;
    cl_command_queue queue = queue_of(0);
    set_up(CLXENT_BACKWARD, CLXENT_F32, false);
    clReleaseMemObject(the.args.grad_linear_bias.mem);
    the.args.grad_linear_bias.mem = NULL;
    enqueue_and_wait(queue);
    for (int i = 0; i < the.calls; i++)
        assert_int_equal(the.gives_event[i], i == the.calls - 1);
    tear_down();
    clReleaseCommandQueue(queue);
}

static void failures(void **state) {
    (void)state;
    cl_event untouched = (cl_event)(uintptr_t)&the, event = untouched;
    set_up(CLXENT_FORWARD_BACKWARD, CLXENT_F32, true);
    for (int i = 1; i <= 6; i++) {
        the.calls = 0;
        the.fails_at = i;
        assert_int_equal(clxent_enqueue(device.queue, the.plan, &the.args, 0, NULL, &event), CL_OUT_OF_RESOURCES);
        assert_non_null(strstr(clxent_last_error(), "CL_OUT_OF_RESOURCES"));
        assert_int_equal(the.calls, i);
        assert_ptr_equal(event, untouched);
    }
    the.calls = the.fails_at = 0;
    enqueue_and_wait(device.queue);
    expect_reference();
    tear_down();
}

/* One that says that all went well, and gives no event though it was asked for one. */
static void a_missing_event(void **state) {
    (void)state;
    cl_command_queue queue = queue_of(0);
    cl_event untouched = (cl_event)(uintptr_t)&the, event = untouched;
    set_up(CLXENT_BACKWARD, CLXENT_F32, false);
    clReleaseMemObject(the.args.grad_linear_bias.mem);
    the.args.grad_linear_bias.mem = NULL;
    enqueue_and_wait(queue);
    the.keeps_event_at = the.calls;
    the.calls = 0;
    assert_int_equal(clxent_enqueue(queue, the.plan, &the.args, 0, NULL, &event), CL_INVALID_EVENT);
    assert_ptr_equal(event, untouched);
    must(clFinish(queue));
    tear_down();
    clReleaseCommandQueue(queue);
}

static void the_librarys_own_again(void **state) {
    (void)state;
    set_up(CLXENT_FORWARD_BACKWARD, CLXENT_F32, true);
    assert_int_equal(clxent_plan_set_product(the.plan, NULL, NULL), CLXENT_SUCCESS);
    enqueue_and_wait(device.queue);
    assert_int_equal(the.calls, 0);
    expect_reference();
    tear_down();
}

static void refusals(void **state) {
    (void)state;
    clxent_desc desc;
    clxent_plan *plan = NULL;
    assert_int_equal(clxent_plan_set_product(NULL, multiply, NULL), CLXENT_INVALID_ARGUMENT);
    clxent_desc_init(&desc, CLXENT_SOFTMAX);
    desc.batch = desc.classes = 4;
    assert_int_equal(clxent_plan_create(device.context, &desc, &plan), CLXENT_SUCCESS);
    assert_int_equal(clxent_plan_set_product(plan, multiply, NULL), CLXENT_UNSUPPORTED);
    assert_string_equal(clxent_last_error(), "a plan of softmax has no matrix products");
    clxent_plan_destroy(plan);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values),
        cmocka_unit_test(a_chunk_that_is_not_full),
        cmocka_unit_test(a_queue_out_of_order),
        cmocka_unit_test(a_queue_in_order),
        cmocka_unit_test(the_last_event),
        cmocka_unit_test(failures),
        cmocka_unit_test(a_missing_event),
        cmocka_unit_test(the_librarys_own_again),
        cmocka_unit_test(refusals),
    };
    return cmocka_run_group_tests(tests, open_device, close_device);
}
