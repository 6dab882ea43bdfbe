/* Negative log-likelihood of log-probabilities x.
 *
 *   forward   -u w[y] x[y]
 *   backward  -u w[y] g at y, 0 elsewhere        (for a mean over the sum of u w[y]) */

#define REDUCES 0
#define MAPS BACKWARD_PASS
#define TILES 0
#define HAS_SAVED_STATE 0

typedef int row_state; /* nothing is reduced */

typedef struct row_map {
    per_row fill, at_target;
    per_row_class place;
} row_map;

static void op_finish(const op_args *a, const where *w, const row_state *s, bool writes, row_map *m) {
    row_target t = read_target(a, w, 0);
    per_row weight = sample_weight(a, w) * t.weight;
#if FORWARD_PASS
    per_row x = gather_class(a->input, w, t.y);
    if (writes)
        store_row(if_counts(&t, (per_row)0 - weigh_row(weight, x)), (__global real *)a->output, w);
#else
    per_row factor = weight * incoming_grad(a, w);
    if (a->given & MEAN)
        factor = over(factor, a->totals[0].weights);
    m->fill = if_counts(&t, (per_row)0);
    m->at_target = -factor;
    if (a->given & ACCUMULATE)
        m->at_target += gather_class(a->grad_input, w, t.y);
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
