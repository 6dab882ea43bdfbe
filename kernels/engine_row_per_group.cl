/* Engine: a work-group of GROUP work-items shares a row. For GPUs. */

#if REDUCES
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

#if STAGED
#define TILE_PARAMETERS , __local lanes *tile, ulong tile_slot
#else
#define TILE_PARAMETERS
#endif

__kernel __attribute__((reqd_work_group_size(GROUP, 1, 1))) void row_op(OP_PARAMETERS TILE_PARAMETERS) {
    OP_ARGUMENTS(a);
#if REDUCES
    __local row_state shared[GROUP], total[1];
#endif
    for (long row = (long)get_group_id(0); row < a.batch; row += (long)get_num_groups(0)) {
        where w = where_is(&a, row, row * a.row_stride, LANES);
#if STAGED
        w.tile = tile;
        w.tile_step = 1;
        w.tile_slot = (long)tile_slot;
        w.kept = false;
        keep_share(&a, &w);
#endif
        row_state s = STATE_OF_ROW(reduce_row(&a, &w, shared, total), &a, &w);
        row_map m;
        op_finish(&a, &w, &s, get_local_id(0) == 0, &m);
#if MAPS
        barrier(CLK_GLOBAL_MEM_FENCE); /* in place: every work-item has read its target's logit */
        map_shared(&a, &w, &m);
#endif
    }
}
