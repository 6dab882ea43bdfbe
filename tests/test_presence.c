/* Which tensors an operation takes: clxent_enqueue refuses a call where one is missing or does not belong, by exact
 * status, while every buffer and *event stay as they were, and takes it without those that are optional. */
#include "enqueue_attempt.h"

#define OP_AND_PASS(op, pass) op, pass

static void missing_buffers(void **state) {
    (void)state;
    REFUSES(SOFTMAX, a.args->input.mem = NULL, MISSING, "input is null, but this pass of softmax needs its 60 bytes");
    REFUSES(SOFTMAX, a.args->output.mem = NULL, MISSING, "output is null, but this pass of softmax needs its 60 bytes");
    REFUSES(SOFTMAX_BACKWARD, a.args->output.mem = NULL, MISSING, "output is null");
    REFUSES(SOFTMAX_BACKWARD, a.args->grad_output.mem = NULL, MISSING, "grad_output is null");
    REFUSES(SOFTMAX_BACKWARD, a.args->grad_input.mem = NULL, MISSING, "grad_input is null");
    REFUSES(LOG_SOFTMAX, a.args->input.mem = NULL, MISSING, "input is null");
    REFUSES(LOG_SOFTMAX, a.args->output.mem = NULL, MISSING, "output is null");
    REFUSES(LOG_SOFTMAX_BACKWARD, a.args->output.mem = NULL, MISSING, "output is null");
    REFUSES(LOG_SOFTMAX_BACKWARD, a.args->grad_output.mem = NULL, MISSING, "grad_output is null");
    REFUSES(LOG_SOFTMAX_BACKWARD, a.args->grad_input.mem = NULL, MISSING, "grad_input is null");
    REFUSES(NLL, a.args->input.mem = NULL, MISSING, "input is null, but this pass of nll-loss needs its 60 bytes");
    REFUSES(NLL, a.args->target.mem = NULL, MISSING, "target is null, but this pass of nll-loss needs its 12 bytes");
    REFUSES(NLL, a.args->output.mem = NULL, MISSING, "output is null, but this pass of nll-loss needs its 4 bytes");
    REFUSES(NLL_BACKWARD, a.args->target.mem = NULL, MISSING, "target is null");
    REFUSES(NLL_BACKWARD, a.args->grad_input.mem = NULL, MISSING, "grad_input is null");
    REFUSES(LOSS, a.args->input.mem = NULL, MISSING, "input is null, but this pass of cross-entropy needs");
    REFUSES(LOSS, a.args->target.mem = NULL, MISSING, "target is null");
    REFUSES(LOSS, a.args->output.mem = NULL, MISSING, "output is null");
    REFUSES(LOSS_BACKWARD, a.args->input.mem = NULL, MISSING, "input is null");
    REFUSES(LOSS_BACKWARD, a.args->target.mem = NULL, MISSING, "target is null");
    REFUSES(LOSS_BACKWARD, a.args->grad_input.mem = NULL, MISSING, "grad_input is null");
    REFUSES(LOSS_BOTH, a.args->input.mem = NULL, MISSING, "input is null");
    REFUSES(LOSS_BOTH, a.args->target.mem = NULL, MISSING, "target is null");
    REFUSES(LOSS_BOTH, a.args->output.mem = NULL, MISSING, "output is null");
    REFUSES(LOSS_BOTH, a.args->grad_input.mem = NULL, MISSING, "grad_input is null");
    REFUSES(BINARY, a.args->input.mem = NULL, MISSING, "input is null, but this pass of binary-cross-entropy needs");
    REFUSES(BINARY, a.args->target.mem = NULL, MISSING,
            "target is null, but this pass of binary-cross-entropy needs its 60 bytes");
    REFUSES(BINARY, a.args->output.mem = NULL, MISSING, "output is null");
    REFUSES(BINARY_BACKWARD, a.args->input.mem = NULL, MISSING, "input is null");
    REFUSES(BINARY_BOTH, a.args->grad_input.mem = NULL, MISSING, "grad_input is null");
    REFUSES(LOGITS, a.args->target.mem = NULL, MISSING,
            "target is null, but this pass of binary-cross-entropy-with-logits needs its 60 bytes");
    REFUSES(LOGITS_BACKWARD, a.args->input.mem = NULL, MISSING, "input is null");
    REFUSES(LOGITS_BACKWARD, a.args->target.mem = NULL, MISSING, "target is null");
    REFUSES(LOGITS_BACKWARD, a.args->grad_input.mem = NULL, MISSING, "grad_input is null");
    REFUSES(LOGITS_BOTH, a.args->output.mem = NULL, MISSING, "output is null");
    REFUSES(LINEAR, a.args->linear_weight.mem = NULL, MISSING,
            "linear_weight is null, but this pass of linear-cross-entropy needs its 80 bytes");
    REFUSES(LINEAR, a.args->input.mem = NULL, MISSING, "input is null, but this pass of linear-cross-entropy needs");
    REFUSES(LINEAR_BACKWARD, a.args->target.mem = NULL, MISSING, "target is null");
    REFUSES(LINEAR_BACKWARD, a.args->grad_input.mem = NULL, MISSING, "grad_input is null");
    REFUSES(LINEAR_BOTH, a.args->output.mem = NULL, MISSING, "output is null");
    REFUSES(LINEAR_BOTH, a.args->workspace.mem = NULL, MISSING, "workspace is null");
    REFUSES(MERGE, a.args->partial.mem = NULL, MISSING, "partial is null, but this pass of merge needs its 144 bytes");
    REFUSES(MERGE, a.args->target.mem = NULL, MISSING, "target is null");
    REFUSES(MERGE, a.args->output.mem = NULL, MISSING, "output is null");
    REFUSES_WITH(LOSS, SHARD(FORWARD), a.args->partial.mem = NULL, MISSING,
                 "partial is null, but this pass of cross-entropy of a shard needs its 72 bytes");
    REFUSES_WITH(LOSS_BACKWARD, SHARD(BACKWARD), a.args->merged.mem = NULL, MISSING,
                 "merged is null, but this pass of cross-entropy of a shard needs its 72 bytes");
    REFUSES_WITH(LOSS_BACKWARD, SHARD(BACKWARD), a.args->weight_sum.mem = NULL, MISSING,
                 "weight_sum is null, but this pass of cross-entropy of a shard needs its 8 bytes");
    REFUSES_WITH(LOGITS, NO_REDUCTION, a.args->output.mem = NULL, MISSING,
                 "output is null, but this pass of binary-cross-entropy-with-logits needs its 60 bytes");
    REFUSES_WITH(LOSS, PROBABILITIES, a.args->target.mem = NULL, MISSING,
                 "target is null, but this pass of cross-entropy needs its 60 bytes");
}

/* What is optional may be missing, each alone and all together. */
static void optional_buffers(void **state) {
    (void)state;
    static const int optional[] = {CLX_WEIGHT,      CLX_SAMPLE_WEIGHT, CLX_MIX_LAMBDA,    CLX_LSE,    CLX_ARGMAX,
                                   CLX_GRAD_OUTPUT, CLX_INVALID_COUNT, CLX_CORRECT_COUNT, CLX_TARGET2};
    enum { OPTIONAL = sizeof optional / sizeof optional[0] };
    for (size_t i = 0; i < OPTIONAL; i++) {
        ACCEPTS(LOSS_BOTH, {
            case_drop(&a.c, optional[i]);
            if (optional[i] == CLX_TARGET2)
                case_drop(&a.c, CLX_MIX_LAMBDA);
            if (optional[i] == CLX_ARGMAX)
                case_drop(&a.c, CLX_CORRECT_COUNT);
        });
    }
    ACCEPTS(LOSS_BOTH, for (size_t i = 0; i < OPTIONAL; i++) case_drop(&a.c, optional[i]));
    ACCEPTS(LOSS_BACKWARD, for (size_t i = 0; i < OPTIONAL; i++) case_drop(&a.c, optional[i]));
    ACCEPTS_WITH(LOSS_BOTH, PROBABILITIES, for (size_t i = 0; i < OPTIONAL; i++) case_drop(&a.c, optional[i]));
    ACCEPTS(LOGITS_BOTH, case_drop(&a.c, CLX_POS_WEIGHT));
    ACCEPTS(LOGITS_BOTH, for (size_t i = 0; i < OPTIONAL; i++) case_drop(&a.c, optional[i]));
    ACCEPTS(BINARY_BOTH, for (size_t i = 0; i < OPTIONAL; i++) case_drop(&a.c, optional[i]));
    ACCEPTS(NLL, for (size_t i = 0; i < OPTIONAL; i++) case_drop(&a.c, optional[i]));
    static const int of_layer[] = {CLX_LINEAR_BIAS, CLX_GRAD_LINEAR_WEIGHT, CLX_GRAD_LINEAR_BIAS};
    for (size_t i = 0; i < 3; i++)
        ACCEPTS(LINEAR_BOTH, case_drop(&a.c, of_layer[i]));
    ACCEPTS(LINEAR_BOTH, {
        for (size_t i = 0; i < OPTIONAL; i++)
            case_drop(&a.c, optional[i]);
        for (size_t i = 0; i < 3; i++)
            case_drop(&a.c, of_layer[i]);
    });
    ACCEPTS(MERGE, (case_drop(&a.c, CLX_MERGED), case_drop(&a.c, CLX_WEIGHT_SUM), case_drop(&a.c, CLX_LSE)));
    ACCEPTS_WITH(LOSS_BACKWARD, (SHARD(BACKWARD), a.c.desc.reduction = CLXENT_REDUCTION_SUM),
                 a.args->weight_sum.mem = NULL);
}

/* Tensors that need another one. */
static void buffers_that_go_together(void **state) {
    (void)state;
    static const clxent_pass passes[] = {CLXENT_FORWARD, CLXENT_BACKWARD, CLXENT_FORWARD_BACKWARD};
    for (size_t i = 0; i < 3; i++) {
        REFUSES(OP_AND_PASS(CLXENT_CROSS_ENTROPY, passes[i]), case_drop(&a.c, CLX_TARGET2), MISSING,
                "mix_lambda is given, but target2 is null");
        REFUSES_WITH(OP_AND_PASS(CLXENT_CROSS_ENTROPY, passes[i]), a.c.desc.mix_lambda = .75,
                     (case_drop(&a.c, CLX_TARGET2), case_drop(&a.c, CLX_MIX_LAMBDA)), MISSING,
                     "mix_lambda is 0.75, but target2 is null");
        REFUSES_WITH(OP_AND_PASS(CLXENT_CROSS_ENTROPY, passes[i]), a.c.desc.mix_lambda = 0,
                     (case_drop(&a.c, CLX_TARGET2), case_drop(&a.c, CLX_MIX_LAMBDA)), MISSING,
                     "mix_lambda is 0, but target2 is null");
    }
    /* A second target with a share of its own, or of 0. */
    ACCEPTS(LOSS_BOTH, case_drop(&a.c, CLX_MIX_LAMBDA));
    ACCEPTS_WITH(LOSS_BOTH, a.c.desc.mix_lambda = .75, case_drop(&a.c, CLX_MIX_LAMBDA));
    ACCEPTS_WITH(LOSS_BOTH, a.c.desc.mix_lambda = 0, case_drop(&a.c, CLX_MIX_LAMBDA));
    REFUSES(LOSS, case_drop(&a.c, CLX_ARGMAX), MISSING, "correct_count is given, but argmax, which it needs, is null");
    REFUSES(LOSS_BOTH, case_drop(&a.c, CLX_ARGMAX), MISSING, "correct_count is given, but argmax, which it needs");
    /* Neither is looked at in this pass. */
    cl_mem any = make_buffer(8, NULL);
    ACCEPTS(LOSS_BACKWARD, a.args->correct_count.mem = any);
    clReleaseMemObject(any);
}

/* Tensors that no pass of the operation uses, whatever buffer they are. */
static void foreign_buffers(void **state) {
    (void)state;
    cl_mem any = make_buffer(64, NULL);
    REFUSES(SOFTMAX, a.args->target.mem = any, ARGUMENT, "target is given, but no pass of softmax uses it");
    REFUSES(SOFTMAX, a.args->weight.mem = any, ARGUMENT, "weight is given, but no pass of softmax uses it");
    REFUSES(SOFTMAX, a.args->lse.mem = any, ARGUMENT, "lse is given, but no pass of softmax uses it");
    REFUSES(SOFTMAX, a.args->invalid_count.mem = any, ARGUMENT, "invalid_count is given, but no pass of softmax");
    REFUSES(SOFTMAX_BACKWARD, a.args->target.mem = any, ARGUMENT, "target is given, but no pass of softmax uses it");
    REFUSES(SOFTMAX_BACKWARD, a.args->lse.mem = any, ARGUMENT, "lse is given, but no pass of softmax uses it");
    REFUSES(LOG_SOFTMAX, a.args->target.mem = any, ARGUMENT, "target is given, but no pass of log-softmax uses it");
    REFUSES(LOG_SOFTMAX, a.args->weight.mem = any, ARGUMENT, "weight is given, but no pass of log-softmax uses it");
    REFUSES(LOG_SOFTMAX_BACKWARD, a.args->lse.mem = any, ARGUMENT, "lse is given, but no pass of log-softmax");
    REFUSES(LOG_SOFTMAX_BACKWARD, a.args->invalid_count.mem = any, ARGUMENT, "invalid_count is given");
    REFUSES(NLL, a.args->lse.mem = any, ARGUMENT, "lse is given, but no pass of nll-loss uses it");
    REFUSES(NLL_BACKWARD, a.args->lse.mem = any, ARGUMENT, "lse is given, but no pass of nll-loss uses it");
    clReleaseMemObject(any);
}

/* The rest of the header's table: what is foreign to each operation, in all of its passes. */
static void refuse_all_foreign(clxent_op op, const char *title, const int *foreign, size_t count) {
    cl_mem any = make_buffer(64, NULL);
    for (clxent_pass pass = CLXENT_FORWARD; pass <= CLXENT_FORWARD_BACKWARD; pass++) {
        for (size_t i = 0; i < count && has_pass(op, pass); i++) {
            char text[160];
            snprintf(text, sizeof text, "%s is given, but no pass of %s uses it", case_tensor_name(foreign[i]), title);
            REFUSES(OP_AND_PASS(op, pass), case_buffer(&a.c, foreign[i])->mem = any, ARGUMENT, text);
        }
    }
    clReleaseMemObject(any);
}

#define OF_LAYER CLX_LINEAR_WEIGHT, CLX_LINEAR_BIAS, CLX_GRAD_LINEAR_WEIGHT, CLX_GRAD_LINEAR_BIAS
#define ALL_FOREIGN(op, title, list) refuse_all_foreign(op, title, list, sizeof list / sizeof list[0])

static void foreign_buffers_of_every_operation(void **state) {
    (void)state;
    static const int of_softmax[] = {CLX_TARGET,     CLX_TARGET2, CLX_WEIGHT,     CLX_SAMPLE_WEIGHT, CLX_POS_WEIGHT,
                                     CLX_MIX_LAMBDA, CLX_LSE,     CLX_ARGMAX,     CLX_INVALID_COUNT, CLX_CORRECT_COUNT,
                                     CLX_PARTIAL,    CLX_MERGED,  CLX_WEIGHT_SUM, OF_LAYER};
    static const int of_nll[] = {CLX_TARGET2,       CLX_POS_WEIGHT, CLX_MIX_LAMBDA, CLX_LSE, CLX_ARGMAX,
                                 CLX_CORRECT_COUNT, CLX_PARTIAL,    CLX_MERGED,     OF_LAYER};
    static const int of_cross_entropy[] = {CLX_POS_WEIGHT, CLX_PARTIAL, CLX_MERGED, OF_LAYER};
    static const int of_binary[] = {CLX_TARGET2,       CLX_MIX_LAMBDA, CLX_LSE,    CLX_ARGMAX,     CLX_INVALID_COUNT,
                                    CLX_CORRECT_COUNT, CLX_PARTIAL,    CLX_MERGED, CLX_WEIGHT_SUM, OF_LAYER};
    static const int of_binary_alone[] = {CLX_POS_WEIGHT};
    static const int of_merge[] = {CLX_INPUT,  CLX_TARGET2,     CLX_WEIGHT,     CLX_POS_WEIGHT,    CLX_MIX_LAMBDA,
                                   CLX_ARGMAX, CLX_GRAD_OUTPUT, CLX_GRAD_INPUT, CLX_CORRECT_COUNT, OF_LAYER};
    static const int of_linear[] = {CLX_TARGET2, CLX_POS_WEIGHT,    CLX_MIX_LAMBDA, CLX_ARGMAX,
                                    CLX_PARTIAL, CLX_CORRECT_COUNT, CLX_MERGED,     CLX_WEIGHT_SUM};
    ALL_FOREIGN(CLXENT_SOFTMAX, "softmax", of_softmax);
    ALL_FOREIGN(CLXENT_LOG_SOFTMAX, "log-softmax", of_softmax);
    ALL_FOREIGN(CLXENT_NLL_LOSS, "nll-loss", of_nll);
    ALL_FOREIGN(CLXENT_CROSS_ENTROPY, "cross-entropy", of_cross_entropy);
    ALL_FOREIGN(CLXENT_BINARY_CROSS_ENTROPY, "binary-cross-entropy", of_binary);
    ALL_FOREIGN(CLXENT_BINARY_CROSS_ENTROPY, "binary-cross-entropy", of_binary_alone);
    ALL_FOREIGN(CLXENT_BINARY_CROSS_ENTROPY_WITH_LOGITS, "binary-cross-entropy-with-logits", of_binary);
    ALL_FOREIGN(CLXENT_MERGE, "merge", of_merge);
    ALL_FOREIGN(CLXENT_LINEAR_CROSS_ENTROPY, "linear-cross-entropy", of_linear);
}

/* The same of a shard. */
static void foreign_buffers_of_a_shard(void **state) {
    (void)state;
    static const int of_shard[] = {CLX_TARGET2, CLX_POS_WEIGHT,    CLX_MIX_LAMBDA,
                                   CLX_ARGMAX,  CLX_CORRECT_COUNT, OF_LAYER};
    cl_mem any = make_buffer(64, NULL);
    for (size_t i = 0; i < sizeof of_shard / sizeof of_shard[0]; i++) {
        char text[160];
        snprintf(text, sizeof text, "%s is given, but no pass of cross-entropy of a shard uses it",
                 case_tensor_name(of_shard[i]));
        REFUSES_WITH(LOSS, SHARD(FORWARD), case_buffer(&a.c, of_shard[i])->mem = any, ARGUMENT, text);
        REFUSES_WITH(LOSS_BACKWARD, SHARD(BACKWARD), case_buffer(&a.c, of_shard[i])->mem = any, ARGUMENT, text);
    }
    clReleaseMemObject(any);
}

static void foreign_to_probabilities(void **state) {
    (void)state;
    static const int foreign[] = {CLX_TARGET2, CLX_MIX_LAMBDA, CLX_INVALID_COUNT, CLX_CORRECT_COUNT, CLX_WEIGHT_SUM};
    cl_mem any = make_buffer(64, NULL);
    for (clxent_pass pass = CLXENT_FORWARD; pass <= CLXENT_FORWARD_BACKWARD; pass++) {
        for (size_t i = 0; i < 5; i++) {
            char text[160];
            snprintf(text, sizeof text, "%s is given, but it has no meaning with target probabilities",
                     case_tensor_name(foreign[i]));
            REFUSES_WITH(OP_AND_PASS(CLXENT_CROSS_ENTROPY, pass), PROBABILITIES,
                         case_buffer(&a.c, foreign[i])->mem = any, ARGUMENT, text);
        }
    }
    clReleaseMemObject(any);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(missing_buffers),
        cmocka_unit_test(optional_buffers),
        cmocka_unit_test(buffers_that_go_together),
        cmocka_unit_test(foreign_buffers),
        cmocka_unit_test(foreign_buffers_of_every_operation),
        cmocka_unit_test(foreign_buffers_of_a_shard),
        cmocka_unit_test(foreign_to_probabilities),
    };
    return cmocka_run_group_tests_name("presence", tests, open_device, close_device);
}
