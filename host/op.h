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
    CLX_TAKES_LOGIT_OPTIONS = 8       /* label_smoothing, logit_scale, logit_softcap, z_loss, reg_lambda, mix_lambda */
};

struct clx_op {
    const char *title;                  /* "cross-entropy", as people write it */
    const char *kernel;                 /* "cross_entropy" for kernels/cross_entropy.cl */
    bool loss;                          /* has targets, reductions and per-row results */
    bool elementwise;                   /* a loss per element, not per row */
    unsigned takes;                     /* CLX_TAKES_... */
    const clx_use (*uses)[CLX_TENSORS]; /* [pass][tensor]: the operation's columns of the header's table */
    const clx_alias *aliases;           /* pairs that may be the same bytes, ended by {CLX_TENSORS, CLX_TENSORS} */
    bool (*reduces)(const clx_problem *problem); /* does the pass reduce a row before anything else? */
    bool (*maps)(const clx_problem *problem);    /* does it write a tensor of the logits' shape? */
    /* Its own -D, for the features of its kernel file. */
    void (*build_options)(const clx_problem *problem, char *options, size_t size);
    /* In host/reference/, after all checks. */
    void (*reference)(const clx_problem *problem, const clxent_host_args *args);
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
    clx_binary_cross_entropy_with_logits;

/* The operation of a descriptor, or NULL. */
const clx_op *clx_find_op(clxent_op op);

/* host/reference/: the same formulas in plain C. Arguments have been checked. */
void clx_softmax_reference(const clx_problem *problem, const clxent_host_args *args);
void clx_log_softmax_reference(const clx_problem *problem, const clxent_host_args *args);
void clx_nll_loss_reference(const clx_problem *problem, const clxent_host_args *args);
void clx_cross_entropy_reference(const clx_problem *problem, const clxent_host_args *args);
void clx_binary_cross_entropy_reference(const clx_problem *problem, const clxent_host_args *args);
void clx_binary_cross_entropy_with_logits_reference(const clx_problem *problem, const clxent_host_args *args);

#endif
