/* Linear cross-entropy in chunks of rows, as it is done by default, and in turn with that the same work, by the same matrix
 * products, with the logits of the whole batch in memory. */
#include "bench_linear.h"

#include "json.h"
#include "message.h"
#include "timing.h"

#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ROUNDS = 3, TENSORS = 7 };

/* One way to do it: a plan, its workspace, and how long it took. */
typedef struct way {
    const char *name;
    clxent_plan *plan;
    size_t workspace;
    double seconds[ROUNDS], loss;
} way;

typedef struct linear_bench {
    const cli_device *device;
    cl_context cl;
    cl_command_queue queue;
    clxent_desc desc;
    cl_mem memory[TENSORS]; /* hidden, target, weight, loss, and the gradients of hidden, weight and bias */
    way ways[2];
} linear_bench;

bool bench_is_linear(const cli_arguments *given) {
    const char *op = given->values[OPTION_OP];
    return op != NULL && strcmp(op, "linear-cross-entropy") == 0;
}

/* ---- what is asked for ---- */

static int read_shape(const cli_command *self, const cli_arguments *given, clxent_desc *desc) {
    const char *shape = given->values[OPTION_SHAPE];
    unsigned long long n = 4096, d = 512, v = 65536;
    char rest = 0;
    if (shape != NULL && (sscanf(shape, "%llux%llux%llu%c", &n, &d, &v, &rest) != 3 || n == 0 || d == 0 || v == 0))
        return complain_usage(
            self->name,
            "--shape is \"%s\", of linear-cross-entropy it must be rows, features and classes like 4096x512x65536",
            shape);
    clxent_desc_init(desc, CLXENT_LINEAR_CROSS_ENTROPY);
    desc->pass = CLXENT_FORWARD_BACKWARD;
    desc->batch = (size_t)n;
    desc->features = (size_t)d;
    desc->classes = (size_t)v;
    return STATUS_OK;
}

/* Loss and gradients in float, at one shape, and no more. */
static int refuse_others(const cli_command *self, const cli_arguments *given) {
    static const option_id others[] = {OPTION_PASS, OPTION_DTYPE, OPTION_IN_PLACE, OPTION_ENGINE,  OPTION_MIN_TIME,
                                       OPTION_PLOT, OPTION_CSV,   OPTION_SWEEP,    OPTION_OVERHEAD};
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
        if (given->values[others[i]] != NULL)
            return complain_usage(self->name, "%s has no meaning beside --op linear-cross-entropy",
                                  option_name(others[i]));
    return STATUS_OK;
}

/* ---- memory ---- */

static double uniform(uint64_t *state) {
    *state = *state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (double)(*state >> 11) / 9007199254740992.0 * 2 - 1;
}

static int make(linear_bench *b, size_t number, size_t bytes, const void *from) {
    cl_int error = CL_SUCCESS;
    b->memory[number] = clCreateBuffer(b->cl, CL_MEM_READ_WRITE | (from != NULL ? CL_MEM_COPY_HOST_PTR : 0), bytes,
                                       (void *)(uintptr_t)from, &error);
    return error == CL_SUCCESS ? STATUS_OK : complain_opencl("clCreateBuffer", error);
}

/* Numbers up to `most`, which make logits of a few units. */
static int make_floats(linear_bench *b, size_t number, size_t count, double most, uint64_t *state) {
    float *from = malloc(count * sizeof *from);
    if (from == NULL)
        return complain("no memory for %zu numbers", count);
    for (size_t i = 0; i < count; i++)
        from[i] = (float)(most * uniform(state));
    int status = make(b, number, count * sizeof *from, from);
    free(from);
    return status;
}

static int make_targets(linear_bench *b, uint64_t *state) {
    int32_t *from = malloc(b->desc.batch * sizeof *from);
    if (from == NULL)
        return complain("no memory for %zu numbers", b->desc.batch);
    for (size_t i = 0; i < b->desc.batch; i++)
        from[i] = (int32_t)((uniform(state) + 1) / 2 * (double)b->desc.classes);
    int status = make(b, 1, b->desc.batch * sizeof *from, from);
    free(from);
    return status;
}

static int make_tensors(linear_bench *b) {
    const clxent_desc *desc = &b->desc;
    const size_t hidden = desc->batch * desc->features, weight = desc->classes * desc->features;
    uint64_t state = 1;
    int status = make_floats(b, 0, hidden, 1, &state);
    if (status == STATUS_OK)
        status = make_targets(b, &state);
    if (status == STATUS_OK)
        status = make_floats(b, 2, weight, 4 / sqrt((double)desc->features), &state);
    const size_t bytes[] = {sizeof(float), hidden * sizeof(float), weight * sizeof(float),
                            desc->classes * sizeof(float)};
    for (size_t i = 0; i < 4 && status == STATUS_OK; i++)
        status = make(b, 3 + i, bytes[i], NULL);
    return status;
}

/* ---- a call ---- */

static int call(linear_bench *b, way *w, cl_mem workspace, double *seconds) {
    clxent_args args;
    float loss = 0;
    clxent_args_init(&args);
    args.input.mem = b->memory[0];
    args.target.mem = b->memory[1];
    args.linear_weight.mem = b->memory[2];
    args.output.mem = b->memory[3];
    args.grad_input.mem = b->memory[4];
    args.grad_linear_weight.mem = b->memory[5];
    args.grad_linear_bias.mem = b->memory[6];
    args.workspace.mem = workspace;
    const double began = seconds_now();
    if (clxent_enqueue(b->queue, w->plan, &args, 0, NULL, NULL) != CLXENT_SUCCESS)
        return complain("%s", clxent_last_error());
    cl_int error = clFinish(b->queue);
    *seconds = seconds_now() - began;
    if (error == CL_SUCCESS)
        error = clEnqueueReadBuffer(b->queue, b->memory[3], CL_TRUE, 0, sizeof loss, &loss, 0, NULL, NULL);
    w->loss = (double)loss;
    return error == CL_SUCCESS ? STATUS_OK : complain_opencl("running linear-cross-entropy", error);
}

static int plan_way(linear_bench *b, way *w, uint64_t limit) {
    clxent_plan_info info = {.struct_size = sizeof info};
    b->desc.workspace_limit = limit;
    if (clxent_plan_create(b->device->context, &b->desc, &w->plan) != CLXENT_SUCCESS ||
        clxent_plan_get_info(w->plan, &info) != CLXENT_SUCCESS)
        return complain("%s", clxent_last_error());
    w->workspace = info.workspace_size;
    return STATUS_OK;
}

/* Both in turn, after a call that nobody times: it compiles, and touches memory for the first time. */
static int time_ways(linear_bench *b) {
    cl_int error = CL_SUCCESS;
    const size_t most = b->ways[0].workspace > b->ways[1].workspace ? b->ways[0].workspace : b->ways[1].workspace;
    cl_mem workspace = clCreateBuffer(b->cl, CL_MEM_READ_WRITE, most, NULL, &error);
    if (error != CL_SUCCESS)
        return complain_opencl("clCreateBuffer of the workspace", error);
    int status = STATUS_OK;
    double first;
    for (int i = -1; i < ROUNDS; i++)
        for (int j = 0; j < 2 && status == STATUS_OK; j++)
            status = call(b, &b->ways[j], workspace, i < 0 ? &first : &b->ways[j].seconds[i]);
    clReleaseMemObject(workspace);
    return status;
}

/* ---- the report ---- */

static void print_json(const linear_bench *b, const double *seconds, double logits, double operations) {
    for (int j = 0; j < 2; j++) {
        json object;
        json_begin(&object);
        json_string(&object, "op", "linear-cross-entropy");
        json_string(&object, "way", j == 0 ? "chunks" : "whole");
        json_count(&object, "rows", b->desc.batch);
        json_count(&object, "features", b->desc.features);
        json_count(&object, "classes", b->desc.classes);
        json_count(&object, "workspace_bytes", b->ways[j].workspace);
        json_real(&object, "of_logits", (double)b->ways[j].workspace / logits);
        json_real(&object, "ms", 1e3 * seconds[j]);
        json_real(&object, "gflops", operations / seconds[j] * 1e-9);
        json_real(&object, "of_whole", seconds[j] / seconds[1]);
        json_end(&object);
    }
}

static void print_table(const linear_bench *b, const double *seconds, double logits, double operations) {
    printf("%s (%s)\nlinear-cross-entropy, loss and gradients, f32: %zu rows, %zu features, %zu classes; logits of "
           "%.1f MB\n\n"
           "  %-22s  %14s  %10s  %10s  %8s  %8s\n",
           b->device->name, b->device->platform, b->desc.batch, b->desc.features, b->desc.classes, logits * 1e-6, "",
           "workspace, MB", "of logits", "ms", "GFLOP/s", "of whole");
    for (int j = 0; j < 2; j++)
        printf("  %-22s  %14.2f  %10.4f  %10.1f  %8.1f  %8.2f\n", b->ways[j].name, (double)b->ways[j].workspace * 1e-6,
               (double)b->ways[j].workspace / logits, 1e3 * seconds[j], operations / seconds[j] * 1e-9,
               seconds[j] / seconds[1]);
}

static int report(linear_bench *b, bool as_json) {
    const clxent_desc *desc = &b->desc;
    const double numbers = (double)desc->batch * (double)desc->classes;
    const double seconds[] = {median_of(b->ways[0].seconds, ROUNDS), median_of(b->ways[1].seconds, ROUNDS)};
    if (!(fabs(b->ways[0].loss - b->ways[1].loss) <= 1e-5 * fabs(b->ways[1].loss)))
        return complain("the loss is %.9g in chunks and %.9g with all logits at once", b->ways[0].loss,
                        b->ways[1].loss);
    /* Three products, of two operations for each logit and feature. */
    (as_json ? print_json : print_table)(b, seconds, numbers * sizeof(float), 6 * numbers * (double)desc->features);
    return flush_output();
}

static void close_all(linear_bench *b) {
    for (int j = 0; j < 2; j++)
        clxent_plan_destroy(b->ways[j].plan);
    for (size_t i = 0; i < TENSORS; i++)
        if (b->memory[i] != NULL)
            clReleaseMemObject(b->memory[i]);
    if (b->queue != NULL)
        clReleaseCommandQueue(b->queue);
}

int bench_linear(const cli_command *self, const cli_arguments *given, const cli_device *device) {
    linear_bench b = {.device = device, .ways = {{.name = "in chunks of rows"}, {.name = "all logits at once"}}};
    int status = refuse_others(self, given);
    if (status == STATUS_OK)
        status = read_shape(self, given, &b.desc);
    if (status != STATUS_OK)
        return status;
    cl_int error = CL_SUCCESS;
    clxent_context_get(device->context, &b.cl, NULL);
    b.queue = clCreateCommandQueue(b.cl, device->id, 0, &error);
    status = error == CL_SUCCESS ? plan_way(&b, &b.ways[0], 0) : complain_opencl("clCreateCommandQueue", error);
    if (status == STATUS_OK)
        status = plan_way(&b, &b.ways[1], UINT64_MAX);
    if (status == STATUS_OK)
        status = make_tensors(&b);
    if (status == STATUS_OK)
        status = time_ways(&b);
    if (status == STATUS_OK)
        status = report(&b, given->values[OPTION_JSON] != NULL);
    close_all(&b);
    return status;
}
