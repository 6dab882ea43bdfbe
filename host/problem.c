/* Checks of a descriptor: every member against its range and its operation, every product against overflow. */
#include "problem.h"

#include "op.h"
#include "status.h"

#include <float.h>
#include <string.h>

/* Bytes of the shortest descriptor that a released header has had; later members only ever come behind, all of size_t. */
#define FIRST_DESC_SIZE (offsetof(clxent_desc, grad_scale) + sizeof(double))

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
        {"target_type", (int)desc->target_type, CLXENT_TARGET_PROBABILITIES_F32},
        {"reduction", (int)desc->reduction, CLXENT_REDUCTION_SUM},
        {"engine", (int)desc->engine, CLXENT_ENGINE_ROW_SPLIT},
    };
    for (size_t i = 0; i < sizeof enums / sizeof enums[0]; i++) {
        clxent_status status = check_enum(enums[i].member, enums[i].value, enums[i].last);
        if (status != CLXENT_SUCCESS)
            return status;
    }
    return CLXENT_SUCCESS;
}

static clxent_status refuse_option(const clx_op *op, const char *option, double value, double standard) {
    return clx_fail(CLXENT_INVALID_OPTION, "%s does not use %s, which must stay at its default of %g, but is %.15g",
                    op->title, option, standard, value);
}

/* Options that the operation does not use must be at their defaults. */
static clxent_status check_belonging(const clx_op *op, const clxent_desc *desc) {
    clxent_desc defaults;
    clxent_desc_init(&defaults, desc->op);
    bool probabilities = desc->target_type >= CLXENT_TARGET_PROBABILITIES;
    bool classes = op->takes & CLX_TAKES_CLASSES && !probabilities, logits = op->takes & CLX_TAKES_LOGIT_OPTIONS;
    bool loss_options = op->takes & CLX_TAKES_LOSS_OPTIONS;
    bool shards = op->takes & CLX_TAKES_SHARDS, parts = op->takes & CLX_TAKES_PARTS;
    const struct {
        bool taken;
        const char *name;
        double value, standard;
    } options[] = {
        {op->loss, "target_type", desc->target_type, defaults.target_type},
        {op->loss, "reduction", desc->reduction, defaults.reduction},
        {op->loss && !parts, "grad_scale", desc->grad_scale, defaults.grad_scale},
        {op->loss, "flags", (double)desc->flags, (double)defaults.flags},
        {op->takes & CLX_TAKES_CLASSES, "ignore_index", (double)desc->ignore_index, (double)defaults.ignore_index},
        {loss_options, "label_smoothing", desc->label_smoothing, defaults.label_smoothing},
        {logits, "logit_scale", desc->logit_scale, defaults.logit_scale},
        {logits, "logit_softcap", desc->logit_softcap, defaults.logit_softcap},
        {loss_options, "z_loss", desc->z_loss, defaults.z_loss},
        {op->takes & CLX_TAKES_SQUARES, "reg_lambda", desc->reg_lambda, defaults.reg_lambda},
        {op->takes & CLX_TAKES_TWO_TARGETS, "mix_lambda", desc->mix_lambda, defaults.mix_lambda},
        {shards, "class_start", (double)desc->class_start, 0},
        {shards, "class_total", (double)desc->class_total, 0},
        {parts, "parts", (double)desc->parts, 0},
        {op->takes & CLX_TAKES_FEATURES, "features", (double)desc->features, (double)defaults.features},
        {op->takes & CLX_TAKES_FEATURES, "workspace_limit", (double)desc->workspace_limit,
         (double)defaults.workspace_limit},
    };
    for (size_t i = 0; i < sizeof options / sizeof options[0]; i++)
        if (!options[i].taken && options[i].value != options[i].standard)
            return refuse_option(op, options[i].name, options[i].value, options[i].standard);
    if (!(op->takes & CLX_TAKES_BOTH_PASSES) && desc->pass == CLXENT_FORWARD_BACKWARD)
        return clx_fail(CLXENT_INVALID_OPTION, "%s has no FORWARD_BACKWARD pass", op->title);
    if (parts && desc->pass == CLXENT_BACKWARD)
        return clx_fail(CLXENT_INVALID_OPTION, "%s has no BACKWARD pass: each shard has one", op->title);
    if (op->loss && !(op->takes & (probabilities ? CLX_TAKES_PROBABILITIES : CLX_TAKES_CLASSES)))
        return clx_fail(CLXENT_INVALID_OPTION, "target_type is %d, %s takes %s", (int)desc->target_type, op->title,
                        probabilities ? "class indices" : "probabilities");
    if (op->loss && !classes && desc->ignore_index != defaults.ignore_index)
        return clx_fail(CLXENT_INVALID_OPTION, "target probabilities do not use ignore_index, which is %lld",
                        (long long)desc->ignore_index);
    if (op->loss && !classes && desc->mix_lambda != defaults.mix_lambda)
        return clx_fail(CLXENT_INVALID_OPTION, "target probabilities do not use mix_lambda, which is %g: mix them",
                        desc->mix_lambda);
    return CLXENT_SUCCESS;
}

/* Numbers inside their ranges, which end where those of the real type do: a kernel gets them in it. The comparisons are
 * false for NaN. */
static clxent_status check_numbers(const clxent_desc *desc) {
    bool wide = desc->dtype == CLXENT_F64;
    const double largest = wide ? DBL_MAX : (double)FLT_MAX, smallest = wide ? DBL_MIN : (double)FLT_MIN;
    const struct {
        const char *name;
        double value, least, most;
        const char *range;
    } numbers[] = {
        {"label_smoothing", desc->label_smoothing, 0, 1, "from 0 to 1"},
        {"mix_lambda", desc->mix_lambda, 0, 1, "from 0 to 1"},
        {"logit_scale", desc->logit_scale, -largest, largest, "finite"},
        {"logit_softcap", desc->logit_softcap, 0, largest, "0 or more, and finite"},
        {"z_loss", desc->z_loss, 0, largest, "0 or more, and finite"},
        {"reg_lambda", desc->reg_lambda, -largest, largest, "finite"},
        {"grad_scale", desc->grad_scale, -largest, largest, "finite"},
    };
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++)
        if (!(numbers[i].value >= numbers[i].least && numbers[i].value <= numbers[i].most))
            return clx_fail(CLXENT_INVALID_OPTION, "%s is %g, it must be %s%s", numbers[i].name, numbers[i].value,
                            numbers[i].range, wide ? "" : " as a float");
    if (desc->logit_softcap > 0 && desc->logit_softcap < smallest)
        return clx_fail(CLXENT_INVALID_OPTION, "logit_softcap is %g, it must be 0 or at least %g", desc->logit_softcap,
                        smallest);
    return CLXENT_SUCCESS;
}

#define KNOWN_FLAGS ((uint64_t)CLXENT_ACCUMULATE_GRAD | CLXENT_EMPTY_MEAN_ZERO | CLXENT_FILTER_GRADIENT)

static clxent_status check_options(const clx_op *op, const clxent_desc *desc) {
    clxent_status status = check_enums(desc);
    if (status == CLXENT_SUCCESS)
        status = check_belonging(op, desc);
    if (status == CLXENT_SUCCESS)
        status = check_numbers(desc);
    if (status == CLXENT_SUCCESS && (desc->flags & ~KNOWN_FLAGS) != 0)
        status = clx_fail(CLXENT_INVALID_OPTION, "flags is 0x%llx, of which 0x%llx are defined",
                          (unsigned long long)desc->flags, (unsigned long long)KNOWN_FLAGS);
    if (status == CLXENT_SUCCESS && desc->flags & CLXENT_FILTER_GRADIENT && !(op->takes & CLX_TAKES_FEATURES))
        status = clx_fail(CLXENT_INVALID_OPTION, "%s does not use CLXENT_FILTER_GRADIENT", op->title);
    return status;
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

/* A shard lies inside the classes of which it is one; partials have fewer bytes than the limit below. */
static clxent_status check_parts(const clx_problem *problem) {
    const clxent_desc *desc = &problem->desc;
    const size_t start = desc->class_start, total = desc->class_total;
    if ((total > 0 || start > 0) && (desc->classes > total || start > total - desc->classes))
        return clx_fail(CLXENT_INVALID_SHAPE,
                        "a shard of %zu classes from class_start %zu on is not inside [0, class_total = %zu)",
                        desc->classes, start, total);
    if (!clx_has_parts(problem))
        return CLXENT_SUCCESS;
    if (problem->op == &clx_merge && desc->parts == 0)
        return clx_fail(CLXENT_INVALID_SHAPE, "parts is 0, it must be at least 1");
    size_t numbers, bytes;
    if (!multiply(desc->parts > 0 ? desc->parts : 1, CLX_PLANES * sizeof(double), &numbers) ||
        !multiply(numbers, problem->rows, &bytes) || bytes > PTRDIFF_MAX)
        return clx_fail(CLXENT_INVALID_SHAPE,
                        "partials of %zu rows in %zu parts have more bytes than this machine can address",
                        problem->rows, desc->parts > 0 ? desc->parts : 1);
    return CLXENT_SUCCESS;
}

static clxent_status refuse_stride(const clx_problem *problem) {
    const clxent_desc *desc = &problem->desc;
    if (problem->op->takes & CLX_TAKES_FEATURES)
        return clx_fail(CLXENT_INVALID_SHAPE, "row_stride is %zu, it must be at least features = %zu", desc->row_stride,
                        desc->features);
    return clx_fail(CLXENT_INVALID_SHAPE, "row_stride is %zu, it must be at least classes * inner = %zu * %zu = %zu",
                    desc->row_stride, desc->classes, desc->inner, desc->classes * desc->inner);
}

/* Of an operation whose logits are a product. */
static clxent_status check_features(const clxent_desc *desc) {
    size_t weights, bytes;
    if (desc->features == 0)
        return clx_fail(CLXENT_INVALID_SHAPE, "features is 0, it must be at least 1");
    if (desc->inner != 1)
        return clx_fail(CLXENT_INVALID_SHAPE, "inner is %zu, linear-cross-entropy takes 1", desc->inner);
    if (!multiply(desc->classes, desc->features, &weights) || !multiply(weights, sizeof(double), &bytes) ||
        bytes > PTRDIFF_MAX)
        return clx_fail(CLXENT_INVALID_SHAPE,
                        "a linear_weight of %zu x %zu has more bytes than this machine can address", desc->classes,
                        desc->features);
    return CLXENT_SUCCESS;
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
    if (problem->op->takes & CLX_TAKES_FEATURES) {
        clxent_status status = check_features(desc);
        if (status != CLXENT_SUCCESS)
            return status;
        dense = desc->features;
    }
    if (desc->row_stride == 0)
        desc->row_stride = dense;
    if (desc->row_stride < dense)
        return refuse_stride(problem);
    if (!multiply(desc->batch, desc->row_stride, &all) || !multiply(all, sizeof(double), &bytes) ||
        bytes > PTRDIFF_MAX || dense > PTRDIFF_MAX / sizeof(double))
        return refuse_size(desc);
    problem->rows = desc->batch * desc->inner;
    problem->width = dense;
    clxent_status status = check_parts(problem);
    if (status != CLXENT_SUCCESS)
        return status;
    problem->span = desc->batch == 0 ? 0 : all - desc->row_stride + dense;
    return CLXENT_SUCCESS;
}

clxent_status clx_problem_init(clx_problem *problem, const clxent_desc *desc) {
    if (desc == NULL)
        return clx_fail(CLXENT_INVALID_ARGUMENT, "desc is null");
    if (desc->struct_size < FIRST_DESC_SIZE || desc->struct_size > sizeof(clxent_desc) ||
        (desc->struct_size - FIRST_DESC_SIZE) % sizeof(uint64_t) != 0)
        return clx_fail(CLXENT_INVALID_ARGUMENT,
                        "desc.struct_size is %zu, this library knows %zu to %zu: was clxent_desc_init called?",
                        desc->struct_size, (size_t)FIRST_DESC_SIZE, sizeof(clxent_desc));
    memset(problem, 0, sizeof *problem);
    problem->op = clx_find_op(desc->op);
    if (problem->op == NULL)
        return clx_fail(CLXENT_INVALID_OPTION, "op is %d, it must be from 0 to %d", (int)desc->op,
                        CLXENT_LINEAR_CROSS_ENTROPY);
    clxent_desc_init(&problem->desc, desc->op);
    memcpy(&problem->desc, desc, desc->struct_size);
    problem->desc.struct_size = sizeof(clxent_desc);
    if (problem->op == &clx_cross_entropy && problem->desc.class_total > 0)
        problem->op = &clx_shard;

    clxent_status status = check_options(problem->op, &problem->desc);
    if (status == CLXENT_SUCCESS)
        status = check_shape(problem);
    if (status != CLXENT_SUCCESS)
        return status;
    static const size_t storage_sizes[] = {sizeof(float), sizeof(double), 2, 2};
    static const size_t target_sizes[] = {sizeof(int32_t), sizeof(int64_t), sizeof(uint8_t), 0, 0};
    problem->storage_size = storage_sizes[problem->desc.dtype];
    problem->real_size = problem->desc.dtype == CLXENT_F64 ? sizeof(double) : sizeof(float);
    problem->target_size = target_sizes[problem->desc.target_type]; /* of class indices */
    return CLXENT_SUCCESS;
}
