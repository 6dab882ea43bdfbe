/* Random combinations of every option of the losses on the CPU reference, in double: each gradient against central
 * differences of the forward pass, each pass and way of asking against the others, mixed targets against two calls. The
 * seed is new each time and printed; CLXENT_TEST_SEED sets it. */
#include "reference_cases.h"
#include "setting.h"

#include <inttypes.h>
#include <stdlib.h>
#include <time.h>

#define COMBINATIONS 400
#define BATCH 3
#define CLASSES 4
#define STEP 1e-3

static uint64_t seed;

/* Between 0 and 1. */
static double draw(uint64_t *state) {
    uint64_t z = *state += 0x9E3779B97F4A7C15u; /* splitmix64 */
    z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9u;
    z = (z ^ z >> 27) * 0x94D049BB133111EBu;
    return (double)((z ^ z >> 31) >> 11) * 0x1p-53;
}

static double between(uint64_t *state, double low, double high) {
    return low + (high - low) * draw(state);
}

static bool coin(uint64_t *state) {
    return draw(state) < .5;
}

/* Padding stays NaN. */
static void draw_numbers(uint64_t *state, const reference_case *c, numbers *array, bool logits_shape, double low,
                         double high) {
    for (size_t i = 0; i < BATCH * CLASSES * c->desc.inner; i++)
        array->d[logits_shape ? dense_place(c, i) : i] = between(state, low, high);
}

static size_t rows_of(const reference_case *c) {
    return BATCH * c->desc.inner;
}

/* The first row always counts, so that no mean is empty. */
static void draw_classes(uint64_t *state, const reference_case *c, target_array *target) {
    int classes[BATCH * 3];
    for (size_t r = 0; r < rows_of(c); r++) {
        bool ignored = r > 0 && draw(state) < .3;
        do
            classes[r] = ignored ? (int)c->desc.ignore_index : (int)(draw(state) * CLASSES);
        while (!ignored && classes[r] == c->desc.ignore_index);
    }
    fill_targets(c, target, classes, rows_of(c));
}

/* Probabilities; without the bounds of a probability, if `free`. */
static void draw_probabilities(uint64_t *state, reference_case *c, bool free) {
    double values[BATCH * CLASSES * 3];
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++)
        values[i] = (float)between(state, free ? -.5 : 0, free ? 1.5 : 1);
    set_probabilities(c, values);
}

static void draw_cross_entropy_options(uint64_t *state, reference_case *c) {
    clxent_desc *desc = &c->desc;
    if (coin(state))
        desc->label_smoothing = coin(state) ? draw(state) : 1;
    if (coin(state))
        desc->logit_scale = between(state, -2, 2);
    if (coin(state))
        desc->logit_softcap = between(state, .5, 3);
    if (coin(state))
        desc->z_loss = draw(state);
    if (coin(state))
        desc->reg_lambda = between(state, -2, 2);
    if (desc->target_type < CLXENT_TARGET_PROBABILITIES && coin(state)) {
        desc->mix_lambda = draw(state);
        draw_classes(state, c, &c->target2);
        c->args.target2 = &c->target2;
        c->mix_lambda.d[0] = draw(state);
        c->args.mix_lambda = coin(state) ? &c->mix_lambda : NULL;
    }
}

static void draw_target(uint64_t *state, reference_case *c) {
    clxent_op op = c->desc.op;
    bool probabilities = is_binary(op) || (op == CLXENT_CROSS_ENTROPY && draw(state) < .3);
    if (probabilities) {
        c->desc.target_type = coin(state) ? CLXENT_TARGET_PROBABILITIES : CLXENT_TARGET_PROBABILITIES_F32;
        draw_probabilities(state, c, op != CLXENT_BINARY_CROSS_ENTROPY);
        return;
    }
    c->desc.target_type = (clxent_target_type)(draw(state) * 3);
    c->desc.ignore_index = coin(state) ? 200 : (int)(draw(state) * CLASSES);
    draw_classes(state, c, &c->target);
    c->args.target = &c->target;
}

/* A backward pass with any options. */
static void draw_case(uint64_t *state, reference_case *c, clxent_op op) {
    begin_case(c, op, CLXENT_BACKWARD, CLXENT_F64, BATCH, CLASSES);
    c->desc.inner = coin(state) ? 1 : 3;
    c->desc.row_stride = coin(state) ? 0 : CLASSES * c->desc.inner + 2;
    c->desc.reduction = (clxent_reduction)(draw(state) * 3);
    c->desc.flags = coin(state) ? CLXENT_ACCUMULATE_GRAD : 0;
    c->desc.flags |= coin(state) ? CLXENT_EMPTY_MEAN_ZERO : 0;
    if (coin(state))
        c->desc.grad_scale = between(state, -3, 3);
    bool probabilities = op == CLXENT_BINARY_CROSS_ENTROPY, binary = is_binary(op);
    bool element_losses = binary && c->desc.reduction == CLXENT_REDUCTION_NONE;
    draw_numbers(state, c, &c->input, true, probabilities ? .2 : -2, probabilities ? .8 : 2);
    draw_numbers(state, c, &c->weight, false, .25, 2);
    draw_numbers(state, c, &c->sample_weight, binary, .25, 2);
    draw_numbers(state, c, &c->pos_weight, false, .25, 4);
    draw_numbers(state, c, &c->grad_output, element_losses, -2, 2);
    if (c->desc.flags & CLXENT_ACCUMULATE_GRAD)
        draw_numbers(state, c, &c->grad_input, true, -2, 2);
    draw_target(state, c);
    point_to_required(c);
    c->args.weight = coin(state) ? &c->weight : NULL;
    c->args.sample_weight = coin(state) ? &c->sample_weight : NULL;
    c->args.grad_output = coin(state) ? &c->grad_output : NULL;
    if (op == CLXENT_BINARY_CROSS_ENTROPY_WITH_LOGITS && coin(state))
        c->args.pos_weight = &c->pos_weight;
    if (op == CLXENT_CROSS_ENTROPY)
        draw_cross_entropy_options(state, c);
}

/* Runs FORWARD on a copy of a case, with the input of the copy. */
static void run_forward(const reference_case *from, reference_case *c) {
    if (c != from)
        *c = *from;
    memset(&c->output, UNTOUCHED, sizeof c->output);
    c->desc.pass = CLXENT_FORWARD;
    c->args.input = &c->input;
    c->args.output = &c->output;
    run_case(c);
}

/* The number whose gradient is taken: the outputs of FORWARD, each times what its incoming gradient is. */
static double objective(const reference_case *backward) {
    reference_case c;
    run_forward(backward, &c);
    bool none = c.desc.reduction == CLXENT_REDUCTION_NONE, elements = none && is_binary(c.desc.op);
    size_t outputs = elements ? rows_of(&c) * CLASSES : none ? rows_of(&c) : 1;
    double sum = 0;
    for (size_t i = 0; i < outputs; i++) {
        size_t place = elements ? dense_place(&c, i) : i;
        sum += c.output.d[place] * (backward->args.grad_output == NULL ? 1 : c.grad_output.d[place]);
    }
    return sum * c.desc.grad_scale;
}

/* Of fourth order. */
static double difference(reference_case *c, size_t place) {
    static const struct {
        double steps, factor;
    } points[] = {{-2, 1. / 12}, {-1, -8. / 12}, {1, 8. / 12}, {2, -1. / 12}};
    double *x = &c->input.d[place], middle = *x, sum = 0;
    for (size_t i = 0; i < 4; i++) {
        *x = middle + points[i].steps * STEP;
        sum += points[i].factor * objective(c);
    }
    *x = middle;
    return sum / STEP;
}

static void check_differences(reference_case *c, const numbers *old) {
    bool adds = c->desc.flags & CLXENT_ACCUMULATE_GRAD;
    for (size_t i = 0; i < rows_of(c) * CLASSES; i++) {
        size_t place = dense_place(c, i);
        double expected = difference(c, place) + (adds ? old->d[place] : 0);
        assert_near(c->grad_input.d[place], expected, 1e-7 * (1 + fabs(expected)));
    }
    size_t dense = CLASSES * c->desc.inner, stride = c->desc.row_stride == 0 ? dense : c->desc.row_stride;
    for (size_t i = 0; i < CAPACITY / 2; i++)
        if (i / stride >= BATCH || i % stride >= dense)
            assert_true(is_untouched(&c->grad_input.d[i], sizeof(double)));
}

/* FORWARD_BACKWARD gives the loss of FORWARD and the gradient of BACKWARD; over the input too, where that is allowed. */
static void check_both_passes(const reference_case *backward, const numbers *old) {
    reference_case both = *backward, forward;
    if (both.desc.op == CLXENT_NLL_LOSS)
        return; /* has no such pass */
    run_forward(backward, &forward);
    both.desc.pass = CLXENT_FORWARD_BACKWARD;
    both.grad_input = *old;
    both.args.output = &both.output;
    both.args.grad_input = &both.grad_input;
    run_case(&both);
    assert_memory_equal(&both.output, &forward.output, sizeof both.output);
    assert_memory_equal(&both.grad_input, &backward->grad_input, sizeof both.grad_input);
    if (both.desc.flags & CLXENT_ACCUMULATE_GRAD)
        return;
    both.args.input = &both.grad_input;
    both.grad_input = both.input;
    memset(&both.output, UNTOUCHED, sizeof both.output);
    run_case(&both);
    assert_memory_equal(&both.output, &forward.output, sizeof both.output);
    for (size_t i = 0; i < rows_of(&both) * CLASSES; i++)
        assert_near(get_dense(&both, &both.grad_input, i), get_dense(backward, &backward->grad_input, i), 0);
}

/* BACKWARD from the lse that FORWARD saved. */
static void check_saved_lse(const reference_case *backward, const numbers *old) {
    reference_case saved = *backward;
    if (saved.desc.op != CLXENT_CROSS_ENTROPY)
        return;
    saved.args.lse = &saved.lse;
    run_forward(&saved, &saved);
    saved.desc.pass = CLXENT_BACKWARD;
    saved.grad_input = *old;
    saved.args.grad_input = &saved.grad_input;
    run_case(&saved);
    for (size_t i = 0; i < rows_of(&saved) * CLASSES; i++) {
        double expected = get_dense(backward, &backward->grad_input, i);
        assert_near(get_dense(&saved, &saved.grad_input, i), expected, 1e-13 * (1 + fabs(expected)));
    }
}

/* a * CE(target) + (1-a) * CE(target2), loss and gradient, by two calls. */
static void check_mixture(const reference_case *mixed) {
    reference_case parts[2], whole = *mixed;
    double a = mixed->args.mix_lambda == NULL ? mixed->desc.mix_lambda : mixed->mix_lambda.d[0];
    if (mixed->args.target2 == NULL)
        return;
    whole.desc.pass = CLXENT_FORWARD_BACKWARD;
    whole.desc.flags = 0;
    for (size_t i = 0; i < 3; i++) {
        reference_case *c = i == 2 ? &whole : &parts[i];
        *c = whole;
        c->args.output = &c->output;
        c->args.grad_input = &c->grad_input;
        if (i < 2) {
            c->args.target = i == 0 ? mixed->args.target : mixed->args.target2;
            c->args.target2 = NULL;
            c->args.mix_lambda = NULL;
            c->desc.mix_lambda = 1;
        }
        run_case(c);
    }
    for (size_t r = 0; r < (whole.desc.reduction == CLXENT_REDUCTION_NONE ? rows_of(&whole) : 1); r++) {
        double expected = a * parts[0].output.d[r] + (1 - a) * parts[1].output.d[r];
        assert_near(whole.output.d[r], expected, 1e-13 * (1 + fabs(expected)));
    }
    for (size_t i = 0; i < rows_of(&whole) * CLASSES; i++) {
        size_t k = dense_place(&whole, i);
        double expected = a * parts[0].grad_input.d[k] + (1 - a) * parts[1].grad_input.d[k];
        assert_near(whole.grad_input.d[k], expected, 1e-13 * (1 + fabs(expected)));
    }
}

static void check_combinations(clxent_op op) {
    uint64_t state = seed + (uint64_t)op;
    for (size_t i = 0; i < COMBINATIONS; i++) {
        reference_case c;
        draw_case(&state, &c, op);
        numbers old = c.grad_input;
        run_case(&c);
        check_differences(&c, &old);
        check_both_passes(&c, &old);
        check_saved_lse(&c, &old);
        check_mixture(&c);
    }
}

static void nll_loss(void **state) {
    (void)state;
    check_combinations(CLXENT_NLL_LOSS);
}

static void cross_entropy(void **state) {
    (void)state;
    check_combinations(CLXENT_CROSS_ENTROPY);
}

static void binary_cross_entropy(void **state) {
    (void)state;
    check_combinations(CLXENT_BINARY_CROSS_ENTROPY);
}

static void binary_cross_entropy_with_logits(void **state) {
    (void)state;
    check_combinations(CLXENT_BINARY_CROSS_ENTROPY_WITH_LOGITS);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nll_loss),
        cmocka_unit_test(cross_entropy),
        cmocka_unit_test(binary_cross_entropy),
        cmocka_unit_test(binary_cross_entropy_with_logits),
    };
    seed = setting("CLXENT_TEST_SEED", (uint64_t)time(NULL));
    print_message("CLXENT_TEST_SEED=%" PRIu64 "\n", seed);
    return cmocka_run_group_tests_name("reference combinations", tests, NULL, NULL);
}
