/* clxent itself, timed as its peers are: a queue of its own, buffers that stay on the device, one plan per case. Calls are
 * enqueued for all sets and waited for at the end, as a training loop does that reads its loss now and then. */
#include "peer.h"

#include <clxent.h>

#include <stdio.h>
#include <string.h>

enum { LOGITS, TARGET, RESULT, LOSS, WORKSPACE, BUFFERS };

static clxent_context *context;
static cl_context cl;
static cl_command_queue queue;
static clxent_plan *plan;
static cl_mem buffer[BUFFERS];

static bool ok(clxent_status status, const char *what) {
    if (status == CLXENT_SUCCESS)
        return true;
    return what != NULL ? peer_fail("%s: %s", what, clxent_status_string(status))
                        : peer_fail("%s", clxent_last_error());
}

bool peer_open(char *who, size_t size) {
    cl_device_id device;
    char name[256] = "", version[256] = "";
    cl_int error = CL_SUCCESS;
    if (!ok(clxent_context_create_default(&context), NULL) || !ok(clxent_context_get(context, &cl, &device), NULL))
        return false;
    queue = clCreateCommandQueue(cl, device, 0, &error);
    clGetDeviceInfo(device, CL_DEVICE_NAME, sizeof name, name, NULL);
    clGetDeviceInfo(device, CL_DEVICE_VERSION, sizeof version, version, NULL);
    snprintf(who, size, "%s on %s (%s)", clxent_version(), name, version);
    return ok(error, "clCreateCommandQueue");
}

/* ---- data ---- */

static bool make(int which, size_t bytes) {
    cl_int error;
    buffer[which] = clCreateBuffer(cl, CL_MEM_READ_WRITE, bytes > 16 ? bytes : 16, NULL, &error);
    return ok(error, "clCreateBuffer");
}

static void *map(int which, size_t bytes, cl_map_flags flags) {
    cl_int error;
    void *memory = clEnqueueMapBuffer(queue, buffer[which], CL_TRUE, flags, 0, bytes, 0, NULL, NULL, &error);
    return ok(error, "clEnqueueMapBuffer") ? memory : NULL;
}

static bool unmap(int which, void *memory) {
    return ok(clEnqueueUnmapMemObject(queue, buffer[which], memory, 0, NULL, NULL), "clEnqueueUnmapMemObject") &&
           ok(clFinish(queue), "clFinish");
}

static size_t target_bytes(const peer_case *work) {
    return sizeof(float) * (work->op == BINARY_CROSS_ENTROPY ? work->elements * work->sets : work->rows);
}

static bool fill(const peer_case *work) {
    size_t count = work->elements * work->sets, bytes = count * sizeof(float);
    void *memory = map(LOGITS, bytes, CL_MAP_WRITE);
    if (memory == NULL)
        return false;
    peer_fill_logits(memory, count);
    if (!unmap(LOGITS, memory) || (memory = map(RESULT, bytes, CL_MAP_WRITE)) == NULL)
        return false;
    memset(memory, 0, bytes);
    if (!unmap(RESULT, memory) || (memory = map(TARGET, target_bytes(work), CL_MAP_WRITE)) == NULL)
        return false;
    if (work->op == BINARY_CROSS_ENTROPY)
        peer_fill_probabilities(memory, count);
    else
        peer_fill_targets(memory, work);
    return unmap(TARGET, memory);
}

bool peer_prepare(const peer_case *work) {
    static const clxent_op ops[] = {[CROSS_ENTROPY] = CLXENT_CROSS_ENTROPY,
                                    [SOFTMAX] = CLXENT_SOFTMAX,
                                    [LOG_SOFTMAX] = CLXENT_LOG_SOFTMAX,
                                    [BINARY_CROSS_ENTROPY] = CLXENT_BINARY_CROSS_ENTROPY_WITH_LOGITS};
    clxent_plan_info info = {.struct_size = sizeof info};
    clxent_desc desc;
    clxent_desc_init(&desc, ops[work->op]);
    desc.pass = work->gradient ? CLXENT_FORWARD_BACKWARD : CLXENT_FORWARD;
    desc.batch = work->batch;
    desc.classes = work->classes;
    desc.inner = work->inner;
    size_t bytes = work->elements * work->sets * sizeof(float);
    return ok(clxent_plan_create(context, &desc, &plan), NULL) && ok(clxent_plan_get_info(plan, &info), NULL) &&
           make(LOGITS, bytes) && make(TARGET, target_bytes(work)) && make(RESULT, bytes) &&
           make(LOSS, sizeof(float)) && make(WORKSPACE, info.workspace_size) && fill(work);
}

void peer_drop(void) {
    for (int i = 0; i < BUFFERS; i++)
        if (buffer[i] != NULL)
            clReleaseMemObject(buffer[i]);
    memset(buffer, 0, sizeof buffer);
    clxent_plan_destroy(plan);
    plan = NULL;
}

/* ---- calls ---- */

bool peer_call(const peer_case *work, size_t set) {
    size_t offset = set * work->elements * sizeof(float);
    clxent_args args;
    clxent_args_init(&args);
    args.input = (clxent_buffer){buffer[LOGITS], offset};
    args.workspace.mem = buffer[WORKSPACE];
    if (work->op == SOFTMAX || work->op == LOG_SOFTMAX) {
        args.output = (clxent_buffer){buffer[RESULT], offset};
    } else {
        args.target = (clxent_buffer){buffer[TARGET], work->op == BINARY_CROSS_ENTROPY ? offset : 0};
        args.output.mem = buffer[LOSS];
        args.grad_input = (clxent_buffer){work->gradient ? buffer[RESULT] : NULL, work->gradient ? offset : 0};
    }
    return ok(clxent_enqueue(queue, plan, &args, 0, NULL, NULL), NULL);
}

bool peer_finish(void) {
    return ok(clFinish(queue), "clFinish");
}

bool peer_results(const peer_case *work, double *loss, double *gradient) {
    float computed = 0;
    cl_int error = clEnqueueReadBuffer(queue, buffer[LOSS], CL_TRUE, 0, sizeof computed, &computed, 0, NULL, NULL);
    float *result = map(RESULT, work->elements * sizeof(float), CL_MAP_READ);
    if (!ok(error, "clEnqueueReadBuffer") || result == NULL)
        return false;
    *loss = computed;
    *gradient = work->gradient ? peer_sum_of_magnitudes(result, work->elements) : 0;
    if (work->op == SOFTMAX || work->op == LOG_SOFTMAX) {
        int32_t *targets = map(TARGET, target_bytes(work), CL_MAP_READ);
        if (targets == NULL)
            return false;
        *loss = peer_mean_at_target(work, result, targets);
        if (!unmap(TARGET, targets))
            return false;
    }
    return unmap(RESULT, result);
}
