/* The list of engines, in the order in which they are asked. */
#include "engine.h"

#include "op.h"
#include "status.h"

#include <stdio.h>

typedef struct engine {
    clxent_engine id;
    const char *name;
    bool column, group_per_row;
    /* Can it do the problem at all? If not, `reason` says why not. */
    bool (*can)(const clx_problem *problem, const clx_device *device, char reason[128]);
    /* Would one choose it, where it can? */
    bool (*suits)(const clx_problem *problem, const clx_device *device);
    size_t (*group_size)(const clx_problem *problem, const clx_device *device);
} engine;

/* On a GPU, rows of up to this many classes are left to a work-item each. */
#define FEW_CLASSES 32

static size_t least(size_t a, size_t b) {
    return a < b ? a : b;
}

static size_t power_of_two_within(size_t value) {
    size_t power = 1;
    while (power <= value / 2)
        power *= 2;
    return power;
}

/* ---- column ---- */

static bool column_can(const clx_problem *problem, const clx_device *device, char reason[128]) {
    (void)problem, (void)device, (void)reason;
    return true;
}

static bool column_suits(const clx_problem *problem, const clx_device *device) {
    (void)device;
    return problem->desc.inner > 1;
}

static size_t item_group_size(const clx_problem *problem, const clx_device *device) {
    (void)problem;
    return device->simt ? least(64, device->max_work_group) : 1;
}

/* ---- row_per_group ---- */

/* Local memory for the largest state that an operation folds: four values for each work-item. */
static size_t group_state_bytes(const clx_problem *problem, size_t items) {
    return items * 4 * problem->real_size;
}

static bool row_per_group_can(const clx_problem *problem, const clx_device *device, char reason[128]) {
    if (problem->desc.inner > 1) {
        snprintf(reason, 128, "inner is %zu, it needs the classes of a row side by side", problem->desc.inner);
        return false;
    }
    size_t items = problem->desc.work_group_size > 0 ? problem->desc.work_group_size : 1;
    if (group_state_bytes(problem, items) > device->local_memory) {
        snprintf(reason, 128, "%zu work-items need %zu bytes of local memory, the device has %zu", items,
                 group_state_bytes(problem, items), device->local_memory);
        return false;
    }
    return true;
}

static bool row_per_group_suits(const clx_problem *problem, const clx_device *device) {
    return device->simt && problem->op->walks(problem) && problem->desc.classes > FEW_CLASSES;
}

/* Enough work-items to take a row in a few steps, as far as the device goes. */
static size_t row_group_size(const clx_problem *problem, const clx_device *device) {
    size_t wanted = problem->desc.classes <= 1024 ? 64 : 256;
    size_t fitting = device->local_memory / group_state_bytes(problem, 1);
    return power_of_two_within(least(wanted, least(device->max_work_group, fitting > 0 ? fitting : 1)));
}

/* ---- row_per_item ---- */

static bool row_per_item_can(const clx_problem *problem, const clx_device *device, char reason[128]) {
    (void)device;
    if (problem->desc.inner > 1) {
        snprintf(reason, 128, "inner is %zu, it needs the classes of a row side by side", problem->desc.inner);
        return false;
    }
    return true;
}

static bool row_per_item_suits(const clx_problem *problem, const clx_device *device) {
    (void)problem, (void)device;
    return true;
}

/* The last one accepts everything. */
static const engine engines[] = {
    {CLXENT_ENGINE_ROW_PER_GROUP, "row_per_group", false, true, row_per_group_can, row_per_group_suits, row_group_size},
    {CLXENT_ENGINE_ROW_PER_ITEM, "row_per_item", false, false, row_per_item_can, row_per_item_suits, item_group_size},
    {CLXENT_ENGINE_COLUMN, "column", true, false, column_can, column_suits, item_group_size},
};
enum { ENGINES = sizeof engines / sizeof engines[0] };

/* Vectors as wide as the device's own on a CPU; on a GPU 16 bytes along a row, one element where work-items lie side by
 * side. */
static size_t lanes_for(const clx_problem *problem, const clx_device *device, const engine *chosen) {
    bool wide = problem->real_size == sizeof(double);
    if (!device->cpu)
        return chosen->column ? 1 : 16 / problem->real_size;
    size_t native = power_of_two_within(wide ? device->double_lanes : device->float_lanes);
    return native < 4 ? 4 : least(native, 16);
}

/* At most so many loop iterations a work-item spends on one row, or one vector of rows: every vector of classes is
 * loaded, reduced (in two loops) and mapped, with no loop unrolled, and then some for the rest. */
static size_t iterations_per_piece(const clx_problem *problem, const clx_geometry *geometry) {
    size_t classes_per_step =
        geometry->column ? 1 : geometry->lanes * (geometry->group_per_row ? geometry->group_size : 1);
    return (problem->desc.classes + classes_per_step - 1) / classes_per_step * 5 + 256;
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

static clxent_status decide(const clx_problem *problem, const clx_device *device, const engine *chosen,
                            clx_geometry *geometry) {
    size_t forced = problem->desc.work_group_size;
    if (forced > device->max_work_group)
        return clx_fail(CLXENT_UNSUPPORTED, "work_group_size is %zu, the device allows %zu", forced,
                        device->max_work_group);
    geometry->engine = chosen->id;
    geometry->name = chosen->name;
    geometry->column = chosen->column;
    geometry->group_per_row = chosen->group_per_row;
    geometry->lanes = lanes_for(problem, device, chosen);
    geometry->group_size = forced > 0 ? forced : chosen->group_size(problem, device);
    return clx_engine_check_loops(problem, device, geometry);
}

clxent_status clx_engine_choose(const clx_problem *problem, const clx_device *device, clx_geometry *geometry) {
    char reason[128] = "";
    for (size_t i = 0; i < ENGINES; i++) {
        bool forced = problem->desc.engine == engines[i].id;
        if (problem->desc.engine != CLXENT_ENGINE_AUTO && !forced)
            continue;
        if (engines[i].can(problem, device, reason) && (forced || engines[i].suits(problem, device)))
            return decide(problem, device, &engines[i], geometry);
    }
    return clx_fail(CLXENT_UNSUPPORTED, "engine %s cannot do this: %s", clx_engine_name(problem->desc.engine), reason);
}

/* Rows, or vectors of rows: what a work-item, or a work-group, takes one of at a time. */
static size_t pieces_of(const clx_problem *problem, const clx_geometry *geometry) {
    if (!geometry->column)
        return problem->rows;
    return problem->desc.batch * ((problem->desc.inner + geometry->lanes - 1) / geometry->lanes);
}

size_t clx_engine_global_size(const clx_problem *problem, const clx_device *device, const clx_geometry *geometry) {
    size_t pieces = pieces_of(problem, geometry), group = geometry->group_size;
    /* Enough workers to balance the cores of a CPU, or to fill a GPU several times over. */
    size_t each = geometry->group_per_row ? 32 : device->simt ? 2048 : 8;
    size_t workers = least(pieces, device->compute_units * each);
    if (device->loop_limit > 0) {
        size_t pieces_per_worker = device->loop_limit / iterations_per_piece(problem, geometry);
        size_t needed = (pieces + pieces_per_worker - 1) / pieces_per_worker;
        workers = workers > needed ? workers : needed;
    }
    return geometry->group_per_row ? workers * group : (workers + group - 1) / group * group;
}

const char *clx_engine_name(clxent_engine id) {
    for (size_t i = 0; i < ENGINES; i++)
        if (engines[i].id == id)
            return engines[i].name;
    return "auto";
}
