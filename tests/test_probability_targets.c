/* Cross-entropy with target probabilities on the device: every pass, engine and type of target, against the reference;
 * and against class indices, which certain probabilities must agree with. */
#include "device_shapes.h"

#include <math.h>

static void check_line(void **state) {
    check_loss_line(*state);
}

/* Probabilities of 0 and 1 are a class index: the same losses, and gradients, without class weights in a mean. */
static void test_certain_targets(void **state) {
    (void)state;
    device_case c, soft;
    device_data indices, probabilities;
    memset(&c, 0, sizeof c);
    clxent_desc_init(&c.desc, CLXENT_CROSS_ENTROPY);
    c.desc.pass = CLXENT_FORWARD_BACKWARD;
    c.desc.reduction = CLXENT_REDUCTION_NONE;
    c.desc.target_type = CLXENT_TARGET_U8; /* of which -100 is none: no row is ignored */
    c.desc.batch = 40;
    c.desc.classes = 19;
    c.given = GIVE(CLX_WEIGHT) | GIVE(CLX_SAMPLE_WEIGHT) | GIVE(CLX_LSE) | GIVE(CLX_ARGMAX);
    soft = c;
    soft.desc.target_type = CLXENT_TARGET_PROBABILITIES;
    data_init(&indices, &c);
    data_init(&probabilities, &soft);
    for (size_t k = 0; k < c.desc.classes; k++)
        set_number(&probabilities.tensors[CLX_WEIGHT], k, get_number(&indices.tensors[CLX_WEIGHT], k));
    for (size_t row = 0; row < c.desc.batch; row++) {
        set_number(&probabilities.tensors[CLX_SAMPLE_WEIGHT], row,
                   get_number(&indices.tensors[CLX_SAMPLE_WEIGHT], row));
        for (size_t k = 0; k < c.desc.classes; k++) {
            size_t at = element_of(&indices, row, k);
            set_logit(&probabilities, row, k, get_number(&indices.logits, at));
            set_number(&probabilities.tensors[CLX_TARGET], at, get_target(&indices, row) == (int64_t)k);
        }
    }
    data_expect(&indices);
    data_expect(&probabilities);
    assert_true(data_must_run(&indices, BY_RUN) && data_must_run(&probabilities, BY_RUN));
    expect_results(&indices);
    expect_results(&probabilities);
    expect_same_bits(&indices, &probabilities, CLX_LSE);
    expect_same_bits(&indices, &probabilities, CLX_ARGMAX);
    for (size_t row = 0; row < c.desc.batch; row++) {
        double one = get_number(&indices.expected[CLX_OUTPUT], row);
        double other = get_number(&probabilities.expected[CLX_OUTPUT], row);
        if (!(one == other || fabs(one - other) <= 1e-14 * fabs(one)))
            fail_msg("row %zu: %.17g and %.17g", row, one, other);
    }
    data_free(&indices);
    data_free(&probabilities);
}

/* The published example: a mean is divided by the rows, not by the class weights. */
static void test_golden_mean(void **state) {
    (void)state;
    static const double logits[3][3] = {{1, 2, 3}, {0.5, -0.5, 0}, {-1, 4, 2}}, weights[] = {0.25, 1, 2};
    static const size_t targets[] = {2, 0, 0};
    device_case c;
    device_data d;
    memset(&c, 0, sizeof c);
    clxent_desc_init(&c.desc, CLXENT_CROSS_ENTROPY);
    c.desc.target_type = CLXENT_TARGET_PROBABILITIES_F32;
    c.desc.batch = c.desc.classes = 3;
    c.given = GIVE(CLX_WEIGHT);
    data_init(&d, &c);
    for (size_t row = 0; row < 3; row++)
        for (size_t k = 0; k < 3; k++) {
            set_logit(&d, row, k, logits[row][k]);
            set_number(&d.tensors[CLX_TARGET], 3 * row + k, k == targets[row]);
            set_number(&d.tensors[CLX_WEIGHT], k, weights[k]);
        }
    data_expect(&d);
    assert_true(data_must_run(&d, BY_ENQUEUE));
    expect_results(&d);
    assert_true(fabs(get_number(&d.tensors[CLX_OUTPUT], 0) - 0.7561635517) < 1e-6);
    data_free(&d);
}

#define LINE(the_pass, the_engine, type, target, smoothing, group)                                                     \
    LINE_TEST(check_line, #the_pass " " #the_engine " " #type " " #target " " #smoothing, .op = CLXENT_CROSS_ENTROPY,  \
              .pass = CLXENT_##the_pass, .dtype = CLXENT_##type, .engine = CLXENT_ENGINE_##the_engine,                 \
              .work_group_size = group, .target_type = CLXENT_TARGET_##target, .label_smoothing = smoothing)

int main(void) {
    const struct CMUnitTest tests[] = {
        LINE(FORWARD_BACKWARD, ROW_PER_ITEM, F32, PROBABILITIES, 0, 0),
        LINE(FORWARD_BACKWARD, ROW_PER_ITEM, F32, PROBABILITIES, 0.1, 0),
        LINE(FORWARD, COLUMN, F32, PROBABILITIES_F32, 0, 0),
        LINE(BACKWARD, COLUMN, F32, PROBABILITIES, 0.1, 0),
        LINE(FORWARD_BACKWARD, ROW_PER_GROUP, F32, PROBABILITIES, 0.1, 64),
        LINE(BACKWARD, ROW_PER_GROUP, F32, PROBABILITIES, 0, 7),
        LINE(FORWARD_BACKWARD, ROWS_PER_LANE, F32, PROBABILITIES, 0, 0),
        LINE(FORWARD_BACKWARD, ROW_SPLIT, F32, PROBABILITIES, 0.1, 64),
        LINE(FORWARD_BACKWARD, ROW_PER_ITEM, F64, PROBABILITIES_F32, 0.1, 0),
        LINE(FORWARD, ROW_SPLIT, F64, PROBABILITIES, 0, 16),
        LINE(FORWARD_BACKWARD, COLUMN, F16, PROBABILITIES, 0.1, 0),
        LINE(BACKWARD, ROWS_PER_LANE, F16, PROBABILITIES_F32, 0, 0),
        LINE(FORWARD_BACKWARD, ROW_PER_GROUP, BF16, PROBABILITIES_F32, 0, 0),
        LINE(FORWARD, ROW_PER_ITEM, BF16, PROBABILITIES, 0.1, 0),
        cmocka_unit_test(test_certain_targets),
        cmocka_unit_test(test_golden_mean),
    };
    return run_lines(tests, sizeof tests / sizeof tests[0]);
}
