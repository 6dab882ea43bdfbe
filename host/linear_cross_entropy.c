/* Linear cross-entropy: the cross-entropy of the logits h W^T + b, and that of a shard, whose W and b are of some classes. What
 * they take; how they are done is in linear.c. */
#include "op.h"

#define COMMON                                                                                                         \
    [CLX_INPUT] = CLX_READ, [CLX_TARGET] = CLX_READ, [CLX_WEIGHT] = CLX_READ_OPTIONAL,                                 \
    [CLX_SAMPLE_WEIGHT] = CLX_READ_OPTIONAL, [CLX_INVALID_COUNT] = CLX_WRITE_OPTIONAL, [CLX_LINEAR_WEIGHT] = CLX_READ, \
    [CLX_LINEAR_BIAS] = CLX_READ_OPTIONAL
#define OF_LOSS [CLX_OUTPUT] = CLX_WRITE, [CLX_LSE] = CLX_WRITE_OPTIONAL
#define OF_GRADIENT                                                                                                    \
    [CLX_GRAD_OUTPUT] = CLX_READ_OPTIONAL, [CLX_GRAD_INPUT] = CLX_WRITE,                                               \
    [CLX_GRAD_LINEAR_WEIGHT] = CLX_WRITE_OPTIONAL, [CLX_GRAD_LINEAR_BIAS] = CLX_WRITE_OPTIONAL

static const clx_use uses[][CLX_TENSORS] = {
    [CLXENT_FORWARD] = {COMMON, OF_LOSS, [CLX_GRAD_OUTPUT] = CLX_IGNORED, [CLX_GRAD_INPUT] = CLX_IGNORED,
                        [CLX_GRAD_LINEAR_WEIGHT] = CLX_IGNORED, [CLX_GRAD_LINEAR_BIAS] = CLX_IGNORED},
    [CLXENT_BACKWARD] = {COMMON, OF_GRADIENT, [CLX_OUTPUT] = CLX_IGNORED, [CLX_LSE] = CLX_READ_OPTIONAL},
    [CLXENT_FORWARD_BACKWARD] = {COMMON, OF_LOSS, OF_GRADIENT},
};

#define OF_SHARD                                                                                                       \
    [CLX_INPUT] = CLX_READ, [CLX_TARGET] = CLX_READ, [CLX_WEIGHT] = CLX_READ_OPTIONAL, [CLX_OUTPUT] = CLX_IGNORED,     \
    [CLX_LSE] = CLX_IGNORED, [CLX_INVALID_COUNT] = CLX_IGNORED, [CLX_LINEAR_WEIGHT] = CLX_READ,                        \
    [CLX_LINEAR_BIAS] = CLX_READ_OPTIONAL

static const clx_use shard_uses[][CLX_TENSORS] = {
    [CLXENT_FORWARD] =
        {OF_SHARD, [CLX_PARTIAL] = CLX_WRITE, [CLX_SAMPLE_WEIGHT] = CLX_IGNORED, [CLX_GRAD_OUTPUT] = CLX_IGNORED,
         [CLX_GRAD_INPUT] = CLX_IGNORED, [CLX_MERGED] = CLX_IGNORED, [CLX_WEIGHT_SUM] = CLX_IGNORED,
         [CLX_GRAD_LINEAR_WEIGHT] = CLX_IGNORED, [CLX_GRAD_LINEAR_BIAS] = CLX_IGNORED},
    /* A weight_sum is read for a mean only, see clx_tensor_use. */
    [CLXENT_BACKWARD] = {OF_SHARD, OF_GRADIENT, [CLX_PARTIAL] = CLX_IGNORED, [CLX_SAMPLE_WEIGHT] = CLX_READ_OPTIONAL,
                         [CLX_MERGED] = CLX_READ, [CLX_WEIGHT_SUM] = CLX_READ},
};

static const clx_alias aliases[] = {
    {CLX_TENSORS, CLX_TENSORS},
};

/* Their kernels are those of clx_cross_entropy and clx_shard, over a chunk of rows. */
static void build_options(const clx_problem *problem, char *options, size_t size) {
    (void)problem;
    if (size > 0)
        options[0] = '\0';
}

const clx_op clx_linear_cross_entropy = {
    .title = "linear-cross-entropy",
    .kernel = "linear",
    .loss = true,
    .takes = CLX_TAKES_BOTH_PASSES | CLX_TAKES_CLASSES | CLX_TAKES_LOGIT_OPTIONS | CLX_TAKES_LOSS_OPTIONS |
             CLX_TAKES_SQUARES | CLX_TAKES_SHARDS | CLX_TAKES_FEATURES,
    .uses = uses,
    .aliases = aliases,
    .shard = &clx_linear_shard,
    .reduces = clx_always,
    .maps = clx_has_gradient,
    .build_options = build_options,
    .reference = clx_linear_cross_entropy_reference,
};

const clx_op clx_linear_shard = {
    .title = "linear-cross-entropy of a shard",
    .kernel = "linear",
    .loss = true,
    .partial = true,
    .takes =
        CLX_TAKES_CLASSES | CLX_TAKES_LOGIT_OPTIONS | CLX_TAKES_LOSS_OPTIONS | CLX_TAKES_SHARDS | CLX_TAKES_FEATURES,
    .uses = shard_uses,
    .aliases = aliases,
    .reduces = clx_always,
    .maps = clx_has_gradient,
    .build_options = build_options,
    .reference = clx_linear_cross_entropy_reference,
};
