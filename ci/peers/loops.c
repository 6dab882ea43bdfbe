/* Plain C loops, as fast as they get without intrinsics: to be compiled by gcc -Ofast -march=native -fopenmp, which turns
 * each inner loop into vectors and expf and logf into the vector functions of glibc's libmvec. */
#include "loops.h"

#include <float.h>
#include <math.h>

enum {
    BLOCK = 4096,    /* elements of a row that are read again from the nearest caches */
    FEW = 32,        /* up to so many classes, rows are laid side by side */
    TILE = 16384,    /* elements of a tile, 64 KiB */
    MOST_WIDE = 1024 /* positions of a tile */
};

/* ---- a row in one piece ---- */

static float largest(const float *x, size_t count) {
    float max = x[0];
    for (size_t i = 1; i < count; i++)
        max = x[i] > max ? x[i] : max;
    return max;
}

static float sum_of_exp(const float *x, size_t count, float max) {
    float sum = 0;
    for (size_t i = 0; i < count; i++)
        sum += expf(x[i] - max);
    return sum;
}

/* Logarithm of the sum of exponentials. A long row goes by blocks, so that it is read from memory once. */
static float log_sum_exp(const float *x, size_t count) {
    float max = -FLT_MAX, sum = 0;
    for (size_t start = 0; start < count; start += BLOCK) {
        size_t length = count - start < BLOCK ? count - start : BLOCK;
        float here = largest(x + start, length);
        if (here > max) {
            sum *= expf(max - here);
            max = here;
        }
        sum += sum_of_exp(x + start, length, max);
    }
    return max + logf(sum);
}

/* Exponentials into y, of which the gradient and softmax then take a multiple: an exponential is dearer than the store. */
static float exponentials_of_row(const float *restrict x, float *restrict y, size_t count, float max) {
    float sum = 0;
    for (size_t i = 0; i < count; i++) {
        float e = expf(x[i] - max);
        y[i] = e;
        sum += e;
    }
    return sum;
}

static void scale_row(float *y, size_t count, float scale) {
    for (size_t i = 0; i < count; i++)
        y[i] *= scale;
}

/* y = scale * softmax of x; returns the logarithm of the sum of exponentials. */
static float softmax_row(const float *x, float *y, size_t count, float scale) {
    float max = largest(x, count), sum = exponentials_of_row(x, y, count, max);
    scale_row(y, count, scale / sum);
    return max + logf(sum);
}

static double whole_rows(const float *x, const int32_t *target, float *gradient, size_t rows, size_t classes) {
    const float scale = 1.0f / (float)rows;
    double sum = 0;
#pragma omp parallel for reduction(+ : sum) schedule(static)
    for (size_t row = 0; row < rows; row++) {
        const float *from = x + row * classes;
        size_t class = (size_t)target[row];
        if (gradient == NULL) {
            sum += log_sum_exp(from, classes) - from[class];
        } else {
            float *to = gradient + row * classes;
            sum += softmax_row(from, to, classes, scale) - from[class];
            to[class] -= scale;
        }
    }
    return sum / (double)rows;
}

/* ---- rows side by side: a tile holds some positions of each class, and loops go over positions ---- */

/* From logits in the tile, their exponentials in the tile; max and sum for each position. */
static void exponentials(float *restrict tile, size_t classes, size_t wide, float *restrict max, float *restrict sum) {
    for (size_t p = 0; p < wide; p++) {
        max[p] = tile[p];
        sum[p] = 0;
    }
    for (size_t c = 1; c < classes; c++)
        for (size_t p = 0; p < wide; p++)
            max[p] = tile[c * wide + p] > max[p] ? tile[c * wide + p] : max[p];
    for (size_t c = 0; c < classes; c++)
        for (size_t p = 0; p < wide; p++) {
            float e = expf(tile[c * wide + p] - max[p]);
            tile[c * wide + p] = e;
            sum[p] += e;
        }
}

/* The losses of `wide` positions, whose logits and targets are given; the tile then holds the gradient. */
static float tile_loss(float *restrict tile, const int32_t *restrict target, size_t classes, size_t wide, float scale) {
    float max[MOST_WIDE], sum[MOST_WIDE], loss = 0, at_target = 0;
    for (size_t p = 0; p < wide; p++)
        at_target += tile[(size_t)target[p] * wide + p];
    exponentials(tile, classes, wide, max, sum);
    for (size_t p = 0; p < wide; p++)
        loss += max[p] + logf(sum[p]);
    if (scale == 0)
        return loss - at_target;
    for (size_t p = 0; p < wide; p++)
        sum[p] = scale / sum[p];
    for (size_t c = 0; c < classes; c++)
        for (size_t p = 0; p < wide; p++)
            tile[c * wide + p] *= sum[p];
    for (size_t p = 0; p < wide; p++)
        tile[(size_t)target[p] * wide + p] -= scale;
    return loss - at_target;
}

/* Inner positions are neighbours in memory. */
static double neighbouring_positions(const float *x, const int32_t *target, float *gradient, size_t batch,
                                     size_t classes, size_t inner) {
    const float scale = 1.0f / (float)(batch * inner);
    const size_t fit = TILE / classes, most = fit < MOST_WIDE ? fit : MOST_WIDE, tiles = (inner + most - 1) / most;
    double sum = 0;
#pragma omp parallel for reduction(+ : sum) schedule(static) collapse(2)
    for (size_t n = 0; n < batch; n++)
        for (size_t t = 0; t < tiles; t++) {
            float tile[TILE];
            size_t first = t * most, wide = inner - first < most ? inner - first : most;
            const float *from = x + n * classes * inner + first;
            for (size_t c = 0; c < classes; c++)
                for (size_t p = 0; p < wide; p++)
                    tile[c * wide + p] = from[c * inner + p];
            sum += tile_loss(tile, target + n * inner + first, classes, wide, gradient != NULL ? scale : 0);
            if (gradient != NULL)
                for (size_t c = 0; c < classes; c++)
                    for (size_t p = 0; p < wide; p++)
                        gradient[(n * classes + c) * inner + first + p] = tile[c * wide + p];
        }
    return sum / (double)(batch * inner);
}

/* Few classes: rows are turned into columns of the tile and back. */
static double few_classes(const float *x, const int32_t *target, float *gradient, size_t rows, size_t classes) {
    const float scale = 1.0f / (float)rows;
    const size_t most = 128, tiles = (rows + most - 1) / most;
    double sum = 0;
#pragma omp parallel for reduction(+ : sum) schedule(static)
    for (size_t t = 0; t < tiles; t++) {
        float tile[FEW * 128];
        size_t first = t * most, wide = rows - first < most ? rows - first : most;
        for (size_t p = 0; p < wide; p++)
            for (size_t c = 0; c < classes; c++)
                tile[c * wide + p] = x[(first + p) * classes + c];
        sum += tile_loss(tile, target + first, classes, wide, gradient != NULL ? scale : 0);
        if (gradient != NULL)
            for (size_t p = 0; p < wide; p++)
                for (size_t c = 0; c < classes; c++)
                    gradient[(first + p) * classes + c] = tile[c * wide + p];
    }
    return sum / (double)rows;
}

/* ---- what is called ---- */

double loops_cross_entropy(const float *x, const int32_t *target, float *gradient, size_t batch, size_t classes,
                           size_t inner) {
    if (inner > 1)
        return neighbouring_positions(x, target, gradient, batch, classes, inner);
    if (classes <= FEW)
        return few_classes(x, target, gradient, batch, classes);
    return whole_rows(x, target, gradient, batch, classes);
}

static void log_softmax_row(const float *restrict x, float *restrict y, size_t count) {
    float lse = log_sum_exp(x, count);
    for (size_t i = 0; i < count; i++)
        y[i] = x[i] - lse;
}

void loops_softmax(const float *x, float *y, size_t rows, size_t classes, bool log) {
#pragma omp parallel for schedule(static)
    for (size_t row = 0; row < rows; row++)
        if (log)
            log_softmax_row(x + row * classes, y + row * classes, classes);
        else
            softmax_row(x + row * classes, y + row * classes, classes, 1);
}

double loops_binary_cross_entropy(const float *x, const float *target, float *gradient, size_t count) {
    const float scale = 1.0f / (float)count;
    double sum = 0;
#pragma omp parallel for reduction(+ : sum) schedule(static)
    for (size_t start = 0; start < count; start += BLOCK) {
        const float *restrict from = x + start, *restrict t = target + start;
        float *restrict to = gradient + start, loss = 0;
        size_t length = count - start < BLOCK ? count - start : BLOCK;
        for (size_t i = 0; i < length; i++) {
            float e = expf(-fabsf(from[i])), whole = 1 / (1 + e);
            loss += fmaxf(from[i], 0) - from[i] * t[i] + logf(1 + e);
            to[i] = ((from[i] < 0 ? e * whole : whole) - t[i]) * scale;
        }
        sum += loss;
    }
    return sum / (double)count;
}
