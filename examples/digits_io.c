/* Reading the handwritten digits and writing .npy files, for train_digits.c. */
#include "digits_io.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* A whole number from 0 to `most`, followed by `end`. */
static bool read_number(FILE *file, int most, int end, int *number) {
    int c = fgetc(file), figures = 0;
    for (*number = 0; c >= '0' && c <= '9' && *number <= most; c = fgetc(file), figures++)
        *number = 10 * *number + (c - '0');
    return figures > 0 && *number <= most && c == end;
}

static bool read_image(FILE *file, float *pixels, int32_t *label) {
    int number = 0;
    for (int i = 0; i < PIXELS; i++) {
        if (!read_number(file, 16, ',', &number))
            return false;
        pixels[i] = (float)number / 16;
    }
    bool read = read_number(file, DIGITS - 1, '\n', &number);
    *label = number;
    return read;
}

bool digits_read(const char *path, digits *data) {
    FILE *file = fopen(path, "r");
    if (!file) {
        fprintf(stderr, "cannot read %s: %s\n", path, strerror(errno));
        return false;
    }
    int images = 0;
    while (images < IMAGES && read_image(file, data->pixels[images], &data->labels[images]))
        images++;
    bool read = images == IMAGES && fgetc(file) == EOF;
    if (images < IMAGES)
        fprintf(stderr, "%s, line %d: expected %d pixels from 0 to 16 and a digit, with commas between them\n", path,
                images + 1, PIXELS);
    else if (!read)
        fprintf(stderr, "%s has more than the %d lines expected\n", path, IMAGES);
    fclose(file);
    return read;
}

/* The .npy format, version 1: a magic string, the length of a text in two bytes, that text, padded so that the values
 * begin at byte 128, and the values, whose lowest byte comes first. */
bool npy_write(const char *path, const char *type, const char *shape, const void *values, size_t count) {
    FILE *file = fopen(path, "wb");
    if (!file) {
        fprintf(stderr, "cannot write %s: %s\n", path, strerror(errno));
        return false;
    }
    char text[118];
    snprintf(text, sizeof text, "{'descr': '%s', 'fortran_order': False, 'shape': %s, }", type, shape);
    fwrite("\x93NUMPY\x01\x00\x76\x00", 1, 10, file); /* 0x76: 118 characters */
    fprintf(file, "%-117s\n", text);
    for (size_t i = 0; i < count; i++) {
        uint32_t bits;
        memcpy(&bits, (const char *)values + 4 * i, 4);
        for (int shift = 0; shift < 32; shift += 8)
            fputc((int)(bits >> shift & 0xff), file);
    }
    bool written = !ferror(file);
    written = fclose(file) == 0 && written;
    if (!written)
        fprintf(stderr, "cannot write all of %s\n", path);
    return written;
}
