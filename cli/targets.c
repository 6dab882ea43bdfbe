/* The targets of a loss: class indices, or probabilities, which the type of the file tells apart. */
#include "targets.h"

#include "message.h"

/* Is it whole numbers? u2 is not: those are bfloat16 wherever they are read. */
static bool holds_classes(const npy_array *target) {
    return target->type == NPY_U1 || target->type == NPY_I4 || target->type == NPY_I8;
}

/* Probabilities have the type of the input, or are f4. */
static bool holds_probabilities(const cli_job *job) {
    return job->target.type == job->input.type || job->target.type == NPY_F4;
}

static int refuse_type(const cli_job *job) {
    const char *path = job->given->files[1], *type = npy_type_name(job->target.type);
    if (job->desc.op == CLXENT_NLL_LOSS)
        return complain("%s holds %s, targets must be u1, i4 or i8", path, type);
    return complain("%s holds %s, for an input of type %s targets must be %s%s%s", path, type, job->type->name,
                    job->elementwise ? "" : "u1, i4 or i8, or probabilities in ", npy_type_name(job->input.type),
                    job->input.type != NPY_F4 ? " or f4" : "");
}

/* ---- class indices ---- */

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

static int check_class_shape(const cli_job *job) {
    shape_view shape = shape_of(&job->target), wanted = shape_of_rows(&job->axis);
    if (same_shape(shape, wanted))
        return STATUS_OK;
    return complain("the target has the shape %s, but an input of the shape %s with its class axis at %zu needs %s",
                    write_shape(shape).text, write_shape(shape_of(&job->input)).text, job->axis.axis,
                    write_shape(wanted).text);
}

static int read_second(cli_job *job) {
    const char *path = job->given->values[OPTION_TARGET2];
    const npy_array *first = &job->target, *second = &job->target2;
    if (path == NULL)
        return STATUS_OK;
    int status = read_array(path, &job->target2);
    if (status != STATUS_OK)
        return status;
    if (second->type != first->type)
        return complain("target2 holds %s, the target %s: both must be of one type", npy_type_name(second->type),
                        npy_type_name(first->type));
    if (!same_shape(shape_of(second), shape_of(first)))
        return complain("target2 has the shape %s, the target %s", write_shape(shape_of(second)).text,
                        write_shape(shape_of(first)).text);
    return STATUS_OK;
}

/* A row is ignored that counts with neither target. */
static void count_rows(cli_job *job) {
    const npy_array *second = &job->target2;
    for (size_t row = 0; row < job->target.elements; row++) {
        bool counts = target_at(&job->target, row) != job->desc.ignore_index;
        bool counts_too = second->data != NULL && target_at(second, row) != job->desc.ignore_index;
        job->counted += counts;
        job->ignored += !counts && !counts_too;
    }
}

static int take_classes(cli_job *job) {
    job->desc.target_type = job->target.type == NPY_U1   ? CLXENT_TARGET_U8
                            : job->target.type == NPY_I4 ? CLXENT_TARGET_I32
                                                         : CLXENT_TARGET_I64;
    int status = check_class_shape(job);
    if (status == STATUS_OK)
        status = read_second(job);
    if (status == STATUS_OK)
        count_rows(job);
    return status;
}

/* ---- probabilities ---- */

/* Options that speak of the one class of a row. */
static const option_id for_classes[] = {OPTION_TARGET2, OPTION_IGNORE_INDEX, OPTION_ACCURACY};

static int take_probabilities(cli_job *job) {
    shape_view shape = shape_of(&job->target), wanted = shape_of(&job->input);
    const char *type = npy_type_name(job->target.type);
    job->desc.target_type =
        job->target.type == job->input.type ? CLXENT_TARGET_PROBABILITIES : CLXENT_TARGET_PROBABILITIES_F32;
    for (size_t i = 0; i < sizeof for_classes / sizeof for_classes[0]; i++)
        if (job->given->values[for_classes[i]] != NULL)
            return complain("%s needs class indices, but %s holds probabilities (%s)", option_name(for_classes[i]),
                            job->given->files[1], type);
    if (same_shape(shape, wanted))
        return STATUS_OK;
    if (job->elementwise)
        return complain("the target has the shape %s, the input %s: they must be the same", write_shape(shape).text,
                        write_shape(wanted).text);
    return complain("the target holds %s and has the shape %s, but probabilities need the input's, %s, and class "
                    "indices u1, i4 or i8",
                    type, write_shape(shape).text, write_shape(wanted).text);
}

int read_targets(cli_job *job) {
    int status = read_array(job->given->files[1], &job->target);
    if (status != STATUS_OK)
        return status;
    if (holds_classes(&job->target) && !job->elementwise)
        return take_classes(job);
    if (holds_probabilities(job) && job->desc.op != CLXENT_NLL_LOSS)
        return take_probabilities(job);
    return refuse_type(job);
}
