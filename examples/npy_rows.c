/* Reading and writing .npy files some rows at a time. */
#include "npy_rows.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>

static const struct {
    const char *name;
    size_t size;
} types[NPY_TYPES] = {
    [NPY_F2] = {"<f2", 2}, [NPY_F4] = {"<f4", 4}, [NPY_U1] = {"|u1", 1}, [NPY_I4] = {"<i4", 4}, [NPY_I8] = {"<i8", 8}};

/* The format: a magic string with the version, the length of a text in two bytes, that text, and the values. */
static const char magic[8] = "\x93NUMPY\x01";

/* Reads the text, which stands in the file as NumPy writes it. */
static bool read_header(npy_rows *a) {
    static char text[UINT16_MAX + 1];
    unsigned char start[sizeof magic + 2];
    char type[4] = "", end[2] = "";
    size_t length = 0;
    if (fread(start, 1, sizeof start, a->file) == sizeof start && memcmp(start, magic, sizeof magic) == 0)
        length = start[8] | (size_t)start[9] << 8;
    if (length == 0 || fread(text, 1, length, a->file) != length) {
        fprintf(stderr, "%s is not a .npy file of version 1\n", a->path);
        return false;
    }
    text[length] = '\0';
    a->columns = 1;
    int found = sscanf(text, "{'descr': '%3[^']', 'fortran_order': False, 'shape': (%zu, %zu%1[)]", type, &a->rows,
                       &a->columns, end);
    a->dimensions = found / 2; /* "(3,)" ends the search after two, "(3, 4)" after four, and "(3, 4, 5)" after three */
    while (a->type < NPY_TYPES && strcmp(types[a->type].name, type) != 0)
        a->type++;
    if ((found != 2 && found != 4) || a->type == NPY_TYPES) {
        fprintf(stderr, "%s is not an array of one or two dimensions, in C order, of f2, f4, u1, i4 or i8\n", a->path);
        return false;
    }
    if (a->columns < 1 || a->columns > SIZE_MAX / 16 || a->rows > SIZE_MAX / 16 / a->columns) {
        fprintf(stderr, "%s has a shape that is out of range, %zu x %zu\n", a->path, a->rows, a->columns);
        return false;
    }
    a->row_bytes = a->columns * types[a->type].size;
    return true;
}

bool rows_open(npy_rows *a, const char *path) {
    *a = (npy_rows){.path = path, .file = fopen(path, "rb")};
    if (a->file)
        return read_header(a);
    fprintf(stderr, "cannot read %s: %s\n", path, strerror(errno));
    return false;
}

bool rows_read(npy_rows *a, size_t count, void *values) {
    size_t got = fread(values, a->row_bytes, count, a->file);
    a->at += got;
    if (got < count)
        fprintf(stderr, "%s ends after %zu of %zu rows\n", a->path, a->at, a->rows);
    else if (a->at == a->rows && fgetc(a->file) != EOF)
        fprintf(stderr, "%s does not end after its %zu rows\n", a->path, a->rows);
    else
        return true;
    return false;
}

bool rows_create(npy_rows *a) {
    char shape[64], text[118]; /* so that the values begin at byte 128 */
    snprintf(shape, sizeof shape, a->dimensions == 1 ? "(%zu,)" : "(%zu, %zu)", a->rows, a->columns);
    snprintf(text, sizeof text, "{'descr': '%s', 'fortran_order': False, 'shape': %s, }", types[a->type].name, shape);
    a->row_bytes = a->columns * types[a->type].size;
    a->writing = true;
    a->file = fopen(a->path, "wb");
    if (!a->file) {
        fprintf(stderr, "cannot write %s: %s\n", a->path, strerror(errno));
        return false;
    }
    fwrite(magic, 1, sizeof magic, a->file);
    fprintf(a->file, "%c%c%-117s\n", 118, 0, text);
    return true;
}

bool rows_write(npy_rows *a, size_t count, const void *values) {
    size_t put = fwrite(values, a->row_bytes, count, a->file);
    a->at += put;
    if (put < count)
        fprintf(stderr, "cannot write all of %s: %s\n", a->path, strerror(errno));
    return put == count;
}

bool rows_close(npy_rows *a) {
    if (!a->file)
        return true;
    bool failed = fclose(a->file) != 0 && a->writing;
    if (failed)
        fprintf(stderr, "cannot write all of %s: %s\n", a->path, strerror(errno));
    if (a->writing && (failed || a->at < a->rows))
        remove(a->path);
    a->file = NULL;
    return !failed;
}
