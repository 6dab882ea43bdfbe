/* What `clxent check` runs: a case is a descriptor, the choice of optional tensors and the kind of data. */
#ifndef CLI_CHECK_CASES_H
#define CLI_CHECK_CASES_H

#include "clxent.h"

#include <stdbool.h>

typedef struct check_case {
    clxent_desc desc;
    bool weight, sample_weight, pos_weight, target2, mix_lambda, grad_output, lse, argmax;
    bool counts;         /* invalid_count, and correct_count where there is an argmax */
    bool poison;         /* some rows hold infinities and NaN that make their results NaN or infinite */
    bool nothing_counts; /* every row is ignored */
    bool shards;         /* the classes are dealt out, and merged: see check_shards.h */
    bool linear_bias;    /* of linear-cross-entropy; with `poison` the first class has one of -inf */
    unsigned seed;       /* of the data */
} check_case;

/* One line of the table: all cases of an operation, pass, storage type and engine; in one piece or in shards. Linear cross-entropy
 * has matrix products in the place of engines: the one of AUTO is over their logits. */
typedef struct check_line {
    clxent_op op;
    clxent_pass pass;
    clxent_dtype dtype;
    clxent_engine engine;
    bool shards;
} check_line;

/* Line number `index`; false behind the last one. F32 goes through every operation, pass and engine; the other types go
 * through every operation and pass, each with one engine in turn, or with `all` through every engine too. */
bool check_get_line(size_t index, bool all, check_line *line);

/* Case number `index` of a line; false behind the last one. No work-group is larger than `largest_group`. */
bool check_get_case(const check_line *line, size_t index, size_t largest_group, check_case *out);

bool check_is_loss(clxent_op op);
bool check_is_linear(clxent_op op);
bool check_is_elementwise(clxent_op op);
bool check_has_probabilities(const clxent_desc *desc);

/* Elements of a batch entry: logits, or the numbers of a hidden state; and from one entry to the next. */
size_t check_width(const clxent_desc *desc);
size_t check_stride(const clxent_desc *desc);

#endif
