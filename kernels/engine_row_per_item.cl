/* Engine: one work-item takes a row, with vectors of LANES classes. For CPUs, where a work-item is a thread's loop.
 *
 * Each work-item takes a contiguous share of the rows. The ragged end of a row is one more vector that overlaps the one
 * before it: its lanes that were seen already are masked when reducing, and written twice, with the same values, when
 * mapping. For that to hold in place it is mapped first and stored last. Where reducing writes, it is a narrower vector. The first
 * vector is treated so too where vectors are streamed, from the first place on that is aligned to them. */

#define BLOCK 64 /* vectors: 2 or 4 KiB, well inside the nearest cache */

/* What has been kept is relative to the maxima of the lanes; to the row's, in the end. */
#if KEEPS && KEEPS_ROW
#define KEEP_IN(array, a, w)                                                                                           \
    (w)->kept = KEEPS_NOW(a) && (a)->classes >= LANES && (a)->classes < (BLOCK + 1) * LANES ? (array) : NULL
#define KEEP_TOPS(w, s) (w)->rise = KEPT_TOP(s)
#define RAISE_KEPT(w, m)                                                                                               \
    if ((w)->kept != NULL)                                                                                             \
    (w)->rise = exp_minus_lanes((lanes)((m)->top) - (w)->rise)
#else
#define KEEP_IN(array, a, w)
#define KEEP_TOPS(w, s)
#define RAISE_KEPT(w, m)
#endif

#if REDUCES
static row_state reduce_row(const op_args *a, where *w) {
    lane_state s = op_start();
    if (a->classes < LANES) {
        where narrow = narrowed(w, (int)a->classes);
        op_absorb(&s, a, &narrow, 0, lanes_between(0, (int)a->classes));
        return op_fold(&s);
    }
    long c = 0;
    while (c + LANES <= a->classes) {
        int count = (int)min((long)BLOCK, (a->classes - c) / LANES);
        op_absorb_block(&s, a, w, c, count);
        KEEP_TOPS(w, &s);
        c += (long)count * LANES;
    }
#if ABSORB_WRITES
    if (c < a->classes) {
        where narrow = narrowed(w, (int)(a->classes - c));
        op_absorb(&s, a, &narrow, c, lanes_between(0, narrow.live));
    }
#else
    if (c < a->classes)
        op_absorb(&s, a, w, a->classes - LANES, lanes_between((int)(c - (a->classes - LANES)), LANES));
#endif
    return op_fold(&s);
}
#endif

#if MAPS
/* Elements from p to the next multiple of a vector's size. */
static long to_aligned(__global const storage *p) {
    return (long)(-(size_t)p & (sizeof(storage) * LANES - 1)) / (long)sizeof(storage);
}

/* All whole vectors, but for what streaming leaves at the row's start. */
static void map_whole(const op_args *a, const where *w, const row_map *m) {
#if !MAP_IS_REAL
    if (IS_STREAMED(a)) {
        __global storage *row = MAP_TARGET(a) + w->element;
        lanes first = map_class(a, w, m, 0);
        for (long c = to_aligned(row); c + LANES <= a->classes; c += LANES)
            STREAM_STORAGE(map_class(a, w, m, c), row + c);
        MAP_STORE(first, MAP_TARGET(a), w, 0);
        return;
    }
#endif
    for (long c = 0; c + LANES <= a->classes; c += LANES)
        map_one(a, w, m, c);
}

static void map_row(const op_args *a, const where *w, const row_map *m) {
    if (a->classes < LANES) {
        where narrow = narrowed(w, (int)a->classes);
        map_one(a, &narrow, m, 0);
        return;
    }
    where apart = where_is(a, w->row, w->element, LANES);
    lanes last = map_class(a, &apart, m, a->classes - LANES);
    map_whole(a, w, m);
    MAP_STORE(last, MAP_TARGET(a), w, a->classes - LANES);
}
#endif

__kernel void row_op(OP_PARAMETERS) {
    OP_ARGUMENTS(a);
    share rows = share_of(a.batch);
#if KEEPS && KEEPS_ROW
    lanes kept[BLOCK];
#endif
    for (long row = rows.first; row < rows.end; row++) {
        where w = where_is(&a, row, row * a.row_stride, LANES);
        KEEP_IN(kept, &a, &w);
        row_state s = STATE_OF_ROW(reduce_row(&a, &w), &a, &w);
        row_map m;
        op_finish(&a, &w, &s, true, &m);
#if MAPS
        RAISE_KEPT(&w, &m);
        map_row(&a, &w, &m);
        op_patch(&a, &w, &m);
#endif
    }
}
