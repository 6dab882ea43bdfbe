/* What clxent itself costs on the host.
 *
 * A call is timed while a user event holds up the queue, so that nothing runs meanwhile and no queue runs full. Beside
 * it, turn by turn, the same launches of empty kernels that take as many arguments as ours do, with clSetKernelArg for
 * every buffer that the call has and its offset: what a caller with kernels of its own could not do without. */
#include "bench_overhead.h"

#include "bench_empty.h"
#include "json.h"
#include "message.h"
#include "timing.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ROUNDS = 41, CALLS = 100, MOST_LAUNCHES = 3 };
enum { ROWS = 64, CLASSES = 10, BUFFER_BYTES = 65536 };

typedef struct overhead_case {
    const char *pass_name, *reduction_name;
    clxent_pass pass;
    clxent_reduction reduction;
    int launches;
    struct {
        empty_kind kind;
        int buffers; /* that it reads or writes in this call */
    } launch[MOST_LAUNCHES];
} overhead_case;

static const overhead_case cases[] = {
    {"forward", "none", CLXENT_FORWARD, CLXENT_REDUCTION_NONE, 1, {{OVER_ROWS, 3}}},
    {"forward", "mean", CLXENT_FORWARD, CLXENT_REDUCTION_MEAN, 2, {{OVER_ROWS, 4}, {OF_SUMS, 3}}},
    {"forward-backward",
     "mean",
     CLXENT_FORWARD_BACKWARD,
     CLXENT_REDUCTION_MEAN,
     3,
     {{OF_SUMS, 2}, {OVER_ROWS, 5}, {OF_SUMS, 2}}},
};
#define CASES (sizeof cases / sizeof cases[0])

typedef struct overhead {
    const cli_device *device;
    bool as_json;
    cl_context cl;
    cl_command_queue queue;
    bench_empty empty;
    cl_mem memory[5]; /* input, target, output, gradient, workspace */
} overhead;

static double now_us(void) {
    return 1e6 * seconds_now();
}

static int refuse_call(void) {
    return complain("%s", clxent_last_error());
}

/* ---- opening and closing ---- */

static int open_all(overhead *o) {
    cl_int error = CL_SUCCESS;
    clxent_context_get(o->device->context, &o->cl, NULL);
    o->queue = clCreateCommandQueue(o->cl, o->device->id, 0, &error);
    unsigned char *zeros = calloc(1, BUFFER_BYTES); /* logits of 0, targets of class 0 */
    if (zeros == NULL)
        return complain("no memory for %d bytes", BUFFER_BYTES);
    for (size_t i = 0; i < sizeof o->memory / sizeof o->memory[0] && error == CL_SUCCESS; i++)
        o->memory[i] = clCreateBuffer(o->cl, CL_MEM_READ_WRITE | CL_MEM_COPY_HOST_PTR, BUFFER_BYTES, zeros, &error);
    free(zeros);
    return error == CL_SUCCESS ? STATUS_OK : complain_opencl("making a queue and buffers", error);
}

static void close_all(overhead *o) {
    for (size_t i = 0; i < sizeof o->memory / sizeof o->memory[0]; i++)
        if (o->memory[i] != NULL)
            clReleaseMemObject(o->memory[i]);
    bench_empty_close(&o->empty);
    if (o->queue != NULL)
        clReleaseCommandQueue(o->queue);
}

static int make_plan(const overhead *o, const overhead_case *c, clxent_plan **plan) {
    clxent_desc desc;
    clxent_desc_init(&desc, CLXENT_CROSS_ENTROPY);
    desc.pass = c->pass;
    desc.reduction = c->reduction;
    desc.batch = ROWS;
    desc.classes = CLASSES;
    return clxent_plan_create(o->device->context, &desc, plan) == CLXENT_SUCCESS ? STATUS_OK : refuse_call();
}

static clxent_args make_args(const overhead *o) {
    clxent_args args;
    clxent_args_init(&args);
    args.input.mem = o->memory[0];
    args.target.mem = o->memory[1];
    args.output.mem = o->memory[2];
    args.grad_input.mem = o->memory[3];
    args.workspace.mem = o->memory[4];
    return args;
}

/* ---- a call ---- */

/* Microseconds of a call on the host, with `plan` or without clxent. */
static int time_calls(const overhead *o, const overhead_case *c, clxent_plan *plan, double *us) {
    cl_int error = CL_SUCCESS;
    cl_event gate = clCreateUserEvent(o->cl, &error);
    if (error != CL_SUCCESS)
        return complain_opencl("clCreateUserEvent", error);
    clxent_args args = make_args(o);
    error = bench_empty_launch(&o->empty, OVER_ROWS, o->queue, 1, o->memory, &gate);
    double began = now_us();
    for (int call = 0; call < CALLS && error == CL_SUCCESS; call++) {
        if (plan != NULL)
            error = clxent_enqueue(o->queue, plan, &args, 0, NULL, NULL);
        for (int i = 0; i < c->launches && plan == NULL && error == CL_SUCCESS; i++)
            error = bench_empty_launch(&o->empty, c->launch[i].kind, o->queue, c->launch[i].buffers, o->memory, NULL);
    }
    *us = (now_us() - began) / CALLS;
    cl_int opened = clSetUserEventStatus(gate, CL_COMPLETE);
    cl_int finished = clFinish(o->queue);
    clReleaseEvent(gate);
    error = error != CL_SUCCESS ? error : opened != CL_SUCCESS ? opened : finished;
    return error == CL_SUCCESS ? STATUS_OK : complain_opencl("enqueueing behind a user event", error);
}

static void print_case(const overhead *o, const overhead_case *c, double ours, double bare, double beyond) {
    if (!o->as_json) {
        printf("  %-16s  %-4s  %8d  %8.2f  %8.2f  %8.2f\n", c->pass_name, c->reduction_name, c->launches, ours, bare,
               beyond);
        return;
    }
    json object;
    json_begin(&object);
    json_string(&object, "measure", "enqueue");
    json_string(&object, "op", "cross-entropy");
    json_string(&object, "pass", c->pass_name);
    json_string(&object, "reduction", c->reduction_name);
    json_count(&object, "launches", (unsigned long long)c->launches);
    json_real(&object, "us", ours);
    json_real(&object, "bare_us", bare);
    json_real(&object, "beyond_us", beyond);
    json_end(&object);
}

static int measure_case(const overhead *o, const overhead_case *c) {
    clxent_plan *plan = NULL;
    double ours[ROUNDS], bare[ROUNDS], beyond[ROUNDS];
    int status = make_plan(o, c, &plan);
    for (size_t i = 0; i < ROUNDS && status == STATUS_OK; i++) {
        status = time_calls(o, c, NULL, &bare[i]);
        if (status == STATUS_OK)
            status = time_calls(o, c, plan, &ours[i]);
        beyond[i] = ours[i] - bare[i];
    }
    clxent_plan_destroy(plan);
    if (status == STATUS_OK)
        print_case(o, c, median_of(ours, ROUNDS), median_of(bare, ROUNDS), median_of(beyond, ROUNDS));
    return status;
}

/* ---- plans, the first call, an empty kernel ---- */

static void print_time(const overhead *o, const char *name, const char *words, double us) {
    if (!o->as_json) {
        printf("  %-46s  %12.2f\n", words, us);
        return;
    }
    json object;
    json_begin(&object);
    json_string(&object, "measure", name);
    json_real(&object, "us", us);
    json_end(&object);
}

static int measure_first(const overhead *o) {
    clxent_plan *plan = NULL;
    double began = now_us();
    int status = make_plan(o, &cases[CASES - 1], &plan);
    if (status != STATUS_OK)
        return status;
    double made = now_us();
    clxent_args args = make_args(o);
    clxent_status enqueued = clxent_enqueue(o->queue, plan, &args, 0, NULL, NULL);
    cl_int error = enqueued == CLXENT_SUCCESS ? clFinish(o->queue) : CL_SUCCESS;
    double ended = now_us();
    clxent_plan_destroy(plan);
    if (enqueued != CLXENT_SUCCESS)
        return refuse_call();
    if (error != CL_SUCCESS)
        return complain_opencl("clFinish", error);
    print_time(o, "first_plan", "first plan of the process", made - began);
    print_time(o, "first_call", "first call of the process, to its end", ended - made);
    return STATUS_OK;
}

static int measure_cached_plan(const overhead *o) {
    double us[ROUNDS];
    for (size_t i = 0; i < ROUNDS; i++) {
        clxent_plan *plan = NULL;
        double began = now_us();
        int status = make_plan(o, &cases[CASES - 1], &plan);
        us[i] = now_us() - began;
        clxent_plan_destroy(plan);
        if (status != STATUS_OK)
            return status;
    }
    print_time(o, "cached_plan", "a plan whose program is there", median_of(us, ROUNDS));
    return STATUS_OK;
}

static int measure_latency(const overhead *o) {
    double us[ROUNDS];
    cl_int error = CL_SUCCESS;
    for (size_t i = 0; i < ROUNDS && error == CL_SUCCESS; i++) {
        double began = now_us();
        error = bench_empty_launch(&o->empty, OVER_ROWS, o->queue, 1, o->memory, NULL);
        if (error == CL_SUCCESS)
            error = clFinish(o->queue);
        us[i] = now_us() - began;
    }
    if (error != CL_SUCCESS)
        return complain_opencl("launching an empty kernel", error);
    print_time(o, "launch", "an empty kernel, to its end", median_of(us, ROUNDS));
    return STATUS_OK;
}

int bench_overhead(const cli_device *device, bool as_json) {
    overhead o = {.device = device, .as_json = as_json};
    int status = open_all(&o);
    if (!as_json && status == STATUS_OK)
        printf("%s (%s), microseconds\n\n", device->name, device->platform);
    if (status == STATUS_OK)
        status = measure_first(&o);
    cl_int error = status == STATUS_OK ? bench_empty_open(&o.empty, o.cl, device->id) : CL_SUCCESS;
    if (error != CL_SUCCESS)
        status = complain_opencl("building the empty kernels", error);
    if (status == STATUS_OK)
        status = measure_cached_plan(&o);
    if (status == STATUS_OK)
        status = measure_latency(&o);
    if (!as_json && status == STATUS_OK)
        printf("\n  host time of a call of cross-entropy, of the same launches without clxent, and the difference\n"
               "  %-16s  %-4s  %8s  %8s  %8s  %8s\n",
               "pass", "", "launches", "clxent", "bare", "beyond");
    for (size_t i = 0; i < CASES && status == STATUS_OK; i++)
        status = measure_case(&o, &cases[i]);
    close_all(&o);
    return status == STATUS_OK ? flush_output() : status;
}
