/* How fast one core takes 8 logits that lie in its nearest cache: their maximum; their exponentials and the sum, in the form of
 * kernels/math.cl by intrinsics, one vector after the other and two or four of them interleaved; and a block of 64 vectors
 * both ways, which is what a loss does with each. Prints nanoseconds. Started by ci/limits.sh. */
#include <immintrin.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#ifdef __AVX512F__
typedef __m512 vector;
#define OF(name) _mm512_##name
#define SHIFTED(v, bits) _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_castps_si512(v), bits))
#else
typedef __m256 vector;
#define OF(name) _mm256_##name
#define SHIFTED(v, bits) _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_castps_si256(v), bits))
#endif

enum { LANES = sizeof(vector) / sizeof(float), VECTORS = 64, REPEATS = 20000, ROUNDS = 25 };

static vector constant(float x) {
    return OF(set1_ps)(x);
}

/* sum + exp(-y), y >= 0. */
static inline vector add_exp(vector sum, vector y) {
    const vector trick = constant(0x1.8p23f + 127);
    y = OF(min_ps)(y, constant(88.0f));
    vector z = OF(fmadd_ps)(y, constant(-1.44269504f), trick), n = OF(sub_ps)(z, trick);
    vector g = OF(fmadd_ps)(n, constant(0.693115234f), y);
    g = OF(fmadd_ps)(n, constant(3.19461849e-05f), g);
    vector p = OF(fmadd_ps)(constant(0.00138145394f), g, constant(-0.00836874545f));
    p = OF(fmadd_ps)(p, g, constant(0.041668389f));
    p = OF(fmadd_ps)(p, g, constant(-0.166665211f));
    p = OF(fmadd_ps)(p, g, constant(0.49999994f));
    p = OF(fmadd_ps)(p, g, constant(-1));
    p = OF(fmadd_ps)(p, g, constant(1));
    vector power = SHIFTED(z, 23);
    return OF(fmadd_ps)(p, power, sum);
}

static vector sum_exp(const float *x, vector top, int abreast) {
    vector sum[4] = {constant(0), constant(0), constant(0), constant(0)};
    for (int i = 0; i < VECTORS; i += abreast)
        for (int j = 0; j < abreast; j++)
            sum[j] = add_exp(sum[j], OF(sub_ps)(top, OF(loadu_ps)(x + LANES * (i + j))));
    return OF(add_ps)(OF(add_ps)(sum[0], sum[1]), OF(add_ps)(sum[2], sum[3]));
}

static vector maximum(const float *x) {
    vector top[4] = {constant(-1e30f), constant(-1e30f), constant(-1e30f), constant(-1e30f)};
    for (int i = 0; i < VECTORS; i += 4)
        for (int j = 0; j < 4; j++)
            top[j] = OF(max_ps)(top[j], OF(loadu_ps)(x + LANES * (i + j)));
    return OF(max_ps)(OF(max_ps)(top[0], top[1]), OF(max_ps)(top[2], top[3]));
}

typedef enum form { ONE, TWO, FOUR, MAXIMUM, BOTH, FORMS } form;

static vector block(form f, const float *x, vector top) {
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
    vector sum = constant(0);
    double start = now();
    for (int i = 0; i < REPEATS; i++) {
        vector top = constant(1 + (float)(i & 1));
        sum = OF(add_ps)(sum, block(f, x, top));
        __asm__ volatile("" ::: "memory");
    }
    double nanoseconds = (now() - start) / REPEATS / VECTORS * 8 / LANES;
    *sink = OF(cvtss_f32)(sum);
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
    float x[LANES * VECTORS];
    volatile float sink;
    for (int i = 0; i < LANES * VECTORS; i++)
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
