/* The plain C loops of loops.c as a peer. */
#include "peer.h"
#include "loops.h"

#include <omp.h>
#include <stdio.h>
#include <stdlib.h>

static float *logits, *result, *probabilities;
static int32_t *targets;
static double loss_computed;

bool peer_open(char *who, size_t size) {
    snprintf(who, size, "gcc %s -Ofast -march=native -fopenmp, %d threads", __VERSION__, omp_get_max_threads());
    return true;
}

bool peer_prepare(const peer_case *work) {
    size_t count = work->elements * work->sets;
    if (work->inner > 1 && (work->op != CROSS_ENTROPY || work->classes > LOOPS_MOST_SIDE_BY_SIDE))
        return peer_fail("no loops for %zu classes with inner above 1", work->classes);
    if (work->op == BINARY_CROSS_ENTROPY && !work->gradient)
        return peer_fail("no loops for a binary cross-entropy without its gradient");
    logits = peer_allocate(count * sizeof *logits);
    result = peer_allocate(count * sizeof *result);
    targets = peer_allocate(work->rows * sizeof *targets);
    peer_fill_logits(logits, count);
    peer_fill_targets(targets, work);
    if (work->op == BINARY_CROSS_ENTROPY) {
        probabilities = peer_allocate(count * sizeof *probabilities);
        peer_fill_probabilities(probabilities, count);
    }
    return true;
}

void peer_drop(void) {
    free(logits);
    free(result);
    free(probabilities);
    free(targets);
    logits = result = probabilities = NULL;
    targets = NULL;
}

bool peer_call(const peer_case *work, size_t set) {
    const size_t offset = set * work->elements;
    const float *from = logits + offset;
    float *to = result + offset;
    if (work->op == CROSS_ENTROPY)
        loss_computed =
            loops_cross_entropy(from, targets, work->gradient ? to : NULL, work->batch, work->classes, work->inner);
    else if (work->op == BINARY_CROSS_ENTROPY)
        loss_computed = loops_binary_cross_entropy(from, probabilities + offset, to, work->elements);
    else
        loops_softmax(from, to, work->rows, work->classes, work->op == LOG_SOFTMAX);
    return true;
}

bool peer_finish(void) {
    return true;
}

bool peer_results(const peer_case *work, double *loss, double *gradient) {
    bool softmax = work->op == SOFTMAX || work->op == LOG_SOFTMAX;
    *loss = softmax ? peer_mean_at_target(work, result, targets) : loss_computed;
    *gradient = work->gradient ? peer_sum_of_magnitudes(result, work->elements) : 0;
    return true;
}
