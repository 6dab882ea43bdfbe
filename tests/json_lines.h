/* Is what the program prints JSON, an object to a line? */
#ifndef JSON_LINES_H
#define JSON_LINES_H

#include <stddef.h>

/* Every line is an object; returns how many there are. */
size_t expect_json_lines(const char *text);

/* The first member of this name is this text, or prints like it. */
void expect_member(const char *line, const char *name, const char *expected);

#endif
