/* Reading the handwritten digits and writing .npy files, for train_digits.c and cutmix.c. */
#ifndef DIGITS_IO_H
#define DIGITS_IO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { IMAGES = 1797, SIDE = 8, PIXELS = SIDE * SIDE, DIGITS = 10 };

typedef struct digits {
    float pixels[IMAGES][PIXELS]; /* 0 (paper) to 1 (ink) */
    int32_t labels[IMAGES];
} digits;

/* Reads IMAGES lines of PIXELS numbers from 0 to 16 and a label. On failure says why on stderr. */
bool digits_read(const char *path, digits *data);

/* Writes `count` values of four bytes each: type "<f4" or "<i4", shape as Python writes it: "(360, 10)", "(360,)".
 * On failure says why on stderr. */
bool npy_write(const char *path, const char *type, const char *shape, const void *values, size_t count);

#endif
