/* Negative log-likelihood on the device, forward and backward, by every engine and target type, against the
 * reference. */
#include "device_shapes.h"

static void check_line(void **state) {
    check_loss_line(*state);
}

#define LINE(the_pass, the_engine, type, target, group)                                                                \
    LINE_TEST(check_line, #the_pass " " #the_engine " " #type " " #target, .op = CLXENT_NLL_LOSS,                      \
              .pass = CLXENT_##the_pass, .dtype = CLXENT_##type, .engine = CLXENT_ENGINE_##the_engine,                 \
              .work_group_size = group, .target_type = CLXENT_TARGET_##target)
#define BOTH(engine, type, target, group)                                                                              \
    LINE(FORWARD, engine, type, target, group), LINE(BACKWARD, engine, type, target, group)

int main(void) {
    const struct CMUnitTest tests[] = {
        BOTH(AUTO, F32, I32, 0),
        BOTH(ROW_PER_ITEM, F32, I32, 0),
        BOTH(ROW_PER_ITEM, F32, I64, 7),
        BOTH(ROW_PER_ITEM, F32, U8, LARGEST_GROUP),
        BOTH(ROW_PER_ITEM, F64, I64, 2),
        BOTH(ROW_PER_ITEM, F16, I32, 0),
        BOTH(ROW_PER_ITEM, BF16, I64, 7),
        BOTH(ROW_PER_GROUP, F32, I32, 0),
        LINE(FORWARD, ROW_PER_GROUP, F32, I64, 2),
        LINE(BACKWARD, ROW_PER_GROUP, F32, I64, 7),
        LINE(FORWARD, ROW_PER_GROUP, F32, U8, LARGEST_GROUP),
        LINE(BACKWARD, ROW_PER_GROUP, F32, U8, 1),
        BOTH(ROW_PER_GROUP, F64, U8, 64),
        BOTH(ROW_PER_GROUP, F16, I64, 0),
        BOTH(ROW_PER_GROUP, BF16, I32, 7),
        BOTH(ROWS_PER_LANE, F32, I32, 0),
        BOTH(ROWS_PER_LANE, BF16, U8, 7),
        LINE(BACKWARD, ROW_SPLIT, F32, I64, 64),
        LINE(BACKWARD, ROW_SPLIT, F64, I32, 16),
        BOTH(COLUMN, F32, I32, 0),
        BOTH(COLUMN, F32, I64, 1),
        BOTH(COLUMN, F32, U8, 64),
        BOTH(COLUMN, F64, I32, LARGEST_GROUP),
        BOTH(COLUMN, F16, U8, 64),
        BOTH(COLUMN, BF16, I32, 0),
    };
    return run_lines(tests, sizeof tests / sizeof tests[0]);
}
