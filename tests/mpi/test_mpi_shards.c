/* Losses and gradients over several processes against clxent_reference on all classes: every type, uneven shards, blocks, options. What
 * ranks say of all classes has the same bits on all of them; a second step, and other blocks, give the same bits too. */
#include "mpi_case.h"

#include <pthread.h>
#include <time.h>

static bool can_do(const shard_case *c) {
    return c->whole.dtype != CLXENT_F64 || device_has_fp64();
}

/* The bits of everything a step gives. */
typedef struct bits {
    size_t size;
    char *bytes;
} bits;

static bits take_bits(const mpi_case *m) {
    const size_t real = m->d.c.whole.dtype == CLXENT_F64 ? 8 : 4;
    const size_t losses = (m->d.c.whole.reduction == CLXENT_REDUCTION_NONE ? m->d.rows : 1) * real;
    bits b = {.size = losses + m->rows_bytes + 2 * real + m->input_bytes};
    b.bytes = malloc(b.size);
    assert_non_null(b.bytes);
    memcpy(b.bytes, m->d.output, losses);
    memcpy(b.bytes + losses, m->d.lse, m->rows_bytes);
    memcpy(b.bytes + losses + m->rows_bytes, m->d.weight_sum, 2 * real);
    memcpy(b.bytes + b.size - m->input_bytes, m->d.grad_input, m->input_bytes);
    return b;
}

static bits run(const shard_case *c, uint64_t seed, size_t blocks, int steps) {
    mpi_case m;
    bits before = {0};
    case_open(&m, c, seed, blocks);
    for (int step = 0; step < steps; step++) {
        case_check(&m);
        const bits b = take_bits(&m);
        if (step > 0)
            assert_memory_equal(before.bytes, b.bytes, b.size);
        free(before.bytes);
        before = b;
        if (c->in_place || c->whole.flags != 0) {
            shard_data_free(&m.d); /* the buffers again as they were */
            shard_data_init(&m.d, c, seed);
            shard_data_expect(&m.d);
            case_reset(&m);
        }
    }
    clxent_mpi_info info = {.struct_size = sizeof info};
    assert_success(clxent_mpi_plan_get_info(m.plan, &info));
    assert_int_equal(info.forwards, steps);
    assert_true(info.class_start == m.start && info.class_total == c->whole.classes);
    assert_true(info.rank == the_rank && info.ranks == the_ranks);
    case_close(&m);
    return before;
}

/* Twice in one plan, and again in other blocks. */
static void check(const shard_case *c, uint64_t seed) {
    static const size_t blocks[] = {1, 3, 1000};
    bits first = {0};
    for (size_t i = 0; i < sizeof blocks / sizeof blocks[0] && can_do(c); i++) {
        bits b = run(c, seed, blocks[i], i == 0 ? 2 : 1);
        if (i > 0)
            assert_memory_equal(first.bytes, b.bytes, b.size);
        if (i == 0)
            first = b;
        else
            free(b.bytes);
    }
    free(first.bytes);
}

static shard_case case_of_number(size_t i) {
    static const size_t sizes[][4] = {{5, 1, 39, 2}, {1, 70, 3, 33}, {4, 4, 4, 4}};
    static const clxent_dtype dtypes[] = {CLXENT_F32, CLXENT_F64, CLXENT_F32, CLXENT_F16, CLXENT_F32, CLXENT_BF16};
    static const clxent_target_type types[] = {CLXENT_TARGET_I32, CLXENT_TARGET_I64, CLXENT_TARGET_U8};
    const size_t feature = i % 6; /* as many kinds of programs, those of test_shards */
    shard_case c = case_of_sizes(i % 5 == 4 ? 3 : 11, sizes[i % 3]);
    c.whole.dtype = dtypes[feature];
    c.whole.target_type = types[feature % 3];
    c.whole.label_smoothing = feature % 2 ? .125 : 0;
    c.whole.logit_scale = feature >= 4 ? .75 : 1;
    c.whole.logit_softcap = feature == 5 ? 6 : 0;
    c.whole.reduction = (clxent_reduction)((i + i / 6) % 3);
    c.whole.ignore_index = feature % 3 == 2 ? 255 : i == 0 ? 1 : -100;
    c.whole.z_loss = i / 2 % 2 ? .125 : 0;
    c.whole.grad_scale = i / 3 % 2 ? 4 : 1;
    c.whole.flags = i % 4 == 1 ? CLXENT_ACCUMULATE_GRAD : 0u;
    c.weight = i % 2 == 0 || i % 5 == 0;
    c.sample_weight = i / 2 % 2 == 0;
    c.grad_output = i / 4 % 2 == 0;
    c.in_place = c.whole.flags == 0 && i % 3 == 0;
    return c;
}

/* Positions behind the class axis: slices go over batch entries. */
static void check_inner(void) {
    shard_case c = case_of_sizes(3, (size_t[]){2, 1, 5, 3});
    c.whole.inner = 7;
    c.whole.engine = CLXENT_ENGINE_COLUMN;
    check(&c, 5);
}

static void check_empty(void) {
    for (unsigned flag = 0; flag < 2; flag++)
        for (int reduction = 0; reduction < 3; reduction++) {
            shard_case c = case_of_sizes(0, (size_t[]){2, 3, 1, 4});
            c.whole.reduction = (clxent_reduction)reduction;
            c.whole.flags = flag ? CLXENT_EMPTY_MEAN_ZERO : 0u;
            check(&c, 6);
        }
}

/* All targets are on one rank, each rank in turn; and all rows are ignored. */
static void check_targets(void) {
    mpi_case m;
    shard_case c = case_of_sizes(5, (size_t[]){3, 1, 2, 4});
    for (int rank = 0; rank <= the_ranks; rank++) {
        case_open(&m, &c, 7, 2);
        size_t class = 0;
        for (int other = 0; other < rank; other++)
            class += c.sizes[other];
        for (size_t row = 0; row < 5; row++)
            put_target(&m.d, row, rank < the_ranks ? (int64_t) class : c.whole.ignore_index);
        free(m.d.expected_output);
        free(m.d.expected_lse);
        free(m.d.expected_grad);
        shard_data_expect(&m.d);
        assert_int_equal(clEnqueueWriteBuffer(the_device.queue, m.args.target.mem, CL_TRUE, 0, 5 * sizeof(int32_t),
                                              m.d.target, 0, NULL, NULL),
                         CL_SUCCESS);
        if (rank < the_ranks) {
            case_check(&m);
        } else { /* a mean over nothing */
            float loss = 0;
            assert_success(case_step(&m));
            read_buffer(m.args.output.mem, 0, sizeof loss, &loss);
            assert_true(loss != loss);
        }
        case_close(&m);
    }
}

/* Nothing is wanted but the loss; from a plan that has nothing else. */
static void check_loss_alone(void) {
    mpi_case m, all;
    float loss = 0;
    shard_case c = case_of_sizes(9, (size_t[]){3, 1, 2, 4});
    case_open(&all, &c, 8, 0);
    case_check(&all);
    case_put(&m, &c, 8);
    clxent_desc desc = rank_desc(&c, the_rank);
    desc.pass = CLXENT_FORWARD;
    assert_success(clxent_mpi_plan_create(the_device.context, MPI_COMM_WORLD, &desc, 0, &m.plan));
    clxent_args args = m.args;
    args.lse = args.weight_sum = args.invalid_count = args.grad_input = (clxent_buffer){NULL, 0};
    assert_success(clxent_mpi_forward(the_device.queue, m.plan, &args, 0, NULL));
    read_buffer(args.output.mem, 0, sizeof loss, &loss);
    assert_memory_equal(&loss, all.d.output, sizeof loss);
    expect_on_all_ranks(clxent_mpi_backward(the_device.queue, m.plan, &m.args, 0, NULL, NULL), CLXENT_INVALID_ARGUMENT,
                        "rank 0: the plan's pass is FORWARD");
    /* And a mean whose gradient needs the weights that the caller does not want. */
    assert_success(clxent_mpi_forward(the_device.queue, all.plan, &args, 0, NULL));
    case_close(&m);
    case_close(&all);
}

/* Some time later, since the caller is inside a call that waits. */
static void *open_gate(void *gate) {
    const struct timespec time = {.tv_nsec = 30000000};
    nanosleep(&time, NULL);
    let_go(gate);
    return NULL;
}

/* Places that the ranks say themselves; an unordered queue, events before and behind. */
static void check_events(void) {
    mpi_case m;
    cl_event gate = make_user_event(), done = NULL;
    cl_command_queue queue = make_unordered_queue();
    shard_case c = case_of_sizes(23, (size_t[]){3, 1, 2, 4});
    case_put(&m, &c, 9);
    clxent_desc desc = shard_desc(&c, (size_t)the_rank, CLXENT_FORWARD_BACKWARD);
    assert_success(clxent_mpi_plan_create(the_device.context, MPI_COMM_WORLD, &desc, 4, &m.plan));
    assert_success(clxent_mpi_forward(queue, m.plan, &m.args, 0, NULL));
    assert_success(clxent_mpi_backward(queue, m.plan, &m.args, 1, &gate, &done));
    assert_true(state_of(done) > CL_COMPLETE);
    let_go(gate);
    wait_for(done);
    /* A forward pass whose logits come late, behind a gradient that nobody has waited for. */
    char *zeros = calloc(m.input_bytes, 1);
    cl_event written = NULL;
    pthread_t thread;
    assert_non_null(zeros);
    assert_int_equal(clEnqueueWriteBuffer(queue, m.args.input.mem, CL_TRUE, 0, m.input_bytes, zeros, 0, NULL, NULL),
                     CL_SUCCESS);
    gate = make_user_event();
    assert_int_equal(
        clEnqueueWriteBuffer(queue, m.args.input.mem, CL_FALSE, 0, m.input_bytes, m.d.input, 1, &gate, &written),
        CL_SUCCESS);
    assert_success(clxent_mpi_backward(queue, m.plan, &m.args, 0, NULL, NULL));
    assert_success(clxent_mpi_backward(queue, m.plan, &m.args, 0, NULL, NULL));
    assert_int_equal(pthread_create(&thread, NULL, open_gate, gate), 0);
    assert_success(clxent_mpi_forward(queue, m.plan, &m.args, 1, &written));
    pthread_join(thread, NULL);
    clReleaseEvent(written);
    free(zeros);
    assert_success(clxent_mpi_backward(queue, m.plan, &m.args, 0, NULL, NULL));
    finish_queue(queue);
    case_fetch(&m);
    expect_whole(&m.d);
    case_close(&m);
    clReleaseCommandQueue(queue);
}

/* What the header says of the traffic, to the byte. */
static void check_bytes(void) {
    for (int kind = 0; kind < 4; kind++) {
        mpi_case m;
        clxent_mpi_info info = {.struct_size = sizeof info};
        shard_case c = case_of_sizes(24, (size_t[]){3, 1, 2, 4}); /* a multiple of every number of ranks */
        c.weight = kind & 1;
        c.whole.label_smoothing = kind & 2 ? .125 : 0;
        case_open(&m, &c, 10, 2);
        case_check(&m);
        assert_success(clxent_mpi_plan_get_info(m.plan, &info));
        const size_t n = 3 + (kind & 1 ? 1u : 0) + (kind & 2 ? 2u : 0), others = (size_t)the_ranks - 1;
        assert_int_equal(info.bytes_received, 2 * n * 24 * others / (size_t)the_ranks * sizeof(float));
        assert_int_equal(info.blocks, 2);
        case_close(&m);
    }
}

int main(int argc, char **argv) {
    begin_ranks(&argc, &argv);
    for (size_t i = 0; i < 12; i++) {
        shard_case c = case_of_number(i);
        check(&c, i);
    }
    check_inner();
    check_empty();
    check_targets();
    check_loss_alone();
    check_events();
    check_bytes();
    return end_ranks();
}
