/* What a plan over processes holds. */
#ifndef CLX_MPI_PLAN_H
#define CLX_MPI_PLAN_H

#include "group.h"

enum { CLX_MPI_PLANES = 6 }; /* of a partial: top, sum, logit, weight, linear, masses */

/* Some of a number of things: [first, first + count). */
typedef struct clx_mpi_piece {
    size_t first, count;
} clx_mpi_piece;

/* The piece of a rank, of `all` that are dealt out as evenly as can be. */
static inline clx_mpi_piece clx_mpi_piece_of(size_t all, int ranks, int rank) {
    const size_t each = all / (size_t)ranks, more = all % (size_t)ranks, r = (size_t)rank;
    return (clx_mpi_piece){each * r + (r < more ? r : more), each + (r < more)};
}

/* A block of rows, and this rank's slice of it, which it merges. */
typedef struct clx_mpi_block {
    size_t first_entry; /* of the batch */
    size_t first_row, rows;
    clx_mpi_piece slice;          /* of the rows of the block */
    clxent_plan *forward, *merge; /* merge: NULL for a slice without rows */
} clx_mpi_block;

/* All blocks have as many batch entries, but for the last, which may have fewer. */
typedef struct clx_mpi_kind {
    size_t batch;
    clxent_plan *forward, *merge;
} clx_mpi_kind;

struct clxent_mpi_plan {
    clxent_mpi_group *group;
    clxent_desc desc; /* of this rank's shard, with its place among the classes */
    bool has_backward;
    size_t rows;                                 /* batch * inner */
    size_t entry_bytes;                          /* from one batch entry of the input to the next */
    size_t storage_size, real_size, target_size; /* of a logit, of a number, of a class index */
    size_t blocks, most_rows, most_slice;        /* of a block, of a slice: the most that there are */
    clx_mpi_kind kinds[2];                       /* of all blocks but the last; of the last */
    clxent_plan *whole, *backward;               /* the merge that is left when all is merged, and the gradient */
    cl_mem partial[2];                           /* (6, rows of a block): of two blocks by turns */
    cl_mem parts;                                /* (ranks, 6, rows of a slice) */
    cl_mem slice_merged, slice_loss;             /* (6, rows of a slice), (rows of a slice) */
    cl_mem merged;                               /* (6, rows) */
    cl_mem weight_sum, workspace;                /* workspace: NULL where none is needed */
    char *partial_host[2], *parts_host, *slice_host, *merged_host; /* the same shapes */
    char *send, *received;          /* planes of each slice of a block, to and from all ranks */
    char *gathered_from, *gathered; /* planes of the merged slice, of this rank and of all */
    int *send_count, *send_at, *receive_count, *receive_at, *gather_count, *gather_at; /* for each rank */
    MPI_Datatype real;
    size_t sum_batch;           /* batch entries of grad_input that are summed at a time; 0: none are */
    char *sum_parts, *sum_part; /* a slice of those from all ranks, and their sum; sum_rows: the entries themselves */
    char *sum_rows;
    bool ready;             /* does `merged` hold what a forward pass has left? */
    cl_event backward_done; /* NULL: none is under way */
    clxent_mpi_info info;
};

/* The block of this number. */
clx_mpi_block clx_mpi_block_of(const clxent_mpi_plan *plan, size_t number);

/* Are the shards of all ranks one loss? Fills in the place of this rank's. All ranks give the same answer. */
clxent_status clx_mpi_place_shard(clxent_mpi_group *group, clxent_desc *desc, size_t blocks);

/* Buffers and arrays of a plan, whose shape is set. */
clxent_status clx_mpi_allocate(clxent_mpi_plan *plan, cl_context cl);
void clx_mpi_free(clxent_mpi_plan *plan);

/* All members of the arguments, those that the caller's version lacks being absent, with what is the plan's own. */
clxent_status clx_mpi_take_args(const clxent_mpi_plan *plan, const clxent_args *args, clxent_args *taken);

/* Would the backward pass take these? `taken` is what it takes. */
clxent_status clx_mpi_check_backward(cl_command_queue queue, clxent_mpi_plan *plan, const clxent_args *args,
                                     clxent_args *taken, cl_uint wait_count, const cl_event *wait_list);

/* What ranks must agree in, of these arguments, as the detail of a call. */
int64_t clx_mpi_given(const clxent_args *args);

#endif
