/* The table of edge cases in docs/numerics.md, line by line, on the device. Each result is compared with the reference,
 * and what the table says is asked for by itself. Targets outside [0, C) have test_invalid_targets. */
#include "edge_cases.h"

#define C 11 /* more than a vector */

static const clxent_reduction reductions[] = {CLXENT_REDUCTION_NONE, CLXENT_REDUCTION_MEAN, CLXENT_REDUCTION_SUM};

static device_case loss_case(const way *w, clxent_reduction reduction) {
    return edge_case(w, CLXENT_CROSS_ENTROPY, CLXENT_FORWARD_BACKWARD, C, reduction);
}

static bool row_is(const device_data *d, size_t row, bool (*is)(double)) {
    for (size_t c = 0; c < d->c.desc.classes; c++)
        if (!is(gradient_at(d, row, c)))
            return false;
    return true;
}

static bool is_finite(double x) {
    return isfinite(x);
}

static bool is_zero(double x) {
    return x == 0;
}

/* ---- batches and reductions ---- */

static void check_empty(const way *w, clxent_op op, clxent_pass pass, clxent_reduction reduction) {
    device_case c = edge_case(w, op, pass, C, reduction);
    device_data d;
    c.desc.batch = 0;
    data_init(&d, &c);
    if (run_and_compare(&d, w) && is_loss(op) && pass != CLXENT_BACKWARD && reduction != CLXENT_REDUCTION_NONE)
        EXPECT(&d, reduction == CLXENT_REDUCTION_SUM ? output_at(&d, 0) == 0 : isnan(output_at(&d, 0)));
    data_free(&d);
}

static void check_empty_batch(const way *w) {
    for (size_t i = 0; i < 3; i++) {
        check_empty(w, CLXENT_CROSS_ENTROPY, CLXENT_FORWARD_BACKWARD, reductions[i]);
        check_empty(w, CLXENT_NLL_LOSS, CLXENT_FORWARD, reductions[i]);
        check_empty(w, CLXENT_NLL_LOSS, CLXENT_BACKWARD, reductions[i]);
    }
    check_empty(w, CLXENT_SOFTMAX, CLXENT_FORWARD, CLXENT_REDUCTION_NONE);
}

static void check_all_ignored(const way *w) {
    for (size_t i = 0; i < 3; i++) {
        device_case c = loss_case(w, reductions[i]);
        device_data d;
        plain_data(&d, &c);
        for (size_t row = 0; row < ROWS; row++)
            set_target(&d, row, -100);
        for (size_t k = 0; k < C; k++)
            set_logit(&d, 1, k, k % 2 == 0 ? NAN : INFINITY);
        if (run_and_compare(&d, w)) {
            EXPECT(&d, reductions[i] == CLXENT_REDUCTION_MEAN ? isnan(output_at(&d, 0)) : output_at(&d, 0) == 0);
            for (size_t row = 0; row < ROWS; row++)
                EXPECT(&d, row_is(&d, row, is_zero));
        }
        data_free(&d);
    }
}

static void check_no_weight(const way *w, clxent_op op, clxent_pass pass, double smoothing) {
    device_case c = edge_case(w, op, pass, C, CLXENT_REDUCTION_MEAN);
    device_data d;
    c.desc.label_smoothing = smoothing;
    c.weights = SOME_WEIGHTS;
    plain_data(&d, &c);
    set_number(&d, &d.tensors[CLX_WEIGHT], 4, 0);
    for (size_t row = 0; row < ROWS; row++)
        set_target(&d, row, row % 3 == 1 ? -100 : 4);
    set_logit(&d, 0, 4, -INFINITY);
    if (run_and_compare(&d, w)) {
        EXPECT(&d, pass == CLXENT_BACKWARD || isnan(output_at(&d, 0)));
        for (size_t row = 0; row < ROWS && pass != CLXENT_FORWARD; row++)
            EXPECT(&d, row % 3 == 1 ? row_is(&d, row, is_zero) : isnan(gradient_at(&d, row, 4)));
    }
    data_free(&d);
}

static void check_no_weights(const way *w) {
    check_no_weight(w, CLXENT_CROSS_ENTROPY, CLXENT_FORWARD_BACKWARD, 0);
    check_no_weight(w, CLXENT_CROSS_ENTROPY, CLXENT_FORWARD_BACKWARD, 0.1); /* where the losses are not 0 */
    check_no_weight(w, CLXENT_NLL_LOSS, CLXENT_FORWARD, 0);
    check_no_weight(w, CLXENT_NLL_LOSS, CLXENT_BACKWARD, 0);
}

static void check_ignored_class(const way *w) {
    for (size_t i = 0; i < 3; i++) {
        device_case c = loss_case(w, reductions[i]);
        device_data d;
        c.desc.ignore_index = 3;
        plain_data(&d, &c);
        set_logit(&d, 3, 5, NAN); /* in an ignored row */
        if (run_and_compare(&d, w))
            for (size_t row = 0; row < ROWS; row++) {
                bool ignored = row % C == 3;
                EXPECT(&d, ignored ? row_is(&d, row, is_zero) : gradient_at(&d, row, 3) > 0);
                EXPECT(&d, reductions[i] != CLXENT_REDUCTION_NONE || (output_at(&d, row) == 0) == ignored);
            }
        data_free(&d);
    }
}

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
        c.weights = SOME_WEIGHTS;
        plain_data(&d, &c);
        set_number(&d, &d.tensors[CLX_WEIGHT], 2, 0);
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
            double x = k < masked ? -INFINITY : get_number(&few, &few.logits, element_of(&few, row, k - masked));
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
            EXPECT(&far, get_number(&far, &far.logits, element_of(&far, row, k)) == x + offset);
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

static void check_one_class(const way *w) {
    for (int smooth = 0; smooth <= 1; smooth++)
        for (size_t i = 0; i < 3; i++) {
            device_case c = edge_case(w, CLXENT_CROSS_ENTROPY, CLXENT_FORWARD_BACKWARD, 1, reductions[i]);
            device_data d;
            c.desc.label_smoothing = 0.1 * smooth;
            plain_data(&d, &c);
            if (run_and_compare(&d, w)) {
                EXPECT(&d, output_at(&d, 0) == 0);
                for (size_t row = 0; row < ROWS; row++)
                    EXPECT(&d, fabs(gradient_at(&d, row, 0)) < 1e-7);
            }
            data_free(&d);
        }
}

static void check_no_class(const way *w) {
    for (int op = CLXENT_SOFTMAX; op <= CLXENT_CROSS_ENTROPY; op++)
        for (int which = 0; which < 2; which++) {
            device_case c = edge_case(w, (clxent_op)op, CLXENT_FORWARD, C, CLXENT_REDUCTION_MEAN);
            clxent_plan *plan = NULL;
            clxent_host_args args;
            clxent_host_args_init(&args);
            if (which == 0)
                c.desc.classes = 0;
            else
                c.desc.inner = 0;
            assert_int_equal(clxent_plan_create(device.context, &c.desc, &plan), CLXENT_INVALID_SHAPE);
            assert_null(plan);
            assert_int_equal(clxent_run(device.context, &c.desc, &args), CLXENT_INVALID_SHAPE);
        }
}

#define EDGE_TEST(name)                                                                                                \
    static void test_##name(void **state) {                                                                            \
        (void)state;                                                                                                   \
        for_each_way(check_##name);                                                                                    \
    }
EDGE_TEST(empty_batch)
EDGE_TEST(all_ignored)
EDGE_TEST(no_weights)
EDGE_TEST(ignored_class)
EDGE_TEST(infinities)
EDGE_TEST(weightless_class)
EDGE_TEST(leading_infinities)
EDGE_TEST(poisoned_rows)
EDGE_TEST(offsets)
EDGE_TEST(one_class)
EDGE_TEST(no_class)

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_empty_batch),
        cmocka_unit_test(test_all_ignored),
        cmocka_unit_test(test_no_weights),
        cmocka_unit_test(test_ignored_class),
        cmocka_unit_test(test_infinities),
        cmocka_unit_test(test_weightless_class),
        cmocka_unit_test(test_leading_infinities),
        cmocka_unit_test(test_poisoned_rows),
        cmocka_unit_test(test_offsets),
        cmocka_unit_test(test_one_class),
        cmocka_unit_test(test_no_class),
    };
    return cmocka_run_group_tests(tests, open_device, close_device);
}
