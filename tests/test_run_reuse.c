/* What clxent_run keeps from call to call, and what it does with OpenCL: plans and buffers are used again, copies are
 * made only where they are needed, and after an error of OpenCL the next run is right again. */
#include "opencl_calls.h"
#include "run_paths.h"

#include "context.h"

/* The second call of a descriptor makes nothing, and moves what has to be moved and no more. */
static void the_second_call_reuses(void **state) {
    (void)state;
    for (size_t path = 0; path < PATHS; path++) {
        api_case c, after;
        case_begin(&c, LOSS_BOTH);
        c.desc.batch = 4;
        case_fill(&c);
        assert_success(run_on(path, &c, &after));
        reset_calls();
        assert_success(run_on(path, &c, &after));
        assert_true(arrays_are_right(&c, &after));
        assert_int_equal(calls_of(CREATE_PROGRAM), 0);
        assert_int_equal(calls_of(BUILD_PROGRAM), 0);
        assert_int_equal(calls_of(CREATE_KERNEL), 0);
        assert_int_equal(calls_of(ENQUEUE_KERNEL), 3);
        /* Inputs: logits, both targets, both weights, their share, incoming gradient. Outputs: loss, lse, argmax,
         * gradient, both counts, the sums of the weights. */
        assert_int_equal(calls_of(WRITE_BUFFER), path == COPYING ? 7 : 0);
        assert_int_equal(calls_of(READ_BUFFER), path == COPYING ? 7 : 0);
        assert_int_equal(calls_of(MAP_BUFFER), path == COPYING ? 0 : 7);
        assert_int_equal(calls_of(CREATE_BUFFER), path == COPYING ? 0 : 14);
        assert_int_equal(calls_of(READ_BUFFER_RECT), 0);
    }
}

/* A gradient that is added to goes in as well as out, and only that. */
static void accumulation_moves_the_gradient_in(void **state) {
    (void)state;
    for (size_t path = 0; path < PATHS; path++) {
        for (clxent_op op = CLXENT_CROSS_ENTROPY; op < CLXENT_MERGE; op++) {
            api_case c, after;
            case_begin(&c, op, CLXENT_BACKWARD);
            case_fill(&c);
            reset_calls();
            assert_success(run_on(path, &c, &after));
            size_t before = calls_of(WRITE_BUFFER);
            c.desc.flags = CLXENT_ACCUMULATE_GRAD;
            case_fill(&c);
            reset_calls();
            assert_success(run_on(path, &c, &after));
            assert_true(arrays_are_right(&c, &after));
            assert_int_equal(calls_of(WRITE_BUFFER), path == COPYING ? before + 1 : 0);
            assert_int_equal(calls_of(READ_BUFFER), path == COPYING ? (op == CLXENT_CROSS_ENTROPY ? 2 : 1) : 0);
        }
    }
}

/* Kept buffers serve smaller tensors too, and grow for larger ones. */
static void kept_buffers_grow(void **state) {
    (void)state;
    static const size_t batches[] = {7, 2, 7, 30, 1, 29};
    static const bool grows[] = {true, false, false, true, false, false};
    clxent_context *kept = contexts[COPYING];
    assert_success(clxent_context_create(the_device.cl, the_device.id, &contexts[COPYING]));
    contexts[COPYING]->core->device.unified_memory = false;
    for (size_t i = 0; i < sizeof batches / sizeof batches[0]; i++) {
        api_case c, after;
        case_begin(&c, LOSS_BOTH);
        c.desc.batch = batches[i];
        case_fill(&c);
        reset_calls();
        assert_success(run_on(COPYING, &c, &after));
        assert_true(arrays_are_right(&c, &after));
        assert_int_equal(calls_of(CREATE_BUFFER) > 0, grows[i]);
    }
    clxent_context_destroy(contexts[COPYING]);
    contexts[COPYING] = kept;
}

/* More shapes than plans are kept: always right; a recent one is found again, the oldest made anew, from the program
 * that is there. */
static void more_shapes_than_plans(void **state) {
    (void)state;
    enum { SHAPES = CLX_KEPT_PLANS + 8 };
    for (size_t round = 0; round < 2; round++) {
        for (size_t i = 0; i < SHAPES; i++) {
            api_case c, after;
            case_begin(&c, LOSS_BOTH);
            c.desc.batch = 1 + i;
            c.desc.classes = 6;
            case_fill(&c);
            reset_calls();
            assert_success(run_on(i % PATHS, &c, &after));
            assert_true(arrays_are_right(&c, &after));
            assert_int_equal(calls_of(BUILD_PROGRAM), 0);
        }
    }
    clxent_context *context = contexts[IN_PLACE];
    api_case c, after;
    case_begin(&c, LOSS_BOTH);
    c.desc.classes = 7;
    for (size_t i = 0; i <= CLX_KEPT_PLANS; i++) {
        c.desc.batch = 1 + i;
        case_fill(&c);
        assert_success(run_on(IN_PLACE, &c, &after));
        assert_int_equal(context->runner.plans[0]->problem.desc.batch, 1 + i);
    }
    assert_non_null(context->runner.plans[CLX_KEPT_PLANS - 1]);
    /* The oldest one is 2, since 1 had to go. It is used, so that making 1 costs 3 its place. */
    static const size_t next[] = {2, 1, 2, 3};
    for (size_t i = 0; i < 4; i++) {
        c.desc.batch = next[i];
        case_fill(&c);
        reset_calls();
        assert_success(run_on(IN_PLACE, &c, &after));
        assert_true(arrays_are_right(&c, &after));
        assert_int_equal(calls_of(CREATE_KERNEL) > 0, i % 2);
    }
}

/* Descriptors that differ in one member alone get a plan each. */
static void change_member(clxent_desc *desc, size_t i) {
    switch (i) {
    case 1:
        desc->pass = CLXENT_FORWARD_BACKWARD;
        break;
    case 2:
        desc->target_type = CLXENT_TARGET_I64;
        break;
    case 3:
        desc->reduction = CLXENT_REDUCTION_SUM;
        break;
    case 4:
        desc->engine = CLXENT_ENGINE_COLUMN;
        break;
    case 5:
        desc->work_group_size = 2;
        break;
    case 6:
        desc->batch = 2;
        break;
    case 7:
        desc->classes = 10;
        break;
    case 8:
        desc->inner = 2;
        break;
    case 9:
        desc->row_stride = 12;
        break;
    case 10:
        desc->ignore_index = 1;
        break;
    case 11:
        desc->label_smoothing = .25;
        break;
    case 12:
        desc->flags = CLXENT_ACCUMULATE_GRAD;
        break;
    case 13:
        desc->flags = CLXENT_EMPTY_MEAN_ZERO;
        break;
    case 14:
        desc->logit_scale = 2;
        break;
    case 15:
        desc->logit_softcap = 3;
        break;
    case 16:
        desc->z_loss = .5;
        break;
    case 17:
        desc->reg_lambda = .5;
        break;
    case 18:
        desc->mix_lambda = .25;
        break;
    case 19:
        desc->grad_scale = .5;
        break;
    case 20:
        desc->dtype = CLXENT_BF16;
        break;
    case 21:
        desc->op = CLXENT_NLL_LOSS;
        break;
    case 22:
        desc->class_total = 11;
        break;
    case 23:
        desc->class_total = 13;
        break;
    case 24:
        desc->class_total = 13;
        desc->class_start = 2;
        break;
    case 25:
        desc->op = CLXENT_MERGE;
        desc->parts = 2;
        break;
    case 26:
        desc->op = CLXENT_MERGE;
        desc->parts = 3;
        break;
    default:
        break;
    }
}

static void every_member_makes_a_plan(void **state) {
    (void)state;
    clxent_context *context = contexts[IN_PLACE];
    enum { VARIANTS = 27 };
    clxent_plan *plans[VARIANTS];
    for (size_t round = 0; round < 2; round++) { /* made in the first, found in the second */
        for (size_t i = 0; i < VARIANTS; i++) {
            api_case c, after;
            case_begin(&c, LOSS);
            c.desc.classes = 11;
            change_member(&c.desc, i);
            case_fill(&c);
            if (i == 18) /* so that the descriptor's share is the one in use */
                case_drop(&c, CLX_MIX_LAMBDA);
            reset_calls();
            assert_success(run_on(IN_PLACE, &c, &after));
            assert_true(arrays_are_right(&c, &after));
            assert_int_equal(calls_of(CREATE_KERNEL) > 0, round == 0);
            for (size_t k = 0; k < i && round == 0; k++)
                assert_ptr_not_equal(context->runner.plans[0], plans[k]);
            assert_true(round == 0 || context->runner.plans[0] == plans[i]);
            plans[i] = context->runner.plans[0];
        }
    }
}

/* What OpenCL refuses comes through as it is, whichever call it is, and the next run is right again. */
static void errors_of_opencl_come_through(void **state) {
    (void)state;
    static const struct {
        opencl_call call;
        size_t path, calls;
    } cases[] = {
        {CREATE_BUFFER, IN_PLACE, 14}, {CREATE_BUFFER, COPYING, 15}, {ENQUEUE_KERNEL, IN_PLACE, 3},
        {ENQUEUE_KERNEL, COPYING, 3},  {MAP_BUFFER, IN_PLACE, 7},    {WRITE_BUFFER, COPYING, 7},
        {READ_BUFFER, COPYING, 7},     {FINISH, IN_PLACE, 1},        {FINISH, COPYING, 1},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        for (size_t nth = 0; nth < cases[i].calls; nth++) {
            clxent_context *kept = contexts[cases[i].path];
            assert_success(clxent_context_create(the_device.cl, the_device.id, &contexts[cases[i].path]));
            contexts[cases[i].path]->core->device.unified_memory = cases[i].path == IN_PLACE;
            api_case c, after;
            case_begin(&c, LOSS_BOTH);
            case_fill(&c);
            if (cases[i].path == IN_PLACE) /* so that the workspace is there already */
                assert_success(run_on(cases[i].path, &c, &after));
            reset_calls();
            fail_call(cases[i].call, nth, CL_MEM_OBJECT_ALLOCATION_FAILURE);
            assert_refused(run_on(cases[i].path, &c, &after), CL_MEM_OBJECT_ALLOCATION_FAILURE,
                           "failed: CL_MEM_OBJECT_ALLOCATION_FAILURE (-4)");
            assert_success(run_on(cases[i].path, &c, &after));
            assert_true(arrays_are_right(&c, &after));
            clxent_context_destroy(contexts[cases[i].path]);
            contexts[cases[i].path] = kept;
        }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_second_call_reuses),    cmocka_unit_test(accumulation_moves_the_gradient_in),
        cmocka_unit_test(kept_buffers_grow),         cmocka_unit_test(more_shapes_than_plans),
        cmocka_unit_test(every_member_makes_a_plan), cmocka_unit_test(errors_of_opencl_come_through),
    };
    return cmocka_run_group_tests_name("run: reuse", tests, open_paths, close_paths);
}
