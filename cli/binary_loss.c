/* The commands binary-cross-entropy and binary-cross-entropy-with-logits: a loss for each element. */
#include "loss.h"
#include "loss_rows.h"

#define ROW_BINARY_AXIS                                                                                                \
    {                                                                                                                  \
        OPTION_AXIS, "A",                                                                                              \
            "axis of the classes that weights are for; a negative one counts\n"                                        \
            "from the end (default 1; one-dimensional input has one class)"                                            \
    }
#define ROW_BINARY_REDUCTION                                                                                           \
    {                                                                                                                  \
        OPTION_REDUCTION, "none|mean|sum",                                                                             \
            "one loss per element; or the sum of losses over the number of\n"                                          \
            "elements; or the sum of losses (default mean)"                                                            \
    }
#define ROW_ELEMENT_WEIGHT                                                                                             \
    { OPTION_SAMPLE_WEIGHT, "U.npy", "a weight for each element: the input's shape and type" }
#define ROW_BINARY_OUTPUT ROW_OUTPUT("the input's shape")
#define ROWS_BINARY_END                                                                                                \
    ROW_EMPTY_MEAN_ZERO, ROW_GRAD_OUTPUT, ROW_GRAD_SCALE, ROW_BINARY_OUTPUT, ROW_GRAD, OPTION_ROW_DTYPE,               \
        OPTION_ROW_DEVICE, OPTION_ROW_VERIFY, OPTION_ROW_JSON, OPTION_ROWS_HELP

static const cli_option probability_options[] = {
    ROW_BINARY_AXIS, ROW_BINARY_REDUCTION, ROW_WEIGHT, ROW_ELEMENT_WEIGHT, ROWS_BINARY_END,
};

static const cli_option logit_options[] = {
    ROW_BINARY_AXIS,
    ROW_BINARY_REDUCTION,
    ROW_WEIGHT,
    ROW_ELEMENT_WEIGHT,
    {OPTION_POS_WEIGHT, "P.npy",
     "a weight for the positive targets of each class: one-dimensional;\nf8 for f8 input, else f4"},
    ROWS_BINARY_END,
};

static int run_probabilities(const cli_command *self, const cli_arguments *given) {
    return run_loss(self, given, CLXENT_BINARY_CROSS_ENTROPY);
}

static int run_logits(const cli_command *self, const cli_arguments *given) {
    return run_loss(self, given, CLXENT_BINARY_CROSS_ENTROPY_WITH_LOGITS);
}

const cli_command binary_cross_entropy_command = {
    .name = "binary-cross-entropy",
    .summary = "binary cross-entropy of probabilities, and its gradient",
    .files = {"INPUT.npy", "TARGET.npy"},
    .about = "Computes the loss -(t log x + (1-t) log(1-x)) of each element and reduces it; logarithms below -100\n"
             "count as -100. INPUT.npy holds probabilities x from 0 to 1: f2, f4, f8 or bfloat16 (see --dtype),\n"
             "little-endian, C order, of any rank. TARGET.npy holds targets t from 0 to 1, of the input's shape,\n"
             "in its type or f4. With --grad, loss and gradient come from one pass over the input. A loss of\n"
             "16-bit input is computed in float.",
    .options = probability_options,
    .example = "  clxent binary-cross-entropy probabilities.npy targets.npy --grad grad.npy",
    .run = run_probabilities,
};

const cli_command binary_cross_entropy_with_logits_command = {
    .name = "binary-cross-entropy-with-logits",
    .summary = "binary cross-entropy of the sigmoid of logits, and its gradient",
    .files = {"INPUT.npy", "TARGET.npy"},
    .about = "Computes the loss -(P t log s + (1-t) log(1-s)), s = sigmoid(x), of each element and reduces it,\n"
             "exact also where x is large. INPUT.npy holds logits x: f2, f4, f8 or bfloat16 (see --dtype),\n"
             "little-endian, C order, of any rank. TARGET.npy holds targets t, of the input's shape, in its type\n"
             "or f4. With --grad, loss and gradient come from one pass over the logits. A loss of 16-bit input\n"
             "is computed in float.",
    .options = logit_options,
    .example = "  clxent binary-cross-entropy-with-logits logits.npy targets.npy --pos-weight p.npy",
    .run = run_logits,
};
