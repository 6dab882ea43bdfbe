/* The logits as every formula takes them, for vectors and for what a row has one of, and their derivative. Set by -D:
 *   TRANSFORM  0: as they are; 1: scaled; 2: scaled, then capped by a tanh */

#ifndef TRANSFORM
#define TRANSFORM 0
#endif

#if TRANSFORM == 2
#define CAPPED(a, x, tanh_of) ((a)->logit_softcap * tanh_of((x) * (a)->logit_scale * ((real)1 / (a)->logit_softcap)))
#define LOGIT(a, x) CAPPED(a, x, tanh_lanes)
#define LOGIT_OF_ROW(a, x) CAPPED(a, x, tanh_row)
#elif TRANSFORM == 1
#define LOGIT(a, x) ((x) * (a)->logit_scale)
#define LOGIT_OF_ROW LOGIT
#else
#define LOGIT(a, x) (x)
#define LOGIT_OF_ROW LOGIT
#endif

/* The derivative with respect to the input, at a logit x. Casts take the whole member in brackets, not just `a`. */
#if TRANSFORM == 2
#define LOGIT_SLOPE(a, x, type)                                                                                        \
    ((type)((a)->logit_scale) * ((type)1 - (x / (type)((a)->logit_softcap)) * (x / (type)((a)->logit_softcap))))
#elif TRANSFORM == 1
#define LOGIT_SLOPE(a, x, type) ((type)((a)->logit_scale))
#else
#define LOGIT_SLOPE(a, x, type) ((type)1)
#endif

INLINED lanes load_logit(const op_args *a, const where *w, long c) {
    return LOGIT(a, load_staged(a->input, w, c, 0));
}

static per_row gather_logit(const op_args *a, const where *w, per_row_class c) {
#if STAGED && ROWS_IN_LANES
    bool in_tile = w->first == 0 && w->end == a->classes && !IS_KEPT(w);
    per_row x = in_tile ? gather_from_tile(w, c) : gather_class(a->input, w, c);
#else
    per_row x = gather_class(a->input, w, c);
#endif
    return LOGIT_OF_ROW(a, x);
}
