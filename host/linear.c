/* Plans of linear cross-entropy: the chunk, its place in the workspace, programs and kernels. */
#include "linear.h"

#include "geometry.h"
#include "launch.h"
#include "op.h"
#include "program.h"
#include "status.h"

#include <stdio.h>
#include <stdlib.h>

#define FEWEST_ROWS 64  /* of a chunk, where nobody sets a limit: below, reading linear_weight takes longest */
#define CHUNKS 64       /* for as large a batch as that, at most so many */
#define ALIGNMENT 64    /* bytes */
#define LARGEST_SIDE 16 /* work-items of a group of product_in_groups.cl along each side of its square; the smallest; */
#define SMALLEST_SIDE 4
#define STEPS 16         /* what it has of each row and column in local memory at once */
#define MOST_LISTERS 256 /* of which each has a number in local memory */
#define SIMT_GROUP 64
#define STATE_SLOT 64    /* of a chunk of a row, and */
#define MAP_SLOT 128     /* of a row, as in workspace.c */
#define LOOPS_PER_STEP 3 /* of a product's sum in groups: 35 for 16 with the smallest side, the ends of loops too */
#define LOOPS_AROUND 32  /* of a product, beside those */

static size_t aligned(size_t bytes) {
    return (bytes + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
}

static size_t stride_of(size_t numbers) {
    return (numbers + 15) / 16 * 16 + 16;
}

static size_t split_bytes(const clx_problem *problem, const clx_device *device) {
    return device->simt ? clx_row_chunks(problem) * STATE_SLOT + MAP_SLOT : 0;
}

static size_t planes_of(const clx_problem *problem) {
    return clx_is_shard(problem) ? CLX_PLANES : 0;
}

/* Bytes for each row of a chunk, and for each row of the batch. */
static size_t chunk_row_bytes(const clxent_plan *plan, const clx_linear *l) {
    return (l->logits_stride + 2 * l->hidden_stride + 1 + planes_of(&plan->problem)) * plan->problem.real_size +
           split_bytes(&plan->problem, &plan->core->device);
}

static size_t packed_row_bytes(const clx_problem *problem) {
    return sizeof(int64_t) + problem->target_size + 3 * problem->real_size;
}

/* All that does not depend on the chunk, with what alignment takes. */
static size_t fixed_bytes(const clxent_plan *plan) {
    return plan->workspace.size + plan->problem.rows * packed_row_bytes(&plan->problem) + 12 * ALIGNMENT;
}

static clxent_status choose_chunk(const clxent_plan *plan, clx_linear *l) {
    const clx_problem *problem = &plan->problem;
    const size_t each = chunk_row_bytes(plan, l), fixed = fixed_bytes(plan),
                 rows = problem->rows > 0 ? problem->rows : 1;
    const uint64_t limit = problem->desc.workspace_limit;
    const size_t numbers = l->logits_stride + 2 * l->hidden_stride; /* of which `each` may have wrapped around */
    if (numbers > (size_t)PTRDIFF_MAX / 2 / sizeof(double) || each > (size_t)PTRDIFF_MAX / 2 / rows ||
        fixed > (size_t)PTRDIFF_MAX / 2)
        return clx_fail(CLXENT_INVALID_SHAPE,
                        "%zu rows of %zu classes take more bytes of workspace than this machine can address", rows,
                        problem->desc.classes);
    l->chunk = (rows + CHUNKS - 1) / CHUNKS;
    if (l->chunk < FEWEST_ROWS)
        l->chunk = FEWEST_ROWS;
    if (limit > 0 && limit < fixed + each)
        return clx_fail(CLXENT_INVALID_OPTION, "workspace_limit is %llu, a chunk of one row needs %zu bytes",
                        (unsigned long long)limit, fixed + each);
    if (limit > 0 && (limit - fixed) / each < rows)
        l->chunk = (size_t)((limit - fixed) / each);
    else if (limit > 0)
        l->chunk = rows;
    if (l->chunk > rows)
        l->chunk = rows;
    return CLXENT_SUCCESS;
}

static size_t take(size_t *end, size_t bytes) {
    const size_t at = aligned(*end);
    *end = at + bytes;
    return at;
}

static void lay_out(clxent_plan *plan, clx_linear *l) {
    const clx_problem *problem = &plan->problem;
    const size_t rows = problem->rows, real = problem->real_size;
    size_t end = plan->workspace.size;
    l->list_at = take(&end, rows * sizeof(int64_t));
    l->targets_at = take(&end, rows * problem->target_size);
    l->weights_at = take(&end, rows * real);
    l->grads_at = take(&end, rows * real);
    l->lse_at = take(&end, rows * real);
    l->hidden_at = take(&end, l->chunk * l->hidden_stride * real);
    l->logits_at = take(&end, l->chunk * l->logits_stride * real);
    l->hidden_grads_at = take(&end, l->chunk * l->hidden_stride * real);
    l->limits_at = take(&end, l->chunk * real);
    l->planes_at = take(&end, l->chunk * planes_of(problem) * real);
    l->parts_at = take(&end, l->chunk * split_bytes(problem, &plan->core->device));
    plan->workspace.size = aligned(end);
}

/* As many steps of a product's sum as a work-item may take at once. */
static size_t steps_at_once(const clx_device *device) {
    return device->loop_limit > 0 ? (device->loop_limit - LOOPS_AROUND) / LOOPS_PER_STEP : SIZE_MAX;
}

/* The sum of grad_hidden, over the classes, is taken in parts where it must be; the others are no longer than a row of
 * hidden and a chunk. */
static clxent_status check_loops(const clxent_plan *plan, clx_linear *l) {
    const size_t features = plan->problem.desc.features;
    l->steps = steps_at_once(&plan->core->device);
    if (l->chunk > l->steps)
        l->chunk = l->steps;
    if (features <= l->steps)
        return CLXENT_SUCCESS;
    return clx_fail(CLXENT_UNSUPPORTED,
                    "a product that sums %zu terms takes up to %zu loop iterations, this device stops after %zu",
                    features, features * LOOPS_PER_STEP + LOOPS_AROUND, plan->core->device.loop_limit);
}

/* ---- kernels ---- */

static clxent_status create_rows(clxent_plan *plan, clx_linear *l) {
    clxent_desc desc = plan->problem.desc;
    desc.op = CLXENT_CROSS_ENTROPY;
    desc.dtype = desc.dtype == CLXENT_F64 ? CLXENT_F64 : CLXENT_F32;
    desc.batch = l->chunk;
    desc.row_stride = l->logits_stride;
    desc.features = 0;
    desc.workspace_limit = 0;
    desc.flags &= ~((uint64_t)CLXENT_ACCUMULATE_GRAD | CLXENT_FILTER_GRADIENT);
    clx_problem problem;
    clxent_status status = clx_problem_init(&problem, &desc);
    if (status != CLXENT_SUCCESS)
        return status;
    problem.counted_rows = true;
    status = clx_plan_create_for(plan->core, &problem, &l->rows);
    if (status != CLXENT_SUCCESS)
        return status;
    plan->programs_built += l->rows->programs_built;
    const cl_ulong parts_at = l->parts_at;
    for (int i = 0; i < CLX_REDUCE_ROWS && status == CLXENT_SUCCESS; i++)
        if (l->rows->geometry.splits && l->rows->kernels[i] != NULL)
            status = clx_set_argument(l->rows->kernels[i], clx_engine_argument(clx_is_shard(&problem)), sizeof parts_at,
                                      &parts_at);
    return status;
}

/* LISTERS of kernels/linear.cl. */
static size_t most_listers(const clx_device *device) {
    return device->simt && device->local_memory >= MOST_LISTERS * sizeof(int64_t) ? MOST_LISTERS : 1;
}

static void make_key(const clxent_plan *plan, const clx_linear *l, clx_program_key *key) {
    static const char *const targets[] = {"int", "long", "uchar"};
    const clxent_desc *desc = &plan->problem.desc;
    snprintf(key->op, sizeof key->op, "linear");
    snprintf(key->engine, sizeof key->engine, "product_in_%s", l->side > 0 ? "groups" : "panels");
    snprintf(key->options, sizeof key->options,
             "-cl-std=CL1.2 -D PRODUCT=1 -D STORAGE=%d -D TARGET_KIND=1 -D TARGET_TYPE=%s -D LANES=%zu -D LAYOUT=0 "
             "-D PASS=0 -D GROUP=1 -D SHARED_ROWS=0 -D HAS_FMA=%d -D SIDE=%zu -D LISTERS=%zu",
             (int)desc->dtype, targets[desc->target_type], l->lanes, plan->core->device.fma, l->side,
             most_listers(&plan->core->device));
}

const char *clx_linear_kernel_name(clx_linear_kernel kernel) {
    static const char *const names[CLX_LINEAR_KERNELS] = {
        "list_rows",   "pack_rows",      "clear_ignored",  "pack_hidden",   "unpack_hidden",
        "unpack_rows", "pack_merged",    "unpack_partial", "sum_columns",   "fill_rows",
        "limit_rows",  "product_logits", "product_hidden", "product_weight"};
    return names[kernel];
}

static clxent_status create_kernels(clxent_plan *plan, clx_linear *l) {
    clx_program_key key;
    make_key(plan, l, &key);
    clxent_status status = clx_program_get(plan->core, &key, &plan->program, &plan->programs_built);
    for (int i = 0; i < CLX_LINEAR_KERNELS && status == CLXENT_SUCCESS; i++)
        status = clx_create_kernel(plan->program->cl, clx_linear_kernel_name((clx_linear_kernel)i), &l->kernels[i]);
    if (status == CLXENT_SUCCESS && clx_sums_rows(&plan->problem))
        status =
            clx_create_kernel(l->rows->program->cl, clx_kernel_name(CLX_REDUCE_ROWS), &plan->kernels[CLX_REDUCE_ROWS]);
    return status;
}

static void release_kernels(clx_linear *l) {
    for (int i = 0; i < CLX_LINEAR_KERNELS; i++) {
        if (l->kernels[i] != NULL)
            clReleaseKernel(l->kernels[i]);
        l->kernels[i] = NULL;
    }
}

/* The largest side of a group's square that fits into so many work-items and into local memory; 0: none. */
static size_t choose_side(const clxent_plan *plan, size_t items) {
    size_t side = LARGEST_SIDE;
    while (side >= SMALLEST_SIDE && (side * side > items || 2 * STEPS * (4 * side + 1) * plan->problem.real_size >
                                                                plan->core->device.local_memory))
        side /= 2;
    return side >= SMALLEST_SIDE ? side : 0;
}

static clxent_status check_side(const clx_device *device, size_t side) {
    if (device->loop_limit == 0 || side > 0)
        return CLXENT_SUCCESS;
    return clx_fail(CLXENT_UNSUPPORTED,
                    "products need groups of %d work-items on a device that stops after %zu loop iterations",
                    SMALLEST_SIDE * SMALLEST_SIDE, device->loop_limit);
}

/* With smaller groups where the kernels turn out not to fit, in the end with panels, which need none. */
static clxent_status create_products(clxent_plan *plan, clx_linear *l) {
    const clx_device *device = &plan->core->device;
    const bool wide = plan->problem.real_size == sizeof(double);
    const size_t native = clx_power_of_two(wide ? device->double_lanes : device->float_lanes);
    size_t items = device->simt ? device->max_work_group : 0;
    for (;;) {
        l->side = choose_side(plan, items);
        l->lanes = l->side > 0 ? 1 : native < 4 ? 4 : native > 16 ? 16 : native;
        clxent_status status = check_side(device, l->side);
        if (status == CLXENT_SUCCESS)
            status = create_kernels(plan, l);
        for (int i = CLX_PRODUCT_LOGITS; i <= CLX_PRODUCT_WEIGHT && status == CLXENT_SUCCESS && l->side > 0; i++)
            status = clx_lower_group_limit(plan, l->kernels[i], &items);
        l->lister = most_listers(device);
        l->group = device->simt ? SIMT_GROUP : 1;
        if (l->lister > device->max_work_group)
            l->lister = device->max_work_group;
        if (l->group > device->max_work_group)
            l->group = 1;
        if (status == CLXENT_SUCCESS)
            status = clx_lower_group_limit(plan, l->kernels[CLX_LIST_ROWS], &l->lister);
        for (int i = CLX_PACK_ROWS; i <= CLX_FILL_ROWS && status == CLXENT_SUCCESS; i++)
            status = clx_lower_group_limit(plan, l->kernels[i], &l->group);
        if (status != CLXENT_SUCCESS || l->side * l->side <= items)
            return status;
        release_kernels(l);
        clx_release_kernels(plan);
    }
}

clxent_status clx_linear_create(clxent_plan *plan) {
    clx_linear *l = calloc(1, sizeof *l);
    if (l == NULL)
        return clx_fail(CLXENT_OUT_OF_MEMORY, "no memory for a plan of %zu bytes", sizeof *l);
    plan->linear = l;
    l->logits_stride = stride_of(plan->problem.desc.classes);
    l->hidden_stride = stride_of(plan->problem.desc.features);
    clxent_status status = choose_chunk(plan, l);
    if (status == CLXENT_SUCCESS)
        status = check_loops(plan, l);
    if (status != CLXENT_SUCCESS)
        return status;
    lay_out(plan, l);
    status = create_rows(plan, l);
    if (status == CLXENT_SUCCESS)
        status = create_products(plan, l);
    if (status == CLXENT_SUCCESS)
        plan->geometry = l->rows->geometry;
    return status;
}

void clx_linear_destroy(clx_linear *l) {
    if (l == NULL)
        return;
    release_kernels(l);
    clxent_plan_destroy(l->rows);
    free(l);
}
