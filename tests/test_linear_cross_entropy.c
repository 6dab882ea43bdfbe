/* Linear cross-entropy on the device against the reference: every type, pass and option, rows that are ignored or do not
 * fill a chunk, sizes beside those of tiles and panels, workspaces from the least one on. */
#include "device_cases.h"

#include "half.h"
#include "tensor.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    WEIGHTED = 1,
    SAMPLES = 2,
    BIAS = 4,
    SMOOTH = 8,
    SCALED = 16,
    CAPPED = 32,
    ZLOSS = 64,
    INCOMING = 128,
    ADD = 256,
    ALL_IGNORED = 512,
    SAVED_LSE = 1024,
    PADDED = 2048,
    SQUARES = 4096,
    FILTER = 8192
};

typedef struct line {
    size_t batch, features, classes, chunk; /* chunk: rows that the workspace is to have room for; 0: as it comes */
    clxent_dtype dtype;
    clxent_target_type target_type;
    clxent_reduction reduction;
    unsigned options;
} line;

static const line lines[] = {
    {5, 7, 11, 0, CLXENT_F32, CLXENT_TARGET_I32, CLXENT_REDUCTION_MEAN, 0},
    {5, 7, 11, 0, CLXENT_F64, CLXENT_TARGET_I64, CLXENT_REDUCTION_SUM, BIAS | FILTER},
    {70, 16, 64, 0, CLXENT_F32, CLXENT_TARGET_I32, CLXENT_REDUCTION_NONE, BIAS | INCOMING},
    {70, 130, 129, 0, CLXENT_F32, CLXENT_TARGET_I64, CLXENT_REDUCTION_MEAN, BIAS | WEIGHTED | SAMPLES},
    {70, 257, 300, 13, CLXENT_F32, CLXENT_TARGET_I32, CLXENT_REDUCTION_MEAN, SMOOTH | WEIGHTED | FILTER},
    {29, 33, 65, 1, CLXENT_F32, CLXENT_TARGET_U8, CLXENT_REDUCTION_SUM, SMOOTH | SAMPLES | ADD},
    {29, 64, 128, 12, CLXENT_F16, CLXENT_TARGET_I32, CLXENT_REDUCTION_MEAN, BIAS | ZLOSS | FILTER},
    {29, 31, 127, 7, CLXENT_BF16, CLXENT_TARGET_I32, CLXENT_REDUCTION_NONE, SCALED | CAPPED | ADD | PADDED | FILTER},
    {29, 31, 63, 7, CLXENT_BF16, CLXENT_TARGET_I64, CLXENT_REDUCTION_MEAN, BIAS | INCOMING | WEIGHTED | SMOOTH},
    {29, 31, 63, 7, CLXENT_F16, CLXENT_TARGET_I32, CLXENT_REDUCTION_SUM, SAVED_LSE | INCOMING | PADDED},
    {64, 48, 1000, 16, CLXENT_F32, CLXENT_TARGET_I32, CLXENT_REDUCTION_MEAN,
     BIAS | CAPPED | ZLOSS | WEIGHTED | SAMPLES},
    {33, 20, 90, 5, CLXENT_F64, CLXENT_TARGET_I32, CLXENT_REDUCTION_MEAN, BIAS | CAPPED | ZLOSS | WEIGHTED | ADD},
    {33, 20, 90, 5, CLXENT_F32, CLXENT_TARGET_I32, CLXENT_REDUCTION_MEAN, SQUARES | SAMPLES | BIAS},
    {33, 20, 90, 5, CLXENT_F32, CLXENT_TARGET_I32, CLXENT_REDUCTION_SUM, BIAS | ALL_IGNORED},
    {33, 20, 90, 5, CLXENT_F32, CLXENT_TARGET_I64, CLXENT_REDUCTION_NONE, BIAS | ALL_IGNORED | ADD},
    {33, 20, 90, 5, CLXENT_F32, CLXENT_TARGET_I32, CLXENT_REDUCTION_MEAN, SAVED_LSE | BIAS | PADDED},
    {1, 1, 1, 0, CLXENT_F32, CLXENT_TARGET_I32, CLXENT_REDUCTION_MEAN, BIAS},
    {3, 4, 45000, 2, CLXENT_F32, CLXENT_TARGET_I32, CLXENT_REDUCTION_MEAN, BIAS}, /* sums too long for a loop limit */
    {0, 5, 9, 0, CLXENT_F32, CLXENT_TARGET_I32, CLXENT_REDUCTION_SUM, BIAS},
};
enum { LINES = sizeof lines / sizeof lines[0] };

/* The tensors of a call. What is written is there twice, for the device and for the reference. */
typedef struct data {
    clxent_desc desc;
    size_t stride;
    clxent_host_args args[2];
    void *arrays[24];
    size_t count;
} data;

static void expect_success(clxent_status status) {
    if (status != CLXENT_SUCCESS)
        fail_msg("%s: %s", clxent_status_string(status), clxent_last_error());
}

static uint64_t state;

static double uniform(void) {
    state = state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (double)(state >> 11) / 9007199254740992.0;
}

static void *keep(data *d, size_t bytes) {
    void *made = calloc(bytes + 1, 1);
    assert_non_null(made);
    d->arrays[d->count++] = made;
    return made;
}

static clxent_dtype real_of(clxent_dtype dtype) {
    return dtype == CLXENT_F64 ? CLXENT_F64 : CLXENT_F32;
}

static size_t bytes_of(clxent_dtype dtype) {
    return dtype == CLXENT_F64 ? 8 : dtype == CLXENT_F32 ? 4 : 2;
}

static void *fill(data *d, clxent_dtype dtype, size_t count, double least, double most) {
    void *made = keep(d, count * bytes_of(dtype));
    for (size_t i = 0; i < count; i++)
        clx_store(dtype, made, i, least + (most - least) * uniform());
    return made;
}

/* The same numbers for both. */
static void fill_both(data *d, clxent_dtype dtype, size_t count, size_t member) {
    void *first = fill(d, dtype, count, -1, 1), *second = keep(d, count * bytes_of(dtype));
    memcpy(second, first, count * bytes_of(dtype));
    memcpy((char *)&d->args[0] + member, &first, sizeof first);
    memcpy((char *)&d->args[1] + member, &second, sizeof second);
}

static void set_both(data *d, size_t member, const void *array) {
    memcpy((char *)&d->args[0] + member, &array, sizeof array);
    memcpy((char *)&d->args[1] + member, &array, sizeof array);
}
#define MEMBER(name) offsetof(clxent_host_args, name)

static void fill_targets(data *d, const line *l) {
    const size_t size = l->target_type == CLXENT_TARGET_I32 ? 4 : l->target_type == CLXENT_TARGET_I64 ? 8 : 1;
    unsigned char *target = keep(d, l->batch * size);
    for (size_t i = 0; i < l->batch; i++) {
        const bool ignored = l->options & ALL_IGNORED || i % 5 == 2;
        const int64_t y = ignored ? d->desc.ignore_index : (int64_t)(uniform() * (double)l->classes);
        const int32_t y32 = (int32_t)y;
        if (size == 1)
            target[i] = (unsigned char)y;
        else
            memcpy(target + i * size, size == 4 ? (const void *)&y32 : (const void *)&y, size);
    }
    set_both(d, MEMBER(target), target);
}

static void set_desc(data *d, const line *l, clxent_pass pass) {
    clxent_desc *desc = &d->desc;
    clxent_desc_init(desc, CLXENT_LINEAR_CROSS_ENTROPY);
    desc->pass = pass;
    desc->dtype = l->dtype;
    desc->target_type = l->target_type;
    desc->reduction = l->reduction;
    desc->batch = l->batch;
    desc->classes = l->classes;
    desc->features = l->features;
    desc->row_stride = l->options & PADDED ? l->features + 3 : 0;
    desc->ignore_index = l->target_type == CLXENT_TARGET_U8 ? 255 : -100;
    desc->label_smoothing = l->options & SMOOTH ? 0.125 : 0;
    desc->logit_scale = l->options & SCALED ? 0.75 : 1;
    desc->logit_softcap = l->options & CAPPED ? 5 : 0;
    desc->z_loss = l->options & ZLOSS ? 0.01 : 0;
    desc->reg_lambda = l->options & SQUARES ? 0.1 : 0;
    desc->grad_scale = l->options & INCOMING ? 2 : 1;
    desc->flags =
        (l->options & ADD ? CLXENT_ACCUMULATE_GRAD : 0u) | (l->options & FILTER ? CLXENT_FILTER_GRADIENT : 0u);
    d->stride = l->options & PADDED ? l->features + 3 : l->features;
}

static void make(data *d, const line *l, clxent_pass pass) {
    memset(d, 0, sizeof *d);
    set_desc(d, l, pass);
    const clxent_dtype real = real_of(l->dtype);
    const size_t losses = l->reduction == CLXENT_REDUCTION_NONE ? l->batch : 1;
    for (int i = 0; i < 2; i++)
        clxent_host_args_init(&d->args[i]);
    fill_targets(d, l);
    set_both(d, MEMBER(input), fill(d, l->dtype, l->batch * d->stride, -1, 1));
    set_both(d, MEMBER(linear_weight), fill(d, l->dtype, l->classes * l->features, -1, 1));
    if (l->options & BIAS)
        set_both(d, MEMBER(linear_bias), fill(d, l->dtype, l->classes, -1, 1));
    if (l->options & WEIGHTED)
        set_both(d, MEMBER(weight), fill(d, real, l->classes, 0.5, 2));
    if (l->options & SAMPLES)
        set_both(d, MEMBER(sample_weight), fill(d, real, l->batch, 0.5, 2));
    if (pass != CLXENT_FORWARD && l->options & INCOMING)
        set_both(d, MEMBER(grad_output), fill(d, real, losses, 0.5, 1.5));
    if (pass != CLXENT_BACKWARD || l->options & SAVED_LSE)
        fill_both(d, real, l->batch, MEMBER(lse));
    if (pass != CLXENT_BACKWARD)
        fill_both(d, real, losses, MEMBER(output));
    if (pass == CLXENT_FORWARD)
        return;
    fill_both(d, l->dtype, l->batch * d->stride, MEMBER(grad_input));
    fill_both(d, real, l->classes * l->features, MEMBER(grad_linear_weight));
    fill_both(d, real, l->classes, MEMBER(grad_linear_bias));
}

static void drop(data *d) {
    for (size_t i = 0; i < d->count; i++)
        free(d->arrays[i]);
}

/* A sum of D products of numbers up to 1 is off by a few roundings for each; everything else hangs on that, and gradients of
 * the layer add up over the rows. 16-bit results are rounded once more, by both. */
static double tolerance(const line *l, double expected, clxent_dtype stored) {
    const double epsilon = l->dtype == CLXENT_F64 ? DBL_EPSILON : FLT_EPSILON;
    const double rounding = stored == CLXENT_BF16 ? 0x1p-7 : stored == CLXENT_F16 ? 0x1p-10 : epsilon;
    const double terms = (double)(l->features + 16),
                 rows = l->reduction == CLXENT_REDUCTION_MEAN ? 8 : 8 + (double)l->batch;
    return epsilon * terms * rows + rounding * fabs(expected) + 4 * epsilon * fabs(expected) * rows +
           (stored == CLXENT_F16 ? 0x1p-24 : 0);
}

static void compare(const data *d, const line *l, size_t at, const char *name, size_t member, size_t count,
                    clxent_dtype dtype) {
    const void *got, *expected;
    memcpy(&got, (const char *)&d->args[0] + member, sizeof got);
    memcpy(&expected, (const char *)&d->args[1] + member, sizeof expected);
    for (size_t i = 0; expected != NULL && i < count; i++) {
        const double g = clx_load(dtype, got, i), e = clx_load(dtype, expected, i);
        const bool same = isnan(e) ? isnan(g) : fabs(g - e) <= tolerance(l, e, dtype);
        if (!same)
            fail_msg("line %zu, pass %d: %s[%zu] is %.9g, expected %.9g", at, (int)d->desc.pass, name, i, g, e);
    }
}

static void compare_tensors(const data *d, const line *l, size_t at) {
    const size_t losses = l->reduction == CLXENT_REDUCTION_NONE ? l->batch : 1;
    const clxent_dtype real = real_of(l->dtype);
    compare(d, l, at, "output", MEMBER(output), losses, real);
    compare(d, l, at, "lse", MEMBER(lse), l->batch, real);
    compare(d, l, at, "grad_input", MEMBER(grad_input), l->batch * d->stride, l->dtype);
    compare(d, l, at, "grad_linear_weight", MEMBER(grad_linear_weight), l->classes * l->features, real);
    compare(d, l, at, "grad_linear_bias", MEMBER(grad_linear_bias), l->classes, real);
}

/* Not 0: the device passes for a GPU whose groups have at most so many work-items. */
static size_t gpu_group;

/* The least workspace has room for one row; what each further one takes follows from the refusals on the way. */
static void limit_chunk(data *d, size_t chunk) {
    clxent_plan *plan = NULL;
    clxent_plan_info info = {.struct_size = sizeof info};
    if (chunk == 0)
        return;
    clxent_context *context = make_context_apart(gpu_group);
    d->desc.workspace_limit = 1;
    assert_int_equal(clxent_plan_create(context, &d->desc, &plan), CLXENT_INVALID_OPTION);
    unsigned long long least = 0;
    assert_int_equal(sscanf(clxent_last_error(), "workspace_limit is 1, a chunk of one row needs %llu bytes", &least),
                     1);
    d->desc.workspace_limit = least - 1;
    assert_int_equal(clxent_plan_create(context, &d->desc, &plan), CLXENT_INVALID_OPTION);
    d->desc.workspace_limit = least;
    expect_success(clxent_plan_create(context, &d->desc, &plan));
    expect_success(clxent_plan_get_info(plan, &info));
    assert_true(info.workspace_size <= least);
    clxent_plan_destroy(plan);
    clxent_context_destroy(context);
    const size_t real = bytes_of(real_of(d->desc.dtype));
    d->desc.workspace_limit = least + (chunk - 1) * (d->desc.classes + 2 * d->desc.features + 96) * real;
}

/* A simulator takes a second for a hundred thousand multiplications, with all that it looks at. */
static bool is_simulator(void) {
    return strstr(device.about->name, "Oclgrind") != NULL;
}

static bool is_for_device(const line *l) {
    const bool small = l->batch * l->classes * l->features < 65536;
    return (small || !is_simulator()) && (l->dtype != CLXENT_F64 || device.about->fp64);
}

/* In a context of its own: Oclgrind 21.10 takes what lies in memory that a context has let go and got anew, as clxent_run
 * does for tensors that grow, for uninitialised. */
static clxent_status run_apart(const clxent_desc *desc, const clxent_host_args *args) {
    clxent_context *apart = make_context_apart(gpu_group);
    const clxent_status status = clxent_run(apart, desc, args);
    clxent_context_destroy(apart);
    return status;
}

static void check_line(size_t at, clxent_pass pass) {
    const line *l = &lines[at];
    data d;
    if (!is_for_device(l) || !is_shared(at + (size_t)pass))
        return;
    state = 17 + at;
    make(&d, l, pass);
    limit_chunk(&d, l->chunk);
    clxent_status status = run_apart(&d.desc, &d.args[0]);
    if (status != CLXENT_SUCCESS)
        fail_msg("line %zu, pass %d: %s", at, (int)pass, clxent_last_error());
    expect_success(clxent_reference(&d.desc, &d.args[1]));
    compare_tensors(&d, l, at);
    drop(&d);
}

static void double_precision_is_refused_where_there_is_none(void **unused) {
    (void)unused;
    clxent_plan *plan = NULL;
    data d;
    make(&d, &lines[1], CLXENT_FORWARD);
    assert_int_equal(clxent_plan_create(device.context, &d.desc, &plan),
                     device.about->fp64 ? CLXENT_SUCCESS : CLXENT_UNSUPPORTED);
    clxent_plan_destroy(plan);
    drop(&d);
}

static void forward(void **unused) {
    (void)unused;
    for (size_t i = 0; i < LINES; i++)
        check_line(i, CLXENT_FORWARD);
}

static void forward_and_backward(void **unused) {
    (void)unused;
    for (size_t i = 0; i < LINES; i++)
        if (!(lines[i].options & SAVED_LSE))
            check_line(i, CLXENT_FORWARD_BACKWARD);
}

/* A saved lse is whatever the caller has; both take it as it is. */
static void backward(void **unused) {
    (void)unused;
    for (size_t i = 0; i < LINES; i++)
        check_line(i, CLXENT_BACKWARD);
}

/* The products of a GPU, in groups of every size that they come in, and panels where groups are smaller; some lines of each in a
 * simulator. */
static void in_groups(void **unused) {
    (void)unused;
    static const size_t groups[] = {256, 64, 16, 15};
    size_t simulated = 0;
    for (size_t i = 0; i < LINES; i++) {
        if (lines[i].options & SAVED_LSE || (i % 3 != 0 && is_simulator()))
            continue;
        gpu_group = groups[(is_simulator() ? simulated++ : i / 3) % 4];
        check_line(i, CLXENT_FORWARD_BACKWARD);
    }
    gpu_group = 0;
}

/* ---- by enqueue ---- */

static bool is_output(const clx_problem *problem, clx_tensor tensor) {
    return clx_is_written(clx_tensor_use(problem, tensor));
}

/* Buffers of exactly the size that they must have, with what the second set of arrays holds. */
static void make_buffers(cl_context cl, const data *d, const clx_problem *problem, clxent_args *args) {
    clxent_args_init(args);
    for (clx_tensor tensor = 0; tensor < CLX_TENSORS; tensor++) {
        void *array = clx_host_array(&d->args[1], tensor);
        const size_t bytes = clx_tensor_bytes(problem, tensor);
        cl_int error = CL_SUCCESS;
        if (array == NULL || bytes == 0)
            continue;
        const cl_mem mem = clCreateBuffer(cl, CL_MEM_READ_WRITE | CL_MEM_COPY_HOST_PTR, bytes, array, &error);
        must(error);
        clx_set_buffer(args, tensor, &(clxent_buffer){mem, 0});
    }
}

static void read_buffers(cl_command_queue queue, const data *d, const clx_problem *problem, const clxent_args *args) {
    for (clx_tensor tensor = 0; tensor < CLX_TENSORS; tensor++) {
        const clxent_buffer *buffer = clx_buffer(args, tensor);
        if (buffer->mem == NULL)
            continue;
        if (is_output(problem, tensor))
            must(clEnqueueReadBuffer(queue, buffer->mem, CL_TRUE, 0, clx_tensor_bytes(problem, tensor),
                                     clx_host_array(&d->args[1], tensor), 0, NULL, NULL));
        clReleaseMemObject(buffer->mem);
    }
}

/* On a queue out of order, where the device has one, every launch must wait for the one before. */
static cl_command_queue make_queue(cl_context cl) {
    cl_command_queue_properties can = 0;
    cl_int error = CL_SUCCESS;
    must(clGetDeviceInfo(device.about->id, CL_DEVICE_QUEUE_PROPERTIES, sizeof can, &can, NULL));
    cl_command_queue queue =
        clCreateCommandQueue(cl, device.about->id, can & CL_QUEUE_OUT_OF_ORDER_EXEC_MODE_ENABLE, &error);
    must(error);
    return queue;
}

static void enqueue(const data *d, const clx_problem *problem) {
    clxent_context *apart = make_context_apart(gpu_group);
    clxent_plan *plan = NULL;
    clxent_plan_info info = {.struct_size = sizeof info};
    clxent_args args;
    cl_context cl = NULL;
    cl_event event = NULL;
    cl_int error = CL_SUCCESS;
    expect_success(clxent_context_get(apart, &cl, NULL));
    expect_success(clxent_plan_create(apart, &d->desc, &plan));
    expect_success(clxent_plan_get_info(plan, &info));
    cl_command_queue queue = make_queue(cl);
    make_buffers(cl, d, problem, &args);
    args.workspace.mem = clCreateBuffer(cl, CL_MEM_READ_WRITE, info.workspace_size, NULL, &error);
    must(error);
    expect_success(clxent_enqueue(queue, plan, &args, 0, NULL, &event));
    must(clWaitForEvents(1, &event));
    clReleaseEvent(event);
    read_buffers(queue, d, problem, &args);
    clReleaseMemObject(args.workspace.mem);
    clReleaseCommandQueue(queue);
    clxent_plan_destroy(plan);
    clxent_context_destroy(apart);
}

static void expect_equal_bits(const data *d, const clx_problem *problem, size_t at) {
    for (clx_tensor tensor = 0; tensor < CLX_TENSORS; tensor++) {
        void *run = clx_host_array(&d->args[0], tensor), *enqueued = clx_host_array(&d->args[1], tensor);
        if (run != NULL && is_output(problem, tensor) && memcmp(run, enqueued, clx_tensor_bytes(problem, tensor)) != 0)
            fail_msg("line %zu: %s has other bits by enqueue than by run", at, clx_tensor_name(tensor));
    }
}

static void the_same_bits_by_enqueue(void **unused) {
    (void)unused;
    for (size_t i = 0; i < LINES; i++) {
        data d;
        clx_problem problem;
        state = 99 + i;
        make(&d, &lines[i], CLXENT_FORWARD_BACKWARD);
        expect_success(clx_problem_init(&problem, &d.desc));
        if (is_shared(i) && is_for_device(&lines[i]) && !(lines[i].options & SAVED_LSE) && lines[i].batch > 0) {
            limit_chunk(&d, lines[i].chunk);
            enqueue(&d, &problem);
            expect_success(run_apart(&d.desc, &d.args[0]));
            expect_equal_bits(&d, &problem, i);
        }
        drop(&d);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(double_precision_is_refused_where_there_is_none),
        cmocka_unit_test(forward),
        cmocka_unit_test(forward_and_backward),
        cmocka_unit_test(backward),
        cmocka_unit_test(in_groups),
        cmocka_unit_test(the_same_bits_by_enqueue),
    };
    return cmocka_run_group_tests(tests, open_device, close_device);
}
