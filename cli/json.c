/* Prints one JSON object on one line of standard output. */
#include "json.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

/* Bytes of the UTF-8 character that begins here; 0 where none does. */
static int utf8_length(const unsigned char *text) {
    static const unsigned smallest[] = {0, 0, 0x80, 0x800, 0x10000};
    int length = text[0] < 0x80           ? 1
                 : (text[0] >> 5) == 0x06 ? 2
                 : (text[0] >> 4) == 0x0e ? 3
                 : (text[0] >> 3) == 0x1e ? 4
                                          : 0;
    if (length < 2)
        return length;
    unsigned code = text[0] & (0x7fu >> length);
    for (int i = 1; i < length; i++) {
        if ((text[i] & 0xc0) != 0x80) /* also the end of the text */
            return 0;
        code = code << 6 | (text[i] & 0x3fu);
    }
    bool surrogate = code >= 0xd800 && code <= 0xdfff;
    return code < smallest[length] || code > 0x10ffff || surrogate ? 0 : length;
}

/* Text comes from drivers and from file names, so it may hold anything; what is not UTF-8 becomes a question mark in a
 * diamond. */
static void print_text(const char *text) {
    const unsigned char *at = (const unsigned char *)text;
    putchar('"');
    while (*at != '\0') {
        int length = utf8_length(at);
        if (*at == '"' || *at == '\\')
            printf("\\%c", *at);
        else if (*at < 0x20 || *at == 0x7f)
            printf("\\u%04x", *at);
        else if (length == 0)
            fputs("\\ufffd", stdout);
        else
            fwrite(at, 1, (size_t)length, stdout);
        at += length > 0 ? length : 1;
    }
    putchar('"');
}

static void print_name(json *object, const char *name) {
    if (!object->first)
        fputs(", ", stdout);
    object->first = false;
    print_text(name);
    fputs(": ", stdout);
}

void json_begin(json *object) {
    object->first = true;
    putchar('{');
}

void json_string(json *object, const char *name, const char *text) {
    print_name(object, name);
    print_text(text);
}

void json_real(json *object, const char *name, double value) {
    char text[32];
    if (isnan(value) || isinf(value)) {
        json_string(object, name, isnan(value) ? "nan" : value > 0 ? "inf" : "-inf");
        return;
    }
    for (int digits = 15; digits <= 17; digits++) {
        snprintf(text, sizeof text, "%.*g", digits, value);
        if (strtod(text, NULL) == value)
            break;
    }
    print_name(object, name);
    fputs(text, stdout);
}

void json_count(json *object, const char *name, unsigned long long value) {
    print_name(object, name);
    printf("%llu", value);
}

void json_counts(json *object, const char *name, const size_t *values, size_t count) {
    print_name(object, name);
    for (size_t i = 0; i < count; i++)
        printf("%s%zu", i > 0 ? ", " : "[", values[i]);
    fputs(count > 0 ? "]" : "[]", stdout);
}

void json_bool(json *object, const char *name, bool value) {
    print_name(object, name);
    fputs(value ? "true" : "false", stdout);
}

void json_end(json *object) {
    (void)object;
    puts("}");
}
