/* Which descriptors share a compiled program: those that differ in numbers, flags and shapes alone. A plan never builds
 * more than one. */
#include "api_fixture.h"
#include "opencl_calls.h"

/* Sets what belongs to one program; `variant` changes what does not. */
typedef void (*setup)(clxent_desc *desc);

typedef struct family {
    const char *name;
    clxent_op op;
    setup features;
} family;

static void plain(clxent_desc *desc) {
    (void)desc;
}

static void smoothed(clxent_desc *desc) {
    desc->label_smoothing = .1;
}

static void scaled(clxent_desc *desc) {
    desc->logit_scale = 2;
}

static void capped(clxent_desc *desc) {
    desc->logit_softcap = 30;
}

static void regularised(clxent_desc *desc) {
    desc->reg_lambda = .5;
}

static void with_probabilities(clxent_desc *desc) {
    set_probabilities(desc, CLXENT_TARGET_PROBABILITIES);
}

static void with_elements(clxent_desc *desc) {
    desc->reduction = CLXENT_REDUCTION_NONE;
}

static const family families[] = {
    {"plain", CLXENT_CROSS_ENTROPY, plain},
    {"smoothed", CLXENT_CROSS_ENTROPY, smoothed},
    {"scaled", CLXENT_CROSS_ENTROPY, scaled},
    {"capped", CLXENT_CROSS_ENTROPY, capped},
    {"regularised", CLXENT_CROSS_ENTROPY, regularised},
    {"all options", CLXENT_CROSS_ENTROPY, set_all_options},
    {"probabilities", CLXENT_CROSS_ENTROPY, with_probabilities},
    {"binary", CLXENT_BINARY_CROSS_ENTROPY, plain},
    {"binary by element", CLXENT_BINARY_CROSS_ENTROPY, with_elements},
    {"binary with logits", CLXENT_BINARY_CROSS_ENTROPY_WITH_LOGITS, plain},
};
enum { FAMILIES = sizeof families / sizeof families[0] };

/* The same features with other scalars. Gives false where the family does not take the variant. */
static bool vary(clxent_desc *desc, size_t variant) {
    bool logits = desc->op == CLXENT_CROSS_ENTROPY;
    bool classes = logits && desc->target_type < CLXENT_TARGET_PROBABILITIES;
    switch (variant) {
    case 0:
        desc->batch = 77;
        desc->classes = 30;
        desc->row_stride = 500;
        return true;
    case 1:
        if (desc->op == CLXENT_CROSS_ENTROPY)
            desc->reduction = CLXENT_REDUCTION_NONE;
        else if (desc->reduction == CLXENT_REDUCTION_MEAN)
            desc->reduction = CLXENT_REDUCTION_SUM;
        return true;
    case 2:
        desc->grad_scale = 1024;
        desc->flags ^= CLXENT_ACCUMULATE_GRAD;
        return true;
    case 3:
        desc->flags ^= CLXENT_EMPTY_MEAN_ZERO;
        return true;
    case 4:
        desc->z_loss = desc->z_loss + 1e-4;
        return logits;
    case 5:
        desc->mix_lambda = .3;
        desc->ignore_index = 4;
        return classes;
    case 6: /* compiled in or not, its value is an argument */
        desc->label_smoothing = desc->label_smoothing != 0 || !classes ? .3 : 0;
        desc->reg_lambda = desc->reg_lambda != 0 ? -2 : 0;
        desc->logit_softcap = desc->logit_softcap != 0 ? 5 : 0;
        desc->logit_scale = desc->logit_scale != 1 || desc->logit_softcap != 0 ? -.5 : 1;
        return logits;
    case 7: /* float is the type of the logits */
        desc->target_type = CLXENT_TARGET_PROBABILITIES_F32;
        return !classes;
    default:
        return false;
    }
}
enum { VARIANTS = 8 };

static unsigned builds_of(clxent_context *context, const clxent_desc *desc) {
    clxent_plan *plan = NULL;
    clxent_plan_info info = {.struct_size = sizeof info};
    size_t before = calls_of(BUILD_PROGRAM);
    assert_success(clxent_plan_create(context, desc, &plan));
    assert_success(clxent_plan_get_info(plan, &info));
    assert_int_equal(calls_of(BUILD_PROGRAM) - before, info.programs_built);
    assert_in_range(info.programs_built, 0, 1);
    clxent_plan_destroy(plan);
    return info.programs_built;
}

static void scalars_share_a_program(void **state) {
    (void)state;
    clxent_context *context = NULL;
    size_t variants = 0;
    assert_success(clxent_context_create(NULL, the_device.id, &context));
    for (size_t i = 0; i < FAMILIES; i++) {
        clxent_desc desc = good_desc(families[i].op, CLXENT_FORWARD_BACKWARD);
        desc.engine = CLXENT_ENGINE_ROWS_PER_LANE;
        families[i].features(&desc);
        if (builds_of(context, &desc) != 1)
            fail_msg("%s shares the program of another one", families[i].name);
        for (size_t variant = 0; variant < VARIANTS; variant++) {
            clxent_desc varied = desc;
            if (!vary(&varied, variant))
                continue;
            variants++;
            if (builds_of(context, &varied) != 0)
                fail_msg("%s, variant %zu: a program of its own", families[i].name, variant);
        }
    }
    assert_true(variants > 4 * FAMILIES);
    clxent_context_destroy(context);
}

/* Optional tensors are no part of a plan at all: with and without them, one program serves. */
static void tensors_build_nothing(void **state) {
    (void)state;
    api_case c;
    case_make(&c, LOSS_BOTH);
    static const int optional[] = {CLX_CORRECT_COUNT, CLX_ARGMAX,     CLX_LSE,     CLX_WEIGHT,        CLX_SAMPLE_WEIGHT,
                                   CLX_GRAD_OUTPUT,   CLX_MIX_LAMBDA, CLX_TARGET2, CLX_INVALID_COUNT, CLX_WEIGHT_SUM};
    reset_calls();
    for (size_t i = 0; i < sizeof optional / sizeof optional[0]; i++) {
        case_drop(&c, optional[i]);
        assert_success(case_run(&c));
        assert_right(&c);
    }
    assert_int_equal(calls_of(BUILD_PROGRAM), 0);
    assert_int_equal(calls_of(CREATE_KERNEL), 0);
    assert_int_equal(calls_of(CREATE_BUFFER), 0);
    case_release(&c);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(scalars_share_a_program),
        cmocka_unit_test(tensors_build_nothing),
    };
    return cmocka_run_group_tests_name("program cache", tests, open_device, close_device);
}
