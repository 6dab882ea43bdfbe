/* What losses with one loss per row share: reading a target, its weights, what a loss and a gradient are multiplied by. */

/* The weight of a sample, u. */
static per_row sample_weight(const op_args *a, const where *w) {
    return a->given & GIVEN_SAMPLE_WEIGHT ? load_row((__global const real *)a->sample_weight, w) : (per_row)1;
}

/* weight * x, where a weight of 0 takes an infinity with it; a NaN shows. */
static lanes weigh(lanes weight, lanes x) {
    return weight == (lanes)0 && x == x ? (lanes)0 : weight * x;
}

static per_row weigh_row(per_row weight, per_row x) {
    return weight == (per_row)0 && x == x ? (per_row)0 : weight * x;
}

/* How many targets a call has, and the share of each in the loss. */
#define TARGETS(a) ((a)->given & GIVEN_TARGET2 ? 2 : 1)

static real share_of_target(const op_args *a, int which) {
    if (!(a->given & GIVEN_TARGET2))
        return (real)1;
    real first = a->given & GIVEN_MIX_LAMBDA ? a->mix_lambda[0] : a->mix;
    return which == 0 ? first : (real)1 - first;
}

#if TARGET_KIND != ELEMENT_TARGETS

#define ALL_ROWS ((per_row_int)-1)
#define NO_ROWS ((per_row_int)0)

typedef struct row_target {
    per_row_class y;     /* the target class; 0 where the row has none that counts, so that it can be used as an index */
    per_row_class place; /* the same, but NOWHERE where nothing is to be written */
    per_row_int counts;  /* inside [0, classes) and not ignored */
    per_row_int ignored; /* equal to ignore_index: loss and gradient are 0; a row that is neither is NaN */
    per_row weight;      /* w[y] */
} row_target;

#if TARGET_KIND == CLASS_TARGETS
static row_target read_target(const op_args *a, const where *w, int which) {
    row_target t;
    per_row_class y = read_targets(a, a->target[which], w, &t.counts, &t.ignored);
    per_row_int here = t.counts;
#if SHARD
    y -= CLASS_OF_ROWS(a->class_start);
    here = here && CLASSES_IN_RANGE(y, a->classes); /* it may be another shard's */
#endif
    t.y = here ? y : (per_row_class)0;
    t.place = here ? y : (per_row_class)NOWHERE;
    t.weight = (per_row)1;
    if (a->given & GIVEN_WEIGHT)
        t.weight = gather_weight(a->weight, w, t.y);
    return t;
}
#endif

/* Of a row that does not count: 0 where it is ignored, NaN where its target is no class. */
static per_row if_counts(const row_target *t, per_row value) {
    return t->counts ? value : t->ignored ? (per_row)0 : (per_row)NOT_A_NUMBER;
}

static per_row over(per_row value, real divisor) {
    return divisor == 0 ? (per_row)NOT_A_NUMBER : value / (per_row)divisor;
}

/* The incoming gradient of a row, g, scaled. */
static per_row incoming_grad(const op_args *a, const where *w) {
    if (!(a->given & GIVEN_GRAD_OUTPUT))
        return (per_row)a->grad_scale;
    __global const real *grad_output = (__global const real *)a->grad_output;
    per_row g = a->given & NO_REDUCTION ? load_row(grad_output, w) : (per_row)grad_output[0];
    return g * (per_row)a->grad_scale;
}

#endif
