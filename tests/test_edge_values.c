/* The table of edge cases in docs/numerics.md, line by line, on the device: infinities, NaN and large numbers. Each
 * result is compared with the reference, and what the table says is asked for by itself. */
#include "edge_cases.h"

/* ---- infinities ---- */

static void check_infinity(const way *w, double smoothing, size_t at) {
    device_case c = loss_case(w, CLXENT_REDUCTION_NONE);
    device_data d;
    c.desc.label_smoothing = smoothing;
    plain_data(&d, &c);
    for (size_t row = 0; row < ROWS; row += 2)
        set_logit(&d, row, (row % C + at) % C, -INFINITY); /* `at` classes behind the target */
    if (run_and_compare(&d, w))
        for (size_t row = 0; row < ROWS; row++) {
            bool infinite = row % 2 == 0 && (smoothing > 0 || at == 0);
            EXPECT(&d, infinite ? output_at(&d, row) == INFINITY : isfinite(output_at(&d, row)));
            EXPECT(&d, row_is(&d, row, is_finite));
            if (row % 2 == 0 && at > 0 && smoothing == 0)
                EXPECT(&d, gradient_at(&d, row, (row % C + at) % C) == 0);
        }
    data_free(&d);
}

static void check_infinities(const way *w) {
    for (size_t at = 0; at < C; at++) {
        check_infinity(w, 0, at);
        check_infinity(w, 0.1, at);
    }
    check_infinity(w, 1, 0);
    check_infinity(w, 1, 2);
}

/* A class of weight 0 hides its infinity, and hides no NaN. */
static void check_weightless_class(const way *w) {
    for (int smooth = 0; smooth <= 2; smooth++) {
        device_case c = loss_case(w, CLXENT_REDUCTION_NONE);
        device_data d;
        c.desc.label_smoothing = smooth == 0 ? 0 : smooth == 1 ? 0.1 : 1;
        c.given |= GIVE(CLX_WEIGHT);
        plain_data(&d, &c);
        set_number(&d.tensors[CLX_WEIGHT], 2, 0);
        for (size_t row = 0; row < ROWS; row++)
            set_logit(&d, row, 2, -INFINITY);
        set_logit(&d, 2, 7, NAN); /* the target of row 2 weighs nothing */
        if (run_and_compare(&d, w))
            for (size_t row = 0; row < ROWS; row++)
                EXPECT(&d, row == 2 ? isnan(output_at(&d, row)) : isfinite(output_at(&d, row)));
        data_free(&d);
    }
}

/* Rows of -inf and then `live` finite logits, against rows of those alone. */
static void check_leading(const way *w, size_t masked, size_t live) {
    device_case c = loss_case(w, CLXENT_REDUCTION_NONE);
    device_data all, few;
    c.desc.classes = live;
    plain_data(&few, &c);
    c.desc.classes = masked + live;
    plain_data(&all, &c);
    for (size_t row = 0; row < ROWS; row++) {
        set_target(&all, row, (int64_t)masked + get_target(&few, row));
        for (size_t k = 0; k < masked + live; k++) {
            double x = k < masked ? -INFINITY : get_number(&few.logits, element_of(&few, row, k - masked));
            set_logit(&all, row, k, x);
        }
    }
    if (run_and_compare(&few, w) && run_and_compare(&all, w)) {
        static const double rounding[] = {0, 0, 0x1p-10, 0x1p-7}; /* of gradients, to the storage type */
        double tolerance = w->dtype == CLXENT_F64 ? 1e-14 : 3e-6;
        for (size_t row = 0; row < ROWS; row++) {
            EXPECT(&all, fabs(output_at(&all, row) - output_at(&few, row)) < tolerance);
            for (size_t k = 0; k < masked; k++)
                EXPECT(&all, gradient_at(&all, row, k) == 0);
            for (size_t k = 0; k < live; k++)
                EXPECT(&all, fabs(gradient_at(&all, row, masked + k) - gradient_at(&few, row, k)) <
                                 tolerance + rounding[w->dtype]);
        }
    }
    data_free(&all);
    data_free(&few);
}

static void check_leading_infinities(const way *w) {
    check_leading(w, 1, 5);
    check_leading(w, 8, 3);
    check_leading(w, 300, 1);
    check_leading(w, 1025, 7);
}

static void check_poisoned_row(const way *w, clxent_op op, clxent_pass pass, double smoothing, double poison) {
    device_case c = edge_case(w, op, pass, C, CLXENT_REDUCTION_NONE);
    device_data d;
    c.desc.label_smoothing = smoothing;
    plain_data(&d, &c);
    for (size_t row = 0; row < ROWS; row += 5)
        for (size_t k = 0; k < C; k++)
            if (isinf(poison) && poison < 0 ? true : k == (row + 3) % C)
                set_logit(&d, row, k, poison);
    if (run_and_compare(&d, w))
        for (size_t row = 0; row < ROWS; row++)
            for (size_t k = 0; k < C; k++) {
                size_t at = element_of(&d, row, k);
                EXPECT(&d, isnan(is_loss(op) ? gradient_at(&d, row, k) : output_at(&d, at)) == (row % 5 == 0));
                EXPECT(&d, !is_loss(op) || isnan(output_at(&d, row)) == (row % 5 == 0));
            }
    data_free(&d);
}

static void check_poisoned_rows(const way *w) {
    static const double poisons[] = {NAN, INFINITY, -INFINITY};
    for (size_t i = 0; i < 3; i++) {
        check_poisoned_row(w, CLXENT_CROSS_ENTROPY, CLXENT_FORWARD_BACKWARD, 0, poisons[i]);
        check_poisoned_row(w, CLXENT_CROSS_ENTROPY, CLXENT_FORWARD_BACKWARD, 0.1, poisons[i]);
        check_poisoned_row(w, CLXENT_SOFTMAX, CLXENT_FORWARD, 0, poisons[i]);
        check_poisoned_row(w, CLXENT_LOG_SOFTMAX, CLXENT_FORWARD, 0, poisons[i]);
    }
}

/* A capped infinity is the cap, finite, and its gradient 0. */
static void check_softcap(const way *w) {
    device_case c = loss_case(w, CLXENT_REDUCTION_NONE);
    device_data d;
    c.desc.logit_softcap = 30;
    c.given |= GIVE(CLX_ARGMAX);
    plain_data(&d, &c);
    for (size_t row = 0; row < ROWS; row++) {
        set_logit(&d, row, 2, -INFINITY);
        set_logit(&d, row, 5, row % 2 == 0 ? INFINITY : 1e4);
        if (row % 3 == 0)
            set_logit(&d, row, 8, NAN);
    }
    if (run_and_compare(&d, w))
        for (size_t row = 0; row < ROWS; row++) {
            bool nan = row % 3 == 0;
            EXPECT(&d, nan ? isnan(output_at(&d, row)) : isfinite(output_at(&d, row)));
            EXPECT(&d, nan || (row_is(&d, row, is_finite) && gradient_at(&d, row, 2) == 0));
            EXPECT(&d, nan || fabs(gradient_at(&d, row, 5)) < 1e-6);
            EXPECT(&d, ((const int64_t *)contents(&d.tensors[CLX_ARGMAX]))[row] == 5);
        }
    data_free(&d);
}

/* A class of probability 0 adds nothing, even where its logit is -inf; any other makes the loss infinite. */
static void check_impossible_class(const way *w) {
    device_case c = loss_case(w, CLXENT_REDUCTION_NONE);
    device_data d;
    c.desc.target_type = CLXENT_TARGET_PROBABILITIES;
    c.given = GIVE(CLX_LSE);
    plain_data(&d, &c);
    for (size_t row = 0; row < ROWS; row++)
        for (size_t k = 0; k < C; k++) {
            double q = k == 2 ? (row % 2 == 0 ? 0 : 0.25) : 0.125;
            set_number(&d.tensors[CLX_TARGET], element_of(&d, row, k), q);
            if (k == 2)
                set_logit(&d, row, k, -INFINITY);
        }
    if (run_and_compare(&d, w))
        for (size_t row = 0; row < ROWS; row++) {
            EXPECT(&d, row % 2 == 0 ? isfinite(output_at(&d, row)) : output_at(&d, row) == INFINITY);
            EXPECT(&d, row_is(&d, row, is_finite));
        }
    data_free(&d);
}

/* Infinite logits give the limits, NaN shows in its element alone. */
static void check_binary_logits(const way *w) {
    device_case c =
        edge_case(w, CLXENT_BINARY_CROSS_ENTROPY_WITH_LOGITS, CLXENT_FORWARD_BACKWARD, C, CLXENT_REDUCTION_NONE);
    device_data d;
    c.given = 0;
    plain_data(&d, &c);
    for (size_t row = 0; row < ROWS; row++)
        for (size_t k = 0; k < C; k++) {
            set_number(&d.tensors[CLX_TARGET], element_of(&d, row, k), k % 2 == 0);
            if (k < 4)
                set_logit(&d, row, k, k < 2 ? INFINITY : -INFINITY);
        }
    set_logit(&d, 3, 7, NAN);
    set_number(&d.tensors[CLX_TARGET], element_of(&d, 5, 9), NAN);
    if (run_and_compare(&d, w))
        for (size_t row = 0; row < ROWS; row++)
            for (size_t k = 0; k < C; k++) {
                static const double limits[] = {0, INFINITY, INFINITY, 0}, slopes[] = {0, 1, -1, 0};
                double loss = output_at(&d, element_of(&d, row, k));
                bool nan = (row == 3 && k == 7) || (row == 5 && k == 9);
                EXPECT(&d, nan ? isnan(loss) : k < 4 ? loss == limits[k] : isfinite(loss));
                EXPECT(&d, nan || k >= 4 || gradient_at(&d, row, k) == slopes[k]);
                EXPECT(&d, isnan(gradient_at(&d, row, k)) == nan);
            }
    data_free(&d);
}

/* Certain probabilities: 0 where right, 100 where wrong, and a gradient that is finite but in half precision. */
static void check_binary_probabilities(const way *w) {
    device_case c = edge_case(w, CLXENT_BINARY_CROSS_ENTROPY, CLXENT_FORWARD_BACKWARD, C, CLXENT_REDUCTION_NONE);
    device_data d;
    c.given = 0;
    plain_data(&d, &c);
    for (size_t row = 0; row < ROWS; row++)
        for (size_t k = 0; k < C; k++) {
            set_number(&d.tensors[CLX_TARGET], element_of(&d, row, k), k % 2 == 1);
            if (k < 4)
                set_logit(&d, row, k, k < 2);
        }
    set_logit(&d, 3, 7, NAN);
    if (run_and_compare(&d, w))
        for (size_t row = 0; row < ROWS; row++)
            for (size_t k = 0; k < C; k++) {
                static const double losses[] = {100, 0, 0, 100}; /* of x = 1, 1, 0, 0 and t = 0, 1, 0, 1 */
                double loss = output_at(&d, element_of(&d, row, k));
                EXPECT(&d, row == 3 && k == 7 ? isnan(loss) : k < 4 ? loss == losses[k] : isfinite(loss));
                EXPECT(&d, k != 1 || gradient_at(&d, row, k) == 0);
                EXPECT(&d, isnan(gradient_at(&d, row, k)) == (row == 3 && k == 7));
            }
    data_free(&d);
}

/* ---- sizes ---- */

/* What the storage type holds exactly gives the same bits with and without an offset: multiples of 8 to 96, for which
 * the largest offset is about 1e8 in a float, 1e4 in half precision and 1024 in bfloat16. */
static void check_offset(const way *w, double smoothing, double offset) {
    device_case c = loss_case(w, CLXENT_REDUCTION_NONE);
    device_data near, far;
    c.desc.label_smoothing = smoothing;
    plain_data(&near, &c);
    plain_data(&far, &c);
    for (size_t row = 0; row < ROWS; row++)
        for (size_t k = 0; k < C; k++) {
            double x = 8 * (double)((row * 7 + k * 5) % 13);
            set_logit(&near, row, k, x);
            set_logit(&far, row, k, x + offset);
            EXPECT(&far, get_number(&far.logits, element_of(&far, row, k)) == x + offset);
        }
    if (run_and_compare(&near, w) && run_and_compare(&far, w)) {
        expect_same_bits(&near, &far, CLX_OUTPUT);
        expect_same_bits(&near, &far, CLX_GRAD_INPUT);
    }
    data_free(&near);
    data_free(&far);
}

static void check_offsets(const way *w) {
    static const double offsets[][2] = {
        [CLXENT_F32] = {1e4, 1e8}, [CLXENT_F64] = {1e4, 1e8}, [CLXENT_F16] = {1024, 1e4}, [CLXENT_BF16] = {512, 1024}};
    for (size_t i = 0; i < 2; i++)
        for (int sign = -1; sign <= 1; sign += 2) {
            check_offset(w, 0, sign * offsets[w->dtype][i]);
            check_offset(w, 0.1, sign * offsets[w->dtype][i]);
        }
}

EDGE_TEST(infinities)
EDGE_TEST(weightless_class)
EDGE_TEST(leading_infinities)
EDGE_TEST(poisoned_rows)
EDGE_TEST(softcap)
EDGE_TEST(impossible_class)
EDGE_TEST(binary_logits)
EDGE_TEST(binary_probabilities)
EDGE_TEST(offsets)

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_infinities),
        cmocka_unit_test(test_weightless_class),
        cmocka_unit_test(test_leading_infinities),
        cmocka_unit_test(test_poisoned_rows),
        cmocka_unit_test(test_softcap),
        cmocka_unit_test(test_impossible_class),
        cmocka_unit_test(test_binary_logits),
        cmocka_unit_test(test_binary_probabilities),
        cmocka_unit_test(test_offsets),
    };
    return cmocka_run_group_tests(tests, open_device, close_device);
}
