/* The table of edge cases in docs/numerics.md, line by line, on the device: batches, reductions, weights and shapes.
 * Each result is compared with the reference, and what the table says is asked for by itself. Infinities and large
 * numbers have test_edge_values, targets outside [0, C) test_invalid_targets. */
#include "edge_cases.h"

static const clxent_reduction reductions[] = {CLXENT_REDUCTION_NONE, CLXENT_REDUCTION_MEAN, CLXENT_REDUCTION_SUM};

/* Can the engine do the forward pass of nll-loss, which looks at one class of a row? */
static bool gathers(const way *w) {
    return w->engine != CLXENT_ENGINE_ROW_SPLIT;
}

/* ---- batches and reductions ---- */

static void check_empty(const way *w, clxent_op op, clxent_pass pass, clxent_reduction reduction) {
    for (int zero = 0; zero <= is_loss(op); zero++) {
        device_case c = edge_case(w, op, pass, C, reduction);
        device_data d;
        c.desc.batch = 0;
        c.desc.flags = zero ? CLXENT_EMPTY_MEAN_ZERO : 0;
        data_init(&d, &c);
        if (run_and_compare(&d, w) && is_loss(op) && pass != CLXENT_BACKWARD && reduction != CLXENT_REDUCTION_NONE)
            EXPECT(&d, reduction == CLXENT_REDUCTION_SUM || zero ? output_at(&d, 0) == 0 : isnan(output_at(&d, 0)));
        data_free(&d);
    }
}

static void check_empty_batch(const way *w) {
    for (size_t i = 0; i < 3; i++) {
        check_empty(w, CLXENT_CROSS_ENTROPY, CLXENT_FORWARD_BACKWARD, reductions[i]);
        check_empty(w, CLXENT_NLL_LOSS, CLXENT_BACKWARD, reductions[i]);
        check_empty(w, CLXENT_BINARY_CROSS_ENTROPY_WITH_LOGITS, CLXENT_FORWARD_BACKWARD, reductions[i]);
        if (gathers(w))
            check_empty(w, CLXENT_NLL_LOSS, CLXENT_FORWARD, reductions[i]);
    }
    check_empty(w, CLXENT_SOFTMAX, CLXENT_FORWARD, CLXENT_REDUCTION_NONE);
}

/* With z_loss each row's terms are divided before they are summed, with target2 there are two means over nothing. */
static void check_ignored(const way *w, clxent_reduction reduction, double z_loss, unsigned given, uint64_t flags) {
    device_case c = loss_case(w, reduction);
    device_data d;
    c.desc.z_loss = z_loss;
    c.desc.flags = flags;
    c.desc.mix_lambda = given & GIVE(CLX_TARGET2) ? 0.25 : 1;
    c.given |= given;
    plain_data(&d, &c);
    for (size_t row = 0; row < ROWS; row++) {
        set_target(&d, row, -100);
        if (given & GIVE(CLX_TARGET2))
            set_class(&d, CLX_TARGET2, row, -100);
    }
    for (size_t k = 0; k < C; k++)
        set_logit(&d, 1, k, k % 2 == 0 ? NAN : INFINITY);
    if (run_and_compare(&d, w)) {
        bool nan = reduction == CLXENT_REDUCTION_MEAN && !(flags & CLXENT_EMPTY_MEAN_ZERO);
        EXPECT(&d, nan ? isnan(output_at(&d, 0)) : output_at(&d, 0) == 0);
        for (size_t row = 0; row < ROWS; row++)
            EXPECT(&d, row_is(&d, row, is_zero));
    }
    data_free(&d);
}

static void check_all_ignored(const way *w) {
    for (size_t i = 0; i < 3; i++)
        for (uint64_t flags = 0; flags <= CLXENT_EMPTY_MEAN_ZERO; flags += CLXENT_EMPTY_MEAN_ZERO) {
            check_ignored(w, reductions[i], 0, 0, flags);
            check_ignored(w, reductions[i], 0.5, 0, flags);
            check_ignored(w, reductions[i], 0, GIVE(CLX_TARGET2), flags);
            check_ignored(w, reductions[i], 0.5, GIVE(CLX_TARGET2), flags);
        }
}

static void check_no_weight(const way *w, clxent_op op, clxent_pass pass, double smoothing) {
    device_case c = edge_case(w, op, pass, C, CLXENT_REDUCTION_MEAN);
    device_data d;
    c.desc.label_smoothing = smoothing;
    c.given |= GIVE(CLX_WEIGHT);
    plain_data(&d, &c);
    set_number(&d.tensors[CLX_WEIGHT], 4, 0);
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
    if (gathers(w))
        check_no_weight(w, CLXENT_NLL_LOSS, CLXENT_FORWARD, 0);
    check_no_weight(w, CLXENT_NLL_LOSS, CLXENT_BACKWARD, 0);
}

/* Rows in S, but the weights of all samples are 0: the same, EMPTY_MEAN_ZERO or not. Of a sum nothing is left. */
static void check_no_samples(const way *w) {
    for (size_t i = 0; i < 6; i++) {
        device_case c = loss_case(w, reductions[i % 3]);
        device_data d;
        c.desc.flags = i < 3 ? 0 : CLXENT_EMPTY_MEAN_ZERO;
        c.given |= GIVE(CLX_SAMPLE_WEIGHT);
        plain_data(&d, &c);
        for (size_t row = 0; row < ROWS; row++) {
            set_number(&d.tensors[CLX_SAMPLE_WEIGHT], row, 0);
            set_target(&d, row, row % 3 == 1 ? -100 : (int64_t)(row % C));
        }
        set_logit(&d, 0, 0, -INFINITY); /* an infinite loss of no weight */
        if (run_and_compare(&d, w)) {
            bool mean = reductions[i % 3] == CLXENT_REDUCTION_MEAN;
            EXPECT(&d, mean ? isnan(output_at(&d, 0)) : output_at(&d, 0) == 0);
            for (size_t row = 0; row < ROWS; row++)
                EXPECT(&d, mean && row % 3 != 1 ? isnan(gradient_at(&d, row, 4)) : row_is(&d, row, is_zero));
        }
        data_free(&d);
    }
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

/* Logits of 0, where a formula for either sign begins: the gradient is 1/2 - t, by the sign of the 0 or the other. */
static void check_zero_logits(const way *w) {
    device_case c =
        edge_case(w, CLXENT_BINARY_CROSS_ENTROPY_WITH_LOGITS, CLXENT_FORWARD_BACKWARD, C, CLXENT_REDUCTION_SUM);
    device_data d;
    plain_data(&d, &c);
    for (size_t row = 0; row < ROWS; row++)
        for (size_t k = 0; k < C; k++) {
            set_logit(&d, row, k, row % 2 == 0 ? 0.0 : -0.0);
            set_number(&d.tensors[CLX_TARGET], element_of(&d, row, k), 0.25 * (double)(k % 5));
        }
    if (run_and_compare(&d, w))
        for (size_t row = 0; row < ROWS; row++)
            for (size_t k = 0; k < C; k++)
                EXPECT(&d, fabs(gradient_at(&d, row, k) - 0.5 + 0.25 * (double)(k % 5)) < 1e-6);
    data_free(&d);
}

/* ---- sizes ---- */

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
    for (int op = CLXENT_SOFTMAX; op <= CLXENT_BINARY_CROSS_ENTROPY_WITH_LOGITS; op++)
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

EDGE_TEST(empty_batch)
EDGE_TEST(all_ignored)
EDGE_TEST(no_weights)
EDGE_TEST(no_samples)
EDGE_TEST(ignored_class)
EDGE_TEST(zero_logits)
EDGE_TEST(one_class)
EDGE_TEST(no_class)

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_empty_batch), cmocka_unit_test(test_all_ignored),   cmocka_unit_test(test_no_weights),
        cmocka_unit_test(test_no_samples),  cmocka_unit_test(test_ignored_class), cmocka_unit_test(test_one_class),
        cmocka_unit_test(test_no_class),    cmocka_unit_test(test_zero_logits),
    };
    return cmocka_run_group_tests(tests, open_device, close_device);
}
