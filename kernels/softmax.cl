/* Softmax and log-softmax (LOG 0 and 1).
 *
 *   forward   p = exp(x - top) / sum           lp = (x - top) - log(sum)
 *   backward  dx = p (g - sum of g p)          dx = g - exp(lp) sum of g          (from the forward's output)
 *
 * docs/numerics.md has where the formulas come from. */

#define REDUCES 1
#define MAPS 1
#define HAS_SAVED_STATE 0

#if PASS == 0

typedef lse_lanes lane_state;
typedef lse_row row_state;

static lane_state op_start(void) {
    return lse_start();
}

static void op_absorb_block(lane_state *s, const op_args *a, const where *w, long c, int count) {
    lse_absorb_block(s, a, w, c, count);
}

static void op_absorb(lane_state *s, const op_args *a, const where *w, long c, lanes_int keep) {
    lse_absorb(s, a, w, load_class(a->input, w, c), c, keep);
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
    m->scale = LOG ? log(lse_sum(s)) : (real)1 / lse_sum(s);
}

static lanes op_map(const op_args *a, const where *w, const row_map *m, long c) {
    lanes x = load_class(a->input, w, c), top = (lanes)m->top;
    return LOG ? (x - top) - (lanes)m->scale : exp_minus_lanes(top - x) * (lanes)m->scale;
}

#define MAP_TARGET(a) ((__global storage *)(a)->output)

#else /* backward */

typedef lanes lane_state;
typedef per_row row_state;

static lane_state op_start(void) {
    return (lanes)0;
}

#define FORWARD_OUTPUT(a) ((__global const storage *)(a)->output)
#define GRAD_OUTPUT(a) ((__global const storage *)(a)->grad_output)

static void op_absorb_block(lane_state *s, const op_args *a, const where *w, long c, int count) {
    lanes sum[UNIT];
#pragma unroll
    for (int j = 0; j < UNIT; j++)
        sum[j] = (lanes)0;
    for (int k = 0; k < count; k += UNIT) {
#pragma unroll
        for (int j = 0; j < UNIT; j++) {
            lanes g = load_ahead(GRAD_OUTPUT(a), w, c + (k + j) * BLOCK_STEP, j);
            if (!LOG)
                g *= load_ahead(FORWARD_OUTPUT(a), w, c + (k + j) * BLOCK_STEP, j);
            sum[j] += g;
        }
    }
    *s += sum_of_unit(sum);
}

static void op_absorb(lane_state *s, const op_args *a, const where *w, long c, lanes_int keep) {
    lanes g = load_class(GRAD_OUTPUT(a), w, c);
    if (!LOG)
        g *= load_class(FORWARD_OUTPUT(a), w, c);
    *s += keep ? g : (lanes)0;
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
    lanes y = load_class(FORWARD_OUTPUT(a), w, c);
    lanes g = load_class(GRAD_OUTPUT(a), w, c);
    return LOG ? g - exp_any_lanes(-y) * (lanes)*m : y * (g - (lanes)*m);
}

#define MAP_TARGET(a) ((a)->grad_input)

#endif

static void op_patch(const op_args *a, const where *w, const row_map *m) {
}
