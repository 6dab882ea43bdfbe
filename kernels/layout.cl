/* How a vector of lanes lies in memory, so that the operations need not know.
 *
 *               a vector of lanes is            per-row values are    used by
 *   COLUMN 0    LANES classes of one row        scalars               row_per_item, row_per_group
 *   COLUMN 1    one class of LANES rows         vectors               column
 *
 * `per_row` is the type of a value that a row has one of; `where` says which rows are at hand. */

typedef struct where {
    long row;     /* index of the (first) row among all rows */
    long element; /* element of its class 0 in a tensor of the logits' shape */
    long inner;   /* elements from one class to the next */
    int live;     /* lanes that exist: LANES, but for the ragged end of a row or of the inner positions */
} where;

static where where_is(long row, long element, long inner, int live) {
    where w;
    w.row = row;
    w.element = element;
    w.inner = inner;
    w.live = live;
    return w;
}

/* ---- vectors in memory with some lanes missing: those read as 0 and are not written ---- */

static lanes load_lanes(__global const real *p, int live) {
    if (live == LANES)
        return PACK(p);
    real values[LANES];
    for (int lane = 0; lane < LANES; lane++)
        values[lane] = lane < live ? p[lane] : (real)0;
    return PACK(values);
}

static void store_lanes(lanes v, __global real *p, int live) {
    if (live == LANES) {
        UNPACK(v, p);
        return;
    }
    real values[LANES];
    UNPACK(v, values);
    for (int lane = 0; lane < live; lane++)
        p[lane] = values[lane];
}

/* ---- the same for tensors of storage ---- */

static lanes load_storage(__global const storage *p, int live) {
    if (live == LANES)
        return PACK_STORAGE(p);
    real values[LANES];
    for (int lane = 0; lane < LANES; lane++)
        values[lane] = lane < live ? from_storage(p + lane) : (real)0;
    return PACK(values);
}

static void store_storage(lanes v, __global storage *p, int live) {
    if (live == LANES) {
        UNPACK_STORAGE(v, p);
        return;
    }
    real values[LANES];
    UNPACK(v, values);
    for (int lane = 0; lane < live; lane++)
        to_storage(values[lane], p + lane);
}

/* All ones in the lanes [first, end), zeros elsewhere. */
static lanes_int lanes_between(int first, int end) {
#if LANES == 1
    return first <= 0 && end > 0;
#else
    real_int mask[LANES];
    for (int lane = 0; lane < LANES; lane++)
        mask[lane] = lane >= first && lane < end ? -1 : 0;
    return PACK(mask);
#endif
}

/* ---- class c of the rows at hand; in a row layout, also the classes behind it ---- */

#if COLUMN
#define CLASS_STEP 1 /* classes in a vector */
#define CLASS_ELEMENT(w, c) ((w)->element + (c) * (w)->inner)
#else
#define CLASS_STEP LANES
#define CLASS_ELEMENT(w, c) ((w)->element + (c))
#endif

/* From and to a tensor of the logits' shape. */
static lanes load_class(__global const storage *tensor, const where *w, long c) {
    return load_storage(tensor + CLASS_ELEMENT(w, c), w->live);
}

/* A block: vectors that a work-item reduces together, UNIT side by side for independent work to overlap. Between them lie
 * the vectors of the other work-items that share the row. */
#define UNIT 4
#define BLOCK_STEP (CLASS_STEP * GROUP)

static lanes load_ahead(__global const storage *tensor, const where *w, long c, int j) {
    if (j * LANES * sizeof(storage) % 64 == 0) /* once for a cache line */
        PREFETCH(tensor + CLASS_ELEMENT(w, c));
    return load_class(tensor, w, c);
}

static lanes sum_of_unit(const lanes x[UNIT]) {
    return (x[0] + x[1]) + (x[2] + x[3]);
}

static void store_class(lanes v, __global storage *tensor, const where *w, long c) {
    store_storage(v, tensor + CLASS_ELEMENT(w, c), w->live);
}

/* From an array with an element per class. */
static lanes load_class_weight(__global const real *weight, const where *w, long c) {
#if COLUMN
    return (lanes)weight[c];
#else
    return load_lanes(weight + c, w->live);
#endif
}

/* ---- values that a row has one of ---- */

#define NOWHERE (-1L) /* no class at all */

#if COLUMN

typedef lanes per_row;
typedef lanes_int per_row_int; /* what comparisons of them give */
typedef lanes_long per_row_long;
#define exp_row exp_lanes
#define exp_output_row exp_output_lanes
#define ROW_INT(mask) MASK_FROM_LONG(mask) /* per_row_int from the comparison of two per_row_long */
#define ROW_IN_RANGE(y, n) LANES_IN_RANGE(y, n)

/* Each lane is a row already. */
#define FOLD_MAX(v) (v)
#define FOLD_SUM(v) (v)

static per_row load_row(__global const real *array, const where *w) {
    return load_lanes(array + w->row, w->live);
}

static void store_row(per_row v, __global real *array, const where *w) {
    store_lanes(v, array + w->row, w->live);
}

static per_row_long load_row_target(__global const target_t *target, const where *w) {
    long values[LANES];
    for (int lane = 0; lane < LANES; lane++)
        values[lane] = lane < w->live ? (long)target[w->row + lane] : 0;
    return PACK(values);
}

static per_row gather_class(__global const storage *tensor, const where *w, per_row_long c) {
    long at[LANES];
    real values[LANES];
    UNPACK(c, at);
    for (int lane = 0; lane < LANES; lane++)
        values[lane] = lane < w->live ? from_storage(tensor + w->element + at[lane] * w->inner + lane) : (real)0;
    return PACK(values);
}

static per_row gather_weight(__global const real *weight, const where *w, per_row_long c) {
    long at[LANES];
    real values[LANES];
    UNPACK(c, at);
    for (int lane = 0; lane < LANES; lane++)
        values[lane] = lane < w->live ? weight[at[lane]] : (real)0;
    return PACK(values);
}

/* Writes v at class c of each row; nothing where c is NOWHERE. */
static void scatter_class(per_row v, __global storage *tensor, const where *w, per_row_long c) {
    long at[LANES];
    real values[LANES];
    UNPACK(c, at);
    UNPACK(v, values);
    for (int lane = 0; lane < w->live; lane++)
        if (at[lane] != NOWHERE)
            to_storage(values[lane], tensor + w->element + at[lane] * w->inner + lane);
}

#else /* one row at a time */

typedef real per_row;
typedef int per_row_int;
typedef long per_row_long;
#define exp_row exp_real
#define exp_output_row exp_output_real
#define ROW_INT(mask) ((int)(mask))
#define ROW_IN_RANGE(y, n) IN_RANGE(y, n)

/* Halves onto halves, always in the same order. */
static real fold_max(lanes v) {
    real values[LANES];
    UNPACK(v, values);
    for (int width = LANES / 2; width > 0; width /= 2)
        for (int lane = 0; lane < width; lane++)
            values[lane] = LARGER(values[lane], values[lane + width]);
    return values[0];
}

static real fold_sum(lanes v) {
    real values[LANES];
    UNPACK(v, values);
    for (int width = LANES / 2; width > 0; width /= 2)
        for (int lane = 0; lane < width; lane++)
            values[lane] += values[lane + width];
    return values[0];
}

#define FOLD_MAX(v) fold_max(v)
#define FOLD_SUM(v) fold_sum(v)

static per_row load_row(__global const real *array, const where *w) {
    return array[w->row];
}

static void store_row(per_row v, __global real *array, const where *w) {
    array[w->row] = v;
}

static per_row_long load_row_target(__global const target_t *target, const where *w) {
    return (long)target[w->row];
}

static per_row gather_class(__global const storage *tensor, const where *w, per_row_long c) {
    return from_storage(tensor + w->element + c);
}

static per_row gather_weight(__global const real *weight, const where *w, per_row_long c) {
    return weight[c];
}

static void scatter_class(per_row v, __global storage *tensor, const where *w, per_row_long c) {
    if (c != NOWHERE)
        to_storage(v, tensor + w->element + c);
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
