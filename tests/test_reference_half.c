/* The CPU reference in the storage types F16 and BF16: what it reads is taken exactly, what it writes is the result of
 * the same numbers in F64, rounded once; losses stay float. */
#include "half.h"
#include "reference_cases.h"

#include <stdlib.h>

#define ROWS 100
#define CLASSES 1000
#define PADDING 3
#define STRIDE (CLASSES + PADDING)
#define SPAN (ROWS * STRIDE)

typedef struct half_type {
    clxent_dtype dtype;
    double (*decode)(uint16_t bits);
    uint16_t (*encode)(double value);
} half_type;

static const half_type half_types[] = {{CLXENT_F16, clx_from_f16, clx_to_f16},
                                       {CLXENT_BF16, clx_from_bf16, clx_to_bf16}};

/* The golden values of docs/numerics.md; both types hold their logits exactly. */
static void golden(void **state) {
    (void)state;
    static const double logits[] = {1, 2, 3, .5, -.5, 0, -1, 4, 2};
    static const double gradient[] = {.080027176, .217536419,  -.297563595, 0,         0,
                                      0,          -.110455583, .097288955,  .013166628};
    float weights[] = {.25F, 1, 2};
    int32_t targets[] = {2, -100, 0};
    for (size_t t = 0; t < 2; t++) {
        const half_type *type = &half_types[t];
        uint16_t input[9], grad_input[9];
        float loss[2] = {-1, -1};
        clxent_desc desc;
        clxent_host_args args;
        clxent_desc_init(&desc, CLXENT_CROSS_ENTROPY);
        clxent_host_args_init(&args);
        desc.pass = CLXENT_FORWARD_BACKWARD;
        desc.dtype = type->dtype;
        desc.batch = desc.classes = 3;
        for (size_t i = 0; i < 9; i++)
            input[i] = type->encode(logits[i]);
        args.input = input;
        args.target = targets;
        args.weight = weights;
        args.output = loss;
        args.grad_input = grad_input;
        assert_int_equal(clxent_reference(&desc, &args), CLXENT_SUCCESS);
        assert_near((double)loss[0], 0.9326325499202911, 1e-7);
        assert_true(loss[1] == -1);
        for (size_t i = 0; i < 9; i++)
            assert_int_equal(grad_input[i], type->encode(gradient[i]));
    }
}

/* ---- one rounding ---- */

/* A tensor in a 16-bit type, and the same numbers in F64. */
typedef struct twin {
    uint16_t *half;
    double *wide;
} twin;

static twin make_twin(void) {
    twin made = {malloc(SPAN * sizeof(uint16_t)), malloc(SPAN * sizeof(double))};
    assert_non_null(made.half);
    assert_non_null(made.wide);
    memset(made.half, UNTOUCHED, SPAN * sizeof(uint16_t));
    return made;
}

static void free_twin(twin t) {
    free(t.half);
    free(t.wide);
}

/* Numbers in [low, high), the same in every run. */
static twin draw_twin(const half_type *type, uint32_t state, double low, double high) {
    twin made = make_twin();
    for (size_t i = 0; i < SPAN; i++) {
        state = state * 1664525 + 1013904223;
        made.half[i] = type->encode(low + (double)(state >> 8) * 0x1p-24 * (high - low));
        made.wide[i] = type->decode(made.half[i]);
    }
    return made;
}

/* So many numbers that some lie where rounding to float first would show. */
static void expect_rounded_once(const half_type *type, twin t) {
    for (size_t row = 0; row < ROWS; row++) {
        for (size_t c = row * STRIDE; c < row * STRIDE + CLASSES; c++)
            assert_int_equal(t.half[c], type->encode(t.wide[c]));
        if (row + 1 < ROWS)
            assert_true(is_untouched(&t.half[row * STRIDE + CLASSES], PADDING * sizeof *t.half));
    }
}

/* The tensors of the logits' shape; null if absent. */
typedef struct twins {
    const twin *input, *target, *sample_weight, *output, *grad_output, *grad_input;
} twins;

static clxent_desc make_desc(clxent_op op, clxent_pass pass) {
    clxent_desc desc;
    clxent_desc_init(&desc, op);
    desc.pass = pass;
    desc.batch = ROWS;
    desc.classes = CLASSES;
    desc.row_stride = STRIDE;
    return desc;
}

/* In the 16-bit type and in F64; `args` has what both take alike, and may have none of the twins. */
static void run_both(const half_type *type, clxent_desc desc, clxent_host_args args, const twins *t) {
    for (int wide = 0; wide <= 1; wide++) {
        desc.dtype = wide ? CLXENT_F64 : type->dtype;
#define PICK(member)                                                                                                   \
    if (t->member != NULL)                                                                                             \
    args.member = wide ? (void *)t->member->wide : (void *)t->member->half
        PICK(input);
        PICK(target);
        PICK(sample_weight);
        PICK(output);
        PICK(grad_output);
        PICK(grad_input);
#undef PICK
        assert_int_equal(clxent_reference(&desc, &args), CLXENT_SUCCESS);
    }
}

static void softmax_rounds_once(void **state) {
    (void)state;
    for (size_t t = 0; t < 2; t++)
        for (int op = CLXENT_SOFTMAX; op <= CLXENT_LOG_SOFTMAX; op++) {
            const half_type *type = &half_types[t];
            clxent_host_args none;
            clxent_host_args_init(&none);
            twin input = draw_twin(type, 1, -4, 4), grad_output = draw_twin(type, 2, -4, 4);
            twin output = make_twin(), grad_input = make_twin();
            run_both(type, make_desc((clxent_op)op, CLXENT_FORWARD), none,
                     &(twins){.input = &input, .output = &output});
            expect_rounded_once(type, output);
            for (size_t i = 0; i < SPAN; i++) /* what a backward pass reads is what was stored */
                output.wide[i] = type->decode(output.half[i]);
            run_both(type, make_desc((clxent_op)op, CLXENT_BACKWARD), none,
                     &(twins){.output = &output, .grad_output = &grad_output, .grad_input = &grad_input});
            expect_rounded_once(type, grad_input);
            free_twin(input);
            free_twin(output);
            free_twin(grad_output);
            free_twin(grad_input);
        }
}

/* The gradient of a loss, stored or added to what is there. */
static void check_gradient(const half_type *type, clxent_desc desc, clxent_host_args args, twins t) {
    for (int adds = 0; adds <= 1; adds++) {
        twin grad_input = adds ? draw_twin(type, 3, -1, 1) : make_twin();
        for (size_t row = 0; row + 1 < ROWS; row++)
            memset(&grad_input.half[row * STRIDE + CLASSES], UNTOUCHED, PADDING * sizeof *grad_input.half);
        t.grad_input = &grad_input;
        desc.flags = adds ? CLXENT_ACCUMULATE_GRAD : 0;
        run_both(type, desc, args, &t);
        expect_rounded_once(type, grad_input);
        free_twin(grad_input);
    }
}

static void cross_entropy_rounds_once(void **state) {
    (void)state;
    static int32_t classes[ROWS];
    for (size_t row = 0; row < ROWS; row++)
        classes[row] = (int32_t)(row * 37 % CLASSES);
    for (size_t t = 0; t < 2; t++) {
        const half_type *type = &half_types[t];
        twin input = draw_twin(type, 1, -4, 4), target = draw_twin(type, 2, 0, 1);
        clxent_desc desc = make_desc(CLXENT_CROSS_ENTROPY, CLXENT_BACKWARD);
        clxent_host_args args;
        clxent_host_args_init(&args);
        args.target = classes;
        desc.reduction = CLXENT_REDUCTION_SUM;
        desc.label_smoothing = .25;
        desc.logit_scale = 1.5;
        desc.logit_softcap = 5;
        desc.z_loss = .125;
        desc.reg_lambda = .5;
        desc.grad_scale = 64;
        check_gradient(type, desc, args, (twins){.input = &input});
        desc.target_type = CLXENT_TARGET_PROBABILITIES;
        check_gradient(type, desc, args, (twins){.input = &input, .target = &target});
        free_twin(input);
        free_twin(target);
    }
}

static void binary_cross_entropy_rounds_once(void **state) {
    (void)state;
    for (size_t t = 0; t < 2; t++)
        for (int op = CLXENT_BINARY_CROSS_ENTROPY; op <= CLXENT_BINARY_CROSS_ENTROPY_WITH_LOGITS; op++) {
            const half_type *type = &half_types[t];
            bool logits = op == CLXENT_BINARY_CROSS_ENTROPY_WITH_LOGITS;
            twin input = logits ? draw_twin(type, 1, -8, 8) : draw_twin(type, 1, .125, .875);
            twin target = draw_twin(type, 2, 0, 1), weights = draw_twin(type, 4, 0, 4);
            clxent_desc desc = make_desc((clxent_op)op, CLXENT_BACKWARD);
            clxent_host_args args;
            clxent_host_args_init(&args);
            desc.reduction = CLXENT_REDUCTION_SUM;
            check_gradient(type, desc, args, (twins){.input = &input, .target = &target, .sample_weight = &weights});
            free_twin(input);
            free_twin(target);
            free_twin(weights);
        }
}

/* Target probabilities of float beside logits of a 16-bit type; losses per element are float. */
static void float_targets_and_losses(void **state) {
    (void)state;
    static const double x[] = {.5, -1, 2, .25, -.75, 1};
    float target[] = {.1F, .2F, .7F, .3F, .3F, .4F}, loss[2][6];
    for (size_t t = 0; t < 2; t++)
        for (int op = CLXENT_CROSS_ENTROPY; op <= CLXENT_BINARY_CROSS_ENTROPY_WITH_LOGITS; op++) {
            uint16_t half[6];
            float wide[6];
            for (size_t i = 0; i < 6; i++) {
                half[i] = half_types[t].encode(op == CLXENT_BINARY_CROSS_ENTROPY ? x[i] / 8 + .5 : x[i]);
                wide[i] = (float)half_types[t].decode(half[i]);
            }
            for (size_t i = 0; i < 2; i++) {
                clxent_desc desc;
                clxent_host_args args;
                clxent_desc_init(&desc, (clxent_op)op);
                clxent_host_args_init(&args);
                desc.dtype = i == 0 ? half_types[t].dtype : CLXENT_F32;
                desc.target_type = CLXENT_TARGET_PROBABILITIES_F32;
                desc.reduction = CLXENT_REDUCTION_NONE;
                desc.batch = 2;
                desc.classes = 3;
                args.input = i == 0 ? (void *)half : (void *)wide;
                args.target = target;
                args.output = loss[i];
                memset(loss[i], UNTOUCHED, sizeof loss[i]);
                assert_int_equal(clxent_reference(&desc, &args), CLXENT_SUCCESS);
            }
            assert_memory_equal(loss[0], loss[1], sizeof loss[0]);
            assert_true(loss[0][1] > 0 && isfinite(loss[0][1]));
        }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(golden),
        cmocka_unit_test(softmax_rounds_once),
        cmocka_unit_test(cross_entropy_rounds_once),
        cmocka_unit_test(binary_cross_entropy_rounds_once),
        cmocka_unit_test(float_targets_and_losses),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
