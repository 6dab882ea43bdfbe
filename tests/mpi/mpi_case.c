/* A cross-entropy dealt out to ranks: its buffers, its plan, and the comparison with the loss in one piece. */
#include "mpi_case.h"

/* LeakSanitizer, where the tests are built with it, looks before MPI ends, and not again: MPI unloads modules then, with what they have
 * allocated, so that no suppression could name them. */
#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define HAS_LEAK_SANITIZER 1
#endif
#endif
#if defined(HAS_LEAK_SANITIZER) || defined(__SANITIZE_ADDRESS__)
#include <sanitizer/lsan_interface.h>
#else
#define __lsan_do_leak_check() ((void)0)
#endif

int the_rank, the_ranks;

void begin_ranks(int *argc, char ***argv) {
    assert_int_equal(MPI_Init(argc, argv), MPI_SUCCESS);
    MPI_Comm_rank(MPI_COMM_WORLD, &the_rank);
    MPI_Comm_size(MPI_COMM_WORLD, &the_ranks);
    assert_int_equal(open_device(NULL), 0);
}

int end_ranks(void) {
    close_device(NULL);
    if (the_rank == 0)
        printf("%d ranks: all right\n", the_ranks);
    __lsan_do_leak_check();
    return MPI_Finalize() == MPI_SUCCESS ? 0 : 1;
}

shard_case case_of_sizes(size_t batch, const size_t *sizes) {
    shard_case c = {.count = (size_t)the_ranks};
    clxent_desc_init(&c.whole, CLXENT_CROSS_ENTROPY);
    c.whole.pass = CLXENT_FORWARD_BACKWARD;
    c.whole.batch = batch;
    for (size_t i = 0; i < c.count; i++)
        c.whole.classes += c.sizes[i] = sizes[i];
    return c;
}

clxent_desc rank_desc(const shard_case *c, int rank) {
    clxent_desc desc = shard_desc(c, (size_t)rank, CLXENT_FORWARD_BACKWARD);
    desc.class_start = desc.class_total = 0;
    return desc;
}

/* ---- buffers ---- */

static size_t real_bytes(const mpi_case *m) {
    return m->d.c.whole.dtype == CLXENT_F64 ? sizeof(double) : sizeof(float);
}

static size_t storage_bytes(const mpi_case *m) {
    return m->d.c.whole.dtype == CLXENT_F64 ? 8 : m->d.c.whole.dtype == CLXENT_F32 ? 4 : 2;
}

static size_t target_bytes(const mpi_case *m) {
    const clxent_target_type type = m->d.c.whole.target_type;
    return m->d.rows * (type == CLXENT_TARGET_I64 ? 8 : type == CLXENT_TARGET_I32 ? 4 : 1);
}

static clxent_buffer put(const void *array, size_t bytes, size_t offset) {
    return (clxent_buffer){array == NULL || bytes == 0 ? NULL : make_buffer(bytes, array), offset};
}

/* An array from an element on. */
static const void *from(const void *array, size_t bytes) {
    return array == NULL ? NULL : (const char *)array + bytes;
}

static size_t losses(const mpi_case *m) {
    return m->d.c.whole.reduction == CLXENT_REDUCTION_NONE ? m->d.rows : 1;
}

void case_put(mpi_case *m, const shard_case *c, uint64_t seed) {
    memset(m, 0, sizeof *m);
    shard_data_init(&m->d, c, seed);
    shard_data_expect(&m->d);
    for (int rank = 0; rank < the_rank; rank++)
        m->start += c->sizes[rank];
    m->classes = c->sizes[the_rank];
    const size_t real = real_bytes(m), at = m->start * c->whole.inner * storage_bytes(m);
    m->input_bytes = m->d.logits * storage_bytes(m);
    m->rows_bytes = m->d.rows * real;
    m->before = malloc(m->input_bytes + 1);
    assert_non_null(m->before);
    memcpy(m->before, m->d.grad_input, m->input_bytes);
    clxent_args *args = &m->args;
    clxent_args_init(args);
    args->input = put(m->d.input, m->input_bytes, at);
    args->target = put(m->d.target, target_bytes(m), 0);
    args->weight = put(from(m->d.weight, m->start * real), m->classes * real, 0);
    args->sample_weight = put(m->d.sample_weight, m->rows_bytes, 0);
    args->grad_output = put(m->d.grad_output, losses(m) * real, 0);
    args->grad_input = c->in_place ? args->input : put(m->d.grad_input, m->input_bytes, at);
    args->output = put(m->d.output, losses(m) * real, 0);
    args->lse = put(m->d.lse, m->rows_bytes, 0);
    args->weight_sum = put(m->d.weight_sum, 2 * real, 0);
    args->invalid_count = put(&m->d.invalid_count, sizeof m->d.invalid_count, 0);
}

void case_open(mpi_case *m, const shard_case *c, uint64_t seed, size_t blocks) {
    case_put(m, c, seed);
    clxent_desc desc = rank_desc(c, the_rank);
    assert_success(clxent_mpi_plan_create(the_device.context, MPI_COMM_WORLD, &desc, blocks, &m->plan));
}

void case_close(mpi_case *m) {
    cl_mem buffers[] = {m->args.input.mem,         m->args.target.mem,
                        m->args.weight.mem,        m->args.sample_weight.mem,
                        m->args.grad_output.mem,   m->args.output.mem,
                        m->args.lse.mem,           m->args.weight_sum.mem,
                        m->args.invalid_count.mem, m->d.c.in_place ? NULL : m->args.grad_input.mem};
    clxent_mpi_plan_destroy(m->plan);
    for (size_t i = 0; i < sizeof buffers / sizeof buffers[0]; i++)
        if (buffers[i] != NULL)
            clReleaseMemObject(buffers[i]);
    shard_data_free(&m->d);
    free(m->before);
}

static void write_all(cl_mem mem, size_t bytes, const void *array) {
    if (mem != NULL)
        assert_int_equal(clEnqueueWriteBuffer(the_device.queue, mem, CL_TRUE, 0, bytes, array, 0, NULL, NULL),
                         CL_SUCCESS);
}

void case_reset(mpi_case *m) {
    write_all(m->args.input.mem, m->input_bytes, m->d.input);
    if (!m->d.c.in_place)
        write_all(m->args.grad_input.mem, m->input_bytes, m->d.grad_input);
}

clxent_status case_step(mpi_case *m) {
    clxent_status status = clxent_mpi_forward(the_device.queue, m->plan, &m->args, 0, NULL);
    if (status == CLXENT_SUCCESS)
        status = clxent_mpi_backward(the_device.queue, m->plan, &m->args, 0, NULL, NULL);
    finish_queue(the_device.queue);
    return status;
}

/* ---- results ---- */

void expect_same_on_all_ranks(const void *bytes, size_t size, const char *what) {
    char *first = malloc(size > 0 ? size : 1);
    assert_non_null(first);
    if (the_rank == 0 && size > 0)
        memcpy(first, bytes, size);
    MPI_Bcast(first, (int)size, MPI_BYTE, 0, MPI_COMM_WORLD);
    if (size > 0 && memcmp(first, bytes, size) != 0)
        fail_msg("%s has other bits on rank %d of %d than on rank 0", what, the_rank, the_ranks);
    free(first);
}

static void fetch(cl_mem mem, size_t bytes, void *array, const char *what) {
    if (mem != NULL)
        read_buffer(mem, 0, bytes, array);
    if (what != NULL)
        expect_same_on_all_ranks(array, bytes, what);
}

/* Takes the classes of a rank out of its tensor. */
static void take_classes(mpi_case *m, int rank, const char *tensor) {
    size_t start = 0, size = storage_bytes(m);
    for (int other = 0; other < rank; other++)
        start += m->d.c.sizes[other];
    for (size_t row = 0; row < m->d.rows; row++)
        for (size_t c = start; c < start + m->d.c.sizes[rank]; c++) {
            const size_t at = place_of(&m->d, row, c) * size;
            memcpy((char *)m->d.grad_input + at, tensor + at, size);
        }
}

/* What is of other ranks' classes must be as it was. */
static void expect_others_untouched(const mpi_case *m, const char *tensor) {
    const size_t size = storage_bytes(m);
    for (size_t row = 0; row < m->d.rows; row++)
        for (size_t c = 0; c < m->d.c.whole.classes; c++) {
            const size_t at = place_of(&m->d, row, c) * size;
            if ((c < m->start || c >= m->start + m->classes) && memcmp(tensor + at, m->before + at, size) != 0)
                fail_msg("rank %d has written to class %zu, which it has not", the_rank, c);
        }
}

void case_fetch(mpi_case *m) {
    const size_t real = real_bytes(m);
    char *tensor = malloc(m->input_bytes + 1), *other = malloc(m->input_bytes + 1);
    assert_true(tensor != NULL && other != NULL);
    fetch(m->args.output.mem, losses(m) * real, m->d.output, "output");
    fetch(m->args.lse.mem, m->rows_bytes, m->d.lse, "lse");
    fetch(m->args.weight_sum.mem, 2 * real, m->d.weight_sum, "weight_sum");
    fetch(m->args.invalid_count.mem, sizeof m->d.invalid_count, &m->d.invalid_count, "invalid_count");
    fetch(m->args.grad_input.mem, m->input_bytes, tensor, NULL);
    expect_others_untouched(m, tensor);
    for (int rank = 0; rank < the_ranks && m->input_bytes > 0; rank++) {
        memcpy(other, tensor, m->input_bytes);
        MPI_Bcast(other, (int)m->input_bytes, MPI_BYTE, rank, MPI_COMM_WORLD);
        take_classes(m, rank, other);
    }
    free(tensor);
    free(other);
}

void case_check(mpi_case *m) {
    assert_success(case_step(m));
    case_fetch(m);
    expect_whole(&m->d);
}

void expect_on_all_ranks(clxent_status got, clxent_status status, const char *text) {
    char sentence[1024] = "";
    snprintf(sentence, sizeof sentence, "%s", clxent_last_error());
    if (got != status || strstr(sentence, text) == NULL)
        fail_msg("rank %d of %d: got %s (%s), expected %s (%s)", the_rank, the_ranks, clxent_status_string(got),
                 sentence, clxent_status_string(status), text);
    expect_same_on_all_ranks(sentence, sizeof sentence, "the last error");
}
