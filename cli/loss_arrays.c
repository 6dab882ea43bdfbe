/* What a loss reads beside input and targets: weights, and the gradient that comes in. */
#include "loss_arrays.h"

#include "loss.h"
#include "message.h"

/* One number for each class. */
static int read_class_weights(const cli_job *job, option_id id, npy_array *weight) {
    const char *name = option_name(id) + 2;
    int status = job_read_numbers(job, id, job->type->real, weight);
    if (status != STATUS_OK || weight->data == NULL)
        return status;
    if (weight->rank != 1)
        return complain("%s has the shape %s, it must be one-dimensional with %zu entries", name,
                        write_shape(shape_of(weight)).text, job->desc.classes);
    if (weight->elements == job->desc.classes)
        return STATUS_OK;
    if (job->elementwise && job->input.rank == 1 && job->desc.classes == 1)
        return complain("%s has %zu entries, but one-dimensional input has one class, unless --axis 0 is given", name,
                        weight->elements);
    return complain("%s has %zu entries, the class axis has %zu", name, weight->elements, job->desc.classes);
}

/* One number for each row, or for each element where losses are of elements. */
static int read_sample_weight(cli_job *job) {
    const npy_array *weight = &job->sample_weight;
    npy_type type = job->elementwise ? job->input.type : job->type->real;
    shape_view wanted = job->elementwise ? shape_of(&job->input) : shape_of_rows(&job->axis);
    int status = job_read_numbers(job, OPTION_SAMPLE_WEIGHT, type, &job->sample_weight);
    if (status != STATUS_OK || weight->data == NULL || same_shape(shape_of(weight), wanted))
        return status;
    return complain("sample-weight has the shape %s, it must be %s, %s", write_shape(shape_of(weight)).text,
                    write_shape(wanted).text, job->elementwise ? "the input's" : "one number for each row");
}

static int read_grad_output(cli_job *job) {
    const npy_array *grad = &job->grad_output;
    bool none = job->desc.reduction == CLXENT_REDUCTION_NONE;
    int status = job_read_numbers(job, OPTION_GRAD_OUTPUT, job->type->real, &job->grad_output);
    if (status != STATUS_OK || grad->data == NULL)
        return status;
    if (!none && grad->elements != 1)
        return complain("grad-output has the shape %s, but a loss that is one number needs one number",
                        write_shape(shape_of(grad)).text);
    if (none && !same_shape(shape_of(grad), loss_shape(job)))
        return complain("grad-output has the shape %s, but with --reduction none it needs the loss's, %s",
                        write_shape(shape_of(grad)).text, write_shape(loss_shape(job)).text);
    return STATUS_OK;
}

int read_loss_arrays(cli_job *job) {
    int status = read_class_weights(job, OPTION_WEIGHT, &job->weight);
    if (status == STATUS_OK)
        status = read_class_weights(job, OPTION_POS_WEIGHT, &job->pos_weight);
    if (status == STATUS_OK)
        status = read_sample_weight(job);
    if (status == STATUS_OK)
        status = read_grad_output(job);
    return status;
}
