/* clxent_run: the same results whether the device shares memory with the host or not, padding left alone, arrays
 * wherever they lie, and nothing written when it refuses. */
#include "run_paths.h"

/* Right on both paths, with the same bits, and nothing touched beside the tensors. */
static void compare_paths(const api_case *c) {
    static api_case after[PATHS];
    for (size_t path = 0; path < PATHS; path++) {
        assert_success(run_on(path, c, &after[path]));
        assert_true(arrays_are_right(c, &after[path]));
        for (int tensor = 0; tensor < CASE_TENSORS; tensor++)
            for (size_t i = case_bytes(c, tensor); i < ARRAY_BYTES; i++)
                assert_int_equal(after[path].array[tensor][i], c->array[tensor][i]);
    }
    assert_memory_equal(after[IN_PLACE].array, after[COPYING].array, sizeof after[COPYING].array);
}

static void try_layout(clxent_op op, clxent_pass pass, size_t inner, size_t row_stride) {
    for (clxent_reduction reduction = CLXENT_REDUCTION_NONE; reduction <= CLXENT_REDUCTION_SUM; reduction++) {
        if ((!is_loss(op) && reduction != CLXENT_REDUCTION_MEAN) || (op == CLXENT_LINEAR_CROSS_ENTROPY && inner > 1))
            continue;
        api_case c;
        case_begin(&c, op, pass);
        c.desc.reduction = reduction;
        c.desc.inner = inner;
        c.desc.row_stride = row_stride;
        case_fill(&c);
        compare_paths(&c);
    }
}

static void every_operation(void **state) {
    (void)state;
    static const size_t layouts[][2] = {{1, 0}, {3, 0}, {1, 9}, {3, 20}};
    for (size_t i = 0; i < 4; i++)
        for (clxent_op op = CLXENT_SOFTMAX; op <= LAST_OP; op++)
            for (clxent_pass pass = CLXENT_FORWARD; pass <= CLXENT_FORWARD_BACKWARD; pass++)
                if (has_pass(op, pass) && (pass == last_pass(op) || op <= CLXENT_CROSS_ENTROPY))
                    try_layout(op, pass, layouts[i][0], layouts[i][1]);
}

/* Padding that is no number before stays what it is; case_fill puts numbers there for inputs alone. */
static void padding_is_left_alone(void **state) {
    (void)state;
    for (size_t inner = 1; inner <= 2; inner++) {
        api_case c;
        case_begin(&c, LOSS_BOTH);
        c.desc.inner = inner;
        c.desc.row_stride = 5 * inner + 3;
        case_fill(&c);
        for (size_t n = 0; n < 3; n++)
            memset(c.array[CLX_INPUT] + (n * c.desc.row_stride + 5 * inner) * sizeof(float), UNTOUCHED,
                   3 * sizeof(float));
        compare_paths(&c);
        case_begin(&c, SOFTMAX);
        c.desc.inner = inner;
        c.desc.row_stride = 5 * inner + 3;
        case_fill(&c);
        c.host.output = c.array[CLX_INPUT];
        compare_paths(&c);
    }
}

static void every_type(void **state) {
    (void)state;
    for (clxent_target_type type = CLXENT_TARGET_I32; type <= CLXENT_TARGET_U8; type++) {
        api_case c;
        case_begin(&c, LOSS_BOTH);
        c.desc.target_type = type;
        case_fill(&c);
        compare_paths(&c);
    }
    for (clxent_dtype dtype = CLXENT_F16; dtype <= CLXENT_BF16; dtype++) {
        for (clxent_target_type type = CLXENT_TARGET_PROBABILITIES; type <= CLXENT_TARGET_PROBABILITIES_F32; type++) {
            api_case c;
            case_begin(&c, LOSS_BOTH);
            c.desc.dtype = dtype;
            set_probabilities(&c.desc, type);
            case_fill(&c);
            compare_paths(&c);
        }
    }
    api_case c, after;
    case_begin(&c, LOSS_BOTH);
    c.desc.dtype = CLXENT_F64;
    case_fill(&c);
    if (device_has_fp64())
        compare_paths(&c);
    for (size_t path = 0; path < PATHS && !device_has_fp64(); path++) {
        assert_refused(run_on(path, &c, &after), CLXENT_UNSUPPORTED,
                       "dtype is F64, the device has no double precision");
        assert_memory_equal(after.array, c.array, sizeof c.array);
    }
}

/* All options at once: a gradient that is added to is moved in as well as out, padded or not. */
static void every_option(void **state) {
    (void)state;
    static const size_t layouts[][2] = {{1, 0}, {3, 20}};
    for (size_t i = 0; i < 2; i++) {
        for (clxent_op op = CLXENT_NLL_LOSS; op <= LAST_OP; op++) {
            api_case c;
            if (!has_pass(op, CLXENT_BACKWARD) || (op == CLXENT_LINEAR_CROSS_ENTROPY && layouts[i][0] > 1))
                continue;
            case_begin(&c, op, has_pass(op, CLXENT_FORWARD_BACKWARD) ? CLXENT_FORWARD_BACKWARD : CLXENT_BACKWARD);
            c.desc.inner = layouts[i][0];
            c.desc.row_stride = layouts[i][1];
            if (op == CLXENT_CROSS_ENTROPY)
                set_all_options(&c.desc);
            c.desc.flags = CLXENT_ACCUMULATE_GRAD | CLXENT_EMPTY_MEAN_ZERO;
            c.desc.grad_scale = -.5;
            case_fill(&c);
            compare_paths(&c);
            if (op != CLXENT_CROSS_ENTROPY)
                continue;
            set_probabilities(&c.desc, CLXENT_TARGET_PROBABILITIES);
            clxent_host_args_init(&c.host);
            case_fill(&c);
            compare_paths(&c);
        }
    }
}

/* Everywhere that the header allows it, with three names for one array in the end. */
static void in_place(void **state) {
    (void)state;
    api_case c;
    case_begin(&c, SOFTMAX);
    case_fill(&c);
    c.host.output = c.array[CLX_INPUT];
    compare_paths(&c);
    case_begin(&c, LOSS_BACKWARD);
    case_fill(&c);
    c.host.grad_input = c.array[CLX_INPUT];
    compare_paths(&c);
    case_begin(&c, LOSS_BOTH);
    case_fill(&c);
    c.host.grad_input = c.array[CLX_INPUT];
    compare_paths(&c);
    case_begin(&c, SOFTMAX_BACKWARD);
    case_fill(&c);
    c.host.grad_input = c.array[CLX_OUTPUT];
    compare_paths(&c);
    c.host.grad_input = c.array[CLX_GRAD_OUTPUT];
    compare_paths(&c);
    c.host.grad_output = c.array[CLX_OUTPUT];
    c.host.grad_input = c.array[CLX_OUTPUT];
    compare_paths(&c);
    /* Inputs that share bytes, all and in part. */
    case_begin(&c, LOSS_BOTH);
    case_fill(&c);
    c.host.weight = c.array[CLX_INPUT];
    compare_paths(&c);
    c.host.weight = c.array[CLX_INPUT] + 8;
    compare_paths(&c);
    /* More of one tensor than of another that begins at the same byte. */
    case_begin(&c, LOSS_BOTH);
    c.desc.batch = 7;
    case_fill(&c);
    c.host.weight = c.array[CLX_SAMPLE_WEIGHT];
    compare_paths(&c);
}

/* Arrays need no more than the alignment of their element. */
static void arrays_at_any_element(void **state) {
    (void)state;
    api_case c;
    case_begin(&c, LOSS_BOTH);
    case_fill(&c);
    for (int tensor = 0; tensor < CASE_TENSORS; tensor++) {
        if (!case_has(&c, tensor))
            continue;
        size_t shift = tensor == CLX_ARGMAX || tensor == CLX_INVALID_COUNT || tensor == CLX_CORRECT_COUNT ? 8 : 4;
        memmove(c.array[tensor] + shift, c.array[tensor], ARRAY_BYTES - shift);
        memset(c.array[tensor], UNTOUCHED, shift);
        case_set_array(&c, tensor, c.array[tensor] + shift);
    }
    for (size_t path = 0; path < PATHS; path++) {
        api_case after;
        assert_success(run_on(path, &c, &after));
        assert_true(arrays_are_right(&c, &after));
    }
}

/* Inputs are const, and may lie where nobody can write. */
static void inputs_in_read_only_memory(void **state) {
    (void)state;
    static const float input[] = {1, 2, 3, .5f, -.5f, 0, -1, 4, 2}, weight[] = {.25f, 1, 2};
    static const int32_t target[] = {2, -100, 0};
    clxent_desc desc;
    clxent_host_args args;
    clxent_desc_init(&desc, CLXENT_CROSS_ENTROPY);
    desc.batch = 3;
    desc.classes = 3;
    for (size_t path = 0; path < PATHS; path++) {
        float loss = 0;
        clxent_host_args_init(&args);
        args.input = input;
        args.target = target;
        args.weight = weight;
        args.output = &loss;
        assert_success(clxent_run(contexts[path], &desc, &args));
        assert_true(loss > .932632f && loss < .932633f);
    }
}

static void empty_batches(void **state) {
    (void)state;
    for (clxent_op op = CLXENT_SOFTMAX; op <= LAST_OP; op++) {
        for (clxent_pass pass = CLXENT_FORWARD; pass <= CLXENT_BACKWARD; pass++) {
            api_case c;
            if (!has_pass(op, pass))
                continue;
            case_begin(&c, op, pass);
            c.desc.batch = 0;
            case_fill(&c);
            compare_paths(&c);
        }
    }
}

/* ---- refusals ---- */

static int32_t *targets_of(api_case *c) {
    return (int32_t *)(void *)c->array[CLX_TARGET];
}

static void refusals(void **state) {
    (void)state;
    api_case any;
    case_begin(&any, LOSS);
    case_fill(&any);
    assert_refused(clxent_run(NULL, &any.desc, &any.host), CLXENT_INVALID_ARGUMENT, "context is null");
    assert_refused(clxent_run(contexts[0], NULL, &any.host), CLXENT_INVALID_ARGUMENT, "desc is null");
    assert_refused(clxent_run(contexts[0], &any.desc, NULL), CLXENT_INVALID_ARGUMENT, "args is null");
    REFUSES(LOSS_BOTH, c.desc.struct_size = 8, CLXENT_INVALID_ARGUMENT, "desc.struct_size is 8");
    REFUSES(LOSS_BOTH, c.host.struct_size++, CLXENT_INVALID_ARGUMENT, "args.struct_size is ");
    REFUSES(LOSS_BOTH, c.desc.classes = 0, CLXENT_INVALID_SHAPE, "classes is 0");
    REFUSES(LOSS_BOTH, c.desc.label_smoothing = 2, CLXENT_INVALID_OPTION, "label_smoothing is 2");
    REFUSES(LOSS_BOTH, c.host.input = NULL, CLXENT_MISSING_BUFFER, "input is null, but this pass of cross-entropy");
    REFUSES(LOSS_BOTH, c.host.grad_input = NULL, CLXENT_MISSING_BUFFER, "grad_input is null");
    REFUSES(SOFTMAX, c.host.lse = c.array[CLX_LSE], CLXENT_INVALID_ARGUMENT, "lse is given, but no pass of softmax");
    REFUSES(SOFTMAX, c.host.output = c.array[CLX_OUTPUT] + 2, CLXENT_INVALID_BUFFER, "output is at address ");
    REFUSES(SOFTMAX, c.host.output = c.array[CLX_INPUT] + 4, CLXENT_INVALID_BUFFER, "output overlaps input in part");
    REFUSES(LOSS_BOTH, c.host.lse = c.array[CLX_INPUT], CLXENT_INVALID_BUFFER, "lse overlaps input");
    REFUSES(LOSS_BOTH, targets_of(&c)[1] = 5, CLXENT_INVALID_TARGET, "target[1] = 5 is outside [0, 5)");
    REFUSES(LOSS_BOTH, targets_of(&c)[2] = -1, CLXENT_INVALID_TARGET, "target[2] = -1 is outside [0, 5)");
    REFUSES(LOSS, targets_of(&c)[0] = targets_of(&c)[1] = 9, CLXENT_INVALID_TARGET, "target[0] = 9 is outside [0, 5)");
    REFUSES(LOSS_BOTH, c.desc.flags = 8, CLXENT_INVALID_OPTION, "flags is 0x8, of which 0x7 are defined");
    REFUSES(LOGITS_BOTH, c.desc.target_type = CLXENT_TARGET_I32, CLXENT_INVALID_OPTION, "target_type is 0");
    REFUSES(LOSS_BOTH, c.host.target2 = NULL, CLXENT_MISSING_BUFFER, "mix_lambda is given, but target2 is null");
    REFUSES(LOSS_BOTH, (c.desc.mix_lambda = .5, c.host.mix_lambda = c.host.target2 = NULL), CLXENT_MISSING_BUFFER,
            "mix_lambda is 0.5, but target2 is null");
    REFUSES(LOSS_BOTH, c.host.argmax = NULL, CLXENT_MISSING_BUFFER, "correct_count is given, but argmax, which it");
    REFUSES(LOSS_BOTH, set_probabilities(&c.desc, CLXENT_TARGET_PROBABILITIES), CLXENT_INVALID_ARGUMENT,
            "target2 is given, but it has no meaning with target probabilities");
    REFUSES(BINARY, c.host.pos_weight = c.array[CLX_POS_WEIGHT], CLXENT_INVALID_ARGUMENT,
            "pos_weight is given, but no pass of binary-cross-entropy uses it");
    REFUSES(LOSS_BOTH, c.host.argmax = c.array[CLX_ARGMAX] + 4, CLXENT_INVALID_BUFFER, "argmax is at address ");
    REFUSES(LOGITS_BOTH, c.host.pos_weight = c.array[CLX_POS_WEIGHT] + 2, CLXENT_INVALID_BUFFER,
            "pos_weight is at address ");
    REFUSES(LOSS_BOTH, c.host.argmax = c.array[CLX_TARGET2] + 8, CLXENT_INVALID_BUFFER, "argmax overlaps target2");
    REFUSES(LOSS_BOTH, c.host.correct_count = c.host.invalid_count, CLXENT_INVALID_BUFFER,
            "invalid_count overlaps correct_count");
    REFUSES(LOSS_BOTH, (c.desc.flags = CLXENT_ACCUMULATE_GRAD, c.host.grad_input = c.array[CLX_INPUT]),
            CLXENT_INVALID_BUFFER, "grad_input overlaps input, which cross-entropy does not allow");
    REFUSES(LOSS_BOTH, (c.desc.engine = CLXENT_ENGINE_COLUMN, c.desc.work_group_size = SIZE_MAX), CLXENT_UNSUPPORTED,
            "work_group_size is 18446744073709551615");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_operation),
        cmocka_unit_test(padding_is_left_alone),
        cmocka_unit_test(every_type),
        cmocka_unit_test(every_option),
        cmocka_unit_test(in_place),
        cmocka_unit_test(arrays_at_any_element),
        cmocka_unit_test(inputs_in_read_only_memory),
        cmocka_unit_test(empty_batches),
        cmocka_unit_test(refusals),
    };
    return cmocka_run_group_tests_name("run", tests, open_paths, close_paths);
}
