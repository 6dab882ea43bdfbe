/* Mean loss, perplexity and top-1 accuracy of logits in a file, which may be larger than the memory of the device and of the
 * machine: chunks of rows go through one plan, and what is left over through another. While the device computes a chunk,
 * the next one is read.
 *
 *   evaluate_logits [--chunk ROWS] LOGITS.npy TARGETS.npy
 *
 * Logits are f4 or f2 of shape (N, C), targets i4, i8 or u1 of shape (N,); rows with target -100 do not count. A chunk has
 * ROWS rows, by default as many as 64 MiB hold. The exit status is 1 on any failure. make_logits makes up such files. */
#include "npy_rows.h"

#include <clxent.h>
#include <math.h>
#include <stdlib.h>
#include <unistd.h>

enum { IGNORED = -100, CHUNK_BYTES = 64 << 20 };
enum { LOGITS, TARGET, LOSS, CORRECT, BEST, WORKSPACE, BUFFERS };

typedef struct evaluation {
    npy_rows logits, target;
    size_t chunk, chunks, counted; /* rows of a chunk; chunks; rows that are not ignored */
    size_t workspace;
    void *values[BEST]; /* on the host: a chunk of logits and targets; a loss and a count of each chunk */
    cl_mem buffers[BUFFERS];
    cl_command_queue queue;
    clxent_context *context;
    clxent_plan *plan, *last_plan; /* the last one is for the last chunk, if that is smaller */
} evaluation;

/* Whether `status` is success; if not, says on stderr what failed. clxent says so itself: `what` is null for its calls. */
static bool ok(int status, const char *what) {
    if (status != CLXENT_SUCCESS)
        fprintf(stderr, "%s: %s\n", what ? what : clxent_last_error(), clxent_status_string(status));
    return status == CLXENT_SUCCESS;
}

static bool open_files(evaluation *e, char **paths) {
    const npy_rows *x = &e->logits, *y = &e->target;
    if (!rows_open(&e->logits, paths[0]) || !rows_open(&e->target, paths[1]))
        return false;
    if (x->dimensions == 2 && x->type <= NPY_F4 && y->dimensions == 1 && y->type > NPY_F4 && x->rows == y->rows &&
        x->rows > 0)
        return true;
    fprintf(stderr, "%s and %s are not logits, f4 or f2 of shape (N, C), and N targets, i4, i8 or u1\n", x->path,
            y->path);
    return false;
}

/* Losses are added up by the plan, in float, and those sums by the host, in double: a mean takes the rows of all chunks. */
static bool create_plan(evaluation *e, size_t rows, clxent_plan **plan) {
    static const clxent_target_type target_types[] = {
        [NPY_U1] = CLXENT_TARGET_U8, [NPY_I4] = CLXENT_TARGET_I32, [NPY_I8] = CLXENT_TARGET_I64};
    clxent_plan_info info = {.struct_size = sizeof info};
    clxent_desc desc;
    clxent_desc_init(&desc, CLXENT_CROSS_ENTROPY);
    desc.reduction = CLXENT_REDUCTION_SUM;
    desc.dtype = e->logits.type == NPY_F2 ? CLXENT_F16 : CLXENT_F32;
    desc.target_type = target_types[e->target.type];
    desc.batch = rows;
    desc.classes = e->logits.columns;
    desc.ignore_index = IGNORED;
    if (!ok(clxent_plan_create(e->context, &desc, plan), NULL) || !ok(clxent_plan_get_info(*plan, &info), NULL))
        return false;
    e->workspace = info.workspace_size > e->workspace ? info.workspace_size : e->workspace;
    return true;
}

static bool create(evaluation *e) {
    const size_t last = e->logits.rows % e->chunk;
    cl_context cl;
    cl_device_id device;
    cl_int status;
    if (!ok(clxent_context_create_default(&e->context), NULL) ||
        !ok(clxent_context_get(e->context, &cl, &device), NULL) || !create_plan(e, e->chunk, &e->plan) ||
        (last > 0 && !create_plan(e, last, &e->last_plan)))
        return false;
    e->queue = clCreateCommandQueue(cl, device, 0, &status);
    const size_t sizes[BUFFERS] = {e->chunk * e->logits.row_bytes, e->chunk * e->target.row_bytes,
                                   e->chunks * sizeof(float),      e->chunks * sizeof(uint64_t),
                                   e->chunk * sizeof(int64_t),     e->workspace + 1};
    for (int i = 0; i < BUFFERS && status == CL_SUCCESS; i++) {
        e->buffers[i] = clCreateBuffer(cl, CL_MEM_READ_WRITE, sizes[i], NULL, &status);
        if (i < BEST && !(e->values[i] = malloc(sizes[i])))
            status = CL_OUT_OF_HOST_MEMORY;
    }
    return ok(status, "cannot create a queue and buffers");
}

static void destroy(evaluation *e) {
    if (e->queue) {
        clFinish(e->queue);
        clReleaseCommandQueue(e->queue);
    }
    for (int i = 0; i < BUFFERS; i++)
        if (e->buffers[i])
            clReleaseMemObject(e->buffers[i]);
    for (int i = 0; i < BEST; i++)
        free(e->values[i]);
    clxent_plan_destroy(e->plan);
    clxent_plan_destroy(e->last_plan);
    clxent_context_destroy(e->context);
    rows_close(&e->logits);
    rows_close(&e->target);
}

/* Counts the targets that are not ignored. One that is no class would make the sum NaN; better to say which it is. */
static bool check_targets(evaluation *e, size_t first, size_t rows) {
    for (size_t n = 0; n < rows; n++) {
        const void *values = e->values[TARGET];
        int64_t y = e->target.type == NPY_U1   ? ((const uint8_t *)values)[n]
                    : e->target.type == NPY_I4 ? ((const int32_t *)values)[n]
                                               : ((const int64_t *)values)[n];
        if (y != IGNORED && (y < 0 || (uint64_t)y >= e->logits.columns)) {
            fprintf(stderr, "the target of row %zu, counted from 0, is %lld: there are %zu classes\n", first + n,
                    (long long)y, e->logits.columns);
            return false;
        }
        e->counted += y != IGNORED;
    }
    return true;
}

/* Reads a chunk, while the device may still be computing the one before; then waits for that, and enqueues the new one. */
static bool evaluate_chunk(evaluation *e, size_t i) {
    const size_t first = i * e->chunk, left = e->logits.rows - first, rows = left < e->chunk ? left : e->chunk;
    if (!rows_read(&e->logits, rows, e->values[LOGITS]) || !rows_read(&e->target, rows, e->values[TARGET]) ||
        !check_targets(e, first, rows))
        return false;
    const size_t bytes[] = {rows * e->logits.row_bytes, rows * e->target.row_bytes};
    for (int k = LOGITS; k <= TARGET; k++)
        if (!ok(clEnqueueWriteBuffer(e->queue, e->buffers[k], CL_TRUE, 0, bytes[k], e->values[k], 0, NULL, NULL),
                "cannot write to the device"))
            return false;
    clxent_args args;
    clxent_args_init(&args);
    args.input.mem = e->buffers[LOGITS];
    args.target.mem = e->buffers[TARGET];
    args.argmax.mem = e->buffers[BEST];
    args.workspace.mem = e->buffers[WORKSPACE];
    args.output = (clxent_buffer){e->buffers[LOSS], i * sizeof(float)};
    args.correct_count = (clxent_buffer){e->buffers[CORRECT], i * sizeof(uint64_t)};
    return ok(clxent_enqueue(e->queue, rows == e->chunk ? e->plan : e->last_plan, &args, 0, NULL, NULL), NULL) &&
           ok(clFlush(e->queue), "cannot flush the queue");
}

/* A bar on a terminal, each on the line of the one before; nothing in a file or a pipe. */
static void show_progress(size_t done, size_t all) {
    static const char bar[] = "########################################";
    if (isatty(fileno(stderr)))
        fprintf(stderr, "%s[%-40.*s]\n", done > 0 ? "\033[A" : "", (int)(40 * done / all), bar);
}

static bool report(evaluation *e) {
    const size_t sizes[BEST] = {[LOSS] = e->chunks * sizeof(float), [CORRECT] = e->chunks * sizeof(uint64_t)};
    for (int i = LOSS; i <= CORRECT; i++)
        if (!ok(clEnqueueReadBuffer(e->queue, e->buffers[i], CL_TRUE, 0, sizes[i], e->values[i], 0, NULL, NULL),
                "cannot read from the device"))
            return false;
    double sum = 0, correct = 0;
    for (size_t i = 0; i < e->chunks; i++) {
        sum += (double)((float *)e->values[LOSS])[i];
        correct += (double)((uint64_t *)e->values[CORRECT])[i];
    }
    const double rows = e->counted > 0 ? (double)e->counted : NAN, mean = sum / rows;
    printf("%zu rows of %zu classes, %zu ignored, in %zu chunks\n", e->logits.rows, e->logits.columns,
           e->logits.rows - e->counted, e->chunks);
    printf("mean loss %.6f, perplexity %.6g, top-1 accuracy %.2f %% (%.0f of %zu)\n", mean, exp(mean),
           100 * correct / rows, correct, e->counted);
    return true;
}

int main(int argc, char **argv) {
    static evaluation e;
    char *end = "";
    const bool chosen = argc == 5 && strcmp(argv[1], "--chunk") == 0;
    long long chunk = chosen ? strtoll(argv[2], &end, 10) : 0;
    if ((argc != 3 && !chosen) || (chosen && (chunk < 1 || *end != '\0'))) {
        fprintf(stderr, "usage: evaluate_logits [--chunk ROWS] LOGITS.npy TARGETS.npy\n");
        return 1;
    }
    bool done = open_files(&e, argv + argc - 2);
    if (done) {
        e.chunk = chosen ? (size_t)chunk : CHUNK_BYTES / e.logits.row_bytes;
        e.chunk = e.chunk < 1 ? 1 : e.chunk > e.logits.rows ? e.logits.rows : e.chunk;
        e.chunks = (e.logits.rows + e.chunk - 1) / e.chunk;
        done = create(&e);
    }
    for (size_t i = 0; done && i < e.chunks; i++) {
        show_progress(i, e.chunks);
        done = evaluate_chunk(&e, i);
    }
    if (done) {
        show_progress(e.chunks, e.chunks);
        done = report(&e);
    }
    destroy(&e);
    return done ? 0 : 1;
}
