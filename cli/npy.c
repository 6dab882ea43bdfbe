/* Arrays, and .npy files read into them; npy_header.c understands their headers. */
#include "npy.h"

#include "os.h"

#include <errno.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct {
    const char *name;
    size_t size;
} types[] = {[NPY_F2] = {"f2", 2}, [NPY_F4] = {"f4", 4}, [NPY_F8] = {"f8", 8}, [NPY_U1] = {"u1", 1},
             [NPY_U2] = {"u2", 2}, [NPY_I4] = {"i4", 4}, [NPY_I8] = {"i8", 8}};

bool npy_refuse(npy_error *error, const char *format, ...) {
    va_list values;
    va_start(values, format);
    vsnprintf(error->text, sizeof error->text, format, values);
    va_end(values);
    return false;
}

const char *npy_type_name(npy_type type) {
    return types[type].name;
}

size_t npy_type_size(npy_type type) {
    return types[type].size;
}

size_t npy_bytes(const npy_array *array) {
    return array->elements * types[array->type].size;
}

bool npy_count_elements(npy_array *array) {
    size_t product = 1, limit = PTRDIFF_MAX / types[array->type].size;
    bool empty = false;
    for (size_t i = 0; i < array->rank; i++) {
        size_t n = array->shape[i];
        if (n == 0)
            empty = true;
        else if (product > limit / n)
            return false;
        else
            product *= n;
    }
    array->elements = empty ? 0 : product;
    return true;
}

static void *allocate(size_t bytes) {
    size_t blocks = bytes / NPY_ALIGNMENT + 1;
    return blocks > SIZE_MAX / NPY_ALIGNMENT ? NULL : os_allocate_aligned(NPY_ALIGNMENT, blocks * NPY_ALIGNMENT);
}

bool npy_create(npy_array *array, npy_type type, size_t rank, const size_t *shape) {
    *array = (npy_array){.type = type, .rank = rank};
    if (rank > 0)
        memcpy(array->shape, shape, rank * sizeof *shape);
    if (!npy_count_elements(array))
        return false;
    array->data = allocate(npy_bytes(array));
    if (array->data != NULL)
        memset(array->data, 0, npy_bytes(array));
    return array->data != NULL;
}

void npy_free(npy_array *array) {
    os_free_aligned(array->data);
    array->data = NULL;
}

void npy_swap_on_big_endian(npy_array *array) {
    const uint16_t one = 1;
    size_t size = types[array->type].size;
    if (*(const unsigned char *)&one == 1)
        return;
    unsigned char *bytes = array->data;
    for (size_t i = 0; i < array->elements; i++, bytes += size)
        for (size_t a = 0, b = size - 1; a < b; a++, b--) {
            unsigned char byte = bytes[a];
            bytes[a] = bytes[b];
            bytes[b] = byte;
        }
}

/* ---------------------------------------------------------------------------------------------------- the file ---- */

/* Reads until `bytes` are there; fewer at the end of the file. -1: an error, in errno. */
static ptrdiff_t read_fully(int fd, void *buffer, size_t bytes) {
    size_t done = 0;
    while (done < bytes) {
        size_t step = bytes - done < (size_t)1 << 30 ? bytes - done : (size_t)1 << 30;
        ptrdiff_t n = os_read(fd, (char *)buffer + done, step);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -1;
        if (n == 0)
            break;
        done += (size_t)n;
    }
    return (ptrdiff_t)done;
}

/* Do header and elements fill the file exactly? */
static bool check_size(const npy_array *array, size_t data_offset, uint64_t file_size, npy_error *error) {
    uintmax_t has = file_size - data_offset;
    if (has < npy_bytes(array))
        return npy_refuse(error, "it holds %ju bytes of elements, its header promises %zu", has, npy_bytes(array));
    if (has > npy_bytes(array))
        return npy_refuse(error, "%ju bytes follow the %zu bytes of elements that its header promises",
                          has - npy_bytes(array), npy_bytes(array));
    return true;
}

static bool read_open_file(int fd, npy_array *array, npy_error *error) {
    unsigned char header[NPY_MAX_HEADER];
    os_info info;
    size_t data_offset;
    if (!os_look_at(fd, &info))
        return npy_refuse(error, "%s", strerror(errno));
    if (info.kind != OS_FILE)
        return npy_refuse(error, "not a regular file");
    ptrdiff_t length = read_fully(fd, header, sizeof header);
    if (length < 0)
        return npy_refuse(error, "%s", strerror(errno));
    if (!npy_parse_header(header, (size_t)length, array, &data_offset, error) ||
        !check_size(array, data_offset, info.bytes, error))
        return false;
    array->data = allocate(npy_bytes(array));
    if (array->data == NULL)
        return npy_refuse(error, "there is no memory for its %zu bytes", npy_bytes(array));
    if (!os_seek(fd, data_offset) || read_fully(fd, array->data, npy_bytes(array)) != (ptrdiff_t)npy_bytes(array)) {
        npy_free(array);
        return npy_refuse(error, "its elements cannot be read: %s",
                          errno != 0 ? strerror(errno) : "the file has shrunk");
    }
    npy_swap_on_big_endian(array);
    return true;
}

bool npy_read(const char *path, npy_array *array, npy_error *error) {
    memset(array, 0, sizeof *array);
    int fd = os_open(path);
    if (fd < 0)
        return npy_refuse(error, "%s", strerror(errno));
    errno = 0;
    bool done = read_open_file(fd, array, error);
    os_close(fd);
    return done;
}
