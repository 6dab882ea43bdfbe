#include "mpi_layer.h"

#include "half.h"

#include <math.h>

static double number(size_t i) {
    return (double)(i * 2654435761u % 4096 / 128) / 8 - 2;
}

static void describe(mpi_layer *l, clxent_dtype dtype, bool padded) {
    static const size_t sizes[] = {5, 2, 3, 4};
    clxent_desc_init(&l->desc, CLXENT_LINEAR_CROSS_ENTROPY);
    l->desc.pass = CLXENT_FORWARD_BACKWARD;
    l->desc.dtype = dtype;
    l->desc.batch = LAYER_BATCH;
    l->desc.features = LAYER_WIDTH;
    l->desc.row_stride = padded ? LAYER_STRIDE : 0;
    l->desc.label_smoothing = .125;
    l->stride = padded ? LAYER_STRIDE : LAYER_WIDTH;
    for (int rank = 0; rank < the_ranks; rank++) {
        l->first = rank == the_rank ? l->classes : l->first;
        l->classes += sizes[rank];
    }
    l->desc.classes = sizes[the_rank];
}

static void fill(mpi_layer *l) {
    for (size_t i = 0; i < LAYER_BATCH * LAYER_STRIDE; i++)
        l->hidden[i] = number(i);
    for (size_t i = 0; i < LAYER_MOST * LAYER_WIDTH; i++)
        l->weight[i] = number(i + 1000) / 2;
    for (size_t i = 0; i < LAYER_MOST; i++)
        l->bias[i] = number(i + 2000);
    for (size_t i = 0; i < LAYER_BATCH; i++)
        l->target[i] = i == 2 ? -100 : (int32_t)(i * 5 % l->classes);
}

static void expect(mpi_layer *l) {
    clxent_desc desc = l->desc;
    clxent_host_args args;
    clxent_host_args_init(&args);
    desc.dtype = CLXENT_F64;
    desc.classes = l->classes;
    args.input = l->hidden;
    args.target = l->target;
    args.linear_weight = l->weight;
    args.linear_bias = l->bias;
    args.output = &l->loss;
    args.grad_input = l->grad_hidden;
    args.grad_linear_weight = l->grad_weight;
    args.grad_linear_bias = l->grad_bias;
    assert_success(clxent_reference(&desc, &args));
}

static clxent_dtype real_of(clxent_dtype dtype) {
    return dtype == CLXENT_F64 ? CLXENT_F64 : CLXENT_F32;
}

static size_t size_of(clxent_dtype dtype) {
    return dtype == CLXENT_F64 ? 8 : dtype == CLXENT_F32 ? 4 : 2;
}

/* Numbers of a type, in a buffer and back. */
static cl_mem put(clxent_dtype dtype, const double *from, size_t count) {
    double bytes[LAYER_BATCH * LAYER_STRIDE + LAYER_MOST * LAYER_WIDTH];
    for (size_t i = 0; i < count; i++)
        clx_store(dtype, bytes, i, from[i]);
    return make_buffer(count * size_of(dtype), bytes);
}

static void put_all(mpi_layer *l, size_t before) {
    const clxent_dtype dtype = l->desc.dtype, real = real_of(dtype);
    const size_t mine = l->desc.classes;
    clxent_args_init(&l->args);
    l->args.input.mem = put(dtype, l->hidden, LAYER_BATCH * l->stride);
    l->args.target.mem = make_buffer(sizeof l->target, l->target);
    l->args.linear_weight.mem = put(dtype, l->weight + l->first * LAYER_WIDTH, mine * LAYER_WIDTH);
    l->args.linear_bias.mem = put(dtype, l->bias + l->first, mine);
    l->args.output.mem = put(real, &l->loss, 1);
    l->args.grad_input.offset = before * size_of(dtype);
    l->args.grad_input.mem = make_buffer((before + LAYER_BATCH * l->stride) * size_of(dtype), NULL);
    l->args.grad_linear_weight.mem = put(real, l->weight, mine * LAYER_WIDTH);
    l->args.grad_linear_bias.mem = put(real, l->bias, mine);
}

void layer_open(mpi_layer *l, clxent_dtype dtype, bool padded, size_t before) {
    memset(l, 0, sizeof *l);
    describe(l, dtype, padded);
    fill(l);
    expect(l);
    put_all(l, before);
    assert_success(clxent_mpi_plan_create(the_device.context, MPI_COMM_WORLD, &l->desc, 2, &l->plan));
}

void layer_close(mpi_layer *l) {
    const cl_mem buffers[] = {
        l->args.input.mem,  l->args.target.mem,     l->args.linear_weight.mem,      l->args.linear_bias.mem,
        l->args.output.mem, l->args.grad_input.mem, l->args.grad_linear_weight.mem, l->args.grad_linear_bias.mem};
    clxent_mpi_plan_destroy(l->plan);
    for (size_t i = 0; i < sizeof buffers / sizeof buffers[0]; i++)
        clReleaseMemObject(buffers[i]);
}

static void compare(const mpi_layer *l, clxent_buffer buffer, clxent_dtype type, const double *expected, size_t rows,
                    size_t width, size_t stride, const char *what) {
    double bytes[LAYER_BATCH * LAYER_STRIDE + LAYER_MOST * LAYER_WIDTH];
    const size_t size = size_of(type);
    /* Each part of a gradient of 16 bits is rounded, and so is their sum. */
    const double bound = type == CLXENT_F64 ? 1e-14 : type == CLXENT_F32 ? 2e-6 : type == CLXENT_F16 ? 0x1p-10 : 0x1p-7;
    read_buffer(buffer.mem, buffer.offset, ((rows - 1) * stride + width) * size, bytes);
    for (size_t row = 0; row < rows; row++)
        for (size_t i = 0; i < width; i++) {
            const double got = clx_load(type, bytes, row * stride + i), right = expected[row * stride + i];
            if (!(fabs(got - right) <= bound))
                fail_msg("rank %d of %d, dtype %d: %s of row %zu, %zu is %.9g, expected %.9g", the_rank, the_ranks,
                         (int)l->desc.dtype, what, row, i, got, right);
        }
    if (strcmp(what, "grad_input") == 0)
        for (size_t row = 0; row < rows; row++)
            expect_same_on_all_ranks((char *)bytes + row * stride * size, width * size, what);
}

void layer_check(mpi_layer *l) {
    const clxent_dtype dtype = l->desc.dtype, real = real_of(dtype);
    const size_t mine = l->desc.classes;
    cl_event done = NULL;
    assert_success(clxent_mpi_forward(the_device.queue, l->plan, &l->args, 0, NULL));
    assert_success(clxent_mpi_backward(the_device.queue, l->plan, &l->args, 0, NULL, &done));
    assert_success(clxent_mpi_sum_grad_input(the_device.queue, l->plan, &l->args, 1, &done));
    clReleaseEvent(done);
    compare(l, l->args.output, real, &l->loss, 1, 1, 1, "output");
    compare(l, l->args.grad_input, dtype, l->grad_hidden, LAYER_BATCH, LAYER_WIDTH, l->stride, "grad_input");
    compare(l, l->args.grad_linear_weight, real, l->grad_weight + l->first * LAYER_WIDTH, 1, mine * LAYER_WIDTH, 1,
            "weight");
    compare(l, l->args.grad_linear_bias, real, l->grad_bias + l->first, 1, mine, 1, "bias");
}
