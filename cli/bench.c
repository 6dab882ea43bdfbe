/* The command bench: how near an operation comes to what the device's memory can do.
 *
 * A round times the ceiling (a kernel that reads the same bytes, or one that copies them), then the operation; the
 * fraction is the median over rounds of one over the other, so that a machine whose speed drifts does not bend it. */
#include "bench_ceiling.h"
#include "device.h"
#include "json.h"
#include "message.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static const cli_option options[] = {
    {OPTION_SHAPE, "NxC[xINNER]", "measure this shape of logits instead of the usual ones"},
    {OPTION_DEVICE, "N|cpu|gpu",
     "the device to measure: a number of `clxent devices`, or the best of\n"
     "a kind (default: $CLXENT_DEVICE, else the best GPU, else any device)"},
    {OPTION_JSON, NULL, "print one JSON object per line of the table"},
    OPTION_ROWS_HELP,
};

typedef struct bench_shape {
    size_t batch, classes, inner;
} bench_shape;

typedef struct bench_work {
    const char *op_name, *pass_name;
    clxent_op op;
    clxent_pass pass;
    int tensors; /* of the logits' size that must move: 1 read, or 1 read and 1 written */
} bench_work;

static const bench_shape usual_shapes[] = {
    {65536, 10, 1}, {16384, 1000, 1}, {1024, 50257, 1}, {512, 128256, 1}, {8, 21, 262144}};
static const bench_work works[] = {
    {"cross-entropy", "forward", CLXENT_CROSS_ENTROPY, CLXENT_FORWARD, 1},
    {"cross-entropy", "forward+backward", CLXENT_CROSS_ENTROPY, CLXENT_FORWARD_BACKWARD, 2},
    {"softmax", "forward", CLXENT_SOFTMAX, CLXENT_FORWARD, 2},
};
#define COUNT(array) (sizeof(array) / sizeof(array)[0])

enum { LEAST_ROUNDS = 7, MOST_ROUNDS = 200 };
#define SECONDS_PER_LINE 1.0
#define WORKING_SET (192u << 20) /* bytes that are gone through in turn, so that no cache stands in for memory */

/* What is shared by all lines. */
typedef struct bench {
    cli_device device;
    cl_context cl;
    cl_command_queue queue;
    bench_ceiling ceiling;
} bench;

/* The buffers of a line: `sets` times logits and result, taken in turn. */
typedef struct bench_buffers {
    cl_mem logits, result, target, small, workspace;
    size_t elements, sets, next;
} bench_buffers;

typedef struct bench_line {
    double ms, gbps, ceiling_gbps, fraction;
    const char *engine;
} bench_line;

static double now(void) {
    struct timespec t;
    timespec_get(&t, TIME_UTC);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static int refuse(const char *what, cl_int error) {
    return complain("%s failed: %s (%d)", what, clxent_status_string(error), (int)error);
}

/* ---- buffers ---- */

static cl_mem make(bench *b, size_t bytes, cl_int *error) {
    return *error == CL_SUCCESS ? clCreateBuffer(b->cl, CL_MEM_READ_WRITE, bytes > 0 ? bytes : 16, NULL, error) : NULL;
}

/* Logits between -8 and 8, targets in turn: any will do, as no branch of a kernel depends on them. */
static cl_int fill(bench *b, const bench_buffers *of, const bench_shape *shape) {
    size_t rows = shape->batch * shape->inner, count = of->elements * of->sets;
    float *logits = malloc(count * sizeof *logits);
    int32_t *target = malloc(rows * sizeof *target);
    cl_int error = logits == NULL || target == NULL ? CL_OUT_OF_HOST_MEMORY : CL_SUCCESS;
    uint32_t state = 1;
    for (size_t i = 0; i < count && error == CL_SUCCESS; i++) {
        state = state * 1664525u + 1013904223u;
        logits[i] = (float)(state >> 8) / 1048576.0f - 8.0f;
    }
    for (size_t i = 0; i < rows && error == CL_SUCCESS; i++)
        target[i] = (int32_t)(i * 7 % shape->classes);
    if (error == CL_SUCCESS)
        error = clEnqueueWriteBuffer(b->queue, of->logits, CL_TRUE, 0, count * sizeof *logits, logits, 0, NULL, NULL);
    if (error == CL_SUCCESS)
        error = clEnqueueWriteBuffer(b->queue, of->result, CL_TRUE, 0, count * sizeof *logits, logits, 0, NULL, NULL);
    if (error == CL_SUCCESS)
        error = clEnqueueWriteBuffer(b->queue, of->target, CL_TRUE, 0, rows * sizeof *target, target, 0, NULL, NULL);
    free(logits);
    free(target);
    return error;
}

static void free_buffers(bench_buffers *of) {
    cl_mem all[] = {of->logits, of->result, of->target, of->small, of->workspace};
    for (size_t i = 0; i < COUNT(all); i++)
        if (all[i] != NULL)
            clReleaseMemObject(all[i]);
}

static int make_buffers(bench *b, bench_buffers *of, const bench_shape *shape, size_t workspace) {
    *of = (bench_buffers){.elements = shape->batch * shape->classes * shape->inner};
    of->sets = WORKING_SET / (of->elements * sizeof(float)) + 1;
    size_t bytes = of->elements * of->sets * sizeof(float);
    cl_int error = CL_SUCCESS;
    of->logits = make(b, bytes, &error);
    of->result = make(b, bytes, &error);
    of->target = make(b, shape->batch * shape->inner * sizeof(int32_t), &error);
    of->small = make(b, b->ceiling.items * sizeof(float), &error);
    of->workspace = make(b, workspace, &error);
    if (error == CL_SUCCESS)
        error = fill(b, of, shape);
    return error == CL_SUCCESS ? STATUS_OK : refuse("making the buffers", error);
}

/* ---- timing ---- */

static int time_ceiling(bench *b, const bench_work *work, const bench_buffers *of, double *seconds) {
    double began = now();
    size_t count = of->elements * of->sets;
    cl_int error = work->tensors == 1 ? bench_read(&b->ceiling, b->queue, of->logits, count, of->small)
                                      : bench_copy(&b->ceiling, b->queue, of->logits, count, of->result);
    if (error == CL_SUCCESS)
        error = clFinish(b->queue);
    *seconds = (now() - began) / (double)of->sets;
    return error == CL_SUCCESS ? STATUS_OK : refuse("measuring the ceiling", error);
}

/* All sets once, enqueued without waiting in between. */
static int time_work(bench *b, const bench_work *work, clxent_plan *plan, const bench_buffers *of, double *seconds) {
    clxent_args args;
    clxent_args_init(&args);
    args.input.mem = of->logits;
    args.workspace.mem = of->workspace;
    args.target.mem = work->op == CLXENT_CROSS_ENTROPY ? of->target : NULL;
    args.output.mem = work->op == CLXENT_CROSS_ENTROPY ? of->small : of->result;
    args.grad_input.mem = of->result;
    clxent_status status = CLXENT_SUCCESS;
    double began = now();
    for (size_t set = 0; set < of->sets && status == CLXENT_SUCCESS; set++) {
        size_t offset = set * of->elements * sizeof(float);
        args.input.offset = offset;
        args.grad_input.offset = offset;
        args.output.offset = work->op == CLXENT_CROSS_ENTROPY ? 0 : offset;
        status = clxent_enqueue(b->queue, plan, &args, 0, NULL, NULL);
    }
    if (status != CLXENT_SUCCESS)
        return complain("%s", clxent_last_error());
    cl_int error = clFinish(b->queue);
    *seconds = (now() - began) / (double)of->sets;
    return error == CL_SUCCESS ? STATUS_OK : refuse("clFinish", error);
}

static int by_size(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median(double *values, size_t count) {
    qsort(values, count, sizeof *values, by_size);
    return values[count / 2];
}

static int time_rounds(bench *b, const bench_work *work, clxent_plan *plan, const bench_buffers *of, bench_line *line) {
    double op[MOST_ROUNDS], ceiling[MOST_ROUNDS], ratio[MOST_ROUNDS], unused, end = 0;
    size_t rounds = 0;
    int status = time_ceiling(b, work, of, &unused); /* warm up */
    if (status == STATUS_OK)
        status = time_work(b, work, plan, of, &unused);
    for (end = now() + SECONDS_PER_LINE; status == STATUS_OK && rounds < MOST_ROUNDS; rounds++) {
        if (rounds >= LEAST_ROUNDS && now() > end)
            break;
        status = time_ceiling(b, work, of, &ceiling[rounds]);
        if (status == STATUS_OK)
            status = time_work(b, work, plan, of, &op[rounds]);
        ratio[rounds] = ceiling[rounds] / op[rounds];
    }
    if (status != STATUS_OK)
        return status;
    double gigabytes = 1e-9 * (double)of->elements * sizeof(float) * work->tensors;
    line->fraction = median(ratio, rounds);
    line->ceiling_gbps = gigabytes / median(ceiling, rounds);
    line->ms = 1e3 * median(op, rounds);
    line->gbps = gigabytes / (1e-3 * line->ms);
    return STATUS_OK;
}

/* ---- lines ---- */

static int measure(bench *b, const bench_work *work, const bench_shape *shape, bench_line *line) {
    clxent_desc desc;
    clxent_desc_init(&desc, work->op);
    desc.pass = work->pass;
    desc.batch = shape->batch;
    desc.classes = shape->classes;
    desc.inner = shape->inner;
    clxent_plan *plan = NULL;
    if (clxent_plan_create(b->device.context, &desc, &plan) != CLXENT_SUCCESS)
        return complain("%s", clxent_last_error());
    clxent_plan_info info = {.struct_size = sizeof info};
    clxent_plan_get_info(plan, &info);
    line->engine = info.engine_name;
    bench_buffers buffers;
    int status = make_buffers(b, &buffers, shape, info.workspace_size);
    if (status == STATUS_OK)
        status = time_rounds(b, work, plan, &buffers, line);
    free_buffers(&buffers);
    clxent_plan_destroy(plan);
    return status;
}

static void print_line(bool as_json, const bench_work *work, const bench_shape *shape, const bench_line *line) {
    char text[64];
    snprintf(text, sizeof text, shape->inner > 1 ? "%zux%zux%zu" : "%zux%zu", shape->batch, shape->classes,
             shape->inner);
    if (!as_json) {
        printf("%-13s  %-16s  %-14s  %-13s  %9.3f  %7.1f  %7.1f  %8.2f\n", work->op_name, work->pass_name, text,
               line->engine, line->ms, line->gbps, line->ceiling_gbps, line->fraction);
        fflush(stdout);
        return;
    }
    json object;
    json_begin(&object);
    json_string(&object, "op", work->op_name);
    json_string(&object, "pass", work->pass_name);
    json_string(&object, "shape", text);
    json_string(&object, "engine", line->engine);
    json_real(&object, "ms", line->ms);
    json_real(&object, "gbps", line->gbps);
    json_real(&object, "ceiling_gbps", line->ceiling_gbps);
    json_real(&object, "fraction", line->fraction);
    json_end(&object);
}

static int run_all(bench *b, bool as_json, const bench_shape *shapes, size_t count) {
    if (!as_json)
        printf("%s (%s)\n\n%-13s  %-16s  %-14s  %-13s  %9s  %7s  %7s  %8s\n", b->device.name, b->device.platform,
               "operation", "pass", "shape", "engine", "ms", "GB/s", "ceiling", "fraction");
    int status = STATUS_OK;
    for (size_t w = 0; w < COUNT(works); w++)
        for (size_t s = 0; s < count && status == STATUS_OK; s++) {
            bench_line line = {0};
            status = measure(b, &works[w], &shapes[s], &line);
            if (status == STATUS_OK)
                print_line(as_json, &works[w], &shapes[s], &line);
        }
    return status == STATUS_OK ? flush_output() : status;
}

static bool parse_shape(const char *text, bench_shape *shape) {
    char end;
    shape->inner = 1;
    int found = sscanf(text, "%zux%zux%zu%c", &shape->batch, &shape->classes, &shape->inner, &end);
    bool whole = found == 3 || (found == 2 && strchr(strchr(text, 'x') + 1, 'x') == NULL);
    return whole && strchr(text, '-') == NULL && shape->batch > 0 && shape->classes > 0 && shape->inner > 0;
}

static int run(const cli_command *self, const cli_arguments *given) {
    bench_shape one;
    const char *text = given->values[OPTION_SHAPE];
    if (text != NULL && !parse_shape(text, &one))
        return complain_usage(self->name, "--shape %s is not a shape like 1024x50257 or 8x21x4096", text);
    if (wants_reference(given))
        return complain_usage(self->name, "bench measures an OpenCL device, not the reference");
    bench b = {0};
    int status = device_open(self, given, &b.device);
    if (status != STATUS_OK)
        return status;
    cl_int error = CL_SUCCESS;
    clxent_context_get(b.device.context, &b.cl, NULL);
    b.queue = clCreateCommandQueue(b.cl, b.device.id, 0, &error);
    status =
        error == CL_SUCCESS ? bench_ceiling_open(&b.ceiling, b.cl, b.device.id) : refuse("clCreateCommandQueue", error);
    if (status == STATUS_OK)
        status = run_all(&b, given->values[OPTION_JSON] != NULL, text != NULL ? &one : usual_shapes,
                         text != NULL ? 1 : COUNT(usual_shapes));
    bench_ceiling_close(&b.ceiling);
    if (b.queue != NULL)
        clReleaseCommandQueue(b.queue);
    device_close(&b.device);
    return status;
}

const cli_command bench_command = {
    .name = "bench",
    .summary = "how near operations come to the speed of the device's memory",
    .about = "Measures operations against the bandwidth of a kernel that does nothing but read (for a\n"
             "loss) or copy (for a loss with its gradient, or softmax) the same bytes, in the same run.",
    .options = options,
    .example = "  clxent bench --shape 1024x50257",
    .run = run,
};
