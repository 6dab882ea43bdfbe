/* The tensors of an operation: names, sizes, presence and overlap. */
#include "tensor.h"

#include "op.h"
#include "status.h"

#include <string.h>

/* The name of each, and its member in the two structs. */
static const struct {
    const char *name;
    size_t host, device;
} members[CLX_TENSORS] = {
#define MEMBER(name)                                                                                                   \
    { #name, offsetof(clxent_host_args, name), offsetof(clxent_args, name) }
    [CLX_INPUT] = MEMBER(input),
    [CLX_TARGET] = MEMBER(target),
    [CLX_TARGET2] = MEMBER(target2),
    [CLX_WEIGHT] = MEMBER(weight),
    [CLX_SAMPLE_WEIGHT] = MEMBER(sample_weight),
    [CLX_POS_WEIGHT] = MEMBER(pos_weight),
    [CLX_MIX_LAMBDA] = MEMBER(mix_lambda),
    [CLX_OUTPUT] = MEMBER(output),
    [CLX_LSE] = MEMBER(lse),
    [CLX_ARGMAX] = MEMBER(argmax),
    [CLX_GRAD_OUTPUT] = MEMBER(grad_output),
    [CLX_GRAD_INPUT] = MEMBER(grad_input),
    [CLX_INVALID_COUNT] = MEMBER(invalid_count),
    [CLX_CORRECT_COUNT] = MEMBER(correct_count),
    [CLX_PARTIAL] = MEMBER(partial),
    [CLX_MERGED] = MEMBER(merged),
    [CLX_WEIGHT_SUM] = MEMBER(weight_sum),
    [CLX_LINEAR_WEIGHT] = MEMBER(linear_weight),
    [CLX_LINEAR_BIAS] = MEMBER(linear_bias),
    [CLX_GRAD_LINEAR_WEIGHT] = MEMBER(grad_linear_weight),
    [CLX_GRAD_LINEAR_BIAS] = MEMBER(grad_linear_bias),
#undef MEMBER
};

const char *clx_tensor_name(clx_tensor tensor) {
    return members[tensor].name;
}

void *clx_host_array(const clxent_host_args *args, clx_tensor tensor) {
    void *array = NULL; /* of a caller who does not know the tensor */
    if (members[tensor].host + sizeof array <= args->struct_size)
        memcpy(&array, (const char *)args + members[tensor].host, sizeof array);
    return array;
}

void clx_set_host_array(clxent_host_args *args, clx_tensor tensor, const void *array) {
    memcpy((char *)args + members[tensor].host, &array, sizeof array);
}

const clxent_buffer *clx_buffer(const clxent_args *args, clx_tensor tensor) {
    static const clxent_buffer absent; /* of a caller who does not know the tensor */
    if (members[tensor].device + sizeof absent > args->struct_size)
        return &absent;
    return (const clxent_buffer *)(const void *)((const char *)args + members[tensor].device);
}

void clx_set_buffer(clxent_args *args, clx_tensor tensor, const clxent_buffer *buffer) {
    memcpy((char *)args + members[tensor].device, buffer, sizeof *buffer);
}

clx_use clx_tensor_use(const clx_problem *problem, clx_tensor tensor) {
    bool classes_only = tensor == CLX_TARGET2 || tensor == CLX_MIX_LAMBDA || tensor == CLX_INVALID_COUNT ||
                        tensor == CLX_CORRECT_COUNT || tensor == CLX_WEIGHT_SUM;
    if (classes_only && clx_has_probabilities(problem))
        return CLX_REFUSED;
    clx_use use = problem->op->uses[problem->desc.pass][tensor];
    if (tensor == CLX_WEIGHT_SUM && use == CLX_READ && problem->desc.reduction != CLXENT_REDUCTION_MEAN)
        return CLX_IGNORED; /* nothing is divided */
    return use;
}

/* Of the others each has one element per row, per class (linear_weight: a row of features), or just one. */
bool clx_has_logits_shape(const clx_problem *problem, clx_tensor tensor) {
    const clx_op *op = problem->op;
    switch (tensor) {
    case CLX_INPUT:
    case CLX_GRAD_INPUT:
        return true;
    case CLX_TARGET:
        return clx_has_probabilities(problem);
    case CLX_SAMPLE_WEIGHT:
        return op->elementwise;
    case CLX_OUTPUT:
    case CLX_GRAD_OUTPUT:
        return !op->loss || (op->elementwise && problem->desc.reduction == CLXENT_REDUCTION_NONE);
    default:
        return false;
    }
}

clx_element clx_element_of(const clx_problem *problem, clx_tensor tensor) {
    switch (tensor) {
    case CLX_INPUT:
    case CLX_GRAD_INPUT:
    case CLX_LINEAR_WEIGHT:
    case CLX_LINEAR_BIAS:
        return CLX_STORAGE;
    case CLX_TARGET:
    case CLX_TARGET2:
        return !clx_has_probabilities(problem)                                ? CLX_CLASS
               : problem->desc.target_type == CLXENT_TARGET_PROBABILITIES_F32 ? CLX_FLOAT
                                                                              : CLX_STORAGE;
    case CLX_SAMPLE_WEIGHT:
        return problem->op->elementwise ? CLX_STORAGE : CLX_REAL;
    case CLX_OUTPUT:
    case CLX_GRAD_OUTPUT:
        return problem->op->loss ? CLX_REAL : CLX_STORAGE;
    case CLX_ARGMAX:
        return CLX_INDEX;
    case CLX_INVALID_COUNT:
    case CLX_CORRECT_COUNT:
        return CLX_COUNT;
    default:
        return CLX_REAL;
    }
}

size_t clx_element_size(const clx_problem *problem, clx_tensor tensor) {
    switch (clx_element_of(problem, tensor)) {
    case CLX_STORAGE:
        return problem->storage_size;
    case CLX_REAL:
        return problem->real_size;
    case CLX_CLASS:
        return problem->target_size;
    case CLX_FLOAT:
        return sizeof(float);
    default:
        return sizeof(uint64_t);
    }
}

static size_t element_count(const clx_problem *problem, clx_tensor tensor) {
    if (clx_has_logits_shape(problem, tensor))
        return problem->span;
    switch (tensor) {
    case CLX_WEIGHT:
    case CLX_POS_WEIGHT:
    case CLX_LINEAR_BIAS:
    case CLX_GRAD_LINEAR_BIAS:
        return problem->desc.classes;
    case CLX_LINEAR_WEIGHT:
    case CLX_GRAD_LINEAR_WEIGHT:
        return problem->desc.classes * problem->desc.features;
    case CLX_MIX_LAMBDA:
    case CLX_INVALID_COUNT:
    case CLX_CORRECT_COUNT:
        return 1;
    case CLX_WEIGHT_SUM:
        return 2;
    case CLX_PARTIAL:
        return problem->rows * CLX_PLANES * (problem->op == &clx_merge ? problem->desc.parts : 1);
    case CLX_MERGED:
        return problem->rows * CLX_PLANES;
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

/* An accumulated gradient is read too, so it lies over nothing else. */
bool clx_may_alias(const clx_problem *problem, clx_tensor written, clx_tensor other) {
    if (problem->desc.flags & CLXENT_ACCUMULATE_GRAD)
        return false;
    for (const clx_alias *alias = problem->op->aliases; alias->written != CLX_TENSORS; alias++)
        if (alias->written == written && alias->other == other)
            return true;
    return false;
}

static clxent_status refuse_tensor(const clx_problem *problem, clx_tensor tensor) {
    if (problem->op->uses[problem->desc.pass][tensor] != CLX_REFUSED)
        return clx_fail(CLXENT_INVALID_ARGUMENT, "%s is given, but it has no meaning with target probabilities",
                        clx_tensor_name(tensor));
    return clx_fail(CLXENT_INVALID_ARGUMENT, "%s is given, but no pass of %s uses it", clx_tensor_name(tensor),
                    problem->op->title);
}

/* Tensors that go together: target2 with the share that it has, the count of correct rows with their classes. */
static clxent_status check_company(const clx_problem *problem, const clx_place places[CLX_TENSORS]) {
    bool mixes = clx_is_used(clx_tensor_use(problem, CLX_TARGET2));
    bool target2 = places[CLX_TARGET2].object != NULL || problem->rows == 0;
    if (mixes && !target2 && places[CLX_MIX_LAMBDA].object != NULL)
        return clx_fail(CLXENT_MISSING_BUFFER, "mix_lambda is given, but target2 is null");
    if (mixes && !target2 && problem->desc.mix_lambda != 1)
        return clx_fail(CLXENT_MISSING_BUFFER, "mix_lambda is %g, but target2 is null", problem->desc.mix_lambda);
    bool counts = clx_is_used(clx_tensor_use(problem, CLX_CORRECT_COUNT)) && places[CLX_CORRECT_COUNT].object != NULL;
    if (counts && places[CLX_ARGMAX].object == NULL && problem->rows > 0)
        return clx_fail(CLXENT_MISSING_BUFFER, "correct_count is given, but argmax, which it needs, is null");
    return CLXENT_SUCCESS;
}

clxent_status clx_check_presence(const clx_problem *problem, const clx_place places[CLX_TENSORS]) {
    for (clx_tensor tensor = 0; tensor < CLX_TENSORS; tensor++) {
        clx_use use = clx_tensor_use(problem, tensor);
        bool present = places[tensor].object != NULL;
        if (present && use == CLX_REFUSED)
            return refuse_tensor(problem, tensor);
        if (!present && clx_is_required(use) && clx_tensor_bytes(problem, tensor) > 0)
            return clx_fail(CLXENT_MISSING_BUFFER, "%s is null, but this pass of %s needs its %zu bytes",
                            clx_tensor_name(tensor), problem->op->title, clx_tensor_bytes(problem, tensor));
    }
    return check_company(problem, places);
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
