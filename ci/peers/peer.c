/* The data, the protocol and the clock of the peers written in C. */
#include "peer.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define WORKING_SET (192u << 20) /* bytes of logits that are gone through in turn, at least */
#define SLOW_CALL 1.0            /* seconds: a call that takes longer is timed once */
enum { MOST_SAMPLES = 4096 };

static char failure[1024];

bool peer_fail(const char *format, ...) {
    va_list values;
    va_start(values, format);
    vsnprintf(failure, sizeof failure, format, values);
    va_end(values);
    return false;
}

void *peer_allocate(size_t bytes) {
    size_t whole = (bytes + 4095) / 4096 * 4096;
    void *memory = aligned_alloc(4096, whole);
    if (memory == NULL) {
        fprintf(stderr, "cannot have %zu bytes\n", whole);
        exit(1);
    }
    return memset(memory, 0, whole);
}

/* ---- data ---- */

/* 32 bits that look random, from a position. torch_peer.py computes the same. */
static uint32_t scramble(uint32_t position) {
    uint32_t bits = position * 2654435761u;
    bits = (bits ^ (bits >> 15)) * 2246822519u;
    return bits ^ (bits >> 13);
}

void peer_fill_logits(float *logits, size_t count) {
    for (size_t i = 0; i < count; i++)
        logits[i] = (float)(scramble((uint32_t)i) >> 8) / 1048576.0f - 8.0f;
}

void peer_fill_probabilities(float *probabilities, size_t count) {
    for (size_t i = 0; i < count; i++)
        probabilities[i] = (float)(scramble((uint32_t)i + 1) >> 8) / 16777216.0f;
}

void peer_fill_targets(int32_t *targets, const peer_case *work) {
    for (size_t row = 0; row < work->rows; row++)
        targets[row] = (int32_t)(scramble((uint32_t)row + 2) % work->classes);
}

double peer_mean_at_target(const peer_case *work, const float *result, const int32_t *targets) {
    double sum = 0;
    for (size_t n = 0; n < work->batch; n++)
        for (size_t j = 0; j < work->inner; j++) {
            size_t class = (size_t)targets[n * work->inner + j];
            sum += result[(n * work->classes + class) * work->inner + j];
        }
    return sum / (double)work->rows;
}

double peer_sum_of_magnitudes(const float *values, size_t count) {
    double sum = 0;
    for (size_t i = 0; i < count; i++)
        sum += fabs((double)values[i]);
    return sum;
}

/* ---- clock ---- */

static double now(void) {
    struct timespec t;
    timespec_get(&t, TIME_UTC);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static int by_size(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Seconds of a call, from all sets once. */
static bool time_sets(const peer_case *work, double *seconds) {
    double began = now();
    bool good = true;
    for (size_t set = 0; set < work->sets && good; set++)
        good = peer_call(work, set);
    good = peer_finish() && good;
    *seconds = (now() - began) / (double)work->sets;
    return good;
}

static bool time_calls(const peer_case *work, double seconds, double *median) {
    static double samples[MOST_SAMPLES];
    size_t count = 0;
    for (double end = now() + seconds; count == 0 || (count < MOST_SAMPLES && now() < end); count++)
        if (!time_sets(work, &samples[count]))
            return false;
    qsort(samples, count, sizeof *samples, by_size);
    *median = samples[count / 2];
    return true;
}

/* ---- protocol ---- */

static const char *const op_names[] = {[CROSS_ENTROPY] = "cross-entropy",
                                       [SOFTMAX] = "softmax",
                                       [LOG_SOFTMAX] = "log-softmax",
                                       [BINARY_CROSS_ENTROPY] = "binary-cross-entropy-with-logits"};

static bool parse(const char *line, peer_case *work, double *seconds) {
    char op[64], pass[64];
    *work = (peer_case){0};
    if (sscanf(line, "%63s %63s %zu %zu %zu %lf", op, pass, &work->batch, &work->classes, &work->inner, seconds) != 6)
        return peer_fail("a line is: OPERATION PASS N C INNER SECONDS");
    size_t known = sizeof op_names / sizeof op_names[0], index = 0;
    while (index < known && strcmp(op, op_names[index]) != 0)
        index++;
    if (index == known)
        return peer_fail("%s is not an operation", op);
    work->op = (peer_op)index;
    work->gradient = strcmp(pass, "forward+backward") == 0;
    bool loss = work->op == CROSS_ENTROPY || work->op == BINARY_CROSS_ENTROPY;
    if (strcmp(pass, "forward") != 0 && !(work->gradient && loss))
        return peer_fail("%s is not a pass of %s", pass, op);
    if (work->batch == 0 || work->classes == 0 || work->inner == 0)
        return peer_fail("a size is 0");
    work->rows = work->batch * work->inner;
    work->elements = work->rows * work->classes;
    work->sets = WORKING_SET / (work->elements * sizeof(float)) + 1;
    return true;
}

static bool same(const peer_case *a, const peer_case *b) {
    return a->op == b->op && a->gradient == b->gradient && a->batch == b->batch && a->classes == b->classes &&
           a->inner == b->inner;
}

static bool time_call(const peer_case *work, double *took) {
    double began = now();
    bool good = peer_call(work, 0) && peer_finish();
    *took = now() - began;
    return good;
}

/* The first call of a case, what it computed, and how long a call takes; the very first may be slow for being that. */
static bool first_calls(const peer_case *work, double *loss, double *gradient, double *took) {
    return time_call(work, took) && peer_results(work, loss, gradient) && (*took < SLOW_CALL || time_call(work, took));
}

int main(void) {
    char line[256], who[512] = "";
    peer_case work = {0}, next;
    double seconds, median = 0, loss = 0, gradient = 0, took = 0, unused;
    bool ready = peer_open(who, sizeof who);
    printf("%s%s\n", ready ? "" : "error ", ready ? who : failure);
    fflush(stdout);
    if (!ready)
        return 1;
    while (fgets(line, sizeof line, stdin) != NULL) {
        bool good = parse(line, &next, &seconds);
        if (good && !same(&next, &work)) {
            peer_drop();
            work = next;
            good = peer_prepare(&work) && first_calls(&work, &loss, &gradient, &took);
        }
        if (took > SLOW_CALL)
            median = took;
        else
            good = good && time_sets(&work, &unused) && time_calls(&work, seconds, &median);
        if (good)
            printf("%.6f %.9g %.9g\n", 1e3 * median, loss, gradient);
        else
            printf("error %s\n", failure);
        fflush(stdout);
        if (!good) {
            peer_drop();
            work = (peer_case){0};
        }
    }
    peer_drop();
    return 0;
}
