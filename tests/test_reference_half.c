/* The CPU reference in the storage types F16 and BF16: what it reads is taken exactly, what it writes is the result of
 * the same numbers in F64, rounded once; losses stay float. */
#include "half.h"
#include "reference_cases.h"

#include <stdlib.h>

#define ROWS 200
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

/* Numbers in [-4, 4), the same in every run. */
static twin draw_twin(const half_type *type, uint32_t state) {
    twin made = make_twin();
    for (size_t i = 0; i < SPAN; i++) {
        state = state * 1664525 + 1013904223;
        made.half[i] = type->encode((double)(state >> 8) * 0x1p-21 - 4);
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

static void run_both(const half_type *type, clxent_op op, clxent_pass pass, const twin *input, const twin *output,
                     const twin *grad_output, const twin *grad_input) {
    clxent_desc desc;
    clxent_desc_init(&desc, op);
    desc.pass = pass;
    desc.batch = ROWS;
    desc.classes = CLASSES;
    desc.row_stride = STRIDE;
    for (int wide = 0; wide <= 1; wide++) {
        clxent_host_args args;
        clxent_host_args_init(&args);
        desc.dtype = wide ? CLXENT_F64 : type->dtype;
#define PICK(t) ((t) == NULL ? NULL : wide ? (void *)(t)->wide : (void *)(t)->half)
        args.input = PICK(input);
        args.output = PICK(output);
        args.grad_output = PICK(grad_output);
        args.grad_input = PICK(grad_input);
#undef PICK
        assert_int_equal(clxent_reference(&desc, &args), CLXENT_SUCCESS);
    }
}

static void one_rounding(void **state) {
    (void)state;
    for (size_t t = 0; t < 2; t++)
        for (int op = CLXENT_SOFTMAX; op <= CLXENT_LOG_SOFTMAX; op++) {
            const half_type *type = &half_types[t];
            twin input = draw_twin(type, 1), grad_output = draw_twin(type, 2);
            twin output = make_twin(), grad_input = make_twin();
            run_both(type, (clxent_op)op, CLXENT_FORWARD, &input, &output, NULL, NULL);
            expect_rounded_once(type, output);
            for (size_t i = 0; i < SPAN; i++) /* what a backward pass reads is what was stored */
                output.wide[i] = type->decode(output.half[i]);
            run_both(type, (clxent_op)op, CLXENT_BACKWARD, NULL, &output, &grad_output, &grad_input);
            expect_rounded_once(type, grad_input);
            free_twin(input);
            free_twin(output);
            free_twin(grad_output);
            free_twin(grad_input);
        }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(golden),
        cmocka_unit_test(one_rounding),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
