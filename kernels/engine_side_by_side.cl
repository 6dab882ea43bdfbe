/* Engines column and rows_per_lane: neighbouring rows side by side in the lanes.
 *
 *   column         (POSITIONS_ALONG) for inner > 1, where the classes of a row lie `inner` elements apart and neighbouring
 *                  positions lie together. Also right, though not fast, for inner = 1.
 *   rows_per_lane  (ROWS_ALONG) for inner = 1 and few classes, where one row does not fill a vector.
 *
 * Each work-item takes a contiguous share of the vectors of LANES rows; the last vector of a batch entry, or of the batch,
 * may have fewer. */

#if REDUCES
#define BLOCK 64 /* classes, each a cache line or less */

static row_state reduce_row(const op_args *a, const where *w) {
    lane_state s = op_start();
    for (long c = 0; c < a->classes; c += BLOCK)
        op_absorb_block(&s, a, w, c, (int)min((long)BLOCK, a->classes - c));
    return op_fold(&s);
}
#endif

static void do_rows(const op_args *a, const where *w) {
    row_state s = STATE_OF_ROW(reduce_row(a, w), a, w);
    row_map m;
    op_finish(a, w, &s, true, &m);
#if MAPS
    long c = 0;
    for (; c + UNIT <= a->classes; c += UNIT)
        map_unit(a, w, &m, c, 1);
    for (; c < a->classes; c++)
        map_one(a, w, &m, c);
    op_patch(a, w, &m);
#endif
}

__kernel void row_op(OP_PARAMETERS) {
    OP_ARGUMENTS(a);
    long rows = LAYOUT == ROWS_ALONG ? a.batch : a.inner; /* side by side */
    long vectors = (rows + LANES - 1) / LANES;
    share mine = share_of(LAYOUT == ROWS_ALONG ? vectors : a.batch * vectors);
    for (long v = mine.first; v < mine.end; v++) {
        long n = v / vectors, j = v % vectors * LANES; /* n is 0 for ROWS_ALONG */
        long row = n * rows + j, element = n * a.row_stride + j * (LAYOUT == ROWS_ALONG ? a.row_stride : 1);
        if (j + LANES <= rows) {
            where w = where_is(&a, row, element, LANES);
            do_rows(&a, &w);
        } else {
            where w = where_is(&a, row, element, (int)(rows - j));
            do_rows(&a, &w);
        }
    }
}
