/* Binary cross-entropy of every element, on probabilities or, WITH_LOGITS 1, on logits.
 *
 *   probabilities  l = -w [t max(log x, -100) + (1-t) max(log(1-x), -100)]    dx = w g (x - t) / max(x (1-x), 1e-12)
 *   logits         l = w [pw t softplus(-x) + (1-t) softplus(x)]              dx = w g [(1-t) sigmoid(x) - pw t sigmoid(-x)]
 *
 * w is the class weight times the element's own, pw the class's pos_weight. Both forms with logits are sums of terms of one
 * sign, so nothing cancels, and at infinities a term of factor 0 is left out. ELEMENT_LOSS 1 (reduction NONE) writes a loss
 * for each element; else the row's losses are summed first. */

#define ROW_LOSS (FORWARD_PASS && !ELEMENT_LOSS)
#define REDUCES ROW_LOSS
#define MAPS (BACKWARD_PASS || ELEMENT_LOSS)
#define HAS_SAVED_STATE 0
#define TILES 1
#define TILE_SOURCE(a, slot) ((a)->input)

/* What an element is made of. */
typedef struct element {
    lanes x, t, weight;
} element;

static element load_element(const op_args *a, const where *w, long c) {
    element e;
    e.x = load_staged(a->input, w, c, 0);
    e.t = LOAD_TARGET(a->target[0], w, c);
    e.weight = a->given & GIVEN_WEIGHT ? load_class_weight(a->weight, w, c) : (lanes)1;
    if (a->given & GIVEN_SAMPLE_WEIGHT)
        e.weight *= load_class((__global const storage *)a->sample_weight, w, c);
    return e;
}

#if WITH_LOGITS

static lanes positive_weight(const op_args *a, const where *w, long c, lanes t) {
    return a->given & GIVEN_POS_WEIGHT ? load_class_weight(a->pos_weight, w, c) * t : t;
}

static lanes element_loss(const op_args *a, const where *w, const element *e, long c) {
    lanes small = log1p_unit_lanes(exp_minus_lanes(fabs(e->x))); /* exactly 0 at infinities */
    lanes above = weigh((lanes)1 - e->t, LARGER((lanes)0, e->x) + small);
    lanes below = weigh(positive_weight(a, w, c, e->t), LARGER((lanes)0, -e->x) + small);
    lanes loss = weigh(e->weight, above + below);
    return e->x == e->x ? loss : e->x;
}

static lanes element_grad(const op_args *a, const where *w, const element *e, long c) {
    lanes small = exp_minus_lanes(fabs(e->x)), likely = (lanes)1 / ((lanes)1 + small), unlikely = small * likely;
    lanes sigmoid = e->x < (lanes)0 ? unlikely : likely, complement = e->x < (lanes)0 ? likely : unlikely;
    return ((lanes)1 - e->t) * sigmoid - positive_weight(a, w, c, e->t) * complement;
}

#else

/* NaN where input or target are no probabilities. */
static lanes if_valid(const element *e, lanes value) {
    lanes_int wrong = e->x < (lanes)0 || e->x > (lanes)1 || e->t < (lanes)0 || e->t > (lanes)1;
    return wrong ? (lanes)NOT_A_NUMBER : value;
}

static lanes clamped(lanes logarithm) {
    return logarithm < (lanes)-100 ? (lanes)-100 : logarithm;
}

static lanes element_loss(const op_args *a, const where *w, const element *e, long c) {
    lanes loss = e->t * clamped(log_unit_lanes(e->x)) + ((lanes)1 - e->t) * clamped(log_complement_lanes(e->x));
    return if_valid(e, weigh(e->weight, (lanes)0 - loss));
}

/* As docs/numerics.md has it, in the real type: as a float it is off by 4e-9. */
#if REAL64
#define SMALLEST_VARIANCE 1e-12
#else
#define SMALLEST_VARIANCE 1e-12f
#endif

static lanes element_grad(const op_args *a, const where *w, const element *e, long c) {
    lanes product = e->x * ((lanes)1 - e->x);
    return if_valid(e, (e->x - e->t) / (product < (lanes)SMALLEST_VARIANCE ? (lanes)SMALLEST_VARIANCE : product));
}

#endif

/* ---- reduce: the losses of a row ---- */

#if REDUCES
typedef lanes lane_state;
typedef per_row row_state;

static lane_state op_start(void) {
    return (lanes)0;
}

static lanes load_loss(const op_args *a, const where *w, long c) {
    element e = load_element(a, w, c);
    return element_loss(a, w, &e, c);
}

static void op_absorb_block(lane_state *s, const op_args *a, const where *w, long c, int count) {
    lanes sum = (lanes)0;
    for (int k = 0; k < count; k++)
        sum += load_loss(a, w, c + k * BLOCK_STEP);
    *s += sum;
}

static void op_absorb(lane_state *s, const op_args *a, const where *w, long c, lanes_int keep) {
    lanes loss = load_loss(a, w, c);
    *s += keep ? loss : (lanes)0;
}

static row_state op_fold(const lane_state *s) {
    return FOLD_SUM(*s);
}

static row_state op_merge(const row_state *a, const row_state *b) {
    return *a + *b;
}
#else
typedef int row_state; /* nothing is reduced */
#endif

/* ---- finish and map ---- */

/* What every gradient of the call is multiplied by. */
typedef real row_map;

static void op_finish(const op_args *a, const where *w, const row_state *s, bool writes, row_map *m) {
#if ROW_LOSS
    if (writes)
        store_row(*s, (__global real *)a->output, w);
#endif
    *m = a->grad_scale;
#if !ELEMENT_LOSS
    if (a->given & GIVEN_GRAD_OUTPUT)
        *m *= ((__global const real *)a->grad_output)[0];
    if (a->given & MEAN)
        *m /= (real)a->batch * (real)a->classes * (real)a->inner;
#endif
}

#if MAPS
static lanes op_map(const op_args *a, const where *w, const row_map *m, long c) {
    element e = load_element(a, w, c);
#if FORWARD_PASS && ELEMENT_LOSS
    lanes loss = element_loss(a, w, &e, c);
#endif
#if BACKWARD_PASS
    lanes factor = (lanes)*m;
#if ELEMENT_LOSS
    if (a->given & GIVEN_GRAD_OUTPUT)
        factor *= load_class_real((__global const real *)a->grad_output, w, c);
#endif
    lanes gradient = e.weight * factor * element_grad(a, w, &e, c);
#if FORWARD_PASS && ELEMENT_LOSS
    store_class_real(loss, (__global real *)a->output, w, c); /* which lies over nothing that is read */
#endif
    return gradient;
#else
    return loss;
#endif
}

#if BACKWARD_PASS
#define MAP_TARGET(a) ((a)->grad_input)
#else
#define MAP_TARGET(a) ((__global real *)(a)->output)
#define MAP_STORE store_class_real
#endif

static void op_patch(const op_args *a, const where *w, const row_map *m) {
}
#endif
