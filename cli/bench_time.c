/* How long a case takes, and how long its ceiling does.
 *
 * A round times the ceiling, then the operation; the fraction is the median over rounds of one over the other, so that a
 * machine whose speed drifts does not bend it. */
#include "bench_speed.h"
#include "message.h"
#include "timing.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    LEAST_ROUNDS = 5,
    MOST_ROUNDS = 1000,
    MOST_SETS = 64 /* calls of one round, where there are at least twice as many sets */
};

#define LONG_ROUND 0.05 /* seconds */

/* A case with all that its rounds need. */
typedef struct bench_run {
    bench *b;
    const bench_case *c;
    clxent_plan *plan;
    bench_speed speed; /* of the ceiling, by the fastest of its kernels */
    size_t sets;       /* calls of a round */
    bench_span span;   /* what the ceiling goes over */
    double op[MOST_ROUNDS], ceiling[MOST_ROUNDS], ratio[MOST_ROUNDS];
} bench_run;

/* ---- the operation ---- */

/* Calls on the sets whose turn it is, enqueued without waiting in between. */
static int time_calls(bench_run *run, double *seconds) {
    bench_buffers *of = &run->b->buffers;
    clxent_status status = CLXENT_SUCCESS;
    double began = seconds_now();
    for (size_t i = 0; i < run->sets && status == CLXENT_SUCCESS; i++) {
        clxent_args args = bench_buffers_args(of, run->c, of->next + i);
        status = clxent_enqueue(run->b->queue, run->plan, &args, 0, NULL, NULL);
    }
    if (status != CLXENT_SUCCESS)
        return complain("%s", clxent_last_error());
    cl_int error = clFinish(run->b->queue);
    *seconds = (seconds_now() - began) / (double)run->sets;
    if (error == CL_SUCCESS)
        error = bench_buffers_restore(of, run->b->queue, of->next, run->sets);
    if (error == CL_SUCCESS)
        error = clFinish(run->b->queue);
    return error == CL_SUCCESS ? STATUS_OK : complain_opencl("clFinish", error);
}

/* A case with more sets than a round takes has them in two halves: calls go through the first and the ceiling through the
 * second, so that neither finds the other's numbers in a cache. */
static void share_sets(bench_run *run) {
    bench_buffers *of = &run->b->buffers;
    bool halves = of->sets >= 2 * MOST_SETS;
    size_t first = halves ? of->sets / 2 : 0;
    run->sets = halves ? MOST_SETS : of->sets;
    run->span = bench_buffers_span(of, run->c, first, of->sets - first);
}

/* Warms up, and takes fewer sets to a round where as many as are meant would take too long. */
static int warm_up(bench_run *run) {
    double seconds = 0;
    size_t sets = run->sets;
    bool halves = run->b->buffers.sets >= 2 * MOST_SETS;
    run->sets = halves ? 2 : sets;
    int status = time_calls(run, &seconds); /* of which the driver compiles in the first */
    if (status == STATUS_OK && halves)
        status = time_calls(run, &seconds);
    if (halves)
        run->sets = seconds * (double)sets <= LONG_ROUND ? sets : (size_t)(LONG_ROUND / seconds) + 1;
    return status;
}

static void take_turn(bench_run *run) {
    bench_buffers *of = &run->b->buffers;
    size_t end = of->sets >= 2 * MOST_SETS ? of->sets / 2 : of->sets;
    of->next = of->next + 2 * run->sets <= end ? of->next + run->sets : 0;
}

static int time_rounds(bench_run *run, bench_line *line) {
    size_t rounds = 0;
    line->bytes = bench_traffic_of(run->c).bytes;
    int status = bench_find_speed(run->b, run->c, &run->span, &run->speed);
    if (status == STATUS_OK)
        status = warm_up(run);
    for (double end = seconds_now() + run->b->min_time; status == STATUS_OK && rounds < MOST_ROUNDS; rounds++) {
        if (rounds >= LEAST_ROUNDS && seconds_now() > end)
            break;
        take_turn(run);
        status = bench_time_ceiling(run->b, run->c, run->speed.variant, &run->span, &run->ceiling[rounds]);
        if (status == STATUS_OK)
            status = time_calls(run, &run->op[rounds]);
        run->ceiling[rounds] *= line->bytes / run->speed.bytes; /* for as many bytes as one call moves */
        run->ratio[rounds] = run->ceiling[rounds] / run->op[rounds];
    }
    if (status != STATUS_OK)
        return status;
    double seconds = median_of(run->op, rounds);
    line->ms = 1e3 * seconds;
    line->gbps = 1e-9 * line->bytes / seconds;
    line->ceiling_gbps = 1e-9 * line->bytes / median_of(run->ceiling, rounds);
    line->fraction = median_of(run->ratio, rounds);
    line->elements_per_second = (double)bench_elements(run->c) / seconds;
    return STATUS_OK;
}

/* ---- a case ---- */

static int measure_plan(bench *b, const bench_case *c, clxent_plan *plan, bench_line *line) {
    clxent_plan_info info = {.struct_size = sizeof info};
    clxent_plan_get_info(plan, &info);
    int status = bench_buffers_prepare(b, c, info.workspace_size);
    if (status == STATUS_OK)
        status = bench_verify(b, c, info.engine);
    if (status != STATUS_OK)
        return status;
    bench_run *run = malloc(sizeof *run);
    if (run == NULL)
        return complain("no memory for %zu bytes of measured times", sizeof *run);
    *run = (bench_run){.b = b, .c = c, .plan = plan};
    *line = (bench_line){.what = *c, .engine = info.engine_name, .ceiling = bench_ceiling_name(c)};
    share_sets(run);
    status = time_rounds(run, line);
    free(run);
    return status;
}

int bench_measure(bench *b, const bench_case *c, bench_line *line) {
    clxent_plan *plan = NULL;
    clxent_desc desc = bench_desc(c);
    clxent_status made = clxent_plan_create(b->device.context, &desc, &plan);
    if (made == CLXENT_UNSUPPORTED) {
        snprintf(b->reason, sizeof b->reason, "%s: %s", bench_describe(c).text, clxent_last_error());
        return BENCH_CANNOT;
    }
    if (made != CLXENT_SUCCESS)
        return complain("%s: %s", bench_describe(c).text, clxent_last_error());
    int status = measure_plan(b, c, plan, line);
    clxent_plan_destroy(plan);
    return status;
}

/* ---- launches ---- */

/* The time per kernel of this many empty ones in a row and the wait for the last. */
static cl_int time_launches(bench *b, size_t count, double *microseconds) {
    enum { TRIES = 51 };
    double seconds[TRIES];
    const size_t one = 1;
    cl_int error = CL_SUCCESS;
    for (size_t i = 0; i < TRIES && error == CL_SUCCESS; i++) {
        double began = seconds_now();
        for (size_t j = 0; j < count && error == CL_SUCCESS; j++)
            error = clEnqueueNDRangeKernel(b->queue, b->ceiling.empty, 1, NULL, &one, &one, 0, NULL, NULL);
        if (error == CL_SUCCESS)
            error = clFinish(b->queue);
        seconds[i] = seconds_now() - began;
    }
    *microseconds = 1e6 * median_of(seconds, TRIES) / (double)count;
    return error;
}

int bench_measure_launch(bench *b) {
    enum { IN_A_ROW = 100 };
    cl_uint unused = 0;
    cl_int error = clSetKernelArg(b->ceiling.empty, 0, sizeof unused, &unused);
    if (error == CL_SUCCESS)
        error = time_launches(b, 1, &b->launch_us);
    if (error == CL_SUCCESS)
        error = time_launches(b, IN_A_ROW, &b->launch_row_us);
    return error == CL_SUCCESS ? STATUS_OK : complain_opencl("launching an empty kernel", error);
}
