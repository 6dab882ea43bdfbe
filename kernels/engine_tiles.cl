/* Engines column and rows_per_lane on a CPU: neighbouring rows side by side in the lanes, out of a tile. What lies far apart in
 * memory is copied together first, in pieces that are long enough for a memory to be fast:
 *
 *   column         (POSITIONS_ALONG) of every class the same run of positions; the classes themselves often lie a power of two
 *                  apart, and would push each other out of the cache
 *   rows_per_lane  (ROWS_ALONG) whole rows, transposed
 *
 * A tile is [classes][width] vectors in the nearest cache. A work-item takes a contiguous share of the strips of `width` vectors
 * of rows. A row of more classes than fit goes through the tile in chunks, once to be reduced and once to be mapped; one
 * that fits is reduced, mapped, corrected and only then written. */

#define ROWS (LAYOUT == ROWS_ALONG)
#define MOST_WIDTH 63 /* longer runs gain nothing */
#define BLOCK 64      /* classes that are reduced at a time */

typedef struct strip {
    long row, element; /* of its first row, as in `where` */
    long rows;         /* at most width * LANES */
    long width;        /* vectors, fewer in the last one */
    long first, count; /* classes that the tile holds */
    long span;         /* elements from the first of its rows to the end of the last */
} strip;

/* An odd width, so that the classes of a tile do not share a few sets of the cache either. */
static long width_for(long classes) {
    return classes > TILE / 2 ? 1 : min((long)MOST_WIDTH, (TILE / classes - 1) | 1);
}

#define ROW_STEP(a) (ROWS ? (a)->row_stride : 1)

/* Vector v of a strip's rows. */
static where where_in_tile(const op_args *a, const strip *s, long v, lanes *tile) {
    long row = v * LANES;
    where w = where_is(a, s->row + row, s->element + row * ROW_STEP(a), (int)min((long)LANES, s->rows - row));
    w.tile = tile + v;
    w.tile_step = s->width;
    w.ahead = s->element + (row + s->width * LANES) * ROW_STEP(a);
    w.ahead_step = ROWS ? LANES : a->inner;
    w.first = s->first;
    w.end = s->first + s->count;
    w.kept = KEEPS_NOW(a) && s->count == a->classes && a->classes <= BLOCK;
    return w;
}

/* ---- memory to tile and back ---- */

#if ROWS

#define LAST_WHOLE(s) ((s)->first + (s)->count - LANES) /* the last class at which a whole vector of classes starts */

/* LANES classes from c on of LANES rows. Some were copied already where c is LAST_WHOLE, and some are beyond the row, and never
 * looked at, where it has fewer. */
static void fill_square(__global const storage *p, long next_row, lanes *tile, long step) {
    lanes square[LANES];
#pragma unroll
    for (int row = 0; row < LANES; row++) {
        PREFETCH(p + row * next_row);
        square[row] = PACK_STORAGE(p + row * next_row);
    }
    transpose(square);
#pragma unroll
    for (int k = 0; k < LANES; k++)
        tile[k * step] = square[k];
}

/* Does the last of these rows' vectors end inside the strip? What follows may be another work-item's. */
static bool ends_inside(const strip *s, const where *w) {
    return (w->element - s->element) + (LANES - 1) * w->next_row + s->first + LANES <= s->span;
}

/* Whole vectors of classes can be read where the rows are whole, and no vector goes beyond the strip. */
static void fill_vector(__global const storage *tensor, const strip *s, const where *w) {
    if (w->live < LANES || (s->count < LANES && !ends_inside(s, w))) {
        for (long c = w->first; c < w->end; c++)
            w->tile[(c - w->first) * w->tile_step] = load_class(tensor, w, c);
        return;
    }
    long last = max(w->first, LAST_WHOLE(s));
    for (long c = w->first; c < w->end; c += LANES) {
        long at = min(c, last);
        fill_square(tensor + w->element + at, w->next_row, w->tile + (at - w->first) * w->tile_step, w->tile_step);
    }
}

static void fill_slot(const op_args *a, __global const storage *tensor, const strip *s, lanes *tile) {
    for (long v = 0; v < s->width; v++) {
        where w = where_in_tile(a, s, v, tile);
        fill_vector(tensor, s, &w);
    }
}

#else

static void fill_slot(const op_args *a, __global const storage *tensor, const strip *s, lanes *tile) {
    for (long c = s->first; c < s->first + s->count; c++)
        for (long v = 0; v < s->width; v++) {
            where w = where_in_tile(a, s, v, tile);
            PREFETCH_AT(tensor + CLASS_ELEMENT(&w, c + 1));
            w.tile[(c - s->first) * s->width] = load_class(tensor, &w, c);
        }
}

#endif

static void fill(const op_args *a, const strip *s, lanes *tile) {
#if TILES >= 1
    fill_slot(a, TILE_SOURCE(a, 0), s, tile);
#endif
#if TILES >= 2
    fill_slot(a, TILE_SOURCE(a, 1), s, tile + TILE);
#endif
}

#if MAPS || ABSORB_WRITES
#if ROWS && !MAP_IS_REAL
/* What rows have above a whole number of vectors is written twice, with the same values. */
static void write_square(const lanes *tile, long step, __global storage *p, long next_row) {
    lanes square[LANES];
#pragma unroll
    for (int k = 0; k < LANES; k++)
        square[k] = tile[k * step];
    transpose(square);
#pragma unroll
    for (int row = 0; row < LANES; row++)
        UNPACK_STORAGE(square[row], p + row * next_row);
}

/* Rows of fewer than LANES classes are written over the beginning of those behind them, which come later; if nothing lies between
 * them. */
static bool writes_squares(const op_args *a, const strip *s, const where *w) {
    if (w->live < LANES || (s->count < LANES && (w->next_row > s->count || !ends_inside(s, w))))
        return false;
    long last = max(w->first, LAST_WHOLE(s));
    for (long c = w->first; c < w->end; c += LANES) {
        long at = min(c, last);
        write_square(w->tile + (at - w->first) * w->tile_step, w->tile_step, MAP_TARGET(a) + w->element + at,
                     w->next_row);
    }
    return true;
}
#else
#define writes_squares(a, s, w) false
#endif

static void write_vector(const op_args *a, const strip *s, const where *w, long c) {
    MAP_STORE(w->tile[(c - s->first) * s->width], MAP_TARGET(a), w, c);
}

static void write(const op_args *a, const strip *s, lanes *tile) {
#if ROWS
    for (long v = 0; v < s->width; v++) {
        where w = where_in_tile(a, s, v, tile);
        if (writes_squares(a, s, &w))
            continue;
        for (long c = s->first; c < s->first + s->count; c++)
            write_vector(a, s, &w, c);
    }
#else
    for (long c = s->first; c < s->first + s->count; c++)
        for (long v = 0; v < s->width; v++) {
            where w = where_in_tile(a, s, v, tile);
            write_vector(a, s, &w, c);
        }
#endif
}
#endif

/* ---- a strip ---- */

static void next_chunk(const op_args *a, strip *s, long first, lanes *tile) {
    s->first = first;
    s->count = min((long)TILE, a->classes - first);
    fill(a, s, tile);
}

/* One vector of rows. Where they do not fit into the tile they are all that goes through it. */
static void do_vector(const op_args *a, strip *s, long v, lanes *tile) {
    bool whole = s->count == a->classes;
#if REDUCES
    lane_state state = op_start();
    for (long first = IS_SAVED(a) ? a->classes : 0; first < a->classes; first += TILE) {
        if (!whole)
            next_chunk(a, s, first, tile);
        where w = where_in_tile(a, s, v, tile);
        for (long c = w.first; c < w.end; c += BLOCK)
            op_absorb_block(&state, a, &w, c, (int)min((long)BLOCK, w.end - c));
#if ABSORB_WRITES
        if (!whole)
            write(a, s, tile);
#endif
    }
#endif
    where w = where_in_tile(a, s, v, tile);
    row_state reduced = STATE_OF_ROW(op_fold(&state), a, &w);
    row_map m;
    op_finish(a, &w, &reduced, true, &m);
#if MAPS
    for (long first = 0; first < a->classes; first += TILE) {
        if (!whole)
            next_chunk(a, s, first, tile);
        w = where_in_tile(a, s, v, tile);
        for (long c = w.first; c < w.end; c++)
            w.tile[(c - w.first) * w.tile_step] = map_class(a, &w, &m, c);
        op_patch(a, &w, &m);
        if (!whole)
            write(a, s, tile);
    }
#endif
}

static void do_strip(const op_args *a, strip *s, lanes *tile) {
    s->first = 0;
    s->count = min((long)TILE, a->classes);
    bool whole = s->count == a->classes;
    if (whole)
        fill(a, s, tile);
    for (long v = 0; v < s->width; v++)
        do_vector(a, s, v, tile);
#if MAPS || ABSORB_WRITES
    if (whole)
        write(a, s, tile);
#endif
}

__kernel void row_op(OP_PARAMETERS) {
    OP_ARGUMENTS(a);
    lanes tile[(TILES > 1 ? TILES : 1) * TILE];
    long rows = ROWS ? a.batch : a.inner; /* side by side */
    long width = width_for(a.classes), strips = (rows + width * LANES - 1) / (width * LANES);
    share mine = share_of(ROWS ? strips : a.batch * strips);
    for (long at = mine.first; at < mine.end; at++) {
        long n = ROWS ? 0 : at / strips, j = at % strips * width * LANES;
        strip s;
        s.rows = min(rows - j, width * LANES);
        s.row = n * rows + j;
        s.element = n * a.row_stride + j * ROW_STEP(&a);
        s.width = (s.rows + LANES - 1) / LANES;
        s.span = (s.rows - 1) * ROW_STEP(&a) + a.classes; /* of rows side by side in memory */
        do_strip(&a, &s, tile);
    }
}
