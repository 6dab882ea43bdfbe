/* The header of a .npy file, read and written. Pure functions over bytes: a file can come from anywhere, and nothing in
 * it is believed before it was checked. */
#include "npy.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

/* A place in the header's text, a Python dictionary such as {'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }
 * that blanks fill up. It is read strictly: each key once, and nothing else. */
typedef struct cursor {
    const char *at, *end;
} cursor;

static void skip_blanks(cursor *c) {
    while (c->at < c->end && (*c->at == ' ' || *c->at == '\t' || *c->at == '\n'))
        c->at++;
}

/* The next character that is not a blank, if it is `wanted`. */
static bool take(cursor *c, char wanted) {
    skip_blanks(c);
    if (c->at == c->end || *c->at != wanted)
        return false;
    c->at++;
    return true;
}

static bool take_word(cursor *c, const char *word) {
    size_t length = strlen(word);
    skip_blanks(c);
    if ((size_t)(c->end - c->at) < length || memcmp(c->at, word, length) != 0)
        return false;
    c->at += length;
    return true;
}

/* A quoted string of printable ASCII without escapes, which is all that names and types need. */
static bool take_string(cursor *c, char *text, size_t size) {
    skip_blanks(c);
    if (c->at == c->end || (*c->at != '\'' && *c->at != '"'))
        return false;
    char quote = *c->at++;
    size_t length = 0;
    while (c->at < c->end && *c->at != quote) {
        if (*c->at < ' ' || *c->at > '~' || *c->at == '\\' || length + 1 == size)
            return false;
        text[length++] = *c->at++;
    }
    text[length] = '\0';
    if (c->at == c->end)
        return false;
    c->at++;
    return true;
}

static bool parse_type(cursor *c, npy_array *array, npy_error *error) {
    char text[32];
    if (!take_string(c, text, sizeof text))
        return npy_refuse(error, "its element type is not a plain one, only f2, f4, f8, u1, u2, i4 and i8 are read");
    for (npy_type type = 0; type < NPY_TYPES; type++) {
        if (text[0] == '\0' || strcmp(text + 1, npy_type_name(type)) != 0)
            continue;
        array->type = type;
        if (text[0] == '<' || (text[0] == '|' && npy_type_size(type) == 1))
            return true;
        if (text[0] == '>')
            return npy_refuse(error, "its elements are big-endian ('%s'), only little-endian ones are read", text);
    }
    return npy_refuse(error, "its element type is '%s', only f2, f4, f8, u1, u2, i4 and i8 (little-endian) are read",
                      text);
}

static bool parse_order(cursor *c, npy_error *error) {
    if (take_word(c, "False"))
        return true;
    if (take_word(c, "True"))
        return npy_refuse(error, "its elements are in Fortran order, only C order is read "
                                 "(numpy.ascontiguousarray converts)");
    return npy_refuse(error, "its header is corrupt: fortran_order is neither True nor False");
}

static bool parse_dimension(cursor *c, size_t *dimension, npy_error *error) {
    skip_blanks(c);
    if (c->at == c->end || *c->at < '0' || *c->at > '9')
        return npy_refuse(error, "its header is corrupt: the shape is not a tuple of whole numbers");
    size_t n = 0;
    for (; c->at < c->end && *c->at >= '0' && *c->at <= '9'; c->at++) {
        size_t digit = (size_t)(*c->at - '0');
        if (n > (SIZE_MAX - digit) / 10)
            return npy_refuse(error, "its shape has a dimension that does not fit %zu bits", sizeof(size_t) * 8);
        n = n * 10 + digit;
    }
    *dimension = n;
    return true;
}

/* () or (3,) or (3, 4) or (3, 4,) */
static bool parse_shape(cursor *c, npy_array *array, npy_error *error) {
    bool comma = false;
    array->rank = 0;
    if (!take(c, '('))
        return npy_refuse(error, "its header is corrupt: the shape is not a tuple of whole numbers");
    while (!take(c, ')')) {
        if (array->rank > 0 && !comma)
            return npy_refuse(error, "its header is corrupt: the shape is not a tuple of whole numbers");
        if (array->rank == NPY_MAX_RANK)
            return npy_refuse(error, "its shape has more than %d dimensions", NPY_MAX_RANK);
        if (!parse_dimension(c, &array->shape[array->rank++], error))
            return false;
        comma = take(c, ',');
    }
    if (array->rank == 1 && !comma)
        return npy_refuse(error, "its header is corrupt: the shape is not a tuple of whole numbers");
    return true;
}

enum { HAS_TYPE = 1, HAS_ORDER = 2, HAS_SHAPE = 4, HAS_ALL = 7 };

/* One "key: value" of the dictionary; its bit is added to `seen`. */
static bool parse_entry(cursor *c, npy_array *array, unsigned *seen, npy_error *error) {
    char key[32];
    unsigned bit;
    if (!take_string(c, key, sizeof key) || !take(c, ':'))
        return npy_refuse(error, "its header is corrupt: a key of the dictionary is missing");
    if (strcmp(key, "descr") == 0)
        bit = HAS_TYPE;
    else if (strcmp(key, "fortran_order") == 0)
        bit = HAS_ORDER;
    else if (strcmp(key, "shape") == 0)
        bit = HAS_SHAPE;
    else
        return npy_refuse(error, "its header is corrupt: the key '%s' is unknown", key);
    if (*seen & bit)
        return npy_refuse(error, "its header is corrupt: the key '%s' stands there twice", key);
    *seen |= bit;
    return bit == HAS_TYPE    ? parse_type(c, array, error)
           : bit == HAS_ORDER ? parse_order(c, error)
                              : parse_shape(c, array, error);
}

static bool parse_dictionary(cursor *c, npy_array *array, npy_error *error) {
    unsigned seen = 0;
    bool comma = true;
    if (!take(c, '{'))
        return npy_refuse(error, "its header is corrupt: it does not begin with a brace");
    while (!take(c, '}')) {
        if (!comma)
            return npy_refuse(error, "its header is corrupt: a comma or the closing brace is missing");
        if (!parse_entry(c, array, &seen, error))
            return false;
        comma = take(c, ',');
    }
    if (seen != HAS_ALL)
        return npy_refuse(error, "its header is corrupt: descr, fortran_order or shape is missing");
    skip_blanks(c);
    if (c->at != c->end)
        return npy_refuse(error, "its header is corrupt: %zu characters follow the dictionary",
                          (size_t)(c->end - c->at));
    return true;
}

/* Where the dictionary is: behind the magic, the version and its length. */
static bool find_dictionary(const unsigned char *bytes, size_t length, size_t *begin, size_t *size, npy_error *error) {
    static const unsigned char magic[6] = {0x93, 'N', 'U', 'M', 'P', 'Y'};
    if (length < sizeof magic || memcmp(bytes, magic, sizeof magic) != 0)
        return npy_refuse(error, "not a .npy file, it does not begin with the bytes 93 'NUMPY'");
    if (length < 8)
        return npy_refuse(error, "the file ends after %zu bytes, inside its header", length);
    if (bytes[6] < 1 || bytes[6] > 3 || bytes[7] != 0)
        return npy_refuse(error, "its format version is %u.%u, only 1.0, 2.0 and 3.0 are read", bytes[6], bytes[7]);
    *begin = bytes[6] == 1 ? 10 : 12;
    if (length < *begin)
        return npy_refuse(error, "the file ends after %zu bytes, inside its header", length);
    *size = bytes[8] | (size_t)bytes[9] << 8;
    if (bytes[6] != 1)
        *size |= (size_t)bytes[10] << 16 | (size_t)bytes[11] << 24;
    if (*size > NPY_MAX_HEADER - *begin)
        return npy_refuse(error, "its header has %zu bytes, more than any plain array needs", *size);
    if (length - *begin < *size)
        return npy_refuse(error, "the file ends after %zu bytes, inside its header of %zu", length, *begin + *size);
    return true;
}

bool npy_parse_header(const unsigned char *bytes, size_t length, npy_array *array, size_t *data_offset,
                      npy_error *error) {
    size_t begin = 0, size = 0;
    memset(array, 0, sizeof *array);
    if (!find_dictionary(bytes, length, &begin, &size, error))
        return false;
    cursor c = {(const char *)bytes + begin, (const char *)bytes + begin + size};
    if (!parse_dictionary(&c, array, error))
        return false;
    if (!npy_count_elements(array))
        return npy_refuse(error, "its shape has more elements than this machine can address");
    *data_offset = begin + size;
    return true;
}

size_t npy_format_header(const npy_array *array, unsigned char bytes[NPY_MAX_HEADER]) {
    enum { BEGIN = 10 };
    char *text = (char *)bytes;
    size_t at = BEGIN;
    at += (size_t)snprintf(text + at, NPY_MAX_HEADER - at, "{'descr': '%c%s', 'fortran_order': False, 'shape': (",
                           npy_type_size(array->type) == 1 ? '|' : '<', npy_type_name(array->type));
    for (size_t i = 0; i < array->rank; i++)
        at += (size_t)snprintf(text + at, NPY_MAX_HEADER - at, "%s%zu", i > 0 ? ", " : "", array->shape[i]);
    at += (size_t)snprintf(text + at, NPY_MAX_HEADER - at, "%s), }", array->rank == 1 ? "," : "");
    /* Blanks up to the newline, so that the elements begin at a multiple of 64. */
    size_t length = (at + 1 + NPY_ALIGNMENT - 1) / NPY_ALIGNMENT * NPY_ALIGNMENT;
    memset(bytes + at, ' ', length - 1 - at);
    bytes[length - 1] = '\n';
    memcpy(bytes, "\x93NUMPY\x01", 8); /* the string's own zero is the minor version */
    bytes[8] = (unsigned char)((length - BEGIN) & 0xff);
    bytes[9] = (unsigned char)((length - BEGIN) >> 8);
    return length;
}
