/* Binary cross-entropy on the device, on probabilities and with logits: every pass, engine and type of target, against
 * the reference; and what its formulas promise at infinities and at certain probabilities. */
#include "device_shapes.h"

#include <math.h>

static void check_line(void **state) {
    check_loss_line(*state);
}

/* ---- results known beforehand ---- */

/* One row of a few elements, none reduced. */
typedef struct known {
    double x, t, loss, gradient;
} known;

static void check_known(clxent_op op, const known *values, size_t count, double pos_weight) {
    device_case c;
    device_data d;
    memset(&c, 0, sizeof c);
    clxent_desc_init(&c.desc, op);
    c.desc.pass = CLXENT_FORWARD_BACKWARD;
    c.desc.reduction = CLXENT_REDUCTION_NONE;
    c.desc.batch = 1;
    c.desc.classes = count;
    c.given = pos_weight != 1 ? GIVE(CLX_POS_WEIGHT) : 0;
    data_init(&d, &c);
    for (size_t i = 0; i < count; i++) {
        set_logit(&d, 0, i, values[i].x);
        set_number(&d.tensors[CLX_TARGET], i, values[i].t);
        if (pos_weight != 1)
            set_number(&d.tensors[CLX_POS_WEIGHT], i, pos_weight);
    }
    data_expect(&d);
    assert_true(data_must_run(&d, BY_RUN));
    expect_results(&d);
    for (size_t i = 0; i < count; i++) {
        double loss = get_number(&d.tensors[CLX_OUTPUT], i), gradient = get_number(&d.tensors[CLX_GRAD_INPUT], i);
        bool right = isinf(values[i].loss) ? loss == values[i].loss
                                           : fabs(loss - values[i].loss) <= 1e-5 * fmax(1, fabs(values[i].loss));
        if (!right || fabs(gradient - values[i].gradient) > 1e-5 * fmax(1, fabs(values[i].gradient)))
            fail_msg("%s: x = %g, t = %g gave %.9g and %.9g, not %.9g and %.9g", describe(&d), values[i].x, values[i].t,
                     loss, gradient, values[i].loss, values[i].gradient);
    }
    data_free(&d);
}

/* A logarithm is not below -100, nor a variance below 1e-12. */
static void test_certain_probabilities(void **state) {
    (void)state;
    static const known values[] = {
        {0, 0, 0, 0},
        {1, 1, 0, 0},
        {0, 1, 100, -1e12},
        {1, 0, 100, 1e12},
        {0, 0.25, 25, -0.25e12},
        {0.5, 1, 0.69314718, -2},
        {0.5, 0.5, 0.69314718, 0},
        {0.25, 0, 0.28768207, 1.3333333},
    };
    check_known(CLXENT_BINARY_CROSS_ENTROPY, values, sizeof values / sizeof values[0], 1);
}

static void test_infinite_logits(void **state) {
    (void)state;
    static const known values[] = {
        {INFINITY, 1, 0, 0},
        {INFINITY, 0, INFINITY, 1},
        {INFINITY, 0.5, INFINITY, 0.5},
        {-INFINITY, 0, 0, 0},
        {-INFINITY, 1, INFINITY, -1},
        {-INFINITY, 0.5, INFINITY, -0.5},
        {1e8, 1, 0, 0},
        {1e8, 0, 1e8, 1},
        {-1e4, 1, 1e4, -1},
        {-1e4, 0, 0, 0},
        {0, 0.5, 0.69314718, 0},
        {0, 1, 0.69314718, -0.5},
        {88, 1, 0, 0},
        {-88, 0, 0, 0},
        {-88, 1, 88, -1},
    };
    check_known(CLXENT_BINARY_CROSS_ENTROPY_WITH_LOGITS, values, sizeof values / sizeof values[0], 1);
}

/* pos_weight multiplies the positive part alone; 0 leaves it out, its infinity too. */
static void test_pos_weight(void **state) {
    (void)state;
    static const known threefold[] = {{0, 1, 2.0794415, -1.5}, {0, 0, 0.69314718, 0.5}, {-1e4, 1, 3e4, -3}};
    static const known none[] = {{-INFINITY, 1, 0, 0}, {3, 1, 0, 0}, {0, 0.5, 0.34657359, 0.25}};
    check_known(CLXENT_BINARY_CROSS_ENTROPY_WITH_LOGITS, threefold, 3, 3);
    check_known(CLXENT_BINARY_CROSS_ENTROPY_WITH_LOGITS, none, 3, 0);
}

#define LINE(the_op, the_pass, the_engine, type, target, group)                                                        \
    LINE_TEST(check_line, #the_op " " #the_pass " " #the_engine " " #type " " #target, .op = CLXENT_##the_op,          \
              .pass = CLXENT_##the_pass, .dtype = CLXENT_##type, .engine = CLXENT_ENGINE_##the_engine,                 \
              .work_group_size = group, .target_type = CLXENT_TARGET_##target)
#define ON_PROBABILITIES(pass, engine, type, target, group)                                                            \
    LINE(BINARY_CROSS_ENTROPY, pass, engine, type, target, group)
#define WITH_LOGITS(pass, engine, type, target, group)                                                                 \
    LINE(BINARY_CROSS_ENTROPY_WITH_LOGITS, pass, engine, type, target, group)

int main(void) {
    const struct CMUnitTest tests[] = {
        WITH_LOGITS(FORWARD_BACKWARD, AUTO, F32, PROBABILITIES, 0),
        WITH_LOGITS(FORWARD_BACKWARD, ROW_PER_ITEM, F32, PROBABILITIES, 0),
        WITH_LOGITS(FORWARD, ROW_PER_GROUP, F32, PROBABILITIES_F32, 64),
        WITH_LOGITS(BACKWARD, ROW_PER_GROUP, F32, PROBABILITIES, 7),
        WITH_LOGITS(FORWARD_BACKWARD, COLUMN, F32, PROBABILITIES, 0),
        WITH_LOGITS(FORWARD_BACKWARD, ROWS_PER_LANE, F32, PROBABILITIES_F32, 0),
        WITH_LOGITS(FORWARD_BACKWARD, ROW_SPLIT, F32, PROBABILITIES, 64),
        WITH_LOGITS(FORWARD, COLUMN, F64, PROBABILITIES, 0),
        WITH_LOGITS(BACKWARD, ROW_PER_ITEM, F64, PROBABILITIES_F32, 0),
        WITH_LOGITS(FORWARD_BACKWARD, ROWS_PER_LANE, F16, PROBABILITIES, 0),
        WITH_LOGITS(FORWARD, ROW_SPLIT, BF16, PROBABILITIES_F32, 16),
        WITH_LOGITS(BACKWARD, ROWS_PER_LANE, BF16, PROBABILITIES, 0),
        ON_PROBABILITIES(FORWARD_BACKWARD, AUTO, F32, PROBABILITIES, 0),
        ON_PROBABILITIES(FORWARD, ROW_PER_ITEM, F32, PROBABILITIES, 7),
        ON_PROBABILITIES(BACKWARD, COLUMN, F32, PROBABILITIES_F32, 0),
        ON_PROBABILITIES(FORWARD_BACKWARD, ROW_PER_GROUP, F32, PROBABILITIES, 64),
        ON_PROBABILITIES(FORWARD_BACKWARD, ROWS_PER_LANE, F32, PROBABILITIES, 0),
        ON_PROBABILITIES(FORWARD, ROW_SPLIT, F32, PROBABILITIES, 7),
        ON_PROBABILITIES(FORWARD_BACKWARD, ROW_PER_ITEM, F64, PROBABILITIES, 0),
        ON_PROBABILITIES(FORWARD_BACKWARD, ROW_PER_ITEM, F16, PROBABILITIES_F32, 0),
        ON_PROBABILITIES(FORWARD_BACKWARD, COLUMN, BF16, PROBABILITIES, 0),
        cmocka_unit_test(test_certain_probabilities),
        cmocka_unit_test(test_infinite_logits),
        cmocka_unit_test(test_pos_weight),
    };
    return run_lines(tests, sizeof tests / sizeof tests[0]);
}
