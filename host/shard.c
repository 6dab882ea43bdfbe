/* Cross-entropy of a shard, some of a row's classes: what it takes, and whether several of them, or of the shards of a linear
 * cross-entropy, are all classes. */
#include "op.h"
#include "status.h"

#include <stdio.h>
#include <string.h>

#define COMMON                                                                                                         \
    [CLX_INPUT] = CLX_READ, [CLX_TARGET] = CLX_READ, [CLX_WEIGHT] = CLX_READ_OPTIONAL, [CLX_OUTPUT] = CLX_IGNORED,     \
    [CLX_LSE] = CLX_IGNORED, [CLX_INVALID_COUNT] = CLX_IGNORED

static const clx_use uses[][CLX_TENSORS] = {
    [CLXENT_FORWARD] =
        {COMMON, [CLX_PARTIAL] = CLX_WRITE, [CLX_SAMPLE_WEIGHT] = CLX_IGNORED, [CLX_GRAD_OUTPUT] = CLX_IGNORED,
         [CLX_GRAD_INPUT] = CLX_IGNORED, [CLX_MERGED] = CLX_IGNORED, [CLX_WEIGHT_SUM] = CLX_IGNORED},
    /* A weight_sum is read for a mean only, see clx_tensor_use. */
    [CLXENT_BACKWARD] = {COMMON, [CLX_PARTIAL] = CLX_IGNORED, [CLX_SAMPLE_WEIGHT] = CLX_READ_OPTIONAL,
                         [CLX_GRAD_OUTPUT] = CLX_READ_OPTIONAL, [CLX_GRAD_INPUT] = CLX_WRITE, [CLX_MERGED] = CLX_READ,
                         [CLX_WEIGHT_SUM] = CLX_READ},
};

static const clx_alias aliases[] = {
    {CLX_GRAD_INPUT, CLX_INPUT},
    {CLX_TENSORS, CLX_TENSORS},
};

/* The gradient has what a reduction would give from the merge. */
static bool reduces(const clx_problem *problem) {
    return problem->desc.pass == CLXENT_FORWARD;
}

static void build_options(const clx_problem *problem, char *options, size_t size) {
    char common[96];
    clx_cross_entropy_options(problem, common, sizeof common);
    snprintf(options, size, " -D SHARD=1%s", common);
}

const clx_op clx_shard = {
    .title = "cross-entropy of a shard",
    .kernel = "cross_entropy",
    .loss = true,
    .partial = true,
    .takes = CLX_TAKES_CLASSES | CLX_TAKES_LOGIT_OPTIONS | CLX_TAKES_LOSS_OPTIONS | CLX_TAKES_SHARDS,
    .uses = uses,
    .aliases = aliases,
    .reduces = reduces,
    .maps = clx_has_gradient,
    .build_options = build_options,
    .reference = clx_shard_reference,
};

/* ---- several shards ---- */

/* Shard `i` after the first says the same of the loss as that does. */
static clxent_status check_same(const clxent_desc *first, const clxent_desc *desc, size_t i) {
    const struct {
        const char *name;
        clxent_status refusal;
        double value, expected;
    } members[] = {
        {"op", CLXENT_INVALID_OPTION, desc->op, first->op},
        {"batch", CLXENT_INVALID_SHAPE, (double)desc->batch, (double)first->batch},
        {"inner", CLXENT_INVALID_SHAPE, (double)desc->inner, (double)first->inner},
        {"features", CLXENT_INVALID_SHAPE, (double)desc->features, (double)first->features},
        {"class_total", CLXENT_INVALID_SHAPE, (double)desc->class_total, (double)first->class_total},
        {"pass", CLXENT_INVALID_OPTION, desc->pass, first->pass},
        {"dtype", CLXENT_INVALID_OPTION, desc->dtype, first->dtype},
        {"target_type", CLXENT_INVALID_OPTION, desc->target_type, first->target_type},
        {"reduction", CLXENT_INVALID_OPTION, desc->reduction, first->reduction},
        {"ignore_index", CLXENT_INVALID_OPTION, (double)desc->ignore_index, (double)first->ignore_index},
        {"flags", CLXENT_INVALID_OPTION, (double)desc->flags, (double)first->flags},
        {"label_smoothing", CLXENT_INVALID_OPTION, desc->label_smoothing, first->label_smoothing},
        {"logit_scale", CLXENT_INVALID_OPTION, desc->logit_scale, first->logit_scale},
        {"logit_softcap", CLXENT_INVALID_OPTION, desc->logit_softcap, first->logit_softcap},
        {"z_loss", CLXENT_INVALID_OPTION, desc->z_loss, first->z_loss},
        {"grad_scale", CLXENT_INVALID_OPTION, desc->grad_scale, first->grad_scale},
    };
    for (size_t m = 0; m < sizeof members / sizeof members[0]; m++)
        if (members[m].value != members[m].expected)
            return clx_fail(members[m].refusal, "descs[%zu].%s is %.17g, but descs[0].%s is %.17g", i, members[m].name,
                            members[m].value, members[m].name, members[m].expected);
    return CLXENT_SUCCESS;
}

/* The next shard begins where those before it end. */
static clxent_status check_place(const clxent_desc *before, const clxent_desc *desc, size_t i) {
    const size_t end = before == NULL ? 0 : before->class_start + before->classes;
    if (desc->class_start == end)
        return CLXENT_SUCCESS;
    if (before == NULL)
        return clx_fail(CLXENT_INVALID_SHAPE, "descs[0] begins at class %zu, and no shard has those before it",
                        desc->class_start);
    return clx_fail(CLXENT_INVALID_SHAPE,
                    "descs[%zu] has the classes [%zu, %zu) and descs[%zu] the classes [%zu, %zu): they %s", i - 1,
                    before->class_start, end, i, desc->class_start, desc->class_start + desc->classes,
                    desc->class_start < end ? "overlap, or are not in ascending order" : "leave a gap");
}

/* A descriptor after its checks; those of the caller are as far apart as his are large. */
static clxent_status get_shard(const clxent_desc *descs, size_t i, clx_problem *problem) {
    const char *place = (const char *)descs + i * descs->struct_size;
    clxent_status status = clx_problem_init(problem, (const clxent_desc *)(const void *)place);
    if (status == CLXENT_SUCCESS && !clx_is_shard(problem))
        return clx_fail(CLXENT_INVALID_ARGUMENT, "descs[%zu] is no shard: it is of %s, with a class_total of %zu", i,
                        problem->op->title, problem->desc.class_total);
    return status;
}

clxent_status clxent_check_shards(const clxent_desc *descs, size_t count) {
    clx_problem first, before, now;
    if (descs == NULL)
        return clx_fail(CLXENT_INVALID_ARGUMENT, "descs is null");
    if (count == 0)
        return clx_fail(CLXENT_INVALID_ARGUMENT, "count is 0, there must be at least 1 shard");
    clxent_status status = get_shard(descs, 0, &first);
    if (status == CLXENT_SUCCESS)
        status = check_place(NULL, &first.desc, 0);
    before = first;
    for (size_t i = 1; i < count && status == CLXENT_SUCCESS; i++) {
        status = get_shard(descs, i, &now);
        if (status == CLXENT_SUCCESS)
            status = check_same(&first.desc, &now.desc, i);
        if (status == CLXENT_SUCCESS)
            status = check_place(&before.desc, &now.desc, i);
        before = now;
    }
    const size_t end = status == CLXENT_SUCCESS ? before.desc.class_start + before.desc.classes : 0;
    if (status == CLXENT_SUCCESS && end != first.desc.class_total)
        return clx_fail(CLXENT_INVALID_SHAPE, "descs[%zu], the last, ends at class %zu of %zu", count - 1, end,
                        first.desc.class_total);
    return status;
}
