/* Values that a row has one of: a scalar where the lanes are classes of one row, a vector where they are rows side by side. Their
 * types and arithmetic, how they are read and written, and single classes of the rows by number. */

#define NOWHERE (-1L) /* no class at all */

/* v, but 0 in rows of the mask. By their bits, where rows are lanes: PoCL makes a dozen instructions of a choice there. */
#if ROWS_IN_LANES && LANES > 1
#define UNLESS(mask, v) LANES_OF_BITS(SIGNS_OF_LANES(v) & ~(mask))
#else
#define UNLESS(mask, v) ((mask) ? (lanes)0 : (v))
#endif

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
#define CLASS_OF_ROWS(c) ((per_row_class)(int)(c))
#define CLASSES_IN_RANGE(c, n) ((c) >= (per_row_class)0 && (c) < CLASS_OF_ROWS(n))
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
    bool whole = w->live == LANES;
    target += w->row;
#define LIVE_INT(k) LIVE(k, w->live, (int)target[k])
#define LIVE_LONG(k) LIVE(k, w->live, (long)target[k])
#if !REAL64
    if (sizeof(target_t) < sizeof(long)) {
        lanes_int y = whole ? TARGET_INTS(target) : (lanes_int)(EACH_LANE(LIVE_INT));
        bool some = a->ignore_index == (long)(int)a->ignore_index;
        *ignored = y == (lanes_int)(int)a->ignore_index && (lanes_int)(some ? -1 : 0);
        *counts = y >= (lanes_int)0 && y < (lanes_int)(int)ALL_CLASSES(a) && !*ignored;
        return y;
    }
#endif
    lanes_long y = whole ? TARGET_LONGS(target) : (lanes_long)(EACH_LANE(LIVE_LONG));
    lanes_long is_ignored = y == (lanes_long)a->ignore_index;
    *ignored = MASK_FROM_LONG(is_ignored);
    *counts = MASK_FROM_LONG(LANES_IN_RANGE(y, ALL_CLASSES(a)) && !is_ignored);
    return CLASSES_OF_LONGS(y);
}
#endif

static per_row gather_class(__global const storage *tensor, const where *w, per_row_class c) {
    real_int at[LANES];
    UNPACK(c, at);
#define GATHERED(lane) from_storage(tensor + CLASS_ELEMENT(w, (long)at[lane]) + (lane) * LANE_STEP(w))
#define LIVE_GATHERED(lane) LIVE(lane, w->live, GATHERED(lane))
    return w->live == LANES ? (lanes)(EACH_LANE(GATHERED)) : (lanes)(EACH_LANE(LIVE_GATHERED));
}

#if STAGED
/* From a tile that holds the rows as a whole. */
static per_row gather_from_tile(const where *w, per_row_class c) {
    real_int at[LANES];
    const TILE_SPACE real *numbers = (const TILE_SPACE real *)w->tile;
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
        if ((uint)((int)at[lane] - (int)w->first) < (uint)(w->end - w->first)) /* false for NOWHERE */
            ((TILE_SPACE real *)&load_staged(tensor, w, at[lane], 0))[lane] = values[lane];
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
#define CLASS_OF_ROWS(c) (c)
#define CLASSES_IN_RANGE(c, n) IN_RANGE(c, n)
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
    *counts = IN_RANGE(y, ALL_CLASSES(a)) && !*ignored;
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
