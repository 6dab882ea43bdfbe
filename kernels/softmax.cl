/* Softmax and log-softmax (LOG 0 and 1).
 *
 *   forward   p = exp(x - top) / sum           lp = (x - top) - log(sum)
 *   backward  dx = p (g - sum of g p)          dx = g - exp(lp) sum of g          (from the forward's output)
 *
 * docs/numerics.md has where the formulas come from. */

#define REDUCES 1
#define MAPS 1
#define HAS_SAVED_STATE 0
#define KEEPS (PASS == 0 && !LOG)
#define KEPT_TOP(s) (s)->top

#if PASS == 0

typedef lse_lanes lane_state;
typedef lse_row row_state;

static lane_state op_start(void) {
    return lse_start();
}

static void op_absorb_block(lane_state *s, const op_args *a, const where *w, long c, int count) {
    lse_absorb_block(s, a, w, c, count, IS_KEPT(w));
}

static void op_absorb(lane_state *s, const op_args *a, const where *w, long c, lanes_int keep) {
    lse_absorb(s, a, w, load_staged(a->input, w, c, 0), c, keep);
}

static row_state op_fold(const lane_state *s) {
    return lse_fold(s);
}

static row_state op_merge(const row_state *a, const row_state *b) {
    return lse_merge(a, b);
}

typedef struct row_map {
    per_row top, scale; /* scale: 1 / sum, or log(sum) */
} row_map;

static void op_finish(const op_args *a, const where *w, const row_state *s, bool writes, row_map *m) {
    m->top = s->top;
    m->scale = LOG ? log_normal_row(lse_sum(s)) : (real)1 / lse_sum(s);
}

static lanes op_map(const op_args *a, const where *w, const row_map *m, long c) {
    if (IS_KEPT(w))
        return load_kept(w, c) * (lanes)m->scale;
    lanes below = (lanes)m->top - load_staged(a->input, w, c, 0);
    return LOG ? -below - (lanes)m->scale : exp_minus_lanes(below) * (lanes)m->scale;
}

#define MAP_TARGET(a) ((__global storage *)(a)->output)
#define TILES 1
#define TILE_SOURCE(a, slot) ((a)->input)

#else /* backward */

typedef lanes lane_state;
typedef per_row row_state;

static lane_state op_start(void) {
    return (lanes)0;
}

#define FORWARD_OUTPUT(a) ((__global const storage *)(a)->output)
#define GRAD_OUTPUT(a) ((__global const storage *)(a)->grad_output)

/* The term of a sum that a row needs: g y, or g. */
INLINED lanes load_term(const op_args *a, const where *w, long c) {
    lanes g = load_staged(GRAD_OUTPUT(a), w, c, 0);
    return LOG ? g : g * load_staged(FORWARD_OUTPUT(a), w, c, 1);
}

static void op_absorb_block(lane_state *s, const op_args *a, const where *w, long c, int count) {
    lanes sum = (lanes)0;
    for (int k = 0; k < count; k++)
        sum += load_term(a, w, c + k * BLOCK_STEP);
    *s += sum;
}

static void op_absorb(lane_state *s, const op_args *a, const where *w, long c, lanes_int keep) {
    lanes term = load_term(a, w, c);
    *s += keep ? term : (lanes)0;
}

static row_state op_fold(const lane_state *s) {
    return FOLD_SUM(*s);
}

static row_state op_merge(const row_state *a, const row_state *b) {
    return *a + *b;
}

typedef per_row row_map;

static void op_finish(const op_args *a, const where *w, const row_state *s, bool writes, row_map *m) {
    *m = *s;
}

static lanes op_map(const op_args *a, const where *w, const row_map *m, long c) {
    lanes y = load_staged(FORWARD_OUTPUT(a), w, c, 1);
    lanes g = load_staged(GRAD_OUTPUT(a), w, c, 0);
    return LOG ? g - exp_any_lanes(-y) * (lanes)*m : y * (g - (lanes)*m);
}

#define MAP_TARGET(a) ((a)->grad_input)
#define TILES 2
#define TILE_SOURCE(a, slot) ((slot) == 0 ? GRAD_OUTPUT(a) : FORWARD_OUTPUT(a))

#endif

static void op_patch(const op_args *a, const where *w, const row_map *m) {
}
