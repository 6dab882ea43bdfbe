/* language_model.c over several processes: each has some of the symbols, their columns of the output layer and their logits.
 *
 *   mpirun -n 2 language_model_mpi STEPS FILE.txt...
 *
 * Every process computes the hidden units of all characters, since they are few, and the logits of its own symbols. clxent_mpi makes
 * the loss of all symbols, with the same bits in each process, and the gradient of the logits that a process has. What those
 * contribute to the gradient of the hidden units is added up in the order of the processes, so that all go on with the same
 * numbers, and a second run prints the same losses. With another number of processes sums are rounded in other places: after 40 steps
 * the losses that are printed agree to 0.001.
 *
 * The exit status is 1 on any failure. A loss that fails says so in every process. */
#include "language_model.h"

#include <clxent_mpi.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ROWS = SEQUENCES * LENGTH };

/* What a process has. */
typedef struct process {
    int rank, ranks;
    size_t first, end; /* of the symbols */
    clxent_context *context;
    cl_command_queue queue; /* in order */
    clxent_mpi_plan *training, *testing;
    cl_mem logits, target, weight, loss; /* logits: and, in place, their gradient */
    float (*grad_hidden)[ROWS][HIDDEN];  /* of all processes */
} process;

static bool ok(int status, const char *what) {
    if (status != CLXENT_SUCCESS)
        fprintf(stderr, "%s: %s\n", what ? what : clxent_last_error(), clxent_status_string(status));
    return status == CLXENT_SUCCESS;
}

static bool create_plan(process *p, bool trains) {
    clxent_desc desc;
    clxent_desc_init(&desc, CLXENT_CROSS_ENTROPY);
    desc.pass = trains ? CLXENT_FORWARD_BACKWARD : CLXENT_FORWARD;
    desc.reduction = CLXENT_REDUCTION_SUM;
    desc.batch = ROWS;
    desc.classes = p->end - p->first; /* its place among the symbols follows from those of all processes */
    desc.row_stride = SYMBOLS;
    desc.ignore_index = PADDING;
    desc.z_loss = trains ? 1e-4 : 0;
    return ok(clxent_mpi_plan_create(p->context, MPI_COMM_WORLD, &desc, 0, trains ? &p->training : &p->testing), NULL);
}

static bool create_buffer(cl_context cl, size_t size, cl_mem *buffer) {
    cl_int status;
    *buffer = clCreateBuffer(cl, CL_MEM_READ_WRITE, size, NULL, &status);
    return ok(status, "cannot create a buffer");
}

static bool process_create(process *p, int symbols) {
    cl_context cl = NULL;
    cl_device_id device = NULL;
    cl_int status;
    MPI_Comm_rank(MPI_COMM_WORLD, &p->rank);
    MPI_Comm_size(MPI_COMM_WORLD, &p->ranks);
    p->first = (size_t)(symbols * p->rank / p->ranks);
    p->end = (size_t)(symbols * (p->rank + 1) / p->ranks);
    p->grad_hidden = malloc((size_t)p->ranks * sizeof *p->grad_hidden);
    if (!p->grad_hidden || !ok(clxent_context_create_default(&p->context), NULL) ||
        !ok(clxent_context_get(p->context, &cl, &device), NULL))
        return false;
    p->queue = clCreateCommandQueue(cl, device, 0, &status);
    return ok(status, "cannot create a queue") && create_buffer(cl, sizeof(float[ROWS][SYMBOLS]), &p->logits) &&
           create_buffer(cl, sizeof(int32_t[ROWS]), &p->target) && create_buffer(cl, sizeof(float), &p->weight) &&
           create_buffer(cl, sizeof(float), &p->loss) && create_plan(p, true) && create_plan(p, false);
}

static void process_destroy(process *p) {
    const cl_mem buffers[] = {p->logits, p->target, p->weight, p->loss};
    clxent_mpi_plan_destroy(p->training);
    clxent_mpi_plan_destroy(p->testing);
    for (size_t i = 0; i < sizeof buffers / sizeof buffers[0]; i++)
        if (buffers[i])
            clReleaseMemObject(buffers[i]);
    if (p->queue)
        clReleaseCommandQueue(p->queue);
    clxent_context_destroy(p->context);
    free(p->grad_hidden);
}

static bool upload(const process *p, cl_mem to, size_t size, const void *from) {
    return ok(clEnqueueWriteBuffer(p->queue, to, CL_FALSE, 0, size, from, 0, NULL, NULL), "cannot upload");
}

static bool download(const process *p, cl_mem from, size_t size, void *to) {
    return ok(clEnqueueReadBuffer(p->queue, from, CL_TRUE, 0, size, to, 0, NULL, NULL), "cannot download");
}

/* A batch of fewer rows is filled up with padding, which is ignored. */
static bool loss_and_gradient(void *state, batch *b, const float *weight, double *loss) {
    const process *p = state;
    float sum;
    for (int n = b->rows; n < ROWS; n++)
        b->target[n] = PADDING;
    clxent_args args;
    clxent_args_init(&args);
    args.input = args.grad_input = (clxent_buffer){p->logits, p->first * sizeof(float)};
    args.target.mem = p->target;
    args.output.mem = p->loss;
    args.grad_output.mem = p->weight;
    bool done = upload(p, p->logits, sizeof b->logits, b->logits) && upload(p, p->target, sizeof b->target, b->target);
    if (done && weight)
        done = upload(p, p->weight, sizeof *weight, weight) &&
               ok(clxent_mpi_forward(p->queue, p->training, &args, 0, NULL), NULL) &&
               ok(clxent_mpi_backward(p->queue, p->training, &args, 0, NULL, NULL), NULL) &&
               download(p, p->logits, sizeof b->logits, b->logits);
    else if (done)
        done = ok(clxent_mpi_forward(p->queue, p->testing, &args, 0, NULL), NULL);
    done = done && download(p, p->loss, sizeof sum, &sum);
    *loss += done ? (double)sum : 0;
    return done;
}

/* In the order of the processes, so that all have the same bits. */
static bool sum_hidden(void *state, batch *b) {
    process *p = state;
    if (MPI_Allgather(b->grad_hidden, ROWS * HIDDEN, MPI_FLOAT, p->grad_hidden, ROWS * HIDDEN, MPI_FLOAT,
                      MPI_COMM_WORLD) != MPI_SUCCESS)
        return false;
    memcpy(b->grad_hidden, p->grad_hidden[0], sizeof b->grad_hidden);
    for (int rank = 1; rank < p->ranks; rank++)
        for (int n = 0; n < b->rows; n++)
            for (int h = 0; h < HIDDEN; h++)
                b->grad_hidden[n][h] += p->grad_hidden[rank][n][h];
    return true;
}

int main(int argc, char **argv) {
    static corpus c = {.symbols = 1};
    static network net;
    process p = {.context = NULL};
    int steps = 0;
    double loss = 0;
    if (MPI_Init(&argc, &argv) != MPI_SUCCESS)
        return 1;
    bool done = read_arguments(argc, argv, "language_model_mpi", &c, &steps) && process_create(&p, c.symbols);
    const trainer t = {.first = (int)p.first,
                       .end = (int)p.end,
                       .prints = p.rank == 0,
                       .state = &p,
                       .loss_and_gradient = loss_and_gradient,
                       .sum_hidden = sum_hidden};
    done = done && train(&t, &c, &net, steps, &loss);
    if (!done)
        MPI_Abort(MPI_COMM_WORLD, 1); /* others may be in the middle of a step */
    process_destroy(&p);
    MPI_Finalize();
    return 0;
}
