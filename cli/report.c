/* What a run prints: two or three lines for people, or one JSON object. */
#include "report.h"

#include "json.h"

#include <stdio.h>

static const char *const reductions[] = {
    [CLXENT_REDUCTION_NONE] = "none", [CLXENT_REDUCTION_MEAN] = "mean", [CLXENT_REDUCTION_SUM] = "sum"};

static bool is_loss(const cli_job *job) {
    return job->target.data != NULL;
}

/* Has the run targets that can be ignored? */
static bool has_classes(const cli_job *job) {
    return is_loss(job) && job->desc.target_type < CLXENT_TARGET_PROBABILITIES;
}

/* Has the run one loss? */
static bool has_scalar(const cli_job *job) {
    return is_loss(job) && job->desc.reduction != CLXENT_REDUCTION_NONE;
}

static double scalar(const cli_job *job) {
    const npy_array *output = &job->results.output;
    return output->type == NPY_F4 ? (double)*(const float *)output->data : *(const double *)output->data;
}

/* NaN where no row counts. */
static double accuracy(const cli_job *job) {
    return (double)job->results.correct / (double)job->counted;
}

static void print_object(const cli_job *job, const cli_device *device) {
    json object;
    json_begin(&object);
    json_string(&object, "op", job->command->name);
    if (is_loss(job))
        json_string(&object, "reduction", reductions[job->desc.reduction]);
    if (has_scalar(job))
        json_real(&object, "loss", scalar(job));
    json_count(&object, "rows", job->rows);
    json_count(&object, "classes", job->desc.classes);
    json_count(&object, "ignored", job->ignored);
    if (job->counts_correct) {
        json_count(&object, "correct", job->results.correct);
        json_real(&object, "accuracy", accuracy(job));
    }
    json_string(&object, "type", job->type->name);
    json_string(&object, "device", device->name);
    json_string(&object, "platform", device->platform);
    json_string(&object, "engine", job->engine);
    json_real(&object, "ms", job->ms);
    if (job->given->values[OPTION_VERIFY] != NULL) {
        json_real(&object, "max_error", job->max_error);
        if (job->results.argmax.data != NULL)
            json_count(&object, "argmax_differences", job->argmax_error);
    }
    json_end(&object);
}

static void print_correct(const cli_job *job) {
    printf("correct: %llu of %zu", (unsigned long long)job->results.correct, job->counted);
    if (job->counted > 0)
        printf(" (%.1f %%)", 100 * accuracy(job));
    putchar('\n');
}

static void print_differences(const cli_job *job) {
    printf("largest difference from the reference: %.3g\n", job->max_error);
    if (job->results.argmax.data != NULL && job->argmax_error == 0)
        puts("argmax is that of the reference in every row");
    else if (job->results.argmax.data != NULL)
        printf("argmax is not that of the reference in %zu of %zu rows\n", job->argmax_error, job->rows);
}

static void print_lines(const cli_job *job, const cli_device *device) {
    if (has_scalar(job))
        printf("%s, %s: %.*g\n", job->command->name, reductions[job->desc.reduction],
               job->results.output.type == NPY_F4 ? 9 : 15, scalar(job));
    else if (is_loss(job))
        printf("%s, one loss per %s\n", job->command->name, job->elementwise ? "element" : "row");
    else
        printf("%s\n", job->command->name);
    printf("%zu %s of %zu %s", job->rows, job->rows == 1 ? "row" : "rows", job->desc.classes,
           job->desc.classes == 1 ? "class" : "classes");
    if (has_classes(job))
        printf(", %zu ignored", job->ignored);
    if (device->reference)
        printf("; CPU reference, %.3f ms\n", job->ms);
    else
        printf("; %s on %s (%s), %.3f ms\n", job->engine, device->name, device->platform, job->ms);
    if (job->counts_correct)
        print_correct(job);
    if (job->given->values[OPTION_VERIFY] != NULL)
        print_differences(job);
}

void print_report(const cli_job *job, const cli_device *device) {
    if (job->given->values[OPTION_JSON] != NULL)
        print_object(job, device);
    else
        print_lines(job, device);
}
