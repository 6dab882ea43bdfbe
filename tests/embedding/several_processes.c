/* An engine whose output layer is dealt out to several processes: each has the logits of some of the classes. docs/embedding.md shows parts
 * of this file; the program compares a step with the reference. */
#include <clxent_mpi.h>

#include <math.h>
#include <stdbool.h>
#include <stdio.h>

/* At start-up, in all processes: `classes` is how many this one has. Their place among all classes follows. */
static clxent_status loss_open(clxent_context *context, size_t rows, size_t classes, clxent_mpi_plan **plan) {
    clxent_desc desc;
    clxent_desc_init(&desc, CLXENT_CROSS_ENTROPY);
    desc.pass = CLXENT_FORWARD_BACKWARD;
    desc.batch = rows;
    desc.classes = classes;
    return clxent_mpi_plan_create(context, MPI_COMM_WORLD, &desc, 0, plan);
}

/* In each step, in all processes: the mean loss, of all classes, and the gradient of the logits that this process has. */
static clxent_status loss_step(cl_command_queue queue, clxent_mpi_plan *plan, cl_mem logits, cl_mem labels, cl_mem loss,
                               cl_event logits_ready, cl_event *gradient_ready) {
    clxent_args args;
    clxent_args_init(&args);
    args.input.mem = logits;
    args.target.mem = labels; /* all of them, numbered through all classes */
    args.output.mem = loss;
    args.grad_input.mem = logits; /* in place */
    clxent_status status = clxent_mpi_forward(queue, plan, &args, 1, &logits_ready);
    return status == CLXENT_SUCCESS ? clxent_mpi_backward(queue, plan, &args, 0, NULL, gradient_ready) : status;
}

/* ---- the comparison ---- */

enum { ROWS = 60, CLASSES = 300 };

static float logits[ROWS][CLASSES], expected[ROWS][CLASSES], part[ROWS * CLASSES];
static int32_t labels[ROWS];

static bool ok(int status, const char *what) {
    if (status != CLXENT_SUCCESS)
        fprintf(stderr, "%s: %s (%s)\n", what, clxent_status_string(status), clxent_last_error());
    return status == CLXENT_SUCCESS;
}

static void make_up(void) {
    unsigned state = 7;
    for (size_t r = 0; r < ROWS; r++) {
        labels[r] = r % 9 == 4 ? -100 : (int32_t)(r * 31 % CLASSES);
        for (size_t c = 0; c < CLASSES; c++) {
            state = state * 1664525u + 1013904223u;
            logits[r][c] = (float)(state >> 8) * 0x1p-20f - 8;
        }
    }
}

static bool reference(float *loss) {
    clxent_desc desc;
    clxent_host_args args;
    clxent_desc_init(&desc, CLXENT_CROSS_ENTROPY);
    clxent_host_args_init(&args);
    desc.pass = CLXENT_FORWARD_BACKWARD;
    desc.batch = ROWS;
    desc.classes = CLASSES;
    args.input = logits;
    args.target = labels;
    args.output = loss;
    args.grad_input = expected;
    return ok(clxent_reference(&desc, &args), "the reference");
}

static cl_mem upload(cl_context cl, size_t size, void *from) {
    cl_int status;
    cl_mem mem = clCreateBuffer(cl, CL_MEM_READ_WRITE | CL_MEM_COPY_HOST_PTR, size, from, &status);
    return ok(status, "clCreateBuffer") ? mem : NULL;
}

/* The classes [first, first + classes) are this process's. */
static bool compare(clxent_context *context, size_t first, size_t classes) {
    cl_context cl = NULL;
    cl_device_id device = NULL;
    cl_int status = CL_SUCCESS;
    clxent_mpi_plan *plan = NULL;
    cl_event ready = NULL, done = NULL;
    float loss = 0, expected_loss = 0, most = 0;
    for (size_t i = 0; i < ROWS * classes; i++)
        part[i] = logits[i / classes][first + i % classes];
    clxent_context_get(context, &cl, &device);
    cl_command_queue queue = clCreateCommandQueue(cl, device, 0, &status);
    cl_mem mine = upload(cl, ROWS * classes * sizeof(float), part), to = upload(cl, sizeof loss, &loss);
    cl_mem targets = upload(cl, sizeof labels, labels);
    bool right =
        ok(status, "clCreateCommandQueue") && mine && to && targets && reference(&expected_loss) &&
        ok(clEnqueueMarkerWithWaitList(queue, 0, NULL, &ready), "clEnqueueMarkerWithWaitList") &&
        ok(loss_open(context, ROWS, classes, &plan), "loss_open") &&
        ok(loss_step(queue, plan, mine, targets, to, ready, &done), "loss_step") &&
        ok(clEnqueueReadBuffer(queue, mine, CL_TRUE, 0, ROWS * classes * sizeof(float), part, 1, &done, NULL),
           "clEnqueueReadBuffer") &&
        ok(clEnqueueReadBuffer(queue, to, CL_TRUE, 0, sizeof loss, &loss, 0, NULL, NULL), "clEnqueueReadBuffer");
    for (size_t i = 0; right && i < ROWS * classes; i++)
        most = fmaxf(most, fabsf(part[i] - expected[i / classes][first + i % classes]));
    printf("loss %.6f, of the reference %.6f; gradients differ by up to %.1e\n", (double)loss, (double)expected_loss,
           (double)most);
    clxent_mpi_plan_destroy(plan);
    clReleaseMemObject(mine);
    clReleaseMemObject(to);
    clReleaseMemObject(targets);
    clReleaseEvent(ready);
    clReleaseEvent(done);
    clReleaseCommandQueue(queue);
    return right && fabsf(loss - expected_loss) <= 1e-5f && most <= 1e-7f;
}

int main(int argc, char **argv) {
    clxent_context *context = NULL;
    int rank, ranks;
    MPI_Init(&argc, &argv);
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    MPI_Comm_size(MPI_COMM_WORLD, &ranks);
    make_up();
    const size_t first = (size_t)(CLASSES * rank / ranks), end = (size_t)(CLASSES * (rank + 1) / ranks);
    if (!ok(clxent_context_create_default(&context), "clxent_context_create_default") ||
        !compare(context, first, end - first))
        MPI_Abort(MPI_COMM_WORLD, 1);
    clxent_context_destroy(context);
    MPI_Finalize();
    return 0;
}
