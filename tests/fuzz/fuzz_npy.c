/* Arbitrary bytes as a .npy file: through the parser of headers, which sees bytes alone, and through the reader of files.
 * Both must agree, believe nothing that the file's size does not bear out, and what is read must be written back as it was.
 * That they allocate no more than the file holds is left to libFuzzer's -malloc_limit_mb. */
#include "fuzz.h"
#include "npy.h"

#include <string.h>
#include <unistd.h>

/* A file that has no name any more, so that nothing is left behind however this ends. */
static int file = -1;
static char file_path[64];

/* In memory where there is such a place: a disk makes this a hundred times slower. */
int LLVMFuzzerInitialize(int *count, char ***words) {
    (void)count;
    (void)words;
    char in_memory[] = "/dev/shm/fuzz_npy.XXXXXX", on_disk[] = "/tmp/fuzz_npy.XXXXXX", *name = in_memory;
    file = mkstemp(name);
    if (file < 0) {
        name = on_disk;
        file = mkstemp(name);
    }
    FUZZ_EXPECT(file >= 0 && unlink(name) == 0, "no temporary file %s", name);
    snprintf(file_path, sizeof file_path, "/dev/fd/%d", file);
    return 0;
}

static void write_file(const uint8_t *bytes, size_t size) {
    FUZZ_EXPECT(ftruncate(file, 0) == 0 && lseek(file, 0, SEEK_SET) == 0, "the temporary file cannot be emptied");
    FUZZ_EXPECT(write(file, bytes, size) == (ssize_t)size && lseek(file, 0, SEEK_SET) == 0,
                "the temporary file cannot be written");
}

static void expect_same_shape(const npy_array *a, const npy_array *b) {
    FUZZ_EXPECT(a->type == b->type && a->rank == b->rank && a->elements == b->elements,
                "type %d, rank %zu, %zu elements became type %d, rank %zu, %zu elements", (int)a->type, a->rank,
                a->elements, (int)b->type, b->rank, b->elements);
    for (size_t i = 0; i < a->rank; i++)
        FUZZ_EXPECT(a->shape[i] == b->shape[i], "axis %zu: %zu became %zu", i, a->shape[i], b->shape[i]);
}

/* A header that was understood is understood again in the form in which the program writes it. */
static void check_round_trip(const npy_array *array) {
    unsigned char header[NPY_MAX_HEADER];
    npy_array again;
    npy_error error = {""};
    size_t offset = 0, length = npy_format_header(array, header);
    FUZZ_EXPECT(length % NPY_ALIGNMENT == 0 && length <= sizeof header, "a header of %zu bytes", length);
    FUZZ_EXPECT(npy_parse_header(header, length, &again, &offset, &error), "its own header: %s", error.text);
    FUZZ_EXPECT(offset == length, "the elements begin at %zu, not at %zu", offset, length);
    expect_same_shape(array, &again);
}

static void check_sentence(const npy_error *error) {
    size_t length = strnlen(error->text, sizeof error->text);
    FUZZ_EXPECT(length > 0 && length < sizeof error->text, "a refusal of %zu characters", length);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
    npy_array parsed = {.data = NULL}, array;
    npy_error error = {""};
    size_t offset = 0;
    bool understood = npy_parse_header(bytes, size < NPY_MAX_HEADER ? size : NPY_MAX_HEADER, &parsed, &offset, &error);
    if (understood)
        check_round_trip(&parsed);
    else
        check_sentence(&error);
    write_file(bytes, size);
    error.text[0] = '\0';
    bool whole = understood && offset <= size && npy_bytes(&parsed) == size - offset;
    bool done = npy_read(file_path, &array, &error);
    FUZZ_EXPECT(done == whole, "the header was %s, the file was %s: %s", understood ? "understood" : "refused",
                done ? "read" : "refused", error.text);
    if (!done) {
        check_sentence(&error);
        FUZZ_EXPECT(array.data == NULL, "a refusal left memory behind");
        return 0;
    }
    expect_same_shape(&parsed, &array);
    FUZZ_EXPECT((uintptr_t)array.data % NPY_ALIGNMENT == 0, "the elements are at %p", array.data);
    npy_swap_on_big_endian(&array);
    FUZZ_EXPECT(memcmp(array.data, bytes + offset, size - offset) == 0, "the elements are others than the file's");
    npy_free(&array);
    return 0;
}
