/* The tensors of an operation: names, sizes, presence and overlap. */
#include "tensor.h"

#include "op.h"
#include "status.h"

const char *clx_tensor_name(clx_tensor tensor) {
    static const char *const names[CLX_TENSORS] = {"input", "target",      "weight",     "output",
                                                   "lse",   "grad_output", "grad_input", "invalid_count"};
    return names[tensor];
}

clx_use clx_tensor_use(const clx_problem *problem, clx_tensor tensor) {
    return problem->op->uses[problem->desc.pass][tensor];
}

/* Of the others each has one element per row, per class, or just one. */
bool clx_has_logits_shape(const clx_problem *problem, clx_tensor tensor) {
    if (tensor == CLX_INPUT || tensor == CLX_GRAD_INPUT)
        return true;
    return !problem->op->loss && (tensor == CLX_OUTPUT || tensor == CLX_GRAD_OUTPUT);
}

size_t clx_element_size(const clx_problem *problem, clx_tensor tensor) {
    if (clx_has_logits_shape(problem, tensor))
        return problem->storage_size;
    switch (tensor) {
    case CLX_TARGET:
        return problem->target_size;
    case CLX_INVALID_COUNT:
        return sizeof(uint64_t);
    default:
        return problem->real_size;
    }
}

static size_t element_count(const clx_problem *problem, clx_tensor tensor) {
    if (clx_has_logits_shape(problem, tensor))
        return problem->span;
    switch (tensor) {
    case CLX_WEIGHT:
        return problem->desc.classes;
    case CLX_INVALID_COUNT:
        return 1;
    case CLX_OUTPUT:
    case CLX_GRAD_OUTPUT:
        return problem->desc.reduction == CLXENT_REDUCTION_NONE ? problem->rows : 1;
    default:
        return problem->rows;
    }
}

size_t clx_tensor_bytes(const clx_problem *problem, clx_tensor tensor) {
    return element_count(problem, tensor) * clx_element_size(problem, tensor);
}

bool clx_may_alias(const clx_problem *problem, clx_tensor written, clx_tensor other) {
    for (const clx_alias *alias = problem->op->aliases; alias->written != CLX_TENSORS; alias++)
        if (alias->written == written && alias->other == other)
            return true;
    return false;
}

clxent_status clx_check_presence(const clx_problem *problem, const clx_place places[CLX_TENSORS]) {
    for (clx_tensor tensor = 0; tensor < CLX_TENSORS; tensor++) {
        clx_use use = clx_tensor_use(problem, tensor);
        bool present = places[tensor].object != NULL;
        if (present && use == CLX_REFUSED)
            return clx_fail(CLXENT_INVALID_ARGUMENT, "%s is given, but no pass of %s uses it", clx_tensor_name(tensor),
                            problem->op->title);
        if (!present && clx_is_required(use) && clx_tensor_bytes(problem, tensor) > 0)
            return clx_fail(CLXENT_MISSING_BUFFER, "%s is null, but this pass of %s needs its %zu bytes",
                            clx_tensor_name(tensor), problem->op->title, clx_tensor_bytes(problem, tensor));
    }
    return CLXENT_SUCCESS;
}

bool clx_overlap(const clx_place *a, const clx_place *b) {
    return a->object != NULL && a->object == b->object && a->size > 0 && b->size > 0 && a->begin < b->begin + b->size &&
           b->begin < a->begin + a->size;
}

static bool same_bytes(const clx_place *a, const clx_place *b) {
    return a->object == b->object && a->begin == b->begin && a->size == b->size;
}

clxent_status clx_check_overlap(const clx_problem *problem, const clx_place places[CLX_TENSORS]) {
    for (clx_tensor written = 0; written < CLX_TENSORS; written++) {
        if (places[written].object == NULL || !clx_is_written(clx_tensor_use(problem, written)))
            continue;
        for (clx_tensor other = 0; other < CLX_TENSORS; other++) {
            if (other == written || places[other].object == NULL || !clx_is_used(clx_tensor_use(problem, other)))
                continue;
            if (!clx_overlap(&places[written], &places[other]))
                continue;
            if (!clx_may_alias(problem, written, other))
                return clx_fail(CLXENT_INVALID_BUFFER, "%s overlaps %s, which %s does not allow",
                                clx_tensor_name(written), clx_tensor_name(other), problem->op->title);
            if (!same_bytes(&places[written], &places[other]))
                return clx_fail(CLXENT_INVALID_BUFFER, "%s overlaps %s in part, they may only be the same bytes",
                                clx_tensor_name(written), clx_tensor_name(other));
        }
    }
    return CLXENT_SUCCESS;
}
