/* Cross-entropy with class-index targets or target probabilities: what it takes. */
#include "op.h"

#include <stdio.h>

#define COMMON                                                                                                         \
    [CLX_INPUT] = CLX_READ, [CLX_TARGET] = CLX_READ, [CLX_TARGET2] = CLX_READ_OPTIONAL,                                \
    [CLX_WEIGHT] = CLX_READ_OPTIONAL, [CLX_SAMPLE_WEIGHT] = CLX_READ_OPTIONAL, [CLX_MIX_LAMBDA] = CLX_READ_OPTIONAL,   \
    [CLX_INVALID_COUNT] = CLX_WRITE_OPTIONAL
#define OF_LOSS                                                                                                        \
    [CLX_OUTPUT] = CLX_WRITE, [CLX_LSE] = CLX_WRITE_OPTIONAL, [CLX_ARGMAX] = CLX_WRITE_OPTIONAL,                       \
    [CLX_CORRECT_COUNT] = CLX_WRITE_OPTIONAL, [CLX_WEIGHT_SUM] = CLX_WRITE_OPTIONAL
#define OF_GRADIENT [CLX_GRAD_OUTPUT] = CLX_READ_OPTIONAL, [CLX_GRAD_INPUT] = CLX_WRITE

static const clx_use uses[][CLX_TENSORS] = {
    [CLXENT_FORWARD] = {COMMON, OF_LOSS, [CLX_GRAD_OUTPUT] = CLX_IGNORED, [CLX_GRAD_INPUT] = CLX_IGNORED},
    [CLXENT_BACKWARD] = {COMMON, OF_GRADIENT, [CLX_OUTPUT] = CLX_IGNORED, [CLX_LSE] = CLX_READ_OPTIONAL,
                         [CLX_ARGMAX] = CLX_IGNORED, [CLX_CORRECT_COUNT] = CLX_IGNORED, [CLX_WEIGHT_SUM] = CLX_IGNORED},
    [CLXENT_FORWARD_BACKWARD] = {COMMON, OF_LOSS, OF_GRADIENT},
};

static const clx_alias aliases[] = {
    {CLX_GRAD_INPUT, CLX_INPUT},
    {CLX_TENSORS, CLX_TENSORS},
};

/* What changes an inner loop is compiled in; all else is an argument. */
void clx_cross_entropy_options(const clx_problem *problem, char *options, size_t size) {
    const clxent_desc *desc = &problem->desc;
    int transform = desc->logit_softcap != 0 ? 2 : desc->logit_scale != 1 ? 1 : 0;
    bool smoothing = desc->label_smoothing != 0 && !clx_has_probabilities(problem);
    snprintf(options, size, " -D SMOOTHING=%d -D TRANSFORM=%d -D SQUARES=%d -D ARGMAX=%d", smoothing, transform,
             desc->reg_lambda != 0, desc->pass != CLXENT_BACKWARD && problem->op == &clx_cross_entropy);
}

const clx_op clx_cross_entropy = {
    .title = "cross-entropy",
    .kernel = "cross_entropy",
    .loss = true,
    .takes = CLX_TAKES_BOTH_PASSES | CLX_TAKES_CLASSES | CLX_TAKES_PROBABILITIES | CLX_TAKES_LOGIT_OPTIONS |
             CLX_TAKES_LOSS_OPTIONS | CLX_TAKES_SQUARES | CLX_TAKES_TWO_TARGETS | CLX_TAKES_SHARDS,
    .uses = uses,
    .aliases = aliases,
    .shard = &clx_shard,
    .reduces = clx_always,
    .maps = clx_has_gradient,
    .build_options = clx_cross_entropy_options,
    .reference = clx_cross_entropy_reference,
};
