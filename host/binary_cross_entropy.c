/* Binary cross-entropy, on probabilities and with logits: what they take. One kernel file serves both. */
#include "op.h"

#include <stdio.h>

#define COMMON                                                                                                         \
    [CLX_INPUT] = CLX_READ, [CLX_TARGET] = CLX_READ, [CLX_WEIGHT] = CLX_READ_OPTIONAL,                                 \
    [CLX_SAMPLE_WEIGHT] = CLX_READ_OPTIONAL
#define OF_LOSS [CLX_OUTPUT] = CLX_WRITE
#define OF_GRADIENT [CLX_GRAD_OUTPUT] = CLX_READ_OPTIONAL, [CLX_GRAD_INPUT] = CLX_WRITE
#define NO_GRADIENT [CLX_GRAD_OUTPUT] = CLX_IGNORED, [CLX_GRAD_INPUT] = CLX_IGNORED
#define POS_WEIGHT [CLX_POS_WEIGHT] = CLX_READ_OPTIONAL

static const clx_use uses[][CLX_TENSORS] = {
    [CLXENT_FORWARD] = {COMMON, OF_LOSS, NO_GRADIENT},
    [CLXENT_BACKWARD] = {COMMON, [CLX_OUTPUT] = CLX_IGNORED, OF_GRADIENT},
    [CLXENT_FORWARD_BACKWARD] = {COMMON, OF_LOSS, OF_GRADIENT},
};

static const clx_use uses_with_logits[][CLX_TENSORS] = {
    [CLXENT_FORWARD] = {COMMON, POS_WEIGHT, OF_LOSS, NO_GRADIENT},
    [CLXENT_BACKWARD] = {COMMON, POS_WEIGHT, [CLX_OUTPUT] = CLX_IGNORED, OF_GRADIENT},
    [CLXENT_FORWARD_BACKWARD] = {COMMON, POS_WEIGHT, OF_LOSS, OF_GRADIENT},
};

static const clx_alias aliases[] = {
    {CLX_GRAD_INPUT, CLX_INPUT},
    {CLX_TENSORS, CLX_TENSORS},
};

static bool has_element_losses(const clx_problem *problem) {
    return problem->desc.reduction == CLXENT_REDUCTION_NONE && problem->desc.pass != CLXENT_BACKWARD;
}

/* Only losses that are summed are reduced along the row. */
static bool reduces(const clx_problem *problem) {
    return problem->desc.pass != CLXENT_BACKWARD && !has_element_losses(problem);
}

/* Where losses are summed, the gradient is written on the way. */
static bool maps(const clx_problem *problem) {
    return !reduces(problem);
}

static void write_options(const clx_problem *problem, bool logits, char *options, size_t size) {
    snprintf(options, size, " -D WITH_LOGITS=%d -D ELEMENT_LOSS=%d", logits,
             problem->desc.reduction == CLXENT_REDUCTION_NONE);
}

static void build_options(const clx_problem *problem, char *options, size_t size) {
    write_options(problem, false, options, size);
}

static void build_options_with_logits(const clx_problem *problem, char *options, size_t size) {
    write_options(problem, true, options, size);
}

const clx_op clx_binary_cross_entropy = {
    .title = "binary-cross-entropy",
    .kernel = "binary_cross_entropy",
    .loss = true,
    .elementwise = true,
    .takes = CLX_TAKES_BOTH_PASSES | CLX_TAKES_PROBABILITIES | CLX_TAKES_PROBABILITY_INPUT,
    .uses = uses,
    .aliases = aliases,
    .reduces = reduces,
    .maps = maps,
    .build_options = build_options,
    .reference = clx_binary_cross_entropy_reference,
};

const clx_op clx_binary_cross_entropy_with_logits = {
    .title = "binary-cross-entropy-with-logits",
    .kernel = "binary_cross_entropy",
    .loss = true,
    .elementwise = true,
    .takes = CLX_TAKES_BOTH_PASSES | CLX_TAKES_PROBABILITIES,
    .uses = uses_with_logits,
    .aliases = aliases,
    .reduces = reduces,
    .maps = maps,
    .build_options = build_options_with_logits,
    .reference = clx_binary_cross_entropy_with_logits_reference,
};
