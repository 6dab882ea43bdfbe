/* Random combinations of everything: operation, pass, storage type, engine, target type, shape, options, tensors and
 * way to run. A program of the device is what takes time, so a few are drawn, each with several sets of arguments.
 *
 *   CLXENT_TEST_SEED=N       draws the same again; the seed is printed
 *   CLXENT_RANDOM_PROGRAM=N  only that program
 *   CLXENT_RANDOM_CASES=N    so many cases, 25 for each program, instead of 100; the long tier takes 10000 */
#include "device_cases.h"
#include "setting.h"

#include <inttypes.h>

#define CASES 25 /* of each program */

static uint64_t state;

static bool chance(double share) {
    return (draw(&state) + 1) / 2 < share;
}

static size_t pick(size_t count) {
    return draw_below(&state, count);
}

/* A number that a float holds, as the device takes options. */
static double between(double low, double high) {
    return (double)(float)(low + (high - low) * (draw(&state) + 1) / 2);
}

/* ---- what is compiled in ---- */

static void draw_features(device_case *c) {
    clxent_desc *desc = &c->desc;
    if (desc->op == CLXENT_CROSS_ENTROPY) {
        desc->target_type = (clxent_target_type)pick(5);
        desc->label_smoothing = chance(0.4);
        desc->logit_scale = chance(0.4) ? 2 : 1;
        desc->logit_softcap = chance(0.3);
        desc->reg_lambda = chance(0.3);
    } else if (desc->op == CLXENT_NLL_LOSS) {
        desc->target_type = (clxent_target_type)pick(3);
    } else if (is_binary(desc->op)) {
        desc->target_type = chance(0.6) ? CLXENT_TARGET_PROBABILITIES : CLXENT_TARGET_PROBABILITIES_F32;
        desc->reduction = chance(0.4) ? CLXENT_REDUCTION_NONE : CLXENT_REDUCTION_MEAN;
    }
}

static device_case draw_program(void) {
    static const clxent_op ops[] = {CLXENT_CROSS_ENTROPY,
                                    CLXENT_CROSS_ENTROPY,
                                    CLXENT_CROSS_ENTROPY,
                                    CLXENT_CROSS_ENTROPY,
                                    CLXENT_CROSS_ENTROPY,
                                    CLXENT_BINARY_CROSS_ENTROPY,
                                    CLXENT_BINARY_CROSS_ENTROPY_WITH_LOGITS,
                                    CLXENT_NLL_LOSS,
                                    CLXENT_SOFTMAX,
                                    CLXENT_LOG_SOFTMAX};
    static const clxent_dtype dtypes[] = {CLXENT_F32, CLXENT_F32, CLXENT_F32, CLXENT_F64, CLXENT_F16, CLXENT_BF16};
    static const size_t groups[] = {0, 0, 7, 16};
    device_case c;
    memset(&c, 0, sizeof c);
    clxent_desc_init(&c.desc, ops[pick(sizeof ops / sizeof ops[0])]);
    c.desc.dtype = dtypes[pick(sizeof dtypes / sizeof dtypes[0])];
    c.desc.pass = (clxent_pass)pick(c.desc.op == CLXENT_CROSS_ENTROPY || is_binary(c.desc.op) ? 3 : 2);
    c.desc.engine = (clxent_engine)pick(CLXENT_ENGINE_ROW_SPLIT + 1);
    c.desc.work_group_size = groups[pick(4)];
    if (c.desc.op == CLXENT_NLL_LOSS && c.desc.pass == CLXENT_FORWARD && c.desc.engine == CLXENT_ENGINE_ROW_SPLIT)
        c.desc.engine = CLXENT_ENGINE_AUTO; /* nothing to split */
    draw_features(&c);
    return c;
}

/* ---- arguments ---- */

static void draw_shape(clxent_desc *desc) {
    static const size_t edges[] = {1, 2, 3, 7, 8, 9, 15, 16, 17, 31, 33, 63, 64, 65, 127, 128, 129, 255, 257, 1000};
    static const size_t large[] = {16383, 16384, 16385, 33000};
    bool takes_inner = desc->engine == CLXENT_ENGINE_AUTO || desc->engine == CLXENT_ENGINE_COLUMN;
    bool split = desc->engine == CLXENT_ENGINE_ROW_SPLIT;
    desc->batch = 1 + pick(12);
    desc->classes = chance(0.5) ? edges[pick(sizeof edges / sizeof edges[0])] : 1 + pick(300);
    if (takes_inner && chance(0.7)) {
        desc->inner = 1 + pick(36);
        desc->classes = 1 + (desc->classes - 1) % 100;
        desc->batch = 1 + pick(4);
    } else if (chance(split ? 0.4 : 0.04)) {
        desc->classes = large[pick(4)];
        desc->batch = 1 + pick(2);
    } else if (chance(0.1)) {
        desc->batch = 60 + pick(200);
        desc->classes = 1 + pick(20);
    }
    if (chance(0.3))
        desc->row_stride = desc->classes * desc->inner + 1 + pick(9);
}

static void draw_targets(device_case *c) {
    clxent_desc *desc = &c->desc;
    bool small = desc->target_type == CLXENT_TARGET_U8;
    if (desc->target_type >= CLXENT_TARGET_PROBABILITIES)
        return;
    desc->ignore_index = chance(0.4) ? (int64_t)pick(small && desc->classes > 256 ? 256 : desc->classes)
                         : small     ? 255
                                     : -100;
    if (desc->op == CLXENT_CROSS_ENTROPY && (c->given & GIVE(CLX_TARGET2)))
        desc->mix_lambda = chance(0.3) ? (double)pick(2) : between(0, 1);
    else
        c->given &= ~GIVE(CLX_MIX_LAMBDA);
}

static void draw_logit_options(clxent_desc *desc) {
    if (desc->label_smoothing > 0)
        desc->label_smoothing = chance(0.2) ? 1 : between(0.01, 0.5);
    if (desc->logit_scale != 1)
        desc->logit_scale = chance(0.06) ? 0 : chance(0.3) ? -between(0.25, 2) : chance(0.5) ? 0.5 : between(0.1, 3);
    if (desc->logit_softcap > 0)
        desc->logit_softcap = between(2, 60);
    if (chance(0.4))
        desc->z_loss = between(1e-5, 0.1);
    if (desc->reg_lambda != 0)
        desc->reg_lambda = chance(0.3) ? -between(0.1, 1) : between(0.1, 2);
}

static void draw_in_place(device_case *c) {
    clxent_desc *desc = &c->desc;
    bool forward = desc->pass == CLXENT_FORWARD;
    if (!chance(0.4) || desc->op == CLXENT_NLL_LOSS || (desc->flags & CLXENT_ACCUMULATE_GRAD))
        return;
    if (is_loss(desc->op))
        c->in_place = forward ? APART : OVER_INPUT;
    else
        c->in_place = forward ? OVER_INPUT : chance(0.5) ? OVER_OUTPUT : OVER_GRAD_OUTPUT;
}

static device_case draw_arguments(const device_case *program) {
    device_case c = *program;
    clxent_desc *desc = &c.desc;
    c.seed = state | 1;
    draw_shape(desc);
    for (clx_tensor tensor = 0; tensor < CLX_TENSORS; tensor++)
        c.given |= chance(0.4) ? GIVE(tensor) : 0;
    if (c.given & GIVE(CLX_CORRECT_COUNT))
        c.given |= GIVE(CLX_ARGMAX);
    c.zero_weights = chance(0.3);
    c.poison = chance(0.25);
    if (is_loss(desc->op)) {
        bool fixed = is_binary(desc->op) && desc->reduction == CLXENT_REDUCTION_NONE;
        if (!fixed)
            desc->reduction = is_binary(desc->op) ? (clxent_reduction)(1 + pick(2)) : (clxent_reduction)pick(3);
        desc->flags = pick(4);
        desc->grad_scale = chance(0.3) ? between(-8, 512) : 1;
        draw_targets(&c);
    }
    if (desc->op == CLXENT_CROSS_ENTROPY)
        draw_logit_options(desc);
    draw_in_place(&c);
    return c;
}

/* ---- running ---- */

static void check_program(size_t number) {
    state = device.seed + (number + 1) * 0x9e3779b97f4a7c15u;
    device_case program = draw_program();
    for (size_t i = 0; i < CASES; i++) {
        device_case c = draw_arguments(&program);
        snprintf(device.note, sizeof device.note, " CLXENT_RANDOM_PROGRAM=%zu, its case %zu", number, i);
        check_case(&c, chance(0.5) ? BY_RUN : BY_ENQUEUE);
    }
}

static void test_random_cases(void **unused) {
    (void)unused;
    const size_t only = setting("CLXENT_RANDOM_PROGRAM", SIZE_MAX);
    const size_t programs = (setting("CLXENT_RANDOM_CASES", 100) + CASES - 1) / CASES;
    print_message("%zu programs, %d cases of each\n", programs, CASES);
    for (size_t i = 0; i < programs; i++)
        if (only == SIZE_MAX || only == i)
            check_program(i);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_random_cases)};
    return cmocka_run_group_tests(tests, open_device, close_device);
}
