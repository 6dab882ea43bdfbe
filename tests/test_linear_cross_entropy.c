/* Linear cross-entropy on the device against the reference, by clxent_run: the table of linear_lines.c in every pass. */
#include "linear_lines.h"

#include "half.h"

#include <float.h>
#include <math.h>
#include <string.h>

/* A sum of D products of numbers up to 1 is off by a few roundings for each; everything else hangs on that, and gradients of
 * the layer add up over the rows. 16-bit results are rounded once more, by both. */
static double tolerance(const linear_line *l, double expected, clxent_dtype stored) {
    const double epsilon = l->dtype == CLXENT_F64 ? DBL_EPSILON : FLT_EPSILON;
    const double rounding = stored == CLXENT_BF16 ? 0x1p-7 : stored == CLXENT_F16 ? 0x1p-10 : epsilon;
    const double terms = (double)(l->features + 16),
                 rows = l->reduction == CLXENT_REDUCTION_MEAN ? 8 : 8 + (double)l->batch;
    return epsilon * terms * rows + rounding * fabs(expected) + 4 * epsilon * fabs(expected) * rows +
           (stored == CLXENT_F16 ? 0x1p-24 : 0);
}

static void compare(const linear_tensors *d, const linear_line *l, size_t at, const char *name, size_t member,
                    size_t count, clxent_dtype dtype) {
    const void *got, *expected;
    memcpy(&got, (const char *)&d->args[0] + member, sizeof got);
    memcpy(&expected, (const char *)&d->args[1] + member, sizeof expected);
    for (size_t i = 0; expected != NULL && i < count; i++) {
        const double g = clx_load(dtype, got, i), e = clx_load(dtype, expected, i);
        const bool same = isnan(e) ? isnan(g) : fabs(g - e) <= tolerance(l, e, dtype);
        if (!same)
            fail_msg("line %zu, pass %d: %s[%zu] is %.9g, expected %.9g", at, (int)d->desc.pass, name, i, g, e);
    }
}

static void compare_tensors(const linear_tensors *d, const linear_line *l, size_t at) {
    const size_t losses = l->reduction == CLXENT_REDUCTION_NONE ? l->batch : 1;
    const clxent_dtype real = linear_real_type(l->dtype);
    compare(d, l, at, "output", LINEAR_MEMBER(output), losses, real);
    compare(d, l, at, "lse", LINEAR_MEMBER(lse), l->batch, real);
    compare(d, l, at, "grad_input", LINEAR_MEMBER(grad_input), l->batch * d->stride, l->dtype);
    compare(d, l, at, "grad_linear_weight", LINEAR_MEMBER(grad_linear_weight), l->classes * l->features, real);
    compare(d, l, at, "grad_linear_bias", LINEAR_MEMBER(grad_linear_bias), l->classes, real);
}

/* Not 0: the device passes for a GPU whose groups have at most so many work-items. */
static size_t gpu_group;

/* Panels, which products take where groups are smaller, loop too long for a device that stops after some iterations. */
static bool is_refused(void) {
    return gpu_group > 0 && gpu_group < 16 && device.about->loop_limit > 0;
}

static void check_line(size_t at, clxent_pass pass) {
    const linear_line *l = &linear_lines[at];
    linear_tensors d;
    if (!is_line_for_device(l) || !is_shared(at + (size_t)pass))
        return;
    make_linear_tensors(&d, l, pass, 17 + at);
    if (is_refused()) {
        assert_int_equal(run_linear_apart(&d.desc, &d.args[0], gpu_group), CLXENT_UNSUPPORTED);
        assert_non_null(strstr(clxent_last_error(), "products need groups of 16 work-items on a device that stops"));
        drop_linear_tensors(&d);
        return;
    }
    limit_linear_chunk(&d, l->chunk, gpu_group);
    clxent_status status = run_linear_apart(&d.desc, &d.args[0], gpu_group);
    if (status != CLXENT_SUCCESS)
        fail_msg("line %zu, pass %d: %s", at, (int)pass, clxent_last_error());
    expect_success(clxent_reference(&d.desc, &d.args[1]));
    compare_tensors(&d, l, at);
    drop_linear_tensors(&d);
}

static void double_precision_is_refused_where_there_is_none(void **unused) {
    (void)unused;
    clxent_plan *plan = NULL;
    linear_tensors d;
    make_linear_tensors(&d, &linear_lines[1], CLXENT_FORWARD, 1);
    assert_int_equal(clxent_plan_create(device.context, &d.desc, &plan),
                     device.about->fp64 ? CLXENT_SUCCESS : CLXENT_UNSUPPORTED);
    clxent_plan_destroy(plan);
    drop_linear_tensors(&d);
}

static void forward(void **unused) {
    (void)unused;
    for (size_t i = 0; i < LINEAR_LINES; i++)
        check_line(i, CLXENT_FORWARD);
}

static void forward_and_backward(void **unused) {
    (void)unused;
    for (size_t i = 0; i < LINEAR_LINES; i++)
        if (!(linear_lines[i].options & SAVED_LSE))
            check_line(i, CLXENT_FORWARD_BACKWARD);
}

/* A saved lse is whatever the caller has; both take it as it is. */
static void backward(void **unused) {
    (void)unused;
    for (size_t i = 0; i < LINEAR_LINES; i++)
        check_line(i, CLXENT_BACKWARD);
}

/* The products of a GPU, in groups of every size that they come in, and panels where groups are smaller; some lines of each in a
 * simulator. */
static void in_groups(void **unused) {
    (void)unused;
    static const size_t groups[] = {256, 64, 16, 15};
    size_t simulated = 0;
    for (size_t i = 0; i < LINEAR_LINES; i++) {
        if (linear_lines[i].options & SAVED_LSE || (i % 3 != 0 && is_simulator()))
            continue;
        gpu_group = groups[(is_simulator() ? simulated++ : i / 3) % 4];
        check_line(i, CLXENT_FORWARD_BACKWARD);
    }
    gpu_group = 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(double_precision_is_refused_where_there_is_none),
        cmocka_unit_test(forward),
        cmocka_unit_test(forward_and_backward),
        cmocka_unit_test(backward),
        cmocka_unit_test(in_groups),
    };
    return cmocka_run_group_tests(tests, open_device, close_device);
}
