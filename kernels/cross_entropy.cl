/* Cross-entropy: one loss per row, of class-index targets or of target probabilities.
 *
 *   loss      l = (1-e) w[y] (-lp[y]) + (e/C) sum of w (-lp)                          class indices
 *             l = sum of w q' (-lp),  q' = (1-e) q + e/C                               probabilities
 *             u (l + z lse^2 + r sum of p^2)                                           each term with its own divisor
 *   gradient  p scale + r-term - mass[k] share - hard [k = y], times the derivative of scale and cap
 *
 * with lp = (x - top) - log(sum), p = exp(lp), e = label_smoothing, u the sample weight. Where a row's classes lie in the lanes, its
 * gradient is mapped without the term at the target, and patched there; where rows do, all of them are compared with each class.
 * masses.cl has what a row is reduced to, and shard.cl what is different where its classes are dealt out to shards.
 * docs/numerics.md has the formulas with their divisors, and their sources. */

#define MAPS BACKWARD_PASS
#define TILES 1
#define TILE_SOURCE(a, slot) ((a)->input)
#define HAS_SAVED_STATE (PASS == 1 && !SHARD)
#define KEEPS (REDUCES && MAPS && !SOFT && !SQUARES && TRANSFORM < 2) /* no need of the logits themselves */
#define KEPT_TOP(s) (s)->lse.top
#define PATCHES (!PROBABILITIES && !ROWS_IN_LANES)

/* ---- a saved lse ---- */

#if HAS_SAVED_STATE
/* A saved lse stands for the whole reduction, except where another sum is needed too. */
static bool op_is_saved(const op_args *a) {
#if SQUARES || PROBABILITIES
    return false;
#elif SMOOTHING
    return (a->given & GIVEN_LSE) && !(a->given & GIVEN_WEIGHT);
#else
    return a->given & GIVEN_LSE;
#endif
}

static row_state op_saved(const op_args *a, const where *w) {
    row_state row;
    row.lse.top = load_row(a->lse, w);
    row.lse.sum = (per_row)1;
#if SQUARES
    row.lse.squares = row.lse.zero = (per_row)0;
#endif
#if SOFT
    row.linear = (per_row)0;
    row.masses = (per_row)(real)a->classes;
#endif
    return row;
}
#endif

/* ---- finish ---- */

/* What the row has once it is reduced. */
typedef struct row_facts {
    per_row top, sum, log_sum, lse;
    per_row squares; /* sum of p^2 */
    per_row linear, masses;
#if HAS_TARGET
    per_row logit, weight; /* of the target */
#endif
} row_facts;

static row_facts facts_of(const row_sums *s) {
    row_facts f;
    f.top = s->lse.top;
    f.sum = lse_sum(&s->lse);
    f.log_sum = log_normal_row(f.sum);
    f.lse = f.top + f.log_sum;
    f.squares = (per_row)0;
    f.linear = f.masses = (per_row)0;
#if SQUARES
    f.squares = s->lse.squares / (f.sum * f.sum);
#endif
#if SOFT
    f.linear = s->linear;
    f.masses = s->masses;
#endif
#if HAS_TARGET
    f.logit = s->logit;
    f.weight = s->weight;
#endif
    return f;
}

/* What the three terms of a target's loss are multiplied by: u and the target's share, over their divisors. */
typedef struct term_factors {
    per_row ce, z, reg;
} term_factors;

static term_factors factors_of(const op_args *a, int which, per_row base, bool divide) {
    term_factors f = {base, base, base};
    if (divide && a->given & MEAN) {
        f.ce = over(base, a->totals[which].weights);
        f.z = over(base, a->totals[which].samples);
    }
    if (divide && a->reg_lambda != 0)
        f.reg = over(base, a->totals[which].samples);
    return f;
}

/* What the gradient of a row is made of. */
typedef struct row_map {
    per_row top, scale, share;     /* exp(x - top) * scale - mass[k] * share */
    per_row inverse, squares, reg; /* with SQUARES + p * (p - squares) * reg, p = exp(x - top) * inverse */
    per_row_int ignored;
#if !PROBABILITIES
    per_row at_target[2]; /* what the targets take off there; PATCHES: the gradient there */
    per_row_class place[2];
#endif
} row_map;

/* A target as it goes into loss and gradient. */
typedef struct target_term {
    row_target t;
    per_row hard;      /* what the target class weighs: (1-e) w[y] */
    per_row hard_grad; /* that times the gradient's factor */
} target_term;

#if PROBABILITIES
#define SOFT_SHARE(a) ((real)1)
#else
#define SOFT_SHARE(a) ((a)->smoothing / (real)ALL_CLASSES(a))
#endif

/* A row of probabilities always counts, and has nothing beside its soft part. A target without a share is left out. */
static target_term read_term(const op_args *a, const where *w, const row_facts *f, int which, real share) {
    target_term term;
#if PROBABILITIES
    term.t.y = (per_row_class)0;
    term.t.place = (per_row_class)NOWHERE;
    term.t.counts = ALL_ROWS;
    term.t.ignored = NO_ROWS;
    term.t.weight = (per_row)1;
    term.hard = (per_row)0;
#else
    term.t = read_target(a, w, which);
#if HAS_TARGET
    term.hard = ((real)1 - a->smoothing) * f->weight; /* which the target may have in another shard */
#else
    term.hard = ((real)1 - a->smoothing) * term.t.weight;
#endif
    if (share == 0) {
        term.t.counts = NO_ROWS;
        term.t.ignored = ALL_ROWS;
        term.t.place = (per_row_class)NOWHERE;
    }
#endif
    term.hard_grad = (per_row)0;
    return term;
}

static per_row term_loss(const op_args *a, const where *w, const row_facts *f, const target_term *term,
                         const term_factors *factors) {
    per_row loss = (per_row)0;
#if HAS_TARGET
    loss = weigh_row(term->hard, f->log_sum - (f->logit - f->top));
#elif !PROBABILITIES
    loss = weigh_row(term->hard, f->log_sum - (gather_logit(a, w, term->t.y) - f->top));
#endif
#if SOFT
    loss += SOFT_SHARE(a) * (f->masses * f->log_sum - f->linear);
#endif
    loss = weigh_row(factors->ce, loss);
    if (a->z_loss != 0)
        loss += factors->z * (a->z_loss * f->lse * f->lse);
#if SQUARES
    loss += factors->reg * (a->reg_lambda * f->squares);
#endif
    return if_counts(&term->t, loss);
}

/* Adds a target's part to the map of the row. */
static void add_term_grad(const op_args *a, const row_facts *f, target_term *term, const term_factors *factors,
                          row_map *m) {
    per_row mass = term->hard;
    mass += SOFT ? SOFT_SHARE(a) * f->masses : (per_row)0;
    per_row scale = factors->ce * mass;
    if (a->z_loss != 0)
        scale += factors->z * ((real)2 * a->z_loss * f->lse);
    m->scale += if_counts(&term->t, scale) / f->sum;
    m->share += if_counts(&term->t, factors->ce * (per_row)SOFT_SHARE(a));
#if SQUARES
    m->reg += if_counts(&term->t, factors->reg * ((real)2 * a->reg_lambda));
#endif
    term->hard_grad = if_counts(&term->t, factors->ce * term->hard);
}

/* A saved lse may lie below a logit. */
#if HAS_SAVED_STATE
#define EXP_OF_LANES exp_any_lanes
#define EXP_OF_ROW exp_any_row
#else
#define EXP_OF_LANES exp_minus_lanes
#define EXP_OF_ROW exp_minus_row
#endif

/* The gradient at a logit x, of a class of this mass, of which `hard` is taken off; e is exp(x - top). */
#define DEFINE_GRADIENT(name, type)                                                                                    \
    static type name(const op_args *a, const row_map *m, type e, type x, type mass, type hard) {                       \
        type gradient = e * (type)(m->scale) - hard;                                                                   \
        if (SOFT)                                                                                                      \
            gradient -= mass * (type)(m->share);                                                                       \
        if (SQUARES) {                                                                                                 \
            type p = e * (type)(m->inverse);                                                                           \
            gradient += p * (p - (type)(m->squares)) * (type)(m->reg);                                                 \
        }                                                                                                              \
        return TRANSFORM ? gradient * LOGIT_SLOPE(a, x, type) : gradient;                                              \
    }

#if MAPS
DEFINE_GRADIENT(gradient_of, lanes)
#if PATCHES
DEFINE_GRADIENT(gradient_of_row, per_row)

static void set_patch(const op_args *a, const where *w, const target_term *term, per_row hard, int which, row_map *m) {
    per_row x = gather_logit(a, w, term->t.y), e = EXP_OF_ROW(m->top - x);
    m->at_target[which] = gradient_of_row(a, m, e, x, term->t.weight, hard);
    if (a->given & ACCUMULATE)
        m->at_target[which] += gather_class(a->grad_input, w, term->t.y);
    m->place[which] = term->t.place;
}
#endif

static void start_map(const row_facts *f, row_map *m) {
    m->top = f->top;
    m->scale = m->share = (per_row)0;
#if SQUARES
    m->inverse = (per_row)1 / f->sum;
    m->squares = f->squares;
    m->reg = (per_row)0;
#endif
#if !PROBABILITIES
    m->place[1] = (per_row_class)NOWHERE;
    m->at_target[1] = (per_row)0;
#endif
}

static void finish_map(const op_args *a, const where *w, const target_term *terms, row_map *m) {
    m->ignored = terms[0].t.ignored;
    if (a->given & GIVEN_TARGET2)
        m->ignored = m->ignored && terms[1].t.ignored;
#if PATCHES
    per_row hard = terms[0].hard_grad;
    if (a->given & GIVEN_TARGET2) { /* where both are the same class, each patch takes both off */
        per_row_int same = SAME_CLASS(terms[0].t.place, terms[1].t.place);
        hard += same ? terms[1].hard_grad : (per_row)0;
        set_patch(a, w, &terms[1], terms[1].hard_grad + (same ? terms[0].hard_grad : (per_row)0), 1, m);
    }
    set_patch(a, w, &terms[0], hard, 0, m);
#elif !PROBABILITIES
    for (int which = 0; which < TARGETS(a); which++) {
        m->at_target[which] = terms[which].hard_grad;
        m->place[which] = terms[which].t.place;
    }
#endif
}
#endif

#if SHARD && FORWARD_PASS
static void op_finish(const op_args *a, const where *w, const row_state *s, bool writes, row_map *m) {
    if (writes)
        put_shard(a, w, s);
}
#else
static void op_finish(const op_args *a, const where *w, const row_state *s, bool writes, row_map *m) {
#if SHARD
    row_sums merged = load_partial(a, w, a->merged);
    row_facts f = facts_of(&merged);
#else
    row_facts f = facts_of(s);
#endif
    target_term terms[2];
    per_row u = sample_weight(a, w), loss = (per_row)0;
#if BACKWARD_PASS
    per_row g = incoming_grad(a, w);
    start_map(&f, m);
#endif
    for (int which = 0; which < TARGETS(a); which++) {
        real share = share_of_target(a, which);
        terms[which] = read_term(a, w, &f, which, share);
#if FORWARD_PASS
        term_factors factors = factors_of(a, which, u * share, a->given & DIVIDE_LOSSES);
        loss += term_loss(a, w, &f, &terms[which], &factors);
#endif
#if BACKWARD_PASS
        term_factors grads = factors_of(a, which, u * g * share, !(a->given & NO_REDUCTION));
        add_term_grad(a, &f, &terms[which], &grads, m);
#endif
    }
#if FORWARD_PASS
    per_row_int out = terms[0].t.ignored;
    if (a->given & GIVEN_TARGET2)
        out = out && terms[1].t.ignored;
    loss = f.sum == f.sum || out ? loss : f.sum; /* a row that is NaN shows it whatever it weighs */
    if (writes) {
        store_row(loss, (__global real *)a->output, w);
        if (a->given & GIVEN_LSE)
            store_row(f.lse, a->lse, w);
#if ARGMAX
        if (a->given & GIVEN_ARGMAX)
            store_row_long(lse_argmax(&s->lse), a->argmax, w);
#elif MERGE
        if (a->given & GIVEN_MERGED)
            store_partial(a, w, a->merged, s, s->logit, s->weight);
#endif
    }
#endif
#if MAPS
    finish_map(a, w, terms, m);
#endif
}
#endif

#if MAPS
static lanes op_map(const op_args *a, const where *w, const row_map *m, long c) {
    lanes mass = (lanes)0, hard = (lanes)0;
#if SOFT
    mass = class_mass(a, w, c);
#endif
#if !PROBABILITIES && !PATCHES
    per_row_class class = (per_row_class)(int)c;
    hard = UNLESS(m->place[0] != class, m->at_target[0]);
    if (a->given & GIVEN_TARGET2)
        hard += UNLESS(m->place[1] != class, m->at_target[1]);
#endif
    lanes x = load_logit(a, w, c);
    lanes e = IS_KEPT(w) ? load_kept(w, c) : EXP_OF_LANES((lanes)(m->top) - x);
    return UNLESS(m->ignored, gradient_of(a, m, e, x, mass, hard));
}

#define MAP_TARGET(a) ((a)->grad_input)

static void op_patch(const op_args *a, const where *w, const row_map *m) {
#if PATCHES
    scatter_class(m->at_target[0], a->grad_input, w, m->place[0]);
    if (a->given & GIVEN_TARGET2)
        scatter_class(m->at_target[1], a->grad_input, w, m->place[1]);
#endif
}
#endif
