/* What `clxent bench` measures: cases, their names, and the bytes that each must move. */
#ifndef CLI_BENCH_CASES_H
#define CLI_BENCH_CASES_H

#include "clxent.h"

#include <stdbool.h>
#include <stddef.h>

enum { BENCH_MAX_RANK = 8, BENCH_MAX_CASES = 64 };

/* A case: one line of the table. The class axis of its shape is axis 1. */
typedef struct bench_case {
    clxent_op op;
    clxent_pass pass;
    clxent_dtype dtype;
    clxent_engine engine; /* AUTO, or the one that is forced */
    bool in_place;        /* the result lies over an input */
    size_t rank, shape[BENCH_MAX_RANK];
} bench_case;

typedef struct bench_cases {
    bench_case list[BENCH_MAX_CASES];
    size_t count;
} bench_cases;

/* What a call must move: tensors of the logits' shape that it reads and writes, one class index per row or none, and
 * the bytes of all that. */
typedef struct bench_traffic {
    unsigned reads, writes;
    bool indices;
    double bytes;
} bench_traffic;

bench_traffic bench_traffic_of(const bench_case *c);

clxent_desc bench_desc(const bench_case *c);
size_t bench_elements(const bench_case *c);
size_t bench_rows(const bench_case *c);
size_t bench_element_size(clxent_dtype dtype);

/* Does the operation have the pass, and can that pass work in place? */
bool bench_has_pass(clxent_op op, clxent_pass pass);
bool bench_has_in_place(clxent_op op, clxent_pass pass);

/* Names as the options take them, ended by NULL, in the order of the header's enums (engines from 1). */
extern const char *const bench_op_names[], *const bench_pass_names[], *const bench_dtype_names[],
                                                                          *const bench_engine_names[];

/* "1024x50257" */
typedef struct bench_shape_text {
    char text[BENCH_MAX_RANK * 21];
} bench_shape_text;
bench_shape_text bench_write_shape(const bench_case *c);

/* "binary-cross-entropy forward, f32, 1024x10" */
typedef struct bench_case_text {
    char text[256];
} bench_case_text;
bench_case_text bench_describe(const bench_case *c);

/* Two to eight sizes of 1 or more with x between them; no more than 2^48 elements. */
bool bench_parse_shape(const char *text, bench_case *c);

/* The cases that are measured where no option asks for others. */
void bench_default_suite(bench_cases *cases);

/* `like` at its own shape, or at the usual ones where it has none; in its own pass, or in all passes that the
 * operation has where `every_pass` is set (and that can work in place where `like` does). */
void bench_list_cases(const bench_case *like, bool every_pass, bench_cases *cases);

#endif
