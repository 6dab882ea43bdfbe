/* Targets outside [0, C) that are not ignore_index: clxent_run refuses; a plan makes the row NaN, counts it, and leaves
 * the other rows as they would be without it. The same for target2, and for the elements of binary cross-entropy. */
#include "edge_cases.h"

#include <stdlib.h>

/* Rows that get one, at the ends, in the middle and side by side. */
static const size_t bad_rows[] = {0, 7, 8, ROWS - 1};
#define BAD_ROWS (sizeof bad_rows / sizeof bad_rows[0])

static bool is_bad(size_t row) {
    for (size_t i = 0; i < BAD_ROWS; i++)
        if (row == bad_rows[i])
            return true;
    return false;
}

/* Among them, where the type holds it, one whose lower 32 bits are a class. */
static int64_t bad_target(const device_data *d, size_t i) {
    static const int64_t narrow[BAD_ROWS] = {C, -1, INT32_MIN, INT32_MAX};
    static const int64_t wide[BAD_ROWS] = {C, ((int64_t)1 << 32) + 2, INT64_MIN, -(((int64_t)1 << 32) - 3)};
    return d->c.desc.target_type == CLXENT_TARGET_U8    ? (int64_t)(C + i)
           : d->c.desc.target_type == CLXENT_TARGET_I64 ? wide[i]
                                                        : narrow[i];
}

static void set_bad_targets(device_data *d, clx_tensor which) {
    for (size_t i = 0; i < BAD_ROWS; i++)
        set_class(d, which, bad_rows[i], bad_target(d, i));
    memcpy(d->before[which].bytes, d->tensors[which].bytes, d->tensors[which].size + 2 * GUARD);
}

/* What the reference has with those rows ignored, but NaN in them and in every sum. */
static void expect_nan(device_data *d) {
    const guarded *output = &d->expected[CLX_OUTPUT], *gradient = &d->expected[CLX_GRAD_INPUT];
    uint64_t count = BAD_ROWS;
    for (size_t i = 0; i < BAD_ROWS; i++) {
        if (output->bytes != NULL)
            set_number(output, d->c.desc.reduction == CLXENT_REDUCTION_NONE ? bad_rows[i] : 0, NAN);
        for (size_t k = 0; gradient->bytes != NULL && k < C; k++)
            set_number(gradient, element_of(d, bad_rows[i], k), NAN);
    }
    memcpy(contents(&d->expected[CLX_INVALID_COUNT]), &count, sizeof count);
}

/* The rows beside them have the gradients that they had when the bad ones were ignored, to the last bit. */
static void compare_gradients(const device_data *d, const unsigned char *ignored) {
    const unsigned char *got = contents(&d->tensors[CLX_GRAD_INPUT]);
    size_t size = d->problem.storage_size;
    for (size_t row = 0; row < ROWS; row++)
        for (size_t k = 0; !is_bad(row) && k < C; k++)
            EXPECT(d, memcmp(got + element_of(d, row, k) * size, ignored + element_of(d, row, k) * size, size) == 0);
}

static void check_plan(device_data *d, clx_tensor which) {
    size_t bytes = d->tensors[CLX_GRAD_INPUT].size;
    unsigned char *ignored = NULL;
    if (bytes > 0) {
        ignored = malloc(bytes);
        assert_non_null(ignored);
        memcpy(ignored, contents(&d->tensors[CLX_GRAD_INPUT]), bytes);
    }
    set_bad_targets(d, which);
    expect_nan(d);
    assert_true(data_must_run(d, BY_ENQUEUE));
    expect_results(d);
    if (bytes > 0)
        compare_gradients(d, ignored);
    free(ignored);
}

static void expect_refusal(device_data *d, clxent_status refusal, const char *sentence) {
    assert_int_equal(data_run(d, BY_RUN), refusal);
    assert_string_equal(clxent_last_error(), sentence);
    for (clx_tensor tensor = 0; tensor < CLX_TENSORS; tensor++)
        if (is_given(d, tensor))
            assert_memory_equal(d->tensors[tensor].bytes, d->before[tensor].bytes, d->tensors[tensor].size + 2 * GUARD);
}

static void check_refusal(device_data *d, clx_tensor which) {
    char sentence[80];
    set_bad_targets(d, which);
    snprintf(sentence, sizeof sentence, "%s[0] = %lld is outside [0, %d)", clx_tensor_name(which),
             (long long)bad_target(d, 0), C);
    expect_refusal(d, CLXENT_INVALID_TARGET, sentence);
}

static void check_targets(const way *w, clxent_op op, clxent_pass pass, double smoothing, clxent_reduction reduction,
                          clx_tensor which) {
    device_case c = edge_case(w, op, pass, C, reduction);
    device_data d;
    c.desc.label_smoothing = smoothing;
    if (w->dtype == CLXENT_F64 && w->engine == CLXENT_ENGINE_COLUMN) {
        c.desc.target_type = CLXENT_TARGET_U8;
        c.desc.ignore_index = 255;
    }
    if (reduction != CLXENT_REDUCTION_SUM)
        c.given |= GIVE(CLX_WEIGHT);
    if (which == CLX_TARGET2) {
        c.given |= GIVE(CLX_TARGET2);
        c.desc.mix_lambda = 0.75;
    }
    plain_data(&d, &c);
    for (size_t i = 0; i < BAD_ROWS; i++)
        set_class(&d, which, bad_rows[i], c.desc.ignore_index);
    if (run_and_compare(&d, w)) {
        if (w->path == BY_RUN)
            check_refusal(&d, which);
        else
            check_plan(&d, which);
    }
    data_free(&d);
}

static void check_reductions(const way *w, clxent_op op, clxent_pass pass, double smoothing, clx_tensor which) {
    check_targets(w, op, pass, smoothing, CLXENT_REDUCTION_NONE, which);
    check_targets(w, op, pass, smoothing, CLXENT_REDUCTION_MEAN, which);
    check_targets(w, op, pass, smoothing, CLXENT_REDUCTION_SUM, which);
}

static void check_cross_entropy(const way *w) {
    check_reductions(w, CLXENT_CROSS_ENTROPY, CLXENT_FORWARD_BACKWARD, 0, CLX_TARGET);
    check_reductions(w, CLXENT_CROSS_ENTROPY, CLXENT_FORWARD_BACKWARD, 0.1, CLX_TARGET);
}

static void check_second_target(const way *w) {
    check_reductions(w, CLXENT_CROSS_ENTROPY, CLXENT_FORWARD_BACKWARD, 0, CLX_TARGET2);
}

static void check_nll_loss(const way *w) {
    if (w->engine != CLXENT_ENGINE_ROW_SPLIT)
        check_reductions(w, CLXENT_NLL_LOSS, CLXENT_FORWARD, 0, CLX_TARGET);
    check_reductions(w, CLXENT_NLL_LOSS, CLXENT_BACKWARD, 0, CLX_TARGET);
}

/* ---- binary cross-entropy: inputs and targets outside [0, 1] ---- */

/* One element out of range, in the input or in the target; it alone is NaN. */
static void check_element(const way *w, clx_tensor which, double wrong) {
    const size_t row = 7, class = 3;
    device_case c = edge_case(w, CLXENT_BINARY_CROSS_ENTROPY, CLXENT_FORWARD_BACKWARD, C, CLXENT_REDUCTION_NONE);
    device_data d;
    char sentence[80];
    c.given = 0;
    plain_data(&d, &c);
    if (run_and_compare(&d, w)) {
        size_t at = element_of(&d, row, class);
        set_number(&d.tensors[which], at, wrong);
        set_number(&d.before[which], at, wrong);
        set_number(&d.expected[CLX_OUTPUT], at, NAN);
        set_number(&d.expected[CLX_GRAD_INPUT], at, NAN);
        snprintf(sentence, sizeof sentence, "%s[%zu] = %g is outside [0, 1]", clx_tensor_name(which), at, wrong);
        if (w->path == BY_RUN) {
            expect_refusal(&d, which == CLX_INPUT ? CLXENT_INVALID_INPUT : CLXENT_INVALID_TARGET, sentence);
        } else {
            assert_true(data_must_run(&d, BY_ENQUEUE));
            expect_results(&d);
        }
    }
    data_free(&d);
}

static void check_elements(const way *w) {
    check_element(w, CLX_INPUT, 1.5);
    check_element(w, CLX_INPUT, -0.25);
    check_element(w, CLX_INPUT, INFINITY);
    check_element(w, CLX_TARGET, 2);
    check_element(w, CLX_TARGET, -INFINITY);
}

static void test_second_target(void **state) {
    (void)state;
    for_each_way(check_second_target);
}

static void test_binary_cross_entropy(void **state) {
    (void)state;
    for_each_way(check_elements);
}

static void test_cross_entropy(void **state) {
    (void)state;
    for_each_way(check_cross_entropy);
}

static void test_nll_loss(void **state) {
    (void)state;
    for_each_way(check_nll_loss);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cross_entropy),
        cmocka_unit_test(test_second_target),
        cmocka_unit_test(test_nll_loss),
        cmocka_unit_test(test_binary_cross_entropy),
    };
    return cmocka_run_group_tests(tests, open_device, close_device);
}
