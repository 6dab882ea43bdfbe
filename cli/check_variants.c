/* The options that the cases of `clxent check` combine. Compiling takes most of the time, so there are few different
 * `features`, and many arguments for each. Every value of every option meets every engine in F32. */
#include "check_variants.h"

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

/* The scale is a power of two, so that scaling rounds nothing; the cap is small enough to bend ordinary logits. */
static const check_features plain = {.target_type = CLXENT_TARGET_I32};
#define FEATURES_CAPPED                                                                                                \
    { CLXENT_TARGET_I64, 0.1, 0, 5, 0 }
#define FEATURES_SQUARES                                                                                               \
    { CLXENT_TARGET_U8, 0.1, 0.5, 0, 0.1 }
#define FEATURES_PROBABILITIES                                                                                         \
    { CLXENT_TARGET_PROBABILITIES, 0, 0.5, 0, 0.1 }
#define FEATURES_SMOOTH_PROBABILITIES                                                                                  \
    { CLXENT_TARGET_PROBABILITIES, 0.1, 0, 5, 0 }
#define FEATURES_FLOAT_PROBABILITIES                                                                                   \
    { CLXENT_TARGET_PROBABILITIES_F32, 0.1, 0, 5, 0 }

static const check_variant cross_entropy[] = {
    {.passes = IN_ALL, .reduction = CLXENT_REDUCTION_MEAN, .large = true},
    {.passes = IN_ALL, .reduction = CLXENT_REDUCTION_NONE, .lse = true, .argmax = true, .counts = true, .poison = true},
    {.passes = IN_ALL,
     .reduction = CLXENT_REDUCTION_MEAN,
     .flags = CLXENT_ACCUMULATE_GRAD,
     .z_loss = 1e-4,
     .mix = 0.3,
     .grad_scale = 0.5,
     .weight = true,
     .sample_weight = true,
     .grad_output = true,
     .lse = true,
     .argmax = true,
     .counts = true,
     .ignore_inside = true},
    {.passes = IN_ALL,
     .reduction = CLXENT_REDUCTION_MEAN,
     .flags = CLXENT_EMPTY_MEAN_ZERO,
     .sample_weight = true,
     .nothing_counts = true,
     .few = true},
    {.passes = IN_BACKWARD,
     .features = FEATURES_CAPPED,
     .work_group_size = 1,
     .reduction = CLXENT_REDUCTION_SUM,
     .z_loss = 1e-4,
     .grad_scale = 4,
     .sample_weight = true,
     .grad_output = true,
     .lse = true},
    {.passes = IN_BOTH,
     .features = FEATURES_SQUARES,
     .work_group_size = 64,
     .reduction = CLXENT_REDUCTION_SUM,
     .mix = 0.7,
     .weight = true,
     .sample_weight = true,
     .mix_lambda = true,
     .lse = true,
     .argmax = true,
     .counts = true},
    {.passes = IN_FORWARD,
     .features = FEATURES_PROBABILITIES,
     .work_group_size = 64,
     .reduction = CLXENT_REDUCTION_MEAN,
     .weight = true,
     .sample_weight = true,
     .lse = true,
     .argmax = true},
    {.passes = IN_BOTH,
     .features = FEATURES_SMOOTH_PROBABILITIES,
     .work_group_size = 64,
     .reduction = CLXENT_REDUCTION_MEAN,
     .flags = CLXENT_ACCUMULATE_GRAD | CLXENT_EMPTY_MEAN_ZERO,
     .z_loss = 1e-4,
     .weight = true,
     .lse = true,
     .argmax = true},
    {.passes = IN_BOTH,
     .features = FEATURES_FLOAT_PROBABILITIES,
     .work_group_size = 64,
     .reduction = CLXENT_REDUCTION_NONE,
     .sample_weight = true,
     .grad_output = true,
     .poison = true},
};

static const check_variant nll_loss[] = {
    {.passes = IN_ALL, .reduction = CLXENT_REDUCTION_MEAN, .large = true},
    {.passes = IN_ALL,
     .work_group_size = 64,
     .reduction = CLXENT_REDUCTION_NONE,
     .weight = true,
     .sample_weight = true,
     .grad_output = true,
     .ignore_inside = true},
    {.passes = IN_ALL,
     .reduction = CLXENT_REDUCTION_SUM,
     .flags = CLXENT_ACCUMULATE_GRAD,
     .grad_scale = 4,
     .weight = true,
     .sample_weight = true,
     .counts = true},
    {.passes = IN_ALL, .reduction = CLXENT_REDUCTION_NONE, .poison = true},
    {.passes = IN_ALL,
     .reduction = CLXENT_REDUCTION_MEAN,
     .flags = CLXENT_EMPTY_MEAN_ZERO,
     .nothing_counts = true,
     .few = true},
};

#define BINARY                                                                                                         \
    { .target_type = CLXENT_TARGET_PROBABILITIES }
static const check_variant binary[] = {
    {.passes = IN_ALL, .features = BINARY, .reduction = CLXENT_REDUCTION_MEAN, .large = true},
    {.passes = IN_ALL,
     .features = {.target_type = CLXENT_TARGET_PROBABILITIES_F32},
     .work_group_size = 64,
     .reduction = CLXENT_REDUCTION_SUM,
     .flags = CLXENT_ACCUMULATE_GRAD,
     .grad_scale = 4,
     .weight = true,
     .sample_weight = true,
     .pos_weight = true,
     .grad_output = true},
    {.passes = IN_ALL,
     .features = BINARY,
     .reduction = CLXENT_REDUCTION_MEAN,
     .flags = CLXENT_EMPTY_MEAN_ZERO,
     .sample_weight = true},
    {.passes = IN_ALL, .features = BINARY, .reduction = CLXENT_REDUCTION_MEAN, .pos_weight = true, .poison = true},
};

static const check_variant softmax[] = {
    {.passes = IN_ALL, .large = true},
    {.passes = IN_ALL, .work_group_size = 64, .poison = true},
};

/* What shards can do, of what cross-entropy can. */
static const check_variant shards[] = {
    {.passes = IN_ALL, .reduction = CLXENT_REDUCTION_MEAN, .lse = true, .counts = true, .large = true},
    {.passes = IN_ALL,
     .reduction = CLXENT_REDUCTION_NONE,
     .weight = true,
     .linear_bias = true,
     .grad_output = true,
     .lse = true,
     .ignore_inside = true,
     .poison = true},
    {.passes = IN_ALL,
     .features = FEATURES_CAPPED,
     .work_group_size = 64,
     .reduction = CLXENT_REDUCTION_MEAN,
     .flags = CLXENT_ACCUMULATE_GRAD,
     .z_loss = 1e-4,
     .grad_scale = 4,
     .weight = true,
     .linear_bias = true,
     .sample_weight = true,
     .lse = true,
     .counts = true},
    {.passes = IN_ALL,
     .reduction = CLXENT_REDUCTION_SUM,
     .flags = CLXENT_EMPTY_MEAN_ZERO,
     .sample_weight = true,
     .grad_output = true,
     .nothing_counts = true,
     .few = true},
};

static const check_variant linear[] = {
    {.passes = IN_ALL, .reduction = CLXENT_REDUCTION_MEAN, .counts = true, .large = true},
    {.passes = IN_ALL,
     .reduction = CLXENT_REDUCTION_NONE,
     .grad_scale = 0.5,
     .weight = true,
     .linear_bias = true,
     .grad_output = true,
     .lse = true,
     .ignore_inside = true,
     .poison = true},
    {.passes = IN_ALL,
     .reduction = CLXENT_REDUCTION_MEAN,
     .flags = CLXENT_ACCUMULATE_GRAD | CLXENT_FILTER_GRADIENT,
     .linear_bias = true,
     .sample_weight = true},
    {.passes = IN_ALL,
     .features = FEATURES_CAPPED,
     .reduction = CLXENT_REDUCTION_MEAN,
     .flags = CLXENT_ACCUMULATE_GRAD,
     .z_loss = 1e-4,
     .weight = true,
     .linear_bias = true,
     .lse = true,
     .counts = true},
    {.passes = IN_FORWARD | IN_BOTH,
     .features = FEATURES_SQUARES,
     .reduction = CLXENT_REDUCTION_SUM,
     .grad_scale = 0.5,
     .sample_weight = true},
    {.passes = IN_ALL,
     .reduction = CLXENT_REDUCTION_SUM,
     .flags = CLXENT_EMPTY_MEAN_ZERO,
     .linear_bias = true,
     .grad_output = true,
     .nothing_counts = true,
     .few = true},
};

const check_variant *check_variants(const check_line *line, size_t *count) {
    if (line->shards) {
        *count = COUNT(shards);
        return shards;
    }
    switch (line->op) {
    case CLXENT_LINEAR_CROSS_ENTROPY:
        *count = COUNT(linear);
        return linear;
    case CLXENT_CROSS_ENTROPY:
        *count = COUNT(cross_entropy);
        return cross_entropy;
    case CLXENT_NLL_LOSS:
        *count = COUNT(nll_loss);
        return nll_loss;
    case CLXENT_BINARY_CROSS_ENTROPY:
    case CLXENT_BINARY_CROSS_ENTROPY_WITH_LOGITS:
        *count = COUNT(binary);
        return binary;
    default:
        *count = COUNT(softmax);
        return softmax;
    }
}

/* A line in another type than F32 has one program. Its kernel differs from the one for F32 by its types only, and takes
 * as long to compile (in double longer). */
static void narrow_type(check_variant *v, const check_line *line, size_t turn) {
    static const clxent_target_type probabilities[] = {CLXENT_TARGET_PROBABILITIES_F32, CLXENT_TARGET_PROBABILITIES};
    const check_features in_turn[] = {FEATURES_CAPPED, FEATURES_SMOOTH_PROBABILITIES, FEATURES_SQUARES,
                                      FEATURES_FLOAT_PROBABILITIES, plain};
    if (line->op != CLXENT_LINEAR_CROSS_ENTROPY)
        v->work_group_size = turn % 2 == 0 ? 64 : 1;
    if (line->shards || line->op == CLXENT_LINEAR_CROSS_ENTROPY)
        v->features = turn % 2 == 0 ? (check_features)FEATURES_CAPPED : plain;
    else if (line->op == CLXENT_CROSS_ENTROPY)
        v->features = in_turn[turn % COUNT(in_turn)];
    if (check_is_elementwise(line->op))
        v->features.target_type = probabilities[turn % 2];
}

check_variant check_narrow(const check_variant *v, const check_line *line) {
    static const clxent_target_type classes[] = {CLXENT_TARGET_I32, CLXENT_TARGET_I64, CLXENT_TARGET_U8};
    size_t turn = (size_t)line->op + (size_t)line->pass + (size_t)line->engine + (size_t)line->dtype;
    bool sized = line->engine == CLXENT_ENGINE_ROW_PER_GROUP || line->engine == CLXENT_ENGINE_ROW_SPLIT;
    check_variant result = *v;
    if (line->dtype != CLXENT_F32)
        narrow_type(&result, line, turn);
    else if (sized && line->op != CLXENT_CROSS_ENTROPY)
        result.work_group_size = 256; /* the size is compiled in too */
    /* The type of targets of nll-loss, and whether losses of elements are summed, are compiled in. */
    if (line->op == CLXENT_NLL_LOSS)
        result.features.target_type = classes[turn % 3];
    if (check_is_elementwise(line->op) && turn % 2 == 0)
        result.reduction = CLXENT_REDUCTION_NONE;
    return result;
}
