/* Binary cross-entropy of every element, on probabilities or, WITH_LOGITS 1, on logits.
 *
 *   probabilities  l = -w [t max(log x, -100) + (1-t) max(log(1-x), -100)]    dx = w g (x - t) / max(x (1-x), 1e-12)
 *   logits         l = w [pw t softplus(-x) + (1-t) softplus(x)]              dx = w g [(1-t) sigmoid(x) - pw t sigmoid(-x)]
 *
 * w is the class weight times the element's own, pw the class's pos_weight. Both forms with logits are sums of terms of one
 * sign, so nothing cancels, and at infinities a term of factor 0 is left out. ELEMENT_LOSS 1 (reduction NONE) writes a loss
 * for each element; else the row's losses are summed. Where the gradient is wanted as well, it is written while they are, since
 * what it is multiplied by is known beforehand: so every element is read once, and both come from one exponential. */

#define ROW_LOSS (FORWARD_PASS && !ELEMENT_LOSS)
#define REDUCES ROW_LOSS
#define ABSORB_WRITES (ROW_LOSS && BACKWARD_PASS)
#define MAPS ((BACKWARD_PASS || ELEMENT_LOSS) && !ABSORB_WRITES)
#define HAS_SAVED_STATE 0
#define TILES 1
#define TILE_SOURCE(a, slot) ((a)->input)

/* What asks for more than an input and a target to be read; tested once for many vectors. */
#define WEIGHTED (GIVEN_WEIGHT | GIVEN_SAMPLE_WEIGHT | GIVEN_POS_WEIGHT | ACCUMULATE)

/* What an element is made of. Structs are filled through pointers: returned from an inlined function they carry LLVM's notes on
 * aliasing, which Oclgrind does not know. */
typedef struct element {
    lanes x, t, weight;
} element;

INLINED void load_element(element *e, const op_args *a, const where *w, long c, uint given) {
    e->x = load_staged(a->input, w, c, 0);
    e->t = LOAD_TARGET(a->target[0], w, c);
    e->weight = given & GIVEN_WEIGHT ? load_class_weight(a->weight, w, c) : (lanes)1;
    if (given & GIVEN_SAMPLE_WEIGHT)
        e->weight *= load_class((__global const storage *)a->sample_weight, w, c);
}

/* An element's loss, and its gradient times `factor`; where one is not used, the compiler leaves it out. */
typedef struct outcome {
    lanes loss, gradient;
} outcome;

#define IF_GIVEN(which, yes, no) (given & (which) ? (yes) : (no))

#if WITH_LOGITS

/* With e = exp(-|x|) both signs of x are one formula, up to who is `near` (the target of the sign that x has) and who `far`:
 *   l = far |x| + (far + near) log(1 + e)    dx = sign(x) (far - near e) / (1 + e) */
INLINED void outcome_of(outcome *o, const op_args *a, const where *w, const element *e, long c, lanes factor, uint given) {
    lanes size = fabs(e->x), small = exp_minus_lanes(size);
    lanes positive = IF_GIVEN(GIVEN_POS_WEIGHT, load_class_weight(a->pos_weight, w, c) * e->t, e->t);
    lanes negative = (lanes)1 - e->t;
    lanes_signs sign = SIGNS_OF_LANES(e->x);
    lanes far = sign < 0 ? positive : negative, near = sign < 0 ? negative : positive;
    lanes grown = log1p_unit_lanes(small); /* exactly 0 at infinities */
    if (given & GIVEN_POS_WEIGHT)
        grown *= far + near;
    o->loss = FMA(far, far == (lanes)0 ? (lanes)0 : size, grown);
    o->gradient = FMA(near, -small, far) * (NEGATE_LANES(factor, sign) / ((lanes)1 + small));
}

#else

/* As docs/numerics.md has it, in the real type: as a float it is off by 4e-9. */
#if REAL64
#define SMALLEST_VARIANCE 1e-12
#else
#define SMALLEST_VARIANCE 1e-12f
#endif

static lanes clamped(lanes logarithm) {
    return logarithm < (lanes)-100 ? (lanes)-100 : logarithm;
}

/* NaN where input or target are no probabilities. */
INLINED void outcome_of(outcome *o, const op_args *a, const where *w, const element *e, long c, lanes factor, uint given) {
    lanes_int wrong = e->x < (lanes)0 || e->x > (lanes)1 || e->t < (lanes)0 || e->t > (lanes)1;
    lanes loss = e->t * clamped(log_unit_lanes(e->x)) + ((lanes)1 - e->t) * clamped(log_complement_lanes(e->x));
    lanes product = e->x * ((lanes)1 - e->x);
    lanes gradient = factor * ((e->x - e->t) / (product < (lanes)SMALLEST_VARIANCE ? (lanes)SMALLEST_VARIANCE : product));
    o->loss = wrong ? (lanes)NOT_A_NUMBER : -loss;
    o->gradient = wrong ? (lanes)NOT_A_NUMBER : gradient;
}

#endif

/* The element at class c. */
INLINED void outcome_at(outcome *o, const op_args *a, const where *w, long c, lanes factor, uint given) {
    element e;
    load_element(&e, a, w, c, given);
    outcome_of(o, a, w, &e, c, factor, given);
    if (given & (GIVEN_WEIGHT | GIVEN_SAMPLE_WEIGHT)) {
        o->loss = weigh(e.weight, o->loss);
        o->gradient *= e.weight;
    }
}

/* What every gradient of the call is multiplied by. */
static real gradient_factor(const op_args *a) {
    real factor = a->grad_scale;
#if !ELEMENT_LOSS
    if (a->given & GIVEN_GRAD_OUTPUT)
        factor *= ((__global const real *)a->grad_output)[0];
    if (a->given & MEAN)
        factor /= (real)a->batch * (real)a->classes * (real)a->inner;
#endif
    return factor;
}

/* ---- reduce: the losses of a row ---- */

#if REDUCES
typedef lanes lane_state;
typedef per_row row_state;

static lane_state op_start(void) {
    return (lanes)0;
}

/* The losses of class c on; writes their gradients where that is done on the way. */
INLINED lanes absorbed(const op_args *a, const where *w, long c, real factor, uint given) {
    outcome o;
    outcome_at(&o, a, w, c, (lanes)factor, given);
#if ABSORB_WRITES
    if (given & ACCUMULATE)
        o.gradient += load_class(a->grad_input, w, c);
    store_staged(o.gradient, a->grad_input, w, c);
#endif
    return o.loss;
}

static void op_absorb_block(lane_state *s, const op_args *a, const where *w, long c, int count) {
    real factor = ABSORB_WRITES ? gradient_factor(a) : (real)0;
    lanes sum = (lanes)0;
    if (a->given & WEIGHTED)
        for (int k = 0; k < count; k++)
            sum += absorbed(a, w, c + k * BLOCK_STEP, factor, a->given);
    else
        for (int k = 0; k < count; k++)
            sum += absorbed(a, w, c + k * BLOCK_STEP, factor, 0);
    *s += sum;
}

static void op_absorb(lane_state *s, const op_args *a, const where *w, long c, lanes_int keep) {
    lanes loss = absorbed(a, w, c, ABSORB_WRITES ? gradient_factor(a) : (real)0, a->given);
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

typedef real row_map; /* the gradients' factor */

static void op_finish(const op_args *a, const where *w, const row_state *s, bool writes, row_map *m) {
#if ROW_LOSS
    if (writes)
        store_row(*s, (__global real *)a->output, w);
#endif
    *m = MAPS ? gradient_factor(a) : (real)0;
}

#if BACKWARD_PASS
#define MAP_TARGET(a) ((a)->grad_input)
#else
#define MAP_TARGET(a) ((__global real *)(a)->output)
#define MAP_STORE store_class_real
#endif

#if MAPS
static lanes op_map(const op_args *a, const where *w, const row_map *m, long c) {
    lanes factor = (lanes)*m;
#if BACKWARD_PASS && ELEMENT_LOSS
    if (a->given & GIVEN_GRAD_OUTPUT)
        factor *= load_class_real((__global const real *)a->grad_output, w, c);
#endif
    outcome o;
    outcome_at(&o, a, w, c, factor, a->given);
#if FORWARD_PASS && BACKWARD_PASS && ELEMENT_LOSS
    store_class_real(o.loss, (__global real *)a->output, w, c); /* which lies over nothing that is read */
#endif
    return BACKWARD_PASS ? o.gradient : o.loss;
}

static void op_patch(const op_args *a, const where *w, const row_map *m) {
}
#endif
