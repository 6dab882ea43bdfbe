/* The numbers that engines take on a device: sizes of work-groups, how many of them, what is kept in local memory. From a
 * small table of devices that were measured, and from facts about the device where that says nothing. Calls no OpenCL. */
#ifndef CLX_GEOMETRY_H
#define CLX_GEOMETRY_H

#include "device.h"

typedef struct clx_tuning {
    /* What a row of the table has, as `clxent tune` prints it; 0 stands for what follows from facts. */
    const char *vendor, *name; /* parts of the device's vendor and name; "" fits any */
    size_t few_classes;        /* rows of up to so many classes are done side by side */
    size_t short_group;        /* work-items that share a short row, */
    size_t long_group;         /* and a long one */
    size_t item_group;         /* work-items of a group where nobody shares a row */

    /* What always follows from facts. */
    size_t short_row;   /* classes of the longest row for which the smaller group is meant */
    size_t unit_groups; /* groups that share rows, and */
    size_t unit_items;  /* work-items that do not, launched for each compute unit at most */
    size_t kept_bytes;  /* local memory in which a group may keep what it has read */
} clx_tuning;

/* The row of the table that fits the device, or NULL; and the numbers to use, none of which is 0 but kept_bytes. */
const clx_tuning *clx_tuning_measured(const clx_device *device);
clx_tuning clx_tuning_of(const clx_device *device);

/* The largest power of two that is no larger; of 0, 1. */
size_t clx_power_of_two(size_t value);

#endif
