/* Arrays in .npy files, the format of NumPy: a short text header, then the elements.
 * Read: versions 1, 2 and 3; little-endian f2, f4, f8, u1, u2, i4 and i8; C order; any rank up to 32,
 * 0 included.
 * Written: version 1. */
#ifndef CLI_NPY_H
#define CLI_NPY_H

#include "message.h"

#include <stdbool.h>
#include <stddef.h>

#define NPY_MAX_RANK 32
#define NPY_MAX_HEADER 16384 /* bytes in front of the elements; NumPy itself refuses more than 10000 */

#define NPY_ALIGNMENT 64 /* of the elements, in memory and in files written here */

typedef enum npy_type { NPY_F2, NPY_F4, NPY_F8, NPY_U1, NPY_U2, NPY_I4, NPY_I8, NPY_TYPES } npy_type;

typedef struct npy_array {
    npy_type type;
    size_t rank;
    size_t shape[NPY_MAX_RANK];
    size_t elements; /* the product of the shape; times the element size it fits a size_t */
    void *data;      /* aligned to 64 bytes and owned; NULL: absent */
} npy_array;

/* Why a file was refused: half a sentence, to stand behind its name. */
typedef struct npy_error {
    char text[256];
} npy_error;

/* Sets the text and returns false. */
bool npy_refuse(npy_error *error, const char *format, ...) CLI_PRINTF(2, 3);

/* "f4" */
const char *npy_type_name(npy_type type);
size_t npy_type_size(npy_type type);

size_t npy_bytes(const npy_array *array);

/* Sets `elements` from the shape; false where the sizes overflow. A dimension of 0 makes an empty array, but the
 * product of the others must fit nevertheless: then any product of some of the dimensions does. */
bool npy_count_elements(npy_array *array);

/* Gives an array its shape and zeroed memory. False: the sizes overflow, or there is no memory. */
bool npy_create(npy_array *array, npy_type type, size_t rank, const size_t *shape);
void npy_free(npy_array *array);

/* Understands the header in the first `length` bytes of a file: everything of `array` but its data, and where the data
 * begin. A pure function: looks at those bytes and at nothing else, allocates nothing. */
bool npy_parse_header(const unsigned char *bytes, size_t length, npy_array *array, size_t *data_offset,
                      npy_error *error);

/* Writes the header of an array and returns its length, a multiple of 64. */
size_t npy_format_header(const npy_array *array, unsigned char bytes[NPY_MAX_HEADER]);

/* Reads a whole file. All sizes are checked against the file's own before anything is allocated. */
bool npy_read(const char *path, npy_array *array, npy_error *error);

/* Elements are little-endian in the file: turns them around on a machine that is not, in either direction. */
void npy_swap_on_big_endian(npy_array *array);

#endif
