/* Long rows of tensors that no cache holds, which row_per_item writes past the caches where it can (kernels/storage.cl): from
 * the first place on that is aligned to a vector, which is another one in each of these rows, in place and not. */
#include "device_shapes.h"

static const extent of_4_bytes = {2049, 4099, 1, 3}, of_2_bytes = {4097, 4111, 1, 0};

/* In place for F32's softmax and 16-bit losses. */
static void check_line(void **state) {
    const line *l = *state;
    device_case c = case_of(l, l->dtype == CLXENT_F32 ? &of_4_bytes : &of_2_bytes);
    if (is_loss(l->op))
        set_loss_options(&c, 0);
    c.in_place = is_loss(l->op) == (l->dtype != CLXENT_F32) ? OVER_INPUT : APART;
    check_case(&c, BY_ENQUEUE);
}

#define LINE(the_op, the_pass, type)                                                                                   \
    LINE_TEST(check_line, #the_op " " #the_pass " " #type, .op = CLXENT_##the_op, .pass = CLXENT_##the_pass,           \
              .dtype = CLXENT_##type, .engine = CLXENT_ENGINE_ROW_PER_ITEM, .target_type = CLXENT_TARGET_I32)

int main(void) {
    const struct CMUnitTest tests[] = {
        LINE(SOFTMAX, FORWARD, F32),
        LINE(CROSS_ENTROPY, FORWARD_BACKWARD, F32),
        LINE(CROSS_ENTROPY, FORWARD_BACKWARD, BF16),
    };
    return run_lines(tests, sizeof tests / sizeof tests[0]);
}
