/* Prints one JSON object on one line of standard output:
 *     json_begin(&o); json_string(&o, "op", "softmax"); json_real(&o, "loss", 0.5); json_end(&o);
 * prints {"op": "softmax", "loss": 0.5}.
 * What JSON cannot say of a number is said by a string: "nan", "inf", "-inf". */
#ifndef CLI_JSON_H
#define CLI_JSON_H

#include <stdbool.h>
#include <stddef.h>

typedef struct json {
    bool first; /* has no member yet */
} json;

void json_begin(json *object);
void json_string(json *object, const char *name, const char *text);
void json_real(json *object, const char *name, double value); /* in as few digits as give the same double back */
void json_count(json *object, const char *name, unsigned long long value);
void json_counts(json *object, const char *name, const size_t *values, size_t count); /* a list */
void json_bool(json *object, const char *name, bool value);
void json_end(json *object);

#endif
