/* The refusals that belong to the options of the losses and to the binary cross-entropies, through the CPU reference:
 * the exact status, a sentence with its numbers, and no byte of any output touched. */
#include "reference_refusals.h"

#define INF ((double)INFINITY)

/* Cross-entropy with target probabilities: what it does not take is taken away. */
static void use_probabilities(reference_case *c) {
    static const double ones[] = {1, 1, 1, 1, 1, 1};
    c->desc.target_type = CLXENT_TARGET_PROBABILITIES;
    set_probabilities(c, ones);
    c->args.invalid_count = NULL;
}

/* Two targets and every output of cross-entropy. */
static void give_more(reference_case *c) {
    set_targets2(c, (const int[]){1, 1}, 2);
    c->mix_lambda.f[0] = .5F;
    set_numbers(c, &c->sample_weight, (const double[]){1, 1}, 2);
    c->args.mix_lambda = &c->mix_lambda;
    c->args.sample_weight = &c->sample_weight;
    c->args.argmax = c->argmax;
    c->args.correct_count = &c->correct_count;
}

/* A change to the cases above. */
#define WITH(prepare, change) (prepare(&c), (void)(change))

static void the_cases_are_good(void **state) {
    (void)state;
    reference_case c;
    begin_good(&c, LOSS_BOTH);
    use_probabilities(&c);
    run_case(&c);
    begin_good(&c, LOSS_BOTH);
    give_more(&c);
    run_case(&c);
    begin_good(&c, LOSS);
    c.desc.flags = CLXENT_ACCUMULATE_GRAD | CLXENT_EMPTY_MEAN_ZERO;
    run_case(&c);
    begin_good(&c, LOGITS_BOTH);
    c.args.pos_weight = &c.weight;
    run_case(&c);
}

static void options_of_another_operation(void **state) {
    (void)state;
    REFUSES(SOFTMAX, c.desc.grad_scale = 2, OPTION, "softmax does not use grad_scale, which must stay at its default");
    REFUSES(SOFTMAX, c.desc.flags = CLXENT_ACCUMULATE_GRAD, OPTION, "softmax does not use flags");
    REFUSES(LOG_SOFTMAX_BACKWARD, c.desc.flags = CLXENT_EMPTY_MEAN_ZERO, OPTION, "log-softmax does not use flags");
    REFUSES(SOFTMAX, c.desc.logit_scale = 2, OPTION, "softmax does not use logit_scale");
    REFUSES(LOG_SOFTMAX, c.desc.logit_softcap = 2, OPTION, "log-softmax does not use logit_softcap");
    REFUSES(NLL, c.desc.logit_scale = 0, OPTION, "nll-loss does not use logit_scale");
    REFUSES(NLL, c.desc.logit_softcap = 1, OPTION, "nll-loss does not use logit_softcap");
    REFUSES(NLL, c.desc.z_loss = 1, OPTION, "nll-loss does not use z_loss");
    REFUSES(NLL, c.desc.reg_lambda = (double)NAN, OPTION, "nll-loss does not use reg_lambda");
    REFUSES(NLL, c.desc.mix_lambda = .5, OPTION, "nll-loss does not use mix_lambda");
    REFUSES(BINARY, c.desc.label_smoothing = .1, OPTION, "binary-cross-entropy does not use label_smoothing");
    REFUSES(BINARY, c.desc.ignore_index = 1, OPTION, "binary-cross-entropy does not use ignore_index");
    REFUSES(BINARY, c.desc.z_loss = 1, OPTION, "binary-cross-entropy does not use z_loss");
    REFUSES(LOGITS, c.desc.logit_scale = 2, OPTION, "binary-cross-entropy-with-logits does not use logit_scale");
    REFUSES(LOGITS, c.desc.logit_softcap = 2, OPTION, "binary-cross-entropy-with-logits does not use logit_softcap");
    REFUSES(LOGITS, c.desc.reg_lambda = 2, OPTION, "binary-cross-entropy-with-logits does not use reg_lambda");
    REFUSES(LOGITS, c.desc.mix_lambda = 0, OPTION, "binary-cross-entropy-with-logits does not use mix_lambda");
}

static void target_types_of_another_operation(void **state) {
    (void)state;
    REFUSES(SOFTMAX, c.desc.target_type = CLXENT_TARGET_PROBABILITIES, OPTION, "softmax does not use target_type");
    REFUSES(NLL, c.desc.target_type = CLXENT_TARGET_PROBABILITIES, OPTION,
            "target_type is 3, nll-loss takes class indices");
    REFUSES(NLL_BACKWARD, c.desc.target_type = CLXENT_TARGET_PROBABILITIES_F32, OPTION,
            "target_type is 4, nll-loss takes class indices");
    REFUSES(BINARY, c.desc.target_type = CLXENT_TARGET_I32, OPTION,
            "target_type is 0, binary-cross-entropy takes probabilities");
    REFUSES(LOGITS, c.desc.target_type = CLXENT_TARGET_U8, OPTION,
            "target_type is 2, binary-cross-entropy-with-logits takes probabilities");
    REFUSES(LOSS, WITH(use_probabilities, c.desc.ignore_index = 5), OPTION,
            "target probabilities do not use ignore_index, which is 5");
    REFUSES(LOSS, WITH(use_probabilities, c.desc.mix_lambda = .5), OPTION,
            "target probabilities do not use mix_lambda, which is 0.5");
}

static void options_out_of_range(void **state) {
    (void)state;
    REFUSES(LOSS, c.desc.logit_scale = INF, OPTION, "logit_scale is inf, it must be finite");
    REFUSES(LOSS, c.desc.logit_scale = (double)NAN, OPTION, "logit_scale is ");
    REFUSES(LOSS, c.desc.logit_softcap = -1, OPTION, "logit_softcap is -1, it must be 0 or more, and finite");
    REFUSES(LOSS, c.desc.logit_softcap = INF, OPTION, "logit_softcap is inf, it must be 0 or more");
    REFUSES(LOSS, c.desc.logit_softcap = (double)NAN, OPTION, "logit_softcap is ");
    REFUSES(LOSS, c.desc.z_loss = -.5, OPTION, "z_loss is -0.5, it must be 0 or more, and finite");
    REFUSES(LOSS, c.desc.z_loss = INF, OPTION, "z_loss is inf");
    REFUSES(LOSS, c.desc.z_loss = (double)NAN, OPTION, "z_loss is ");
    REFUSES(LOSS, c.desc.reg_lambda = -INF, OPTION, "reg_lambda is -inf, it must be finite");
    REFUSES(LOSS, c.desc.reg_lambda = (double)NAN, OPTION, "reg_lambda is ");
    REFUSES(LOSS, WITH(give_more, c.desc.mix_lambda = -.25), OPTION, "mix_lambda is -0.25, it must be from 0 to 1");
    REFUSES(LOSS, WITH(give_more, c.desc.mix_lambda = 1.25), OPTION, "mix_lambda is 1.25, it must be from 0 to 1");
    REFUSES(LOSS, WITH(give_more, c.desc.mix_lambda = (double)NAN), OPTION, "mix_lambda is ");
    REFUSES(LOSS, c.desc.grad_scale = INF, OPTION, "grad_scale is inf, it must be finite");
    REFUSES(NLL, c.desc.grad_scale = (double)NAN, OPTION, "grad_scale is ");
    REFUSES(LOGITS, c.desc.grad_scale = -INF, OPTION, "grad_scale is -inf, it must be finite");
    REFUSES(BINARY, c.desc.flags = 8, OPTION, "flags is 0x8, of which 0x7 are defined");
}

static void missing_arrays(void **state) {
    (void)state;
    REFUSES(BINARY, c.args.input = NULL, MISSING,
            "input is null, but this pass of binary-cross-entropy needs its 24 bytes");
    REFUSES(BINARY, c.args.target = NULL, MISSING,
            "target is null, but this pass of binary-cross-entropy needs its 24");
    REFUSES(BINARY, c.args.output = NULL, MISSING,
            "output is null, but this pass of binary-cross-entropy needs its 4 ");
    REFUSES(BINARY, (c.args.output = NULL, c.desc.reduction = CLXENT_REDUCTION_NONE), MISSING, "needs its 24 bytes");
    REFUSES(BINARY_BACKWARD, c.args.input = NULL, MISSING, "input is null");
    REFUSES(BINARY_BACKWARD, c.args.grad_input = NULL, MISSING, "grad_input is null");
    REFUSES(LOGITS_BOTH, c.args.target = NULL, MISSING, "target is null");
    REFUSES(LOGITS_BOTH, c.args.grad_input = NULL, MISSING, "grad_input is null");
    REFUSES(LOGITS_BOTH, c.args.output = NULL, MISSING, "output is null");
    REFUSES(LOSS, WITH(use_probabilities, c.args.target = NULL), MISSING,
            "target is null, but this pass of cross-entropy");
    REFUSES(LOSS, c.desc.mix_lambda = .5, MISSING, "mix_lambda is 0.5, but target2 is null");
    REFUSES(LOSS_BACKWARD, c.desc.mix_lambda = 0, MISSING, "mix_lambda is 0, but target2 is null");
    REFUSES(LOSS_BOTH, WITH(give_more, c.args.target2 = NULL), MISSING, "mix_lambda is given, but target2 is null");
    REFUSES(LOSS, c.args.correct_count = &c.correct_count, MISSING,
            "correct_count is given, but argmax, which it needs, is null");
    REFUSES(LOSS_BOTH, WITH(give_more, c.args.argmax = NULL), MISSING, "correct_count is given, but argmax");
}

static void foreign_arrays(void **state) {
    (void)state;
    REFUSES(SOFTMAX, c.args.sample_weight = &c.weight, ARGUMENT,
            "sample_weight is given, but no pass of softmax uses it");
    REFUSES(SOFTMAX, c.args.argmax = c.argmax, ARGUMENT, "argmax is given, but no pass of softmax uses it");
    REFUSES(SOFTMAX_BACKWARD, c.args.target2 = &c.target2, ARGUMENT, "target2 is given");
    REFUSES(LOG_SOFTMAX, c.args.correct_count = &c.correct_count, ARGUMENT, "correct_count is given");
    REFUSES(NLL, c.args.target2 = &c.target2, ARGUMENT, "target2 is given, but no pass of nll-loss uses it");
    REFUSES(NLL, c.args.argmax = c.argmax, ARGUMENT, "argmax is given, but no pass of nll-loss uses it");
    REFUSES(NLL, c.args.correct_count = &c.correct_count, ARGUMENT, "correct_count is given");
    REFUSES(NLL_BACKWARD, c.args.mix_lambda = &c.mix_lambda, ARGUMENT, "mix_lambda is given");
    REFUSES(LOSS, c.args.pos_weight = &c.weight, ARGUMENT, "pos_weight is given, but no pass of cross-entropy uses it");
    REFUSES(BINARY, c.args.pos_weight = &c.weight, ARGUMENT,
            "pos_weight is given, but no pass of binary-cross-entropy uses it");
    REFUSES(BINARY, c.args.lse = &c.lse, ARGUMENT, "lse is given");
    REFUSES(BINARY_BACKWARD, c.args.argmax = c.argmax, ARGUMENT, "argmax is given");
    REFUSES(LOGITS, c.args.target2 = &c.target2, ARGUMENT,
            "target2 is given, but no pass of binary-cross-entropy-with-logits uses it");
    REFUSES(LOGITS_BOTH, c.args.invalid_count = &c.invalid_count, ARGUMENT, "invalid_count is given, but no pass of");
    REFUSES(LOGITS_BACKWARD, c.args.correct_count = &c.correct_count, ARGUMENT, "correct_count is given");
    REFUSES(LOSS, WITH(use_probabilities, c.args.target2 = &c.target2), ARGUMENT,
            "target2 is given, but it has no meaning with target probabilities");
    REFUSES(LOSS_BOTH, WITH(use_probabilities, c.args.mix_lambda = &c.mix_lambda), ARGUMENT,
            "mix_lambda is given, but it has no meaning with target probabilities");
    REFUSES(LOSS_BACKWARD, WITH(use_probabilities, c.args.invalid_count = &c.invalid_count), ARGUMENT,
            "invalid_count is given, but it has no meaning with target probabilities");
    REFUSES(LOSS, WITH(use_probabilities, (c.args.argmax = c.argmax, c.args.correct_count = &c.correct_count)),
            ARGUMENT, "correct_count is given, but it has no meaning with target probabilities");
    REFUSES(LOSS_BACKWARD, WITH(use_probabilities, c.args.correct_count = &c.correct_count), ARGUMENT,
            "correct_count is given, but it has no meaning with target probabilities");
}

static void misaligned_arrays(void **state) {
    (void)state;
    REFUSES(LOSS_BOTH, WITH(give_more, c.args.target2 = ODD(c.target2)), BUFFER, "target2 is at address");
    REFUSES(LOSS_BOTH, WITH(give_more, c.args.sample_weight = ODD(c.sample_weight)), BUFFER, "sample_weight is at");
    REFUSES(LOSS_BOTH, WITH(give_more, c.args.mix_lambda = ODD(c.mix_lambda)), BUFFER, "mix_lambda is at address");
    REFUSES(LOSS_BOTH, WITH(give_more, c.args.argmax = (int32_t *)c.argmax + 1), BUFFER, "its element's 8 bytes");
    REFUSES(LOSS_BOTH, WITH(give_more, c.args.correct_count = &c.lse.f[1]), BUFFER, "correct_count is at address");
    REFUSES(LOSS, WITH(use_probabilities, c.args.target = ODD(c.target)), BUFFER, "element's 4 bytes");
    REFUSES(LOGITS, c.args.pos_weight = ODD(c.pos_weight), BUFFER, "pos_weight is at address");
    REFUSES(LOGITS, (c.desc.dtype = CLXENT_F64, c.args.target = &c.target.i32[1]), BUFFER, "element's 8 bytes");
    REFUSES(BINARY, (c.desc.dtype = CLXENT_F16, c.args.sample_weight = ODD(c.sample_weight)), BUFFER,
            "element's 2 bytes");
}

static void overlapping_arrays(void **state) {
    (void)state;
    REFUSES(BINARY, c.args.output = &c.input, BUFFER,
            "output overlaps input, which binary-cross-entropy does not allow");
    REFUSES(BINARY_BACKWARD, c.args.grad_input = &c.target, BUFFER, "grad_input overlaps target");
    REFUSES(BINARY_BACKWARD, c.args.grad_input = &c.input.f[1], BUFFER, "grad_input overlaps input in part");
    REFUSES(LOGITS_BOTH, c.args.grad_input = &c.output, BUFFER, "output overlaps grad_input");
    REFUSES(LOGITS_BOTH, (c.args.sample_weight = &c.weight, c.args.grad_input = &c.weight), BUFFER,
            "grad_input overlaps");
    REFUSES(LOSS_BOTH, WITH(give_more, c.args.argmax = &c.target2), BUFFER, "argmax overlaps target2");
    REFUSES(LOSS_BOTH, WITH(give_more, c.args.correct_count = c.argmax), BUFFER, "argmax overlaps correct_count");
    REFUSES(LOSS_BOTH, WITH(give_more, c.args.correct_count = &c.invalid_count), BUFFER,
            "invalid_count overlaps correct_count");
    /* A gradient that is added to must be apart from the input. */
    REFUSES(LOSS_BOTH, (c.desc.flags = CLXENT_ACCUMULATE_GRAD, c.args.grad_input = &c.input), BUFFER,
            "grad_input overlaps input, which cross-entropy does not allow");
    REFUSES(LOGITS_BACKWARD, (c.desc.flags = CLXENT_ACCUMULATE_GRAD, c.args.grad_input = &c.input), BUFFER,
            "grad_input overlaps input, which binary-cross-entropy-with-logits does not allow");
}

static void targets_outside_the_classes(void **state) {
    (void)state;
    REFUSES(LOSS, WITH(give_more, c.target2.i32[1] = 3), CLXENT_INVALID_TARGET, "target2[1] = 3 is outside [0, 3)");
    REFUSES(LOSS_BACKWARD, WITH(give_more, c.target2.i32[0] = -1), CLXENT_INVALID_TARGET, "target2[0] = -1 is outside");
    REFUSES(LOSS_BOTH, WITH(give_more, (c.mix_lambda.f[0] = 1, c.target2.i32[0] = 7)), CLXENT_INVALID_TARGET,
            "target2[0] = 7 is outside [0, 3)"); /* also where its share is 0 */
}

static void shares_out_of_range(void **state) {
    (void)state;
    REFUSES(LOSS, WITH(give_more, c.mix_lambda.f[0] = 1.5F), OPTION, "mix_lambda[0] is 1.5, it must be from 0 to 1");
    REFUSES(LOSS_BOTH, WITH(give_more, c.mix_lambda.f[0] = -.5F), OPTION, "mix_lambda[0] is -0.5, it must be");
    REFUSES(LOSS_BACKWARD, WITH(give_more, c.mix_lambda.f[0] = NAN), OPTION, "mix_lambda[0] is ");
}

static void probabilities_out_of_range(void **state) {
    (void)state;
    REFUSES(BINARY, c.input.f[4] = 1.5F, CLXENT_INVALID_INPUT, "input[4] = 1.5 is outside [0, 1]");
    REFUSES(BINARY_BACKWARD, c.input.f[0] = -.25F, CLXENT_INVALID_INPUT, "input[0] = -0.25 is outside [0, 1]");
    REFUSES(BINARY_BOTH, c.input.f[5] = INFINITY, CLXENT_INVALID_INPUT, "input[5] = inf is outside [0, 1]");
    REFUSES(BINARY, c.target.probabilities.f[3] = 2, CLXENT_INVALID_TARGET, "target[3] = 2 is outside [0, 1]");
    REFUSES(BINARY_BOTH, (c.target.probabilities.f[0] = -1, c.input.f[5] = -2), CLXENT_INVALID_INPUT, "input[5] = -2");
    REFUSES(BINARY_BOTH, (c.desc.target_type = CLXENT_TARGET_PROBABILITIES_F32, c.target.probabilities.f[2] = -1),
            CLXENT_INVALID_TARGET, "target[2] = -1 is outside [0, 1]");
    REFUSES(BINARY, (c.desc.dtype = CLXENT_BF16, c.target.probabilities.f[0] = 2), CLXENT_INVALID_TARGET,
            "target[1] = 2 is outside [0, 1]"); /* 2 is 0x4000 in the upper half */
}

/* What lies between the rows may be anything, and NaN is a result, not a refusal; with logits any number is one. */
static void numbers_that_are_not_refused(void **state) {
    (void)state;
    reference_case c;
    begin_good(&c, BINARY);
    c.desc.row_stride = 5;
    set_numbers(&c, &c.input, (const double[]){1, 1, 1, 7, -INF, 1, 1, 1, 9}, 9);
    set_numbers(&c, &c.target.probabilities, (const double[]){1, 1, 1, -7, INF, 1, 1, 1, 9}, 9);
    run_case(&c);
    assert_positive_zero(c.output.f[0]);
    c.input.f[1] = NAN;
    run_case(&c);
    assert_near(c.output.f[0], NAN, 0);
    begin_good(&c, LOGITS);
    set_numbers(&c, &c.input, (const double[]){-5, 5, 100, -1e4, 0, 2}, 6);
    set_numbers(&c, &c.target.probabilities, (const double[]){-1, 2, 1, 0, .5, 3}, 6);
    run_case(&c);
    assert_true(isfinite(c.output.f[0]));
    begin_good(&c, LOSS);
    use_probabilities(&c);
    c.target.probabilities.f[2] = -3;
    run_case(&c);
    assert_near(c.output.f[0], log(3), 1e-6); /* (1 + 1 - 3 + 3) log 3 over two rows */
}

/* For an empty batch nothing is missing, not the second target and not argmax. */
static void empty_batch(void **state) {
    (void)state;
    reference_case c;
    begin_case(&c, CLXENT_CROSS_ENTROPY, CLXENT_FORWARD_BACKWARD, CLXENT_F32, 0, 3);
    c.desc.reduction = CLXENT_REDUCTION_SUM;
    c.desc.mix_lambda = .5;
    c.mix_lambda.f[0] = .5F;
    c.args.mix_lambda = &c.mix_lambda;
    c.args.output = &c.output;
    c.args.correct_count = &c.correct_count;
    run_case(&c);
    assert_positive_zero(c.output.f[0]);
    assert_int_equal(c.correct_count, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_cases_are_good),
        cmocka_unit_test(options_of_another_operation),
        cmocka_unit_test(target_types_of_another_operation),
        cmocka_unit_test(options_out_of_range),
        cmocka_unit_test(missing_arrays),
        cmocka_unit_test(foreign_arrays),
        cmocka_unit_test(misaligned_arrays),
        cmocka_unit_test(overlapping_arrays),
        cmocka_unit_test(targets_outside_the_classes),
        cmocka_unit_test(shares_out_of_range),
        cmocka_unit_test(probabilities_out_of_range),
        cmocka_unit_test(numbers_that_are_not_refused),
        cmocka_unit_test(empty_batch),
    };
    return cmocka_run_group_tests_name("reference option refusals", tests, NULL, NULL);
}
