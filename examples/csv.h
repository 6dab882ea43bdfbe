/* Reading a table of numbers whose last column is a label. */
#ifndef CSV_H
#define CSV_H

#include <stdbool.h>
#include <stdint.h>

/* What a file must look like: `rows` lines, each with `columns` numbers and a label, separated by commas. */
typedef struct csv_format {
    const char *header; /* the line that stands before them, or null if there is none */
    int rows, columns;
    double most;       /* numbers are 0 to this, labels 0 to labels - 1 */
    bool whole_number; /* numbers have no fraction; labels never have one */
    int labels;
} csv_format;

/* Fills numbers[rows * columns] and labels[rows]. On failure says why, and in which line, on stderr. */
bool csv_read(const char *path, const csv_format *format, float *numbers, int32_t *labels);

#endif
