/* Files for the fuzzer of the command line: the linker's --wrap puts this npy_read into the program, and this file stands in
 * for cli/output.c. */
#include "fuzz_files.h"

#include "fuzz.h"
#include "npy.h"
#include "output.h"

#include <string.h>

/* Small numbers, all of them good classes of two or more, and good probabilities. */
static void fill(npy_array *array) {
    for (size_t i = 0; i < array->elements; i++) {
        uint64_t whole = i % 2;
        float narrow = (float)whole / 2;
        double wide = (double)whole / 2;
        unsigned char *at = (unsigned char *)array->data + i * npy_type_size(array->type);
        const void *from = array->type == NPY_F4   ? (const void *)&narrow
                           : array->type == NPY_F8 ? (const void *)&wide
                                                   : (const void *)&whole;
        memcpy(at, from, npy_type_size(array->type));
    }
}

static bool parse_shape(const char *text, size_t *rank, size_t shape[NPY_MAX_RANK]) {
    for (*rank = 0; *text != '\0'; ++*rank) {
        char *end;
        if (*rank == NPY_MAX_RANK || *text < '0' || *text > '9')
            return false;
        shape[*rank] = (size_t)strtoull(text, &end, 10);
        if (shape[*rank] > FUZZ_MOST_ELEMENTS || (*end != 'x' && *end != '\0'))
            return false;
        text = *end == 'x' ? end + 1 : end;
    }
    return true;
}

bool __wrap_npy_read(const char *path, npy_array *array, npy_error *error);
bool __wrap_npy_read(const char *path, npy_array *array, npy_error *error) {
    size_t rank, shape[NPY_MAX_RANK], product = 1;
    memset(array, 0, sizeof *array);
    for (npy_type type = 0; type < NPY_TYPES; type++) {
        if (strncmp(path, npy_type_name(type), 2) != 0 || path[2] != ':' || !parse_shape(path + 3, &rank, shape))
            continue;
        for (size_t i = 0; i < rank; i++)
            product = product * shape[i] > FUZZ_MOST_ELEMENTS ? FUZZ_MOST_ELEMENTS + 1 : product * shape[i];
        if (product > FUZZ_MOST_ELEMENTS || !npy_create(array, type, rank, shape))
            continue;
        fill(array);
        return true;
    }
    return npy_refuse(error, "No such file or directory");
}

/* ---- what is written ---- */

int outputs_open(outputs *all, const char *path, int *fd) {
    (void)all;
    (void)fd;
    return complain("cannot write %s: Permission denied", path);
}

int outputs_write(outputs *all, const char *path, npy_array *array) {
    unsigned char header[NPY_MAX_HEADER];
    FUZZ_EXPECT(all->count < MAX_OUTPUTS && *path != '\0', "output %zu, \"%s\"", all->count, path);
    FUZZ_EXPECT(array->data != NULL && npy_format_header(array, header) > 0, "%s has no array", path);
    all->count++;
    return STATUS_OK;
}

int outputs_commit(outputs *all) {
    (void)all;
    return STATUS_OK;
}

void outputs_close(outputs *all) {
    all->count = 0;
}
