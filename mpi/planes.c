/* Planes of partials, packed and unpacked: a plane of a slice is contiguous everywhere. */
#include "planes.h"

#include <string.h>

enum { WEIGHT = 3 }; /* of the planes top, sum, logit, weight, linear, masses */

clx_mpi_planes clx_mpi_planes_of(bool weighted, bool smoothed) {
    clx_mpi_planes planes = {.count = 3, .plane = {0, 1, 2}, .weighted = weighted};
    if (weighted)
        planes.plane[planes.count++] = WEIGHT;
    if (smoothed) {
        planes.plane[planes.count++] = 4;
        planes.plane[planes.count++] = 5;
    }
    return planes;
}

void clx_mpi_pack_block(clxent_mpi_plan *plan, const clx_mpi_planes *planes, const clx_mpi_block *block,
                        const char *partial) {
    const size_t size = plan->real_size;
    char *to = plan->send;
    for (int rank = 0; rank < plan->group->ranks; rank++) {
        const clx_mpi_piece slice = clx_mpi_piece_of(block->rows, plan->group->ranks, rank);
        for (size_t i = 0; i < planes->count; i++, to += slice.count * size)
            memcpy(to, partial + (planes->plane[i] * block->rows + slice.first) * size, slice.count * size);
        plan->send_count[rank] = (int)(planes->count * slice.count);
        plan->send_at[rank] = (int)(planes->count * slice.first);
        plan->receive_count[rank] = (int)(planes->count * block->slice.count);
        plan->receive_at[rank] = rank * plan->receive_count[rank];
    }
}

void clx_mpi_unpack_slice(clxent_mpi_plan *plan, const clx_mpi_planes *planes, const clx_mpi_block *block) {
    const size_t bytes = block->slice.count * plan->real_size;
    const char *from = plan->received;
    for (int rank = 0; rank < plan->group->ranks; rank++) {
        char *part = plan->parts_host + (size_t)rank * CLX_MPI_PLANES * bytes;
        for (size_t i = 0; i < planes->count; i++, from += bytes)
            memcpy(part + planes->plane[i] * bytes, from,
                   bytes); /* of the others nothing is looked at when it is merged */
    }
}

void clx_mpi_pack_merged(clxent_mpi_plan *plan, const clx_mpi_planes *planes, const clx_mpi_block *block) {
    const size_t bytes = block->slice.count * plan->real_size;
    for (size_t i = 0; i < planes->count; i++)
        memcpy(plan->gathered_from + i * bytes, plan->slice_host + planes->plane[i] * bytes, bytes);
    for (int rank = 0; rank < plan->group->ranks; rank++) {
        const clx_mpi_piece slice = clx_mpi_piece_of(block->rows, plan->group->ranks, rank);
        plan->gather_count[rank] = (int)(planes->count * slice.count);
        plan->gather_at[rank] = (int)(planes->count * slice.first);
    }
}

void clx_mpi_unpack_merged(clxent_mpi_plan *plan, const clx_mpi_planes *planes, const clx_mpi_block *block) {
    const size_t size = plan->real_size;
    const char *from = plan->gathered;
    for (int rank = 0; rank < plan->group->ranks; rank++) {
        const clx_mpi_piece slice = clx_mpi_piece_of(block->rows, plan->group->ranks, rank);
        for (size_t i = 0; i < planes->count; i++, from += slice.count * size) {
            const size_t row = planes->plane[i] * plan->rows + block->first_row + slice.first;
            memcpy(plan->merged_host + row * size, from, slice.count * size);
        }
    }
}

void clx_mpi_fill_weights(clxent_mpi_plan *plan, const clx_mpi_planes *planes) {
    void *weights = plan->merged_host + WEIGHT * plan->rows * plan->real_size;
    for (size_t i = 0; !planes->weighted && i < plan->rows; i++)
        if (plan->real_size == sizeof(double))
            ((double *)weights)[i] = 1;
        else
            ((float *)weights)[i] = 1;
}
