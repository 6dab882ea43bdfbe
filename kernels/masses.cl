/* What cross-entropy reduces a row to. Beside (top, sum), soft targets need linear = sum of mass (x - top) and masses = sum of mass,
 * where the mass of a class is w for smoothing and w q' for probabilities. A class of mass 0 adds nothing, even at x = -inf.
 * Set by -D, beside those of logit.cl and logsumexp.cl, for cross-entropy alone:
 *   SMOOTHING  1: e is not 0. With probabilities it is an argument like any other. */

#ifdef SMOOTHING
#define PROBABILITIES (TARGET_KIND == PROBABILITY_TARGETS)
#define SOFT (SMOOTHING || PROBABILITIES) /* every class is a little bit of a target */

#define HAS_TARGET (MERGE || (SHARD && BACKWARD_PASS)) /* sums come from partials, which have what the target's shard knows */
#define REDUCES !HAS_TARGET

typedef struct row_sums {
    lse_row lse;
#if SOFT
    per_row linear, masses;
#endif
#if HAS_TARGET
    per_row logit, weight; /* of the target, and 0 in the partials of all shards but its own */
#endif
} row_sums;

#if REDUCES || MERGE
typedef row_sums row_state;
#else
typedef int row_state; /* nothing is reduced */
#endif

#if SOFT
static lanes class_mass(const op_args *a, const where *w, long c) {
    lanes mass = a->given & GIVEN_WEIGHT ? load_class_weight(a->weight, w, c) : (lanes)1;
#if PROBABILITIES
    lanes q = LOAD_TARGET(a->target[0], w, c);
    mass *= q * (lanes)((real)1 - a->smoothing) + (lanes)(a->smoothing / (real)a->classes);
#endif
    return mass;
}
#endif

#if REDUCES
typedef struct lane_state {
    lse_lanes lse;
#if SOFT
    lanes linear, masses;
#endif
} lane_state;

static lane_state op_start(void) {
    lane_state s;
    s.lse = lse_start();
#if SOFT
    s.linear = (lanes)0;
    s.masses = (lanes)0;
#endif
    return s;
}

static void op_absorb_block(lane_state *s, const op_args *a, const where *w, long c, int count) {
    lanes drop = lse_absorb_block(&s->lse, a, w, c, count, IS_KEPT(w));
#if SOFT
    lanes linear = (lanes)0, masses = (lanes)0;
    for (int k = 0; k < count; k++) {
        long class = c + k * BLOCK_STEP;
        lanes mass = class_mass(a, w, class);
        linear += weigh(mass, load_logit(a, w, class) - s->lse.top);
        masses += mass;
    }
    s->linear += weigh(s->masses, drop) + linear;
    s->masses += masses;
#endif
}

static void op_absorb(lane_state *s, const op_args *a, const where *w, long c, lanes_int keep) {
    lanes x = load_logit(a, w, c);
    lanes drop = lse_absorb(&s->lse, a, w, x, c, keep);
#if SOFT
    lanes mass = keep ? class_mass(a, w, c) : (lanes)0;
    s->linear += weigh(s->masses, drop);
    s->linear += keep ? weigh(mass, x - s->lse.top) : (lanes)0;
    s->masses += mass;
#endif
}

static row_state op_fold(const lane_state *s) {
    row_state row;
    row.lse = lse_fold(&s->lse);
#if SOFT
    row.linear = FOLD_SUM(s->linear + weigh(s->masses, s->lse.top - (lanes)row.lse.top));
    row.masses = FOLD_SUM(s->masses);
#endif
    return row;
}

#endif

#if REDUCES || MERGE
static row_state op_merge(const row_state *a, const row_state *b) {
    row_state row;
    row.lse = lse_merge(&a->lse, &b->lse);
#if SOFT
    row.linear = (a->linear + weigh_row(a->masses, a->lse.top - row.lse.top)) +
                 (b->linear + weigh_row(b->masses, b->lse.top - row.lse.top));
    row.masses = a->masses + b->masses;
#endif
#if HAS_TARGET
    row.logit = a->logit + b->logit;
    row.weight = a->weight + b->weight;
#endif
    return row;
}
#endif
#endif
