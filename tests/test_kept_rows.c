/* Rows of which row_per_item keeps the exponentials for the gradient, or for the probabilities, and those just too short or too
 * long for it: a vector at the least, and less than 65 vectors, which have 2 to 16 lanes. In place and not. */
#include "device_shapes.h"

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

static void check_line(void **state) {
    for (size_t lanes = 2; lanes <= 16; lanes *= 2)
        for (size_t i = 0; i < VECTORS; i++)
            for (int more = -1; more <= 1; more++)
                check_classes(*state, vectors[i] * lanes + (size_t)(more + 1) - 1, (i + (size_t)(more + 1)) % 2 == 0);
}

#define LINE(the_op, the_pass, type)                                                                                   \
    LINE_TEST(check_line, #the_op " " #the_pass " " #type, .op = CLXENT_##the_op, .pass = CLXENT_##the_pass,           \
              .dtype = CLXENT_##type, .engine = CLXENT_ENGINE_ROW_PER_ITEM, .target_type = CLXENT_TARGET_I32)

int main(void) {
    const struct CMUnitTest tests[] = {
        LINE(SOFTMAX, FORWARD, F32),
        LINE(CROSS_ENTROPY, FORWARD_BACKWARD, F32),
        LINE(CROSS_ENTROPY, FORWARD_BACKWARD, BF16),
        LINE(CROSS_ENTROPY, FORWARD_BACKWARD, F64),
    };
    return run_lines(tests, sizeof tests / sizeof tests[0]);
}
