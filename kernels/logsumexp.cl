/* The online maximum and sum of exponentials of a row (Milakov and Gimelshein, 2018), which softmax, log-softmax and
 * cross-entropy all start from: one read of the row gives top = max x and sum = sum of exp(x - top).
 *
 * A running maximum starts at the lowest finite number and not at -inf, so that leading -inf logits are as if absent.
 * A row that is all -inf is told by its sum, which stays near 0 where any finite logit would have added a 1.
 *
 * An operation can ask for more by -D, at no cost where it does not:
 *   ARGMAX     1: the class of the maximum too, where a call wants it (GIVEN_ARGMAX)
 *   SQUARES    1: the sum of exp(x - top)^2 too */

#ifndef ARGMAX
#define ARGMAX 0
#endif
#ifndef SQUARES
#define SQUARES 0
#endif

typedef struct lse_lanes {
    lanes top, sum;
#if SQUARES
    lanes squares;
#endif
#if ARGMAX
    per_row best;    /* the largest logit so far, and the lowest class that has it; NEVER before. Scalars where a row is */
    per_row_long at; /* one, so that they take no vector register from calls that do not want them */
#endif
} lse_lanes;

typedef struct lse_row {
    per_row top, sum;
#if SQUARES
    per_row squares, zero; /* the second so that no byte of a state that goes to memory is without a value */
#endif
#if ARGMAX
    per_row_long at; /* the lowest class whose logit is top */
#endif
} lse_row;

#define NEVER LONG_MAX

static lse_lanes lse_start(void) {
    lse_lanes s;
    s.top = (lanes)LOWEST;
    s.sum = (lanes)0;
#if SQUARES
    s.squares = (lanes)0;
#endif
#if ARGMAX
    s.best = (per_row)LOWEST;
    s.at = (per_row_long)NEVER;
#endif
    return s;
}

/* Raises the maximum and rescales the sums; gives how far the old maximum lies below the new one (<= 0). */
static lanes lse_raise(lse_lanes *s, lanes top) {
    lanes drop = s->top - top, factor = exp_minus_lanes(top - s->top);
    s->sum *= factor;
#if SQUARES
    s->squares *= factor * factor;
#endif
    s->top = top;
    return drop;
}

#if ARGMAX
/* Looks for a new maximum, and the lowest class that has it, in a block whose maximum in each lane is `top`; or, where `count`
 * is 1, in the vector `top` itself. Blocks come in ascending order of their classes. */
static void lse_find(lse_lanes *s, const op_args *a, const where *w, long c, int count, lanes top) {
    per_row best = FOLD_MAX(LARGER((lanes)LOWEST, top)); /* without NaN */
#if !ROWS_IN_LANES
    if (!(best > s->best))
        return;
#endif
    lanes_long at = (lanes_long)NEVER;
    for (int k = count - 1; k >= 0; k--) {
        long class = c + k * BLOCK_STEP;
        lanes x = count == 1 ? top : load_logit(a, w, class);
        at = LONG_FROM_MASK(x == (lanes)best) ? (lanes_long)class : at;
    }
#if ROWS_IN_LANES
    s->at = LONG_FROM_MASK(best > s->best) ? at : s->at;
    s->best = LARGER(s->best, best);
#else
    long classes[LANES];
    UNPACK(at, classes);
    s->at = NEVER;
    for (int lane = 0; lane < LANES; lane++)
        if (classes[lane] != NEVER)
            s->at = min(s->at, classes[lane] + lane);
    s->best = best;
#endif
}
#endif

/* `count` vectors from class c on: first their maximum, then, out of the nearest cache, the sum. So the
 * sum is rescaled once for a block, and there is no branch. What comes next is fetched while summing, since that is when memory
 * would be idle. One vector after the other, as the constants of exp leave a processor with 16 registers no room for two at
 * a time; it overlaps them itself. Where `keeps`, the exponentials are kept for the map. */
static lanes lse_absorb_block(lse_lanes *s, const op_args *a, const where *w, long c, int count, bool keeps) {
    lanes tops[UNIT], sum = (lanes)0;
#if SQUARES
    lanes squares = (lanes)0;
#endif
#pragma unroll
    for (int j = 0; j < UNIT; j++)
        tops[j] = s->top;
    int k = 0;
    for (; k + UNIT <= count; k += UNIT) {
#pragma unroll
        for (int j = 0; j < UNIT; j++) {
            lanes x = load_logit(a, w, c + (k + j) * BLOCK_STEP);
            tops[j] = LARGER(tops[j], x);
        }
    }
    for (; k < count; k++) {
        lanes x = load_logit(a, w, c + k * BLOCK_STEP);
        tops[0] = LARGER(tops[0], x);
    }
    lanes left = LARGER(tops[0], tops[1]), right = LARGER(tops[2], tops[3]), top = LARGER(left, right);
#if ARGMAX
    if (a->given & GIVEN_ARGMAX)
        lse_find(s, a, w, c, count, top);
#endif
    lanes drop = lse_raise(s, top);
    for (k = 0; k < count; k++) {
        long class = c + k * BLOCK_STEP;
        PREFETCH_CLASS(a->input, w, class);
        lanes x = load_logit(a, w, class);
#if SQUARES
        lanes e = exp_minus_lanes(top - x);
        sum += e;
        squares += e * e;
#else
        if (keeps) {
            lanes e = exp_minus_lanes(top - x);
            sum += e;
            keep_exponential(e, w, class);
        } else {
            sum = add_exp_lanes(sum, top - x);
        }
#endif
    }
    s->sum += sum;
#if SQUARES
    s->squares += squares;
#endif
    return drop;
}

/* One vector x at class c; only the lanes in `keep` count. */
static lanes lse_absorb(lse_lanes *s, const op_args *a, const where *w, lanes x, long c, lanes_int keep) {
    x = keep ? x : (lanes)-INFINITY;
    lanes top = LARGER(s->top, x);
#if ARGMAX
    if (a->given & GIVEN_ARGMAX)
        lse_find(s, a, w, c, 1, x);
#endif
    lanes drop = lse_raise(s, top), e = exp_minus_lanes(s->top - x);
    s->sum += e;
#if SQUARES
    s->squares += e * e;
#endif
    return drop;
}

#if ARGMAX
static per_row_long lse_merge_argmax(const lse_row *a, const lse_row *b) {
    per_row_long lower = ROW_LONG(a->at < b->at) ? a->at : b->at;
    per_row_long at = ROW_LONG(a->top > b->top) ? a->at : lower;
    return ROW_LONG(b->top > a->top) ? b->at : at;
}

/* As it is given out: 0 where nothing lay above the lowest finite number. */
static per_row_long lse_argmax(const lse_row *row) {
    return row->at == (per_row_long)NEVER ? (per_row_long)0 : row->at;
}
#endif

static lse_row lse_fold(const lse_lanes *s) {
    lse_row row;
    row.top = FOLD_MAX(s->top);
    lanes factor = ROWS_IN_LANES ? (lanes)1 : exp_minus_lanes((lanes)row.top - s->top);
    row.sum = FOLD_SUM(s->sum * factor);
#if SQUARES
    row.squares = FOLD_SUM(s->squares * factor * factor);
    row.zero = (per_row)0;
#endif
#if ARGMAX
    row.at = s->at;
#endif
    return row;
}

static lse_row lse_merge(const lse_row *a, const lse_row *b) {
    lse_row row;
    row.top = LARGER(a->top, b->top);
    per_row left = exp_minus_row(row.top - a->top), right = exp_minus_row(row.top - b->top);
    row.sum = a->sum * left + b->sum * right;
#if SQUARES
    row.squares = a->squares * left * left + b->squares * right * right;
    row.zero = (per_row)0;
#endif
#if ARGMAX
    row.at = lse_merge_argmax(a, b);
#endif
    return row;
}

/* The sum of a whole row: NaN where every logit was -inf. */
static per_row lse_sum(const lse_row *row) {
    return row->sum < (real)0.5 ? (per_row)NOT_A_NUMBER : row->sum;
}
