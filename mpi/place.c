/* Whether the descriptors of all ranks are shards of one loss, and which classes this rank has. */
#include "plan.h"

#include <stdlib.h>

/* What a rank says of its shard. */
typedef struct claim {
    clxent_desc desc;
    uint64_t blocks;
} claim;

/* Rank `rank` says the same of the loss as rank 0 does. */
static clxent_status check_same(const claim *first, const claim *other, int rank) {
    const clxent_desc *a = &first->desc, *b = &other->desc;
    const struct {
        const char *name;
        clxent_status refusal;
        double expected, value;
    } members[] = {
        {"op", CLXENT_INVALID_OPTION, a->op, b->op},
        {"batch", CLXENT_INVALID_SHAPE, (double)a->batch, (double)b->batch},
        {"inner", CLXENT_INVALID_SHAPE, (double)a->inner, (double)b->inner},
        {"features", CLXENT_INVALID_SHAPE, (double)a->features, (double)b->features},
        {"class_total", CLXENT_INVALID_SHAPE, (double)a->class_total, (double)b->class_total},
        {"blocks", CLXENT_INVALID_SHAPE, (double)first->blocks, (double)other->blocks},
        {"pass", CLXENT_INVALID_OPTION, a->pass, b->pass},
        {"dtype", CLXENT_INVALID_OPTION, a->dtype, b->dtype},
        {"target_type", CLXENT_INVALID_OPTION, a->target_type, b->target_type},
        {"reduction", CLXENT_INVALID_OPTION, a->reduction, b->reduction},
        {"ignore_index", CLXENT_INVALID_OPTION, (double)a->ignore_index, (double)b->ignore_index},
        {"flags", CLXENT_INVALID_OPTION, (double)a->flags, (double)b->flags},
        {"label_smoothing", CLXENT_INVALID_OPTION, a->label_smoothing, b->label_smoothing},
        {"logit_scale", CLXENT_INVALID_OPTION, a->logit_scale, b->logit_scale},
        {"logit_softcap", CLXENT_INVALID_OPTION, a->logit_softcap, b->logit_softcap},
        {"z_loss", CLXENT_INVALID_OPTION, a->z_loss, b->z_loss},
        {"reg_lambda", CLXENT_INVALID_OPTION, a->reg_lambda, b->reg_lambda},
        {"mix_lambda", CLXENT_INVALID_OPTION, a->mix_lambda, b->mix_lambda},
        {"grad_scale", CLXENT_INVALID_OPTION, a->grad_scale, b->grad_scale},
    };
    for (size_t i = 0; i < sizeof members / sizeof members[0]; i++)
        if (!(members[i].value == members[i].expected))
            return clx_mpi_fail(members[i].refusal, "%s is %.17g on rank %d, but %.17g on rank 0", members[i].name,
                                members[i].value, rank, members[i].expected);
    return CLXENT_SUCCESS;
}

/* Without a class_total ranks have the classes behind those of the ranks below; with one they say themselves where. */
static clxent_status check_places(const claim *claims, int ranks) {
    size_t end = 0;
    for (int rank = 0; rank < ranks; rank++) {
        const clxent_desc *desc = &claims[rank].desc;
        const size_t start = desc->class_total == 0 ? end : desc->class_start;
        if (desc->classes == 0)
            return clx_mpi_fail(CLXENT_INVALID_SHAPE, "rank %d of %d has no classes, each rank must have at least 1",
                                rank, ranks);
        if (desc->class_total == 0 && desc->class_start != 0)
            return clx_mpi_fail(CLXENT_INVALID_SHAPE, "rank %d has a class_start of %zu, but class_total is 0", rank,
                                desc->class_start);
        if (start != end && rank == 0)
            return clx_mpi_fail(CLXENT_INVALID_SHAPE, "rank 0 begins at class %zu, and no rank has those before it",
                                start);
        if (start != end)
            return clx_mpi_fail(CLXENT_INVALID_SHAPE,
                                "rank %d ends at class %zu, and rank %d begins at class %zu: they %s", rank - 1, end,
                                rank, start, start < end ? "overlap, or are not in ascending order" : "leave a gap");
        if (desc->classes > SIZE_MAX - end)
            return clx_mpi_fail(CLXENT_INVALID_SHAPE, "rank %d has %zu classes behind %zu: too many to count", rank,
                                desc->classes, end);
        end += desc->classes;
    }
    if (claims[0].desc.class_total != 0 && claims[0].desc.class_total != end)
        return clx_mpi_fail(CLXENT_INVALID_SHAPE, "rank %d, the last, ends at class %zu of %zu", ranks - 1, end,
                            claims[0].desc.class_total);
    return CLXENT_SUCCESS;
}

static clxent_status place(const claim *claims, int rank, int ranks, clxent_desc *desc) {
    clxent_status status = CLXENT_SUCCESS;
    size_t start = 0, end = 0;
    for (int other = 1; other < ranks && status == CLXENT_SUCCESS; other++)
        status = check_same(&claims[0], &claims[other], other);
    if (status == CLXENT_SUCCESS)
        status = check_places(claims, ranks);
    if (status != CLXENT_SUCCESS)
        return status;
    for (int other = 0; other < ranks; other++) {
        start = other == rank ? end : start;
        end += claims[other].desc.classes;
    }
    desc->class_start = start;
    desc->class_total = end;
    return CLXENT_SUCCESS;
}

clxent_status clx_mpi_place_shard(clxent_mpi_group *group, clxent_desc *desc, size_t blocks) {
    const claim mine = {.desc = *desc, .blocks = blocks};
    claim *claims = calloc((size_t)group->ranks, sizeof *claims);
    clxent_status status = CLXENT_SUCCESS;
    if (claims == NULL)
        status = clx_mpi_fail(CLXENT_OUT_OF_MEMORY, "no memory for the descriptors of %d ranks", group->ranks);
    status = clx_mpi_agree(group, status, CLX_MPI_CREATE);
    if (status == CLXENT_SUCCESS)
        status = clx_mpi_check(
            MPI_Allgather(&mine, (int)sizeof mine, MPI_BYTE, claims, (int)sizeof mine, MPI_BYTE, group->comm),
            "MPI_Allgather");
    if (status == CLXENT_SUCCESS)
        status = place(claims, group->rank, group->ranks, desc);
    free(claims);
    return status;
}
