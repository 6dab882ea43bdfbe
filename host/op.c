/* The list of operations. A new operation is a line here, a file in host/, host/reference/, kernels/ and tests/. */
#include "op.h"

const clx_op *clx_find_op(clxent_op op) {
    switch (op) {
    case CLXENT_SOFTMAX:
        return &clx_softmax;
    case CLXENT_LOG_SOFTMAX:
        return &clx_log_softmax;
    case CLXENT_NLL_LOSS:
        return &clx_nll_loss;
    case CLXENT_CROSS_ENTROPY:
        return &clx_cross_entropy;
    case CLXENT_BINARY_CROSS_ENTROPY:
        return &clx_binary_cross_entropy;
    case CLXENT_BINARY_CROSS_ENTROPY_WITH_LOGITS:
        return &clx_binary_cross_entropy_with_logits;
    case CLXENT_MERGE:
        return &clx_merge;
    case CLXENT_LINEAR_CROSS_ENTROPY:
        return &clx_linear_cross_entropy;
    }
    return NULL;
}
