/* Cross-entropy with class-index targets; SMOOTHING 1 when label_smoothing is not 0.
 *
 *   loss      (1-e) w[y] (-lp[y]) + (e/C) sum of w (-lp)
 *   gradient  t ((1-e) w[y] (p - [k = y]) + (e/C) (p sum of w - w[k]))
 *
 * with lp = (x - top) - log(sum), p = exp(lp), e = label_smoothing and t the incoming gradient, over the sum of weights
 * for a mean. The gradient is mapped as exp(x - top) * scale - w[k] * share over the whole row, then patched at y. */

#define REDUCES 1
#define MAPS BACKWARD_PASS
#define HAS_SAVED_STATE (PASS == 1)

/* ---- reduce ---- */

/* Beside (top, sum), smoothing needs linear = sum of w (x - top) and weights = sum of w over the classes seen so far. */
typedef struct lane_state {
    lse_lanes lse;
#if SMOOTHING
    lanes linear, weights;
#endif
} lane_state;

typedef struct row_state {
    lse_row lse;
#if SMOOTHING
    per_row linear, weights;
#endif
} row_state;

/* weight * x, where a class of weight 0 adds nothing, even at x = -inf. */
static lanes weigh(lanes weight, lanes x) {
    return weight == (lanes)0 ? (lanes)0 : weight * x;
}

static per_row weigh_row(per_row weight, per_row x) {
    return weight == (per_row)0 ? (per_row)0 : weight * x;
}

static lanes smoothing_weight(const op_args *a, const where *w, long c) {
    return a->given & GIVEN_WEIGHT ? load_class_weight(a->weight, w, c) : (lanes)1;
}

#if HAS_SAVED_STATE
/* A saved lse stands for the whole reduction, except where smoothing needs the sum of the class weights too. */
static bool op_is_saved(const op_args *a) {
#if SMOOTHING
    return (a->given & GIVEN_LSE) && !(a->given & GIVEN_WEIGHT);
#else
    return a->given & GIVEN_LSE;
#endif
}

static row_state op_saved(const op_args *a, const where *w) {
    row_state row;
    row.lse.top = load_row(a->lse, w);
    row.lse.sum = (per_row)1;
#if SMOOTHING
    row.linear = (per_row)0;
    row.weights = (per_row)(real)a->classes;
#endif
    return row;
}
#endif

static lane_state op_start(void) {
    lane_state s;
    s.lse = lse_start();
#if SMOOTHING
    s.linear = (lanes)0;
    s.weights = (lanes)0;
#endif
    return s;
}

static void op_absorb_block(lane_state *s, const op_args *a, const where *w, long c, int count) {
    lanes drop = lse_absorb_block(&s->lse, a->input, w, c, count);
#if SMOOTHING
    lanes linear[UNIT], weights[UNIT];
#pragma unroll
    for (int j = 0; j < UNIT; j++)
        linear[j] = weights[j] = (lanes)0;
    for (int k = 0; k < count; k += UNIT) {
#pragma unroll
        for (int j = 0; j < UNIT; j++) {
            long class = c + (k + j) * BLOCK_STEP;
            lanes weight = smoothing_weight(a, w, class);
            linear[j] += weigh(weight, load_class(a->input, w, class) - s->lse.top);
            weights[j] += weight;
        }
    }
    s->linear += weigh(s->weights, drop) + sum_of_unit(linear);
    s->weights += sum_of_unit(weights);
#endif
}

static void op_absorb(lane_state *s, const op_args *a, const where *w, long c, lanes_int keep) {
    lanes x = load_class(a->input, w, c);
    lanes drop = lse_absorb(&s->lse, x, keep);
#if SMOOTHING
    lanes weight = keep ? smoothing_weight(a, w, c) : (lanes)0;
    s->linear += weigh(s->weights, drop);
    s->linear += weigh(weight, x - s->lse.top);
    s->weights += weight;
#endif
}

static row_state op_fold(const lane_state *s) {
    row_state row;
    row.lse = lse_fold(&s->lse);
#if SMOOTHING
    row.linear = FOLD_SUM(s->linear + weigh(s->weights, s->lse.top - (lanes)row.lse.top));
    row.weights = FOLD_SUM(s->weights);
#endif
    return row;
}

static row_state op_merge(const row_state *a, const row_state *b) {
    row_state row;
    row.lse = lse_merge(&a->lse, &b->lse);
#if SMOOTHING
    row.linear = (a->linear + weigh_row(a->weights, a->lse.top - row.lse.top)) +
                 (b->linear + weigh_row(b->weights, b->lse.top - row.lse.top));
    row.weights = a->weights + b->weights;
#endif
    return row;
}

/* ---- finish ---- */

typedef struct row_map {
    per_row top, scale, share; /* gradient: exp(x - top) * scale - w[k] * share */
    per_row at_target;         /* the gradient of class y */
    per_row_long place;
    per_row_int ignored;
} row_map;

static void op_finish(const op_args *a, const where *w, const row_state *s, bool writes, row_map *m) {
    row_target t = read_target(a, w);
    per_row x = gather_class(a->input, w, t.y);
    per_row sum = lse_sum(&s->lse);
    per_row hard = ((real)1 - a->smoothing) * t.weight; /* what the target itself weighs */
    real soft = a->smoothing / (real)a->classes;        /* what each class weighs beside it */
#if FORWARD_PASS
    per_row log_sum = log(sum);
    per_row loss = hard == (per_row)0 ? (per_row)0 : hard * (log_sum - (x - s->lse.top));
#if SMOOTHING
    loss += soft * (s->weights * log_sum - s->linear);
#endif
    loss = sum == sum ? loss : sum; /* a row that is NaN shows it even where its target weighs nothing */
    if (writes) {
        store_loss(a, w, &t, loss);
        if (a->given & GIVEN_LSE)
            store_row(s->lse.top + log_sum, a->lse, w);
    }
#endif
#if BACKWARD_PASS
    per_row factor = grad_factor(a, w, &t);
    per_row mass = hard;
#if SMOOTHING
    mass += soft * s->weights;
#endif
    m->top = s->lse.top;
    m->scale = factor * mass / sum;
    m->share = factor * soft;
    m->place = t.place;
    m->ignored = t.ignored;
    m->at_target = exp_output_row(x - m->top) * m->scale - factor * hard;
#if SMOOTHING
    m->at_target -= m->share * t.weight;
#endif
#endif
}

#if MAPS
static lanes op_map(const op_args *a, const where *w, const row_map *m, long c) {
    lanes gradient = exp_output_lanes(load_class(a->input, w, c) - (lanes)m->top) * (lanes)m->scale;
#if SMOOTHING
    gradient -= smoothing_weight(a, w, c) * (lanes)m->share;
#endif
    return m->ignored ? (lanes)0 : gradient;
}

#define MAP_TARGET(a) ((a)->grad_input)

static void op_patch(const op_args *a, const where *w, const row_map *m) {
    scatter_class(m->at_target, a->grad_input, w, m->place);
}
#endif
