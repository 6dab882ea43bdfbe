/* Engines: the ways to walk the rows, what each can do, and with which geometry. Calls no OpenCL. */
#ifndef CLX_ENGINE_H
#define CLX_ENGINE_H

#include "device.h"
#include "problem.h"

/* What the lanes of a vector are, as in kernels/layout.cl: neighbouring classes of a row, inner positions, or rows. */
typedef enum clx_layout { CLX_CLASSES_ALONG, CLX_POSITIONS_ALONG, CLX_ROWS_ALONG } clx_layout;

/* What is decided before a program is built. */
typedef struct clx_geometry {
    clxent_engine engine;
    const char *name;  /* "row_per_item" */
    const char *file;  /* of its kernel: engine_FILE.cl */
    clx_layout layout; /* what the lanes of a vector are */
    bool shared_rows;  /* the work-items of a group share a row, and group_size is compiled in */
    bool splits;       /* several groups share a row, a chunk each: three launches, see engine_row_split.cl */
    size_t lanes;      /* width of a vector */
    size_t tile;       /* vectors of a tile of each work-item's own that rows are copied into; 0: none */
    size_t local_tile; /* the same in local memory, of each tensor that is copied */
    size_t group_size; /* work-items of a work-group */
    bool keeps_row;    /* a work-item keeps exponentials of a short row of its own */
} clx_geometry;

/* Classes that a group reduces at a time where it shares rows, as in kernels/group.cl; chunks of a row. */
#define CLX_CHUNK ((size_t)16384)
size_t clx_row_chunks(const clx_problem *problem);

/* Decides for the engine that the descriptor forces, or the first in the list that suits the problem and the device.
 * Refuses with UNSUPPORTED and the reason. */
clxent_status clx_engine_choose(const clx_problem *problem, const clx_device *device, clx_geometry *geometry);

/* Why an engine is in use or not, in a plan that uses `in_use`: what it cannot do, or what decides. `asked` is never AUTO. */
#define CLX_REASON 128 /* bytes of a reason, its end included */
void clx_engine_reason(const clx_problem *problem, const clx_device *device, clxent_engine in_use, clxent_engine asked,
                       char reason[CLX_REASON]);

/* Refuses with UNSUPPORTED where a row takes more loop iterations than the device can do; clx_engine_choose has asked
 * this already, for its own group_size. */
clxent_status clx_engine_check_loops(const clx_problem *problem, const clx_device *device,
                                     const clx_geometry *geometry);

/* Local memory for local_tile. */
size_t clx_engine_local_bytes(const clx_problem *problem, const clx_geometry *geometry);

/* Work-items to launch over the rows (or chunks of rows), a multiple of group_size; problem->rows is not 0. */
size_t clx_engine_global_size(const clx_problem *problem, const clx_device *device, const clx_geometry *geometry);

const char *clx_engine_name(clxent_engine engine);

#endif
