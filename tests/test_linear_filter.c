/* CLXENT_FILTER_GRADIENT: classes whose share of the gradient of the hidden states is nothing are left out, and those that matter
 * are not; where the limit is, for each type. */
#include "device_cases.h"

#include "half.h"

#include <math.h>

enum { MOST_ROWS = 20, MOST_CLASSES = 600, MOST_FEATURES = 2 };
enum { FIRST = 128, LAST = 255 }; /* a block of classes, for every form of the product */

/* Numbers, which a run stores in the type. */
typedef struct data {
    clxent_dtype dtype;
    size_t rows, features, classes;
    double hidden[MOST_ROWS * MOST_FEATURES], weight[MOST_CLASSES * MOST_FEATURES], grad[MOST_ROWS * MOST_FEATURES];
    int32_t target[MOST_ROWS];
} data;

static void store_all(clxent_dtype dtype, const double *from, size_t count, double *to) {
    for (size_t i = 0; i < count; i++)
        clx_store(dtype, to, i, (long double)from[i]);
}

/* The gradient of the hidden states to d->grad: on the device, which with a gpu_group passes for a GPU. */
static void compute(data *d, bool filter, size_t gpu_group) {
    static double hidden[MOST_ROWS * MOST_FEATURES], weight[MOST_CLASSES * MOST_FEATURES],
        grad[MOST_ROWS * MOST_FEATURES];
    double loss;
    clxent_desc desc;
    clxent_host_args args;
    clxent_desc_init(&desc, CLXENT_LINEAR_CROSS_ENTROPY);
    desc.pass = CLXENT_FORWARD_BACKWARD;
    desc.dtype = d->dtype;
    desc.batch = d->rows;
    desc.features = d->features;
    desc.classes = d->classes;
    desc.flags = filter ? CLXENT_FILTER_GRADIENT : 0;
    store_all(d->dtype, d->hidden, d->rows * d->features, hidden);
    store_all(d->dtype, d->weight, d->classes * d->features, weight);
    clxent_host_args_init(&args);
    args.input = hidden;
    args.target = d->target;
    args.linear_weight = weight;
    args.output = &loss;
    args.grad_input = grad;
    clxent_context *apart = make_context_apart(gpu_group);
    assert_int_equal(clxent_run(apart, &desc, &args), CLXENT_SUCCESS);
    clxent_context_destroy(apart);
    for (size_t i = 0; i < d->rows * d->features; i++)
        d->grad[i] = clx_load(d->dtype, grad, i);
}

/* Classes whose weight is -inf have no share of a row, and their gradient of 0 times that is NaN, unless they are left out. Without
 * them the gradient is that of the other classes. */
static void check_left_out(size_t gpu_group) {
    static data d = {.dtype = CLXENT_F32, .rows = 20, .features = 1, .classes = 272};
    double expected[MOST_ROWS];
    for (size_t i = 0; i < d.rows; i++) {
        d.hidden[i] = 1 + 0.01 * (double)i;
        d.target[i] = (int32_t)i * 5;
    }
    for (size_t i = 0; i < d.classes; i++)
        d.weight[i] = i >= FIRST && i <= LAST ? -1e30 : 0.01 * (double)(i % 50);
    compute(&d, false, gpu_group);
    for (size_t i = 0; i < d.rows; i++)
        expected[i] = d.grad[i];
    for (size_t i = FIRST; i <= LAST; i++)
        d.weight[i] = -INFINITY;
    compute(&d, false, gpu_group);
    for (size_t i = 0; i < d.rows; i++)
        assert_true(isnan(d.grad[i]));
    compute(&d, true, gpu_group);
    for (size_t i = 0; i < d.rows; i++)
        assert_true(fabs(d.grad[i] - expected[i]) <= 1e-6);
}

static void classes_without_a_gradient_are_left_out(void **state) {
    (void)state;
    check_left_out(0);
}

static void so_they_are_in_groups(void **state) {
    (void)state;
    check_left_out(64);
}

/* A block whose classes have `share` of the limit, u / (2 C) of the target's gradient. Their second weight is so large, and the second
 * number of the hidden state 0, that its gradient tells whether they were left out. */
static bool is_left_out(clxent_dtype dtype, double roundoff, double share, size_t gpu_group) {
    static data d;
    d = (data){.dtype = dtype, .rows = 1, .features = 2, .classes = 272, .hidden = {1, 0}};
    const double others = (double)d.classes - (LAST - FIRST + 1);
    const double logit = log(share * roundoff / (2 * (double)d.classes) * (others - 1));
    for (size_t i = FIRST; i <= LAST; i++) {
        d.weight[2 * i] = logit;
        d.weight[2 * i + 1] = 60000;
    }
    compute(&d, true, gpu_group);
    assert_true(d.grad[1] >= 0);
    return d.grad[1] == 0;
}

static void the_limit(void **state) {
    (void)state;
    static const struct {
        clxent_dtype dtype;
        double roundoff;
    } types[] = {{CLXENT_F32, 0x1p-24}, {CLXENT_F64, 0x1p-53}, {CLXENT_F16, 0x1p-11}, {CLXENT_BF16, 0x1p-8}};
    for (size_t i = 0; i < 4; i++) {
        if (types[i].dtype == CLXENT_F64 && !device.about->fp64)
            continue;
        assert_true(is_left_out(types[i].dtype, types[i].roundoff, 0.9, 0));
        assert_false(is_left_out(types[i].dtype, types[i].roundoff, 1.1, 0));
    }
    assert_true(is_left_out(CLXENT_F32, 0x1p-24, 0.9, 64));
    assert_false(is_left_out(CLXENT_F32, 0x1p-24, 1.1, 64));
}

/* However small their gradients are: as those of many equal classes. */
static void equal_classes_are_not_left_out(void **state) {
    (void)state;
    static data d = {
        .dtype = CLXENT_F32, .rows = 2, .features = 1, .classes = 600, .hidden = {1, 1}, .target = {0, 599}};
    for (size_t i = 0; i < d.classes; i++)
        d.weight[i] = 0.001 * (double)(i % 7);
    for (size_t gpu_group = 0; gpu_group <= 64; gpu_group += 64) {
        compute(&d, false, gpu_group);
        const double expected[2] = {d.grad[0], d.grad[1]};
        compute(&d, true, gpu_group);
        assert_true(d.grad[0] == expected[0] && d.grad[1] == expected[1]);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(classes_without_a_gradient_are_left_out),
        cmocka_unit_test(so_they_are_in_groups),
        cmocka_unit_test(the_limit),
        cmocka_unit_test(equal_classes_are_not_left_out),
    };
    return cmocka_run_group_tests(tests, open_device, close_device);
}
