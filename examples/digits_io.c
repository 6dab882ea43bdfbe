/* Reading the handwritten digits and writing .npy files, for train_digits.c and cutmix.c. */
#include "digits_io.h"
#include "csv.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

bool digits_read(const char *path, digits *data) {
    csv_format format = {.rows = IMAGES, .columns = PIXELS, .most = 16, .whole_number = true, .labels = DIGITS};
    if (!csv_read(path, &format, data->pixels[0], data->labels))
        return false;
    for (int n = 0; n < IMAGES; n++)
        for (int i = 0; i < PIXELS; i++)
            data->pixels[n][i] /= 16;
    return true;
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
