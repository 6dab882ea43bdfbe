/* The reference of linear cross-entropy: a loss worked out by hand, gradients against central differences, and what is refused. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "clxent.h"

enum { N = 4, D = 3, V = 5 };

/* A call in double. */
typedef struct problem {
    clxent_desc desc;
    clxent_host_args args;
    double hidden[N * D], weight[V * D], bias[V], class_weight[V], sample_weight[N];
    int32_t target[N];
    double output[N], lse[N], grad_output[N], grad_hidden[N * D], grad_weight[V * D], grad_bias[V];
} problem;

static void set_up(problem *p) {
    memset(p, 0, sizeof *p);
    clxent_desc_init(&p->desc, CLXENT_LINEAR_CROSS_ENTROPY);
    p->desc.pass = CLXENT_FORWARD_BACKWARD;
    p->desc.dtype = CLXENT_F64;
    p->desc.batch = N;
    p->desc.classes = V;
    p->desc.features = D;
    for (int i = 0; i < N * D; i++)
        p->hidden[i] = sin(1.0 + 3.0 * i);
    for (int i = 0; i < V * D; i++)
        p->weight[i] = cos(2.0 + 5.0 * i);
    for (int i = 0; i < V; i++) {
        p->bias[i] = 0.3 * sin(7.0 * i);
        p->class_weight[i] = 0.5 + 0.25 * i;
    }
    for (int i = 0; i < N; i++) {
        p->target[i] = (3 * i + 1) % V;
        p->sample_weight[i] = 1 + 0.5 * i;
        p->grad_output[i] = 0.75 + 0.25 * i;
    }
    clxent_host_args_init(&p->args);
    p->args.input = p->hidden;
    p->args.target = p->target;
    p->args.linear_weight = p->weight;
    p->args.linear_bias = p->bias;
    p->args.output = p->output;
    p->args.lse = p->lse;
    p->args.grad_input = p->grad_hidden;
    p->args.grad_linear_weight = p->grad_weight;
    p->args.grad_linear_bias = p->grad_bias;
}

static void run(problem *p) {
    clxent_status status = clxent_reference(&p->desc, &p->args);
    if (status != CLXENT_SUCCESS)
        fail_msg("%s", clxent_last_error());
}

/* One row, two classes, logits 2 * 3 + 1 = 7 and 2 * 1 + 0 = 2: loss log(1 + e^5) at class 1. */
static void by_hand(void **state) {
    (void)state;
    problem p;
    set_up(&p);
    p.desc.batch = p.desc.features = 1;
    p.desc.classes = 2;
    p.hidden[0] = 2;
    p.weight[0] = 3;
    p.weight[1] = 1;
    p.bias[0] = 1;
    p.bias[1] = 0;
    p.target[0] = 1;
    run(&p);
    const double q = 1 / (1 + exp(-5.0)); /* of class 0 */
    assert_true(fabs(p.output[0] - log(1 + exp(5.0))) < 1e-14);
    assert_true(fabs(p.lse[0] - (7 + log(1 + exp(-5.0)))) < 1e-14);
    assert_true(fabs(p.grad_hidden[0] - (q * 3 - q * 1)) < 1e-14);
    assert_true(fabs(p.grad_weight[0] - q * 2) < 1e-14);
    assert_true(fabs(p.grad_weight[1] + q * 2) < 1e-14);
    assert_true(fabs(p.grad_bias[0] - q) < 1e-14);
    assert_true(fabs(p.grad_bias[1] + q) < 1e-14);
}

/* The loss that the gradients are of: with reduction NONE, sum of grad_output * loss. */
static double total(problem *p) {
    const clxent_pass pass = p->desc.pass;
    double sum = 0;
    p->desc.pass = CLXENT_FORWARD;
    run(p);
    p->desc.pass = pass;
    if (p->desc.reduction != CLXENT_REDUCTION_NONE)
        return p->output[0];
    for (size_t i = 0; i < N; i++)
        sum += p->grad_output[i] * p->output[i];
    return sum;
}

static void check_gradient(problem *p, const char *name, double *at, const double *gradient, size_t count) {
    for (size_t i = 0; i < count; i++) {
        const double step = 1e-5, before = at[i];
        at[i] = before + step;
        double above = total(p);
        at[i] = before - step;
        double below = total(p);
        at[i] = before;
        const double difference = (above - below) / (2 * step);
        if (!(fabs(difference - gradient[i]) < 1e-8))
            fail_msg("%s[%zu] is %.12g, the difference %.12g", name, i, gradient[i], difference);
    }
}

static void check_gradients(problem *p) {
    run(p);
    check_gradient(p, "grad_input", p->hidden, p->grad_hidden, N * D);
    check_gradient(p, "grad_linear_weight", p->weight, p->grad_weight, V * D);
    check_gradient(p, "grad_linear_bias", p->bias, p->grad_bias, V);
}

static void gradients(void **state) {
    (void)state;
    for (unsigned options = 0; options < 64; options++) {
        problem p;
        set_up(&p);
        p.desc.reduction = (clxent_reduction)(options % 3);
        p.args.grad_output = p.desc.reduction == CLXENT_REDUCTION_NONE ? p.grad_output : NULL;
        p.desc.label_smoothing = options & 1 ? 0.2 : 0;
        p.desc.logit_softcap = options & 2 ? 1.5 : 0;
        p.desc.z_loss = options & 4 ? 0.05 : 0;
        p.args.weight = options & 8 ? p.class_weight : NULL;
        p.args.sample_weight = options & 16 ? p.sample_weight : NULL;
        p.target[2] = options & 32 ? -100 : p.target[2];
        check_gradients(&p);
    }
}

/* An ignored row is as good as none: its hidden state may be NaN. */
static void ignored_rows_disturb_nothing(void **state) {
    (void)state;
    problem with, without;
    set_up(&with);
    set_up(&without);
    with.target[N - 1] = -100;
    for (int d = 0; d < D; d++)
        with.hidden[(N - 1) * D + d] = NAN;
    without.desc.batch = N - 1;
    run(&with);
    run(&without);
    assert_memory_equal(with.output, without.output, sizeof(double));
    assert_memory_equal(with.grad_weight, without.grad_weight, sizeof with.grad_weight);
    assert_memory_equal(with.grad_bias, without.grad_bias, sizeof with.grad_bias);
    assert_memory_equal(with.grad_hidden, without.grad_hidden, sizeof(double) * (N - 1) * D);
    for (int d = 0; d < D; d++)
        assert_true(with.grad_hidden[(N - 1) * D + d] == 0);
    assert_true(with.lse[N - 1] == 0);
}

#define REFUSES(change, status, sentence)                                                                              \
    do {                                                                                                               \
        problem p;                                                                                                     \
        set_up(&p);                                                                                                    \
        p.output[0] = 17;                                                                                              \
        change;                                                                                                        \
        assert_int_equal(clxent_reference(&p.desc, &p.args), status);                                                  \
        assert_non_null(strstr(clxent_last_error(), sentence));                                                        \
        assert_true(p.output[0] == 17);                                                                                \
    } while (0)

static void refusals(void **state) {
    (void)state;
    REFUSES(p.desc.features = 0, CLXENT_INVALID_SHAPE, "features is 0, it must be at least 1");
    REFUSES(p.desc.classes = 0, CLXENT_INVALID_SHAPE, "classes is 0, it must be at least 1");
    REFUSES(p.desc.inner = 2, CLXENT_INVALID_SHAPE, "inner is 2, linear-cross-entropy takes 1");
    REFUSES(p.desc.row_stride = 2, CLXENT_INVALID_SHAPE, "row_stride is 2, it must be at least features = 3");
    REFUSES(p.desc.features = SIZE_MAX / 8, CLXENT_INVALID_SHAPE, "more bytes than this machine can address");
    REFUSES(p.desc.mix_lambda = 0.5, CLXENT_INVALID_OPTION, "linear-cross-entropy does not use mix_lambda");
    REFUSES(p.desc.target_type = CLXENT_TARGET_PROBABILITIES, CLXENT_INVALID_OPTION,
            "target_type is 3, linear-cross-entropy takes class indices");
    REFUSES(p.args.linear_weight = NULL, CLXENT_MISSING_BUFFER,
            "linear_weight is null, but this pass of linear-cross-entropy needs its 120 bytes");
    REFUSES(p.args.target2 = p.target, CLXENT_INVALID_ARGUMENT, "target2 is given");
    REFUSES(p.args.argmax = p.lse, CLXENT_INVALID_ARGUMENT, "argmax is given");
    REFUSES(p.args.grad_input = p.hidden, CLXENT_INVALID_BUFFER, "grad_input overlaps input");
    REFUSES(p.args.grad_linear_weight = p.weight, CLXENT_INVALID_BUFFER, "linear_weight overlaps");
    REFUSES(p.target[1] = V, CLXENT_INVALID_TARGET, "target[1] = 5 is outside [0, 5)");
    REFUSES((clxent_desc_init(&p.desc, CLXENT_CROSS_ENTROPY), p.desc.classes = V, p.desc.features = D),
            CLXENT_INVALID_OPTION, "cross-entropy does not use features");
    REFUSES((clxent_desc_init(&p.desc, CLXENT_CROSS_ENTROPY), p.desc.classes = V, p.desc.workspace_limit = 1),
            CLXENT_INVALID_OPTION, "cross-entropy does not use workspace_limit");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(by_hand),
        cmocka_unit_test(gradients),
        cmocka_unit_test(ignored_rows_disturb_nothing),
        cmocka_unit_test(refusals),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
