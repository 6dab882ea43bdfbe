/* Is what the program prints JSON, an object to a line? */
#include "json_lines.h"

#include "run_program.h"

#include <ctype.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* Goes over one JSON value and returns what follows it, NULL where it is none. */
static const char *skip_value(const char *at);

static const char *skip_string(const char *at) {
    if (*at != '"')
        return NULL;
    for (at++; *at != '"'; at += *at == '\\' ? 2 : 1)
        if (*at == '\0' || (unsigned char)*at < 0x20)
            return NULL;
    return at + 1;
}

/* The members of an object or a list, from behind the bracket to behind its partner. */
static const char *skip_members(const char *at, bool named, char end) {
    for (bool first = true; at != NULL && *at != end; first = false) {
        if (!first && strncmp(at, ", ", 2) != 0)
            return NULL;
        at += first ? 0 : 2;
        if (named) {
            at = skip_string(at);
            if (at == NULL || strncmp(at, ": ", 2) != 0)
                return NULL;
            at += 2;
        }
        at = skip_value(at);
    }
    return at != NULL ? at + 1 : NULL;
}

static const char *skip_value(const char *at) {
    char *end;
    if (*at == '{' || *at == '[')
        return skip_members(at + 1, *at == '{', *at == '{' ? '}' : ']');
    if (*at == '"')
        return skip_string(at);
    if (strncmp(at, "true", 4) == 0)
        return at + 4;
    if (strncmp(at, "false", 5) == 0)
        return at + 5;
    if (*at != '-' && !isdigit((unsigned char)*at))
        return NULL;
    strtod(at, &end);
    return end;
}

/* Every line is an object; returns how many there are. */
size_t expect_json_lines(const char *text) {
    size_t lines = 0;
    for (const char *at = text; *at != '\0'; lines++) {
        const char *behind = *at == '{' ? skip_value(at) : NULL;
        if (behind == NULL || *behind != '\n')
            fail_msg("line %zu is not a JSON object: %s", lines, at);
        at = behind + 1;
    }
    return lines;
}

void expect_member(const char *line, const char *name, const char *expected) {
    char text[128];
    json_text(line, name, text, sizeof text);
    assert_string_equal(text, expected);
}
