/* The device's results against the reference's: what was written, where, and what must not have changed. How exact the
 * numbers must be is in device_bounds.c and in compare_*.c. */
#include "device_bounds.h"

#include "op.h"

#include <inttypes.h>
#include <string.h>

const char *describe(const device_data *d) {
    static char text[1024];
    static const char *const dtypes[] = {"F32", "F64", "F16", "BF16"};
    static const char *const passes[] = {"forward", "backward", "forward-backward"};
    const clxent_desc *desc = &d->problem.desc;
    int length = snprintf(
        text, sizeof text,
        "%s %s, %s, engine %d, work_group_size %zu, batch %zu, classes %zu, inner %zu, row_stride %zu, target_type %d, "
        "reduction %d, ignore_index %" PRId64 ", smoothing %.17g, flags %" PRIu64 ", scale %.17g, softcap %.17g, "
        "z_loss %.17g, reg_lambda %.17g, mix_lambda %.17g, grad_scale %.17g, zero_weights %d, in_place %d, poison %d, "
        "given",
        d->problem.op->title, passes[desc->pass], dtypes[desc->dtype], (int)desc->engine, desc->work_group_size,
        desc->batch, desc->classes, desc->inner, desc->row_stride, (int)desc->target_type, (int)desc->reduction,
        desc->ignore_index, desc->label_smoothing, desc->flags, desc->logit_scale, desc->logit_softcap, desc->z_loss,
        desc->reg_lambda, desc->mix_lambda, desc->grad_scale, d->c.zero_weights, (int)d->c.in_place, d->c.poison);
    for (clx_tensor tensor = 0; tensor < CLX_TENSORS; tensor++)
        if (is_given(d, tensor))
            length += snprintf(text + length, sizeof text - (size_t)length, " %s", clx_tensor_name(tensor));
    snprintf(text + length, sizeof text - (size_t)length, ", data %" PRIu64 ", CLXENT_TEST_SEED=%" PRIu64 "%s",
             d->c.seed, device.seed, device.note);
    return text;
}

static bool may_change(const device_data *d, clx_tensor tensor) {
    for (clx_tensor other = 0; other < CLX_TENSORS; other++)
        if (d->expected[other].bytes != NULL && d->tensors[other].bytes == d->tensors[tensor].bytes)
            return true;
    return false;
}

static void expect_bytes(const device_data *d, clx_tensor tensor, size_t first, size_t end) {
    for (size_t i = first; i < end; i++)
        if (d->tensors[tensor].bytes[i] != d->before[tensor].bytes[i])
            fail_msg("%s: byte %td of the %zu of %s was changed", describe(d), (ptrdiff_t)i - GUARD,
                     d->tensors[tensor].size, clx_tensor_name(tensor));
}

void expect_untouched(const device_data *d) {
    const clxent_desc *desc = &d->problem.desc;
    for (clx_tensor tensor = 0; tensor < CLX_TENSORS; tensor++) {
        size_t size = d->tensors[tensor].size, element = clx_element_size(&d->problem, tensor);
        if (d->tensors[tensor].bytes == NULL)
            continue;
        expect_bytes(d, tensor, 0, GUARD);
        expect_bytes(d, tensor, GUARD + size, size + 2 * GUARD);
        if (!may_change(d, tensor))
            expect_bytes(d, tensor, GUARD, GUARD + size);
        else if (clx_has_logits_shape(&d->problem, tensor))
            for (size_t n = 0; n + 1 < desc->batch; n++)
                expect_bytes(d, tensor, GUARD + (n * desc->row_stride + desc->classes * desc->inner) * element,
                             GUARD + (n + 1) * desc->row_stride * element);
    }
}

/* Of the targets as they are now: a test may have made some of them invalid, which the reference does not take. */
static void compare_weight_sum(const device_data *d) {
    divisors sums = sum_targets(d, CLX_TARGET);
    const double expected[] = {sums.weights, sums.samples};
    for (size_t i = 0; i < 2; i++) {
        set_number(&d->expected[CLX_WEIGHT_SUM], i, expected[i]);
        compare_number(d, CLX_WEIGHT_SUM, i, errors_of(TOTAL, d->problem.rows) * expected[i], 1);
    }
}

void expect_results(const device_data *d) {
    expect_untouched(d);
    if (d->c.desc.op == CLXENT_CROSS_ENTROPY)
        compare_cross_entropy(d);
    else if (d->c.desc.op == CLXENT_NLL_LOSS)
        compare_nll_loss(d);
    else if (is_binary(d->c.desc.op))
        compare_binary_cross_entropy(d);
    else
        compare_softmax(d);
    if (is_given(d, CLX_INVALID_COUNT))
        assert_memory_equal(contents(&d->tensors[CLX_INVALID_COUNT]), contents(&d->expected[CLX_INVALID_COUNT]), 8);
    if (is_given(d, CLX_WEIGHT_SUM))
        compare_weight_sum(d);
}

void expect_same_bits(const device_data *a, const device_data *b, clx_tensor tensor) {
    const unsigned char *left = contents(&a->tensors[tensor]), *right = contents(&b->tensors[tensor]);
    size_t size = a->tensors[tensor].size, element = clx_element_size(&a->problem, tensor);
    assert_int_equal(size, b->tensors[tensor].size);
    for (size_t i = 0; size > 0 && i < size; i++)
        if (left[i] != right[i])
            fail_msg("%s: %s[%zu] is %.17g in one and %.17g in the other", describe(a), clx_tensor_name(tensor),
                     i / element, get_number(&a->tensors[tensor], i / element),
                     get_number(&b->tensors[tensor], i / element));
}
