/* The arrays of one case of `clxent check`. */
#ifndef CLI_CHECK_DATA_H
#define CLI_CHECK_DATA_H

#include "check_cases.h"

#include "../host/half.h" /* clx_load, clx_store */

/* What is written, twice: by the device and by the reference. Prefilled with NaN (or what no result is), so that an
 * element that is never written cannot look right by accident, and padding that is written shows. */
typedef struct check_results {
    void *output, *lse, *grad_input, *grad_linear_weight, *grad_linear_bias; /* NULL where the pass does not write it */
    int64_t *argmax;
    uint64_t correct, invalid;
} check_results;

typedef struct check_data {
    void *input, *target, *target2, *weight, *sample_weight, *pos_weight, *mix_lambda, *grad_output;
    void *linear_weight, *linear_bias;
    void *saved_output, *saved_lse; /* of the reference's forward pass, for BACKWARD */
    check_results got, expected;
    size_t span, rows;      /* elements of a tensor of the input's shape, and rows */
    size_t output_elements; /* of the output */
    size_t layer_elements;  /* of an output layer */
    double scale;           /* size of the gradient: what probabilities are multiplied by in it */
} check_data;

/* Allocates and fills everything but the results. False: no memory, or the reference refused. */
bool check_data_init(check_data *data, const check_case *c);
void check_data_free(check_data *data);

/* The arguments of a run that writes to `results`. */
clxent_host_args check_data_args(const check_data *data, const check_case *c, check_results *results);

/* The type of losses, lse, weights and a loss's incoming gradient where tensors of the logits' shape have `dtype`. */
clxent_dtype check_real_type(clxent_dtype dtype);

/* The type of the output and of the incoming gradient of a case; of its target probabilities; of its sample weights. */
clxent_dtype check_output_type(const check_case *c);
clxent_dtype check_target_type(const check_case *c);
clxent_dtype check_sample_type(const check_case *c);

/* Where the logit of a class of a row stands in a tensor of the logits' shape, and the logit scaled and capped. */
size_t check_place(const clxent_desc *desc, size_t row, size_t class);
double check_logit(const check_data *data, const check_case *c, size_t row, size_t class);

/* In check_fill.c: fills what the reference does not compute, and sets `scale`. */
void check_fill(check_data *data, const check_case *c);

#endif
