/* Arguments of a kernel: sets those that differ from what it holds. */
#include "arguments.h"

#include "status.h"

#define NO_ARGUMENT CL_UINT_MAX

clxent_status clx_set_argument(cl_kernel kernel, cl_uint index, size_t size, const void *value) {
    cl_int error = clSetKernelArg(kernel, index, size, value);
    return error == CL_SUCCESS ? CLXENT_SUCCESS : clx_fail_cl(error, "clSetKernelArg of argument %u", (unsigned)index);
}

static cl_uint index_for_sums(int number) {
    static const int buffers[] = {CLX_TARGET,        CLX_TARGET2,    CLX_WEIGHT,   CLX_SAMPLE_WEIGHT,
                                  CLX_MIX_LAMBDA,    CLX_OUTPUT,     CLX_ARGMAX,   CLX_INVALID_COUNT,
                                  CLX_CORRECT_COUNT, CLX_WEIGHT_SUM, CLX_WORKSPACE};
    for (cl_uint i = 0; i < sizeof buffers / sizeof buffers[0]; i++)
        if (buffers[i] == number)
            return 2 * i;
    return NO_ARGUMENT;
}

static cl_uint index_of(const clx_arguments *held, int number) {
    if (held->sums && held->parts && number == CLX_PARTIAL)
        return CLX_SUM_ARG_PARTIAL;
    if (held->sums)
        return index_for_sums(number);
    if (held->parts && number >= CLX_PARTIAL && number <= CLX_WEIGHT_SUM)
        return CLX_ARG_PARTIALS + 2 * (cl_uint)(number - CLX_PARTIAL);
    if (number == CLX_WORKSPACE)
        return CLX_ARG_WORKSPACE;
    return number <= CLX_GRAD_INPUT ? CLX_ARG_BUFFERS + 2 * (cl_uint)number : NO_ARGUMENT;
}

static clxent_status set_number(cl_uint *held, cl_kernel kernel, cl_uint index, cl_uint value) {
    if (*held == value)
        return CLXENT_SUCCESS;
    clxent_status status = clx_set_argument(kernel, index, sizeof value, &value);
    if (status == CLXENT_SUCCESS)
        *held = value;
    return status;
}

clxent_status clx_clear_arguments(clx_arguments *held, cl_kernel kernel, bool sums, bool parts) {
    static const cl_uint sum_numbers[] = {CLX_SUM_ARG_GIVEN, CLX_SUM_ARG_WHAT, CLX_SUM_ARG_STAGES};
    static const cl_uint row_numbers[] = {CLX_ARG_GIVEN};
    const cl_mem absent = NULL;
    const cl_ulong zero = 0;
    clxent_status status = CLXENT_SUCCESS;
    *held = (clx_arguments){.sums = sums, .parts = parts};
    for (int number = 0; number < CLX_BUFFERS && status == CLXENT_SUCCESS; number++) {
        const cl_uint index = index_of(held, number);
        if (index == NO_ARGUMENT)
            continue;
        status = clx_set_argument(kernel, index, sizeof absent, &absent);
        if (status == CLXENT_SUCCESS)
            status = clx_set_argument(kernel, index + 1, sizeof zero, &zero);
    }
    for (size_t i = 0; i < (sums ? 3 : 1) && status == CLXENT_SUCCESS; i++)
        status = clx_set_argument(kernel, (sums ? sum_numbers : row_numbers)[i], sizeof(cl_uint), &held->given);
    return status;
}

clxent_status clx_set_buffer_argument(clx_arguments *held, cl_kernel kernel, int number, const clxent_buffer *buffer) {
    const unsigned bit = 1u << number;
    if (buffer == NULL && !(held->buffers & bit))
        return CLXENT_SUCCESS;
    const cl_uint index = index_of(held, number);
    if (index == NO_ARGUMENT)
        return CLXENT_SUCCESS;
    const cl_mem mem = buffer != NULL ? buffer->mem : NULL;
    held->buffers |= bit; /* also where setting it fails: who knows what it holds then */
    clxent_status status = clx_set_argument(kernel, index, sizeof mem, &mem);
    if (status != CLXENT_SUCCESS)
        return status;
    if (buffer == NULL) {
        held->buffers &= ~bit;
        return CLXENT_SUCCESS;
    }
    const cl_ulong offset = buffer->offset;
    if (held->offsets[number] == offset)
        return CLXENT_SUCCESS;
    status = clx_set_argument(kernel, index + 1, sizeof offset, &offset);
    if (status == CLXENT_SUCCESS)
        held->offsets[number] = offset;
    return status;
}

clxent_status clx_set_given_argument(clx_arguments *held, cl_kernel kernel, cl_uint given) {
    return set_number(&held->given, kernel, held->sums ? CLX_SUM_ARG_GIVEN : CLX_ARG_GIVEN, given);
}

clxent_status clx_set_sum_arguments(clx_arguments *held, cl_kernel kernel, cl_uint what, cl_uint stages) {
    clxent_status status = set_number(&held->what, kernel, CLX_SUM_ARG_WHAT, what);
    return status == CLXENT_SUCCESS ? set_number(&held->stages, kernel, CLX_SUM_ARG_STAGES, stages) : status;
}
