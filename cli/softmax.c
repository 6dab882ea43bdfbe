/* The commands softmax and log-softmax. */
#include "job.h"
#include "message.h"

static const cli_option options[] = {
    {OPTION_AXIS, "A", "class axis; a negative one counts from the end (default -1)"},
    {OPTION_OUTPUT, "OUT.npy", "write the result here: the input's shape and type"},
    {OPTION_GRAD_OUTPUT, "G.npy", "gradient that comes in: the input's shape and type; needs --grad"},
    {OPTION_GRAD, "GRAD.npy", "write the gradient of the input here: its shape and type; needs\n--grad-output"},
    OPTION_ROW_DTYPE,
    OPTION_ROW_DEVICE,
    OPTION_ROW_VERIFY,
    OPTION_ROW_JSON,
    OPTION_ROWS_HELP,
};

/* The incoming gradient and the outgoing one make sense only together. */
static int check_pair(const cli_command *self, const cli_arguments *given) {
    bool in = given->values[OPTION_GRAD_OUTPUT] != NULL, out = given->values[OPTION_GRAD] != NULL;
    if (in == out)
        return STATUS_OK;
    return complain_usage(self->name, "%s is given without %s, they go together",
                          option_name(in ? OPTION_GRAD_OUTPUT : OPTION_GRAD),
                          option_name(in ? OPTION_GRAD : OPTION_GRAD_OUTPUT));
}

static int read_grad_output(cli_job *job) {
    int status = job_read_numbers(job, OPTION_GRAD_OUTPUT, job->input.type, &job->grad_output);
    const npy_array *grad = &job->grad_output, *input = &job->input;
    if (status == STATUS_OK && grad->data != NULL && !same_shape(shape_of(grad), shape_of(input)))
        return complain("grad-output has the shape %s, the input %s", write_shape(shape_of(grad)).text,
                        write_shape(shape_of(input)).text);
    return status;
}

static int prepare(cli_job *job) {
    int status = check_pair(job->command, job->given);
    if (status == STATUS_OK)
        status = job_read_input(job, -1);
    if (status == STATUS_OK)
        status = read_grad_output(job);
    if (status == STATUS_OK)
        status = create_result(&job->results.output, job->input.type, shape_of(&job->input));
    job->passes[job->pass_count++] = CLXENT_FORWARD;
    if (status == STATUS_OK && job->given->values[OPTION_GRAD] != NULL) {
        job->passes[job->pass_count++] = CLXENT_BACKWARD;
        status = create_result(&job->results.grad, job->input.type, shape_of(&job->input));
    }
    return status;
}

static int run(const cli_command *self, const cli_arguments *given) {
    cli_job job;
    job_init(&job, self, given, self == &softmax_command ? CLXENT_SOFTMAX : CLXENT_LOG_SOFTMAX);
    int status = prepare(&job);
    if (status == STATUS_OK)
        status = job_run(&job);
    job_free(&job);
    return status;
}

const cli_command softmax_command = {
    .name = "softmax",
    .summary = "exp(x) / sum of exp(x) along an axis, and its gradient",
    .files = {"INPUT.npy"},
    .about = "Computes p = exp(x) / sum of exp(x) along the class axis. INPUT.npy holds x: f2, f4, f8 or\n"
             "bfloat16 (see --dtype), little-endian, C order, of any rank. With --grad-output and --grad also\n"
             "the gradient p * (g - sum of g * p), where g is the gradient that comes in.",
    .options = options,
    .example = "  clxent softmax logits.npy --output probabilities.npy --verify",
    .run = run,
};

const cli_command log_softmax_command = {
    .name = "log-softmax",
    .summary = "the logarithm of softmax, and its gradient",
    .files = {"INPUT.npy"},
    .about = "Computes l = x - log(sum of exp(x)) along the class axis, exact also where x is large.\n"
             "INPUT.npy holds x: f2, f4, f8 or bfloat16 (see --dtype), little-endian, C order, of any rank.\n"
             "With --grad-output and --grad also the gradient g - exp(l) * sum of g, where g is the gradient\n"
             "that comes in.",
    .options = options,
    .example = "  clxent log-softmax images.npy --axis 1 --grad-output g.npy --grad grad.npy",
    .run = run,
};
