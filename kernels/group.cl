/* Sharing a row among the GROUP work-items of a group, for the engines row_per_group and row_split (SHARED_ROWS 1).
 *
 * Neighbouring work-items read neighbouring vectors. A row is reduced in chunks of CHUNK classes: each work-item folds its
 * share of the chunk, the shares are merged in a tree in local memory, and chunk joins chunk in ascending order. So the
 * bits of a row depend on GROUP, but neither on how many rows there are nor on how many groups work on them.
 *
 * A row that is reduced and then mapped is read from memory once where it fits into local memory: it is copied there first. */

#if SHARED_ROWS
#define CHUNK 16384                   /* classes, a multiple of every LANES; host/engine.h has it too */
#define BLOCK 4                       /* vectors that a work-item reduces together */
#define GROUP_STEP ((long)GROUP * LANES) /* classes that the group takes in one step */

#if STAGED
/* Copies a vector of what the operation reads to the tile, from class c on. */
static void keep_vector(const op_args *a, const where *w, long c) {
    load_staged(TILE_SOURCE(a, 0), w, c, 0) = load_class(TILE_SOURCE(a, 0), w, c);
#if TILES > 1
    load_staged(TILE_SOURCE(a, 1), w, c, 1) = load_class(TILE_SOURCE(a, 1), w, c);
#endif
}

/* Of a row that is no longer than a chunk, all vectors that this work-item is going to reduce and map. They are nobody else's,
 * so there is nobody to wait for. */
static void keep_share(const op_args *a, const where *w) {
    long c = (long)get_local_id(0) * LANES;
    for (; c + (UNIT - 1) * GROUP_STEP + LANES <= a->classes; c += UNIT * GROUP_STEP) {
#pragma unroll
        for (int j = 0; j < UNIT; j++)
            keep_vector(a, w, c + j * GROUP_STEP);
    }
    for (; c + LANES <= a->classes; c += GROUP_STEP)
        keep_vector(a, w, c);
    if (c < a->classes) {
        where narrow = narrowed(w, (int)(a->classes - c));
        keep_vector(a, &narrow, c);
    }
}
#endif

#if REDUCES
#if defined(POCL_DEVICE_ADDRESS_BITS) && GROUP > 1
#define APART __attribute__((noinline)) /* from loops with barriers, on which PoCL's compiler aborts (docs/devices.md) */
#else
#define APART
#endif

/* This work-item's share of the classes [first, end). */
static APART row_state reduce_share(const op_args *a, const where *w, long first, long end) {
    lane_state s = op_start();
    long c = first + (long)get_local_id(0) * LANES;
    for (; c + (BLOCK - 1) * GROUP_STEP + LANES <= end; c += BLOCK * GROUP_STEP)
        op_absorb_block(&s, a, w, c, BLOCK);
    for (; c + LANES <= end; c += GROUP_STEP)
        op_absorb(&s, a, w, c, lanes_between(0, LANES));
    if (c < end) { /* true for one work-item at most: the ragged end */
        where narrow = narrowed(w, (int)(end - c));
        op_absorb(&s, a, &narrow, c, lanes_between(0, narrow.live));
    }
    return op_fold(&s);
}

/* Merges the states of all work-items into shared[0], in a tree. */
static void merge_group(__local row_state *shared) {
    int item = (int)get_local_id(0);
    for (int width = GROUP; width > 1; width = (width + 1) / 2) {
        int other = item + (width + 1) / 2;
        barrier(CLK_LOCAL_MEM_FENCE);
        if (other < width) {
            row_state earlier = shared[item], later = shared[other];
            shared[item] = op_merge(&earlier, &later);
        }
    }
    barrier(CLK_LOCAL_MEM_FENCE);
}
#endif

#if MAPS
/* Maps the classes that are the group's to write, and corrects single ones behind that. */
static void map_shared(const op_args *a, const where *w, const row_map *m) {
    long c = w->first + (long)get_local_id(0) * LANES;
    for (; c + (UNIT - 1) * GROUP_STEP + LANES <= w->end; c += UNIT * GROUP_STEP)
        map_unit(a, w, m, c, GROUP_STEP);
    for (; c + LANES <= w->end; c += GROUP_STEP)
        map_one(a, w, m, c);
    if (c < w->end) {
        where narrow = narrowed(w, (int)(w->end - c));
        map_one(a, &narrow, m, c);
    }
    barrier(CLK_GLOBAL_MEM_FENCE); /* the patch comes after whoever mapped that class */
    if (get_local_id(0) == 0)
        op_patch(a, w, m);
}
#endif
#endif
