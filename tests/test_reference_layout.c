/* What the CPU reference reads and writes: layout, target types, padding, tensors of other passes, working in place,
 * rounding, a saved lse, offsets beyond 32 bits. */
#include "reference_cases.h"

#include <sys/mman.h>

/* Two batch entries, two classes, inner 3, two elements of padding: element (n, c, j) is at 8 n + 3 c + j. */
static void layout_of_rows(void **state) {
    (void)state;
    static const double log_probs[] = {-1, -2, -3, -4, -5, -6, -7, -8, -9, -10, -11, -12};
    static const double expected[] = {1, 5, 3, 10, 8, 12};
    static const int targets[] = {0, 1, 0, 1, 0, 1};
    reference_case c;
    for (clxent_target_type kind = CLXENT_TARGET_I32; kind <= CLXENT_TARGET_U8; kind++)
        FOR_BOTH_TYPES(&c, CLXENT_NLL_LOSS, CLXENT_FORWARD, 2, 2) {
            c.desc.inner = 3;
            c.desc.row_stride = 8;
            c.desc.target_type = kind;
            c.desc.reduction = CLXENT_REDUCTION_NONE;
            for (size_t i = 0; i < 12; i++)
                set_number(&c, &c.input, i / 6 * 8 + i % 6, log_probs[i]);
            set_targets(&c, targets, 6);
            point_to_required(&c);
            run_case(&c);
            for (size_t r = 0; r < 6; r++)
                assert_near(get_number(&c, &c.output, r), expected[r], 0);
        }
}

/* A case of every operation and pass with inner 2 and padding, which begin_case has left as NaN. */
static void set_padded(reference_case *c, clxent_op op, clxent_pass pass, clxent_dtype dtype) {
    static const int targets[] = {1, 0, 2, -100, 2, 1};
    begin_case(c, op, pass, dtype, 3, 3);
    c->desc.inner = 2;
    c->desc.row_stride = 11;
    double logits[18], incoming[18], probabilities[18];
    for (size_t i = 0; i < 18; i++) {
        logits[i] = (double)(i * 7 % 11) / 4 - 1;
        incoming[i] = (double)(i * 5 % 13) / 4 - 1;
        probabilities[i] = (double)(i * 5 % 13) / 16;
        if (op == CLXENT_BINARY_CROSS_ENTROPY)
            logits[i] = (double)(i * 7 % 11 + 1) / 16;
    }
    set_dense(c, &c->input, logits);
    bool loss = is_loss(op);
    if (!loss)
        set_dense(c, &c->grad_output, incoming);
    if (is_binary(op)) {
        set_dense(c, &c->sample_weight, incoming);
        set_probabilities(c, probabilities);
        c->args.sample_weight = &c->sample_weight;
    } else if (loss) {
        set_targets(c, targets, 6);
        c->args.invalid_count = &c->invalid_count;
    }
    if (!loss && pass == CLXENT_BACKWARD)
        set_dense(c, &c->output, logits);
    point_to_required(c);
}

static const struct {
    clxent_op op;
    clxent_pass pass;
} passes[] = {
    {CLXENT_SOFTMAX, CLXENT_FORWARD},
    {CLXENT_SOFTMAX, CLXENT_BACKWARD},
    {CLXENT_LOG_SOFTMAX, CLXENT_FORWARD},
    {CLXENT_LOG_SOFTMAX, CLXENT_BACKWARD},
    {CLXENT_NLL_LOSS, CLXENT_FORWARD},
    {CLXENT_NLL_LOSS, CLXENT_BACKWARD},
    {CLXENT_CROSS_ENTROPY, CLXENT_FORWARD},
    {CLXENT_CROSS_ENTROPY, CLXENT_BACKWARD},
    {CLXENT_CROSS_ENTROPY, CLXENT_FORWARD_BACKWARD},
    {CLXENT_BINARY_CROSS_ENTROPY, CLXENT_FORWARD},
    {CLXENT_BINARY_CROSS_ENTROPY, CLXENT_BACKWARD},
    {CLXENT_BINARY_CROSS_ENTROPY, CLXENT_FORWARD_BACKWARD},
    {CLXENT_BINARY_CROSS_ENTROPY_WITH_LOGITS, CLXENT_FORWARD},
    {CLXENT_BINARY_CROSS_ENTROPY_WITH_LOGITS, CLXENT_BACKWARD},
    {CLXENT_BINARY_CROSS_ENTROPY_WITH_LOGITS, CLXENT_FORWARD_BACKWARD},
};
#define PASSES (sizeof passes / sizeof passes[0])

/* Is every byte of a tensor of the logits' shape as it was, but for its elements, which hold numbers? */
static bool only_elements_written(const reference_case *c, const numbers *array) {
    size_t size = c->desc.dtype == CLXENT_F64 ? sizeof(double) : sizeof(float);
    bool good = true;
    for (size_t i = 0; i < CAPACITY * sizeof(float) / size; i++) {
        bool element = i / 11 < 3 && i % 11 < 6;
        const unsigned char *bytes = (const unsigned char *)array + i * size;
        good = good && (element ? isfinite(get_number(c, array, i)) : is_untouched(bytes, size));
    }
    return good;
}

static void padding_is_neither_read_nor_written(void **state) {
    (void)state;
    reference_case c;
    for (size_t i = 0; i < PASSES; i++)
        for (clxent_dtype dtype = CLXENT_F32; dtype <= CLXENT_F64; dtype++) {
            set_padded(&c, passes[i].op, passes[i].pass, dtype);
            numbers input = c.input;
            run_case(&c);
            assert_memory_equal(&input, &c.input, sizeof input);
            if (c.args.grad_input != NULL)
                assert_true(only_elements_written(&c, &c.grad_input));
            if (!is_loss(c.desc.op))
                assert_true(only_elements_written(&c, &c.output));
            else if (c.args.output != NULL)
                assert_true(isfinite(get_number(&c, &c.output, 0)));
        }
}

/* Points the tensors that belong to other passes of the operation to `address`. */
static void give_ignored(reference_case *c, void *address) {
    if (c->desc.pass == CLXENT_FORWARD) {
        c->args.grad_input = address;
        c->args.grad_output = address;
    } else if (c->desc.pass == CLXENT_BACKWARD && is_loss(c->desc.op)) {
        c->args.output = address;
    } else if (c->desc.pass == CLXENT_BACKWARD) {
        c->args.input = address;
    }
}

/* Tensors of another pass may be given, and are not looked at: too small and misaligned, or over what is written. */
static void ignored_tensors_are_left_alone(void **state) {
    (void)state;
    reference_case c;
    unsigned char odd[8];
    memset(odd, UNTOUCHED, sizeof odd);
    for (size_t i = 0; i < PASSES; i++) {
        set_padded(&c, passes[i].op, passes[i].pass, CLXENT_F64);
        give_ignored(&c, odd + 1);
        run_case(&c);
        assert_true(is_untouched(odd, sizeof odd));
        bool forward = passes[i].pass == CLXENT_FORWARD;
        numbers *written = forward ? &c.output : &c.grad_input, result = *written;
        memset(written, UNTOUCHED, sizeof *written);
        give_ignored(&c, &written->f[1]);
        run_case(&c);
        assert_memory_equal(written, &result, sizeof result);
    }
}

/* Runs the pass with grad_input, or output for a softmax, put over `over`, and compares with a run that does not. */
static void check_in_place(const reference_case *apart, reference_case *in_place, numbers *over) {
    run_case(apart);
    bool forward = in_place->desc.pass == CLXENT_FORWARD;
    if (forward)
        in_place->args.output = over;
    else
        in_place->args.grad_input = over;
    run_case(in_place);
    assert_memory_equal(over, forward ? &apart->output : &apart->grad_input, sizeof *over);
}

static void in_place_gives_the_same_bits(void **state) {
    (void)state;
    reference_case apart, in_place;
    for (size_t i = 0; i < PASSES; i++)
        for (clxent_dtype dtype = CLXENT_F32; dtype <= CLXENT_F64; dtype++) {
            bool loss = is_loss(passes[i].op);
            if (passes[i].op == CLXENT_NLL_LOSS || (loss && passes[i].pass == CLXENT_FORWARD))
                continue; /* these allow no overlap */
            set_padded(&apart, passes[i].op, passes[i].pass, dtype);
            set_padded(&in_place, passes[i].op, passes[i].pass, dtype);
            bool from_output = passes[i].pass == CLXENT_BACKWARD && !loss;
            check_in_place(&apart, &in_place, from_output ? &in_place.output : &in_place.input);
            if (passes[i].pass == CLXENT_FORWARD_BACKWARD)
                assert_memory_equal(&apart.output, &in_place.output, sizeof apart.output);
            if (!from_output)
                continue;
            set_padded(&in_place, passes[i].op, passes[i].pass, dtype);
            check_in_place(&apart, &in_place, &in_place.grad_output);
        }
}

/* Floats in, double inside, one rounding: the float results are those of double storage, rounded. */
static void float_results_are_rounded_once(void **state) {
    (void)state;
    reference_case f, d;
    for (size_t i = 0; i < PASSES; i++) {
        set_padded(&f, passes[i].op, passes[i].pass, CLXENT_F32);
        set_padded(&d, passes[i].op, passes[i].pass, CLXENT_F64);
        run_case(&f);
        run_case(&d);
        if (f.args.output != NULL)
            assert_near(f.output.f[0], (float)d.output.d[0], 0);
        for (size_t k = 0; k < 18 && f.args.grad_input != NULL; k++)
            assert_near(f.grad_input.f[dense_place(&f, k)], (float)d.grad_input.d[dense_place(&d, k)], 0);
    }
}

/* BACKWARD from a saved lse uses exactly that lse, except with weights and smoothing together. */
static void saved_lse_is_used(void **state) {
    (void)state;
    static const double weights[] = {1, 2, 3}, logits[] = {0, 0, 0};
    static const int targets[] = {0};
    for (int weighted = 0; weighted < 2; weighted++)
        for (int smoothed = 0; smoothed < 2; smoothed++) {
            reference_case c;
            begin_case(&c, CLXENT_CROSS_ENTROPY, CLXENT_BACKWARD, CLXENT_F64, 1, 3);
            c.desc.reduction = CLXENT_REDUCTION_SUM;
            c.desc.label_smoothing = smoothed ? .5 : 0;
            set_numbers(&c, &c.input, logits, 3);
            set_numbers(&c, &c.weight, weights, 3);
            set_targets(&c, targets, 1);
            point_to_required(&c);
            c.lse.d[0] = log(10); /* p would be .1 each, where the logits say 1/3 */
            c.args.lse = &c.lse;
            c.args.weight = weighted ? &c.weight : NULL;
            run_case(&c);
            double p = weighted && smoothed ? 1. / 3 : .1, e = c.desc.label_smoothing;
            double weight_sum = weighted ? 6 : 3, w_2 = weighted ? 3 : 1;
            assert_near(c.grad_input.d[2], (1 - e) * p + e / 3 * (p * weight_sum - w_2), 1e-15);
        }
}

#define MAPPED 3

/* Two rows, the second more than 2^32 elements behind the first, with class indices and with probabilities. Memory that
 * is never touched is never taken. */
static void offsets_beyond_32_bits(void **state) {
    (void)state;
    size_t stride = ((size_t)1 << 32) + 5, bytes = (stride + 3) * sizeof(float);
    float *memory[MAPPED]; /* input, gradient, target probabilities */
    for (int i = 0; i < MAPPED; i++) {
        memory[i] = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        assert_true(memory[i] != MAP_FAILED);
    }
    memory[0][stride] = logf(2);
    memory[0][stride + 1] = logf(3);
    memory[2][0] = 1;
    memory[2][stride + 2] = 1;
    static const int targets[] = {0, 2};
    for (int probabilities = 0; probabilities < 2; probabilities++) {
        reference_case c;
        begin_case(&c, CLXENT_CROSS_ENTROPY, CLXENT_FORWARD_BACKWARD, CLXENT_F32, 2, 3);
        c.desc.row_stride = stride;
        c.desc.reduction = CLXENT_REDUCTION_NONE;
        c.desc.target_type = probabilities ? CLXENT_TARGET_PROBABILITIES : CLXENT_TARGET_I32;
        point_to_required(&c);
        if (probabilities)
            c.args.target = memory[2];
        else
            set_targets(&c, targets, 2);
        c.args.input = memory[0];
        c.args.grad_input = memory[1];
        run_case(&c);
        assert_near(c.output.f[0], log(3), 1e-6);
        assert_near(c.output.f[1], log(6), 1e-6);
        static const double first[] = {-2. / 3, 1. / 3, 1. / 3}, second[] = {2. / 6, 3. / 6, -5. / 6};
        for (size_t k = 0; k < 3; k++) {
            assert_near(memory[1][k], first[k], 1e-6);
            assert_near(memory[1][stride + k], second[k], 1e-6);
        }
        memset(memory[1], 0, 3 * sizeof(float));
        memset(memory[1] + stride, 0, 3 * sizeof(float));
    }
    for (int i = 0; i < MAPPED; i++)
        munmap(memory[i], bytes);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(layout_of_rows),
        cmocka_unit_test(padding_is_neither_read_nor_written),
        cmocka_unit_test(ignored_tensors_are_left_alone),
        cmocka_unit_test(in_place_gives_the_same_bits),
        cmocka_unit_test(float_results_are_rounded_once),
        cmocka_unit_test(saved_lse_is_used),
        cmocka_unit_test(offsets_beyond_32_bits),
    };
    return cmocka_run_group_tests_name("reference layout", tests, NULL, NULL);
}
