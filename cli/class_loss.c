/* The commands nll-loss and cross-entropy: a loss for each row of classes. */
#include "loss.h"
#include "loss_rows.h"

static const cli_option nll_options[] = {
    ROW_AXIS,          ROW_REDUCTION,    ROW_WEIGHT,
    ROW_SAMPLE_WEIGHT, ROW_IGNORE_INDEX, ROW_EMPTY_MEAN_ZERO,
    ROW_GRAD_OUTPUT,   ROW_GRAD_SCALE,   ROW_OUTPUT("the target's shape"),
    ROW_GRAD,          OPTION_ROW_DTYPE, OPTION_ROW_DEVICE,
    OPTION_ROW_VERIFY, OPTION_ROW_JSON,  OPTION_ROWS_HELP,
};

static const cli_option cross_entropy_options[] = {
    ROW_AXIS,
    ROW_REDUCTION,
    ROW_WEIGHT,
    ROW_SAMPLE_WEIGHT,
    {OPTION_TARGET2, "FILE.npy",
     "a second target, of the first one's shape and type (class indices):\n"
     "the loss is LAMBDA * loss(TARGET) + (1 - LAMBDA) * loss(FILE), as\n"
     "for mixup and CutMix; needs --mix"},
    {OPTION_MIX, "LAMBDA", "share of TARGET.npy in the loss, from 0 to 1; needs --target2"},
    ROW_IGNORE_INDEX,
    {OPTION_LABEL_SMOOTHING, "E",
     "share of the target that is spread evenly over all classes, from 0\nto 1 (default 0)"},
    {OPTION_SCALE, "A", "multiply the logits by this first (default 1)"},
    {OPTION_SOFTCAP, "T", "then make them T * tanh(x / T) (default 0: leave them)"},
    {OPTION_Z_LOSS, "Z", "add Z * lse^2 to the loss of each row (default 0)"},
    {OPTION_REG_LAMBDA, "R", "add R * (sum of p^2) to the loss of each row (default 0)"},
    ROW_EMPTY_MEAN_ZERO,
    ROW_GRAD_OUTPUT,
    ROW_GRAD_SCALE,
    ROW_OUTPUT("the input's shape without the class axis"),
    ROW_GRAD,
    {OPTION_LSE, "LSE.npy",
     "write log(sum of exp) of each row here: the input's shape without\nthe class axis, the loss's type"},
    {OPTION_ARGMAX, "ARGMAX.npy",
     "write the class of the largest logit of each row here: i8, the\ninput's shape without the class axis"},
    {OPTION_ACCURACY, NULL, "print how many rows have their largest logit at the target"},
    OPTION_ROW_DTYPE,
    OPTION_ROW_DEVICE,
    OPTION_ROW_VERIFY,
    OPTION_ROW_JSON,
    OPTION_ROWS_HELP,
};

static int run_nll_loss(const cli_command *self, const cli_arguments *given) {
    return run_loss(self, given, CLXENT_NLL_LOSS);
}

static int run_cross_entropy(const cli_command *self, const cli_arguments *given) {
    return run_loss(self, given, CLXENT_CROSS_ENTROPY);
}

const cli_command nll_loss_command = {
    .name = "nll-loss",
    .summary = "negative log-likelihood of log-probabilities, and its gradient",
    .files = {"INPUT.npy", "TARGET.npy"},
    .about = "Computes the loss -w[y] * x[y] of each row and reduces it. INPUT.npy holds log-probabilities x\n"
             "(such as log-softmax writes): f2, f4, f8 or bfloat16 (see --dtype), little-endian, C order, of any\n"
             "rank. TARGET.npy holds the class index y of each row: u1, i4 or i8, of the input's shape without\n"
             "the class axis. A loss of 16-bit input is computed in float.",
    .options = nll_options,
    .example = "  clxent nll-loss log_probabilities.npy labels.npy --reduction sum --grad grad.npy",
    .run = run_nll_loss,
};

const cli_command cross_entropy_command = {
    .name = "cross-entropy",
    .summary = "cross-entropy of logits, and its gradient",
    .files = {"INPUT.npy", "TARGET.npy"},
    .about = "Computes the loss -w[y] * log(softmax(x)[y]) of each row and reduces it. INPUT.npy holds logits x:\n"
             "f2, f4, f8 or bfloat16 (see --dtype), little-endian, C order, of any rank. TARGET.npy holds the\n"
             "class index y of each row: u1, i4 or i8, of the input's shape without the class axis. Or it holds\n"
             "probabilities q, of the input's shape, in its type or f4: then the loss is -sum of w q log(softmax).\n"
             "With --grad, loss and gradient come from one pass over the logits. A loss of 16-bit input is\n"
             "computed in float.",
    .options = cross_entropy_options,
    .example = "  clxent cross-entropy logits.npy labels.npy --weight w.npy --label-smoothing 0.1 --grad grad.npy",
    .run = run_cross_entropy,
};
