/* One device of multi_device.c: an OpenCL context, a queue, buffers, a plan, and a step with them. */
#include "multi_device.h"

#include <stdio.h>

bool ok(int status, const char *what) {
    if (status != CLXENT_SUCCESS)
        fprintf(stderr, "%s: %s\n", what ? what : clxent_last_error(), clxent_status_string(status));
    return status == CLXENT_SUCCESS;
}

static bool create_plan(share *s, const job *j, clxent_reduction reduction, size_t *workspace) {
    clxent_desc desc;
    clxent_desc_init(&desc, CLXENT_CROSS_ENTROPY);
    desc.pass = CLXENT_FORWARD_BACKWARD;
    desc.reduction = reduction;
    desc.batch = s->rows;
    desc.classes = j->classes;
    desc.ignore_index = IGNORED;
    desc.label_smoothing = 0.1;
    clxent_plan_info info = {.struct_size = sizeof info};
    if (!ok(clxent_plan_create(s->context, &desc, &s->plan), NULL) || !ok(clxent_plan_get_info(s->plan, &info), NULL))
        return false;
    *workspace = info.workspace_size;
    return true;
}

static bool create_buffer(cl_context cl, size_t size, cl_mem *buffer) {
    cl_int status;
    *buffer = clCreateBuffer(cl, CL_MEM_READ_WRITE, size, NULL, &status);
    return ok(status, "cannot create a buffer");
}

bool share_create(share *s, const job *j, clxent_reduction reduction) {
    cl_context cl = NULL;
    cl_int status;
    size_t workspace = 0;
    if (s->rows == 0)
        return true; /* clxent would take an empty batch, but there is nothing to upload or download */
    if (!ok(clxent_context_create(NULL, s->device, &s->context), NULL) ||
        !ok(clxent_context_get(s->context, &cl, NULL), NULL) || !create_plan(s, j, reduction, &workspace))
        return false;
    s->queue = clCreateCommandQueue(cl, s->device, CL_QUEUE_PROFILING_ENABLE, &status);
    return ok(status, "cannot create a queue") && create_buffer(cl, s->rows * j->classes * sizeof(float), &s->logits) &&
           create_buffer(cl, s->rows * sizeof(int32_t), &s->target) &&
           create_buffer(cl, j->classes * sizeof(float), &s->weight) && create_buffer(cl, sizeof(float), &s->loss) &&
           create_buffer(cl, sizeof(float), &s->incoming) &&
           create_buffer(cl, workspace + 1, &s->workspace) && /* a buffer has at least a byte */
           ok(clEnqueueWriteBuffer(s->queue, s->weight, CL_TRUE, 0, j->classes * sizeof(float), j->weight, 0, NULL,
                                   NULL),
              "cannot upload the weights");
}

static void release_events(share *s) {
    if (s->begun)
        clReleaseEvent(s->begun);
    if (s->done)
        clReleaseEvent(s->done);
    s->begun = s->done = NULL;
}

static bool upload(share *s, cl_mem to, size_t size, const void *from, cl_event *event) {
    return ok(clEnqueueWriteBuffer(s->queue, to, CL_FALSE, 0, size, from, 0, NULL, event), "cannot enqueue an upload");
}

static bool download(share *s, cl_mem from, size_t size, void *to, cl_event *event) {
    return ok(clEnqueueReadBuffer(s->queue, from, CL_FALSE, 0, size, to, 0, NULL, event), "cannot enqueue a download");
}

bool share_enqueue(share *s, const job *j, float incoming, float *grad) {
    const size_t place = s->first * j->classes, size = s->rows * j->classes * sizeof(float);
    if (s->rows == 0)
        return true;
    release_events(s);
    s->incoming_value = incoming;
    clxent_args args;
    clxent_args_init(&args);
    args.input.mem = s->logits;
    args.target.mem = s->target;
    args.weight.mem = s->weight;
    args.output.mem = s->loss;
    args.grad_output.mem = s->incoming; /* as a number in the descriptor, each step would take another plan */
    args.grad_input.mem = s->logits;
    args.workspace.mem = s->workspace;
    return upload(s, s->logits, size, j->logits + place, &s->begun) &&
           upload(s, s->target, s->rows * sizeof(int32_t), j->target + s->first, NULL) &&
           upload(s, s->incoming, sizeof(float), &s->incoming_value, NULL) &&
           ok(clxent_enqueue(s->queue, s->plan, &args, 0, NULL, NULL), NULL) &&
           download(s, s->logits, size, grad + place, NULL) &&
           download(s, s->loss, sizeof(float), &s->loss_value, &s->done) &&
           ok(clFlush(s->queue), "cannot flush the queue"); /* begin, while the host turns to the next device */
}

/* By the last event, for a clFinish behind a clFlush is not to be relied on everywhere (docs/devices.md). */
bool share_wait(share *s) {
    cl_ulong begin = 0, end = 0;
    if (s->rows == 0)
        return true;
    if (!ok(clWaitForEvents(1, &s->done), "cannot finish a step") ||
        !ok(clGetEventProfilingInfo(s->begun, CL_PROFILING_COMMAND_START, sizeof begin, &begin, NULL),
            "cannot tell when a step began") ||
        !ok(clGetEventProfilingInfo(s->done, CL_PROFILING_COMMAND_END, sizeof end, &end, NULL),
            "cannot tell when a step ended"))
        return false;
    s->milliseconds = 1e-6 * (double)(end - begin);
    return true;
}

void share_destroy(share *s) {
    cl_mem buffers[] = {s->logits, s->target, s->weight, s->loss, s->incoming, s->workspace};
    if (s->done)
        clWaitForEvents(1, &s->done); /* after a failure elsewhere: what is under way writes into arrays of the host */
    release_events(s);
    if (s->queue) {
        clFinish(s->queue);
        clReleaseCommandQueue(s->queue);
    }
    for (int i = 0; i < 6; i++)
        if (buffers[i])
            clReleaseMemObject(buffers[i]);
    clxent_plan_destroy(s->plan);
    clxent_context_destroy(s->context);
    if (s->device != s->root)
        clReleaseDevice(s->device);
}
