/* What an operation tells an engine; comes between the two when a program is put together.
 *
 * An operation's file defines:
 *   REDUCES          1 where the pass reduces a row before anything else
 *     lane_state     what a vector of lanes has seen so far; row_state: the same folded into rows
 *     op_start       nothing seen yet
 *     op_absorb_block, op_absorb   `count` vectors from class c on; one vector, of which only the lanes in `keep` count
 *     op_fold, op_merge            lanes into rows; two parts of a row into one, the earlier part first
 *   HAS_SAVED_STATE  1 where a call may bring the reduction's result along: op_is_saved, op_saved
 *   op_finish        writes what a row has one of (where `writes`), and row_map, what mapping the row needs
 *   MAPS             1 where the pass then writes a tensor of the logits' shape
 *     op_map         the vector of it at class c; MAP_TARGET(a): which tensor
 *     op_patch       corrects single classes after the whole row was mapped */

#if !REDUCES
#define STATE_OF_ROW(reduced, a, w) 0
#elif HAS_SAVED_STATE
#define STATE_OF_ROW(reduced, a, w) (op_is_saved(a) ? op_saved(a, w) : (reduced))
#else
#define STATE_OF_ROW(reduced, a, w) (reduced)
#endif

#if MAPS
/* UNIT vectors, `step` classes apart. All are computed before the first is written, which may be in place. */
static void map_unit(const op_args *a, const where *w, const row_map *m, long c, long step) {
    lanes v[UNIT];
#pragma unroll
    for (int j = 0; j < UNIT; j++)
        v[j] = op_map(a, w, m, c + j * step);
#pragma unroll
    for (int j = 0; j < UNIT; j++)
        store_class(v[j], MAP_TARGET(a), w, c + j * step);
}
#endif
