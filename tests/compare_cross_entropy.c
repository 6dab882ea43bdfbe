/* Cross-entropy against the reference. The bounds follow docs/numerics.md: x'' are the scaled and capped logits, l the
 * loss of a target, lse and q = sum of p^2 what z_loss and reg_lambda weigh; each term of a target has its own
 * divisor. */
#include "device_bounds.h"

#include <math.h>
#include <stdlib.h>

/* One of the targets, with its share of the loss. */
typedef struct part {
    clx_tensor target;
    double share;
    divisors sums;
} part;

/* What the bounds of a row need. */
typedef struct row_bounds {
    const device_data *d;
    const part *parts;
    size_t count, classes, row;
    double u;
    double *x, *x_error, *p; /* of each class: x'', its error, exp(x'' - top - log_sum) */
    double *mass;            /* of each class as a soft target, without share */
    exp_sum sum;
    double lse, lse_error, q, q_error;
    double mass_sum, share; /* sum of mass, and what it is multiplied by: e/C, or 1 */
} row_bounds;

/* ---- logits ---- */

static double logit_of(const clxent_desc *desc, double input, double *error) {
    double x = desc->logit_scale * input, cap = desc->logit_softcap;
    if (cap != 0)
        x = cap * tanh(x / cap);
    *error = cap != 0                 ? errors_of(CAPPED_LOGIT, 0) * fabs(x)
             : desc->logit_scale != 1 ? errors_of(SCALED_LOGIT, 0) * fabs(x)
                                      : 0;
    if (isinf(x))
        *error = 0;
    return x;
}

/* A saved lse is used, but where another sum over the row is needed anyway. */
static bool uses_saved_lse(const device_data *d) {
    const clxent_desc *desc = &d->problem.desc;
    bool weighted_smoothing = is_given(d, CLX_WEIGHT) && desc->label_smoothing > 0;
    return desc->pass == CLXENT_BACKWARD && is_given(d, CLX_LSE) && !weighted_smoothing && desc->reg_lambda == 0 &&
           !clx_has_probabilities(&d->problem);
}

static void set_sums(row_bounds *b) {
    const device_data *d = b->d;
    b->sum = sum_of_exp(d, b->classes, b->x, b->x_error);
    if (uses_saved_lse(d))
        b->sum = (exp_sum){number_before(d, CLX_LSE, b->row), 0, 0};
    b->lse = b->sum.top + b->sum.log_sum;
    b->lse_error = fabs(b->sum.top) + 2 * errors_of(LOGARITHM, 0) * fabs(b->sum.log_sum) + b->sum.error;
    double own = 0;
    b->q = 0;
    for (size_t c = 0; c < b->classes; c++) {
        double distance = b->x[c] - b->sum.top, p = exp(distance - b->sum.log_sum);
        b->p[c] = p;
        b->q += p * p;
        own += times(p * p, 2 * (errors_of(EXPONENT, 0) * fabs(distance) + error_of_exp(d, b->x_error[c])));
    }
    b->q_error = own + b->q * (2 * b->sum.error + 2 * errors_of(EXPONENTIAL, 0) + errors_of(SUM_OF_EXP, b->classes));
}

/* ---- soft targets ---- */

static void set_masses(row_bounds *b) {
    const device_data *d = b->d;
    double e = d->problem.desc.label_smoothing, even = e / (double)b->classes;
    bool probabilities = clx_has_probabilities(&d->problem);
    b->share = probabilities ? 1 : even;
    b->mass_sum = 0;
    for (size_t c = 0; c < b->classes; c++) {
        b->mass[c] = factor_before(d, CLX_WEIGHT, c);
        if (probabilities) {
            double q = number_before(d, CLX_TARGET, element_of(d, b->row, c));
            b->mass[c] *= fabs(q) * (1 - e) + even;
        }
        b->mass_sum += b->mass[c];
    }
}

static void set_row(row_bounds *b, size_t row) {
    const device_data *d = b->d;
    b->row = row;
    b->u = factor_before(d, CLX_SAMPLE_WEIGHT, row);
    for (size_t c = 0; c < b->classes; c++)
        b->x[c] = logit_of(&d->problem.desc, number_before(d, CLX_INPUT, element_of(d, row, c)), &b->x_error[c]);
    set_sums(b);
    set_masses(b);
}

/* ---- loss ---- */

/* What the row has to do with a target. */
typedef struct hard_target {
    bool counts;
    size_t y;      /* its class */
    double weight; /* (1-e) w[y]; 0 for probabilities */
} hard_target;

static hard_target find_target(const row_bounds *b, const part *p) {
    const device_data *d = b->d;
    hard_target t = {.counts = row_counts(d, p->target, b->row)};
    if (!t.counts || clx_has_probabilities(&d->problem))
        return t;
    t.y = (size_t)get_class(d, p->target, b->row);
    t.weight = (1 - d->problem.desc.label_smoothing) * factor_before(d, CLX_WEIGHT, t.y);
    return t;
}

/* Adds |weight * -log p_c| and its error. */
static void add_log(const row_bounds *b, double weight, size_t c, double factor, double *size, double *error) {
    double distance = fabs(b->x[c] - b->sum.top) + fabs(b->sum.log_sum);
    *size += times(weight, distance);
    *error += times(weight, factor * distance + b->sum.error + b->x_error[c]);
}

/* Adds the size and the error of a part's loss, without its share. */
static void add_part_loss(const row_bounds *b, const part *p, double *size, double *error) {
    const clxent_desc *desc = &b->d->problem.desc;
    bool mean = desc->reduction == CLXENT_REDUCTION_MEAN, none = desc->reduction == CLXENT_REDUCTION_NONE;
    hard_target t = find_target(b, p);
    double l = 0, l_error = 0;
    if (!t.counts)
        return;
    add_log(b, t.weight, t.y, errors_of(LOGARITHM, 0), &l, &l_error);
    for (size_t c = 0; b->share > 0 && c < b->classes; c++)
        add_log(b, b->share * b->mass[c], c, errors_of(LINEAR_SUM, b->classes), &l, &l_error);
    double f = b->u / (mean ? p->sums.weights : 1);
    double z = times(desc->z_loss, b->u / (mean ? p->sums.samples : 1));
    double r = times(fabs(desc->reg_lambda), b->u / (none ? 1 : p->sums.samples));
    double own = times(f, l) + times(z, b->lse * b->lse) + times(r, b->q);
    *size += own;
    *error += times(f, l_error) + times(z, 2 * fabs(b->lse) * b->lse_error) + times(r, b->q_error) +
              errors_of(PRODUCTS, 0) * own;
}

static void compare_loss(const row_bounds *b, double *total, double *total_error) {
    double size = 0, error = 0;
    bool counts = false;
    for (size_t i = 0; i < b->count; i++) {
        double part_size = 0, part_error = 0;
        add_part_loss(b, &b->parts[i], &part_size, &part_error);
        size += b->parts[i].share * part_size;
        error += b->parts[i].share * part_error;
        counts = counts || row_counts(b->d, b->parts[i].target, b->row);
    }
    if (b->d->problem.desc.reduction == CLXENT_REDUCTION_NONE)
        compare_number(b->d, CLX_OUTPUT, b->row, error, counts ? 1 + b->u : 0);
    if (isfinite(size) && isfinite(error)) {
        *total += size;
        *total_error += error;
    }
}

/* ---- gradient ---- */

/* The factors of a row's gradient: of p_k, of the mass of a class, of p_k (p_k - q), and the error of the first beside
 * that of p_k. */
typedef struct pull {
    hard_target targets[2];
    double t[2];
    double p, mass, q, p_error;
    bool counts;
} pull;

static pull get_pull(const row_bounds *b) {
    const clxent_desc *desc = &b->d->problem.desc;
    bool mean = desc->reduction == CLXENT_REDUCTION_MEAN, none = desc->reduction == CLXENT_REDUCTION_NONE;
    pull f = {.counts = false};
    for (size_t i = 0; i < b->count; i++) {
        const part *p = &b->parts[i];
        double t = p->share * b->u * incoming_gradient(b->d, b->row), soft = b->share * b->mass_sum;
        f.targets[i] = find_target(b, p);
        if (!f.targets[i].counts)
            continue;
        f.counts = true;
        f.t[i] = mean ? t / p->sums.weights : t;
        double z = times(2 * desc->z_loss, mean ? t / p->sums.samples : t);
        f.p += f.t[i] * (f.targets[i].weight + soft) + times(z, fabs(b->lse));
        f.p_error += f.t[i] * errors_of(WEIGHT_SUM, b->classes) * soft + times(z, b->lse_error);
        f.mass += f.t[i] * b->share;
        f.q += times(2 * fabs(desc->reg_lambda), none ? t : t / p->sums.samples);
    }
    return f;
}

static double slope_of(const clxent_desc *desc, double x, double *error) {
    double a = fabs(desc->logit_scale), height = desc->logit_softcap == 0 ? 0 : x / desc->logit_softcap;
    *error = a * (errors_of(PRODUCTS, 0) + errors_of(CAP_SLOPE, 0) * height * height);
    return a * (1 - height * height);
}

static void compare_gradient(const row_bounds *b, const pull *f) {
    const device_data *d = b->d;
    double shared = errors_of(TOTAL, d->problem.rows) + errors_of(PRODUCTS, 0);
    for (size_t k = 0; k < b->classes; k++) {
        size_t at = element_of(d, b->row, k);
        double p = b->p[k], distance = fabs(b->x[k] - b->sum.top), other = f->mass * b->mass[k];
        for (size_t i = 0; i < b->count; i++)
            if (k == f->targets[i].y)
                other += f->t[i] * f->targets[i].weight;
        double p_error = times(p, errors_of(EXPONENT, 0) * distance + error_of_exp(d, b->x_error[k])) +
                         p * (errors_of(EXPONENTIAL, 0) + b->sum.error);
        double error = f->p * (p_error + p * shared) + p * f->p_error + other * shared;
        error += f->q * ((2 * p + b->q) * p_error + p * b->q_error + p * (p + b->q) * shared);
        double size = f->p * p + other + f->q * p * (p + b->q), slope_error = 0;
        double slope = slope_of(&d->problem.desc, b->x[k], &slope_error);
        error = times(slope, error) + times(slope_error, size);
        double magnitude = f->counts ? 1 + (f->p + other + f->q) * (1 + fabs(d->problem.desc.logit_scale)) : 0;
        compare_number(d, CLX_GRAD_INPUT, at, f->counts ? accumulated(d, at, error) : 0, magnitude);
    }
}

/* ---- argmax ---- */

/* The same class; or, of transformed logits, one that is as large within the errors of both, and the lowest of those
 * with the same input. Returns whether it is the target. */
static bool check_argmax(const row_bounds *b) {
    const device_data *d = b->d;
    int64_t got = ((const int64_t *)contents(&d->tensors[CLX_ARGMAX]))[b->row];
    int64_t expected = ((const int64_t *)contents(&d->expected[CLX_ARGMAX]))[b->row];
    if (got < 0 || (size_t)got >= b->classes)
        fail_msg("%s: argmax[%zu] is %lld", describe(d), b->row, (long long)got);
    if (got != expected) {
        double input = number_before(d, CLX_INPUT, element_of(d, b->row, (size_t)got));
        double allowed =
            (b->x_error[got] + b->x_error[expected]) * (d->problem.real_size == sizeof(double) ? 0x1p-52 : 0x1p-23);
        bool lowest = true;
        for (int64_t c = 0; c < got; c++)
            lowest = lowest && number_before(d, CLX_INPUT, element_of(d, b->row, (size_t)c)) != input;
        if (!lowest || !(fabs(b->x[got] - b->x[expected]) <= allowed))
            fail_msg("%s: argmax[%zu] is %lld (%.9g), the reference has %lld (%.9g)", describe(d), b->row,
                     (long long)got, b->x[got], (long long)expected, b->x[expected]);
    }
    bool classes = !clx_has_probabilities(&d->problem);
    return classes && row_counts(d, CLX_TARGET, b->row) && get_target(d, b->row) == got;
}

/* ---- all ---- */

static size_t find_parts(const device_data *d, part parts[2]) {
    double share = is_given(d, CLX_MIX_LAMBDA) ? number_before(d, CLX_MIX_LAMBDA, 0) : d->problem.desc.mix_lambda;
    bool two = is_given(d, CLX_TARGET2);
    size_t count = 0;
    if (!two || share != 0)
        parts[count++] = (part){CLX_TARGET, two ? share : 1, sum_targets(d, CLX_TARGET)};
    if (two && share != 1)
        parts[count++] = (part){CLX_TARGET2, 1 - share, sum_targets(d, CLX_TARGET2)};
    return count;
}

static void compare_rows(row_bounds *b) {
    const device_data *d = b->d;
    double total = 0, total_error = 0;
    uint64_t correct = 0;
    for (size_t row = 0; row < d->problem.rows; row++) {
        set_row(b, row);
        if (is_given(d, CLX_OUTPUT))
            compare_loss(b, &total, &total_error);
        if (d->expected[CLX_LSE].bytes != NULL)
            compare_number(d, CLX_LSE, row, b->lse_error, 1);
        if (is_given(d, CLX_ARGMAX))
            correct += check_argmax(b);
        if (is_given(d, CLX_GRAD_INPUT)) {
            pull f = get_pull(b);
            compare_gradient(b, &f);
        }
    }
    if (is_given(d, CLX_OUTPUT) && d->problem.desc.reduction != CLXENT_REDUCTION_NONE)
        compare_number(d, CLX_OUTPUT, 0, total_error + errors_of(TOTAL, d->problem.rows) * total, 1);
    if (is_given(d, CLX_CORRECT_COUNT))
        assert_memory_equal(contents(&d->tensors[CLX_CORRECT_COUNT]), &correct, sizeof correct);
}

void compare_cross_entropy(const device_data *d) {
    part parts[2];
    row_bounds b = {.d = d, .parts = parts, .count = find_parts(d, parts), .classes = d->problem.desc.classes};
    b.x = calloc(4 * b.classes, sizeof *b.x);
    assert_non_null(b.x);
    b.x_error = b.x + b.classes;
    b.p = b.x_error + b.classes;
    b.mass = b.p + b.classes;
    compare_rows(&b);
    free(b.x);
}
