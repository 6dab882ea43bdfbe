/* How a program that has an OpenCL context, a queue and buffers of its own gets losses and gradients from clxent. Batches of
 * logits go to the device, become their own gradient there, and come back. There are two buffers for them: while the device
 * computes in one, the other is emptied and filled.
 *
 *   buffer 0:  upload 0 -> loss 0 -> download 0 -> upload 2 -> loss 2 -> ...
 *   buffer 1:      upload 1 -> loss 1 -> download 1 -> upload 3 -> ...
 *
 * Events alone say what comes after what, so the queue is out-of-order where the device has such. No call in the loop over
 * the batches blocks; the host waits once, behind it.
 *
 *   bring_your_own_queue BATCHES
 *
 * All batches are done twice, since a driver may compile when a kernel is first launched. The exit status is 1 on any
 * failure, where the results are not those of clxent_reference, and where the second ones are not the first to the bit. */
#include <clxent.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { ROWS = 256, CLASSES = 1000, BATCH = ROWS * CLASSES, BUFFERS = 2, MOST = 64 };

typedef struct input {
    size_t batches;
    int32_t target[MOST][ROWS];
    float logits[MOST][BATCH];
} input;

typedef struct result {
    float loss[MOST], grad[MOST][BATCH];
} result;

typedef struct engine {
    cl_context cl;
    cl_command_queue queue;
    cl_mem target, loss;                        /* of all batches; targets are there from the beginning */
    cl_mem logits[BUFFERS], workspace[BUFFERS]; /* two enqueues that may overlap in time need two workspaces */
    cl_event emptied[BUFFERS];                  /* the last download; null before the first */
    clxent_desc desc;
    clxent_context *context;
    clxent_plan *plan;
} engine;

/* Whether `status` is success; if not, says on stderr what failed. clxent says so itself: `what` is null for its calls. */
static bool ok(int status, const char *what) {
    if (status != CLXENT_SUCCESS)
        fprintf(stderr, "%s: %s\n", what ? what : clxent_last_error(), clxent_status_string(status));
    return status == CLXENT_SUCCESS;
}

static cl_mem create_buffer(engine *e, size_t size, void *from) {
    cl_int status;
    cl_mem buffer = clCreateBuffer(e->cl, from ? CL_MEM_COPY_HOST_PTR : CL_MEM_READ_WRITE, size, from, &status);
    ok(status, "cannot create a buffer");
    return buffer;
}

/* All that takes time or can be refused. */
static bool create(engine *e, input *in) {
    cl_device_id device;
    cl_command_queue_properties able = 0;
    cl_int status;
    if (!ok(clxent_find_device(NULL, &device), NULL)) /* any other way to a device is as good */
        return false;
    clGetDeviceInfo(device, CL_DEVICE_QUEUE_PROPERTIES, sizeof able, &able, NULL);
    able &= CL_QUEUE_OUT_OF_ORDER_EXEC_MODE_ENABLE;
    puts(able ? "out-of-order queue" : "in-order queue, as the device has no other: the two buffers take turns");
    e->cl = clCreateContext(NULL, 1, &device, NULL, NULL, &status);
    e->queue = e->cl ? clCreateCommandQueue(e->cl, device, able, &status) : NULL;
    if (!ok(status, "cannot create a context and a queue"))
        return false;
    clxent_desc_init(&e->desc, CLXENT_CROSS_ENTROPY);
    e->desc.pass = CLXENT_FORWARD_BACKWARD;
    e->desc.batch = ROWS;
    e->desc.classes = CLASSES;
    e->desc.label_smoothing = 0.1;
    clxent_plan_info info = {.struct_size = sizeof info};
    if (!ok(clxent_context_create(e->cl, device, &e->context), NULL) ||
        !ok(clxent_plan_create(e->context, &e->desc, &e->plan), NULL) ||
        !ok(clxent_plan_get_info(e->plan, &info), NULL))
        return false;
    bool done = (e->target = create_buffer(e, sizeof in->target, in->target)) &&
                (e->loss = create_buffer(e, MOST * sizeof(float), NULL));
    for (int i = 0; i < BUFFERS; i++)
        done = done && (e->logits[i] = create_buffer(e, BATCH * sizeof(float), NULL)) &&
               (e->workspace[i] = create_buffer(e, info.workspace_size + 1, NULL)); /* a buffer has at least a byte */
    return done;
}

static void destroy(engine *e) {
    cl_mem buffers[] = {e->target, e->loss, e->logits[0], e->logits[1], e->workspace[0], e->workspace[1]};
    if (e->queue) {
        clFinish(e->queue); /* after a failure, what was enqueued before it */
        clReleaseCommandQueue(e->queue);
    }
    for (int i = 0; i < 6; i++)
        if (buffers[i])
            clReleaseMemObject(buffers[i]);
    for (int i = 0; i < BUFFERS; i++)
        if (e->emptied[i])
            clReleaseEvent(e->emptied[i]);
    clxent_plan_destroy(e->plan);
    clxent_context_destroy(e->context);
    if (e->cl)
        clReleaseContext(e->cl);
}

/* One batch: there, through clxent, and back. */
static bool enqueue(engine *e, size_t batch, const float *logits, float *grad) {
    const size_t i = batch % BUFFERS, size = BATCH * sizeof(float), waits = e->emptied[i] ? 1 : 0;
    cl_event uploaded = NULL, computed = NULL, emptied = NULL;
    clxent_args args;
    clxent_args_init(&args);
    args.input.mem = e->logits[i];
    args.grad_input.mem = e->logits[i]; /* in place */
    args.target = (clxent_buffer){e->target, batch * ROWS * sizeof(int32_t)};
    args.output = (clxent_buffer){e->loss, batch * sizeof(float)};
    args.workspace.mem = e->workspace[i];
    bool done = ok(clEnqueueWriteBuffer(e->queue, e->logits[i], CL_FALSE, 0, size, logits, (cl_uint)waits,
                                        waits ? &e->emptied[i] : NULL, &uploaded),
                   "cannot enqueue an upload") &&
                ok(clxent_enqueue(e->queue, e->plan, &args, 1, &uploaded, &computed), NULL) &&
                ok(clEnqueueReadBuffer(e->queue, e->logits[i], CL_FALSE, 0, size, grad, 1, &computed, &emptied),
                   "cannot enqueue a download") &&
                ok(clFlush(e->queue), "cannot flush the queue"); /* begin, while the host enqueues more */
    cl_event no_longer_needed[] = {uploaded, computed, e->emptied[i]};
    for (int k = 0; k < 3; k++)
        if (no_longer_needed[k])
            clReleaseEvent(no_longer_needed[k]);
    e->emptied[i] = emptied;
    return done;
}

static double milliseconds(void) {
    struct timespec t;
    timespec_get(&t, TIME_UTC);
    return 1e3 * difftime(t.tv_sec, 0) + 1e-6 * (double)t.tv_nsec;
}

/* All batches. The one call that blocks waits for the last downloads, and so for everything. */
static bool run(engine *e, const input *in, result *out) {
    double begin = milliseconds();
    for (size_t batch = 0; batch < in->batches; batch++)
        if (!enqueue(e, batch, in->logits[batch], out->grad[batch]))
            return false;
    double enqueued = milliseconds();
    if (!ok(clEnqueueReadBuffer(e->queue, e->loss, CL_TRUE, 0, in->batches * sizeof(float), out->loss, BUFFERS,
                                e->emptied, NULL),
            "cannot read the losses"))
        return false;
    printf("%zu batches of %d x %d: enqueued in %.1f ms, done after %.1f ms\n", in->batches, ROWS, CLASSES,
           enqueued - begin, milliseconds() - begin);
    return true;
}

/* Counts what is not as plain C in double precision has it. The gradient of a mean is something from -1 to 1 / ROWS. */
static bool check(const clxent_desc *desc, const input *in, const result *out, const result *again) {
    static float grad[BATCH];
    const bool same = memcmp(out, again, sizeof *out) == 0;
    size_t wrong = 0;
    for (size_t batch = 0; batch < in->batches; batch++) {
        float loss;
        clxent_host_args args;
        clxent_host_args_init(&args);
        args.input = in->logits[batch];
        args.target = in->target[batch];
        args.output = &loss;
        args.grad_input = grad;
        if (!ok(clxent_reference(desc, &args), NULL))
            return false;
        wrong += !(fabs((double)out->loss[batch] - (double)loss) <= 1e-6 * (double)loss);
        for (size_t i = 0; i < BATCH; i++)
            wrong += !(fabs((double)out->grad[batch][i] - (double)grad[i]) * ROWS <= 1e-6);
    }
    printf("%zu losses and gradients against clxent_reference: %zu wrong; the second time, their bits were %s\n",
           in->batches * (BATCH + 1), wrong, same ? "the same" : "others");
    return wrong == 0 && same;
}

int main(int argc, char **argv) {
    static input in;
    static result first, second;
    engine e = {0};
    char *end = NULL;
    long batches = argc == 2 ? strtol(argv[1], &end, 10) : 0;
    if (batches < BUFFERS || batches > MOST || *end != '\0') {
        fprintf(stderr, "usage: bring_your_own_queue BATCHES, from %d to %d of them\n", BUFFERS, MOST);
        return 1;
    }
    in.batches = (size_t)batches;
    for (uint32_t i = 0, random = 1; i < in.batches * BATCH; i++)
        in.logits[i / BATCH][i % BATCH] = (float)((random = random * 1664525 + 1013904223) >> 8) / (1 << 20) - 8;
    for (size_t i = 0; i < in.batches * ROWS; i++)
        in.target[i / ROWS][i % ROWS] = (int32_t)(i * 7 % CLASSES);
    bool done = create(&e, &in) && run(&e, &in, &first) && run(&e, &in, &second);
    destroy(&e);
    return done && check(&e.desc, &in, &first, &second) ? 0 : 1;
}
