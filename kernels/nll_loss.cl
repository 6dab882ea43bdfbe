/* Negative log-likelihood of log-probabilities x.
 *
 *   forward   -w[y] x[y]
 *   backward  -g w[y] at y, 0 elsewhere        (g already divided by the sum of weights for a mean) */

#define REDUCES 0
#define MAPS BACKWARD_PASS
#define HAS_SAVED_STATE 0

typedef int row_state; /* nothing is reduced */

typedef struct row_map {
    per_row fill, at_target;
    per_row_long place;
} row_map;

static void op_finish(const op_args *a, const where *w, const row_state *s, bool writes, row_map *m) {
    row_target t = read_target(a, w);
#if FORWARD_PASS
    per_row x = gather_class(a->input, w, t.y);
    x = t.weight == (per_row)0 && x == x ? (per_row)0 : x; /* a weight of 0 takes an infinity with it, a NaN shows */
    if (writes)
        store_loss(a, w, &t, (per_row)0 - t.weight * x);
#else
    m->fill = (t.counts || t.ignored) ? (per_row)0 : (per_row)NOT_A_NUMBER;
    m->at_target = -t.weight * grad_factor(a, w, &t);
    m->place = t.place;
#endif
}

#if MAPS
static lanes op_map(const op_args *a, const where *w, const row_map *m, long c) {
    return (lanes)m->fill;
}

#define MAP_TARGET(a) ((a)->grad_input)

static void op_patch(const op_args *a, const where *w, const row_map *m) {
    scatter_class(m->at_target, a->grad_input, w, m->place);
}
#endif
