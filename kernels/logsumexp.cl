/* The online maximum and sum of exponentials of a row (Milakov and Gimelshein, 2018), which softmax, log-softmax and
 * cross-entropy all start from: one read of the row gives top = max x and sum = sum of exp(x - top).
 *
 * A running maximum starts at the lowest finite number and not at -inf, so that leading -inf logits are as if absent.
 * A row that is all -inf is told by its sum, which stays near 0 where any finite logit would have added a 1. */

typedef struct lse_lanes {
    lanes top, sum;
} lse_lanes;

typedef struct lse_row {
    per_row top, sum;
} lse_row;

static lse_lanes lse_start(void) {
    lse_lanes s;
    s.top = (lanes)LOWEST;
    s.sum = (lanes)0;
    return s;
}

/* Raises the maximum and rescales the sum; gives how far the old maximum lies below the new one (<= 0). */
static lanes lse_raise(lse_lanes *s, lanes top) {
    lanes drop = s->top - top;
    s->sum *= exp_lanes(drop);
    s->top = top;
    return drop;
}

/* `count` vectors, a multiple of UNIT, from class c on: first their maximum, then, out of the nearest cache, the sum. So the
 * sum is rescaled once for a block, and there is no branch. */
static lanes lse_absorb_block(lse_lanes *s, __global const storage *x, const where *w, long c, int count) {
    lanes top[UNIT], sum[UNIT];
#pragma unroll
    for (int j = 0; j < UNIT; j++) {
        top[j] = s->top;
        sum[j] = (lanes)0;
    }
    for (int k = 0; k < count; k += UNIT) {
#pragma unroll
        for (int j = 0; j < UNIT; j++)
            top[j] = LARGER(top[j], load_ahead(x, w, c + (k + j) * BLOCK_STEP, j));
    }
    lanes left = LARGER(top[0], top[1]), right = LARGER(top[2], top[3]);
    lanes drop = lse_raise(s, LARGER(left, right));
    for (int k = 0; k < count; k += UNIT) {
#pragma unroll
        for (int j = 0; j < UNIT; j++)
            sum[j] += exp_lanes(load_class(x, w, c + (k + j) * BLOCK_STEP) - s->top);
    }
    s->sum += sum_of_unit(sum);
    return drop;
}

/* One vector; only the lanes in `keep` count. */
static lanes lse_absorb(lse_lanes *s, lanes x, lanes_int keep) {
    x = keep ? x : (lanes)-INFINITY;
    lanes drop = lse_raise(s, LARGER(s->top, x));
    s->sum += exp_lanes(x - s->top);
    return drop;
}

static lse_row lse_fold(const lse_lanes *s) {
    lse_row row;
    row.top = FOLD_MAX(s->top);
    row.sum = FOLD_SUM(s->sum * exp_lanes(s->top - (lanes)row.top));
    return row;
}

static lse_row lse_merge(const lse_row *a, const lse_row *b) {
    lse_row row;
    row.top = LARGER(a->top, b->top);
    row.sum = a->sum * exp_row(a->top - row.top) + b->sum * exp_row(b->top - row.top);
    return row;
}

/* The sum of a whole row: NaN where every logit was -inf. */
static per_row lse_sum(const lse_row *row) {
    return row->sum < (real)0.5 ? (per_row)NOT_A_NUMBER : row->sum;
}
