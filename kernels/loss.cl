/* What losses over class-index targets share: reading a target, its weight, the gradient that comes in. */

typedef struct row_target {
    per_row_long y;      /* the target class; 0 where the row does not count, so that it can be used as an index */
    per_row_long place;  /* the same, but NOWHERE where nothing is to be written */
    per_row_int counts;  /* inside [0, classes) and not ignored */
    per_row_int ignored; /* equal to ignore_index: loss and gradient are 0; a row that is neither is NaN */
    per_row weight;      /* w[y] */
} row_target;

static row_target read_target(const op_args *a, const where *w) {
    row_target t;
    per_row_long y = load_row_target(a->target, w);
    per_row_long ignored = y == (per_row_long)a->ignore_index;
    per_row_long counts = ROW_IN_RANGE(y, a->classes) && !ignored;
    t.y = counts ? y : (per_row_long)0;
    t.place = counts ? y : (per_row_long)NOWHERE;
    t.counts = ROW_INT(counts);
    t.ignored = ROW_INT(ignored);
    t.weight = (per_row)1;
    if (a->given & GIVEN_WEIGHT)
        t.weight = gather_weight(a->weight, w, t.y);
    return t;
}

/* The loss of a row, put where the reduction, or the caller, finds it. */
static void store_loss(const op_args *a, const where *w, const row_target *t, per_row loss) {
    per_row other = t->ignored ? (per_row)0 : (per_row)NOT_A_NUMBER;
    store_row(t->counts ? loss : other, (__global real *)a->output, w);
}

/* What a row's gradient is multiplied by: the incoming gradient, over the sum of weights for a mean; NaN for a row
 * whose target is invalid and for a mean over nothing. */
static per_row grad_factor(const op_args *a, const where *w, const row_target *t) {
    per_row g = (per_row)1;
    if (a->given & GIVEN_GRAD_OUTPUT) {
        __global const real *grad_output = (__global const real *)a->grad_output;
        g = a->given & GRAD_PER_ROW ? load_row(grad_output, w) : (per_row)grad_output[0];
    }
    if (a->given & MEAN)
        g = a->totals[0] == 0 ? (per_row)NOT_A_NUMBER : g / (per_row)a->totals[0];
    return t->counts ? g : (per_row)NOT_A_NUMBER;
}
