/* What row_per_item does with rows of some lengths (kernels/engine_row_per_item.cl, kernels/storage.cl): exponentials of short rows
 * are kept for the gradient or the probabilities; long rows of tensors that no cache holds are written past the caches, where that
 * can be done, from the first place on that is aligned to a vector, which is another one in each row. In place and not. */
#include "device_shapes.h"

/* ---- short rows ---- */

/* Rows of a vector at the least and of less than 65 are kept; vectors have 2 to 16 lanes. */
static const size_t vectors[] = {1, 2, 63, 64, 65, 66, 129};
#define VECTORS (sizeof vectors / sizeof vectors[0])

static void check_classes(const line *l, size_t classes, bool together) {
    const extent shape = {5, classes, 1, 3};
    device_case c = case_of(l, &shape);
    if (is_loss(l->op))
        c.desc.reduction = CLXENT_REDUCTION_SUM;
    c.in_place = together ? OVER_INPUT : APART;
    c.poison = together;
    check_case(&c, BY_ENQUEUE);
}

static void check_short_rows(void **state) {
    for (size_t lanes = 2; lanes <= 16; lanes *= 2)
        for (size_t i = 0; i < VECTORS; i++)
            for (size_t j = 0; j < 3; j++)
                check_classes(*state, vectors[i] * lanes - 1 + j, (i + j) % 2 == 0);
}

/* ---- long rows ---- */

static const extent of_4_bytes = {2049, 4099, 1, 3}, of_2_bytes = {4097, 4111, 1, 0};

/* In place for F32's softmax and 16-bit losses. */
static void check_long_rows(void **state) {
    const line *l = *state;
    device_case c = case_of(l, l->dtype == CLXENT_F32 ? &of_4_bytes : &of_2_bytes);
    if (is_loss(l->op))
        set_loss_options(&c, 0);
    c.in_place = is_loss(l->op) == (l->dtype != CLXENT_F32) ? OVER_INPUT : APART;
    check_case(&c, BY_ENQUEUE);
}

#define LINE(check, the_op, the_pass, type)                                                                            \
    LINE_TEST(check, #the_op " " #the_pass " " #type, .op = CLXENT_##the_op, .pass = CLXENT_##the_pass,                \
              .dtype = CLXENT_##type, .engine = CLXENT_ENGINE_ROW_PER_ITEM, .target_type = CLXENT_TARGET_I32)

int main(void) {
    const struct CMUnitTest tests[] = {
        LINE(check_short_rows, SOFTMAX, FORWARD, F32),
        LINE(check_short_rows, CROSS_ENTROPY, FORWARD_BACKWARD, F32),
        LINE(check_short_rows, CROSS_ENTROPY, FORWARD_BACKWARD, BF16),
        LINE(check_short_rows, CROSS_ENTROPY, FORWARD_BACKWARD, F64),
        LINE(check_long_rows, SOFTMAX, FORWARD, F32),
        LINE(check_long_rows, CROSS_ENTROPY, FORWARD_BACKWARD, F32),
        LINE(check_long_rows, CROSS_ENTROPY, FORWARD_BACKWARD, BF16),
    };
    return run_lines(tests, sizeof tests / sizeof tests[0]);
}
