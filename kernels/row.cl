/* What an operation tells an engine; comes between the two when a program is put together.
 *
 * An operation's file defines:
 *   REDUCES          1 where the pass reduces a row before anything else
 *     lane_state     what a vector of lanes has seen so far; row_state: the same folded into rows
 *     op_start       nothing seen yet
 *     op_absorb_block, op_absorb   `count` vectors from class c on; one vector, of which only the lanes in `keep` count
 *     ABSORB_WRITES  1 where absorbing writes MAP_TARGET(a) too, by store_staged, perhaps in place: each class once
 *     KEEPS          1 where absorbing can leave exponentials for the map, of a row that is absorbed in one block
 *     KEPT_TOP(s)    what a lane_state takes off before their exponentials
 *     op_fold, op_merge            lanes into rows; two parts of a row into one, the earlier part first
 *   HAS_SAVED_STATE  1 where a call may bring the reduction's result along: op_is_saved, op_saved
 *   op_finish        writes what a row has one of (where `writes`), and row_map, what mapping the row needs
 *   MAPS             1 where the pass then writes a tensor of the logits' shape
 *     op_map         the vector of it at class c; MAP_TARGET(a): which tensor; MAP_STORE: how, if not of storage
 *     op_patch       corrects single classes after the whole row was mapped, of the classes that `where` says are its own
 *   TILES            how many tensors an engine may copy into tiles, TILE_SOURCE(a, slot): which; read by load_staged */

#ifndef KEEPS
#define KEEPS 0
#endif
#ifndef ABSORB_WRITES
#define ABSORB_WRITES 0
#endif

/* Does a call keep? Not where nothing is absorbed. */
#define KEEPS_NOW(a) KEEPS

#if !REDUCES
#define STATE_OF_ROW(reduced, a, w) 0
#define IS_SAVED(a) false
#elif HAS_SAVED_STATE
#undef KEEPS_NOW
#define KEEPS_NOW(a) (KEEPS && !op_is_saved(a))
#define IS_SAVED(a) op_is_saved(a)
#define STATE_OF_ROW(reduced, a, w) (op_is_saved(a) ? op_saved(a, w) : (reduced))
#else
#define IS_SAVED(a) false
#define STATE_OF_ROW(reduced, a, w) (reduced)
#endif

#if MAPS || ABSORB_WRITES
#ifdef MAP_STORE
#define MAP_IS_REAL 1
#else
#define MAP_IS_REAL 0
#define MAP_STORE store_class
#endif
#endif

#if MAPS
/* The vector to write at class c: what the operation says, on top of what is there where gradients accumulate. */
INLINED lanes map_class(const op_args *a, const where *w, const row_map *m, long c) {
    lanes v = op_map(a, w, m, c);
#if BACKWARD_PASS && TARGET_KIND != NO_TARGETS
    if (a->given & ACCUMULATE)
        v += load_class(a->grad_input, w, c);
#endif
    return v;
}

/* Computes and writes one vector. */
INLINED void map_one(const op_args *a, const where *w, const row_map *m, long c) {
    MAP_STORE(map_class(a, w, m, c), MAP_TARGET(a), w, c);
}

/* UNIT vectors, `step` classes apart. All are computed before the first is written, which may be in place. */
INLINED void map_unit(const op_args *a, const where *w, const row_map *m, long c, long step) {
    lanes v[UNIT];
#pragma unroll
    for (int j = 0; j < UNIT; j++)
        v[j] = map_class(a, w, m, c + j * step);
#pragma unroll
    for (int j = 0; j < UNIT; j++)
        MAP_STORE(v[j], MAP_TARGET(a), w, c + j * step);
}
#endif

/* This work-item's contiguous share of `count` things: [first, end). */
typedef struct share {
    long first, end;
} share;

static share share_of(long count) {
    long items = (long)get_global_size(0), item = (long)get_global_id(0);
    long each = count / items, rest = count % items;
    share mine;
    mine.first = item * each + min(item, rest);
    mine.end = mine.first + each + (item < rest ? 1 : 0);
    return mine;
}
