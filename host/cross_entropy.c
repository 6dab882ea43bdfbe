/* Cross-entropy with class-index targets: what it takes. */
#include "op.h"

#define COMMON                                                                                                         \
    [CLX_INPUT] = CLX_READ, [CLX_TARGET] = CLX_READ, [CLX_WEIGHT] = CLX_READ_OPTIONAL,                                 \
    [CLX_INVALID_COUNT] = CLX_WRITE_OPTIONAL

static const clx_use uses[][CLX_TENSORS] = {
    [CLXENT_FORWARD] = {COMMON, [CLX_OUTPUT] = CLX_WRITE, [CLX_LSE] = CLX_WRITE_OPTIONAL,
                        [CLX_GRAD_OUTPUT] = CLX_IGNORED, [CLX_GRAD_INPUT] = CLX_IGNORED},
    [CLXENT_BACKWARD] = {COMMON, [CLX_OUTPUT] = CLX_IGNORED, [CLX_LSE] = CLX_READ_OPTIONAL,
                         [CLX_GRAD_OUTPUT] = CLX_READ_OPTIONAL, [CLX_GRAD_INPUT] = CLX_WRITE},
    [CLXENT_FORWARD_BACKWARD] = {COMMON, [CLX_OUTPUT] = CLX_WRITE, [CLX_LSE] = CLX_WRITE_OPTIONAL,
                                 [CLX_GRAD_OUTPUT] = CLX_READ_OPTIONAL, [CLX_GRAD_INPUT] = CLX_WRITE},
};

static const clx_alias aliases[] = {
    {CLX_GRAD_INPUT, CLX_INPUT},
    {CLX_TENSORS, CLX_TENSORS},
};

static bool walks(const clx_problem *problem) {
    (void)problem;
    return true;
}

static const char *build_options(const clx_problem *problem) {
    return problem->desc.label_smoothing != 0 ? "-D SMOOTHING=1" : "-D SMOOTHING=0";
}

const clx_op clx_cross_entropy = {
    .title = "cross-entropy",
    .kernel = "cross_entropy",
    .loss = true,
    .smooths = true,
    .fuses = true,
    .uses = uses,
    .aliases = aliases,
    .walks = walks,
    .build_options = build_options,
    .reference = clx_cross_entropy_reference,
};
