/* Negative log-likelihood: what it takes. */
#include "op.h"

static const clx_use uses[][CLX_TENSORS] = {
    [CLXENT_FORWARD] = {[CLX_INPUT] = CLX_READ,
                        [CLX_TARGET] = CLX_READ,
                        [CLX_WEIGHT] = CLX_READ_OPTIONAL,
                        [CLX_OUTPUT] = CLX_WRITE,
                        [CLX_GRAD_OUTPUT] = CLX_IGNORED,
                        [CLX_GRAD_INPUT] = CLX_IGNORED,
                        [CLX_INVALID_COUNT] = CLX_WRITE_OPTIONAL},
    [CLXENT_BACKWARD] = {[CLX_INPUT] = CLX_IGNORED,
                         [CLX_TARGET] = CLX_READ,
                         [CLX_WEIGHT] = CLX_READ_OPTIONAL,
                         [CLX_OUTPUT] = CLX_IGNORED,
                         [CLX_GRAD_OUTPUT] = CLX_READ_OPTIONAL,
                         [CLX_GRAD_INPUT] = CLX_WRITE,
                         [CLX_INVALID_COUNT] = CLX_WRITE_OPTIONAL},
};

static const clx_alias aliases[] = {{CLX_TENSORS, CLX_TENSORS}};

/* The loss only gathers; the gradient fills the row. */
static bool walks(const clx_problem *problem) {
    return problem->desc.pass == CLXENT_BACKWARD;
}

static const char *build_options(const clx_problem *problem) {
    (void)problem;
    return "";
}

const clx_op clx_nll_loss = {
    .title = "nll-loss",
    .kernel = "nll_loss",
    .loss = true,
    .uses = uses,
    .aliases = aliases,
    .walks = walks,
    .build_options = build_options,
    .reference = clx_nll_loss_reference,
};
