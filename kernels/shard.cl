/* Rows whose classes are dealt out to shards. What a shard says of its rows is a partial: six planes of a number for each row, so
 * that planes can be exchanged as a whole.
 *
 *   SHARD  a row is some of the classes, from class_start on, of class_total. Forward writes its partial; backward has the
 *          merged one in place of a reduction.
 *   MERGE  a row is the partials of `parts` shards one behind the other, merged as parts of a row always are: op_merge. */

#if DEALT_OUT
enum { TOP, SUM, TARGET_LOGIT, TARGET_WEIGHT, LINEAR, MASSES, PLANES };

static long plane_size(const op_args *a) {
    return a->batch * a->inner;
}

static row_sums load_partial(const op_args *a, const where *w, __global const real *partial) {
    const long size = plane_size(a);
    row_sums s;
    s.lse.top = load_row(partial + TOP * size, w);
    s.lse.sum = load_row(partial + SUM * size, w);
#if SOFT
    s.linear = load_row(partial + LINEAR * size, w);
    s.masses = load_row(partial + MASSES * size, w);
#endif
#if HAS_TARGET
    s.logit = load_row(partial + TARGET_LOGIT * size, w);
    s.weight = load_row(partial + TARGET_WEIGHT * size, w);
#endif
    return s;
}

static void store_partial(const op_args *a, const where *w, __global real *partial, const row_sums *s, per_row logit,
                          per_row weight) {
    const long size = plane_size(a);
    store_row(s->lse.top, partial + TOP * size, w);
    store_row(s->lse.sum, partial + SUM * size, w);
    store_row(logit, partial + TARGET_LOGIT * size, w);
    store_row(weight, partial + TARGET_WEIGHT * size, w);
#if SOFT
    store_row(s->linear, partial + LINEAR * size, w);
    store_row(s->masses, partial + MASSES * size, w);
#else
    store_row((per_row)0, partial + LINEAR * size, w);
    store_row((per_row)0, partial + MASSES * size, w);
#endif
}

/* The partial of a reduced row. Of a target that is not here logit and weight are 0, whatever class 0 has. */
#if REDUCES
static void put_shard(const op_args *a, const where *w, const row_sums *s) {
    row_target t = read_target(a, w, 0);
    per_row_int here = t.place != (per_row_class)NOWHERE;
    store_partial(a, w, a->partial, s, here ? gather_logit(a, w, t.y) : (per_row)0, here ? t.weight : (per_row)0);
}
#endif
#endif
