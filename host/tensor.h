/* The tensors of an operation: names, sizes, and which of them a pass takes. Shared by host arrays and device buffers.
 */
#ifndef CLX_TENSOR_H
#define CLX_TENSOR_H

#include "problem.h"

/* In the order of the members of clxent_args (where the workspace is among them) and clxent_host_args. */
typedef enum clx_tensor {
    CLX_INPUT,
    CLX_TARGET,
    CLX_TARGET2,
    CLX_WEIGHT,
    CLX_SAMPLE_WEIGHT,
    CLX_POS_WEIGHT,
    CLX_MIX_LAMBDA,
    CLX_OUTPUT,
    CLX_LSE,
    CLX_ARGMAX,
    CLX_GRAD_OUTPUT,
    CLX_GRAD_INPUT,
    CLX_INVALID_COUNT,
    CLX_CORRECT_COUNT,
    CLX_PARTIAL,
    CLX_MERGED,
    CLX_WEIGHT_SUM,
    CLX_LINEAR_WEIGHT,
    CLX_LINEAR_BIAS,
    CLX_GRAD_LINEAR_WEIGHT,
    CLX_GRAD_LINEAR_BIAS,
    CLX_TENSORS /* their number */
} clx_tensor;

/* The type of a tensor's elements. */
typedef enum clx_element {
    CLX_STORAGE, /* that of desc.dtype */
    CLX_REAL,    /* double for F64, else float */
    CLX_CLASS,   /* a class index of desc.target_type */
    CLX_FLOAT,   /* target probabilities of type float */
    CLX_INDEX,   /* int64_t */
    CLX_COUNT    /* uint64_t */
} clx_element;

/* What a pass does with a tensor: an entry of the header's table. */
typedef enum clx_use {
    CLX_REFUSED, /* no pass of the operation uses it */
    CLX_IGNORED, /* another pass uses it */
    CLX_READ,    /* required */
    CLX_READ_OPTIONAL,
    CLX_WRITE, /* required */
    CLX_WRITE_OPTIONAL
} clx_use;

typedef struct clx_alias {
    clx_tensor written, other;
} clx_alias;

static inline bool clx_is_used(clx_use use) {
    return use >= CLX_READ;
}
static inline bool clx_is_required(clx_use use) {
    return use == CLX_READ || use == CLX_WRITE;
}
static inline bool clx_is_written(clx_use use) {
    return use == CLX_WRITE || use == CLX_WRITE_OPTIONAL;
}

/* "grad_input" */
const char *clx_tensor_name(clx_tensor tensor);

clx_use clx_tensor_use(const clx_problem *problem, clx_tensor tensor);

/* Has it the logits' shape, and with it their padding? */
bool clx_has_logits_shape(const clx_problem *problem, clx_tensor tensor);

clx_element clx_element_of(const clx_problem *problem, clx_tensor tensor);

/* Bytes of one element (which is also the alignment) and of the whole tensor, padding between rows included. */
size_t clx_element_size(const clx_problem *problem, clx_tensor tensor);
size_t clx_tensor_bytes(const clx_problem *problem, clx_tensor tensor);

/* May these two be exactly the same bytes? */
bool clx_may_alias(const clx_problem *problem, clx_tensor written, clx_tensor other);

/* A place in memory as the checks below see it: bytes [begin, begin + size) of some memory object. */
typedef struct clx_place {
    const void *object; /* NULL: absent */
    size_t begin;
    size_t size;
} clx_place;

/* Do they share a byte? Absent places and empty ones share none. */
bool clx_overlap(const clx_place *a, const clx_place *b);

/* Presence: REFUSED ones absent, required ones there (unless they have no elements). */
clxent_status clx_check_presence(const clx_problem *problem, const clx_place places[CLX_TENSORS]);

/* No tensor that is written overlaps another one, except where both are the same bytes and that is allowed. */
clxent_status clx_check_overlap(const clx_problem *problem, const clx_place places[CLX_TENSORS]);

/* Checks struct_size and copies them; tensors that the caller's version lacks are absent. */
clxent_status clx_take_host_args(const clxent_host_args *args, clxent_host_args *taken);

/* All other checks of host arrays: presence, alignment, overlap, and values: targets inside [0, classes), or
 * probabilities inside [0, 1] where that matters. */
clxent_status clx_check_host_args(const clx_problem *problem, const clxent_host_args *args);

/* A tensor's array in a struct of host arrays, and its buffer in a struct of buffers. */
void *clx_host_array(const clxent_host_args *args, clx_tensor tensor);
void clx_set_host_array(clxent_host_args *args, clx_tensor tensor, const void *array);
const clxent_buffer *clx_buffer(const clxent_args *args, clx_tensor tensor);
void clx_set_buffer(clxent_args *args, clx_tensor tensor, const clxent_buffer *buffer);

/* Element i of an array of class indices (target, target2), of any type; the type of the numbers
 * in an array, and element i of it. */
int64_t clx_get_class(const clx_problem *problem, const void *array, size_t i);
clxent_dtype clx_number_type(const clx_problem *problem, clx_element type);
double clx_get_number(const clx_problem *problem, clx_element type, const void *array, size_t i);

#endif
