/* What a fuzzer is to libFuzzer, and to replay.c, which runs files instead of inventing them. */
#ifndef FUZZ_H
#define FUZZ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

/* Once, before the first input. */
int LLVMFuzzerInitialize(int *count, char ***words);

/* One input. 0: it was run. What is wrong ends the process. */
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

/* Ends the process where something does not hold, with a sentence; libFuzzer then keeps the input. */
#define FUZZ_EXPECT(good, ...)                                                                                         \
    do {                                                                                                               \
        if (!(good)) {                                                                                                 \
            fprintf(stderr, "%s:%d: ", __FILE__, __LINE__);                                                            \
            fprintf(stderr, __VA_ARGS__);                                                                              \
            fputc('\n', stderr);                                                                                       \
            abort();                                                                                                   \
        }                                                                                                              \
    } while (0)

/* Reads an input byte by byte; behind its end there are zeros. */
typedef struct fuzz_bytes {
    const uint8_t *at;
    size_t left;
} fuzz_bytes;

static inline uint8_t fuzz_take(fuzz_bytes *bytes) {
    if (bytes->left == 0)
        return 0;
    bytes->left--;
    return *bytes->at++;
}

/* One of the numbers, as the next byte says. */
#define PICK(bytes, ...)                                                                                               \
    ((const double[]){__VA_ARGS__})[fuzz_take(bytes) % (sizeof(double[]){__VA_ARGS__} / sizeof(double))]

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

static inline uint64_t fuzz_take_word(fuzz_bytes *bytes) {
    uint64_t word = 0;
    for (int i = 0; i < 8; i++)
        word = word << 8 | fuzz_take(bytes);
    return word;
}

#endif
