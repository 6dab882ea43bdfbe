/* What the commands of the losses share: options, then files, then the passes to run. An option that a command has not
 * in its table is never given, so nothing here asks which command it is for. */
#include "loss.h"

#include "loss_arrays.h"
#include "message.h"
#include "targets.h"

#include <float.h>
#include <stddef.h>
#include <string.h>

/* ---- options ---- */

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

/* Options that are a number of the descriptor. */
static const struct {
    option_id id;
    size_t member;
    double least, most;
} numbers[] = {
    {OPTION_MIX, offsetof(clxent_desc, mix_lambda), 0, 1},
    {OPTION_LABEL_SMOOTHING, offsetof(clxent_desc, label_smoothing), 0, 1},
    {OPTION_SCALE, offsetof(clxent_desc, logit_scale), -DBL_MAX, DBL_MAX},
    {OPTION_SOFTCAP, offsetof(clxent_desc, logit_softcap), 0, DBL_MAX},
    {OPTION_Z_LOSS, offsetof(clxent_desc, z_loss), 0, DBL_MAX},
    {OPTION_REG_LAMBDA, offsetof(clxent_desc, reg_lambda), -DBL_MAX, DBL_MAX},
    {OPTION_GRAD_SCALE, offsetof(clxent_desc, grad_scale), -DBL_MAX, DBL_MAX},
};

static int read_numbers(cli_job *job) {
    int status = option_integer(job->command, job->given, OPTION_IGNORE_INDEX, &job->desc.ignore_index);
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0] && status == STATUS_OK; i++) {
        double number;
        char *member = (char *)&job->desc + numbers[i].member;
        memcpy(&number, member, sizeof number);
        status = option_real(job->command, job->given, numbers[i].id, numbers[i].least, numbers[i].most, &number);
        memcpy(member, &number, sizeof number);
    }
    return status;
}

/* Options that do nothing without another one. */
static const struct {
    option_id id, needs;
    const char *why;
} companions[] = {
    {OPTION_GRAD_OUTPUT, OPTION_GRAD, "which it is for"},
    {OPTION_GRAD_SCALE, OPTION_GRAD, "which it is for"},
    {OPTION_MIX, OPTION_TARGET2, "which it is for"},
    {OPTION_TARGET2, OPTION_MIX, "the share of TARGET.npy in the loss"},
};

static int check_companions(const cli_job *job) {
    for (size_t i = 0; i < sizeof companions / sizeof companions[0]; i++)
        if (job->given->values[companions[i].id] != NULL && job->given->values[companions[i].needs] == NULL)
            return complain_usage(job->command->name, "%s is given without %s, %s", option_name(companions[i].id),
                                  option_name(companions[i].needs), companions[i].why);
    bool zero = job->given->values[OPTION_EMPTY_MEAN_ZERO] != NULL;
    if (zero && job->desc.reduction != CLXENT_REDUCTION_MEAN)
        return complain_usage(job->command->name, "--empty-mean-zero is for --reduction mean, but that is %s",
                              job->given->values[OPTION_REDUCTION]);
    return STATUS_OK;
}

/* All that can be said about the options before a file is opened. */
static int read_options(cli_job *job) {
    int status = read_reduction(job);
    if (status == STATUS_OK)
        status = read_numbers(job);
    if (status == STATUS_OK)
        status = check_companions(job);
    if (job->given->values[OPTION_EMPTY_MEAN_ZERO] != NULL)
        job->desc.flags |= CLXENT_EMPTY_MEAN_ZERO;
    return status;
}

/* ---- the job ---- */

/* Binary targets are often one number for each row, without a class axis: they are rows of one class. */
static void take_single_class(cli_job *job) {
    if (!job->elementwise || job->input.rank != 1 || job->given->values[OPTION_AXIS] != NULL)
        return;
    job->rows = job->desc.batch = job->input.elements;
    job->desc.classes = 1;
    job->axis.rank = 1;
    job->axis.shape[0] = job->rows;
}

shape_view loss_shape(const cli_job *job) {
    if (job->desc.reduction != CLXENT_REDUCTION_NONE)
        return (shape_view){0, NULL};
    return job->elementwise ? shape_of(&job->input) : shape_of_rows(&job->axis);
}

/* nll-loss takes two passes for loss and gradient, the others have both in one. */
static void plan_passes(cli_job *job) {
    bool grad = job->given->values[OPTION_GRAD] != NULL, fused = job->desc.op != CLXENT_NLL_LOSS;
    job->passes[job->pass_count++] = grad && fused ? CLXENT_FORWARD_BACKWARD : CLXENT_FORWARD;
    if (grad && !fused)
        job->passes[job->pass_count++] = CLXENT_BACKWARD;
}

static int create_results(cli_job *job) {
    const char *const *given = job->given->values;
    bool classes = job->desc.target_type < CLXENT_TARGET_PROBABILITIES;
    int status = create_result(&job->results.output, job->type->real, loss_shape(job));
    if (status == STATUS_OK && given[OPTION_GRAD] != NULL)
        status = create_result(&job->results.grad, job->input.type, shape_of(&job->input));
    if (status == STATUS_OK && given[OPTION_LSE] != NULL)
        status = create_result(&job->results.lse, job->type->real, shape_of_rows(&job->axis));
    if (status == STATUS_OK && (given[OPTION_ARGMAX] != NULL || given[OPTION_ACCURACY] != NULL)) {
        job->counts_correct = classes;
        status = create_result(&job->results.argmax, NPY_I8, shape_of_rows(&job->axis));
    }
    return status;
}

static int prepare(cli_job *job) {
    int status = read_options(job);
    if (status == STATUS_OK)
        status = job_read_input(job, 1);
    if (status != STATUS_OK)
        return status;
    take_single_class(job);
    status = read_targets(job);
    if (status == STATUS_OK)
        status = read_loss_arrays(job);
    if (status == STATUS_OK)
        status = create_results(job);
    plan_passes(job);
    return status;
}

int run_loss(const cli_command *self, const cli_arguments *given, clxent_op op) {
    cli_job job;
    job_init(&job, self, given, op);
    job.elementwise = op == CLXENT_BINARY_CROSS_ENTROPY || op == CLXENT_BINARY_CROSS_ENTROPY_WITH_LOGITS;
    int status = prepare(&job);
    if (status == STATUS_OK)
        status = job_run(&job);
    job_free(&job);
    return status;
}
