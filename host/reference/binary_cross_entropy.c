/* Binary cross-entropy of every element, on probabilities or on logits x, with target probabilities t. The gradient may
 * be written over the input: each element is read before its gradient is written in its place. */
#include "row.h"

#include <math.h>

/* One element. */
typedef struct element {
    long double x, t;
    long double w;  /* weight[c] * sample_weight[n, c, j] */
    long double pw; /* pos_weight[c] */
} element;

typedef struct formulas {
    long double (*loss)(const element *e);
    long double (*gradient)(const element *e); /* dl / dx */
} formulas;

/* ---- on probabilities ---- */

/* Not below -100, which is what the loss of a certain and wrong probability is capped at. NaN stays. */
static long double clamped_log(long double log) {
    return log < -100 ? -100 : log;
}

/* l = -w [ t max(log x, -100) + (1-t) max(log(1-x), -100) ] */
static long double loss_of_probability(const element *e) {
    long double log_x = clamped_log(logl(e->x)), log_rest = clamped_log(log1pl(-e->x));
    return clx_weighted_loss(e->w, e->t * log_x + (1 - e->t) * log_rest);
}

/* dl / dx = w (x - t) / max(x (1-x), 1e-12); the clamp is not differentiated. */
static long double gradient_of_probability(const element *e) {
    long double variance = e->x * (1 - e->x);
    return e->w * (e->x - e->t) / (variance < 1e-12L ? 1e-12L : variance);
}

/* ---- on logits ---- */

/* log(1 + exp(v)), with its limits 0 and +inf. */
static long double softplus(long double v) {
    return (v > 0 ? v : 0) + log1pl(expl(-fabsl(v)));
}

static long double sigmoid(long double v) {
    return 1 / (1 + expl(-v));
}

/* l = w [ pw t softplus(-x) + (1-t) softplus(x) ]. A term with the factor 0 is left out, lest 0 * inf. */
static long double loss_of_logit(const element *e) {
    long double positive = clx_times(e->pw * e->t, softplus(-e->x));
    long double negative = clx_times(1 - e->t, softplus(e->x));
    return clx_times(e->w, positive + negative);
}

/* dl / dx = w [ (1-t) sigmoid(x) - pw t sigmoid(-x) ] */
static long double gradient_of_logit(const element *e) {
    return e->w * ((1 - e->t) * sigmoid(e->x) - e->pw * e->t * sigmoid(-e->x));
}

/* ---- both ---- */

static element get_element(const clx_problem *problem, const clxent_host_args *args, const clx_row *row, size_t c) {
    double t = clx_get_number(problem, clx_element_of(problem, CLX_TARGET), args->target, clx_place_of(row, c));
    long double u = args->sample_weight == NULL ? 1 : clx_get(row, args->sample_weight, c);
    return (element){
        .x = clx_get(row, args->input, c),
        .t = t,
        .w = clx_get_weight(problem, args, c) * u,
        .pw = args->pos_weight == NULL ? 1 : clx_get_real(problem, args->pos_weight, c),
    };
}

static void run(const clx_problem *problem, const clxent_host_args *args, const formulas *f) {
    const clxent_desc *desc = &problem->desc;
    bool forward = desc->pass != CLXENT_BACKWARD, backward = desc->pass != CLXENT_FORWARD;
    bool none = desc->reduction == CLXENT_REDUCTION_NONE, mean = desc->reduction == CLXENT_REDUCTION_MEAN;
    /* The number of elements, whatever their weights. */
    long double divisor = mean ? (long double)problem->rows * desc->classes : 1, total = 0;
    for (size_t r = 0; r < problem->rows; r++) {
        clx_row row = clx_get_row(problem, r);
        for (size_t c = 0; c < row.classes; c++) {
            element e = get_element(problem, args, &row, c);
            long double loss = f->loss(&e);
            total += loss;
            if (forward && none)
                clx_put_real(problem, args->output, clx_place_of(&row, c), loss);
            if (backward) {
                long double g = clx_incoming(problem, args, clx_place_of(&row, c));
                clx_put_gradient(&row, args->grad_input, c, g * f->gradient(&e) / divisor);
            }
        }
    }
    if (forward && !none)
        clx_put_real(problem, args->output, 0, divisor == 0 ? clx_empty_mean(problem) : total / divisor);
}

clxent_status clx_binary_cross_entropy_reference(const clx_problem *problem, const clxent_host_args *args) {
    run(problem, args, &(formulas){loss_of_probability, gradient_of_probability});
    return CLXENT_SUCCESS;
}

clxent_status clx_binary_cross_entropy_with_logits_reference(const clx_problem *problem, const clxent_host_args *args) {
    run(problem, args, &(formulas){loss_of_logit, gradient_of_logit});
    return CLXENT_SUCCESS;
}
