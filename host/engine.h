/* Engines: the ways to walk the rows, what each can do, and with which geometry. Calls no OpenCL. */
#ifndef CLX_ENGINE_H
#define CLX_ENGINE_H

#include "device.h"
#include "problem.h"

/* What is decided before a program is built. */
typedef struct clx_geometry {
    clxent_engine engine;
    const char *name;   /* "row_per_item"; its kernel file is engine_row_per_item.cl */
    bool column;        /* lanes are neighbouring rows, not neighbouring classes */
    bool group_per_row; /* the work-items of a group share a row, and group_size is compiled in */
    size_t lanes;       /* width of a vector */
    size_t group_size;  /* work-items of a work-group */
} clx_geometry;

/* Decides for the engine that the descriptor forces, or the first in the list that suits the problem and the device.
 * Refuses with UNSUPPORTED and the reason. */
clxent_status clx_engine_choose(const clx_problem *problem, const clx_device *device, clx_geometry *geometry);

/* Refuses with UNSUPPORTED where a row takes more loop iterations than the device can do; clx_engine_choose has asked
 * this already, for its own group_size. */
clxent_status clx_engine_check_loops(const clx_problem *problem, const clx_device *device,
                                     const clx_geometry *geometry);

/* Work-items to launch, a multiple of group_size; problem->rows is not 0. */
size_t clx_engine_global_size(const clx_problem *problem, const clx_device *device, const clx_geometry *geometry);

const char *clx_engine_name(clxent_engine engine);

#endif
