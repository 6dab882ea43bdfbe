/* How a vector of lanes lies in memory, so that the operations need not know.
 *
 *   LAYOUT          a vector of lanes is                        per-row values are    used by
 *   CLASSES_ALONG   LANES neighbouring classes of one row       scalars               row_per_item, row_per_group, row_split
 *   POSITIONS_ALONG one class of LANES neighbouring positions   vectors               column (inner > 1)
 *   ROWS_ALONG      one class of LANES neighbouring rows        vectors               rows_per_lane (inner = 1)
 *
 * `where` says which rows are at hand; per_row.cl has the values that a row has one of. */

#define CLASSES_ALONG 0
#define POSITIONS_ALONG 1
#define ROWS_ALONG 2
#define ROWS_IN_LANES (LAYOUT != CLASSES_ALONG)

/* Of a tile: whose memory it is in, and the vectors from one of the tensors in it to the next. */
#if LOCAL_TILE
#define TILE_SPACE __local
#define TILE_SLOT(w) ((w)->tile_slot)
#else
#define TILE_SPACE
#define TILE_SLOT(w) TILE
#endif

typedef struct where {
    long row;        /* index of the (first) row among all rows */
    long element;    /* element of its class 0 in a tensor of the logits' shape */
    long inner;      /* elements from one class to the next */
    long next_row;   /* ROWS_ALONG: elements from one row to the next */
    long first, end; /* classes of the row that are this work-item's (or group's) to write */
    int live;        /* lanes that exist: LANES, but for the ragged end of a row or of the rows */
#if STAGED
    TILE_SPACE lanes *tile; /* where class `first` of these rows was copied to */
    long tile_step;  /* vectors from one class (CLASSES_ALONG: from one vector of classes) to the next */
#if LOCAL_TILE
    long tile_slot;
#else
    long ahead;      /* element of these rows' place in the strip that comes next, and the step to what the next class fetches */
    long ahead_step;
#endif
    bool kept;       /* the tile has exp(x - top) in place of the logits, once they are absorbed: see KEEPS in row.cl */
#elif KEEPS_ROW
    lanes *kept;     /* not NULL: where exp(x - top) of the row's whole vectors is kept for the map, */
    lanes rise;      /* and what it takes from the lanes' maxima to the row's */
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
#if KEEPS_ROW
    w.kept = NULL;
#endif
    return w;
}

/* The same rows with fewer live lanes: the ragged end of a row. */
static where narrowed(const where *w, int live) {
    where narrow = *w;
    narrow.live = live;
    return narrow;
}

/* ---- vectors in memory with some lanes missing: those read as 0 and are not written ---- */

/* Lane k, if it is there. Such vectors are named by their elements; through an array they can come out wrong: docs/devices.md. */
#define LIVE(k, live, value) ((k) < (live) ? (value) : 0)

static lanes load_lanes(__global const real *p, int live) {
#define LIVE_ELEMENT(k) LIVE(k, live, p[k])
    return live == LANES ? PACK(p) : (lanes)(EACH_LANE(LIVE_ELEMENT));
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
#define LIVE_from_storage(k) LIVE(k, w->live, STRIDED_from_storage(k))
#define LIVE_from_real(k) LIVE(k, w->live, STRIDED_from_real(k))
#define LIVE_from_float(k) LIVE(k, w->live, STRIDED_from_float(k))

/* The ragged end is a function of its own: inlined into every loop it would be too much for compilers to inline the rest. */
#define DEFINE_LOAD_CLASS(name, type, pack, from)                                                                      \
    static lanes name##_ragged(__global const type *p, const where *w) {                                               \
        return (lanes)(EACH_LANE(LIVE_##from));                                                                        \
    }                                                                                                                  \
    INLINED lanes name(__global const type *tensor, const where *w, long c) {                                          \
        __global const type *p = tensor + CLASS_ELEMENT(w, c);                                                         \
        if (w->live == LANES)                                                                                          \
            return TOGETHER ? pack(p) : (lanes)(EACH_LANE(STRIDED_##from));                                            \
        return name##_ragged(p, w);                                                                                    \
    }

#define DEFINE_STORE_CLASS(name, type, unpack, to)                                                                     \
    static void name(lanes v, __global type *tensor, const where *w, long c) {                                         \
        __global type *p = tensor + CLASS_ELEMENT(w, c);                                                               \
        if (TOGETHER && w->live == LANES) {                                                                            \
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

/* From one of the tensors that an engine may have copied into a tile, number `slot` of the operation's. keep_exponential puts one
 * into the place of a vector of number 0, or into one of its own, where load_kept finds it; IS_KEPT tells whether that is to be
 * done, and was done. */
#if STAGED
#define load_staged(tensor, w, c, slot)                                                                                \
    ((w)->tile[((c) - (w)->first) / CLASS_STEP * (w)->tile_step + (slot)*TILE_SLOT(w)])
#define IS_KEPT(w) (w)->kept
#define keep_exponential(v, w, c) (load_staged(, w, c, 0) = (v))
#define load_kept(w, c) load_staged(, w, c, 0)
#else
#define load_staged(tensor, w, c, slot) load_class(tensor, w, c)
#if KEEPS_ROW
#define IS_KEPT(w) ((w)->kept != NULL)
#define keep_exponential(v, w, c) ((w)->kept[(c) / LANES] = (v))
#define load_kept(w, c) ((w)->kept[(c) / LANES] * (w)->rise)
#else
#define IS_KEPT(w) false
#define keep_exponential(v, w, c) (void)(v)
#define load_kept(w, c) (lanes)0
#endif
#endif

#if LOCAL_TILE
#define PREFETCH_CLASS(tensor, w, c)
#elif STAGED
#define PREFETCH_CLASS(tensor, w, c) PREFETCH_AT((tensor) + (w)->ahead + (c) * (w)->ahead_step)
#else
#define PREFETCH_CLASS(tensor, w, c) PREFETCH((tensor) + CLASS_ELEMENT(w, c))
#endif

/* Writes what takes the place of number 0 of them: into the tile, which is written later, or at once. */
static void store_staged(lanes v, __global storage *tensor, const where *w, long c) {
#if STAGED
    load_staged(tensor, w, c, 0) = v;
#else
    store_class(v, tensor, w, c);
#endif
}

/* A block: vectors that a work-item reduces together. Between them lie the vectors of the other work-items that share the
 * row. UNIT: independent vectors side by side, where that is worth it. */
#define UNIT 4
#define BLOCK_STEP (CLASS_STEP * GROUP)

/* From an array with an element per class. */
static lanes load_class_weight(__global const real *weight, const where *w, long c) {
#if ROWS_IN_LANES
    return (lanes)weight[c];
#else
    return load_lanes(weight + c, w->live);
#endif
}
