/* Engine: a work-group of GROUP work-items shares a row. For GPUs.
 *
 * Neighbouring work-items read neighbouring vectors. A row is reduced in chunks of CHUNK classes: each work-item folds its
 * share of the chunk, the shares are merged in a tree in local memory, and chunk joins chunk in ascending order. So the
 * bits of a row depend on GROUP, but neither on how many rows there are nor on how many groups work on them. */

#define CHUNK 16384                   /* a multiple of every LANES */
#define BLOCK 4                       /* vectors that a work-item keeps in registers */
#define GROUP_STEP ((long)GROUP * LANES) /* classes that the group takes in one step */

#if REDUCES
/* This work-item's share of the classes [first, end). */
static row_state reduce_share(const op_args *a, const where *w, long first, long end) {
    lane_state s = op_start();
    long c = first + (long)get_local_id(0) * LANES;
    for (; c + (BLOCK - 1) * GROUP_STEP + LANES <= end; c += BLOCK * GROUP_STEP)
        op_absorb_block(&s, a, w, c, BLOCK);
    for (; c + LANES <= end; c += GROUP_STEP)
        op_absorb(&s, a, w, c, lanes_between(0, LANES));
    if (c < end) { /* true for one work-item at most: the ragged end */
        where narrow = where_is(w->row, w->element, 1, (int)(end - c));
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

/* The state of the whole row, for every work-item. While chunks are merged it lies in local memory, not in a private variable:
 * there is only one of it, and PoCL's compiler cannot carry a double over a loop with barriers (docs/devices.md). */
static row_state reduce_row(const op_args *a, const where *w, __local row_state *shared, __local row_state *total) {
    for (long first = 0; first < a->classes; first += CHUNK) {
        shared[get_local_id(0)] = reduce_share(a, w, first, min(a->classes, first + CHUNK));
        merge_group(shared);
        if (get_local_id(0) == 0) {
            row_state chunk = shared[0];
            if (first > 0) {
                row_state earlier = total[0];
                chunk = op_merge(&earlier, &chunk);
            }
            total[0] = chunk;
        }
    }
    barrier(CLK_LOCAL_MEM_FENCE);
    return total[0];
}
#endif

#if MAPS
static void map_share(const op_args *a, const where *w, const row_map *m) {
    long c = (long)get_local_id(0) * LANES;
    for (; c + (UNIT - 1) * GROUP_STEP + LANES <= a->classes; c += UNIT * GROUP_STEP)
        map_unit(a, w, m, c, GROUP_STEP);
    for (; c + LANES <= a->classes; c += GROUP_STEP)
        store_class(op_map(a, w, m, c), MAP_TARGET(a), w, c);
    if (c < a->classes) {
        where narrow = where_is(w->row, w->element, 1, (int)(a->classes - c));
        store_class(op_map(a, &narrow, m, c), MAP_TARGET(a), &narrow, c);
    }
}
#endif

__kernel __attribute__((reqd_work_group_size(GROUP, 1, 1))) void row_op(OP_PARAMETERS) {
    OP_ARGUMENTS(a);
#if REDUCES
    __local row_state shared[GROUP], total[1];
#endif
    for (long row = (long)get_group_id(0); row < a.batch; row += (long)get_num_groups(0)) {
        where w = where_is(row, row * a.row_stride, 1, LANES);
        row_state s = STATE_OF_ROW(reduce_row(&a, &w, shared, total), &a, &w);
        row_map m;
        op_finish(&a, &w, &s, get_local_id(0) == 0, &m);
#if MAPS
        barrier(CLK_GLOBAL_MEM_FENCE); /* in place: every work-item has read its target's logit */
        map_share(&a, &w, &m);
        barrier(CLK_GLOBAL_MEM_FENCE); /* the patch comes after whoever mapped that class */
        if (get_local_id(0) == 0)
            op_patch(&a, &w, &m);
#endif
    }
}
