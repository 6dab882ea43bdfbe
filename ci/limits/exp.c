/* How fast one core takes 8 logits that lie in its nearest cache: their maximum; their exponentials and the sum, in the form of
 * kernels/math.cl by intrinsics, one vector after the other and two or four of them interleaved; and a block of 64 vectors
 * both ways, which is what a loss does with each. Prints nanoseconds. Started by ci/limits.sh. */
#include <immintrin.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { VECTORS = 64, REPEATS = 20000, ROUNDS = 25 };

static __m256 constant(float x) {
    return _mm256_set1_ps(x);
}

/* sum + exp(-y), y >= 0. */
static inline __m256 add_exp(__m256 sum, __m256 y) {
    const __m256 trick = constant(0x1.8p23f + 127);
    y = _mm256_min_ps(y, constant(88.0f));
    __m256 z = _mm256_fmadd_ps(y, constant(-1.44269504f), trick), n = _mm256_sub_ps(z, trick);
    __m256 g = _mm256_fmadd_ps(n, constant(0.693115234f), y);
    g = _mm256_fmadd_ps(n, constant(3.19461849e-05f), g);
    __m256 p = _mm256_fmadd_ps(constant(0.00138145394f), g, constant(-0.00836874545f));
    p = _mm256_fmadd_ps(p, g, constant(0.041668389f));
    p = _mm256_fmadd_ps(p, g, constant(-0.166665211f));
    p = _mm256_fmadd_ps(p, g, constant(0.49999994f));
    p = _mm256_fmadd_ps(p, g, constant(-1));
    p = _mm256_fmadd_ps(p, g, constant(1));
    __m256 power = _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_castps_si256(z), 23));
    return _mm256_fmadd_ps(p, power, sum);
}

static __m256 sum_exp(const float *x, __m256 top, int abreast) {
    __m256 sum[4] = {constant(0), constant(0), constant(0), constant(0)};
    for (int i = 0; i < VECTORS; i += abreast)
        for (int j = 0; j < abreast; j++)
            sum[j] = add_exp(sum[j], _mm256_sub_ps(top, _mm256_loadu_ps(x + 8 * (i + j))));
    return _mm256_add_ps(_mm256_add_ps(sum[0], sum[1]), _mm256_add_ps(sum[2], sum[3]));
}

static __m256 maximum(const float *x) {
    __m256 top[4] = {constant(-1e30f), constant(-1e30f), constant(-1e30f), constant(-1e30f)};
    for (int i = 0; i < VECTORS; i += 4)
        for (int j = 0; j < 4; j++)
            top[j] = _mm256_max_ps(top[j], _mm256_loadu_ps(x + 8 * (i + j)));
    return _mm256_max_ps(_mm256_max_ps(top[0], top[1]), _mm256_max_ps(top[2], top[3]));
}

typedef enum form { ONE, TWO, FOUR, MAXIMUM, BOTH, FORMS } form;

static __m256 block(form f, const float *x, __m256 top) {
    switch (f) {
    case ONE:
        return sum_exp(x, top, 1);
    case TWO:
        return sum_exp(x, top, 2);
    case FOUR:
        return sum_exp(x, top, 4);
    case MAXIMUM:
        return maximum(x);
    default:
        return sum_exp(x, maximum(x), 1);
    }
}

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static double time_form(form f, const float *x, volatile float *sink) {
    __m256 sum = constant(0);
    double start = now();
    for (int i = 0; i < REPEATS; i++) {
        __m256 top = constant(1 + (float)(i & 1));
        sum = _mm256_add_ps(sum, block(f, x, top));
        __asm__ volatile("" ::: "memory");
    }
    double nanoseconds = (now() - start) / REPEATS / VECTORS;
    *sink = _mm256_cvtss_f32(sum);
    return nanoseconds;
}

static int ascending(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

int main(void) {
    static const char *const names[FORMS] = {"exponentials and their sum, one vector after the other",
                                             "the same, two interleaved", "the same, four interleaved", "maximum",
                                             "maximum, then exponentials and their sum"};
    static double times[FORMS][ROUNDS];
    float x[8 * VECTORS];
    volatile float sink;
    for (int i = 0; i < 8 * VECTORS; i++)
        x[i] = (float)(i * 37 % 101) / -10;
    for (int round = 0; round < ROUNDS; round++)
        for (form f = 0; f < FORMS; f++)
            times[f][round] = time_form(f, x, &sink);
    for (form f = 0; f < FORMS; f++) {
        qsort(times[f], ROUNDS, sizeof times[f][0], ascending);
        printf("%-56s %6.2f ns\n", names[f], times[f][ROUNDS / 2]);
    }
    return 0;
}
