/* The tensors of a case: making them, reading and writing their elements, and what the reference makes of them. */
#include "device_cases.h"

#include "half.h"
#include "op.h"

#include <stdlib.h>
#include <string.h>

bool is_loss(clxent_op op) {
    return op >= CLXENT_NLL_LOSS;
}

bool is_binary(clxent_op op) {
    return op >= CLXENT_BINARY_CROSS_ENTROPY;
}

/* ---- access ---- */

void *contents(const guarded *tensor) {
    return tensor->bytes == NULL || tensor->size == 0 ? NULL : tensor->bytes + GUARD;
}

bool is_given(const device_data *d, clx_tensor tensor) {
    return d->tensors[tensor].bytes != NULL;
}

double get_number(const guarded *tensor, size_t i) {
    return clx_load(tensor->type, contents(tensor), i);
}

void set_number(const guarded *tensor, size_t i, double value) {
    clx_store(tensor->type, contents(tensor), i, value);
}

size_t element_of(const device_data *d, size_t row, size_t c) {
    const clxent_desc *desc = &d->problem.desc;
    return row / desc->inner * desc->row_stride + c * desc->inner + row % desc->inner;
}

void set_logit(device_data *d, size_t row, size_t c, double value) {
    set_number(&d->logits, element_of(d, row, c), value);
}

int64_t get_class(const device_data *d, clx_tensor tensor, size_t row) {
    return clx_get_class(&d->problem, contents(&d->tensors[tensor]), row);
}

void set_class(device_data *d, clx_tensor tensor, size_t row, int64_t y) {
    void *array = contents(&d->tensors[tensor]);
    switch (d->problem.desc.target_type) {
    case CLXENT_TARGET_I32:
        ((int32_t *)array)[row] = (int32_t)y;
        break;
    case CLXENT_TARGET_I64:
        ((int64_t *)array)[row] = y;
        break;
    default:
        ((uint8_t *)array)[row] = (uint8_t)y;
    }
}

int64_t get_target(const device_data *d, size_t row) {
    return get_class(d, CLX_TARGET, row);
}

void set_target(device_data *d, size_t row, int64_t y) {
    set_class(d, CLX_TARGET, row, y);
}

/* Has it one element per row? Of the others some have the logits' shape, and some belong to no row. */
static bool is_per_row(const clx_problem *problem, clx_tensor tensor) {
    switch (tensor) {
    case CLX_TARGET:
    case CLX_TARGET2:
    case CLX_SAMPLE_WEIGHT:
    case CLX_LSE:
        return !clx_has_logits_shape(problem, tensor);
    case CLX_GRAD_OUTPUT:
        return problem->desc.reduction == CLXENT_REDUCTION_NONE && !clx_has_logits_shape(problem, tensor);
    default:
        return false;
    }
}

static void copy_elements(const device_data *to, const guarded *to_tensor, size_t to_row, const device_data *from,
                          const guarded *from_tensor, size_t from_row, size_t size) {
    for (size_t c = 0; c < from->problem.desc.classes; c++)
        memcpy(to_tensor->bytes + GUARD + element_of(to, to_row, c) * size,
               from_tensor->bytes + GUARD + element_of(from, from_row, c) * size, size);
}

/* A tensor as the device was given it, whether it has run since or not. */
static const guarded *given_tensor(const device_data *d, clx_tensor tensor) {
    return d->before[tensor].bytes != NULL ? &d->before[tensor] : &d->tensors[tensor];
}

void copy_row(device_data *to, size_t to_row, const device_data *from, size_t from_row) {
    const guarded *logits = is_given(from, CLX_INPUT) ? given_tensor(from, CLX_INPUT) : &from->logits;
    copy_elements(to, &to->logits, to_row, from, logits, from_row, from->problem.storage_size);
    for (clx_tensor tensor = CLX_TARGET; tensor < CLX_INVALID_COUNT; tensor++) {
        const guarded *source = given_tensor(from, tensor), *target = &to->tensors[tensor];
        size_t size = clx_element_size(&from->problem, tensor);
        if (source->bytes == NULL || target->bytes == NULL)
            continue;
        if (clx_has_logits_shape(&from->problem, tensor))
            copy_elements(to, target, to_row, from, source, from_row, size);
        else if (is_per_row(&from->problem, tensor))
            memcpy(target->bytes + GUARD + to_row * size, source->bytes + GUARD + from_row * size, size);
        else if (!clx_is_written(clx_tensor_use(&to->problem, tensor)))
            memcpy(target->bytes + GUARD, source->bytes + GUARD, source->size);
    }
}

/* ---- making ---- */

static guarded make(size_t size, clxent_dtype type) {
    guarded made = {malloc(size + 2 * GUARD), size, type};
    assert_non_null(made.bytes);
    memset(made.bytes, 0xFF, size + 2 * GUARD); /* NaN in every type */
    return made;
}

static guarded copy_of(const guarded *from) {
    guarded copy = {NULL, from->size, from->type};
    if (from->bytes != NULL) {
        copy = make(from->size, from->type);
        memcpy(copy.bytes, from->bytes, from->size + 2 * GUARD);
    }
    return copy;
}

static clxent_dtype number_type(const device_data *d, clx_tensor tensor) {
    clxent_dtype dtype = d->problem.desc.dtype;
    switch (clx_element_of(&d->problem, tensor)) {
    case CLX_STORAGE:
        return dtype;
    case CLX_REAL:
        return dtype == CLXENT_F64 ? CLXENT_F64 : CLXENT_F32;
    default:
        return CLXENT_F32;
    }
}

void data_init(device_data *d, const device_case *c) {
    static uint64_t cases;
    memset(d, 0, sizeof *d);
    d->c = *c;
    d->c.seed = c->seed != 0 ? c->seed : device.seed + ++cases * 0x632be59bd9b4e019u;
    if (clx_problem_init(&d->problem, &c->desc) != CLXENT_SUCCESS)
        fail_msg("%s", clxent_last_error());
    for (clx_tensor tensor = 0; tensor < CLX_TENSORS; tensor++) {
        clx_use use = clx_tensor_use(&d->problem, tensor);
        if (clx_is_required(use) || (clx_is_used(use) && (c->given & GIVE(tensor)) != 0))
            d->tensors[tensor] = make(clx_tensor_bytes(&d->problem, tensor), number_type(d, tensor));
    }
    d->logits = d->tensors[CLX_INPUT];
    if (d->logits.bytes == NULL)
        d->logits = make(d->problem.span * d->problem.storage_size, c->desc.dtype);
    data_fill(d, d->c.seed);
}

/* ---- what is expected ---- */

static void run_reference(const clxent_desc *desc, const guarded tensors[CLX_TENSORS]) {
    clxent_host_args args;
    clxent_host_args_init(&args);
    for (clx_tensor tensor = 0; tensor < CLX_TENSORS; tensor++)
        clx_set_host_array(&args, tensor, contents(&tensors[tensor]));
    if (clxent_reference(desc, &args) != CLXENT_SUCCESS)
        fail_msg("the reference: %s", clxent_last_error());
}

/* What a backward pass reads of the forward pass before it, rounded as that would: output of softmax, lse of
 * cross-entropy. */
static void run_forward_before(device_data *d) {
    bool saved_output = !is_loss(d->c.desc.op);
    if (d->c.desc.pass != CLXENT_BACKWARD || (!saved_output && d->tensors[CLX_LSE].bytes == NULL))
        return;
    clxent_desc desc = d->problem.desc;
    desc.pass = CLXENT_FORWARD;
    guarded tensors[CLX_TENSORS], loss = make((d->problem.rows + 1) * d->problem.real_size, CLXENT_F32);
    memcpy(tensors, d->tensors, sizeof tensors);
    tensors[CLX_INPUT] = d->logits;
    tensors[CLX_GRAD_INPUT].bytes = tensors[CLX_GRAD_OUTPUT].bytes = tensors[CLX_INVALID_COUNT].bytes = NULL;
    if (!saved_output)
        tensors[CLX_OUTPUT] = loss;
    run_reference(&desc, tensors);
    free(loss.bytes);
}

/* A tensor as the same descriptor with F64 has it: numbers in double, but for probabilities that are float anyway. */
static guarded widened(const device_data *d, clx_tensor tensor) {
    const guarded *from = &d->tensors[tensor];
    clx_element element = clx_element_of(&d->problem, tensor);
    if (from->bytes == NULL || (element != CLX_STORAGE && element != CLX_REAL))
        return copy_of(from);
    size_t count = from->size / clx_element_size(&d->problem, tensor);
    guarded wide = make(count * sizeof(double), CLXENT_F64);
    for (size_t i = 0; i < count; i++)
        set_number(&wide, i, get_number(from, i));
    return wide;
}

static void lay_over(device_data *d, clx_tensor written, clx_tensor other) {
    free(d->tensors[written].bytes);
    d->tensors[written] = d->tensors[other];
}

void data_expect(device_data *d) {
    clx_tensor written = d->c.desc.pass == CLXENT_FORWARD ? CLX_OUTPUT : CLX_GRAD_INPUT;
    clxent_desc desc = d->problem.desc;
    guarded wide[CLX_TENSORS];
    run_forward_before(d);
    desc.dtype = CLXENT_F64;
    for (clx_tensor tensor = 0; tensor < CLX_TENSORS; tensor++) {
        wide[tensor] = widened(d, tensor);
        if (clx_is_written(clx_tensor_use(&d->problem, tensor)))
            d->expected[tensor] = wide[tensor];
    }
    run_reference(&desc, wide);
    for (clx_tensor tensor = 0; tensor < CLX_TENSORS; tensor++)
        if (wide[tensor].bytes != d->expected[tensor].bytes)
            free(wide[tensor].bytes);
    if (d->c.in_place != APART)
        lay_over(d, written,
                 d->c.in_place == OVER_INPUT    ? CLX_INPUT
                 : d->c.in_place == OVER_OUTPUT ? CLX_OUTPUT
                                                : CLX_GRAD_OUTPUT);
    for (clx_tensor tensor = 0; tensor < CLX_TENSORS; tensor++)
        d->before[tensor] = copy_of(&d->tensors[tensor]);
}

void data_free(device_data *d) {
    if (d->logits.bytes != d->tensors[CLX_INPUT].bytes)
        free(d->logits.bytes);
    for (clx_tensor tensor = 0; tensor < CLX_TENSORS; tensor++) {
        bool shared = false;
        for (clx_tensor other = 0; other < tensor; other++)
            shared = shared || d->tensors[other].bytes == d->tensors[tensor].bytes;
        if (!shared)
            free(d->tensors[tensor].bytes);
        free(d->before[tensor].bytes);
        free(d->expected[tensor].bytes);
    }
}
