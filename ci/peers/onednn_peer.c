/* oneDNN, through its C interface. It has no loss, so one is made of what it has: its log-softmax, then the mean of what
 * stands at the targets. For the gradient there are two ways, and the quicker one is taken: its log-softmax backward, from
 * a gradient of the log-probabilities that is -1/rows at the targets and 0 elsewhere; or, where oneDNN has no quick code for
 * that on this CPU, a loop of ours that takes the exponentials of the log-probabilities. To be compiled as loops.c is. */
#include "peer.h"

#include <oneapi/dnnl/dnnl.h>
#include <oneapi/dnnl/dnnl_debug.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static dnnl_engine_t engine;
static dnnl_stream_t stream;
static dnnl_primitive_t forward, backward;
static dnnl_memory_t memory[4];
enum { SOURCE, LOG_PROBABILITIES, GRADIENT_IN, GRADIENT_OUT };
static float *logits, *result, *spread, *log_probabilities;
static int32_t *targets;
static double loss_computed;

static bool ok(dnnl_status_t status, const char *what) {
    return status == dnnl_success || peer_fail("%s: %s", what, dnnl_status2str(status));
}

bool peer_open(char *who, size_t size) {
    const dnnl_version_t *version = dnnl_version();
    snprintf(who, size, "%d.%d.%d", version->major, version->minor, version->patch);
    return ok(dnnl_engine_create(&engine, dnnl_cpu, 0), "dnnl_engine_create") &&
           ok(dnnl_stream_create(&stream, engine, dnnl_stream_default_flags), "dnnl_stream_create");
}

/* ---- primitives ---- */

static bool is_plain_code(dnnl_primitive_desc_t of) {
    const char *name = "";
    dnnl_primitive_desc_query(of, dnnl_query_impl_info_str, 0, &name);
    return strncmp(name, "ref", 3) == 0;
}

static bool make_forward(const peer_case *work, const dnnl_memory_desc_t *shape, dnnl_primitive_desc_t *made) {
    dnnl_alg_kind_t kind = work->op == SOFTMAX ? dnnl_softmax_accurate : dnnl_softmax_log;
    dnnl_prop_kind_t purpose = work->gradient ? dnnl_forward_training : dnnl_forward_inference;
    dnnl_softmax_v2_desc_t desc;
    return ok(dnnl_softmax_v2_forward_desc_init(&desc, purpose, kind, shape, shape, 1), "softmax forward") &&
           ok(dnnl_primitive_desc_create(made, &desc, NULL, engine, NULL), "softmax forward") &&
           ok(dnnl_primitive_create(&forward, *made), "softmax forward");
}

/* Leaves `backward` NULL where oneDNN has plain code only. */
static bool make_backward(const dnnl_memory_desc_t *shape, dnnl_primitive_desc_t hint) {
    dnnl_softmax_v2_desc_t desc;
    dnnl_primitive_desc_t made = NULL;
    bool good =
        ok(dnnl_softmax_v2_backward_desc_init(&desc, dnnl_softmax_log, shape, shape, shape, 1), "softmax backward") &&
        ok(dnnl_primitive_desc_create(&made, &desc, NULL, engine, hint), "softmax backward") &&
        (is_plain_code(made) || ok(dnnl_primitive_create(&backward, made), "softmax backward"));
    if (made != NULL)
        dnnl_primitive_desc_destroy(made);
    return good;
}

static bool make_primitives(const peer_case *work, const dnnl_memory_desc_t *shape) {
    dnnl_primitive_desc_t made = NULL;
    bool good = make_forward(work, shape, &made) && (!work->gradient || make_backward(shape, made));
    if (made != NULL)
        dnnl_primitive_desc_destroy(made);
    return good;
}

/* ---- data ---- */

static size_t place_of_target(const peer_case *work, size_t row) {
    size_t n = row / work->inner, j = row % work->inner;
    return (n * work->classes + (size_t)targets[row]) * work->inner + j;
}

/* The gradient that comes in: made once, not in each call, which is to oneDNN's advantage. */
static void fill_spread(const peer_case *work) {
    for (size_t set = 0; set < work->sets; set++)
        for (size_t row = 0; row < work->rows; row++)
            spread[set * work->elements + place_of_target(work, row)] = -1.0f / (float)work->rows;
}

bool peer_prepare(const peer_case *work) {
    if (work->op == BINARY_CROSS_ENTROPY)
        return peer_fail("oneDNN has no binary cross-entropy");
    size_t count = work->elements * work->sets;
    dnnl_dims_t sizes = {(dnnl_dim_t)work->batch, (dnnl_dim_t)work->classes, (dnnl_dim_t)work->inner};
    int axes = work->inner > 1 ? 3 : 2;
    dnnl_memory_desc_t shape;
    if (!ok(dnnl_memory_desc_init_by_tag(&shape, axes, sizes, dnnl_f32, axes == 3 ? dnnl_abc : dnnl_ab), "shape") ||
        !make_primitives(work, &shape))
        return false;
    logits = peer_allocate(count * sizeof *logits);
    result = peer_allocate(count * sizeof *result);
    targets = peer_allocate(work->rows * sizeof *targets);
    peer_fill_logits(logits, count);
    peer_fill_targets(targets, work);
    if (work->op == CROSS_ENTROPY)
        log_probabilities = peer_allocate(work->elements * sizeof *log_probabilities);
    if (backward != NULL) {
        spread = peer_allocate(count * sizeof *spread);
        fill_spread(work);
    }
    bool good = true;
    for (size_t i = 0; i < sizeof memory / sizeof memory[0] && good; i++)
        good = ok(dnnl_memory_create(&memory[i], &shape, engine, DNNL_MEMORY_NONE), "dnnl_memory_create");
    return good;
}

void peer_drop(void) {
    for (size_t i = 0; i < sizeof memory / sizeof memory[0]; i++)
        if (memory[i] != NULL)
            dnnl_memory_destroy(memory[i]);
    memset(memory, 0, sizeof memory);
    if (forward != NULL)
        dnnl_primitive_destroy(forward);
    if (backward != NULL)
        dnnl_primitive_destroy(backward);
    forward = backward = NULL;
    float **arrays[] = {&logits, &result, &spread, &log_probabilities};
    for (size_t i = 0; i < sizeof arrays / sizeof arrays[0]; i++) {
        free(*arrays[i]);
        *arrays[i] = NULL;
    }
    free(targets);
    targets = NULL;
}

/* ---- calls ---- */

static bool point(int which, float *at) {
    return ok(dnnl_memory_set_data_handle(memory[which], at), "dnnl_memory_set_data_handle");
}

static bool run_forward(float *to) {
    const dnnl_exec_arg_t args[] = {{DNNL_ARG_SRC, memory[SOURCE]}, {DNNL_ARG_DST, memory[LOG_PROBABILITIES]}};
    return point(LOG_PROBABILITIES, to) && ok(dnnl_primitive_execute(forward, stream, 2, args), "softmax forward");
}

static bool run_backward(size_t offset) {
    const dnnl_exec_arg_t args[] = {{DNNL_ARG_DST, memory[LOG_PROBABILITIES]},
                                    {DNNL_ARG_DIFF_DST, memory[GRADIENT_IN]},
                                    {DNNL_ARG_DIFF_SRC, memory[GRADIENT_OUT]}};
    return point(GRADIENT_IN, spread + offset) && point(GRADIENT_OUT, result + offset) &&
           ok(dnnl_primitive_execute(backward, stream, 3, args), "softmax backward");
}

static void backward_loop(const peer_case *work, float *restrict gradient) {
    const float share = 1.0f / (float)work->rows;
#pragma omp parallel for schedule(static)
    for (size_t i = 0; i < work->elements; i++)
        gradient[i] = expf(log_probabilities[i]) * share;
#pragma omp parallel for schedule(static)
    for (size_t row = 0; row < work->rows; row++)
        gradient[place_of_target(work, row)] -= share;
}

static double mean_loss(const peer_case *work) {
    double sum = 0;
#pragma omp parallel for reduction(+ : sum) schedule(static)
    for (size_t row = 0; row < work->rows; row++)
        sum -= log_probabilities[place_of_target(work, row)];
    return sum / (double)work->rows;
}

bool peer_call(const peer_case *work, size_t set) {
    size_t offset = set * work->elements;
    if (!point(SOURCE, logits + offset))
        return false;
    if (work->op != CROSS_ENTROPY)
        return run_forward(result + offset);
    if (!run_forward(log_probabilities) || !peer_finish())
        return false;
    loss_computed = mean_loss(work);
    if (work->gradient && backward == NULL)
        backward_loop(work, result + offset);
    return backward == NULL || run_backward(offset);
}

bool peer_finish(void) {
    return ok(dnnl_stream_wait(stream), "dnnl_stream_wait");
}

bool peer_results(const peer_case *work, double *loss, double *gradient) {
    *loss = work->op == CROSS_ENTROPY ? loss_computed : peer_mean_at_target(work, result, targets);
    *gradient = work->gradient ? peer_sum_of_magnitudes(result, work->elements) : 0;
    return true;
}
