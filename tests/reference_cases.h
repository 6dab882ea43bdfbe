/* What the tests of the CPU reference share: one case with room for every tensor, all of it filled with a pattern that
 * is a NaN, so that a stray read poisons a result and a stray write shows. */
#ifndef REFERENCE_CASES_H
#define REFERENCE_CASES_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "clxent.h"

#define CAPACITY 256
#define UNTOUCHED 0xFF /* every byte of what nobody wrote: a NaN as float or double, -1 as an integer */

typedef union numbers {
    float f[CAPACITY];
    double d[CAPACITY];
} numbers;

/* Class indices of any type, or probabilities. */
typedef union target_array {
    int32_t i32[CAPACITY];
    int64_t i64[CAPACITY];
    uint8_t u8[CAPACITY];
    numbers probabilities;
} target_array;

typedef struct reference_case {
    clxent_desc desc;
    clxent_host_args args; /* what the test gives; the arrays below are only used where it points to them */
    numbers input, weight, sample_weight, pos_weight, mix_lambda, output, lse, grad_output, grad_input;
    target_array target, target2;
    int64_t argmax[CAPACITY];
    uint64_t invalid_count, correct_count;
} reference_case;

/* A case without any tensor. */
static inline void begin_case(reference_case *c, clxent_op op, clxent_pass pass, clxent_dtype dtype, size_t batch,
                              size_t classes) {
    memset(c, UNTOUCHED, sizeof *c);
    clxent_desc_init(&c->desc, op);
    c->desc.pass = pass;
    c->desc.dtype = dtype;
    c->desc.batch = batch;
    c->desc.classes = classes;
    clxent_host_args_init(&c->args);
}

static inline bool is_loss(clxent_op op) {
    return op >= CLXENT_NLL_LOSS;
}

static inline bool is_binary(clxent_op op) {
    return op == CLXENT_BINARY_CROSS_ENTROPY || op == CLXENT_BINARY_CROSS_ENTROPY_WITH_LOGITS;
}

static inline double get_number(const reference_case *c, const numbers *array, size_t i) {
    return c->desc.dtype == CLXENT_F64 ? array->d[i] : (double)array->f[i];
}

static inline void set_number(const reference_case *c, numbers *array, size_t i, double value) {
    if (c->desc.dtype == CLXENT_F64)
        array->d[i] = value;
    else
        array->f[i] = (float)value;
}

static inline void set_numbers(const reference_case *c, numbers *array, const double *values, size_t count) {
    for (size_t i = 0; i < count; i++)
        set_number(c, array, i, values[i]);
}

/* Values of a tensor of the logits' shape, given densely, at the places that row_stride says. */
static inline size_t dense_place(const reference_case *c, size_t i) {
    size_t dense = c->desc.classes * c->desc.inner;
    return c->desc.row_stride == 0 ? i : i / dense * c->desc.row_stride + i % dense;
}

static inline void set_dense(const reference_case *c, numbers *array, const double *values) {
    for (size_t i = 0; i < c->desc.batch * c->desc.classes * c->desc.inner; i++)
        set_number(c, array, dense_place(c, i), values[i]);
}

static inline double get_dense(const reference_case *c, const numbers *array, size_t i) {
    return get_number(c, array, dense_place(c, i));
}

static inline void fill_targets(const reference_case *c, target_array *array, const int *classes, size_t count) {
    for (size_t i = 0; i < count; i++) {
        if (c->desc.target_type == CLXENT_TARGET_I32)
            array->i32[i] = classes[i];
        else if (c->desc.target_type == CLXENT_TARGET_I64)
            array->i64[i] = classes[i];
        else
            array->u8[i] = (uint8_t)classes[i];
    }
}

static inline void set_targets(reference_case *c, const int *classes, size_t count) {
    fill_targets(c, &c->target, classes, count);
    c->args.target = &c->target;
}

static inline void set_targets2(reference_case *c, const int *classes, size_t count) {
    fill_targets(c, &c->target2, classes, count);
    c->args.target2 = &c->target2;
}

/* Target probabilities, given densely, in the type and at the places that the descriptor says. */
static inline void set_probabilities(reference_case *c, const double *values) {
    for (size_t i = 0; i < c->desc.batch * c->desc.classes * c->desc.inner; i++) {
        if (c->desc.target_type == CLXENT_TARGET_PROBABILITIES_F32)
            c->target.probabilities.f[dense_place(c, i)] = (float)values[i];
        else
            set_number(c, &c->target.probabilities, dense_place(c, i), values[i]);
    }
    c->args.target = &c->target;
}

/* Points args to every array that the pass reads or writes; the optional ones only when asked for below. */
static inline void point_to_required(reference_case *c) {
    bool loss = is_loss(c->desc.op);
    bool backward = c->desc.pass == CLXENT_BACKWARD;
    if (!backward || c->desc.op >= CLXENT_CROSS_ENTROPY)
        c->args.input = &c->input;
    if (loss)
        c->args.target = &c->target;
    if (!backward || !loss)
        c->args.output = &c->output;
    if (backward && !loss)
        c->args.grad_output = &c->grad_output;
    if (c->desc.pass != CLXENT_FORWARD)
        c->args.grad_input = &c->grad_input;
}

static inline void run_case(const reference_case *c) {
    clxent_status status = clxent_reference(&c->desc, &c->args);
    if (status != CLXENT_SUCCESS)
        fail_msg("%s: %s", clxent_status_string(status), clxent_last_error());
}

/* |got - want| <= tolerance; a NaN is near a NaN only, an infinity near itself only. */
static inline void check_near(double got, double want, double tolerance, const char *what, const char *file, int line) {
    bool same_kind = isnan(want) ? isnan(got) : isinf(want) ? got == want : fabs(got - want) <= tolerance;
    if (!same_kind) {
        print_error("%s is %.17g, expected %.17g, tolerance %g\n", what, got, want, tolerance);
        _fail(file, line);
    }
}
#define assert_near(got, want, tolerance) check_near(got, want, tolerance, #got, __FILE__, __LINE__)

/* Runs what follows for each type: with a fresh case, and an absolute tolerance for results of the size of 1. */
#define FOR_BOTH_TYPES(c, op, pass, batch, classes)                                                                    \
    for (clxent_dtype dtype = CLXENT_F32;                                                                              \
         dtype <= CLXENT_F64 && (begin_case(c, op, pass, dtype, batch, classes), true); dtype++)

static inline double tolerance(const reference_case *c) {
    return c->desc.dtype == CLXENT_F64 ? 1e-14 : 1e-6;
}

/* Zero, and not the negative one. */
#define assert_positive_zero(got)                                                                                      \
    do {                                                                                                               \
        double zero = (got);                                                                                           \
        assert_true(zero == 0 && !signbit(zero));                                                                      \
    } while (0)

/* Are these bytes as begin_case left them? */
static inline bool is_untouched(const void *bytes, size_t size) {
    for (size_t i = 0; i < size; i++)
        if (((const unsigned char *)bytes)[i] != UNTOUCHED)
            return false;
    return true;
}

/* Cross-entropy of rows of three classes, loss per row, with gradient and lse. */
static inline void set_rows(reference_case *c, clxent_dtype dtype, const double *logits, const int *targets,
                            size_t rows) {
    begin_case(c, CLXENT_CROSS_ENTROPY, CLXENT_FORWARD_BACKWARD, dtype, rows, 3);
    c->desc.reduction = CLXENT_REDUCTION_NONE;
    set_numbers(c, &c->input, logits, rows * 3);
    set_targets(c, targets, rows);
    point_to_required(c);
    c->args.lse = &c->lse;
}

static inline void check_row_gradient(const reference_case *c, size_t row, double d0, double d1, double d2) {
    const double expected[] = {d0, d1, d2};
    for (size_t k = 0; k < 3; k++)
        assert_near(get_number(c, &c->grad_input, row * 3 + k), expected[k], tolerance(c));
}

static inline void check_row(const reference_case *c, size_t row, double loss, double lse, const double gradient[3]) {
    assert_near(get_number(c, &c->output, row), loss, tolerance(c));
    assert_near(get_number(c, &c->lse, row), lse, tolerance(c));
    check_row_gradient(c, row, gradient[0], gradient[1], gradient[2]);
}

#endif
