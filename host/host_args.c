/* Checks of host arrays, the same for clxent_run and clxent_reference. */
#include "half.h"
#include "op.h"
#include "status.h"

#include <string.h>

/* Bytes of the shortest struct that a released header has had; what comes behind is pointers. */
#define FIRST_HOST_ARGS_SIZE (offsetof(clxent_host_args, correct_count) + sizeof(void *))

int64_t clx_get_class(const clx_problem *problem, const void *array, size_t i) {
    switch (problem->desc.target_type) {
    case CLXENT_TARGET_I32:
        return ((const int32_t *)array)[i];
    case CLXENT_TARGET_I64:
        return ((const int64_t *)array)[i];
    default:
        return ((const uint8_t *)array)[i];
    }
}

clxent_dtype clx_number_type(const clx_problem *problem, clx_element type) {
    clxent_dtype dtype = problem->desc.dtype;
    return type == CLX_STORAGE || (type == CLX_REAL && dtype == CLXENT_F64) ? dtype : CLXENT_F32;
}

double clx_get_number(const clx_problem *problem, clx_element type, const void *array, size_t i) {
    return clx_load(clx_number_type(problem, type), array, i);
}

static clxent_status check_classes(const clx_problem *problem, const char *name, const void *array) {
    for (size_t row = 0; array != NULL && row < problem->rows; row++) {
        int64_t y = clx_get_class(problem, array, row);
        if (y != problem->desc.ignore_index && (y < 0 || (uint64_t)y >= clx_all_classes(problem)))
            return clx_fail(CLXENT_INVALID_TARGET, "%s[%zu] = %lld is outside [0, %zu)", name, row, (long long)y,
                            clx_all_classes(problem));
    }
    return CLXENT_SUCCESS;
}

/* NaN is no wrong probability but a broken network, and shows in the result. */
static clxent_status check_probabilities(const clx_problem *problem, const clxent_host_args *args, clx_tensor tensor,
                                         clxent_status refusal) {
    const clxent_desc *desc = &problem->desc;
    const void *array = clx_host_array(args, tensor);
    clx_element type = clx_element_of(problem, tensor);
    size_t dense = desc->classes * desc->inner;
    for (size_t n = 0; n < desc->batch; n++)
        for (size_t i = n * desc->row_stride; i < n * desc->row_stride + dense; i++) {
            double p = clx_get_number(problem, type, array, i);
            if (p < 0 || p > 1)
                return clx_fail(refusal, "%s[%zu] = %g is outside [0, 1]", clx_tensor_name(tensor), i, p);
        }
    return CLXENT_SUCCESS;
}

static clxent_status check_values(const clx_problem *problem, const clxent_host_args *args) {
    clxent_status status = CLXENT_SUCCESS;
    if (problem->op->takes & CLX_TAKES_PROBABILITY_INPUT) {
        status = check_probabilities(problem, args, CLX_INPUT, CLXENT_INVALID_INPUT);
        if (status == CLXENT_SUCCESS)
            status = check_probabilities(problem, args, CLX_TARGET, CLXENT_INVALID_TARGET);
    }
    if (problem->op->loss && !clx_has_probabilities(problem)) {
        status = check_classes(problem, "target", args->target);
        if (status == CLXENT_SUCCESS)
            status = check_classes(problem, "target2", args->target2);
    }
    if (status == CLXENT_SUCCESS && args->mix_lambda != NULL) {
        double share = clx_get_number(problem, CLX_REAL, args->mix_lambda, 0);
        if (!(share >= 0 && share <= 1))
            status = clx_fail(CLXENT_INVALID_OPTION, "mix_lambda[0] is %g, it must be from 0 to 1", share);
    }
    return status;
}

static clxent_status check_alignment(const clx_problem *problem, const clxent_host_args *args) {
    for (clx_tensor tensor = 0; tensor < CLX_TENSORS; tensor++) {
        size_t alignment = clx_element_size(problem, tensor);
        void *array = clx_host_array(args, tensor);
        if (array != NULL && clx_is_used(clx_tensor_use(problem, tensor)) && (uintptr_t)array % alignment != 0)
            return clx_fail(CLXENT_INVALID_BUFFER,
                            "%s is at address %p, which is not a multiple of its element's %zu bytes",
                            clx_tensor_name(tensor), array, alignment);
    }
    return CLXENT_SUCCESS;
}

clxent_status clx_take_host_args(const clxent_host_args *args, clxent_host_args *taken) {
    if (args == NULL)
        return clx_fail(CLXENT_INVALID_ARGUMENT, "args is null");
    if (args->struct_size < FIRST_HOST_ARGS_SIZE || args->struct_size > sizeof(clxent_host_args) ||
        (args->struct_size - FIRST_HOST_ARGS_SIZE) % sizeof(void *) != 0)
        return clx_fail(CLXENT_INVALID_ARGUMENT,
                        "args.struct_size is %zu, this library knows %zu to %zu: was clxent_host_args_init called?",
                        args->struct_size, (size_t)FIRST_HOST_ARGS_SIZE, sizeof(clxent_host_args));
    clxent_host_args_init(taken);
    memcpy(taken, args, args->struct_size);
    taken->struct_size = sizeof *taken;
    return CLXENT_SUCCESS;
}

clxent_status clx_check_host_args(const clx_problem *problem, const clxent_host_args *args) {
    static const char address_space;
    clx_place places[CLX_TENSORS] = {{0}};
    for (clx_tensor tensor = 0; tensor < CLX_TENSORS; tensor++) {
        void *array = clx_host_array(args, tensor);
        if (array != NULL)
            places[tensor] = (clx_place){&address_space, (uintptr_t)array, clx_tensor_bytes(problem, tensor)};
    }
    clxent_status status = clx_check_presence(problem, places);
    if (status == CLXENT_SUCCESS)
        status = check_alignment(problem, args);
    if (status == CLXENT_SUCCESS)
        status = clx_check_overlap(problem, places);
    if (status == CLXENT_SUCCESS)
        status = check_values(problem, args);
    return status;
}
