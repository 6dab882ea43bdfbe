/* What `clxent check` runs: a case is a descriptor, the choice of optional tensors and the kind of data. */
#ifndef CLI_CHECK_CASES_H
#define CLI_CHECK_CASES_H

#include "clxent.h"

#include <stdbool.h>

typedef struct check_case {
    clxent_desc desc;
    bool weight, grad_output, lse;
    bool poison;   /* some rows hold infinities and NaN that make their results NaN or infinite */
    unsigned seed; /* of the data */
} check_case;

/* One line of the table: all cases of an operation, pass, storage type and engine. */
typedef struct check_line {
    clxent_op op;
    clxent_pass pass;
    clxent_dtype dtype;
    clxent_engine engine;
} check_line;

/* Line number `index`; false behind the last one. */
bool check_get_line(size_t index, check_line *line);

/* Case number `index` of a line; false behind the last one. No work-group is larger than `largest_group`. */
bool check_get_case(const check_line *line, size_t index, size_t largest_group, check_case *out);

bool check_is_loss(clxent_op op);

#endif
