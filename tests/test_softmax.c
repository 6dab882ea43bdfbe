/* Softmax and log-softmax on the device, forward and backward, by every engine, against the reference. */
#include "device_shapes.h"

/* Apart and in place, with and without rows that make NaN, both ways to run. */
static void check_shape(const device_case *shape) {
    device_case c = *shape;
    check_case(&c, BY_RUN);
    check_case(&c, BY_ENQUEUE);
    c.poison = true;
    check_case(&c, BY_ENQUEUE);
    c.in_place = c.desc.pass == CLXENT_FORWARD ? OVER_INPUT : OVER_OUTPUT;
    check_case(&c, BY_RUN);
    if (c.desc.pass == CLXENT_BACKWARD) {
        c.in_place = OVER_GRAD_OUTPUT;
        check_case(&c, BY_ENQUEUE);
    }
}

static void check_shapes(const line *l) {
    device_case c;
    for (size_t i = 0; get_shape(l, i, &c); i++) {
        if (is_large(&c))
            check_case(&c, i % 2 == 0 ? BY_RUN : BY_ENQUEUE);
        else
            check_shape(&c);
    }
}

static void check_line(void **state) {
    check_shapes(*state);
}

/* Work-group sizes of row_per_group are programs of their own, so the passes share them out. */
static void check_groups(void **state) {
    static const size_t sizes[][2] = {{1, LARGEST_GROUP}, {2, 7}};
    const line *l = *state;
    for (size_t i = 0; i < 2; i++) {
        line forced = *l;
        forced.work_group_size = sizes[l->pass == CLXENT_FORWARD ? 0 : 1][i];
        check_shapes(&forced);
    }
}

/* Those of the other engines are not, though some drivers compile them anew all the same. */
static void check_item_groups(void **state) {
    static const size_t sizes[] = {1, 2, 7, 64, LARGEST_GROUP};
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        device_case c;
        line forced = *(const line *)*state;
        forced.work_group_size = sizes[i];
        for (size_t j = i; get_shape(&forced, j, &c) && !is_large(&c); j += 3)
            check_case(&c, BY_ENQUEUE);
    }
}

#define LINE(check, the_op, the_pass, the_engine, type)                                                                \
    LINE_TEST(check, #the_op " " #the_pass " " #the_engine " " #type, .op = CLXENT_##the_op,                           \
              .pass = CLXENT_##the_pass, .dtype = CLXENT_##type, .engine = CLXENT_ENGINE_##the_engine)
#define PASSES(check, the_op, the_engine, type)                                                                        \
    LINE(check, the_op, FORWARD, the_engine, type), LINE(check, the_op, BACKWARD, the_engine, type)
#define ENGINE(check, the_engine)                                                                                      \
    PASSES(check, SOFTMAX, the_engine, F32), PASSES(check, LOG_SOFTMAX, the_engine, F32),                              \
        PASSES(check, SOFTMAX, the_engine, F64), PASSES(check, LOG_SOFTMAX, the_engine, F64)

int main(void) {
    const struct CMUnitTest tests[] = {
        PASSES(check_line, SOFTMAX, AUTO, F32),
        PASSES(check_line, LOG_SOFTMAX, AUTO, F32),
        ENGINE(check_line, ROW_PER_ITEM),
        ENGINE(check_line, ROW_PER_GROUP),
        ENGINE(check_line, COLUMN),
        PASSES(check_line, SOFTMAX, ROWS_PER_LANE, F32),
        PASSES(check_line, LOG_SOFTMAX, ROWS_PER_LANE, F32),
        PASSES(check_line, SOFTMAX, ROW_SPLIT, F32),
        PASSES(check_line, LOG_SOFTMAX, ROW_SPLIT, F32),
        LINE(check_line, LOG_SOFTMAX, FORWARD, ROWS_PER_LANE, F64),
        LINE(check_line, SOFTMAX, BACKWARD, ROW_SPLIT, F64),
        LINE(check_line, SOFTMAX, BACKWARD, ROWS_PER_LANE, F16),
        LINE(check_line, SOFTMAX, FORWARD, ROW_SPLIT, BF16),
        PASSES(check_line, SOFTMAX, ROW_PER_ITEM, F16),
        PASSES(check_line, LOG_SOFTMAX, ROW_PER_ITEM, BF16),
        PASSES(check_line, SOFTMAX, ROW_PER_GROUP, BF16),
        PASSES(check_line, LOG_SOFTMAX, ROW_PER_GROUP, F16),
        PASSES(check_line, SOFTMAX, COLUMN, F16),
        PASSES(check_line, LOG_SOFTMAX, COLUMN, BF16),
        PASSES(check_groups, SOFTMAX, ROW_PER_GROUP, F32),
        PASSES(check_groups, LOG_SOFTMAX, ROW_PER_GROUP, F32),
        LINE(check_groups, SOFTMAX, FORWARD, ROW_PER_GROUP, F64),
        LINE(check_groups, LOG_SOFTMAX, BACKWARD, ROW_PER_GROUP, F16),
        LINE(check_groups, LOG_SOFTMAX, FORWARD, ROW_SPLIT, F32),
        LINE(check_item_groups, SOFTMAX, FORWARD, ROW_PER_ITEM, F32),
        LINE(check_item_groups, LOG_SOFTMAX, BACKWARD, ROW_PER_ITEM, F64),
        LINE(check_item_groups, LOG_SOFTMAX, FORWARD, COLUMN, F32),
    };
    return run_lines(tests, sizeof tests / sizeof tests[0]);
}
