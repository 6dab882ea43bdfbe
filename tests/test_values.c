/* Values that no loss has: probabilities outside [0, 1], a share outside [0, 1]. clxent_run refuses them by exact
 * status, names the first one and writes nothing; clxent_enqueue, which cannot look, takes them as they are. */
#include "run_paths.h"

#include <math.h>

#define SET(tensor, i, value) case_set_number(&c, CLX_##tensor, i, value)
#define INPUT_REFUSED CLXENT_INVALID_INPUT
#define TARGET_REFUSED CLXENT_INVALID_TARGET

static void inputs_outside_are_refused(void **state) {
    (void)state;
    REFUSES(BINARY, SET(INPUT, 7, 1.5), INPUT_REFUSED, "input[7] = 1.5 is outside [0, 1]");
    REFUSES(BINARY_BACKWARD, SET(INPUT, 0, -.25), INPUT_REFUSED, "input[0] = -0.25 is outside [0, 1]");
    REFUSES(BINARY_BOTH, SET(INPUT, 14, -1e-30), INPUT_REFUSED, "input[14] = -1e-30 is outside [0, 1]");
    REFUSES(BINARY_BOTH, SET(INPUT, 3, (double)INFINITY), INPUT_REFUSED, "input[3] = inf is outside [0, 1]");
    REFUSES(BINARY_BOTH, (SET(INPUT, 9, 2), SET(INPUT, 4, 3)), INPUT_REFUSED, "input[4] = 3 is outside [0, 1]");
    REFUSES(BINARY_BOTH, (SET(TARGET, 1, 2), SET(INPUT, 4, 3)), INPUT_REFUSED, "input[4] = 3 is outside [0, 1]");
}

static void targets_outside_are_refused(void **state) {
    (void)state;
    REFUSES(BINARY, SET(TARGET, 2, 1.25), TARGET_REFUSED, "target[2] = 1.25 is outside [0, 1]");
    REFUSES(BINARY_BACKWARD, SET(TARGET, 11, -2), TARGET_REFUSED, "target[11] = -2 is outside [0, 1]");
    REFUSES(BINARY_BOTH, (SET(TARGET, 11, -2), SET(TARGET, 5, -.5)), TARGET_REFUSED, "target[5] = -0.5 is outside");
    REFUSES(BINARY, (c.desc.dtype = CLXENT_F16, case_fill(&c), SET(TARGET, 2, 1.25)), TARGET_REFUSED,
            "target[2] = 1.25 is outside [0, 1]");
    REFUSES(BINARY,
            (c.desc.dtype = CLXENT_BF16, set_probabilities(&c.desc, CLXENT_TARGET_PROBABILITIES_F32), case_fill(&c),
             SET(TARGET, 2, 1.25)),
            TARGET_REFUSED, "target[2] = 1.25 is outside [0, 1]");
    /* Positions are those in memory; what lies between the rows does not matter. */
    REFUSES(BINARY, (c.desc.row_stride = 8, case_fill(&c), SET(INPUT, 5, 9), SET(TARGET, 15, 9), SET(TARGET, 17, 9)),
            TARGET_REFUSED, "target[17] = 9 is outside [0, 1]");
    REFUSES(LOSS_BOTH, ((int32_t *)(void *)c.array[CLX_TARGET2])[1] = 5, TARGET_REFUSED,
            "target2[1] = 5 is outside [0, 5)");
    REFUSES(LOSS_BACKWARD,
            (((int32_t *)(void *)c.array[CLX_TARGET2])[0] = -7, ((int32_t *)(void *)c.array[CLX_TARGET])[2] = -8),
            TARGET_REFUSED, "target[2] = -8 is outside [0, 5)");
}

static void shares_outside_are_refused(void **state) {
    (void)state;
    static const clxent_pass passes[] = {CLXENT_FORWARD, CLXENT_BACKWARD, CLXENT_FORWARD_BACKWARD};
    for (size_t i = 0; i < 3; i++) {
#define OF_PASS CLXENT_CROSS_ENTROPY, passes[i]
        REFUSES(OF_PASS, SET(MIX_LAMBDA, 0, 1.5), CLXENT_INVALID_OPTION,
                "mix_lambda[0] is 1.5, it must be from 0 to 1");
        REFUSES(OF_PASS, SET(MIX_LAMBDA, 0, -.125), CLXENT_INVALID_OPTION, "mix_lambda[0] is -0.125, it must be from");
        REFUSES(OF_PASS, SET(MIX_LAMBDA, 0, (double)NAN), CLXENT_INVALID_OPTION, "mix_lambda[0] is nan, it must be");
    }
}

/* The ends of [0, 1], a NaN, and with logits any target are no reason to refuse. */
static void what_is_allowed(void **state) {
    (void)state;
    for (size_t path = 0; path < PATHS; path++) {
        for (clxent_op op = CLXENT_BINARY_CROSS_ENTROPY; op < CLXENT_MERGE; op++) {
            api_case c, after;
            case_begin(&c, op, CLXENT_FORWARD_BACKWARD);
            c.desc.reduction = CLXENT_REDUCTION_NONE;
            case_fill(&c);
            SET(INPUT, 0, 0), SET(INPUT, 1, 1), SET(INPUT, 2, 0), SET(INPUT, 3, 1), SET(INPUT, 4, (double)NAN);
            SET(TARGET, 0, 0), SET(TARGET, 1, 0), SET(TARGET, 2, 1), SET(TARGET, 3, 1), SET(TARGET, 5, (double)NAN);
            if (op == CLXENT_BINARY_CROSS_ENTROPY_WITH_LOGITS)
                SET(TARGET, 6, 1.75), SET(TARGET, 7, -2), SET(INPUT, 8, (double)INFINITY);
            assert_success(run_on(path, &c, &after));
            assert_true(arrays_are_right(&c, &after));
            for (size_t i = 0; i < 15; i++)
                assert_int_equal(isnan(case_number(&after, CLX_OUTPUT, i)) != 0, i == 4 || i == 5);
        }
    }
}

/* ---- on the device ---- */

/* What is outside makes its own element NaN, and no other one. */
static void enqueue_gives_nan(void **state) {
    (void)state;
    api_case good, bad;
    case_begin(&good, BINARY_BOTH);
    good.desc.reduction = CLXENT_REDUCTION_NONE;
    case_fill(&good);
    case_copy(&bad, &good);
    case_set_number(&bad, CLX_INPUT, 3, 1.5);
    case_set_number(&bad, CLX_INPUT, 10, -.25);
    case_set_number(&bad, CLX_TARGET, 7, -.25);
    case_set_number(&bad, CLX_TARGET, 14, 2);
    case_upload(&good);
    case_upload(&bad);
    assert_success(case_run(&good));
    assert_success(case_run(&bad));
    assert_right(&good);
    for (int tensor = CLX_OUTPUT; tensor <= CLX_GRAD_INPUT; tensor++) {
        if (!case_writes(&good, tensor))
            continue;
        float want[15], got[15];
        read_buffer(good.memory[tensor], 0, sizeof want, want);
        read_buffer(bad.memory[tensor], 0, sizeof got, got);
        for (size_t i = 0; i < 15; i++)
            assert_true(i == 3 || i == 10 || i == 7 || i == 14 ? isnan(got[i]) : got[i] == want[i]);
    }
    case_release(&good);
    case_release(&bad);
}

/* A share outside [0, 1] goes into the same formula: loss and gradient are linear in it. */
static void enqueue_takes_any_share(void **state) {
    (void)state;
    static const float shares[] = {1, 0, 1.5f, -2};
    static const clxent_reduction reductions[] = {CLXENT_REDUCTION_NONE, CLXENT_REDUCTION_MEAN};
    for (size_t k = 0; k < 2; k++) {
        float loss[4][3] = {{0}}, gradient[4][15];
        for (size_t i = 0; i < 4; i++) {
            api_case c;
            case_begin(&c, LOSS_BOTH);
            c.desc.reduction = reductions[k];
            case_fill(&c);
            memcpy(c.array[CLX_MIX_LAMBDA], &shares[i], sizeof(float));
            case_upload(&c);
            assert_success(case_run(&c));
            read_buffer(c.memory[CLX_OUTPUT], 0, case_bytes(&c, CLX_OUTPUT), loss[i]);
            read_buffer(c.memory[CLX_GRAD_INPUT], 0, sizeof gradient[i], gradient[i]);
            case_release(&c);
        }
        for (size_t i = 2; i < 4; i++) {
            for (size_t j = 0; j < 3; j++)
                assert_true(fabsf(loss[i][j] - shares[i] * loss[0][j] - (1 - shares[i]) * loss[1][j]) < 2e-5f);
            for (size_t j = 0; j < 15; j++)
                assert_true(fabsf(gradient[i][j] - shares[i] * gradient[0][j] - (1 - shares[i]) * gradient[1][j]) <
                            2e-5f);
        }
        assert_true(fabsf(loss[0][1 - k] - loss[1][1 - k]) > 1e-3f); /* the targets differ, so the share matters */
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(inputs_outside_are_refused), cmocka_unit_test(targets_outside_are_refused),
        cmocka_unit_test(shares_outside_are_refused), cmocka_unit_test(what_is_allowed),
        cmocka_unit_test(enqueue_gives_nan),          cmocka_unit_test(enqueue_takes_any_share),
    };
    return cmocka_run_group_tests_name("values", tests, open_paths, close_paths);
}
