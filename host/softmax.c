/* Softmax and log-softmax: what they take. They differ only in the kernel's map, so they share a file everywhere. */
#include "op.h"

#include <stdio.h>

static const clx_use uses[][CLX_TENSORS] = {
    [CLXENT_FORWARD] = {[CLX_INPUT] = CLX_READ,
                        [CLX_OUTPUT] = CLX_WRITE,
                        [CLX_GRAD_OUTPUT] = CLX_IGNORED,
                        [CLX_GRAD_INPUT] = CLX_IGNORED},
    [CLXENT_BACKWARD] = {[CLX_INPUT] = CLX_IGNORED,
                         [CLX_OUTPUT] = CLX_READ,
                         [CLX_GRAD_OUTPUT] = CLX_READ,
                         [CLX_GRAD_INPUT] = CLX_WRITE},
};

static const clx_alias aliases[] = {
    {CLX_OUTPUT, CLX_INPUT},
    {CLX_GRAD_INPUT, CLX_OUTPUT},
    {CLX_GRAD_INPUT, CLX_GRAD_OUTPUT},
    {CLX_TENSORS, CLX_TENSORS},
};

static void softmax_options(const clx_problem *problem, char *options, size_t size) {
    (void)problem;
    snprintf(options, size, " -D LOG=0");
}

static void log_softmax_options(const clx_problem *problem, char *options, size_t size) {
    (void)problem;
    snprintf(options, size, " -D LOG=1");
}

const clx_op clx_softmax = {
    .title = "softmax",
    .kernel = "softmax",
    .uses = uses,
    .aliases = aliases,
    .reduces = clx_always,
    .maps = clx_always,
    .build_options = softmax_options,
    .reference = clx_softmax_reference,
};

const clx_op clx_log_softmax = {
    .title = "log-softmax",
    .kernel = "softmax",
    .uses = uses,
    .aliases = aliases,
    .reduces = clx_always,
    .maps = clx_always,
    .build_options = log_softmax_options,
    .reference = clx_log_softmax_reference,
};
