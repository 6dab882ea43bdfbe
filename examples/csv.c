/* Reading a table of numbers whose last column is a label. Strict, so that a damaged file is not trained on. */
#include "csv.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The number from 0 to `most` at *text, which `end` must follow; moves *text behind both. */
static bool read_number(char **text, double most, bool whole_number, char end, double *number) {
    char *behind = *text + strspn(*text, "0123456789."), *stop; /* no sign, exponent, inf or nan */
    *number = strtod(*text, &stop);
    if (stop == *text || stop != behind || *stop != end || *number > most ||
        (whole_number && floor(*number) != *number))
        return false;
    *text = stop + 1;
    return true;
}

/* Reads the numbers and the label of one line. Returns 0, or the number of the value that is wrong, counted from 1. */
static int read_row(char *line, const csv_format *format, float *numbers, int32_t *label) {
    double number;
    for (int i = 0; i < format->columns; i++) {
        if (!read_number(&line, format->most, format->whole_number, ',', &number))
            return i + 1;
        numbers[i] = (float)number;
    }
    if (!read_number(&line, format->labels - 1, true, '\n', &number))
        return format->columns + 1;
    *label = (int32_t)number;
    return 0;
}

static bool read_rows(FILE *file, const char *path, const csv_format *format, float *numbers, int32_t *labels) {
    char line[1024];
    int above = format->header ? 1 : 0;
    size_t length = above ? strlen(format->header) : 0;
    if (above && (!fgets(line, sizeof line, file) || strncmp(line, format->header, length) || line[length] != '\n')) {
        fprintf(stderr, "%s, line 1: expected \"%s\"\n", path, format->header);
        return false;
    }
    for (int row = 0; row < format->rows; row++, numbers += format->columns, labels++) {
        if (!fgets(line, sizeof line, file)) {
            fprintf(stderr, "%s ends after line %d, expected %d lines\n", path, row + above, format->rows + above);
            return false;
        }
        int wrong = read_row(line, format, numbers, labels);
        if (wrong == 0)
            continue;
        fprintf(stderr, "%s, line %d, value %d of %d: expected a ", path, row + 1 + above, wrong, format->columns + 1);
        if (wrong <= format->columns)
            fprintf(stderr, "%s from 0 to %g and a comma\n", format->whole_number ? "whole number" : "number",
                    format->most);
        else
            fprintf(stderr, "label from 0 to %d and the end of the line\n", format->labels - 1);
        return false;
    }
    if (fgetc(file) != EOF) {
        fprintf(stderr, "%s has more than the %d lines expected\n", path, format->rows + above);
        return false;
    }
    return true;
}

bool csv_read(const char *path, const csv_format *format, float *numbers, int32_t *labels) {
    FILE *file = fopen(path, "r");
    if (!file) {
        fprintf(stderr, "cannot read %s: %s\n", path, strerror(errno));
        return false;
    }
    bool read = read_rows(file, path, format, numbers, labels);
    fclose(file);
    return read;
}
