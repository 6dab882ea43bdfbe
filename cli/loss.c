/* The commands nll-loss and cross-entropy. */
#include "job.h"
#include "message.h"

#include <string.h>

#define ROW_AXIS                                                                                                       \
    {                                                                                                                  \
        OPTION_AXIS, "A",                                                                                              \
            "class axis; a negative one counts from the end (default 1, and 0\n"                                       \
            "for one-dimensional input)"                                                                               \
    }
#define ROW_REDUCTION                                                                                                  \
    {                                                                                                                  \
        OPTION_REDUCTION, "none|mean|sum",                                                                             \
            "one loss per row; or the sum of losses over the sum of their\n"                                           \
            "weights; or the sum of losses (default mean)"                                                             \
    }
#define ROW_WEIGHT                                                                                                     \
    { OPTION_WEIGHT, "W.npy", "a weight for each class: one-dimensional; f8 for f8 input, else f4" }
#define ROW_IGNORE_INDEX                                                                                               \
    { OPTION_IGNORE_INDEX, "I", "rows with this target count nowhere and get a zero gradient\n(default -100)" }
#define ROW_GRAD_OUTPUT                                                                                                \
    {                                                                                                                  \
        OPTION_GRAD_OUTPUT, "G.npy",                                                                                   \
            "gradient that comes in, f8 for f8 input, else f4: one number, or\n"                                       \
            "for --reduction none the target's shape (default 1); needs --grad"                                        \
    }
#define ROW_OUTPUT                                                                                                     \
    {                                                                                                                  \
        OPTION_OUTPUT, "LOSS.npy",                                                                                     \
            "write the loss here, f8 for f8 input, else f4: zero-dimensional, or\n"                                    \
            "for none the target's shape"                                                                              \
    }
#define ROW_GRAD                                                                                                       \
    { OPTION_GRAD, "GRAD.npy", "write the gradient of the input here: its shape and type" }

static const cli_option nll_options[] = {
    ROW_AXIS, ROW_REDUCTION,    ROW_WEIGHT,        ROW_IGNORE_INDEX,  ROW_GRAD_OUTPUT, ROW_OUTPUT,
    ROW_GRAD, OPTION_ROW_DTYPE, OPTION_ROW_DEVICE, OPTION_ROW_VERIFY, OPTION_ROW_JSON, OPTION_ROWS_HELP,
};

static const cli_option cross_entropy_options[] = {
    ROW_AXIS,
    ROW_REDUCTION,
    ROW_WEIGHT,
    ROW_IGNORE_INDEX,
    {OPTION_LABEL_SMOOTHING, "E",
     "share of the target that is spread evenly over all classes, from 0\nto 1 (default 0)"},
    ROW_GRAD_OUTPUT,
    ROW_OUTPUT,
    ROW_GRAD,
    {OPTION_LSE, "LSE.npy", "write log(sum of exp) of each row here: the target's shape, the\nloss's type"},
    OPTION_ROW_DTYPE,
    OPTION_ROW_DEVICE,
    OPTION_ROW_VERIFY,
    OPTION_ROW_JSON,
    OPTION_ROWS_HELP,
};

static int read_reduction(cli_job *job) {
    static const char *const names[] = {
        [CLXENT_REDUCTION_NONE] = "none", [CLXENT_REDUCTION_MEAN] = "mean", [CLXENT_REDUCTION_SUM] = "sum", NULL};
    const char *word = job->given->values[OPTION_REDUCTION];
    if (word == NULL)
        return STATUS_OK;
    for (int i = 0; names[i] != NULL; i++) {
        if (strcmp(word, names[i]) == 0) {
            job->desc.reduction = (clxent_reduction)i;
            return STATUS_OK;
        }
    }
    return complain_usage(job->command->name, "--reduction is \"%s\", it must be none, mean or sum", word);
}

/* All that can be said about the options before a file is opened. */
static int read_options(cli_job *job) {
    int status = read_reduction(job);
    if (status == STATUS_OK)
        status = option_integer(job->command, job->given, OPTION_IGNORE_INDEX, &job->desc.ignore_index);
    if (status == STATUS_OK)
        status = option_fraction(job->command, job->given, OPTION_LABEL_SMOOTHING, &job->desc.label_smoothing);
    if (status == STATUS_OK && job->given->values[OPTION_GRAD_OUTPUT] != NULL &&
        job->given->values[OPTION_GRAD] == NULL)
        return complain_usage(job->command->name, "--grad-output is given without --grad, which it is for");
    return status;
}

static int64_t target_at(const npy_array *target, size_t row) {
    switch (target->type) {
    case NPY_U1:
        return ((const uint8_t *)target->data)[row];
    case NPY_I4:
        return ((const int32_t *)target->data)[row];
    default:
        return ((const int64_t *)target->data)[row];
    }
}

static int read_target(cli_job *job) {
    const char *path = job->given->files[1];
    npy_array *target = &job->target;
    int status = read_array(path, target);
    if (status != STATUS_OK)
        return status;
    if (target->type != NPY_U1 && target->type != NPY_I4 && target->type != NPY_I8)
        return complain("%s holds %s, targets must be u1, i4 or i8", path, npy_type_name(target->type));
    if (!same_shape(target->rank, target->shape, job->axis.rank, job->axis.shape))
        return complain("the target has the shape %s, but an input of the shape %s with its class axis at %zu needs %s",
                        write_shape(target->rank, target->shape).text,
                        write_shape(job->input.rank, job->input.shape).text, job->axis.axis,
                        write_shape(job->axis.rank, job->axis.shape).text);
    job->desc.target_type = target->type == NPY_U1   ? CLXENT_TARGET_U8
                            : target->type == NPY_I4 ? CLXENT_TARGET_I32
                                                     : CLXENT_TARGET_I64;
    for (size_t row = 0; row < target->elements; row++)
        job->ignored += target_at(target, row) == job->desc.ignore_index;
    return STATUS_OK;
}

static int read_weight(cli_job *job) {
    const npy_array *weight = &job->weight;
    int status = job_read_numbers(job, OPTION_WEIGHT, job->type->real, &job->weight);
    if (status != STATUS_OK || weight->data == NULL)
        return status;
    if (weight->rank != 1)
        return complain("weight has the shape %s, it must be one-dimensional with %zu entries",
                        write_shape(weight->rank, weight->shape).text, job->desc.classes);
    if (weight->elements != job->desc.classes)
        return complain("weight has %zu entries, the class axis has %zu", weight->elements, job->desc.classes);
    return STATUS_OK;
}

static int read_grad_output(cli_job *job) {
    const npy_array *grad = &job->grad_output, *target = &job->target;
    int status = job_read_numbers(job, OPTION_GRAD_OUTPUT, job->type->real, &job->grad_output);
    if (status != STATUS_OK || grad->data == NULL)
        return status;
    if (job->desc.reduction != CLXENT_REDUCTION_NONE && grad->elements != 1)
        return complain("grad-output has the shape %s, but a loss that is one number needs one number",
                        write_shape(grad->rank, grad->shape).text);
    if (job->desc.reduction == CLXENT_REDUCTION_NONE &&
        !same_shape(grad->rank, grad->shape, target->rank, target->shape))
        return complain("grad-output has the shape %s, but with --reduction none it needs the target's, %s",
                        write_shape(grad->rank, grad->shape).text, write_shape(target->rank, target->shape).text);
    return STATUS_OK;
}

/* Cross-entropy has loss and gradient in one pass, nll-loss takes two. */
static int plan_passes(cli_job *job) {
    const npy_array *target = &job->target;
    bool grad = job->given->values[OPTION_GRAD] != NULL, fused = job->desc.op == CLXENT_CROSS_ENTROPY;
    job->passes[job->pass_count++] = grad && fused ? CLXENT_FORWARD_BACKWARD : CLXENT_FORWARD;
    if (grad && !fused)
        job->passes[job->pass_count++] = CLXENT_BACKWARD;
    size_t loss_rank = job->desc.reduction == CLXENT_REDUCTION_NONE ? target->rank : 0;
    int status = create_result(&job->results.output, job->type->real, loss_rank, target->shape);
    if (status == STATUS_OK && grad)
        status = create_result(&job->results.grad, job->input.type, job->input.rank, job->input.shape);
    if (status == STATUS_OK && job->given->values[OPTION_LSE] != NULL)
        status = create_result(&job->results.lse, job->type->real, target->rank, target->shape);
    return status;
}

static int prepare(cli_job *job) {
    int status = read_options(job);
    if (status == STATUS_OK)
        status = job_read_input(job, 1);
    if (status == STATUS_OK)
        status = read_target(job);
    if (status == STATUS_OK)
        status = read_weight(job);
    if (status == STATUS_OK)
        status = read_grad_output(job);
    if (status == STATUS_OK)
        status = plan_passes(job);
    return status;
}

static int run(const cli_command *self, const cli_arguments *given) {
    cli_job job;
    job_init(&job, self, given, self == &nll_loss_command ? CLXENT_NLL_LOSS : CLXENT_CROSS_ENTROPY);
    int status = prepare(&job);
    if (status == STATUS_OK)
        status = job_run(&job);
    job_free(&job);
    return status;
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
    .run = run,
};

const cli_command cross_entropy_command = {
    .name = "cross-entropy",
    .summary = "cross-entropy of logits, and its gradient",
    .files = {"INPUT.npy", "TARGET.npy"},
    .about = "Computes the loss -w[y] * log(softmax(x)[y]) of each row and reduces it. INPUT.npy holds logits x:\n"
             "f2, f4, f8 or bfloat16 (see --dtype), little-endian, C order, of any rank. TARGET.npy holds the\n"
             "class index y of each row: u1, i4 or i8, of the input's shape without the class axis. With --grad,\n"
             "loss and gradient come from one pass over the logits. A loss of 16-bit input is computed in float.",
    .options = cross_entropy_options,
    .example = "  clxent cross-entropy logits.npy labels.npy --weight w.npy --label-smoothing 0.1 --grad grad.npy",
    .run = run,
};
