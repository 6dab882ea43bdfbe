/* Engine: neighbouring rows side by side in the lanes. For inner > 1, where the classes of a row lie `inner` elements apart
 * and neighbouring positions lie together. Also right, though not fast, for inner = 1.
 *
 * Each work-item takes a contiguous share of the vectors of LANES positions; the last vector of a batch entry may have
 * fewer. */

#if REDUCES
#define BLOCK 64 /* classes, each a cache line or less */

static row_state reduce_row(const op_args *a, const where *w) {
    lane_state s = op_start();
    long c = 0;
    while (c + UNIT <= a->classes) {
        int count = (int)min((long)BLOCK, (a->classes - c) / UNIT * UNIT);
        op_absorb_block(&s, a, w, c, count);
        c += count;
    }
    for (; c < a->classes; c++)
        op_absorb(&s, a, w, c, lanes_between(0, LANES));
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
        store_class(op_map(a, w, &m, c), MAP_TARGET(a), w, c);
    op_patch(a, w, &m);
#endif
}

__kernel void row_op(OP_PARAMETERS) {
    OP_ARGUMENTS(a);
    long vectors = (a.inner + LANES - 1) / LANES; /* of one batch entry */
    share mine = share_of(a.batch * vectors);
    for (long v = mine.first; v < mine.end; v++) {
        long n = v / vectors, j = v % vectors * LANES;
        long row = n * a.inner + j, element = n * a.row_stride + j;
        if (j + LANES <= a.inner) {
            where w = where_is(row, element, a.inner, LANES);
            do_rows(&a, &w);
        } else {
            where w = where_is(row, element, a.inner, (int)(a.inner - j));
            do_rows(&a, &w);
        }
    }
}
