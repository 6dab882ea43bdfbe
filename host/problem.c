/* Checks of a descriptor: every member against its range and its operation, every product against overflow. */
#include "problem.h"

#include "op.h"
#include "status.h"

#include <math.h>
#include <string.h>

/* Bytes of the shortest descriptor that a released header has had; later members only ever come behind. */
#define FIRST_DESC_SIZE (offsetof(clxent_desc, flags) + sizeof(uint64_t))

static clxent_status check_enum(const char *member, int value, int last) {
    if (value < 0 || value > last)
        return clx_fail(CLXENT_INVALID_OPTION, "%s is %d, it must be from 0 to %d", member, value, last);
    return CLXENT_SUCCESS;
}

static clxent_status check_enums(const clxent_desc *desc) {
    const struct {
        const char *member;
        int value, last;
    } enums[] = {
        {"pass", (int)desc->pass, CLXENT_FORWARD_BACKWARD},
        {"dtype", (int)desc->dtype, CLXENT_BF16},
        {"target_type", (int)desc->target_type, CLXENT_TARGET_U8},
        {"reduction", (int)desc->reduction, CLXENT_REDUCTION_SUM},
        {"engine", (int)desc->engine, CLXENT_ENGINE_COLUMN},
    };
    for (size_t i = 0; i < sizeof enums / sizeof enums[0]; i++) {
        clxent_status status = check_enum(enums[i].member, enums[i].value, enums[i].last);
        if (status != CLXENT_SUCCESS)
            return status;
    }
    return CLXENT_SUCCESS;
}

static clxent_status refuse_option(const clx_op *op, const char *option) {
    return clx_fail(CLXENT_INVALID_OPTION, "%s does not use %s, which must stay at its default", op->title, option);
}

/* Options that the operation does not use must be at their defaults. */
static clxent_status check_belonging(const clx_op *op, const clxent_desc *desc) {
    clxent_desc defaults;
    clxent_desc_init(&defaults, desc->op);
    if (!op->loss && desc->target_type != defaults.target_type)
        return refuse_option(op, "target_type");
    if (!op->loss && desc->reduction != defaults.reduction)
        return refuse_option(op, "reduction");
    if (!op->loss && desc->ignore_index != defaults.ignore_index)
        return refuse_option(op, "ignore_index");
    if (!op->smooths && desc->label_smoothing != 0)
        return refuse_option(op, "label_smoothing");
    if (!op->fuses && desc->pass == CLXENT_FORWARD_BACKWARD)
        return clx_fail(CLXENT_INVALID_OPTION, "%s has no FORWARD_BACKWARD pass", op->title);
    return CLXENT_SUCCESS;
}

static clxent_status check_options(const clx_op *op, const clxent_desc *desc) {
    clxent_status status = check_enums(desc);
    if (status == CLXENT_SUCCESS)
        status = check_belonging(op, desc);
    if (status != CLXENT_SUCCESS)
        return status;
    if (!(desc->label_smoothing >= 0 && desc->label_smoothing <= 1))
        return clx_fail(CLXENT_INVALID_OPTION, "label_smoothing is %g, it must be from 0 to 1", desc->label_smoothing);
    if (desc->flags != 0)
        return clx_fail(CLXENT_INVALID_OPTION, "flags is 0x%llx, no flag is defined", (unsigned long long)desc->flags);
    return CLXENT_SUCCESS;
}

static bool multiply(size_t a, size_t b, size_t *product) {
    *product = a * b;
    return a == 0 || *product / a == b;
}

static clxent_status refuse_size(const clxent_desc *desc) {
    return clx_fail(CLXENT_INVALID_SHAPE,
                    "a tensor of %zu x %zu x %zu with row_stride %zu has more bytes than this machine can address",
                    desc->batch, desc->classes, desc->inner, desc->row_stride);
}

/* Resolves row_stride and sizes. The limit is PTRDIFF_MAX bytes, so that signed 64-bit indices in the kernels hold. */
static clxent_status check_shape(clx_problem *problem) {
    clxent_desc *desc = &problem->desc;
    if (desc->classes == 0)
        return clx_fail(CLXENT_INVALID_SHAPE, "classes is 0, it must be at least 1");
    if (desc->inner == 0)
        return clx_fail(CLXENT_INVALID_SHAPE, "inner is 0, it must be at least 1");
    size_t dense, all, bytes;
    if (!multiply(desc->classes, desc->inner, &dense))
        return refuse_size(desc);
    if (desc->row_stride == 0)
        desc->row_stride = dense;
    if (desc->row_stride < dense)
        return clx_fail(CLXENT_INVALID_SHAPE,
                        "row_stride is %zu, it must be at least classes * inner = %zu * %zu = %zu", desc->row_stride,
                        desc->classes, desc->inner, dense);
    if (!multiply(desc->batch, desc->row_stride, &all) || !multiply(all, sizeof(double), &bytes) ||
        bytes > PTRDIFF_MAX || dense > PTRDIFF_MAX / sizeof(double))
        return refuse_size(desc);
    problem->rows = desc->batch * desc->inner;
    problem->span = desc->batch == 0 ? 0 : all - desc->row_stride + dense;
    return CLXENT_SUCCESS;
}

clxent_status clx_problem_init(clx_problem *problem, const clxent_desc *desc) {
    if (desc == NULL)
        return clx_fail(CLXENT_INVALID_ARGUMENT, "desc is null");
    if (desc->struct_size < FIRST_DESC_SIZE || desc->struct_size > sizeof(clxent_desc))
        return clx_fail(CLXENT_INVALID_ARGUMENT,
                        "desc.struct_size is %zu, this library knows %zu to %zu: was clxent_desc_init called?",
                        desc->struct_size, (size_t)FIRST_DESC_SIZE, sizeof(clxent_desc));
    memset(problem, 0, sizeof *problem);
    problem->op = clx_find_op(desc->op);
    if (problem->op == NULL)
        return clx_fail(CLXENT_INVALID_OPTION, "op is %d, it must be from 0 to %d", (int)desc->op,
                        CLXENT_CROSS_ENTROPY);
    clxent_desc_init(&problem->desc, desc->op);
    memcpy(&problem->desc, desc, desc->struct_size);
    problem->desc.struct_size = sizeof(clxent_desc);

    clxent_status status = check_options(problem->op, &problem->desc);
    if (status == CLXENT_SUCCESS)
        status = check_shape(problem);
    if (status != CLXENT_SUCCESS)
        return status;
    static const size_t storage_sizes[] = {sizeof(float), sizeof(double), 2, 2};
    static const size_t target_sizes[] = {sizeof(int32_t), sizeof(int64_t), sizeof(uint8_t)};
    problem->storage_size = storage_sizes[problem->desc.dtype];
    problem->real_size = problem->desc.dtype == CLXENT_F64 ? sizeof(double) : sizeof(float);
    problem->target_size = target_sizes[problem->desc.target_type];
    return CLXENT_SUCCESS;
}
