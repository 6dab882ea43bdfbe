/* The merge of shards: what it takes. Its kernel is cross-entropy's, from where a row has been reduced. */
#include "op.h"

#include <stdio.h>

static const clx_use uses[][CLX_TENSORS] = {
    [CLXENT_FORWARD] = {[CLX_TARGET] = CLX_READ,
                        [CLX_SAMPLE_WEIGHT] = CLX_READ_OPTIONAL,
                        [CLX_PARTIAL] = CLX_READ,
                        [CLX_OUTPUT] = CLX_WRITE,
                        [CLX_LSE] = CLX_WRITE_OPTIONAL,
                        [CLX_MERGED] = CLX_WRITE_OPTIONAL,
                        [CLX_WEIGHT_SUM] = CLX_WRITE_OPTIONAL,
                        [CLX_INVALID_COUNT] = CLX_WRITE_OPTIONAL},
};

static const clx_alias aliases[] = {{CLX_TENSORS, CLX_TENSORS}};

static void build_options(const clx_problem *problem, char *options, size_t size) {
    snprintf(options, size, " -D MERGE=1 -D SMOOTHING=%d", problem->desc.label_smoothing != 0);
}

const clx_op clx_merge = {
    .title = "merge",
    .kernel = "cross_entropy",
    .engine_file = "merge",
    .loss = true,
    .takes = CLX_TAKES_CLASSES | CLX_TAKES_LOSS_OPTIONS | CLX_TAKES_PARTS,
    .uses = uses,
    .aliases = aliases,
    .reduces = clx_never,
    .maps = clx_never,
    .build_options = build_options,
    .reference = clx_merge_reference,
};
