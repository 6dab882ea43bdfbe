/* The list of engines, in the order in which they are asked. */
#include "engine.h"

#include "geometry.h"
#include "op.h"
#include "status.h"

#include <stdio.h>

typedef struct engine {
    clxent_engine id;
    const char *name, *file;
    clx_layout layout;
    bool shared_rows, splits;
    /* Can it do the problem at all? If not, `reason` says why not. */
    bool (*can)(const clx_problem *problem, const clx_device *device, char reason[CLX_REASON]);
    /* Would one choose it, where it can? `reason` says what decides, either way. */
    bool (*suits)(const clx_problem *problem, const clx_device *device, char reason[CLX_REASON]);
    size_t (*group_size)(const clx_problem *problem, const clx_device *device);
} engine;

static size_t least(size_t a, size_t b) {
    return a < b ? a : b;
}

/* Does the pass visit all classes of a row, or only gather one? */
static bool visits_classes(const clx_problem *problem) {
    return problem->op->reduces(problem) || problem->op->maps(problem);
}

/* Once to reduce a row, once to map it? */
static bool reads_twice(const clx_problem *problem) {
    return problem->op->reduces(problem) && problem->op->maps(problem);
}

/* Tensors of which an engine may keep rows, TILES of the operations' kernel files: two for a softmax's gradient. */
static size_t staged_tensors(const clx_problem *problem) {
    return problem->op->loss || problem->desc.pass == CLXENT_FORWARD ? 1 : 2;
}

/* ---- column ---- */

/* Where rows lie side by side their classes are ints, see read_targets in kernels/layout.cl. */
static bool counts_classes(const clx_problem *problem, char reason[CLX_REASON]) {
    if (clx_all_classes(problem) <= INT32_MAX)
        return true;
    snprintf(reason, CLX_REASON, "%s is %zu, with rows side by side it can be at most %d",
             problem->desc.class_total > 0 ? "class_total" : "classes", clx_all_classes(problem), INT32_MAX);
    return false;
}

static bool column_can(const clx_problem *problem, const clx_device *device, char reason[CLX_REASON]) {
    (void)device;
    return counts_classes(problem, reason);
}

static bool column_suits(const clx_problem *problem, const clx_device *device, char reason[CLX_REASON]) {
    (void)device;
    snprintf(reason, CLX_REASON, "it is for positions side by side, and inner is %zu", problem->desc.inner);
    return problem->desc.inner > 1;
}

static size_t item_group_size(const clx_problem *problem, const clx_device *device) {
    (void)problem;
    return least(clx_tuning_of(device).item_group, device->max_work_group);
}

/* ---- row_per_group ---- */

/* Local memory for the largest state that an operation folds: six numbers and a class. */
static size_t state_bytes(const clx_problem *problem) {
    return 8 * problem->real_size;
}

/* Work-items that local memory has room for: a state for each, and one for the row. */
static size_t most_sharing(const clx_problem *problem, const clx_device *device) {
    size_t states = device->local_memory / state_bytes(problem);
    return states > 0 ? states - 1 : 0;
}

static bool row_per_group_can(const clx_problem *problem, const clx_device *device, char reason[CLX_REASON]) {
    if (problem->desc.inner > 1) {
        snprintf(reason, CLX_REASON, "inner is %zu, it needs the classes of a row side by side", problem->desc.inner);
        return false;
    }
    size_t items = problem->desc.work_group_size > 0 ? problem->desc.work_group_size : 1;
    if (items > most_sharing(problem, device)) {
        snprintf(reason, CLX_REASON,
                 "%zu work-items need %zu bytes of local memory each, the row as many more, the device has %zu", items,
                 state_bytes(problem), device->local_memory);
        return false;
    }
    return true;
}

static bool row_per_group_suits(const clx_problem *problem, const clx_device *device, char reason[CLX_REASON]) {
    const size_t few = clx_tuning_of(device).few_classes;
    if (!device->simt) {
        snprintf(reason, CLX_REASON, "it is for devices that run the work-items of a group side by side, as GPUs do");
        return false;
    }
    if (!visits_classes(problem)) {
        snprintf(reason, CLX_REASON, "this pass of %s visits one class of a row, there is nothing to share",
                 problem->op->title);
        return false;
    }
    snprintf(reason, CLX_REASON, "it is for more than %zu classes, and there are %zu", few, problem->desc.classes);
    return problem->desc.classes > few;
}

/* Enough work-items to take a row in a few steps, as far as the device goes. */
static size_t row_group_size(const clx_problem *problem, const clx_device *device) {
    clx_tuning t = clx_tuning_of(device);
    size_t wanted = problem->desc.classes <= t.short_row ? t.short_group : t.long_group;
    return clx_power_of_two(least(wanted, least(device->max_work_group, most_sharing(problem, device))));
}

/* ---- row_split ---- */

size_t clx_row_chunks(const clx_problem *problem) {
    return (problem->desc.classes + CLX_CHUNK - 1) / CLX_CHUNK;
}

static bool row_split_can(const clx_problem *problem, const clx_device *device, char reason[CLX_REASON]) {
    if (!visits_classes(problem)) {
        snprintf(reason, CLX_REASON, "this pass of %s visits one class of a row, there is nothing to split",
                 problem->op->title);
        return false;
    }
    return row_per_group_can(problem, device, reason);
}

/* Where a group to a row would leave compute units idle. */
static bool row_split_suits(const clx_problem *problem, const clx_device *device, char reason[CLX_REASON]) {
    if (!row_per_group_suits(problem, device, reason))
        return false;
    if (clx_row_chunks(problem) <= 1) {
        snprintf(reason, CLX_REASON, "it is for more than %zu classes, and there are %zu", CLX_CHUNK,
                 problem->desc.classes);
        return false;
    }
    snprintf(reason, CLX_REASON, "it is for fewer rows than the %zu compute units, and there are %zu",
             device->compute_units, problem->rows);
    return problem->rows < device->compute_units;
}

/* ---- row_per_item, rows_per_lane ---- */

static bool needs_no_inner(const clx_problem *problem, const clx_device *device, char reason[CLX_REASON]) {
    (void)device;
    if (problem->desc.inner > 1) {
        snprintf(reason, CLX_REASON, "inner is %zu, it needs the classes of a row side by side", problem->desc.inner);
        return false;
    }
    return true;
}

static bool rows_per_lane_can(const clx_problem *problem, const clx_device *device, char reason[CLX_REASON]) {
    return needs_no_inner(problem, device, reason) && counts_classes(problem, reason);
}

static bool always_suits(const clx_problem *problem, const clx_device *device, char reason[CLX_REASON]) {
    (void)problem, (void)device;
    snprintf(reason, CLX_REASON, "it is for any rows whose classes lie side by side");
    return true;
}

/* Rows that do not fill a vector, or that a work-group would not share well. */
static bool few_classes(const clx_problem *problem, const clx_device *device, char reason[CLX_REASON]) {
    const size_t few = clx_tuning_of(device).few_classes;
    snprintf(reason, CLX_REASON, "it is for up to %zu classes, and there are %zu", few, problem->desc.classes);
    return problem->desc.classes <= few;
}

/* The last two accept everything between them but more classes than an int counts, with an inner size. */
static const engine engines[] = {
    {CLXENT_ENGINE_ROWS_PER_LANE, "rows_per_lane", "side_by_side", CLX_ROWS_ALONG, false, false, rows_per_lane_can,
     few_classes, item_group_size},
    {CLXENT_ENGINE_ROW_SPLIT, "row_split", "row_split", CLX_CLASSES_ALONG, true, true, row_split_can, row_split_suits,
     row_group_size},
    {CLXENT_ENGINE_ROW_PER_GROUP, "row_per_group", "row_per_group", CLX_CLASSES_ALONG, true, false, row_per_group_can,
     row_per_group_suits, row_group_size},
    {CLXENT_ENGINE_ROW_PER_ITEM, "row_per_item", "row_per_item", CLX_CLASSES_ALONG, false, false, needs_no_inner,
     always_suits, item_group_size},
    {CLXENT_ENGINE_COLUMN, "column", "side_by_side", CLX_POSITIONS_ALONG, false, false, column_can, column_suits,
     item_group_size},
};
enum { ENGINES = sizeof engines / sizeof engines[0] };

/* Vectors as wide as the device's own on a CPU. Where work-items lie side by side, 16 bytes of memory along a row, and
 * one element where rows or positions do too. */
static size_t lanes_for(const clx_problem *problem, const clx_device *device, const engine *chosen) {
    bool wide = problem->real_size == sizeof(double);
    if (device->simt)
        return chosen->layout != CLX_CLASSES_ALONG ? 1 : 16 / problem->storage_size;
    size_t native = clx_power_of_two(wide ? device->double_lanes : device->float_lanes);
    return native < 4 ? 4 : least(native, 16);
}

/* An operation may have a walk of its own, for rows side by side; any engine walks the others. */
static bool can(const engine *e, const clx_problem *problem, const clx_device *device, char reason[CLX_REASON]) {
    if (problem->op->engine_file == NULL)
        return e->can(problem, device, reason);
    snprintf(reason, CLX_REASON, "%s takes rows side by side", problem->op->title);
    return e->id == CLXENT_ENGINE_ROWS_PER_LANE && counts_classes(problem, reason);
}

static bool suits(const engine *e, const clx_problem *problem, const clx_device *device, char reason[CLX_REASON]) {
    if (problem->op->engine_file == NULL)
        return e->suits(problem, device, reason);
    snprintf(reason, CLX_REASON, "%s takes rows side by side", problem->op->title);
    return true;
}

/* At most so many loop iterations a work-item spends on one row, or one vector of rows, where no loop is unrolled: for
 * every vector of classes, more where rows are shared, since there every four vectors are folded for the argmax, or go
 * through local memory; for every chunk, which is merged in a tree or fetched byte by byte; and some for the rest. tests/test_longest_rows.c holds it. */
#define ITERATIONS_PER_VECTOR 11
#define ITERATIONS_PER_SHARED_VECTOR 19
#define ITERATIONS_PER_CHUNK 66
#define ITERATIONS_PER_PART 2

static size_t iterations_per_piece(const clx_problem *problem, const clx_geometry *geometry) {
    if (problem->op->engine_file != NULL)
        return least(problem->desc.parts, SIZE_MAX / 4) * ITERATIONS_PER_PART + 256;
    size_t classes_per_step = geometry->layout != CLX_CLASSES_ALONG
                                  ? 1
                                  : geometry->lanes * (geometry->shared_rows ? geometry->group_size : 1);
    size_t classes = geometry->splits ? least(problem->desc.classes, CLX_CHUNK) : problem->desc.classes;
    size_t merges = geometry->shared_rows ? clx_row_chunks(problem) * ITERATIONS_PER_CHUNK : 0;
    bool more = geometry->shared_rows || geometry->local_tile > 0;
    size_t each = more ? ITERATIONS_PER_SHARED_VECTOR : ITERATIONS_PER_VECTOR;
    return (classes + classes_per_step - 1) / classes_per_step * each + 256 + merges;
}

clxent_status clx_engine_check_loops(const clx_problem *problem, const clx_device *device,
                                     const clx_geometry *geometry) {
    size_t iterations = iterations_per_piece(problem, geometry);
    if (device->loop_limit == 0 || iterations <= device->loop_limit)
        return CLXENT_SUCCESS;
    return clx_fail(CLXENT_UNSUPPORTED,
                    "a row of %zu classes takes engine %s up to %zu loop iterations, this device stops after %zu",
                    problem->desc.classes, geometry->name, iterations, device->loop_limit);
}

/* 32 or 64 KiB: in the nearest cache, or the one behind it. */
#define TILE_VECTORS 1024
#define TILE_GROUP 4 /* work-items of a group, each with a tile of its own */

/* Bytes of local memory that copies take; a whole row of those that a group shares, where it is read twice, and fits. */
size_t clx_engine_local_bytes(const clx_problem *problem, const clx_geometry *geometry) {
    return geometry->local_tile * geometry->lanes * staged_tensors(problem) * problem->real_size;
}

static size_t shared_row_vectors(const clx_problem *problem, const clx_geometry *geometry) {
    const size_t classes = problem->desc.classes;
    return reads_twice(problem) && classes <= CLX_CHUNK ? (classes + geometry->lanes - 1) / geometry->lanes : 0;
}

/* As many rows as work-items, which lie an odd number of elements apart; of more than a few classes a part at a time. */
static size_t rows_vectors(const clx_problem *problem, const clx_tuning *t, const clx_geometry *geometry) {
    const size_t classes = visits_classes(problem) ? least(problem->desc.classes, t->few_classes) : 0;
    return classes > 0 ? geometry->group_size * (classes | 1) : 0;
}

/* A CPU copies rows that lie side by side into tiles which are each work-item's own. Where work-items lie side by side they do
 * so for memory as well, if rows do; what they copy together goes through local memory. */
static void choose_tile(const clx_problem *problem, const clx_device *device, const engine *chosen,
                        clx_geometry *geometry) {
    const clx_tuning t = clx_tuning_of(device);
    const bool private_tile =
        chosen->layout != CLX_CLASSES_ALONG && !device->simt && geometry->group_size <= TILE_GROUP;
    size_t states = 0;
    geometry->tile = private_tile ? TILE_VECTORS : 0;
    geometry->local_tile = 0;
    if (chosen->shared_rows && !chosen->splits) {
        states = (geometry->group_size + 1) * state_bytes(problem);
        geometry->local_tile = shared_row_vectors(problem, geometry);
    }
    if (chosen->layout == CLX_ROWS_ALONG && device->simt)
        geometry->local_tile = rows_vectors(problem, &t, geometry);
    const size_t bytes = clx_engine_local_bytes(problem, geometry);
    if (bytes > t.kept_bytes || bytes + states > device->local_memory)
        geometry->local_tile = 0;
    const bool together = geometry->local_tile > 0 && !chosen->shared_rows;
    geometry->file = private_tile ? "tiles" : together ? "rows_in_local" : chosen->file;
    if (problem->op->engine_file != NULL) {
        geometry->tile = 0;
        geometry->file = problem->op->engine_file;
    }
}

/* What is kept lies on the stack of a CPU's thread, for each work-item of the group: for one. */
static bool keeps_row(const clx_problem *problem, const clx_device *device, const clx_geometry *geometry) {
    return reads_twice(problem) && geometry->layout == CLX_CLASSES_ALONG && !geometry->shared_rows && !device->simt &&
           geometry->lanes > 1 && geometry->group_size == 1;
}

static clxent_status decide(const clx_problem *problem, const clx_device *device, const engine *chosen,
                            clx_geometry *geometry) {
    size_t forced = problem->desc.work_group_size;
    if (forced > device->max_work_group)
        return clx_fail(CLXENT_UNSUPPORTED, "work_group_size is %zu, the device allows %zu", forced,
                        device->max_work_group);
    geometry->engine = chosen->id;
    geometry->name = chosen->name;
    geometry->layout = chosen->layout;
    geometry->shared_rows = chosen->shared_rows;
    geometry->splits = chosen->splits;
    geometry->lanes = lanes_for(problem, device, chosen);
    geometry->group_size = forced > 0 ? forced : chosen->group_size(problem, device);
    geometry->keeps_row = keeps_row(problem, device, geometry);
    choose_tile(problem, device, chosen, geometry);
    return clx_engine_check_loops(problem, device, geometry);
}

clxent_status clx_engine_choose(const clx_problem *problem, const clx_device *device, clx_geometry *geometry) {
    char reason[CLX_REASON] = "", what_decides[CLX_REASON];
    for (size_t i = 0; i < ENGINES; i++) {
        bool forced = problem->desc.engine == engines[i].id;
        if (problem->desc.engine != CLXENT_ENGINE_AUTO && !forced)
            continue;
        const engine *e = &engines[i];
        if (can(e, problem, device, reason) && (forced || suits(e, problem, device, what_decides)))
            return decide(problem, device, &engines[i], geometry);
    }
    return clx_fail(CLXENT_UNSUPPORTED, "engine %s cannot do this: %s", clx_engine_name(problem->desc.engine), reason);
}

void clx_engine_reason(const clx_problem *problem, const clx_device *device, clxent_engine in_use, clxent_engine asked,
                       char reason[CLX_REASON]) {
    const engine *e = engines;
    while (e->id != asked)
        e++;
    if (!can(e, problem, device, reason))
        return;
    if (problem->desc.engine != CLXENT_ENGINE_AUTO)
        snprintf(reason, CLX_REASON, "the descriptor asks for %s", asked == in_use ? "it" : clx_engine_name(in_use));
    else if (suits(e, problem, device, reason) && asked != in_use)
        snprintf(reason, CLX_REASON, "%s suits too and comes before it", clx_engine_name(in_use));
}

/* Rows, vectors of rows, or chunks of rows: what a work-item, or a work-group, takes one of at a time. */
static size_t pieces_of(const clx_problem *problem, const clx_geometry *geometry) {
    size_t batch = problem->desc.batch, inner = problem->desc.inner;
    if (geometry->splits)
        return problem->rows * clx_row_chunks(problem);
    if (geometry->layout == CLX_CLASSES_ALONG)
        return problem->rows;
    if (geometry->layout == CLX_ROWS_ALONG)
        return (problem->rows + geometry->lanes - 1) / geometry->lanes; /* of which only a merge has an inner size */
    return batch * ((inner + geometry->lanes - 1) / geometry->lanes);
}

size_t clx_engine_global_size(const clx_problem *problem, const clx_device *device, const clx_geometry *geometry) {
    size_t pieces = pieces_of(problem, geometry), group = geometry->group_size;
    /* Enough workers to balance the cores of a CPU, or to fill a GPU several times over. */
    clx_tuning t = clx_tuning_of(device);
    size_t each = geometry->shared_rows ? t.unit_groups : t.unit_items;
    size_t workers = least(pieces, device->compute_units * each);
    if (device->loop_limit > 0) {
        size_t pieces_per_worker = device->loop_limit / iterations_per_piece(problem, geometry);
        size_t needed = (pieces + pieces_per_worker - 1) / pieces_per_worker;
        workers = workers > needed ? workers : needed;
    }
    return geometry->shared_rows ? workers * group : (workers + group - 1) / group * group;
}

const char *clx_engine_name(clxent_engine id) {
    for (size_t i = 0; i < ENGINES; i++)
        if (engines[i].id == id)
            return engines[i].name;
    return "auto";
}
