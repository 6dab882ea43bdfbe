/* The table of devices that were measured, and what follows from facts for all others. */
#include "geometry.h"

#include <string.h>

/* The first row that fits counts. Only devices on which `clxent tune` has run are here, under what it has printed. */
static const clx_tuning measured[] = {
    {.vendor = "Mesa", .name = "llvmpipe", .few_classes = 32, .short_group = 32, .long_group = 32, .item_group = 32},
    {.vendor = NULL}, /* the end */
};

#define FEW_CLASSES 32
#define SHORT_ROW 1024
#define SHORT_GROUP 64
#define LONG_GROUP 256
#define ITEM_GROUP 64
#define UNIT_GROUPS 32
#define UNIT_ITEMS_SIMT 2048
#define UNIT_ITEMS_CPU 8

/* Groups that should find room in the local memory of a compute unit, so that one can compute while others wait for
 * memory. Devices tell what one group may have, which is half of what a unit has, or less, on most of them. */
#define KEEPING_GROUPS 2

size_t clx_power_of_two(size_t value) {
    size_t power = 1;
    while (power <= value / 2)
        power *= 2;
    return power;
}

const clx_tuning *clx_tuning_measured(const clx_device *device) {
    for (const clx_tuning *row = measured; row->vendor != NULL; row++)
        if (strstr(device->vendor, row->vendor) != NULL && strstr(device->name, row->name) != NULL)
            return row;
    return NULL;
}

/* A group that the device takes, whole in its hardware's own groups. */
static size_t group_of(const clx_device *device, size_t wanted) {
    size_t group = wanted > device->group_multiple ? wanted : device->group_multiple;
    return clx_power_of_two(group < device->max_work_group ? group : device->max_work_group);
}

static void take(size_t *number, size_t from_row) {
    if (from_row > 0)
        *number = from_row;
}

clx_tuning clx_tuning_of(const clx_device *device) {
    clx_tuning t = {.vendor = device->vendor, .name = device->name};
    t.few_classes = FEW_CLASSES;
    t.short_row = SHORT_ROW;
    t.short_group = group_of(device, SHORT_GROUP);
    t.long_group = group_of(device, LONG_GROUP);
    t.item_group = device->simt ? group_of(device, ITEM_GROUP) : 1;
    t.unit_groups = UNIT_GROUPS;
    t.unit_items = device->simt ? UNIT_ITEMS_SIMT : UNIT_ITEMS_CPU;
    t.kept_bytes = device->local_memory / KEEPING_GROUPS;
    const clx_tuning *row = clx_tuning_measured(device);
    if (row != NULL) {
        take(&t.few_classes, row->few_classes);
        take(&t.short_group, row->short_group);
        take(&t.long_group, row->long_group);
        take(&t.item_group, row->item_group);
    }
    return t;
}
