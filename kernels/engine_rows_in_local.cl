/* Engine rows_per_lane on GPUs: a work-item takes a row, out of local memory.
 *
 * A work-group takes as many neighbouring rows as it has work-items. Together they copy classes of them into local memory,
 * where neighbouring work-items read neighbouring elements; then each does the row that is its own, and leaves there what it
 * maps; and together they write that. Rows lie an odd number of elements apart, so that work-items at the same class of
 * their rows are at different banks. Few classes are copied once; a row of more than fit goes through in chunks, once to be
 * reduced and once to be mapped. */

/* What the tile holds. */
typedef struct rows_at_hand {
    long row;         /* the first; and */
    int rows;         /* how many */
    int pitch;        /* elements from one row to the next */
    long first;       /* class, and */
    int count;        /* how many, at most pitch */
    __local lanes *tile;
    long slot;        /* vectors of it that each tensor has */
} rows_at_hand;

/* Where this work-item is in the copying of rows: each steps over as many elements as the group has work-items. */
typedef struct place {
    int row, class, row_step, class_step;
} place;

static place first_place(const rows_at_hand *r) {
    int items = (int)get_local_size(0), item = (int)get_local_id(0);
    place p;
    p.row = item / r->count;
    p.class = item % r->count;
    p.row_step = items / r->count;
    p.class_step = items % r->count;
    return p;
}

static void next_place(const rows_at_hand *r, place *p) {
    p->row += p->row_step;
    p->class += p->class_step;
    if (p->class >= r->count) {
        p->class -= r->count;
        p->row++;
    }
}

#if TILES > 0
static void copy_slot(const op_args *a, const rows_at_hand *r, __global const storage *tensor, __local lanes *tile) {
    __global const storage *from = tensor + r->row * a->row_stride + r->first;
    for (place p = first_place(r); p.row < r->rows; next_place(r, &p))
        tile[p.row * r->pitch + p.class] = from_storage(from + p.row * a->row_stride + p.class);
}
#endif

/* Copies the chunk that begins at a class, for all to see. */
static void copy_in(const op_args *a, rows_at_hand *r, long first) {
    r->first = first;
    r->count = (int)min((long)r->pitch, a->classes - first);
#if TILES >= 1
    copy_slot(a, r, TILE_SOURCE(a, 0), r->tile);
#endif
#if TILES >= 2
    copy_slot(a, r, TILE_SOURCE(a, 1), r->tile + r->slot);
#endif
    barrier(CLK_LOCAL_MEM_FENCE);
}

/* This work-item's own row in the tile. */
static where where_is_mine(const op_args *a, const rows_at_hand *r) {
    long item = (long)get_local_id(0), row = r->row + item;
    where w = where_is(a, row, row * a->row_stride, 1);
    w.tile = r->tile + item * r->pitch;
    w.tile_step = 1;
    w.tile_slot = r->slot;
    w.kept = KEEPS_NOW(a) && r->count == a->classes;
    w.first = r->first;
    w.end = r->first + r->count;
    return w;
}

#if MAPS || ABSORB_WRITES
/* Writes what all have left in the tile, for all to fill it again. In place: every work-item has read its target's logit. */
static void copy_out(const op_args *a, const rows_at_hand *r) {
    barrier(CLK_LOCAL_MEM_FENCE | CLK_GLOBAL_MEM_FENCE);
    for (place p = first_place(r); p.row < r->rows; next_place(r, &p)) {
        long row = r->row + p.row;
        where w = where_is(a, row, row * a->row_stride, 1);
        MAP_STORE(r->tile[p.row * r->pitch + p.class], MAP_TARGET(a), &w, r->first + p.class);
    }
    barrier(CLK_LOCAL_MEM_FENCE);
}
#endif

#if MAPS
static void map_rows(const op_args *a, rows_at_hand *r, const row_map *m, bool whole, bool mine) {
    for (long first = 0; first < a->classes; first += r->pitch) {
        if (!whole)
            copy_in(a, r, first);
        if (mine) {
            where w = where_is_mine(a, r);
            for (long c = w.first; c < w.end; c++)
                w.tile[c - w.first] = map_class(a, &w, m, c);
            op_patch(a, &w, m);
        }
        copy_out(a, r);
    }
}
#endif

/* As many rows as there are work-items, or the last ones. All work-items come here, since they copy for each other. */
static void do_rows(const op_args *a, rows_at_hand *r) {
    const bool whole = a->classes <= r->pitch, mine = (int)get_local_id(0) < r->rows;
    if (whole)
        copy_in(a, r, 0);
#if REDUCES
    lane_state state = op_start();
    for (long first = IS_SAVED(a) ? a->classes : 0; first < a->classes; first += r->pitch) {
        if (!whole)
            copy_in(a, r, first);
        if (mine) {
            where w = where_is_mine(a, r);
            op_absorb_block(&state, a, &w, first, r->count);
        }
#if ABSORB_WRITES
        copy_out(a, r);
#else
        if (!whole)
            barrier(CLK_LOCAL_MEM_FENCE);
#endif
    }
#endif
    row_map m;
    if (mine) {
        where w = where_is_mine(a, r);
        row_state s = STATE_OF_ROW(op_fold(&state), a, &w);
        op_finish(a, &w, &s, true, &m);
    }
#if MAPS
    map_rows(a, r, &m, whole, mine);
#elif !ABSORB_WRITES
    barrier(CLK_LOCAL_MEM_FENCE); /* before the tile is filled with the next rows */
#endif
}

__kernel void row_op(OP_PARAMETERS, __local lanes *tile, ulong tile_slot) {
    OP_ARGUMENTS(a);
    long items = (long)get_local_size(0);
    rows_at_hand r;
    r.tile = tile;
    r.slot = (long)tile_slot;
    r.pitch = ((int)(r.slot / items) - 1) | 1;
    r.first = 0;
    r.count = 0;
    for (r.row = (long)get_group_id(0) * items; r.row < a.batch; r.row += (long)get_num_groups(0) * items) {
        r.rows = (int)min(items, a.batch - r.row);
        do_rows(&a, &r);
    }
}
