/* One run of an operation, from files to files. */
#include "job.h"

#include "message.h"
#include "output.h"
#include "report.h"
#include "timing.h"
#include "verify.h"

#include <string.h>

int read_array(const char *path, npy_array *array) {
    npy_error error;
    return npy_read(path, array, &error) ? STATUS_OK : complain("%s: %s", path, error.text);
}

void job_init(cli_job *job, const cli_command *command, const cli_arguments *given, clxent_op op) {
    memset(job, 0, sizeof *job);
    job->command = command;
    job->given = given;
    clxent_desc_init(&job->desc, op);
}

int job_read_input(cli_job *job, int64_t axis) {
    const char *path = job->given->files[0];
    bool chosen = job->given->values[OPTION_AXIS] != NULL;
    int status = option_integer(job->command, job->given, OPTION_AXIS, &axis);
    if (status == STATUS_OK)
        status = check_selector(job->command, job->given);
    if (status == STATUS_OK)
        status = check_dtype(job->command, job->given);
    if (status == STATUS_OK)
        status = read_array(path, &job->input);
    if (status == STATUS_OK)
        status = find_dtype(job->given, job->input.type, &job->type);
    if (status != STATUS_OK)
        return status;
    if (job->input.rank == 0)
        return complain("%s is zero-dimensional, it has no class axis", path);
    if (!chosen && axis >= (int64_t)job->input.rank)
        axis = -1;
    if (!find_class_axis(&job->input, axis, &job->axis))
        return complain("%s has the shape %s, which has no axis %lld", path, write_shape(shape_of(&job->input)).text,
                        (long long)axis);
    job->desc.dtype = job->type->dtype;
    job->desc.batch = job->axis.batch;
    job->desc.classes = job->axis.classes;
    job->desc.inner = job->axis.inner;
    job->rows = job->axis.batch * job->axis.inner;
    return STATUS_OK;
}

int job_read_numbers(const cli_job *job, option_id id, npy_type type, npy_array *array) {
    const char *path = job->given->values[id];
    if (path == NULL)
        return STATUS_OK;
    int status = read_array(path, array);
    if (status == STATUS_OK && array->type != type)
        return complain("%s holds %s, for an input of type %s it must be %s", option_name(id) + 2,
                        npy_type_name(array->type), job->type->name, npy_type_name(type));
    return status;
}

int create_result(npy_array *array, npy_type type, shape_view shape) {
    if (npy_create(array, type, shape.rank, shape.sizes))
        return STATUS_OK;
    return complain("there is no memory for a result of the shape %s", write_shape(shape).text);
}

/* Runs all passes into `into`; by the reference where `context` is NULL. */
static int compute(const cli_job *job, clxent_context *context, results *into, double *ms) {
    clxent_host_args args;
    clxent_host_args_init(&args);
    args.input = job->input.data;
    args.target = job->target.data;
    args.target2 = job->target2.data;
    args.weight = job->weight.data;
    args.sample_weight = job->sample_weight.data;
    args.pos_weight = job->pos_weight.data;
    args.grad_output = job->grad_output.data;
    args.output = into->output.data;
    args.lse = into->lse.data;
    args.argmax = into->argmax.data;
    args.correct_count = job->counts_correct ? &into->correct : NULL;
    args.grad_input = into->grad.data;
    double begin = seconds_now();
    for (size_t i = 0; i < job->pass_count; i++) {
        clxent_desc desc = job->desc;
        desc.pass = job->passes[i];
        clxent_status status = context == NULL ? clxent_reference(&desc, &args) : clxent_run(context, &desc, &args);
        if (status != CLXENT_SUCCESS)
            return complain("%s", clxent_last_error());
    }
    *ms = 1e3 * (seconds_now() - begin);
    return STATUS_OK;
}

/* The name of the engine that the first pass uses. Its program is built by now, so this compiles nothing. */
static int find_engine(cli_job *job, const cli_device *device) {
    job->engine = "reference";
    if (device->reference)
        return STATUS_OK;
    clxent_desc desc = job->desc;
    desc.pass = job->passes[0];
    clxent_plan *plan = NULL;
    clxent_plan_info info = {.struct_size = sizeof info};
    clxent_status status = clxent_plan_create(device->context, &desc, &plan);
    if (status == CLXENT_SUCCESS)
        status = clxent_plan_get_info(plan, &info);
    clxent_plan_destroy(plan);
    if (status != CLXENT_SUCCESS)
        return complain("%s", clxent_last_error());
    job->engine = info.engine_name;
    return STATUS_OK;
}

/* The arrays of a set of results. */
enum { RESULTS = 4 };

static void list_results(results *set, npy_array *list[RESULTS]) {
    list[0] = &set->output;
    list[1] = &set->lse;
    list[2] = &set->argmax;
    list[3] = &set->grad;
}

static void free_results(results *set) {
    npy_array *list[RESULTS];
    list_results(set, list);
    for (size_t i = 0; i < RESULTS; i++)
        npy_free(list[i]);
}

/* argmax holds no quantities, so how far two are apart says nothing: the rows where they differ are counted. */
static void compare(cli_job *job, const npy_array *got, const npy_array *wanted) {
    if (got == &job->results.argmax) {
        job->argmax_error = index_differences(got, wanted);
        return;
    }
    double error = array_error(got, wanted);
    if (error > job->max_error)
        job->max_error = error;
}

static int verify(cli_job *job) {
    results expected = {.correct = 0};
    npy_array *got[RESULTS], *wanted[RESULTS];
    list_results(&job->results, got);
    list_results(&expected, wanted);
    int status = STATUS_OK;
    for (size_t i = 0; i < RESULTS && status == STATUS_OK; i++)
        if (got[i]->data != NULL)
            status = create_result(wanted[i], got[i]->type, shape_of(got[i]));
    double ms;
    if (status == STATUS_OK)
        status = compute(job, NULL, &expected, &ms);
    for (size_t i = 0; i < RESULTS && status == STATUS_OK; i++)
        if (got[i]->data != NULL)
            compare(job, got[i], wanted[i]);
    free_results(&expected);
    return status;
}

/* Writes the results that have a name, and prints; a run that cannot print leaves no file either. */
static int deliver(cli_job *job, const cli_device *device) {
    static const option_id ids[RESULTS] = {OPTION_OUTPUT, OPTION_LSE, OPTION_ARGMAX, OPTION_GRAD};
    npy_array *list[RESULTS];
    list_results(&job->results, list);
    outputs files = {0};
    int status = STATUS_OK;
    for (size_t i = 0; i < RESULTS && status == STATUS_OK; i++)
        if (job->given->values[ids[i]] != NULL)
            status = outputs_write(&files, job->given->values[ids[i]], list[i]);
    if (status == STATUS_OK) {
        print_report(job, device);
        status = flush_output();
    }
    if (status == STATUS_OK)
        status = outputs_commit(&files);
    outputs_close(&files);
    return status;
}

int job_run(cli_job *job) {
    cli_device device;
    int status = device_open(job->command, job->given, &device);
    if (status == STATUS_OK)
        status = compute(job, device.context, &job->results, &job->ms);
    if (status == STATUS_OK)
        status = find_engine(job, &device);
    if (status == STATUS_OK && job->given->values[OPTION_VERIFY] != NULL)
        status = verify(job);
    if (status == STATUS_OK)
        status = deliver(job, &device);
    device_close(&device);
    return status;
}

void job_free(cli_job *job) {
    npy_array *const inputs[] = {&job->input,         &job->target,     &job->target2,    &job->weight,
                                 &job->sample_weight, &job->pos_weight, &job->grad_output};
    for (size_t i = 0; i < sizeof inputs / sizeof inputs[0]; i++)
        npy_free(inputs[i]);
    free_results(&job->results);
}
