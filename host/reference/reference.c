/* clxent_reference: the checks that clxent_run makes, then the operation in plain C. */
#include "op.h"

clxent_status clxent_reference(const clxent_desc *desc, const clxent_host_args *args) {
    clx_problem problem;
    clxent_status status = clx_problem_init(&problem, desc);
    clxent_host_args all;
    if (status == CLXENT_SUCCESS)
        status = clx_take_host_args(args, &all);
    args = &all;
    if (status == CLXENT_SUCCESS)
        status = clx_check_host_args(&problem, args);
    if (status != CLXENT_SUCCESS)
        return status;
    status = problem.op->reference(&problem, args);
    if (status == CLXENT_SUCCESS && args->invalid_count != NULL &&
        clx_is_used(clx_tensor_use(&problem, CLX_INVALID_COUNT)))
        *(uint64_t *)args->invalid_count = 0; /* an invalid target was refused above */
    return status;
}
