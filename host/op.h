/* What is particular to an operation: one constant of this type per operation, each in the file of its name. */
#ifndef CLX_OP_H
#define CLX_OP_H

#include "problem.h"
#include "tensor.h"

/* Options of the descriptor that not every operation takes; bits of clx_op.takes. */
enum {
    CLX_TAKES_BOTH_PASSES = 1,        /* FORWARD_BACKWARD */
    CLX_TAKES_CLASSES = 2,            /* class-index targets, and with them ignore_index */
    CLX_TAKES_PROBABILITIES = 4,      /* target probabilities */
    CLX_TAKES_PROBABILITY_INPUT = 16, /* input and targets are probabilities, and refused outside [0, 1] */
    CLX_TAKES_LOGIT_OPTIONS = 8,      /* logit_scale, logit_softcap */
    CLX_TAKES_LOSS_OPTIONS = 32,      /* label_smoothing, z_loss */
    CLX_TAKES_SQUARES = 64,           /* reg_lambda */
    CLX_TAKES_TWO_TARGETS = 512,      /* mix_lambda */
    CLX_TAKES_SHARDS = 128,           /* class_start, class_total */
    CLX_TAKES_PARTS = 256,            /* parts, of which it makes losses: there is no gradient */
    CLX_TAKES_FEATURES = 1024         /* features, workspace_limit: the logits are a product */
};

struct clx_op {
    const char *title;                  /* "cross-entropy", as people write it */
    const char *kernel;                 /* "cross_entropy" for kernels/cross_entropy.cl */
    const char *engine_file;            /* "merge" for kernels/engine_merge.cl, rows side by side; NULL: any engine's */
    bool loss;                          /* has targets, reductions and per-row results */
    bool elementwise;                   /* a loss per element, not per row */
    bool partial;                       /* of a loss: of rows that are dealt out, so that nothing is summed over rows */
    unsigned takes;                     /* CLX_TAKES_... */
    const clx_use (*uses)[CLX_TENSORS]; /* [pass][tensor]: the operation's columns of the header's table */
    const clx_alias *aliases;           /* pairs that may be the same bytes, ended by {CLX_TENSORS, CLX_TENSORS} */
    const clx_op *shard;                /* what it is where a descriptor has a class_total; NULL: nothing of its own */
    bool (*reduces)(const clx_problem *problem); /* does the pass reduce a row before anything else? */
    bool (*maps)(const clx_problem *problem);    /* does it write a tensor of the logits' shape? */
    /* Its own -D, for the features of its kernel file. */
    void (*build_options)(const clx_problem *problem, char *options, size_t size);
    /* In host/reference/, after all checks. Can run out of memory. */
    clxent_status (*reference)(const clx_problem *problem, const clxent_host_args *args);
};

/* For `reduces` and `maps`. */
static inline bool clx_always(const clx_problem *problem) {
    (void)problem;
    return true;
}
static inline bool clx_never(const clx_problem *problem) {
    (void)problem;
    return false;
}

static inline bool clx_has_gradient(const clx_problem *problem) {
    return problem->desc.pass != CLXENT_FORWARD;
}

extern const clx_op clx_softmax, clx_log_softmax, clx_nll_loss, clx_cross_entropy, clx_binary_cross_entropy,
    clx_binary_cross_entropy_with_logits, clx_shard, clx_merge, clx_linear_cross_entropy, clx_linear_shard;

/* The -D of kernels/cross_entropy.cl, for its shards and their merge too. */
void clx_cross_entropy_options(const clx_problem *problem, char *options, size_t size);

/* The operation of that number, or NULL. A shard has one of its own: problem.c sees to it. */
const clx_op *clx_find_op(clxent_op op);

/* Are its classes some of a row's? */
static inline bool clx_is_shard(const clx_problem *problem) {
    return problem->op == &clx_shard || problem->op == &clx_linear_shard;
}

/* Are a row's classes dealt out: do its kernels take partials? */
static inline bool clx_has_parts(const clx_problem *problem) {
    return clx_is_shard(problem) || problem->op == &clx_merge;
}

/* host/reference/: the same formulas in plain C. Arguments have been checked. */
clxent_status clx_softmax_reference(const clx_problem *problem, const clxent_host_args *args);
clxent_status clx_log_softmax_reference(const clx_problem *problem, const clxent_host_args *args);
clxent_status clx_nll_loss_reference(const clx_problem *problem, const clxent_host_args *args);
clxent_status clx_cross_entropy_reference(const clx_problem *problem, const clxent_host_args *args);
clxent_status clx_binary_cross_entropy_reference(const clx_problem *problem, const clxent_host_args *args);
clxent_status clx_binary_cross_entropy_with_logits_reference(const clx_problem *problem, const clxent_host_args *args);
clxent_status clx_linear_cross_entropy_reference(const clx_problem *problem, const clxent_host_args *args);
clxent_status clx_shard_reference(const clx_problem *problem, const clxent_host_args *args);
clxent_status clx_merge_reference(const clx_problem *problem, const clxent_host_args *args);

#endif
