/* CLXENT_FILTER_GRADIENT: classes whose share of the gradient of the hidden states is nothing are left out, and those that matter
 * are not. With one feature, so that a hidden state is a number that multiplies the weights. */
#include "device_cases.h"

#include <math.h>

enum { MOST_ROWS = 20, MOST_CLASSES = 2000 };

typedef struct data {
    size_t rows, classes;
    float hidden[MOST_ROWS], weight[MOST_CLASSES], grad[MOST_ROWS], expected[MOST_ROWS];
    int32_t target[MOST_ROWS];
} data;

/* A gradient to `grad`, by the reference or on the device. */
static void compute(data *d, float *grad, bool filter, size_t gpu_group, bool reference) {
    float loss;
    clxent_desc desc;
    clxent_host_args args;
    clxent_desc_init(&desc, CLXENT_LINEAR_CROSS_ENTROPY);
    desc.pass = CLXENT_FORWARD_BACKWARD;
    desc.batch = d->rows;
    desc.features = 1;
    desc.classes = d->classes;
    desc.flags = filter ? CLXENT_FILTER_GRADIENT : 0;
    clxent_host_args_init(&args);
    args.input = d->hidden;
    args.target = d->target;
    args.linear_weight = d->weight;
    args.output = &loss;
    args.grad_input = grad;
    if (reference) {
        assert_int_equal(clxent_reference(&desc, &args), CLXENT_SUCCESS);
        return;
    }
    clxent_context *apart = make_context_apart(gpu_group);
    assert_int_equal(clxent_run(apart, &desc, &args), CLXENT_SUCCESS);
    clxent_context_destroy(apart);
}

static void expect_close(const data *d) {
    for (size_t i = 0; i < d->rows; i++)
        assert_true(fabsf(d->grad[i] - d->expected[i]) <= 1e-6f * (fabsf(d->expected[i]) + 0.1f));
}

/* Classes whose weight is -inf have no share of a row, and their gradient of 0 times that is NaN, unless they are left out. The
 * filter sees them where a whole block is so, for every row of a tile. */
static void check_left_out(size_t gpu_group) {
    enum { FIRST = 128, LAST = 255 };
    static data d = {.rows = 20, .classes = 400};
    for (size_t i = 0; i < d.rows; i++) {
        d.hidden[i] = 1 + 0.01f * (float)i;
        d.target[i] = (int32_t)i * 5;
    }
    for (size_t i = 0; i < d.classes; i++)
        d.weight[i] = i >= FIRST && i <= LAST ? -1e30f : 0.01f * (float)(i % 50);
    compute(&d, d.expected, false, 0, true);
    for (size_t i = FIRST; i <= LAST; i++)
        d.weight[i] = -INFINITY;
    compute(&d, d.grad, false, gpu_group, false);
    for (size_t i = 0; i < d.rows; i++)
        assert_true(isnan(d.grad[i]));
    compute(&d, d.grad, true, gpu_group, false);
    expect_close(&d);
}

static void classes_without_a_gradient_are_left_out(void **state) {
    (void)state;
    check_left_out(0);
}

static void so_they_are_in_groups(void **state) {
    (void)state;
    check_left_out(64);
}

/* However small their gradients are: as those of many equal classes. */
static void equal_classes_are_not_left_out(void **state) {
    (void)state;
    static data d = {.rows = 2, .classes = 2000, .hidden = {1, 1}, .target = {0, 1999}};
    for (size_t i = 0; i < d.classes; i++)
        d.weight[i] = 0.001f * (float)(i % 7);
    compute(&d, d.expected, false, 0, true);
    compute(&d, d.grad, true, 0, false);
    expect_close(&d);
    compute(&d, d.grad, true, 64, false);
    expect_close(&d);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(classes_without_a_gradient_are_left_out),
        cmocka_unit_test(so_they_are_in_groups),
        cmocka_unit_test(equal_classes_are_not_left_out),
    };
    return cmocka_run_group_tests(tests, open_device, close_device);
}
