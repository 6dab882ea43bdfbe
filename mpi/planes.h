/* The planes of partials that go over the wire, and how they are packed for it. */
#ifndef CLX_MPI_PLANES_H
#define CLX_MPI_PLANES_H

#include "plan.h"

/* The planes that a loss needs of each shard, in ascending order. What stays at home is known there: without class weights the weight of
 * a row is 1, and without smoothing linear and masses are 0. */
typedef struct clx_mpi_planes {
    size_t count;
    size_t plane[CLX_MPI_PLANES];
    bool weighted;
} clx_mpi_planes;

clx_mpi_planes clx_mpi_planes_of(bool weighted, bool smoothed);

/* From the partial of a block, slice by slice, to what is sent to each rank; sets what is sent and what comes. */
void clx_mpi_pack_block(clxent_mpi_plan *plan, const clx_mpi_planes *planes, const clx_mpi_block *block,
                        const char *partial);

/* From what came from each rank to the partials of a slice. */
void clx_mpi_unpack_slice(clxent_mpi_plan *plan, const clx_mpi_planes *planes, const clx_mpi_block *block);

/* From the merged slice to what all get of it; sets what comes from whom. */
void clx_mpi_pack_merged(clxent_mpi_plan *plan, const clx_mpi_planes *planes, const clx_mpi_block *block);

/* From what all have merged of a block to the merged numbers of all rows. */
void clx_mpi_unpack_merged(clxent_mpi_plan *plan, const clx_mpi_planes *planes, const clx_mpi_block *block);

/* Sets the weight of all rows to 1, where it does not come over the wire. */
void clx_mpi_fill_weights(clxent_mpi_plan *plan, const clx_mpi_planes *planes);

#endif
