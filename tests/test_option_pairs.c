/* Every pair of the options of cross-entropy, against the reference: loss and gradient in one pass, and one of them by
 * itself. Options that are compiled into the kernels take the engines in turn; pairs of those that are mere arguments
 * go through all of them. */
#include "device_shapes.h"

#include <math.h>

/* The first so many of the options below are compiled in: each makes a program of its own. */
#define COMPILED 4

typedef struct option {
    const char *name;
    void (*set)(device_case *c);
} option;

#define OPTION(name, statement)                                                                                        \
    static void set_##name(device_case *c) {                                                                           \
        statement;                                                                                                     \
    }
OPTION(label_smoothing, c->desc.label_smoothing = 0.1)
OPTION(logit_scale, c->desc.logit_scale = -0.75)
OPTION(logit_softcap, c->desc.logit_softcap = 20)
OPTION(reg_lambda, c->desc.reg_lambda = 0.5)
OPTION(z_loss, c->desc.z_loss = 0x1p-7)
OPTION(weight, c->given |= GIVE(CLX_WEIGHT))
OPTION(sample_weight, c->given |= GIVE(CLX_SAMPLE_WEIGHT))
OPTION(zero_weights, c->zero_weights = true; c->given |= GIVE(CLX_WEIGHT) | GIVE(CLX_SAMPLE_WEIGHT))
OPTION(target2, c->given |= GIVE(CLX_TARGET2); c->desc.mix_lambda = 0.375)
OPTION(mix_lambda, c->given |= GIVE(CLX_TARGET2) | GIVE(CLX_MIX_LAMBDA))
OPTION(ignore_index, c->desc.ignore_index = (int64_t)(c->desc.classes - 1) / 2)
OPTION(grad_output, c->given |= GIVE(CLX_GRAD_OUTPUT))
OPTION(grad_scale, c->desc.grad_scale = -1024)
OPTION(accumulate_grad, c->desc.flags |= CLXENT_ACCUMULATE_GRAD; c->in_place = APART)
OPTION(empty_mean_zero, c->desc.flags |= CLXENT_EMPTY_MEAN_ZERO)
OPTION(argmax, c->given |= GIVE(CLX_ARGMAX))
OPTION(correct_count, c->given |= GIVE(CLX_ARGMAX) | GIVE(CLX_CORRECT_COUNT))
OPTION(invalid_count, c->given |= GIVE(CLX_INVALID_COUNT))
OPTION(weight_sum, c->given |= GIVE(CLX_WEIGHT_SUM))
OPTION(lse, c->given |= GIVE(CLX_LSE))
OPTION(none, c->desc.reduction = CLXENT_REDUCTION_NONE)
OPTION(sum, c->desc.reduction = CLXENT_REDUCTION_SUM)
OPTION(in_place, c->in_place = c->desc.flags & CLXENT_ACCUMULATE_GRAD ? APART : OVER_INPUT)
OPTION(poison, c->poison = true)
OPTION(padding, c->desc.row_stride = c->desc.classes * c->desc.inner + 3)

#define ENTRY(name)                                                                                                    \
    { #name, set_##name }
static const option options[] = {ENTRY(label_smoothing),
                                 ENTRY(logit_scale),
                                 ENTRY(logit_softcap),
                                 ENTRY(reg_lambda),
                                 ENTRY(z_loss),
                                 ENTRY(weight),
                                 ENTRY(sample_weight),
                                 ENTRY(zero_weights),
                                 ENTRY(target2),
                                 ENTRY(mix_lambda),
                                 ENTRY(ignore_index),
                                 ENTRY(grad_output),
                                 ENTRY(grad_scale),
                                 ENTRY(accumulate_grad),
                                 ENTRY(empty_mean_zero),
                                 ENTRY(argmax),
                                 ENTRY(correct_count),
                                 ENTRY(invalid_count),
                                 ENTRY(weight_sum),
                                 ENTRY(lse),
                                 ENTRY(none),
                                 ENTRY(sum),
                                 ENTRY(in_place),
                                 ENTRY(poison),
                                 ENTRY(padding)};
#define OPTIONS (sizeof options / sizeof options[0])

static const clxent_engine engines[] = {CLXENT_ENGINE_ROW_PER_ITEM, CLXENT_ENGINE_ROW_PER_GROUP, CLXENT_ENGINE_COLUMN,
                                        CLXENT_ENGINE_ROWS_PER_LANE, CLXENT_ENGINE_ROW_SPLIT};
#define ENGINES (sizeof engines / sizeof engines[0])

static device_case plain_case(clxent_pass pass, clxent_engine engine) {
    device_case c;
    memset(&c, 0, sizeof c);
    clxent_desc_init(&c.desc, CLXENT_CROSS_ENTROPY);
    c.desc.pass = pass;
    c.desc.engine = engine;
    c.desc.batch = engine == CLXENT_ENGINE_COLUMN ? 3 : 21;
    c.desc.inner = engine == CLXENT_ENGINE_COLUMN ? 7 : 1;
    c.desc.classes = 41;
    return c;
}

/* The pair on top of the plain case, by one pass and engine. */
static void check_pair(size_t first, size_t second, clxent_pass pass, clxent_engine engine) {
    device_case c = plain_case(pass, engine);
    options[first].set(&c);
    options[second].set(&c);
    if (pass == CLXENT_FORWARD)
        c.in_place = APART;
    snprintf(device.note, sizeof device.note, ", the pair %s and %s", options[first].name, options[second].name);
    check_case(&c, (first + second) % 2 == 0 ? BY_RUN : BY_ENQUEUE);
}

/* The compiled options of a pair make a program. */
static size_t program_of(size_t first, size_t second) {
    return (first < COMPILED ? 1 + first : 0) + (second < COMPILED ? 2 * (1 + second) : 0);
}

static clxent_engine engine_for(size_t first, size_t second) {
    return engines[program_of(first, second) % ENGINES];
}

static void test_both_passes(void **state) {
    (void)state;
    const clxent_pass pass = CLXENT_FORWARD_BACKWARD;
    for (size_t first = 0; first < OPTIONS; first++)
        for (size_t second = first; second < OPTIONS; second++) {
            if (first < COMPILED)
                check_pair(first, second, pass, engine_for(first, second));
            for (size_t i = 0; first >= COMPILED && i < ENGINES; i++)
                check_pair(first, second, pass, engines[i]);
        }
}

/* By turns, so that each program is built for one of them. */
static void test_either_pass(void **state) {
    (void)state;
    static const clxent_pass passes[] = {CLXENT_FORWARD, CLXENT_BACKWARD};
    for (size_t first = 0; first < OPTIONS; first++)
        for (size_t second = first; second < OPTIONS; second++) {
            if (first < COMPILED)
                check_pair(first, second, passes[program_of(first, second) % 2], engine_for(second, first));
            for (size_t i = 0; first >= COMPILED && i < 4; i++)
                check_pair(first, second, passes[i % 2], engines[(i + 1) % ENGINES]);
        }
}

/* ---- what options mean to each other ---- */

/* One run, of which a test then looks at the results. */
static bool run_case(device_data *d, const device_case *c) {
    data_init(d, c);
    data_expect(d);
    if (!data_must_run(d, BY_RUN))
        return false;
    expect_results(d);
    return true;
}

/* Runs the case with other options on the same data. */
static void run_again(device_data *again, const device_case *c, const device_data *model) {
    data_init(again, c);
    for (size_t row = 0; row < model->problem.rows; row++)
        copy_row(again, row, model, row);
    data_expect(again);
    assert_true(data_must_run(again, BY_RUN));
    expect_results(again);
}

static double loss_of(const device_data *d) {
    return get_number(&d->tensors[CLX_OUTPUT], 0);
}

/* Two equal targets are one, whatever the share; a share of 1 leaves target2 out, its NaN too. */
static void test_equal_targets(void **state) {
    (void)state;
    device_case c = plain_case(CLXENT_FORWARD_BACKWARD, CLXENT_ENGINE_ROW_PER_ITEM), two = c;
    device_data one, both, alone;
    two.given |= GIVE(CLX_TARGET2);
    two.desc.mix_lambda = 0.25;
    assert_true(run_case(&one, &c));
    data_init(&both, &two);
    for (size_t row = 0; row < one.problem.rows; row++) {
        copy_row(&both, row, &one, row);
        set_class(&both, CLX_TARGET2, row, get_target(&one, row));
    }
    data_expect(&both);
    assert_true(data_must_run(&both, BY_ENQUEUE));
    expect_results(&both);
    assert_true(fabs(loss_of(&one) - loss_of(&both)) <= 1e-5 * fabs(loss_of(&one)));

    two.desc.mix_lambda = 1;
    data_init(&alone, &two);
    for (size_t row = 0; row < one.problem.rows; row++) {
        copy_row(&alone, row, &one, row);
        set_class(&alone, CLX_TARGET2, row, two.desc.ignore_index); /* a mean over nothing */
    }
    data_expect(&alone);
    assert_true(data_must_run(&alone, BY_ENQUEUE));
    expect_results(&alone);
    expect_same_bits(&one, &alone, CLX_GRAD_INPUT);
    data_free(&one);
    data_free(&both);
    data_free(&alone);
}

/* A share in the tensor mix_lambda gives the bits that the same share in the descriptor gives. */
static void test_mix_lambda_tensor(void **state) {
    (void)state;
    device_case c = plain_case(CLXENT_FORWARD_BACKWARD, CLXENT_ENGINE_ROW_PER_GROUP), tensor;
    device_data fixed, given;
    c.given |= GIVE(CLX_TARGET2);
    c.desc.mix_lambda = 0.375;
    tensor = c;
    tensor.given |= GIVE(CLX_MIX_LAMBDA);
    tensor.desc.mix_lambda = 1;
    assert_true(run_case(&fixed, &c));
    data_init(&given, &tensor);
    for (size_t row = 0; row < fixed.problem.rows; row++)
        copy_row(&given, row, &fixed, row);
    set_number(&given.tensors[CLX_MIX_LAMBDA], 0, 0.375);
    data_expect(&given);
    assert_true(data_must_run(&given, BY_RUN));
    expect_results(&given);
    expect_same_bits(&fixed, &given, CLX_OUTPUT);
    expect_same_bits(&fixed, &given, CLX_GRAD_INPUT);
    data_free(&fixed);
    data_free(&given);
}

/* Gradients with a grad_scale of 1024 are exactly 1024 times those of 1. */
static void test_power_of_two_grad_scale(void **state) {
    (void)state;
    device_case c = plain_case(CLXENT_BACKWARD, CLXENT_ENGINE_ROWS_PER_LANE), scaled = c;
    device_data one, many;
    scaled.desc.grad_scale = 0x1p10;
    assert_true(run_case(&one, &c));
    run_again(&many, &scaled, &one);
    for (size_t row = 0; row < one.problem.rows; row++)
        for (size_t k = 0; k < c.desc.classes; k++) {
            size_t at = element_of(&one, row, k);
            double g = get_number(&one.tensors[CLX_GRAD_INPUT], at), h = get_number(&many.tensors[CLX_GRAD_INPUT], at);
            if (fabs(g) > 1e-30 && h != 0x1p10 * g)
                fail_msg("%s: %.9g times 1024 became %.9g", describe(&many), g, h);
        }
    data_free(&one);
    data_free(&many);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_both_passes),
        cmocka_unit_test(test_either_pass),
        cmocka_unit_test(test_equal_targets),
        cmocka_unit_test(test_mix_lambda_tensor),
        cmocka_unit_test(test_power_of_two_grad_scale),
    };
    return run_lines(tests, sizeof tests / sizeof tests[0]);
}
