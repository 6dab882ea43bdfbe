/* Negative log-likelihood: what it takes. */
#include "op.h"

#include <stdio.h>

static const clx_use uses[][CLX_TENSORS] = {
    [CLXENT_FORWARD] = {[CLX_INPUT] = CLX_READ,
                        [CLX_TARGET] = CLX_READ,
                        [CLX_WEIGHT] = CLX_READ_OPTIONAL,
                        [CLX_SAMPLE_WEIGHT] = CLX_READ_OPTIONAL,
                        [CLX_OUTPUT] = CLX_WRITE,
                        [CLX_GRAD_OUTPUT] = CLX_IGNORED,
                        [CLX_GRAD_INPUT] = CLX_IGNORED,
                        [CLX_INVALID_COUNT] = CLX_WRITE_OPTIONAL,
                        [CLX_WEIGHT_SUM] = CLX_WRITE_OPTIONAL},
    [CLXENT_BACKWARD] = {[CLX_INPUT] = CLX_IGNORED,
                         [CLX_TARGET] = CLX_READ,
                         [CLX_WEIGHT] = CLX_READ_OPTIONAL,
                         [CLX_SAMPLE_WEIGHT] = CLX_READ_OPTIONAL,
                         [CLX_OUTPUT] = CLX_IGNORED,
                         [CLX_GRAD_OUTPUT] = CLX_READ_OPTIONAL,
                         [CLX_GRAD_INPUT] = CLX_WRITE,
                         [CLX_INVALID_COUNT] = CLX_WRITE_OPTIONAL,
                         [CLX_WEIGHT_SUM] = CLX_IGNORED},
};

static const clx_alias aliases[] = {{CLX_TENSORS, CLX_TENSORS}};

static void build_options(const clx_problem *problem, char *options, size_t size) {
    (void)problem;
    snprintf(options, size, "%s", "");
}

const clx_op clx_nll_loss = {
    .title = "nll-loss",
    .kernel = "nll_loss",
    .loss = true,
    .takes = CLX_TAKES_CLASSES,
    .uses = uses,
    .aliases = aliases,
    .reduces = clx_never,
    .maps = clx_has_gradient,
    .build_options = build_options,
    .reference = clx_nll_loss_reference,
};
