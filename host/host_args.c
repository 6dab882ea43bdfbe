/* Checks of host arrays, the same for clxent_run and clxent_reference. */
#include "op.h"
#include "status.h"

/* Bytes of the shortest struct that a released header has had. */
#define FIRST_HOST_ARGS_SIZE (offsetof(clxent_host_args, invalid_count) + sizeof(void *))

void *clx_host_array(const clxent_host_args *args, clx_tensor tensor) {
    const void *const arrays[CLX_TENSORS] = {args->input, args->target,      args->weight,     args->output,
                                             args->lse,   args->grad_output, args->grad_input, args->invalid_count};
    return (void *)arrays[tensor];
}

int64_t clx_get_target(const clx_problem *problem, const clxent_host_args *args, size_t row) {
    switch (problem->desc.target_type) {
    case CLXENT_TARGET_I32:
        return ((const int32_t *)args->target)[row];
    case CLXENT_TARGET_I64:
        return ((const int64_t *)args->target)[row];
    default:
        return ((const uint8_t *)args->target)[row];
    }
}

static clxent_status check_targets(const clx_problem *problem, const clxent_host_args *args) {
    for (size_t row = 0; row < problem->rows; row++) {
        int64_t y = clx_get_target(problem, args, row);
        if (y != problem->desc.ignore_index && (y < 0 || (uint64_t)y >= problem->desc.classes))
            return clx_fail(CLXENT_INVALID_TARGET, "target[%zu] = %lld is outside [0, %zu)", row, (long long)y,
                            problem->desc.classes);
    }
    return CLXENT_SUCCESS;
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

clxent_status clx_check_host_args(const clx_problem *problem, const clxent_host_args *args) {
    if (args == NULL)
        return clx_fail(CLXENT_INVALID_ARGUMENT, "args is null");
    if (args->struct_size < FIRST_HOST_ARGS_SIZE || args->struct_size > sizeof(clxent_host_args))
        return clx_fail(CLXENT_INVALID_ARGUMENT,
                        "args.struct_size is %zu, this library knows %zu to %zu: was clxent_host_args_init called?",
                        args->struct_size, (size_t)FIRST_HOST_ARGS_SIZE, sizeof(clxent_host_args));
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
    if (status == CLXENT_SUCCESS && problem->op->loss)
        status = check_targets(problem, args);
    return status;
}
