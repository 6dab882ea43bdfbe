/* An engine with an OpenCL context, queue and buffers of its own. docs/embedding.md shows parts of this file; the program
 * compares a step with the reference. */
#include <clxent.h>

#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

typedef struct engine_loss {
    clxent_context *context;
    clxent_plan *plan;
    cl_mem scratch; /* NULL where the plan needs none */
} engine_loss;

/* At start-up, once for each shape: everything that is slow or can be refused. Negative statuses are OpenCL's own. */
static clxent_status loss_open(engine_loss *e, cl_context cl, cl_device_id device, size_t rows, size_t classes) {
    clxent_desc desc;
    clxent_desc_init(&desc, CLXENT_CROSS_ENTROPY);
    desc.pass = CLXENT_FORWARD_BACKWARD;
    desc.batch = rows;
    desc.classes = classes;

    clxent_plan_info info = {.struct_size = sizeof info};
    *e = (engine_loss){.context = NULL};
    clxent_status status = clxent_context_create(cl, device, &e->context);
    if (status == CLXENT_SUCCESS)
        status = clxent_plan_create(e->context, &desc, &e->plan);
    if (status == CLXENT_SUCCESS)
        status = clxent_plan_get_info(e->plan, &info);
    if (status == CLXENT_SUCCESS && info.workspace_size > 0)
        e->scratch = clCreateBuffer(cl, CL_MEM_READ_WRITE, info.workspace_size, NULL, &status);
    return status;
}

/* In each step: behind `logits_ready`, the mean loss into `loss` and the gradient over the logits, and then
 * `*gradient_ready`. Nothing here compiles, allocates device memory or blocks. */
static clxent_status loss_step(const engine_loss *e, cl_command_queue queue, cl_mem logits, cl_mem labels, cl_mem loss,
                               cl_event logits_ready, cl_event *gradient_ready) {
    clxent_args args;
    clxent_args_init(&args);
    args.input.mem = logits;
    args.target.mem = labels;
    args.output.mem = loss;
    args.grad_input.mem = logits; /* in place */
    args.workspace.mem = e->scratch;
    return clxent_enqueue(queue, e->plan, &args, 1, &logits_ready, gradient_ready);
}

/* In the end, or after loss_open failed; kernels that are enqueued still run. */
static void loss_close(engine_loss *e) {
    if (e->scratch != NULL)
        clReleaseMemObject(e->scratch);
    clxent_plan_destroy(e->plan);
    clxent_context_destroy(e->context);
}

/* ---- the comparison ---- */

enum { ROWS = 64, CLASSES = 300, ALL = ROWS * CLASSES };

typedef struct machine {
    cl_device_id device;
    cl_context cl;
    cl_command_queue queue;
    cl_mem logits, labels, loss;
} machine;

static float logits[ALL], gradient[ALL], expected[ALL];
static int32_t labels[ROWS];

static void make_up(void) {
    unsigned state = 7;
    for (size_t i = 0; i < ALL; i++) {
        state = state * 1664525u + 1013904223u;
        logits[i] = (float)(state >> 8) * 0x1p-20f - 8;
    }
    for (int32_t r = 0; r < ROWS; r++)
        labels[r] = r % 9 == 4 ? -100 : r * 31 % CLASSES;
}

/* Out of order where the device has such queues. */
static cl_int open_machine(machine *m) {
    cl_int error = clxent_find_device(NULL, &m->device);
    cl_command_queue_properties properties = 0;
    if (error != CL_SUCCESS)
        return error;
    clGetDeviceInfo(m->device, CL_DEVICE_QUEUE_PROPERTIES, sizeof properties, &properties, NULL);
    m->cl = clCreateContext(NULL, 1, &m->device, NULL, NULL, &error);
    if (error == CL_SUCCESS)
        m->queue = clCreateCommandQueue(m->cl, m->device, properties & CL_QUEUE_OUT_OF_ORDER_EXEC_MODE_ENABLE, &error);
    if (error == CL_SUCCESS)
        m->logits = clCreateBuffer(m->cl, CL_MEM_READ_WRITE, sizeof logits, NULL, &error);
    if (error == CL_SUCCESS)
        m->labels = clCreateBuffer(m->cl, CL_MEM_READ_ONLY | CL_MEM_COPY_HOST_PTR, sizeof labels, labels, &error);
    if (error == CL_SUCCESS)
        m->loss = clCreateBuffer(m->cl, CL_MEM_READ_WRITE, sizeof(float), NULL, &error);
    return error;
}

static void close_machine(machine *m) {
    cl_mem buffers[] = {m->logits, m->labels, m->loss};
    for (size_t i = 0; i < 3; i++)
        if (buffers[i] != NULL)
            clReleaseMemObject(buffers[i]);
    if (m->queue != NULL)
        clReleaseCommandQueue(m->queue);
    if (m->cl != NULL)
        clReleaseContext(m->cl);
}

/* One step, in which only the last call waits. */
static cl_int step(const engine_loss *e, const machine *m, float *loss) {
    cl_event ready = NULL, done = NULL;
    cl_int error = clEnqueueWriteBuffer(m->queue, m->logits, CL_FALSE, 0, sizeof logits, logits, 0, NULL, &ready);
    if (error == CL_SUCCESS)
        error = loss_step(e, m->queue, m->logits, m->labels, m->loss, ready, &done);
    if (error == CL_SUCCESS)
        error = clEnqueueReadBuffer(m->queue, m->loss, CL_FALSE, 0, sizeof *loss, loss, 1, &done, NULL);
    if (error == CL_SUCCESS)
        error = clEnqueueReadBuffer(m->queue, m->logits, CL_FALSE, 0, sizeof gradient, gradient, 1, &done, NULL);
    cl_int finished = m->queue != NULL ? clFinish(m->queue) : CL_SUCCESS;
    if (ready != NULL)
        clReleaseEvent(ready);
    if (done != NULL)
        clReleaseEvent(done);
    return error == CL_SUCCESS ? finished : error;
}

static clxent_status refer(float *loss) {
    clxent_desc desc;
    clxent_desc_init(&desc, CLXENT_CROSS_ENTROPY);
    desc.pass = CLXENT_FORWARD_BACKWARD;
    desc.batch = ROWS;
    desc.classes = CLASSES;
    clxent_host_args args;
    clxent_host_args_init(&args);
    args.input = logits;
    args.target = labels;
    args.output = loss;
    args.grad_input = expected;
    return clxent_reference(&desc, &args);
}

static bool compare(const engine_loss *e, const machine *m) {
    float loss = 0, right = 0;
    double difference = 0;
    clxent_status status = refer(&right);
    for (int i = 0; i < 3 && status == CLXENT_SUCCESS; i++)
        status = step(e, m, &loss);
    for (size_t i = 0; i < ALL; i++)
        difference = fmax(difference, fabs((double)gradient[i] - (double)expected[i]));
    printf("status %d; loss %.6f, by the reference %.6f; largest difference of the gradients %.2g\n", status,
           (double)loss, (double)right, difference);
    return status == CLXENT_SUCCESS && fabsf(loss - right) < 1e-5f && difference < 1e-8;
}

int main(void) {
    machine m;
    engine_loss e;
    memset(&m, 0, sizeof m);
    make_up();
    bool good = false;
    if (open_machine(&m) == CL_SUCCESS) {
        if (loss_open(&e, m.cl, m.device, ROWS, CLASSES) == CLXENT_SUCCESS)
            good = compare(&e, &m);
        else
            fprintf(stderr, "%s\n", clxent_last_error());
        loss_close(&e);
    }
    close_machine(&m);
    return good ? 0 : 1;
}
