/* What is particular to an operation: one constant of this type per operation, each in the file of its name. */
#ifndef CLX_OP_H
#define CLX_OP_H

#include "problem.h"
#include "tensor.h"

struct clx_op {
    const char *title;                  /* "cross-entropy", as people write it */
    const char *kernel;                 /* "cross_entropy" for kernels/cross_entropy.cl */
    bool loss;                          /* has targets, reductions and per-row results */
    bool smooths;                       /* takes label_smoothing */
    bool fuses;                         /* takes FORWARD_BACKWARD */
    const clx_use (*uses)[CLX_TENSORS]; /* [pass][tensor]: the operation's columns of the header's table */
    const clx_alias *aliases;           /* pairs that may be the same bytes, ended by {CLX_TENSORS, CLX_TENSORS} */
    bool (*walks)(const clx_problem *problem); /* does the pass visit the classes of a row, or only gather from it? */
    const char *(*build_options)(const clx_problem *problem); /* its own -D, for the features of its kernel file */
    void (*reference)(const clx_problem *problem,
                      const clxent_host_args *args); /* in host/reference/, after all checks */
};

extern const clx_op clx_softmax, clx_log_softmax, clx_nll_loss, clx_cross_entropy;

/* The operation of a descriptor, or NULL. */
const clx_op *clx_find_op(clxent_op op);

/* host/reference/: the same formulas in plain C. Arguments have been checked. */
void clx_softmax_reference(const clx_problem *problem, const clxent_host_args *args);
void clx_log_softmax_reference(const clx_problem *problem, const clxent_host_args *args);
void clx_nll_loss_reference(const clx_problem *problem, const clxent_host_args *args);
void clx_cross_entropy_reference(const clx_problem *problem, const clxent_host_args *args);

#endif
