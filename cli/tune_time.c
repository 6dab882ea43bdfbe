/* How long the candidates take at a shape. They are timed turn by turn, so that a machine whose speed drifts does not
 * favour one. */
#include "message.h"
#include "timing.h"
#include "tune.h"

#include <stdio.h>
#include <stdlib.h>

enum { MOST_ROUNDS = 200, MOST_CALLS = 8 };
#define HOPELESS 5
#define LONG_ROUND 0.02 /* seconds: of calls that take longer a round has but one */

/* A shape with the plans that are measured at it. */
typedef struct tuning {
    bench *b;
    const bench_case *c;
    size_t count;
    clxent_plan *plans[TUNE_MAX_CANDIDATES];
    double seconds[TUNE_MAX_CANDIDATES][MOST_ROUNDS];
    double began, end; /* of the time that the shape has */
} tuning;

/* ---- plans ---- */

static bool is_known(const tune_candidate *list, size_t count, const clxent_plan_info *info) {
    for (size_t i = 0; i < count; i++)
        if (list[i].engine == info->engine && list[i].work_group_size == info->work_group_size)
            return true;
    return false;
}

/* A device that compiles or runs slowly shall not take longer than it was given: whatever comes late is left out, but the first
 * candidate. */
static bool is_late(const tuning *t, size_t candidate, double share) {
    return candidate > 0 && seconds_now() > t->began + share * (t->end - t->began);
}

/* Makes the plans that can be made, and keeps those candidates; *workspace is the largest that they need. */
static int make_plans(tuning *t, tune_candidate *list, size_t *count, size_t *workspace) {
    size_t wanted = *count;
    *workspace = 0;
    for (size_t i = 0; i < wanted && !is_late(t, t->count, 0.4); i++) {
        clxent_desc desc = bench_desc(t->c);
        clxent_plan_info info = {.struct_size = sizeof info};
        desc.engine = list[i].engine;
        desc.work_group_size = list[i].work_group_size;
        clxent_status status = clxent_plan_create(t->b->device.context, &desc, &t->plans[t->count]);
        if (status == CLXENT_UNSUPPORTED)
            continue;
        if (status != CLXENT_SUCCESS)
            return complain("%s: %s", bench_describe(t->c).text, clxent_last_error());
        clxent_plan_get_info(t->plans[t->count], &info);
        if (is_known(list, t->count, &info)) {
            clxent_plan_destroy(t->plans[t->count]);
            t->plans[t->count] = NULL;
            continue;
        }
        *workspace = info.workspace_size > *workspace ? info.workspace_size : *workspace;
        list[t->count++] = (tune_candidate){info.engine, info.work_group_size, info.engine_name, list[i].chosen, 0};
    }
    *count = t->count;
    if (t->count == 0)
        return complain("%s: %s", bench_describe(t->c).text, clxent_last_error());
    return STATUS_OK;
}

/* ---- time ---- */

/* A few calls on sets of tensors in turn, so that a cache does not stand in for memory. */
static int time_calls(tuning *t, size_t candidate, size_t calls, double *seconds) {
    bench_buffers *of = &t->b->buffers;
    double began = seconds_now();
    for (size_t i = 0; i < calls; i++) {
        clxent_args args = bench_buffers_args(of, t->c, of->next);
        of->next = (of->next + 1) % of->sets;
        if (clxent_enqueue(t->b->queue, t->plans[candidate], &args, 0, NULL, NULL) != CLXENT_SUCCESS)
            return complain("%s", clxent_last_error());
    }
    cl_int error = clFinish(t->b->queue);
    *seconds = (seconds_now() - began) / (double)calls;
    return error == CL_SUCCESS ? STATUS_OK : complain_opencl("clFinish", error);
}

/* One call of each, after one in which the driver may compile. Forgets those for which there is no time. */
static int warm_up(tuning *t, double *fastest) {
    int status = STATUS_OK;
    for (size_t i = 0; i < t->count && status == STATUS_OK; i++) {
        if (is_late(t, i, 0.7)) {
            t->count = i;
            break;
        }
        status = time_calls(t, i, 1, &t->seconds[i][0]);
        if (status == STATUS_OK && seconds_now() < t->end)
            status = time_calls(t, i, 1, &t->seconds[i][0]);
        *fastest = i == 0 || t->seconds[i][0] < *fastest ? t->seconds[i][0] : *fastest;
    }
    return status;
}

/* Those that are hopeless after the first call have that one alone. */
static int time_rounds(tuning *t, tune_candidate *list) {
    double fastest = 0;
    size_t rounds = 1;
    int status = warm_up(t, &fastest);
    const size_t calls = fastest * MOST_CALLS < LONG_ROUND ? MOST_CALLS : 1;
    bool hopeless[TUNE_MAX_CANDIDATES];
    for (size_t i = 0; i < t->count; i++)
        hopeless[i] = i > 0 && t->seconds[i][0] > HOPELESS * fastest;
    for (; status == STATUS_OK && rounds < MOST_ROUNDS && seconds_now() < t->end; rounds++) {
        for (size_t i = 0; i < t->count && status == STATUS_OK; i++)
            if (!hopeless[i])
                status = time_calls(t, i, calls, &t->seconds[i][rounds]);
    }
    for (size_t i = 0; i < t->count && status == STATUS_OK; i++) {
        size_t measured = hopeless[i] ? 1 : rounds;
        list[i].ms = 1e3 * median_of(t->seconds[i], measured);
    }
    return status;
}

int tune_measure(bench *b, const bench_case *c, double seconds, tune_candidate *list, size_t *count) {
    tuning *t = calloc(1, sizeof *t);
    size_t workspace = 0;
    if (t == NULL)
        return complain("no memory for %zu bytes of measured times", sizeof *t);
    t->b = b;
    t->c = c;
    t->began = seconds_now();
    t->end = t->began + seconds;
    int status = make_plans(t, list, count, &workspace);
    if (status == STATUS_OK)
        status = bench_buffers_prepare(b, c, workspace);
    if (status == STATUS_OK)
        status = time_rounds(t, list);
    *count = t->count;
    for (size_t i = 0; i < TUNE_MAX_CANDIDATES; i++)
        clxent_plan_destroy(t->plans[i]);
    free(t);
    return status;
}
