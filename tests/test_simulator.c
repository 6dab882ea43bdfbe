/* Every operation, pass, engine and target type at small sizes, on buffers of exactly the size that they must have and
 * a workspace that nobody filled. It is an ordinary test on any device; under Oclgrind, which finds races, bad accesses
 * and uninitialised values and takes its time, it is what the simulator is given to look at (ci/test.sh). */
#include "device_cases.h"
#include "device_shapes.h"
#include "shard_cases.h"

#include <stdlib.h>

static const extent shapes[] = {
    {2, 1, 1, 0}, {3, 5, 1, 0}, {2, 37, 1, 3}, {7, 20, 1, 0}, {2, 9, 5, 0}, {1, 12, 17, 4}, {1, 300, 1, 0},
};
/* Of row_per_item, rows_per_lane and column in these shapes. */
static const size_t work_group_sizes[] = {0, 2, 0, 2, 0, 2, 2};
#define SHAPES (sizeof shapes / sizeof shapes[0])

static device_case make_case(const line *l, const extent *shape, size_t work_group_size) {
    device_case c = case_of(l, shape);
    if (l->engine != CLXENT_ENGINE_ROW_PER_GROUP && l->engine != CLXENT_ENGINE_ROW_SPLIT)
        c.desc.work_group_size = work_group_size;
    return c;
}

/* Each shape with two sets of options, so that every set comes up. */
static void check_line(void **state) {
    const line *l = *state;
    for (size_t i = 0; i < SHAPES; i++) {
        if (shapes[i].inner > 1 && l->engine != CLXENT_ENGINE_COLUMN)
            continue;
        for (size_t j = 0; j < 2; j++) {
            device_case c = make_case(l, &shapes[i], work_group_sizes[i]);
            if (is_loss(l->op))
                set_loss_options(&c, (2 * i + j) % LOSS_OPTIONS);
            else if (j == 1)
                c.in_place = l->pass == CLXENT_FORWARD ? OVER_INPUT : i % 2 == 0 ? OVER_OUTPUT : OVER_GRAD_OUTPUT;
            check_case(&c, BY_EXACT);
        }
    }
}

/* The options that are compiled in, and all arguments at once. */
static void check_options(void **state) {
    static const extent shape = {5, 21, 1, 2}, inner = {2, 9, 5, 0};
    const line *l = *state;
    for (int cap = 0; cap < 2; cap++) {
        device_case c = make_case(l, l->engine == CLXENT_ENGINE_COLUMN ? &inner : &shape, 2);
        bool probabilities = l->target_type >= CLXENT_TARGET_PROBABILITIES;
        c.desc.logit_scale = -1.5;
        c.desc.logit_softcap = cap ? 20 : 0;
        c.desc.reg_lambda = 0.5;
        c.desc.z_loss = 0.01;
        c.desc.grad_scale = 8;
        c.desc.flags = cap ? CLXENT_ACCUMULATE_GRAD | CLXENT_EMPTY_MEAN_ZERO : 0;
        c.desc.mix_lambda = probabilities ? 1 : 0.25;
        c.desc.reduction = cap ? CLXENT_REDUCTION_SUM : CLXENT_REDUCTION_MEAN;
        c.given = ~(l->pass == CLXENT_BACKWARD ? GIVE(CLX_LSE) : 0);
        check_case(&c, BY_EXACT);
    }
}

/* A row longer than what a work-group reduces at once. */
static void check_long_row(void **state) {
    static const extent shape = {1, 16390, 1, 0};
    device_case c = make_case(*state, &shape, 0);
    check_case(&c, BY_EXACT);
}

/* A row of several chunks that groups share. */
static void check_chunks(void **state) {
    static const extent shape = {2, 16390, 1, 0};
    device_case c = make_case(*state, &shape, 0);
    c.given = GIVE(CLX_ARGMAX);
    check_case(&c, BY_EXACT);
}

/* More rows than one run of the reduction, and several chunks of them. */
static void check_many_rows(void **state) {
    static const extent shape = {150, 3, 1, 0};
    device_case c = make_case(*state, &shape, 0);
    c.given = GIVE(CLX_INVALID_COUNT);
    check_case(&c, BY_EXACT);
}

/* Rows that fill a tile to its last vector, neither more nor less (kernels/engine_tiles.cl). */
static void check_full_tiles(void **state) {
    static const extent rows = {3, 1024, 1, 0}, positions = {1, 1024, 3, 0};
    const line *l = *state;
    device_case c = make_case(l, l->engine == CLXENT_ENGINE_COLUMN ? &positions : &rows, 0);
    check_case(&c, BY_EXACT);
}

/* Several chunks of rows for every kind of sum: what two targets weigh, and how many of each count, are invalid or are right. */
static void check_many_sums(void **state) {
    static const extent shape = {150, 3, 1, 0};
    device_case c = make_case(*state, &shape, 0);
    c.desc.z_loss = 0.01;
    c.desc.mix_lambda = 0.25;
    c.given = ~0u;
    check_case(&c, BY_EXACT);
    c.given = ~(GIVE(CLX_WEIGHT) | GIVE(CLX_SAMPLE_WEIGHT));
    check_case(&c, BY_EXACT);
}

/* More rows than one strip of a tile, whose neighbours other work-items write (kernels/engine_tiles.cl). */
static void check_strips(void **state) {
    static const extent rows = {300, 3, 1, 0}, positions = {1, 3, 300, 0};
    const line *l = *state;
    device_case c = make_case(l, l->engine == CLXENT_ENGINE_COLUMN ? &positions : &rows, 0);
    check_case(&c, BY_EXACT);
}

/* ---- shards ---- */

/* A few rows in uneven shards, one of a single class; and for one shard of all classes more rows than one run of a reduction. */
static void check_shards(void **state) {
    static const struct { size_t batch, count, sizes[3]; } all[] = {{5, 3, {3, 1, 21}}, {90, 1, {3}}};
    const line *l = *state;
    for (size_t i = 0; i < 2; i++) {
        shard_data d;
        shard_case c = {.count = all[i].count, .weight = true, .sample_weight = i == 0, .grad_output = true};
        clxent_desc_init(&c.whole, CLXENT_CROSS_ENTROPY);
        c.whole.batch = all[i].batch;
        for (size_t k = 0; k < c.count; k++)
            c.whole.classes += c.sizes[k] = all[i].sizes[k];
        c.whole.inner = l->engine == CLXENT_ENGINE_COLUMN ? 3 : 1;
        c.whole.dtype = l->dtype;
        c.whole.engine = l->engine;
        c.whole.work_group_size = l->work_group_size;
        c.whole.label_smoothing = l->label_smoothing;
        c.whole.z_loss = i == 0 ? 0.125 : 0;
        shard_data_init(&d, &c, i);
        shard_data_expect(&d);
        assert_true(run_shards(&d, enqueue_exactly));
        expect_whole(&d);
        shard_data_free(&d);
    }
}

#define TYPED_LINE(check, the_op, the_pass, the_engine, type, target, smoothing)                                       \
    LINE_TEST(check, #the_op " " #the_pass " " #the_engine " " #type " " #target " " #smoothing,                       \
              .op = CLXENT_##the_op, .pass = CLXENT_##the_pass, .dtype = CLXENT_##type,                                \
              .engine = CLXENT_ENGINE_##the_engine, .target_type = CLXENT_TARGET_##target,                             \
              .label_smoothing = smoothing, .work_group_size = 7)
#define LINE(check, the_op, the_pass, the_engine, target, smoothing)                                                   \
    TYPED_LINE(check, the_op, the_pass, the_engine, F32, target, smoothing)
#define UNSPLIT(op, pass, first, second, third)                                                                        \
    LINE(check_line, op, pass, ROW_PER_ITEM, first, 0), LINE(check_line, op, pass, ROW_PER_GROUP, second, 0),          \
        LINE(check_line, op, pass, COLUMN, third, 0), LINE(check_line, op, pass, ROWS_PER_LANE, first, 0)
#define ENGINES(op, pass, first, second, third)                                                                        \
    UNSPLIT(op, pass, first, second, third), LINE(check_line, op, pass, ROW_SPLIT, third, 0)
#define OPTIONS(pass, engine, target, smoothing) LINE(check_options, CROSS_ENTROPY, pass, engine, target, smoothing)
#define SMOOTHED(pass, first, second, third)                                                                           \
    LINE(check_line, CROSS_ENTROPY, pass, ROW_PER_ITEM, first, 0.1),                                                   \
        LINE(check_line, CROSS_ENTROPY, pass, ROW_PER_GROUP, second, 0.1),                                             \
        LINE(check_line, CROSS_ENTROPY, pass, COLUMN, third, 0.1)

int main(void) {
    const struct CMUnitTest tests[] = {
        ENGINES(SOFTMAX, FORWARD, I32, I32, I32),
        ENGINES(SOFTMAX, BACKWARD, I32, I32, I32),
        ENGINES(LOG_SOFTMAX, FORWARD, I32, I32, I32),
        ENGINES(LOG_SOFTMAX, BACKWARD, I32, I32, I32),
        UNSPLIT(NLL_LOSS, FORWARD, I32, I64, U8), /* of which there is nothing to split */
        ENGINES(NLL_LOSS, BACKWARD, I64, U8, I32),
        ENGINES(CROSS_ENTROPY, FORWARD, U8, I32, I64),
        ENGINES(CROSS_ENTROPY, BACKWARD, I32, I64, U8),
        ENGINES(CROSS_ENTROPY, FORWARD_BACKWARD, I64, U8, I32),
        SMOOTHED(FORWARD, I32, I64, U8),
        SMOOTHED(BACKWARD, I64, U8, I32),
        SMOOTHED(FORWARD_BACKWARD, U8, I32, I64),
        TYPED_LINE(check_line, SOFTMAX, FORWARD, ROW_PER_GROUP, F64, I32, 0),
        TYPED_LINE(check_line, LOG_SOFTMAX, BACKWARD, COLUMN, F64, I32, 0),
        TYPED_LINE(check_line, NLL_LOSS, BACKWARD, ROW_PER_GROUP, F64, I32, 0),
        TYPED_LINE(check_line, CROSS_ENTROPY, FORWARD_BACKWARD, ROW_PER_ITEM, F64, I32, 0.1),
        TYPED_LINE(check_line, SOFTMAX, FORWARD, ROW_PER_GROUP, F16, I32, 0),
        TYPED_LINE(check_line, LOG_SOFTMAX, BACKWARD, COLUMN, BF16, I32, 0),
        TYPED_LINE(check_line, CROSS_ENTROPY, FORWARD_BACKWARD, ROW_PER_ITEM, F16, U8, 0.1),
        TYPED_LINE(check_line, CROSS_ENTROPY, FORWARD_BACKWARD, ROW_PER_GROUP, BF16, I64, 0),
        LINE(check_line, CROSS_ENTROPY, FORWARD_BACKWARD, ROW_SPLIT, I64, 0.1),
        ENGINES(BINARY_CROSS_ENTROPY, FORWARD, PROBABILITIES, PROBABILITIES, PROBABILITIES_F32),
        ENGINES(BINARY_CROSS_ENTROPY, BACKWARD, PROBABILITIES_F32, PROBABILITIES, PROBABILITIES),
        ENGINES(BINARY_CROSS_ENTROPY, FORWARD_BACKWARD, PROBABILITIES, PROBABILITIES_F32, PROBABILITIES),
        ENGINES(BINARY_CROSS_ENTROPY_WITH_LOGITS, FORWARD, PROBABILITIES, PROBABILITIES, PROBABILITIES_F32),
        ENGINES(BINARY_CROSS_ENTROPY_WITH_LOGITS, BACKWARD, PROBABILITIES_F32, PROBABILITIES, PROBABILITIES),
        ENGINES(BINARY_CROSS_ENTROPY_WITH_LOGITS, FORWARD_BACKWARD, PROBABILITIES, PROBABILITIES_F32, PROBABILITIES),
        TYPED_LINE(check_line, BINARY_CROSS_ENTROPY_WITH_LOGITS, FORWARD, COLUMN, F16, PROBABILITIES_F32, 0),
        LINE(check_line, CROSS_ENTROPY, FORWARD_BACKWARD, ROW_PER_ITEM, PROBABILITIES, 0.1),
        LINE(check_line, CROSS_ENTROPY, FORWARD, ROW_PER_GROUP, PROBABILITIES_F32, 0),
        LINE(check_line, CROSS_ENTROPY, BACKWARD, COLUMN, PROBABILITIES, 0),
        TYPED_LINE(check_line, CROSS_ENTROPY, FORWARD_BACKWARD, ROWS_PER_LANE, BF16, PROBABILITIES, 0),
        LINE_TEST(check_line, "CROSS_ENTROPY FORWARD_BACKWARD ROW_PER_GROUP of one work-item",
                  .op = CLXENT_CROSS_ENTROPY, .pass = CLXENT_FORWARD_BACKWARD, .engine = CLXENT_ENGINE_ROW_PER_GROUP,
                  .target_type = CLXENT_TARGET_I32, .work_group_size = 1),
        OPTIONS(FORWARD_BACKWARD, ROW_PER_ITEM, I32, 0.1),
        OPTIONS(FORWARD_BACKWARD, ROW_PER_GROUP, I64, 0),
        OPTIONS(BACKWARD, COLUMN, I32, 0.1),
        OPTIONS(FORWARD, ROWS_PER_LANE, U8, 0),
        OPTIONS(FORWARD_BACKWARD, ROW_SPLIT, I32, 0),
        OPTIONS(FORWARD_BACKWARD, ROW_PER_GROUP, PROBABILITIES, 0.1),
        LINE(check_shards, CROSS_ENTROPY, FORWARD, ROW_PER_ITEM, I32, 0.1),
        LINE(check_shards, CROSS_ENTROPY, FORWARD, ROW_PER_GROUP, I32, 0),
        LINE(check_shards, CROSS_ENTROPY, FORWARD, COLUMN, I32, 0.1),
        LINE(check_shards, CROSS_ENTROPY, FORWARD, ROWS_PER_LANE, I32, 0),
        LINE(check_shards, CROSS_ENTROPY, FORWARD, ROW_SPLIT, I32, 0.1),
        TYPED_LINE(check_shards, CROSS_ENTROPY, FORWARD, ROW_PER_ITEM, BF16, I32, 0),
        LINE(check_chunks, CROSS_ENTROPY, FORWARD, ROW_SPLIT, I32, 0),
        LINE(check_long_row, SOFTMAX, FORWARD, ROW_PER_GROUP, I32, 0),
        LINE(check_strips, CROSS_ENTROPY, FORWARD_BACKWARD, ROWS_PER_LANE, U8, 0),
        LINE(check_strips, LOG_SOFTMAX, BACKWARD, COLUMN, I32, 0),
        LINE(check_full_tiles, SOFTMAX, FORWARD, ROWS_PER_LANE, I32, 0),
        LINE(check_full_tiles, SOFTMAX, BACKWARD, COLUMN, I32, 0),
        LINE(check_full_tiles, CROSS_ENTROPY, FORWARD_BACKWARD, COLUMN, I32, 0.1),
        LINE(check_many_rows, NLL_LOSS, FORWARD, ROW_PER_ITEM, I32, 0),
        LINE(check_many_rows, NLL_LOSS, BACKWARD, ROW_PER_ITEM, I64, 0),
        LINE(check_many_sums, CROSS_ENTROPY, FORWARD, ROWS_PER_LANE, I32, 0),
    };
    return run_lines(tests, sizeof tests / sizeof tests[0]);
}
