/* What a cross-entropy whose classes are dealt out costs each process: bytes over the wire, memory, and time.
 *
 *   mpirun -n 4 mpi_scaling ROWS CLASSES STEPS
 *
 * The CLASSES are dealt out evenly, F32, mean loss and gradient in place. Prints a line for each process: bytes that came from others in
 * a step, and what the header of clxent_mpi.h says that they must be; bytes of the plan on the device and on the host; milliseconds
 * of a forward and of a backward pass, the least of all steps; and which share of the time of the forward passes was spent in calls
 * of MPI, which is waiting for slower processes too.
 *
 * The exit status is 1 on any failure, and when the bytes are not those of the formula. */
#include <clxent_mpi.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

typedef struct measured {
    uint64_t received, expected, device, host;
    double forward, backward, share;
} measured;

static bool ok(int status, const char *what) {
    if (status != CLXENT_SUCCESS)
        fprintf(stderr, "%s: %s\n", what ? what : clxent_last_error(), clxent_status_string(status));
    return status == CLXENT_SUCCESS;
}

static cl_mem create_buffer(cl_context cl, size_t size, void *content) {
    cl_int status;
    cl_mem mem = clCreateBuffer(cl, CL_MEM_READ_WRITE | (content ? CL_MEM_COPY_HOST_PTR : 0u), size, content, &status);
    return ok(status, "cannot create a buffer") ? mem : NULL;
}

/* Rows that a process merges: of each block, its piece. */
static size_t rows_merged(size_t rows, const clxent_mpi_info *info) {
    const size_t each = rows > 0 ? (rows - 1) / info->blocks + 1 : 0, ranks = (size_t)info->ranks;
    size_t merged = 0;
    for (size_t first = 0; first < rows; first += each) {
        const size_t block = rows - first < each ? rows - first : each;
        merged += block / ranks + ((size_t)info->rank < block % ranks);
    }
    return merged;
}

/* Three planes from each other process for the rows merged here, and three merged ones of all other rows. */
static uint64_t bytes_expected(size_t rows, const clxent_mpi_info *info) {
    const size_t mine = rows_merged(rows, info);
    return 3 * sizeof(float) * (mine * (size_t)(info->ranks - 1) + rows - mine);
}

static bool take_steps(cl_command_queue queue, clxent_mpi_plan *plan, const clxent_args *args, int steps, measured *m) {
    for (int step = 0; step <= steps; step++) { /* a driver may compile in the first */
        MPI_Barrier(MPI_COMM_WORLD);
        const double begin = MPI_Wtime();
        if (!ok(clxent_mpi_forward(queue, plan, args, 0, NULL), NULL))
            return false;
        const double between = MPI_Wtime();
        if (!ok(clxent_mpi_backward(queue, plan, args, 0, NULL, NULL), NULL) ||
            !ok(clFinish(queue), "the gradient has failed"))
            return false;
        const double end = MPI_Wtime();
        m->forward = step < 2 || between - begin < m->forward ? between - begin : m->forward;
        m->backward = step < 2 || end - between < m->backward ? end - between : m->backward;
    }
    return true;
}

static bool measure(clxent_context *context, size_t rows, size_t classes, int steps, measured *m) {
    clxent_mpi_plan *plan = NULL;
    clxent_mpi_info before = {.struct_size = sizeof before}, after = before;
    cl_context cl = NULL;
    cl_device_id device = NULL;
    cl_int status = CL_SUCCESS;
    int rank, ranks;
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    MPI_Comm_size(MPI_COMM_WORLD, &ranks);
    const size_t first = classes / (size_t)ranks * (size_t)rank;
    const size_t end = rank + 1 == ranks ? classes : classes / (size_t)ranks * (size_t)(rank + 1);
    clxent_desc desc;
    clxent_desc_init(&desc, CLXENT_CROSS_ENTROPY);
    desc.pass = CLXENT_FORWARD_BACKWARD;
    desc.batch = rows;
    desc.classes = end - first;
    float *logits = malloc(rows * (end - first) * sizeof *logits);
    int32_t *target = malloc(rows * sizeof *target);
    bool done = logits && target && ok(clxent_context_get(context, &cl, &device), NULL);
    for (size_t i = 0; done && i < rows * (end - first); i++)
        logits[i] = (float)(i * 2654435761u % 1024) / 128;
    for (size_t i = 0; done && i < rows; i++)
        target[i] = (int32_t)(i * 7919 % classes);
    cl_command_queue queue = done ? clCreateCommandQueue(cl, device, 0, &status) : NULL;
    clxent_args args;
    clxent_args_init(&args);
    done = done && ok(status, "cannot create a queue") &&
           (args.input.mem = create_buffer(cl, rows * (end - first) * sizeof *logits, logits)) &&
           (args.target.mem = create_buffer(cl, rows * sizeof *target, target)) &&
           (args.output.mem = create_buffer(cl, sizeof(float), NULL));
    args.grad_input = args.input;
    done = done && ok(clxent_mpi_plan_create(context, MPI_COMM_WORLD, &desc, 0, &plan), NULL) &&
           take_steps(queue, plan, &args, 0, m) && ok(clxent_mpi_plan_get_info(plan, &before), NULL) &&
           take_steps(queue, plan, &args, steps, m) && ok(clxent_mpi_plan_get_info(plan, &after), NULL);
    if (done) {
        m->received = (after.bytes_received - before.bytes_received) / (after.forwards - before.forwards);
        m->expected = bytes_expected(rows, &after);
        m->device = after.device_bytes;
        m->host = after.host_bytes;
        m->share = (after.mpi_seconds - before.mpi_seconds) / (after.seconds - before.seconds);
    }
    clxent_mpi_plan_destroy(plan);
    const cl_mem buffers[] = {args.input.mem, args.target.mem, args.output.mem};
    for (size_t i = 0; i < sizeof buffers / sizeof buffers[0]; i++)
        if (buffers[i])
            clReleaseMemObject(buffers[i]);
    if (queue)
        clReleaseCommandQueue(queue);
    free(logits);
    free(target);
    return done;
}

/* The lines of all processes, in their order, by the first one. */
static bool report(const measured *m) {
    int rank, ranks;
    bool right = true;
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    MPI_Comm_size(MPI_COMM_WORLD, &ranks);
    measured *all = malloc((size_t)ranks * sizeof *all);
    if (!all ||
        MPI_Allgather(m, (int)sizeof *m, MPI_BYTE, all, (int)sizeof *m, MPI_BYTE, MPI_COMM_WORLD) != MPI_SUCCESS)
        return false;
    if (rank == 0)
        puts("rank   received   expected  of the device    of the host  forward ms  backward ms  in MPI");
    for (int i = 0; i < ranks; i++) {
        right = right && all[i].received == all[i].expected;
        if (rank == 0)
            printf("%4d %10llu %10llu %14llu %14llu %11.3f %12.3f %6.0f%%\n", i, (unsigned long long)all[i].received,
                   (unsigned long long)all[i].expected, (unsigned long long)all[i].device,
                   (unsigned long long)all[i].host, 1e3 * all[i].forward, 1e3 * all[i].backward, 100 * all[i].share);
    }
    if (rank == 0 && !right)
        fprintf(stderr, "the bytes that were received are not those expected\n");
    free(all);
    return right;
}

static size_t number(const char *text) {
    char *end = NULL;
    long long value = strtoll(text, &end, 10);
    return *end == '\0' && value > 0 && value <= INT32_MAX ? (size_t)value : 0;
}

int main(int argc, char **argv) {
    clxent_context *context = NULL;
    measured m = {0};
    if (MPI_Init(&argc, &argv) != MPI_SUCCESS)
        return 1;
    const size_t rows = argc == 4 ? number(argv[1]) : 0, classes = argc == 4 ? number(argv[2]) : 0;
    const size_t steps = argc == 4 ? number(argv[3]) : 0;
    if (!rows || !classes || !steps)
        fprintf(stderr, "usage: mpirun -n PROCESSES mpi_scaling ROWS CLASSES STEPS\n");
    const bool done = rows && classes && steps && ok(clxent_context_create_default(&context), NULL) &&
                      measure(context, rows, classes, (int)steps, &m) && report(&m);
    if (!done)
        MPI_Abort(MPI_COMM_WORLD, 1);
    clxent_context_destroy(context);
    MPI_Finalize();
    return 0;
}
