/* Plans over processes: what is decided and made once. */
#include "plan.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

/* As many blocks as hide an exchange behind the kernels, of no fewer rows than make a kernel or a message worth its start: each block is as
 * many messages as there are ranks, twice. */
enum { MOST_BLOCKS = 8, ROWS_OF_BLOCK = 1024, ROWS_OF_SLICE = 64 };

/* Numbers of grad_input that are summed at a time, if an entry has no more. */
enum { MOST_SUMMED = 1 << 20 };

/* ---- the descriptor ---- */

/* Members that the caller's version lacks at their defaults. */
static clxent_status take_desc(const clxent_desc *desc, clxent_desc *taken) {
    if (desc == NULL)
        return clx_mpi_fail(CLXENT_INVALID_ARGUMENT, "desc is null");
    if (desc->struct_size < offsetof(clxent_desc, class_start) || desc->struct_size > sizeof *taken)
        return clx_mpi_fail(CLXENT_INVALID_ARGUMENT,
                            "desc.struct_size is %zu, this library knows %zu to %zu: was clxent_desc_init called?",
                            desc->struct_size, offsetof(clxent_desc, class_start), sizeof *taken);
    clxent_desc_init(taken, desc->op);
    memcpy(taken, desc, desc->struct_size);
    taken->struct_size = sizeof *taken;
    if (desc->op != CLXENT_CROSS_ENTROPY && desc->op != CLXENT_LINEAR_CROSS_ENTROPY)
        return clx_mpi_fail(CLXENT_INVALID_ARGUMENT, "op is %d, which has no shards", (int)desc->op);
    if (desc->pass != CLXENT_FORWARD && desc->pass != CLXENT_FORWARD_BACKWARD)
        return clx_mpi_fail(CLXENT_INVALID_OPTION, "pass is %d, it must be FORWARD or FORWARD_BACKWARD",
                            (int)desc->pass);
    return CLXENT_SUCCESS;
}

static void set_sizes(clxent_mpi_plan *plan) {
    static const size_t storage[] = {[CLXENT_F32] = 4, [CLXENT_F64] = 8, [CLXENT_F16] = 2, [CLXENT_BF16] = 2};
    static const size_t targets[] = {[CLXENT_TARGET_I32] = 4, [CLXENT_TARGET_I64] = 8, [CLXENT_TARGET_U8] = 1};
    const clxent_desc *desc = &plan->desc;
    const size_t dense = desc->op == CLXENT_CROSS_ENTROPY ? desc->classes * desc->inner : desc->features;
    plan->rows = desc->batch * desc->inner;
    plan->storage_size = storage[desc->dtype];
    plan->entry_bytes = plan->storage_size * (desc->row_stride > 0 ? desc->row_stride : dense);
    plan->target_size = targets[desc->target_type];
    plan->real_size = desc->dtype == CLXENT_F64 ? sizeof(double) : sizeof(float);
    plan->real = desc->dtype == CLXENT_F64 ? MPI_DOUBLE : MPI_FLOAT;
}

/* ---- blocks ---- */

/* MPI counts in int, so that a block may not have too many rows. */
static clxent_status cut_rows(clxent_mpi_plan *plan, size_t blocks) {
    const clxent_desc *desc = &plan->desc;
    const size_t most = (INT_MAX / CLX_MPI_PLANES - (size_t)plan->group->ranks) / desc->inner;
    if (most == 0)
        return clx_mpi_fail(CLXENT_INVALID_SHAPE, "inner is %zu: more rows of a batch entry than a message can hold",
                            desc->inner);
    if (desc->features > INT_MAX)
        return clx_mpi_fail(CLXENT_INVALID_SHAPE, "features is %zu: more numbers than a message can hold",
                            desc->features);
    if (desc->batch == 0)
        return CLXENT_SUCCESS;
    if (desc->op == CLXENT_LINEAR_CROSS_ENTROPY && plan->has_backward) {
        plan->sum_batch = MOST_SUMMED / desc->features;
        plan->sum_batch = plan->sum_batch > desc->batch ? desc->batch : plan->sum_batch > 0 ? plan->sum_batch : 1;
    }
    if (blocks == 0) {
        const size_t slices = ROWS_OF_SLICE * (size_t)plan->group->ranks;
        blocks = plan->rows / (slices > ROWS_OF_BLOCK ? slices : ROWS_OF_BLOCK);
        blocks = blocks > MOST_BLOCKS ? MOST_BLOCKS : blocks;
    }
    blocks = blocks > desc->batch ? desc->batch : blocks > 0 ? blocks : 1;
    size_t batch = (desc->batch - 1) / blocks + 1;
    batch = batch > most ? most : batch;
    plan->blocks = (desc->batch - 1) / batch + 1;
    plan->kinds[0].batch = batch;
    plan->kinds[1].batch = desc->batch - (plan->blocks - 1) * batch;
    plan->most_rows = batch * desc->inner;
    plan->most_slice = clx_mpi_piece_of(plan->most_rows, plan->group->ranks, 0).count;
    return CLXENT_SUCCESS;
}

clx_mpi_block clx_mpi_block_of(const clxent_mpi_plan *plan, size_t number) {
    const clx_mpi_kind *kind = &plan->kinds[number + 1 == plan->blocks];
    clx_mpi_block block = {
        .first_entry = number * plan->kinds[0].batch, .forward = kind->forward, .merge = kind->merge};
    block.first_row = block.first_entry * plan->desc.inner;
    block.rows = kind->batch * plan->desc.inner;
    block.slice = clx_mpi_piece_of(block.rows, plan->group->ranks, plan->group->rank);
    return block;
}

/* ---- plans ---- */

/* A merge of all classes: of what the ranks say of some rows, or of what is merged already. */
static clxent_desc merge_of(const clxent_desc *shard, size_t parts) {
    clxent_desc desc;
    clxent_desc_init(&desc, CLXENT_MERGE);
    desc.dtype = shard->dtype;
    desc.target_type = shard->target_type;
    desc.reduction = shard->reduction;
    desc.batch = shard->batch;
    desc.inner = shard->inner;
    desc.classes = shard->class_total;
    desc.ignore_index = shard->ignore_index;
    desc.label_smoothing = shard->label_smoothing;
    desc.z_loss = shard->z_loss;
    desc.flags = shard->flags & CLXENT_EMPTY_MEAN_ZERO;
    desc.parts = parts;
    return desc;
}

/* A slice goes over batch entries, so that its rows are a batch of their own. */
static clxent_status make_kind(clxent_mpi_plan *plan, clxent_context *context, clx_mpi_kind *kind) {
    clxent_desc forward = plan->desc, merge = merge_of(&plan->desc, (size_t)plan->group->ranks);
    forward.pass = CLXENT_FORWARD;
    forward.batch = kind->batch;
    merge.reduction = CLXENT_REDUCTION_NONE;
    merge.inner = 1;
    merge.batch = clx_mpi_piece_of(kind->batch * forward.inner, plan->group->ranks, plan->group->rank).count;
    clxent_status status = clxent_plan_create(context, &forward, &kind->forward);
    if (status == CLXENT_SUCCESS && merge.batch > 0)
        status = clxent_plan_create(context, &merge, &kind->merge);
    return status;
}

/* Also for an empty batch, so that what is refused is refused there too. */
static clxent_status make_plans(clxent_mpi_plan *plan, clxent_context *context) {
    clxent_desc whole = merge_of(&plan->desc, 1), backward = plan->desc;
    backward.pass = CLXENT_BACKWARD;
    clxent_status status = make_kind(plan, context, &plan->kinds[1]);
    if (status == CLXENT_SUCCESS && plan->blocks > 1)
        status = make_kind(plan, context, &plan->kinds[0]);
    if (status == CLXENT_SUCCESS)
        status = clxent_plan_create(context, &whole, &plan->whole);
    if (status == CLXENT_SUCCESS && plan->has_backward)
        status = clxent_plan_create(context, &backward, &plan->backward);
    return status;
}

static clxent_status make_all(clxent_mpi_plan *plan, clxent_context *context, size_t blocks) {
    cl_context cl = NULL;
    clxent_status status = clxent_context_get(context, &cl, NULL);
    if (status == CLXENT_SUCCESS)
        status = cut_rows(plan, blocks);
    if (status == CLXENT_SUCCESS)
        status = make_plans(plan, context);
    return status == CLXENT_SUCCESS ? clx_mpi_allocate(plan, cl) : status;
}

/* ---- the interface ---- */

/* What a rank can see alone, and before it knows its place. */
static clxent_status check_alone(clxent_context *context, const clxent_desc *desc, clxent_mpi_plan **plan,
                                 clxent_mpi_plan *made, clxent_desc *taken) {
    if (context == NULL || plan == NULL)
        return clx_mpi_fail(CLXENT_INVALID_ARGUMENT, "%s is null", context == NULL ? "context" : "plan");
    clxent_status status = take_desc(desc, taken);
    if (status == CLXENT_SUCCESS && made == NULL)
        return clx_mpi_fail(CLXENT_OUT_OF_MEMORY, "no memory for a plan");
    return status;
}

/* A plan of the whole batch, which looks at every member and every product before sizes are made of them. */
static clxent_status check_desc(clxent_context *context, const clxent_desc *desc) {
    clxent_plan *plan = NULL;
    clxent_desc checked = *desc;
    checked.pass = CLXENT_FORWARD;
    clxent_status status = clxent_plan_create(context, &checked, &plan);
    clxent_plan_destroy(plan);
    return status;
}

static clxent_status fill(clxent_mpi_plan *made, clxent_mpi_group *group, clxent_context *context,
                          const clxent_desc *desc, size_t blocks) {
    made->group = group;
    made->desc = *desc;
    made->has_backward = desc->pass == CLXENT_FORWARD_BACKWARD;
    clxent_status status = check_desc(context, desc);
    if (status != CLXENT_SUCCESS)
        return status;
    set_sizes(made);
    return make_all(made, context, blocks);
}

clxent_status clxent_mpi_plan_create(clxent_context *context, MPI_Comm comm, const clxent_desc *desc, size_t blocks,
                                     clxent_mpi_plan **plan) {
    clxent_mpi_group *group = NULL;
    clxent_desc taken;
    clxent_status status = clxent_mpi_group_create(comm, &group);
    if (status != CLXENT_SUCCESS)
        return status;
    clxent_mpi_plan *made = calloc(1, sizeof *made);
    status = clx_mpi_agree(group, check_alone(context, desc, plan, made, &taken), CLX_MPI_CREATE);
    if (status == CLXENT_SUCCESS)
        status = clx_mpi_place_shard(group, &taken, blocks);
    if (status == CLXENT_SUCCESS)
        status = clx_mpi_agree(group, fill(made, group, context, &taken, blocks), CLX_MPI_CREATE);
    if (status == CLXENT_SUCCESS) {
        *plan = made;
        return status;
    }
    if (made != NULL && made->group != NULL)
        clxent_mpi_plan_destroy(made);
    else {
        free(made);
        clxent_mpi_group_destroy(group);
    }
    return status;
}

clxent_status clxent_mpi_plan_get_info(const clxent_mpi_plan *plan, clxent_mpi_info *info) {
    if (plan == NULL || info == NULL)
        return clx_mpi_fail(CLXENT_INVALID_ARGUMENT, "%s is null", plan == NULL ? "plan" : "info");
    if (info->struct_size != sizeof *info)
        return clx_mpi_fail(CLXENT_INVALID_ARGUMENT, "info.struct_size is %zu, this library knows %zu",
                            info->struct_size, sizeof *info);
    *info = plan->info;
    info->struct_size = sizeof *info;
    info->rank = plan->group->rank;
    info->ranks = plan->group->ranks;
    info->class_start = plan->desc.class_start;
    info->class_total = plan->desc.class_total;
    info->blocks = plan->blocks;
    return CLXENT_SUCCESS;
}

void clxent_mpi_plan_destroy(clxent_mpi_plan *plan) {
    if (plan == NULL)
        return;
    if (plan->backward_done != NULL) {
        clWaitForEvents(1, &plan->backward_done);
        clReleaseEvent(plan->backward_done);
    }
    clx_mpi_free(plan);
    for (size_t i = 0; i < 2; i++) {
        clxent_plan_destroy(plan->kinds[i].forward);
        clxent_plan_destroy(plan->kinds[i].merge);
    }
    clxent_plan_destroy(plan->whole);
    clxent_plan_destroy(plan->backward);
    clxent_mpi_group_destroy(plan->group);
    free(plan);
}
