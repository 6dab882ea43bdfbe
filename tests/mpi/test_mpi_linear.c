/* Linear cross-entropy whose output layer is dealt out to the ranks, against clxent_reference on all classes: the loss, each rank's part
 * of the layer's gradient, and the sum of what they have of the gradient of the hidden states, with the same bits on all ranks. */
#include "mpi_case.h"

#include "half.h"

#include <math.h>

enum { BATCH = 7, WIDTH = 6, STRIDE = 9, MOST = 16 };

static const size_t sizes[] = {5, 2, 3, 4};

typedef struct layer {
    clxent_dtype dtype;
    bool padded;
    size_t classes, first, mine;
    double hidden[BATCH * STRIDE], weight[MOST * WIDTH], bias[MOST]; /* numbers that every type holds exactly */
    int32_t target[BATCH];
    double loss, grad_hidden[BATCH * STRIDE], grad_weight[MOST * WIDTH], grad_bias[MOST]; /* what is expected */
} layer;

static double number(size_t i) {
    return (double)(i * 2654435761u % 4096 / 128) / 8 - 2;
}

static void make_layer(layer *l, clxent_dtype dtype, bool padded) {
    memset(l, 0, sizeof *l);
    l->dtype = dtype;
    l->padded = padded;
    for (int rank = 0; rank < the_ranks; rank++) {
        l->first = rank == the_rank ? l->classes : l->first;
        l->classes += sizes[rank];
    }
    l->mine = sizes[the_rank];
    for (size_t i = 0; i < BATCH * STRIDE; i++)
        l->hidden[i] = number(i);
    for (size_t i = 0; i < MOST * WIDTH; i++)
        l->weight[i] = number(i + 1000) / 2;
    for (size_t i = 0; i < MOST; i++)
        l->bias[i] = number(i + 2000);
    for (size_t i = 0; i < BATCH; i++)
        l->target[i] = i == 2 ? -100 : (int32_t)(i * 5 % l->classes);
}

static clxent_desc desc_of(const layer *l) {
    clxent_desc desc;
    clxent_desc_init(&desc, CLXENT_LINEAR_CROSS_ENTROPY);
    desc.pass = CLXENT_FORWARD_BACKWARD;
    desc.dtype = l->dtype;
    desc.batch = BATCH;
    desc.features = WIDTH;
    desc.row_stride = l->padded ? STRIDE : 0;
    desc.classes = l->mine;
    desc.label_smoothing = .125;
    return desc;
}

static void expect(layer *l) {
    clxent_desc desc = desc_of(l);
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

/* Numbers of a type, in a buffer and back. */
static cl_mem put(clxent_dtype type, const double *from, size_t count) {
    double bytes[BATCH * STRIDE + MOST * WIDTH];
    for (size_t i = 0; i < count; i++)
        clx_store(type, bytes, i, from[i]);
    return make_buffer(count * (type == CLXENT_F64 ? 8 : type == CLXENT_F32 ? 4 : 2), bytes);
}

static void compare(const layer *l, cl_mem mem, clxent_dtype type, const double *expected, size_t rows, size_t width,
                    size_t stride, const char *what) {
    double bytes[BATCH * STRIDE + MOST * WIDTH];
    const size_t size = type == CLXENT_F64 ? 8 : type == CLXENT_F32 ? 4 : 2;
    /* Each part of a gradient of 16 bits is rounded, and so is their sum. */
    const double bound = type == CLXENT_F64 ? 1e-14 : type == CLXENT_F32 ? 2e-6 : type == CLXENT_F16 ? 0x1p-10 : 0x1p-7;
    read_buffer(mem, 0, ((rows - 1) * stride + width) * size, bytes);
    for (size_t row = 0; row < rows; row++)
        for (size_t i = 0; i < width; i++) {
            const double got = clx_load(type, bytes, row * stride + i), right = expected[row * stride + i];
            if (!(fabs(got - right) <= bound))
                fail_msg("rank %d of %d, dtype %d: %s of row %zu, %zu is %.9g, expected %.9g", the_rank, the_ranks,
                         (int)l->dtype, what, row, i, got, right);
        }
    if (strcmp(what, "grad_input") == 0)
        for (size_t row = 0; row < rows; row++)
            expect_same_on_all_ranks((char *)bytes + row * stride * size, width * size, what);
}

static void check(clxent_dtype dtype, bool padded) {
    static layer l;
    const clxent_dtype real = dtype == CLXENT_F64 ? CLXENT_F64 : CLXENT_F32;
    clxent_mpi_plan *plan = NULL;
    clxent_args args;
    make_layer(&l, dtype, padded);
    expect(&l);
    const size_t stride = padded ? STRIDE : WIDTH;
    const clxent_desc desc = desc_of(&l);
    clxent_args_init(&args);
    args.input.mem = put(dtype, l.hidden, BATCH * stride);
    args.target.mem = make_buffer(sizeof l.target, l.target);
    args.linear_weight.mem = put(dtype, l.weight + l.first * WIDTH, l.mine * WIDTH);
    args.linear_bias.mem = put(dtype, l.bias + l.first, l.mine);
    args.output.mem = put(real, &l.loss, 1);
    args.grad_input.mem = put(dtype, l.hidden, BATCH * stride);
    args.grad_linear_weight.mem = put(real, l.weight, l.mine * WIDTH);
    args.grad_linear_bias.mem = put(real, l.bias, l.mine);
    assert_success(clxent_mpi_plan_create(the_device.context, MPI_COMM_WORLD, &desc, 2, &plan));
    expect_on_all_ranks(clxent_mpi_sum_grad_input(the_device.queue, plan, &args, 0, NULL), CLXENT_INVALID_ARGUMENT,
                        "rank 0: no forward pass");
    for (int step = 0; step < 2; step++) {
        cl_event done = NULL;
        assert_success(clxent_mpi_forward(the_device.queue, plan, &args, 0, NULL));
        assert_success(clxent_mpi_backward(the_device.queue, plan, &args, 0, NULL, &done));
        assert_success(clxent_mpi_sum_grad_input(the_device.queue, plan, &args, 1, &done));
        clReleaseEvent(done);
        compare(&l, args.output.mem, real, &l.loss, 1, 1, 1, "output");
        compare(&l, args.grad_input.mem, dtype, l.grad_hidden, BATCH, WIDTH, stride, "grad_input");
        compare(&l, args.grad_linear_weight.mem, real, l.grad_weight + l.first * WIDTH, 1, l.mine * WIDTH, 1, "weight");
        compare(&l, args.grad_linear_bias.mem, real, l.grad_bias + l.first, 1, l.mine, 1, "bias");
    }
    clxent_mpi_info info = {.struct_size = sizeof info};
    assert_success(clxent_mpi_plan_get_info(plan, &info));
    assert_true((info.grad_bytes_received > 0) == (the_ranks > 1));
    clxent_args wrong = args;
    wrong.grad_input.mem = the_rank == the_ranks - 1 ? NULL : args.grad_input.mem;
    expect_on_all_ranks(clxent_mpi_sum_grad_input(the_device.queue, plan, &wrong, 0, NULL), CLXENT_MISSING_BUFFER,
                        ": grad_input is null");
    clxent_mpi_plan_destroy(plan);
    const cl_mem buffers[] = {
        args.input.mem,  args.target.mem,     args.linear_weight.mem,      args.linear_bias.mem,
        args.output.mem, args.grad_input.mem, args.grad_linear_weight.mem, args.grad_linear_bias.mem};
    for (size_t i = 0; i < sizeof buffers / sizeof buffers[0]; i++)
        clReleaseMemObject(buffers[i]);
}

/* Of cross-entropy there is nothing to sum. */
static void refuse_others(void) {
    mpi_case m;
    shard_case c = case_of_sizes(9, sizes);
    case_open(&m, &c, 3, 1);
    case_check(&m);
    expect_on_all_ranks(clxent_mpi_sum_grad_input(the_device.queue, m.plan, &m.args, 0, NULL), CLXENT_INVALID_ARGUMENT,
                        "rank 0: grad_input of cross-entropy is of this rank's classes");
    assert_refused(clxent_mpi_sum_grad_input(the_device.queue, NULL, &m.args, 0, NULL), CLXENT_INVALID_ARGUMENT,
                   "plan is null");
    case_close(&m);
}

int main(int argc, char **argv) {
    begin_ranks(&argc, &argv);
    check(CLXENT_F32, false);
    check(CLXENT_F32, true);
    check(CLXENT_BF16, true);
    check(CLXENT_F16, false);
    if (device_has_fp64())
        check(CLXENT_F64, false);
    refuse_others();
    return end_ranks();
}
