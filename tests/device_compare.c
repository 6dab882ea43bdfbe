/* The device's results against the reference's, element by element. NaN must meet NaN and infinities the same infinity;
 * any other element may be off by what the formulas of docs/numerics.md cost in rounding, which the factors below
 * bound. */
#include "device_cases.h"

#include "op.h"

#include <float.h>
#include <inttypes.h>
#include <math.h>
#include <string.h>

/* The error allowed is the sum of magnitudes, each times its factor here, in units of the epsilon of the real
 * type, in which the arithmetic is; what rounding to the storage type adds is below. The
 * magnitude of a sum is that of its absolute values. The rounding errors of a sum of n different terms add up like a
 * random walk, hence `root` times sqrt(n); equal terms always round the same way, hence, where a row can have many,
 * `each` times n. */
typedef enum source {
    EXPONENT,
    EXPONENTIAL,
    LOGARITHM,
    SUM_OF_EXP,
    LINEAR_SUM,
    WEIGHT_SUM,
    GRADIENT_SUM,
    TOTAL,
    PRODUCTS
} source;

static const struct {
    double factor, root, each;
} allowed[] = {
    /* x - top is rounded once, by half an epsilon, and exp makes that a relative error: times |x - top|. */
    [EXPONENT] = {0.75, 0, 0},
    /* The kernels' exp is within 0.9 epsilon; its value is scaled and rounded. */
    [EXPONENTIAL] = {4, 0, 0},
    /* OpenCL allows log 3 ulp; the difference that it enters is rounded too. */
    [LOGARITHM] = {4, 0, 0},
    /* Up to 6 for the exponents of the terms (sum of p |log p| / 2), the rest for rescaling. Eight vectors are added as
     * a tree, so the walk is short; equal terms are 1, which adds up exactly. */
    [SUM_OF_EXP] = {12, 0.25, 0},
    /* Smoothing's sum of w (x - top): a step for every class, all equal beside an outlier of 1e8. */
    [LINEAR_SUM] = {8, 0.75, 0.5},
    /* The sum of the class weights. */
    [WEIGHT_SUM] = {8, 0.75, 0},
    /* Softmax and log-softmax backward: the terms cancel, their errors do not. */
    [GRADIENT_SUM] = {4, 0.75, 0},
    /* Over rows, in a tree: the losses, and the weights that a mean is divided by. */
    [TOTAL] = {4, 0.25, 0},
    /* A few multiplications and a subtraction, half an epsilon each. */
    [PRODUCTS] = {4, 0, 0},
};

/* By the type of the compared tensor:
 *   epsilon  of the arithmetic, which is that of the real type.
 *   smallest absolute, for a magnitude of 1: exp is cut off at exp(-87) = 1.7e-38 (exp(-708) = 3.4e-308), and a device
 *            may take smaller numbers as 0.
 *   rounding to a 16-bit type, relative to the number: of both sides, by half an epsilon of that type each (2^-10 and
 *            2^-7), and a little for the difference that they had before.
 *   spacing  of its subnormal numbers, absolute, for the same reason: each side is rounded by up to half of it. That of
 *            BF16 is far below smallest. */
static const struct {
    double epsilon, smallest, rounding, spacing;
} precisions[] = {
    [CLXENT_F32] = {FLT_EPSILON, 6e-38, 0, 0},
    [CLXENT_F64] = {DBL_EPSILON, 1e-307, 0, 0},
    [CLXENT_F16] = {FLT_EPSILON, 6e-38, 1.02 * 0x1p-10, 0x1p-24},
    [CLXENT_BF16] = {FLT_EPSILON, 6e-38, 1.02 * 0x1p-7, 0},
};

static double errors_of(source what, size_t terms) {
    return allowed[what].factor + allowed[what].root * sqrt((double)terms) + allowed[what].each * (double)terms;
}

/* What bounds need of a row. */
typedef struct row_facts {
    bool counts;         /* for losses: inside [0, classes) and not ignored */
    size_t row, y;       /* its index, its target */
    double top, log_sum; /* log p = (x - top) - log_sum */
    double sum_error;    /* relative, of the sum of exp, in epsilons */
    double hard, soft;   /* (1-e) w[y], e/C */
    double weights;      /* sum over the classes */
    double t;            /* size of the incoming gradient over the divisor */
    double gradients;    /* softmax, log-softmax: sum of |g p|, of |g| */
} row_facts;

const char *describe(const device_data *d) {
    static char text[512];
    static const char *const dtypes[] = {"F32", "F64", "F16", "BF16"};
    static const char *const ops[] = {"softmax", "log-softmax", "nll-loss", "cross-entropy"};
    static const char *const passes[] = {"forward", "backward", "forward-backward"};
    const clxent_desc *desc = &d->problem.desc;
    snprintf(
        text, sizeof text,
        "%s %s, %s, engine %d, work_group_size %zu, batch %zu, classes %zu, inner %zu, row_stride %zu, target_type "
        "%d, reduction %d, ignore_index %" PRId64
        ", smoothing %g, weights %d, grad_output %d, lse %d, in_place %d, poison %d, CLXENT_TEST_SEED=%" PRIu64,
        ops[desc->op], passes[desc->pass], dtypes[desc->dtype], (int)desc->engine, desc->work_group_size, desc->batch,
        desc->classes, desc->inner, desc->row_stride, (int)desc->target_type, (int)desc->reduction, desc->ignore_index,
        desc->label_smoothing, (int)d->c.weights, d->c.grad_output, d->c.lse, (int)d->c.in_place, d->c.poison,
        device.seed);
    return text;
}

/* ---- one element ---- */

static void compare(const device_data *d, clx_tensor tensor, size_t i, double epsilons, double magnitude) {
    double got = get_number(d, &d->tensors[tensor], i), expected = get_number(d, &d->expected[tensor], i);
    clxent_dtype type = type_of(d, &d->expected[tensor]);
    double bound = epsilons * precisions[type].epsilon + magnitude * precisions[type].smallest;
    if (magnitude > 0) /* else it is exactly 0 */
        bound += precisions[type].rounding * fabs(expected) + precisions[type].spacing;
    if (isnan(expected) ? isnan(got) : got == expected)
        return;
    if (isfinite(expected) && isfinite(bound) && fabs(got - expected) <= bound)
        return;
    fail_msg("%s: %s[%zu] is %.9g, the reference has %.9g: off by %.3g, allowed %.3g", describe(d),
             clx_tensor_name(tensor), i, got, expected, fabs(got - expected), bound);
}

/* ---- losses ---- */

static double weight_of(const device_data *d, size_t c) {
    return d->c.weights == NO_WEIGHTS ? 1 : get_number(d, &d->before[CLX_WEIGHT], c);
}

static double logit_of(const device_data *d, size_t row, size_t c) {
    return get_number(d, &d->before[CLX_INPUT], element_of(d, row, c));
}

/* a * b, where a chance that is 0 has no error however far the exponent lies. */
static double times(double a, double b) {
    return a == 0 || b == 0 ? 0 : a * b;
}

static double sum_of_target_weights(const device_data *d) {
    double sum = 0;
    for (size_t row = 0; row < d->problem.rows; row++) {
        int64_t y = get_target(d, row);
        if (y != d->problem.desc.ignore_index && y >= 0 && (uint64_t)y < d->problem.desc.classes)
            sum += weight_of(d, (size_t)y);
    }
    return sum;
}

/* log p = (x - top) - log_sum; or from a saved lse. */
static void add_sum_of_exp(const device_data *d, row_facts *f) {
    size_t classes = d->problem.desc.classes;
    double sum = 0;
    f->top = -INFINITY;
    for (size_t c = 0; c < classes; c++)
        f->top = fmax(f->top, logit_of(d, f->row, c));
    for (size_t c = 0; c < classes; c++)
        sum += exp(logit_of(d, f->row, c) - f->top);
    f->log_sum = log(sum);
    f->sum_error = errors_of(SUM_OF_EXP, classes);
    bool weighted_smoothing = d->c.weights != NO_WEIGHTS && d->c.desc.label_smoothing > 0;
    if (d->c.desc.pass == CLXENT_BACKWARD && is_loss(d->c.desc.op) && d->c.lse && !weighted_smoothing) {
        f->top = get_number(d, &d->before[CLX_LSE], f->row);
        f->log_sum = f->sum_error = 0;
    }
}

static row_facts facts_of_loss_row(const device_data *d, size_t row, double divisor) {
    const clxent_desc *desc = &d->problem.desc;
    int64_t y = get_target(d, row);
    row_facts f = {.row = row};
    f.counts = y != desc->ignore_index && y >= 0 && (uint64_t)y < desc->classes;
    f.y = f.counts ? (size_t)y : 0;
    f.hard = (1 - desc->label_smoothing) * weight_of(d, f.y);
    f.soft = desc->label_smoothing / (double)desc->classes;
    for (size_t c = 0; c < desc->classes; c++)
        f.weights += weight_of(d, c);
    bool per_row = desc->reduction == CLXENT_REDUCTION_NONE;
    f.t = 1 / divisor;
    if (d->tensors[CLX_GRAD_OUTPUT].bytes != NULL)
        f.t *= fabs(get_number(d, &d->before[CLX_GRAD_OUTPUT], per_row ? row : 0));
    if (desc->op == CLXENT_CROSS_ENTROPY)
        add_sum_of_exp(d, &f);
    return f;
}

static double loss_error(const device_data *d, const row_facts *f) {
    size_t classes = d->problem.desc.classes;
    double at_target = logit_of(d, f->row, f->y);
    if (!f->counts)
        return 0;
    if (d->c.desc.op == CLXENT_NLL_LOSS)
        return times(allowed[PRODUCTS].factor * f->hard, fabs(at_target));
    double error =
        times(f->hard, allowed[LOGARITHM].factor * (fabs(at_target - f->top) + fabs(f->log_sum)) + f->sum_error);
    for (size_t c = 0; f->soft > 0 && c < classes; c++) {
        double size = fabs(logit_of(d, f->row, c) - f->top) + fabs(f->log_sum);
        error += f->soft * times(weight_of(d, c), errors_of(LINEAR_SUM, classes) * size + f->sum_error);
    }
    return error;
}

static double cross_entropy_gradient_error(const device_data *d, const row_facts *f, size_t c) {
    size_t classes = d->problem.desc.classes;
    double distance = logit_of(d, f->row, c) - f->top, p = exp(distance - f->log_sum);
    double relative =
        times(p, allowed[EXPONENT].factor * fabs(distance)) + p * (allowed[EXPONENTIAL].factor + f->sum_error);
    double other = (c == f->y ? f->hard : 0) + f->soft * weight_of(d, c);
    double mass_error = f->soft > 0 ? errors_of(WEIGHT_SUM, classes) * f->soft * f->weights : 0;
    double t_error = errors_of(TOTAL, d->problem.rows) + allowed[PRODUCTS].factor;
    return f->t * ((f->hard + f->soft * f->weights) * (relative + p * t_error) + p * mass_error + other * t_error);
}

static void compare_loss_gradient(const device_data *d, const row_facts *f) {
    for (size_t c = 0; c < d->problem.desc.classes; c++) {
        double error = 0;
        if (f->counts && d->c.desc.op == CLXENT_CROSS_ENTROPY)
            error = cross_entropy_gradient_error(d, f, c);
        else if (f->counts && c == f->y)
            error = f->t * f->hard * (errors_of(TOTAL, d->problem.rows) + allowed[PRODUCTS].factor);
        double magnitude = f->counts ? 1 + f->t * (f->hard + f->soft * f->weights) : 0;
        bool zero = d->c.desc.op == CLXENT_NLL_LOSS && c != f->y; /* exactly */
        compare(d, CLX_GRAD_INPUT, element_of(d, f->row, c), error, zero ? 0 : magnitude);
    }
}

static void expect_loss_results(const device_data *d) {
    const clxent_desc *desc = &d->problem.desc;
    double divisor = desc->reduction == CLXENT_REDUCTION_MEAN ? sum_of_target_weights(d) : 1, total_error = 0;
    for (size_t row = 0; row < d->problem.rows; row++) {
        row_facts f = facts_of_loss_row(d, row, divisor);
        if (d->expected[CLX_OUTPUT].bytes != NULL) {
            double error = loss_error(d, &f);
            if (desc->reduction == CLXENT_REDUCTION_NONE)
                compare(d, CLX_OUTPUT, row, error, f.counts);
            else if (isfinite(error))
                total_error += error;
        }
        if (d->expected[CLX_LSE].bytes != NULL)
            compare(d, CLX_LSE, row, fabs(f.top) + 2 * allowed[LOGARITHM].factor * fabs(f.log_sum) + f.sum_error, 1);
        if (d->expected[CLX_GRAD_INPUT].bytes != NULL)
            compare_loss_gradient(d, &f);
    }
    if (d->expected[CLX_OUTPUT].bytes != NULL && desc->reduction != CLXENT_REDUCTION_NONE) {
        double expected = fabs(get_number(d, &d->expected[CLX_OUTPUT], 0));
        bool finite = isfinite(expected) && divisor != 0;
        double error = finite ? total_error / divisor + errors_of(TOTAL, d->problem.rows) * expected : 0;
        compare(d, CLX_OUTPUT, 0, error, 1);
    }
    if (d->expected[CLX_INVALID_COUNT].bytes != NULL)
        assert_memory_equal(contents(&d->tensors[CLX_INVALID_COUNT]), contents(&d->expected[CLX_INVALID_COUNT]), 8);
}

/* ---- softmax, log-softmax ---- */

static void compare_softmax_forward(const device_data *d, size_t row) {
    row_facts f = {.row = row};
    add_sum_of_exp(d, &f);
    for (size_t c = 0; c < d->problem.desc.classes; c++) {
        double distance = logit_of(d, row, c) - f.top, p = exp(distance - f.log_sum);
        double error =
            times(p, allowed[EXPONENT].factor * fabs(distance)) + p * (allowed[EXPONENTIAL].factor + f.sum_error);
        if (d->c.desc.op == CLXENT_LOG_SOFTMAX)
            error = allowed[LOGARITHM].factor * (fabs(distance) + f.log_sum) + f.sum_error;
        compare(d, CLX_OUTPUT, element_of(d, row, c), error, 1);
    }
}

static void compare_softmax_backward(const device_data *d, size_t row) {
    size_t classes = d->problem.desc.classes;
    bool log_too = d->c.desc.op == CLXENT_LOG_SOFTMAX;
    double sum = 0;
    for (size_t c = 0; c < classes; c++) {
        double y = get_number(d, &d->before[CLX_OUTPUT], element_of(d, row, c));
        double g = fabs(get_number(d, &d->before[CLX_GRAD_OUTPUT], element_of(d, row, c)));
        sum += log_too ? g : g * y;
    }
    for (size_t c = 0; c < classes; c++) {
        double y = get_number(d, &d->before[CLX_OUTPUT], element_of(d, row, c));
        double g = fabs(get_number(d, &d->before[CLX_GRAD_OUTPUT], element_of(d, row, c)));
        double p = log_too ? exp(y) : y;
        double error = allowed[PRODUCTS].factor * (log_too ? g : p * g) +
                       p * sum * (errors_of(GRADIENT_SUM, classes) + allowed[EXPONENTIAL].factor);
        compare(d, CLX_GRAD_INPUT, element_of(d, row, c), error, 1 + sum);
    }
}

/* ---- everything ---- */

static bool may_change(const device_data *d, clx_tensor tensor) {
    for (clx_tensor other = 0; other < CLX_TENSORS; other++)
        if (d->expected[other].bytes != NULL && d->tensors[other].bytes == d->tensors[tensor].bytes)
            return true;
    return false;
}

static void expect_bytes(const device_data *d, clx_tensor tensor, size_t first, size_t end) {
    for (size_t i = first; i < end; i++)
        if (d->tensors[tensor].bytes[i] != d->before[tensor].bytes[i])
            fail_msg("%s: byte %td of the %zu of %s was changed", describe(d), (ptrdiff_t)i - GUARD,
                     d->tensors[tensor].size, clx_tensor_name(tensor));
}

void expect_untouched(const device_data *d) {
    const clxent_desc *desc = &d->problem.desc;
    for (clx_tensor tensor = 0; tensor < CLX_TENSORS; tensor++) {
        size_t size = d->tensors[tensor].size, element = clx_element_size(&d->problem, tensor);
        if (d->tensors[tensor].bytes == NULL)
            continue;
        expect_bytes(d, tensor, 0, GUARD);
        expect_bytes(d, tensor, GUARD + size, size + 2 * GUARD);
        if (!may_change(d, tensor))
            expect_bytes(d, tensor, GUARD, GUARD + size);
        else if (clx_has_logits_shape(&d->problem, tensor))
            for (size_t n = 0; n + 1 < desc->batch; n++)
                expect_bytes(d, tensor, GUARD + (n * desc->row_stride + desc->classes * desc->inner) * element,
                             GUARD + (n + 1) * desc->row_stride * element);
    }
}

void expect_results(const device_data *d) {
    expect_untouched(d);
    if (is_loss(d->c.desc.op)) {
        expect_loss_results(d);
        return;
    }
    for (size_t row = 0; row < d->problem.rows; row++) {
        if (d->c.desc.pass == CLXENT_FORWARD)
            compare_softmax_forward(d, row);
        else
            compare_softmax_backward(d, row);
    }
}

void expect_same_bits(const device_data *a, const device_data *b, clx_tensor tensor) {
    const unsigned char *left = contents(&a->tensors[tensor]), *right = contents(&b->tensors[tensor]);
    size_t size = a->tensors[tensor].size, element = clx_element_size(&a->problem, tensor);
    assert_int_equal(size, b->tensors[tensor].size);
    for (size_t i = 0; size > 0 && i < size; i++)
        if (left[i] != right[i])
            fail_msg("%s: %s[%zu] is %.17g in one and %.17g in the other", describe(a), clx_tensor_name(tensor),
                     i / element, get_number(a, &a->tensors[tensor], i / element),
                     get_number(b, &b->tensors[tensor], i / element));
}
