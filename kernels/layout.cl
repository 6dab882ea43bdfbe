/* How a vector of lanes lies in memory, so that the operations need not know.
 *
 *   LAYOUT          a vector of lanes is                        per-row values are    used by
 *   CLASSES_ALONG   LANES neighbouring classes of one row       scalars               row_per_item, row_per_group, row_split
 *   POSITIONS_ALONG one class of LANES neighbouring positions   vectors               column (inner > 1)
 *   ROWS_ALONG      one class of LANES neighbouring rows        vectors               rows_per_lane (inner = 1)
 *
 * `per_row` is the type of a value that a row has one of; `where` says which rows are at hand. */

#define CLASSES_ALONG 0
#define POSITIONS_ALONG 1
#define ROWS_ALONG 2
#define ROWS_IN_LANES (LAYOUT != CLASSES_ALONG)

typedef struct where {
    long row;        /* index of the (first) row among all rows */
    long element;    /* element of its class 0 in a tensor of the logits' shape */
    long inner;      /* elements from one class to the next */
    long next_row;   /* ROWS_ALONG: elements from one row to the next */
    long first, end; /* classes of the row that are this work-item's (or group's) to write */
    int live;        /* lanes that exist: LANES, but for the ragged end of a row or of the rows */
#if STAGED
    lanes *tile;     /* where class `first` of these rows was copied to, see engine_tiles.cl */
    long tile_step;  /* vectors from one class to the next */
    long ahead;      /* element of these rows' place in the strip that comes next, and the step to what the next class fetches */
    long ahead_step;
#endif
} where;

static where where_is(const op_args *a, long row, long element, int live) {
    where w;
    w.row = row;
    w.element = element;
    w.inner = a->inner;
    w.next_row = a->row_stride;
    w.first = 0;
    w.end = a->classes;
    w.live = live;
    return w;
}

/* The same rows with fewer live lanes: the ragged end of a row. */
static where narrowed(const where *w, int live) {
    where narrow = *w;
    narrow.live = live;
    return narrow;
}

#define EACH_1(element, k) element(k)
#define EACH_2(element, k) EACH_1(element, k), EACH_1(element, (k) + 1)
#define EACH_4(element, k) EACH_2(element, k), EACH_2(element, (k) + 2)
#define EACH_8(element, k) EACH_4(element, k), EACH_4(element, (k) + 4)
#define EACH_16(element, k) EACH_8(element, k), EACH_8(element, (k) + 8)
#define EACH_LANE(element) JOIN(EACH_, LANES)(element, 0) /* element(0), element(1), ... */
#define LANE_NUMBER(k) (k)

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

/* All ones in the lanes [first, end), zeros elsewhere. */
static lanes_int lanes_between(int first, int end) {
#if LANES == 1
    return first <= 0 && end > 0;
#else
    lanes_int lane = (lanes_int)(EACH_LANE(LANE_NUMBER));
    return lane >= (lanes_int)first && lane < (lanes_int)end;
#endif
}

/* ---- class c of the rows at hand; in CLASSES_ALONG, also the classes behind it ---- */

#if LAYOUT == CLASSES_ALONG
#define CLASS_STEP LANES /* classes in a vector */
#define CLASS_ELEMENT(w, c) ((w)->element + (c))
#define LANE_STEP(w) 1
#else
#define CLASS_STEP 1
#if LAYOUT == POSITIONS_ALONG
#define CLASS_ELEMENT(w, c) ((w)->element + (c) * (w)->inner)
#define LANE_STEP(w) 1
#else
#define CLASS_ELEMENT(w, c) ((w)->element + (c))
#define LANE_STEP(w) ((w)->next_row)
#endif
#endif

static real from_real(__global const real *p) {
    return p[0];
}

static void to_real(real v, __global real *p) {
    p[0] = v;
}

static real from_float(__global const float *p) {
    return (real)p[0];
}

#define UNPACK_REAL(v, p) UNPACK(v, p)
#define PACK_REAL(p) PACK(p)
#if LANES == 1
#define PACK_FLOAT(p) ((real)(p)[0])
#elif REAL64
#define PACK_FLOAT(p) JOIN(convert_double, LANES)(PACK(p))
#else
#define PACK_FLOAT(p) PACK(p)
#endif

/* Whole vectors at once: where their lanes lie together, and one by one where they do not (ROWS_ALONG). There a vector is
 * named by its elements, since one that is read back from an array has to wait for the array to be written. */
#if LAYOUT == ROWS_ALONG && LANES > 1
#define TOGETHER 0
#else
#define TOGETHER 1
#endif
#define STRIDED_from_storage(k) from_storage(p + (k) * LANE_STEP(w))
#define STRIDED_from_real(k) from_real(p + (k) * LANE_STEP(w))
#define STRIDED_from_float(k) from_float(p + (k) * LANE_STEP(w))

#define DEFINE_LOAD_CLASS(name, type, pack, from)                                                                      \
    static lanes name(__global const type *tensor, const where *w, long c) {                                           \
        __global const type *p = tensor + CLASS_ELEMENT(w, c);                                                         \
        if (w->live == LANES)                                                                                          \
            return TOGETHER ? pack(p) : (lanes)(EACH_LANE(STRIDED_##from));                                            \
        real values[LANES];                                                                                            \
        for (int lane = 0; lane < LANES; lane++)                                                                       \
            values[lane] = lane < w->live ? from(p + lane * LANE_STEP(w)) : (real)0;                                   \
        return PACK(values);                                                                                           \
    }

#define DEFINE_STORE_CLASS(name, type, unpack, to)                                                                     \
    static void name(lanes v, __global type *tensor, const where *w, long c) {                                         \
        __global type *p = tensor + CLASS_ELEMENT(w, c);                                                               \
        if (TOGETHER && w->live == LANES) {                                                                                         \
            unpack(v, p);                                                                                              \
            return;                                                                                                    \
        }                                                                                                              \
        real values[LANES];                                                                                            \
        UNPACK(v, values);                                                                                             \
        for (int lane = 0; lane < w->live; lane++)                                                                     \
            to(values[lane], p + lane * LANE_STEP(w));                                                                 \
    }

/* From and to a tensor of the logits' shape: of storage, of real, of float. */
DEFINE_LOAD_CLASS(load_class, storage, PACK_STORAGE, from_storage)
DEFINE_STORE_CLASS(store_class, storage, UNPACK_STORAGE, to_storage)
DEFINE_LOAD_CLASS(load_class_real, real, PACK_REAL, from_real)
DEFINE_STORE_CLASS(store_class_real, real, UNPACK_REAL, to_real)
DEFINE_LOAD_CLASS(load_class_float, float, PACK_FLOAT, from_float)

/* From one of the tensors that an engine may have copied into a tile, number `slot` of the operation's. */
#if STAGED
#define load_staged(tensor, w, c, slot) ((w)->tile[((c) - (w)->first) * (w)->tile_step + (slot)*TILE])
#ifdef PREFETCH_AHEAD
#define PREFETCH_CLASS(tensor, w, c) __builtin_prefetch((tensor) + (w)->ahead + (c) * (w)->ahead_step)
#else
#define PREFETCH_CLASS(tensor, w, c)
#endif
#else
#define load_staged(tensor, w, c, slot) load_class(tensor, w, c)
#define PREFETCH_CLASS(tensor, w, c) PREFETCH((tensor) + CLASS_ELEMENT(w, c))
#endif

/* A block: vectors that a work-item reduces together. Between them lie the vectors of the other work-items that share the
 * row. UNIT: independent vectors side by side, where that is worth it. */
#define UNIT 4
#define BLOCK_STEP (CLASS_STEP * GROUP)

/* Before a loop that adds up exponentials: with 32 registers, as processors have that take 16 lanes, there is room for more
 * than one at a time. */
#if LANES == 16
#define UNROLL_SUMS _Pragma("unroll 4")
#else
#define UNROLL_SUMS
#endif

/* From an array with an element per class. */
static lanes load_class_weight(__global const real *weight, const where *w, long c) {
#if ROWS_IN_LANES
    return (lanes)weight[c];
#else
    return load_lanes(weight + c, w->live);
#endif
}

/* ---- values that a row has one of ---- */

#define NOWHERE (-1L) /* no class at all */

#if ROWS_IN_LANES

typedef lanes per_row;
typedef lanes_int per_row_int; /* what comparisons of them give */
typedef lanes_long per_row_long;
#define exp_minus_row exp_minus_lanes
#define exp_any_row exp_any_lanes
#define log_normal_row log_normal_lanes
#define tanh_row tanh_lanes
#define ROW_LONG(mask) LONG_FROM_MASK(mask) /* per_row_long from per_row_int */

/* Each lane is a row already. */
#define FOLD_MAX(v) (v)
#define FOLD_SUM(v) (v)

static per_row load_row(__global const real *array, const where *w) {
    return load_lanes(array + w->row, w->live);
}

static void store_row(per_row v, __global real *array, const where *w) {
    store_lanes(v, array + w->row, w->live);
}

static void store_row_long(per_row_long v, __global long *array, const where *w) {
    long values[LANES];
    UNPACK(v, values);
    for (int lane = 0; lane < w->live; lane++)
        array[w->row + lane] = values[lane];
}

typedef lanes_int per_row_class; /* a class, or NOWHERE */
#define SAME_CLASS(a, b) ((a) == (b))

#if TARGET_KIND == CLASS_TARGETS
#if LANES == 1
#define TARGET_INTS(p) ((int)(p)[0])
#define TARGET_LONGS(p) ((long)(p)[0])
#define CLASSES_OF_LONGS(y) ((int)(y))
#else
#define TARGET_INTS(p) JOIN(convert_int, LANES)(PACK(p))
#define TARGET_LONGS(p) JOIN(convert_long, LANES)(PACK(p))
#define CLASSES_OF_LONGS(y) MASK_FROM_LONG(y)
#endif

/* The targets of the rows, which of them are classes that count, and which are to be ignored. In ints where they are stored as
 * such: a comparison of longs takes a processor a dozen instructions. Engines refuse more classes than an int can count. */
static per_row_class read_targets(const op_args *a, __global const target_t *target, const where *w, lanes_int *counts,
                                  lanes_int *ignored) {
    target_t copies[LANES];
    bool whole = w->live == LANES;
    for (int lane = 0; lane < LANES && !whole; lane++)
        copies[lane] = lane < w->live ? target[w->row + lane] : (target_t)0;
#if !REAL64
    if (sizeof(target_t) < sizeof(long)) {
        lanes_int y = whole ? TARGET_INTS(target + w->row) : TARGET_INTS(copies);
        bool some = a->ignore_index == (long)(int)a->ignore_index;
        *ignored = y == (lanes_int)(int)a->ignore_index && (lanes_int)(some ? -1 : 0);
        *counts = y >= (lanes_int)0 && y < (lanes_int)(int)a->classes && !*ignored;
        return y;
    }
#endif
    lanes_long y = whole ? TARGET_LONGS(target + w->row) : TARGET_LONGS(copies);
    lanes_long is_ignored = y == (lanes_long)a->ignore_index;
    *ignored = MASK_FROM_LONG(is_ignored);
    *counts = MASK_FROM_LONG(LANES_IN_RANGE(y, a->classes) && !is_ignored);
    return CLASSES_OF_LONGS(y);
}
#endif

static per_row gather_class(__global const storage *tensor, const where *w, per_row_class c) {
    real_int at[LANES];
    UNPACK(c, at);
#define GATHERED(lane) from_storage(tensor + CLASS_ELEMENT(w, (long)at[lane]) + (lane) * LANE_STEP(w))
    if (w->live == LANES)
        return (lanes)(EACH_LANE(GATHERED));
    real values[LANES];
    for (int lane = 0; lane < LANES; lane++)
        values[lane] = lane < w->live ? GATHERED(lane) : (real)0;
    return PACK(values);
}

#if STAGED
/* From a tile that holds the rows as a whole. */
static per_row gather_from_tile(const where *w, per_row_class c) {
    real_int at[LANES];
    const real *numbers = (const real *)w->tile;
    int step = (int)w->tile_step * LANES;
    UNPACK(c, at);
#define FROM_TILE(lane) numbers[(int)at[lane] * step + (lane)]
    return (lanes)(EACH_LANE(FROM_TILE));
}
#endif

static per_row gather_weight(__global const real *weight, const where *w, per_row_class c) {
    real_int at[LANES];
    UNPACK(c, at);
#define WEIGHT(lane) weight[at[lane]]
    return (lanes)(EACH_LANE(WEIGHT));
}

/* Writes v at class c of each row, if that is one to write; nothing where c is NOWHERE. What is in a tile is corrected there,
 * before it is written. */
static void scatter_class(per_row v, __global storage *tensor, const where *w, per_row_class c) {
    real_int at[LANES];
    real values[LANES];
    UNPACK(c, at);
    UNPACK(v, values);
    for (int lane = 0; lane < w->live; lane++) {
#if STAGED
        if (IN_RANGE((long)at[lane] - w->first, w->end - w->first)) /* false for NOWHERE */
            ((real *)&load_staged(tensor, w, at[lane], 0))[lane] = values[lane];
#else
        if (at[lane] != (real_int)NOWHERE)
            to_storage(values[lane], tensor + CLASS_ELEMENT(w, (long)at[lane]) + lane * LANE_STEP(w));
#endif
    }
}

#else /* one row at a time */

typedef real per_row;
typedef int per_row_int;
typedef long per_row_long;
typedef long per_row_class;
#define SAME_CLASS(a, b) ((int)((a) == (b)))
#define exp_minus_row exp_minus_real
#define exp_any_row exp_any_real
#define log_normal_row log_normal_real
#define tanh_row tanh_real
#define ROW_LONG(mask) (mask)

/* Halves onto halves, always in the same order. */
#define DEFINE_FOLD(name, both)                                                                                        \
    static real name(lanes v) {                                                                                        \
        FOLD_16(both);                                                                                                 \
        FOLD_8(both);                                                                                                  \
        FOLD_4(both);                                                                                                  \
        FOLD_2(both);                                                                                                  \
        return FOLDED;                                                                                                 \
    }
#if LANES == 16
#define FOLD_16(both) REAL_N(8) v8 = both(v.lo, v.hi)
#else
#define FOLD_16(both)
#define v8 v
#endif
#if LANES >= 8
#define FOLD_8(both) REAL_N(4) v4 = both(v8.lo, v8.hi)
#else
#define FOLD_8(both)
#define v4 v
#endif
#if LANES >= 4
#define FOLD_4(both) REAL_N(2) v2 = both(v4.lo, v4.hi)
#else
#define FOLD_4(both)
#define v2 v
#endif
#if LANES >= 2
#define FOLD_2(both) real v1 = both(v2.x, v2.y)
#define FOLDED v1
#else
#define FOLD_2(both)
#define FOLDED v
#endif
#define SUM_OF(a, b) ((a) + (b))
DEFINE_FOLD(fold_max, LARGER)
DEFINE_FOLD(fold_sum, SUM_OF)
#undef v8
#undef v4
#undef v2

#define FOLD_MAX(v) fold_max(v)
#define FOLD_SUM(v) fold_sum(v)

static per_row load_row(__global const real *array, const where *w) {
    return array[w->row];
}

static void store_row(per_row v, __global real *array, const where *w) {
    array[w->row] = v;
}

static void store_row_long(per_row_long v, __global long *array, const where *w) {
    array[w->row] = v;
}

#if TARGET_KIND == CLASS_TARGETS
static per_row_class read_targets(const op_args *a, __global const target_t *target, const where *w, int *counts,
                                  int *ignored) {
    long y = (long)target[w->row];
    *ignored = y == a->ignore_index;
    *counts = IN_RANGE(y, a->classes) && !*ignored;
    return y;
}
#endif

static per_row gather_class(__global const storage *tensor, const where *w, per_row_class c) {
    return from_storage(tensor + w->element + c);
}

static per_row gather_weight(__global const real *weight, const where *w, per_row_class c) {
    return weight[c];
}

static void scatter_class(per_row v, __global storage *tensor, const where *w, per_row_class c) {
    if (IN_RANGE(c - w->first, w->end - w->first)) /* false for NOWHERE */
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
