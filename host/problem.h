/* A descriptor after its checks, and what follows from it. Calls no OpenCL. */
#ifndef CLX_PROBLEM_H
#define CLX_PROBLEM_H

#include "clxent.h"

#include <stdbool.h>

typedef struct clx_op clx_op;

typedef struct clx_problem {
    clxent_desc desc; /* complete: members that the caller's version lacks at their defaults, row_stride resolved */
    const clx_op *op; /* what is particular to the operation, see op.h */
    size_t rows;      /* batch * inner */
    size_t width;     /* elements of a batch entry of a tensor of the logits' shape, or of the hidden states */
    size_t span; /* elements from the first to the end of the last of a tensor of the logits' shape; 0 when empty */
    size_t storage_size; /* bytes of an element of such a tensor */
    size_t real_size;    /* bytes of a loss, an lse, a weight */
    size_t target_size;  /* bytes of a class index */
    bool counted_rows;   /* is the batch a chunk of which the device alone knows how many rows it has? see linear.h */
} clx_problem;

/* Checks every member and every product. Refuses with INVALID_ARGUMENT, INVALID_SHAPE or INVALID_OPTION. */
clxent_status clx_problem_init(clx_problem *problem, const clxent_desc *desc);

/* Are the targets probabilities, not class indices? Of a loss. */
static inline bool clx_has_probabilities(const clx_problem *problem) {
    return problem->desc.target_type >= CLXENT_TARGET_PROBABILITIES;
}

/* All classes, of which a shard has some. */
static inline size_t clx_all_classes(const clx_problem *problem) {
    return problem->desc.class_total > 0 ? problem->desc.class_total : problem->desc.classes;
}

/* Numbers that a partial has of each row: top, sum, logit, weight, linear, masses; as in kernels/shard.cl. */
#define CLX_PLANES 6

/* Elements before row n's first one; the element of class c at inner position j is then at + c * inner + j. */
static inline size_t clx_row_offset(const clx_problem *problem, size_t n) {
    return n * problem->desc.row_stride;
}

#endif
