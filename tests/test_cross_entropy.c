/* Cross-entropy on the device: every pass, engine, target type and kind of smoothing, against the reference; and the
 * passes against each other. */
#include "device_shapes.h"

static void check_line(void **state) {
    check_loss_line(*state);
}

/* Runs a pass on data that another pass has had. */
static void run_pass(device_data *d, const device_case *c, clxent_pass pass, const device_data *model) {
    device_case other = *c;
    other.desc.pass = pass;
    data_init(d, &other);
    for (size_t row = 0; row < model->problem.rows; row++)
        copy_row(d, row, model, row);
    data_expect(d);
    if (data_must_run(d, BY_RUN))
        expect_results(d);
}

/* The loss of FORWARD is that of FORWARD_BACKWARD to the last bit, and so is the gradient of BACKWARD without an lse.
 */
static void check_passes(void **state) {
    device_case c;
    for (size_t i = 0; get_shape(*state, i, &c); i++) {
        device_data both, forward, backward;
        if (is_large(&c))
            continue;
        set_loss_options(&c, i % LOSS_OPTIONS);
        c.given &= ~GIVE(CLX_LSE);
        c.in_place = APART;
        data_init(&both, &c);
        data_expect(&both);
        if (data_must_run(&both, BY_RUN)) {
            device_case without_gradient = c;
            without_gradient.given &= ~GIVE(CLX_GRAD_OUTPUT);
            run_pass(&forward, &without_gradient, CLXENT_FORWARD, &both);
            expect_same_bits(&both, &forward, CLX_OUTPUT);
            run_pass(&backward, &c, CLXENT_BACKWARD, &both);
            expect_same_bits(&both, &backward, CLX_GRAD_INPUT);
            data_free(&forward);
            data_free(&backward);
        }
        data_free(&both);
    }
}

#define LINE(check, the_pass, the_engine, type, target, smoothing, group)                                              \
    LINE_TEST(check, #the_pass " " #the_engine " " #type " " #target " " #smoothing, .op = CLXENT_CROSS_ENTROPY,       \
              .pass = CLXENT_##the_pass, .dtype = CLXENT_##type, .engine = CLXENT_ENGINE_##the_engine,                 \
              .work_group_size = group, .target_type = CLXENT_TARGET_##target, .label_smoothing = smoothing)

/* The three passes, and what they owe each other. */
#define PASSES(engine, type, target, smoothing, group)                                                                 \
    LINE(check_line, FORWARD, engine, type, target, smoothing, group),                                                 \
        LINE(check_line, BACKWARD, engine, type, target, smoothing, group),                                            \
        LINE(check_line, FORWARD_BACKWARD, engine, type, target, smoothing, group),                                    \
        LINE(check_passes, FORWARD_BACKWARD, engine, type, target, smoothing, group)

int main(void) {
    const struct CMUnitTest tests[] = {
        LINE(check_line, FORWARD_BACKWARD, AUTO, F32, I32, 0, 0),
        PASSES(ROW_PER_ITEM, F32, I32, 0, 0),
        PASSES(ROW_PER_ITEM, F32, I64, 0.1, 7),
        PASSES(ROW_PER_ITEM, F64, U8, 0.1, LARGEST_GROUP),
        LINE(check_line, FORWARD_BACKWARD, ROW_PER_ITEM, F64, I32, 0, 2),
        PASSES(ROW_PER_ITEM, F16, I32, 0.1, 0),
        PASSES(ROW_PER_ITEM, BF16, I64, 0, 7),
        PASSES(ROW_PER_GROUP, F32, U8, 0, 64),
        PASSES(ROW_PER_GROUP, F32, I32, 0.1, 7),
        PASSES(ROW_PER_GROUP, F64, I64, 0.1, 2),
        LINE(check_line, FORWARD_BACKWARD, ROW_PER_GROUP, F64, I64, 0, 64),
        LINE(check_line, FORWARD_BACKWARD, ROW_PER_GROUP, F32, I64, 0, 0),
        LINE(check_line, FORWARD_BACKWARD, ROW_PER_GROUP, F32, I32, 0.1, 1),
        LINE(check_line, FORWARD, ROW_PER_GROUP, F32, I32, 0, LARGEST_GROUP),
        LINE(check_line, BACKWARD, ROW_PER_GROUP, F32, I32, 0, 2),
        PASSES(ROW_PER_GROUP, F16, I64, 0, 0),
        PASSES(ROW_PER_GROUP, BF16, U8, 0.1, 7),
        PASSES(ROWS_PER_LANE, F32, I32, 0, 0),
        LINE(check_line, FORWARD_BACKWARD, ROWS_PER_LANE, F32, I64, 0.1, 7),
        LINE(check_line, FORWARD_BACKWARD, ROWS_PER_LANE, F64, U8, 0.1, 0),
        LINE(check_line, FORWARD_BACKWARD, ROWS_PER_LANE, F16, I32, 0, 0),
        PASSES(ROW_SPLIT, F32, I64, 0.1, 64),
        LINE(check_line, FORWARD_BACKWARD, ROW_SPLIT, F32, I32, 0, 7),
        LINE(check_line, FORWARD_BACKWARD, ROW_SPLIT, F64, I64, 0, 16),
        LINE(check_line, FORWARD_BACKWARD, ROW_SPLIT, BF16, I32, 0.1, 0),
        PASSES(COLUMN, F32, I64, 0, 64),
        PASSES(COLUMN, F32, U8, 0.1, 0),
        PASSES(COLUMN, F64, I32, 0.1, 2),
        LINE(check_line, FORWARD_BACKWARD, COLUMN, F64, U8, 0, LARGEST_GROUP),
        PASSES(COLUMN, F16, U8, 0.1, 2),
        PASSES(COLUMN, BF16, I32, 0, 0),
    };
    return run_lines(tests, sizeof tests / sizeof tests[0]);
}
