/* Rows side by side in more than one strip, and rows that are longer than a tile (kernels/engine_tiles.cl): strips that begin
 * and end anywhere, next to what another work-item writes; chunks of a row, with a last one of any length. */
#include "device_shapes.h"

/* Of rows_per_lane, and of column. A strip has at most 63 vectors, a tile 1024. */
static const extent rows[] = {{1100, 10, 1, 0}, {1033, 3, 1, 0},  {560, 7, 1, 2},
                              {1009, 1, 1, 0},  {19, 1030, 1, 0}, {9, 2049, 1, 3}};
static const extent columns[] = {{2, 5, 1100, 0}, {3, 21, 530, 5}, {2, 1030, 9, 0}, {1, 600, 20, 0}, {2, 2049, 3, 1}};
#define COUNT(array) (sizeof(array) / sizeof(array)[0])

static in_place over(const line *l) {
    return is_loss(l->op) ? APART : l->pass == CLXENT_FORWARD ? OVER_INPUT : OVER_GRAD_OUTPUT;
}

/* Two sets of options each, one of them in place where the pass can be. */
static void check_results(const line *l, const extent *shape, size_t index) {
    for (size_t j = 0; j < 2; j++) {
        device_case c = case_of(l, shape);
        if (is_loss(l->op))
            set_loss_options(&c, j == 0 ? 3 : 2 * index % LOSS_OPTIONS);
        else
            c.in_place = j == 0 ? over(l) : APART;
        check_case(&c, BY_ENQUEUE);
    }
}

/* A group that is too large for tiles does without, and has the same bits. */
static void check_bits(const line *l, const extent *shape, size_t index) {
    device_case c = case_of(l, shape), without;
    device_data d, other;
    c.seed = device.seed + index + 1;
    if (is_loss(l->op)) {
        c.desc.reduction = CLXENT_REDUCTION_NONE;
        c.given = GIVE(CLX_WEIGHT) | GIVE(CLX_LSE) | GIVE(CLX_ARGMAX);
    }
    without = c;
    without.desc.work_group_size = 8;
    data_init(&d, &c);
    data_expect(&d);
    data_init(&other, &without);
    data_expect(&other);
    if (data_must_run(&d, BY_ENQUEUE) && data_must_run(&other, BY_ENQUEUE))
        for (clx_tensor tensor = 0; tensor < CLX_TENSORS; tensor++)
            if (d.expected[tensor].bytes != NULL)
                expect_same_bits(&d, &other, tensor);
    data_free(&d);
    data_free(&other);
}

static void check_line(void **state) {
    const line *l = *state;
    bool side_by_side = l->engine == CLXENT_ENGINE_ROWS_PER_LANE;
    const extent *shapes = side_by_side ? rows : columns;
    for (size_t i = 0; i < (side_by_side ? COUNT(rows) : COUNT(columns)); i++) {
        check_results(l, &shapes[i], i);
        check_bits(l, &shapes[i], i);
    }
}

#define LINE(the_op, the_pass, the_engine, type, target, smoothing)                                                    \
    LINE_TEST(check_line, #the_op " " #the_pass " " #the_engine " " #type, .op = CLXENT_##the_op,                      \
              .pass = CLXENT_##the_pass, .dtype = CLXENT_##type, .engine = CLXENT_ENGINE_##the_engine,                 \
              .target_type = CLXENT_TARGET_##target, .label_smoothing = smoothing)
#define BOTH(op, pass, type, target, smoothing)                                                                        \
    LINE(op, pass, ROWS_PER_LANE, type, target, smoothing), LINE(op, pass, COLUMN, type, target, smoothing)

int main(void) {
    const struct CMUnitTest tests[] = {
        BOTH(SOFTMAX, FORWARD, F32, I32, 0),
        BOTH(LOG_SOFTMAX, BACKWARD, F32, I32, 0),
        BOTH(CROSS_ENTROPY, FORWARD_BACKWARD, F32, I32, 0),
        BOTH(CROSS_ENTROPY, BACKWARD, F32, I64, 0),
        BOTH(BINARY_CROSS_ENTROPY_WITH_LOGITS, FORWARD_BACKWARD, F32, PROBABILITIES, 0),
        LINE(NLL_LOSS, BACKWARD, ROWS_PER_LANE, F32, U8, 0),
        LINE(CROSS_ENTROPY, FORWARD_BACKWARD, ROWS_PER_LANE, BF16, U8, 0.1),
        LINE(CROSS_ENTROPY, FORWARD_BACKWARD, COLUMN, F64, PROBABILITIES, 0),
        LINE(CROSS_ENTROPY, FORWARD, COLUMN, F16, I32, 0),
    };
    return run_lines(tests, sizeof tests / sizeof tests[0]);
}
