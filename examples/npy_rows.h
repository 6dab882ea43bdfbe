/* Reading and writing .npy files some rows at a time, for arrays that are larger than memory. */
#ifndef NPY_ROWS_H
#define NPY_ROWS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

typedef enum npy_type { NPY_F2, NPY_F4, NPY_U1, NPY_I4, NPY_I8, NPY_TYPES } npy_type;

typedef struct npy_rows {
    FILE *file; /* null when closed */
    const char *path;
    npy_type type;
    int dimensions;       /* 1 or 2 */
    size_t rows, columns; /* columns: 1 where there is one dimension */
    size_t row_bytes, at; /* at: how many rows were read or written */
    bool writing;
} npy_rows;

/* Each of these returns whether it worked; where not, it says why on stderr. Numbers in files have their lowest byte first,
 * and are taken to have it there in memory, too. */

/* Opens a file of version 1, in C order, of one or two dimensions and one of the types above. */
bool rows_open(npy_rows *a, const char *path);

/* Reads the next `count` rows. With the last one the file must end. */
bool rows_read(npy_rows *a, size_t count, void *values);

/* Creates a file for an array whose path, type, dimensions, rows and columns are set. */
bool rows_create(npy_rows *a);

bool rows_write(npy_rows *a, size_t count, const void *values);

/* Closes a file, if it is open. One that was created is removed if it has not got all its rows. */
bool rows_close(npy_rows *a);

#endif
