/* The .npy reader and writer: what is understood, what is refused, and that no bytes whatever make it misbehave. */
#include "npy.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

/* A header around a dictionary, in memory of exactly its size, so that a read behind its end shows in a checker. */
typedef struct header {
    unsigned char *bytes;
    size_t length;
} header;

static header make_header(int version, const char *dictionary) {
    size_t begin = version == 1 ? 10 : 12, size = strlen(dictionary);
    header made = {malloc(begin + size), begin + size};
    assert_non_null(made.bytes);
    memcpy(made.bytes, "\x93NUMPY", 6);
    made.bytes[6] = (unsigned char)version;
    for (size_t i = 7; i < begin; i++)
        made.bytes[i] = 0;
    made.bytes[8] = (unsigned char)(size & 0xff);
    made.bytes[9] = (unsigned char)(size >> 8);
    memcpy(made.bytes + begin, dictionary, size);
    return made;
}

static bool parse(int version, const char *dictionary, npy_array *array, size_t *offset, npy_error *error) {
    header made = make_header(version, dictionary);
    error->text[0] = '\0';
    bool parsed = npy_parse_header(made.bytes, made.length, array, offset, error);
    free(made.bytes);
    return parsed;
}

static void expect(const char *dictionary, npy_type type, size_t rank, const size_t *shape) {
    for (int version = 1; version <= 3; version++) {
        npy_array array;
        npy_error error;
        size_t offset = 0, elements = 1;
        if (!parse(version, dictionary, &array, &offset, &error))
            fail_msg("%s: %s", dictionary, error.text);
        assert_int_equal(array.type, type);
        assert_int_equal(array.rank, rank);
        for (size_t i = 0; i < rank; i++) {
            assert_int_equal(array.shape[i], shape[i]);
            elements *= shape[i];
        }
        assert_int_equal(array.elements, elements);
        assert_int_equal(offset, (version == 1 ? 10 : 12) + strlen(dictionary));
        assert_null(array.data);
    }
}

static void test_accepted_headers(void **state) {
    (void)state;
    const size_t one[] = {3}, two[] = {3, 4}, four[] = {2, 0, 5, 7};
    expect("{'descr': '<f4', 'fortran_order': False, 'shape': (3, 4), }   \n", NPY_F4, 2, two);
    expect("{'descr': '<f8', 'fortran_order': False, 'shape': (3,), }\n", NPY_F8, 1, one);
    expect("{'descr': '|u1', 'fortran_order': False, 'shape': (), }\n", NPY_U1, 0, NULL);
    expect("{'descr': '<u1', 'fortran_order': False, 'shape': (3,), }\n", NPY_U1, 1, one);
    expect("{'descr': '<f2', 'fortran_order': False, 'shape': (3, 4), }", NPY_F2, 2, two);
    expect("{'descr': '<u2', 'fortran_order': False, 'shape': (3,), }\n", NPY_U2, 1, one);
    expect("{'descr': '<i4', 'fortran_order': False, 'shape': (3, 4,)}", NPY_I4, 2, two);
    expect("{\"shape\":(2,0,5,7),\"fortran_order\":False,\"descr\":\"<i8\"}", NPY_I8, 4, four);
    expect(" { 'shape' : ( 3 , 4 ) , 'descr' : '<f4' ,\n\t'fortran_order' : False } \n", NPY_F4, 2, two);
}

static void test_refused_headers(void **state) {
    (void)state;
    static const struct {
        const char *dictionary, *says;
    } cases[] = {
        {"{'descr': '>f4', 'fortran_order': False, 'shape': (3,), }", "big-endian ('>f4')"},
        {"{'descr': '>f2', 'fortran_order': False, 'shape': (3,), }", "big-endian ('>f2')"},
        {"{'descr': '|u2', 'fortran_order': False, 'shape': (3,), }", "'|u2'"},
        {"{'descr': '<i2', 'fortran_order': False, 'shape': (3,), }", "'<i2'"},
        {"{'descr': '<c8', 'fortran_order': False, 'shape': (3,), }", "'<c8', only f2, f4, f8, u1, u2, i4 and i8"},
        {"{'descr': '|f4', 'fortran_order': False, 'shape': (3,), }", "'|f4'"},
        {"{'descr': '', 'fortran_order': False, 'shape': (3,), }", "''"},
        {"{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (3,), }", "not a plain one"},
        {"{'descr': '<f4', 'fortran_order': True, 'shape': (3,), }", "Fortran order"},
        {"{'descr': '<f4', 'fortran_order': 0, 'shape': (3,), }", "neither True nor False"},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (3), }", "not a tuple"},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': 3, }", "not a tuple"},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (3 4), }", "not a tuple"},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (,), }", "not a tuple"},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (3,, 4), }", "not a tuple"},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (-3,), }", "not a tuple"},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (3.5,), }", "not a tuple"},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (3,", "not a tuple"},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (99999999999999999999999,), }", "does not fit"},
        {"{'descr': '<f8', 'fortran_order': False, 'shape': (4294967296, 4294967296), }", "can address"},
        {"{'descr': '<f8', 'fortran_order': False, 'shape': (1152921504606846976,), }", "can address"},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (0, 4294967296, 4294967296), }", "can address"},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': "
         "(1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1), }",
         "more than 32 dimensions"},
        {"{'descr': '<f4', 'shape': (3,), }", "is missing"},
        {"{}", "is missing"},
        {"{'descr': '<f4', 'descr': '<f4', 'fortran_order': False, 'shape': (3,), }", "'descr' stands there twice"},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (3,), 'x': 1}", "'x' is unknown"},
        {"{'descr': '<f4' 'fortran_order': False, 'shape': (3,), }", "comma or the closing brace"},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (3,), } x", "1 characters follow"},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (3,), ", "a key of the dictionary is missing"},
        {"{'descr: ", "a key of the dictionary is missing"},
        {"{'descr': '<f\x01', 'fortran_order': False, 'shape': (3,), }", "not a plain one"},
        {"", "does not begin with a brace"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        npy_array array;
        npy_error error;
        size_t offset;
        if (parse(1, cases[i].dictionary, &array, &offset, &error) || strstr(error.text, cases[i].says) == NULL)
            fail_msg("%s: \"%s\", but \"%s\" was expected", cases[i].dictionary, error.text, cases[i].says);
    }
}

static const char good[] = "{'descr': '<f4', 'fortran_order': False, 'shape': (3, 4), }   \n";

static void test_every_truncation_is_refused(void **state) {
    (void)state;
    for (int version = 1; version <= 2; version++) {
        header whole = make_header(version, good);
        for (size_t length = 0; length < whole.length; length++) {
            unsigned char *exact = malloc(length > 0 ? length : 1);
            npy_array array;
            npy_error error;
            size_t offset;
            assert_non_null(exact);
            memcpy(exact, whole.bytes, length);
            assert_false(npy_parse_header(exact, length, &array, &offset, &error));
            free(exact);
        }
        free(whole.bytes);
    }
}

/* Whatever a byte is changed to, an accepted header keeps its promises. */
static void test_every_changed_byte_is_survived(void **state) {
    (void)state;
    header whole = make_header(1, good);
    size_t accepted = 0;
    for (size_t i = 0; i < whole.length; i++) {
        unsigned char old = whole.bytes[i];
        for (unsigned value = 0; value < 256; value++) {
            npy_array array;
            npy_error error;
            size_t offset;
            whole.bytes[i] = (unsigned char)value;
            if (!npy_parse_header(whole.bytes, whole.length, &array, &offset, &error))
                continue;
            accepted++;
            assert_true(array.rank <= NPY_MAX_RANK && offset <= whole.length);
            assert_true(array.elements <= PTRDIFF_MAX / npy_type_size(array.type));
        }
        whole.bytes[i] = old;
    }
    free(whole.bytes);
    assert_true(accepted >= whole.length); /* each byte's own value, at least */
}

static void test_preamble(void **state) {
    (void)state;
    npy_array array;
    npy_error error;
    size_t offset;
    header whole = make_header(2, good);
    whole.bytes[11] = 1; /* a header of 16 MiB */
    assert_false(npy_parse_header(whole.bytes, whole.length, &array, &offset, &error));
    assert_non_null(strstr(error.text, "16777279 bytes")); /* 2^24 and the 63 of the dictionary */
    whole.bytes[11] = 0;
    whole.bytes[6] = 4;
    assert_false(npy_parse_header(whole.bytes, whole.length, &array, &offset, &error));
    assert_non_null(strstr(error.text, "version is 4.0"));
    whole.bytes[0] = 'x';
    assert_false(npy_parse_header(whole.bytes, whole.length, &array, &offset, &error));
    assert_non_null(strstr(error.text, "not a .npy file"));
    free(whole.bytes);
}

static void test_written_headers_are_read_back(void **state) {
    (void)state;
    size_t shape[NPY_MAX_RANK];
    for (size_t i = 0; i < NPY_MAX_RANK; i++)
        shape[i] = i == 3 ? 12345 : i == 30 ? 3 : 1;
    for (size_t rank = 0; rank <= NPY_MAX_RANK; rank++) {
        for (npy_type type = 0; type < NPY_TYPES; type++) {
            npy_array array, back;
            npy_error error;
            size_t offset;
            unsigned char bytes[NPY_MAX_HEADER];
            assert_true(npy_create(&array, type, rank, shape));
            size_t length = npy_format_header(&array, bytes);
            assert_int_equal(length % 64, 0);
            assert_true(npy_parse_header(bytes, length, &back, &offset, &error));
            assert_int_equal(offset, length);
            assert_int_equal(back.type, type);
            assert_int_equal(back.rank, rank);
            assert_memory_equal(back.shape, array.shape, sizeof back.shape);
            assert_int_equal(back.elements, array.elements);
            npy_free(&array);
        }
    }
}

static void test_create(void **state) {
    (void)state;
    npy_array array;
    const size_t huge[] = {SIZE_MAX / 2, 3}, plain[] = {5, 7};
    assert_false(npy_create(&array, NPY_F4, 2, huge));
    assert_true(npy_create(&array, NPY_F8, 2, plain));
    assert_int_equal(npy_bytes(&array), 280);
    assert_int_equal((uintptr_t)array.data % 64, 0);
    for (size_t i = 0; i < 35; i++)
        assert_true(((double *)array.data)[i] == 0);
    npy_free(&array);
    assert_null(array.data);
}

/* A file with `extra` bytes more (or fewer) than the 48 of elements that its header promises. */
static void write_file(const char *path, int extra) {
    header whole = make_header(1, good);
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(whole.bytes, 1, whole.length, file), whole.length);
    for (int i = 0; i < 48 + extra; i++)
        fputc(i % 4 == 2 ? 0x80 : i % 4 == 3 ? 0x3f : 0, file); /* 1.0f, little-endian */
    assert_int_equal(fclose(file), 0);
    free(whole.bytes);
}

static void test_files(void **state) {
    (void)state;
    char path[] = "/tmp/clxent-npy-XXXXXX";
    npy_array array;
    npy_error error;
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    close(fd);
    assert_false(npy_read(path, &array, &error));
    assert_non_null(strstr(error.text, "not a .npy file"));
    write_file(path, 0);
    assert_true(npy_read(path, &array, &error));
    assert_int_equal(array.elements, 12);
    assert_int_equal((uintptr_t)array.data % 64, 0);
    for (size_t i = 0; i < 12; i++)
        assert_true(((float *)array.data)[i] == 1);
    npy_free(&array);
    write_file(path, -1);
    assert_false(npy_read(path, &array, &error));
    assert_null(array.data);
    assert_string_equal(error.text, "it holds 47 bytes of elements, its header promises 48");
    write_file(path, 5);
    assert_false(npy_read(path, &array, &error));
    assert_string_equal(error.text, "5 bytes follow the 48 bytes of elements that its header promises");
    unlink(path);
    assert_false(npy_read(path, &array, &error));
    assert_false(npy_read("/tmp", &array, &error));
    assert_string_equal(error.text, "not a regular file");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_accepted_headers),
        cmocka_unit_test(test_refused_headers),
        cmocka_unit_test(test_every_truncation_is_refused),
        cmocka_unit_test(test_every_changed_byte_is_survived),
        cmocka_unit_test(test_preamble),
        cmocka_unit_test(test_written_headers_are_read_back),
        cmocka_unit_test(test_create),
        cmocka_unit_test(test_files),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
