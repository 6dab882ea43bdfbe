/* Where a tensor lies in its buffer: clxent_enqueue refuses offsets that are not aligned and buffers that end too soon,
 * by exact status and with the numbers, while every buffer and *event stay as they were. Any other offset does not
 * matter to the results. */
#include "enqueue_attempt.h"

/* Bytes of each tensor of three rows of five classes, and what its offset must be a multiple of; for cross-entropy with
 * class indices, but pos_weight, which only the binary one with logits has, what only the merge of two parts has, and what only
 * linear-cross-entropy from four features has. */
static const struct {
    size_t size, alignment;
} tensors[CASE_TENSORS] = {
    [CLX_INPUT] = {60, 4},
    [CLX_TARGET] = {12, 4},
    [CLX_TARGET2] = {12, 4},
    [CLX_WEIGHT] = {20, 4},
    [CLX_SAMPLE_WEIGHT] = {12, 4},
    [CLX_POS_WEIGHT] = {20, 4},
    [CLX_MIX_LAMBDA] = {4, 4},
    [CLX_OUTPUT] = {4, 4},
    [CLX_LSE] = {12, 4},
    [CLX_ARGMAX] = {24, 8},
    [CLX_GRAD_OUTPUT] = {4, 4},
    [CLX_GRAD_INPUT] = {60, 4},
    [CLX_INVALID_COUNT] = {8, 8},
    [CLX_CORRECT_COUNT] = {8, 8},
    [CLX_PARTIAL] = {144, 4},
    [CLX_MERGED] = {72, 4},
    [CLX_WEIGHT_SUM] = {8, 4},
    [CLX_LINEAR_WEIGHT] = {80, 4},
    [CLX_LINEAR_BIAS] = {20, 4},
    [CLX_GRAD_LINEAR_WEIGHT] = {80, 4},
    [CLX_GRAD_LINEAR_BIAS] = {20, 4},
};

static void misaligned_offsets(void **state) {
    (void)state;
    for (int tensor = 0; tensor <= WORKSPACE; tensor++) {
        size_t alignment = tensor == WORKSPACE ? 16 : tensors[tensor].alignment;
        for (size_t offset = 1; offset < alignment; offset++) {
            char text[160];
            snprintf(text, sizeof text, "%s has offset %zu, which is not a multiple of %zu", case_tensor_name(tensor),
                     offset, alignment);
            REFUSES(BOTH_WITH(tensor), (case_resize(&a.c, tensor, 256), case_buffer(&a.c, tensor)->offset = offset),
                    BUFFER, text);
        }
    }
    REFUSES(SOFTMAX, a.args->input.offset = SIZE_MAX, BUFFER, "input has offset 18446744073709551615, which is not");
}

/* The alignment and the size follow the type of what the tensor holds. */
static void alignment_of_storage(void **state) {
    (void)state;
    REFUSES_WITH(LOSS_BOTH, a.c.desc.dtype = CLXENT_F16, a.args->input.offset = 1, BUFFER,
                 "input has offset 1, which is not a multiple of 2");
    REFUSES_WITH(LOSS_BOTH, a.c.desc.dtype = CLXENT_F16, a.args->sample_weight.offset = 2, BUFFER,
                 "sample_weight has offset 2, which is not a multiple of 4");
    REFUSES_WITH(LOGITS_BOTH, a.c.desc.dtype = CLXENT_BF16, a.args->sample_weight.offset = 3, BUFFER,
                 "sample_weight has offset 3, which is not a multiple of 2");
    REFUSES_WITH(LOGITS_BOTH, a.c.desc.dtype = CLXENT_BF16, case_resize(&a.c, CLX_SAMPLE_WEIGHT, 29), SMALL,
                 "sample_weight needs 30 bytes from offset 0, the buffer has 29");
    REFUSES_WITH(LOGITS_BOTH, a.c.desc.dtype = CLXENT_BF16, a.args->pos_weight.offset = 2, BUFFER,
                 "pos_weight has offset 2, which is not a multiple of 4");
    REFUSES_WITH(LOGITS_BOTH, a.c.desc.dtype = CLXENT_BF16, a.args->target.offset = 1, BUFFER,
                 "target has offset 1, which is not a multiple of 2");
    REFUSES_WITH(LINEAR_BOTH, a.c.desc.dtype = CLXENT_F16, a.args->linear_bias.offset = 1, BUFFER,
                 "linear_bias has offset 1, which is not a multiple of 2");
    REFUSES_WITH(LINEAR_BOTH, a.c.desc.dtype = CLXENT_F16, a.args->grad_linear_bias.offset = 2, BUFFER,
                 "grad_linear_bias has offset 2, which is not a multiple of 4");
    REFUSES_WITH(LOGITS_BOTH,
                 (a.c.desc.dtype = CLXENT_BF16, set_probabilities(&a.c.desc, CLXENT_TARGET_PROBABILITIES_F32)),
                 a.args->target.offset = 2, BUFFER, "target has offset 2, which is not a multiple of 4");
    REFUSES_WITH(LOSS_BOTH, a.c.desc.target_type = CLXENT_TARGET_I64, a.args->target2.offset = 4, BUFFER,
                 "target2 has offset 4, which is not a multiple of 8");
    REFUSES_WITH(LOSS_BOTH, a.c.desc.target_type = CLXENT_TARGET_I64, case_resize(&a.c, CLX_TARGET2, 23), SMALL,
                 "target2 needs 24 bytes from offset 0, the buffer has 23");
}

/* The alignment follows the type: 8 bytes for an int64_t target, 1 for a uint8_t. */
static void alignment_of_targets(void **state) {
    (void)state;
    api_case c;
    case_begin(&c, LOSS);
    c.desc.target_type = CLXENT_TARGET_I64;
    c.offset[CLX_TARGET] = 4;
    case_fill(&c);
    case_upload(&c);
    cl_event event = NO_EVENT;
    assert_refused(clxent_enqueue(the_device.queue, c.plan, &c.args, 0, NULL, &event), BUFFER,
                   "target has offset 4, which is not a multiple of 8");
    assert_ptr_equal(event, NO_EVENT);
    assert_true(case_is_untouched(&c));
    case_release(&c);
    case_begin(&c, LOSS);
    c.desc.target_type = CLXENT_TARGET_U8;
    c.offset[CLX_TARGET] = 3;
    case_fill(&c);
    case_upload(&c);
    assert_success(case_run(&c));
    assert_right(&c);
    case_release(&c);
}

static void short_buffers(void **state) {
    (void)state;
    for (int tensor = 0; tensor < CASE_TENSORS; tensor++) {
        size_t size = tensors[tensor].size;
        char text[160];
        snprintf(text, sizeof text, "%s needs %zu bytes from offset 0, the buffer has %zu", case_tensor_name(tensor),
                 size, size - 1);
        REFUSES(BOTH_WITH(tensor), case_resize(&a.c, tensor, size - 1), SMALL, text);
        ACCEPTS(BOTH_WITH(tensor), case_resize(&a.c, tensor, size));
    }
    REFUSES(SOFTMAX, case_resize(&a.c, CLX_OUTPUT, 59), SMALL,
            "output needs 60 bytes from offset 0, the buffer has 59");
    REFUSES(SOFTMAX_BACKWARD, case_resize(&a.c, CLX_GRAD_OUTPUT, 59), SMALL, "grad_output needs 60 bytes");
    REFUSES(NLL, case_resize(&a.c, CLX_INPUT, 56), SMALL, "input needs 60 bytes from offset 0, the buffer has 56");
    REFUSES(NLL, case_resize(&a.c, CLX_SAMPLE_WEIGHT, 11), SMALL, "sample_weight needs 12 bytes from offset 0");
    REFUSES(BINARY, case_resize(&a.c, CLX_SAMPLE_WEIGHT, 59), SMALL, "sample_weight needs 60 bytes from offset 0");
    REFUSES(BINARY, case_resize(&a.c, CLX_TARGET, 59), SMALL, "target needs 60 bytes from offset 0");
    REFUSES_WITH(BINARY, NO_REDUCTION, case_resize(&a.c, CLX_OUTPUT, 59), SMALL, "output needs 60 bytes from offset 0");
    REFUSES_WITH(BINARY_BACKWARD, NO_REDUCTION, case_resize(&a.c, CLX_GRAD_OUTPUT, 59), SMALL,
                 "grad_output needs 60 bytes from offset 0");
    REFUSES_WITH(LOSS, SHARD(FORWARD), case_resize(&a.c, CLX_PARTIAL, 71), SMALL,
                 "partial needs 72 bytes from offset 0, the buffer has 71");
    REFUSES_WITH(LOSS_BACKWARD, SHARD(BACKWARD), case_resize(&a.c, CLX_MERGED, 71), SMALL,
                 "merged needs 72 bytes from offset 0, the buffer has 71");
    REFUSES_WITH(LOSS_BACKWARD, SHARD(BACKWARD), case_resize(&a.c, CLX_WEIGHT_SUM, 7), SMALL,
                 "weight_sum needs 8 bytes from offset 0, the buffer has 7");
    REFUSES_WITH(LINEAR_BOTH, a.c.desc.dtype = CLXENT_F16, case_resize(&a.c, CLX_LINEAR_WEIGHT, 39), SMALL,
                 "linear_weight needs 40 bytes from offset 0, the buffer has 39");
    REFUSES_WITH(LINEAR_BOTH, a.c.desc.dtype = CLXENT_F16, case_resize(&a.c, CLX_GRAD_LINEAR_WEIGHT, 79), SMALL,
                 "grad_linear_weight needs 80 bytes from offset 0, the buffer has 79");
    REFUSES_WITH(LOSS, NO_REDUCTION, case_resize(&a.c, CLX_OUTPUT, 11), SMALL, "output needs 12 bytes from offset 0");
    REFUSES_WITH(LOSS, PROBABILITIES, case_resize(&a.c, CLX_TARGET, 59), SMALL, "target needs 60 bytes from offset 0");
}

/* The last element is where a row of padding need not be. */
static void short_padded_buffers(void **state) {
    (void)state;
    for (size_t missing = 0; missing < 2; missing++) {
        api_case c;
        case_begin(&c, SOFTMAX);
        c.desc.row_stride = 9;
        case_fill(&c);
        case_upload(&c);
        case_resize(&c, CLX_OUTPUT, (9 + 9 + 5) * sizeof(float) - missing);
        if (missing == 0) {
            assert_success(case_run(&c));
            assert_right(&c);
        } else {
            assert_refused(case_run(&c), SMALL, "output needs 92 bytes from offset 0, the buffer has 91");
            assert_true(case_is_untouched(&c));
        }
        case_release(&c);
    }
}

/* Near the end, at it, beyond it, and so far that offset + bytes would wrap around. */
static void far_offsets(void **state) {
    (void)state;
    static const size_t offsets[] = {4, 56, 60, 64, 4096, SIZE_MAX / 2 + 1, SIZE_MAX - 59, SIZE_MAX - 63, SIZE_MAX - 3};
    for (size_t i = 0; i < sizeof offsets / sizeof offsets[0]; i++) {
        char text[160];
        snprintf(text, sizeof text, "input needs 60 bytes from offset %zu, the buffer has 60", offsets[i]);
        REFUSES(LOSS_BOTH, a.args->input.offset = offsets[i], SMALL, text);
        snprintf(text, sizeof text, "grad_input needs 60 bytes from offset %zu, the buffer has 60", offsets[i]);
        REFUSES(SOFTMAX_BACKWARD, a.args->grad_input.offset = offsets[i], SMALL, text);
    }
}

static void workspaces(void **state) {
    (void)state;
    attempt good;
    case_begin(&good.c, LOSS_BOTH);
    begin_good(&good);
    size_t size = good.c.info.workspace_size;
    case_release(&good.c);
    char text[160];
    snprintf(text, sizeof text, "workspace is null, but this call needs its %zu bytes", size);
    REFUSES(LOSS_BOTH, a.args->workspace.mem = NULL, MISSING, text);
    snprintf(text, sizeof text, "workspace needs %zu bytes from offset 0, the buffer has %zu", size, size - 1);
    REFUSES(LOSS_BOTH, case_resize(&a.c, WORKSPACE, size - 1), SMALL, text);
    snprintf(text, sizeof text, "workspace needs %zu bytes from offset 16, the buffer has %zu", size, size + 15);
    REFUSES(LOSS_BOTH, (case_resize(&a.c, WORKSPACE, size + 15), a.args->workspace.offset = 16), SMALL, text);
    REFUSES(LOSS_BOTH, a.args->workspace.offset = SIZE_MAX - 15, SMALL, "workspace needs ");
    ACCEPTS(LOSS_BOTH, (case_resize(&a.c, WORKSPACE, size + 16), a.args->workspace.offset = 16));
    REFUSES(NLL, a.args->workspace.mem = NULL, MISSING, "workspace is null");
    REFUSES(NLL_BACKWARD, a.args->workspace.mem = NULL, MISSING, "workspace is null");
    REFUSES(LOSS, a.args->workspace.mem = NULL, MISSING, "workspace is null");
    REFUSES(LOSS_BACKWARD, a.args->workspace.mem = NULL, MISSING, "workspace is null");
    REFUSES(LOGITS_BOTH, a.args->workspace.mem = NULL, MISSING, "workspace is null");
    /* The engine row_split has parts of rows to put together, whatever else is asked for. */
#define SPLITS (a.c.desc.engine = CLXENT_ENGINE_ROW_SPLIT)
    REFUSES_WITH(SOFTMAX, SPLITS, a.args->workspace.mem = NULL, MISSING, "workspace is null");
    REFUSES_WITH(LOGITS_BOTH, (SPLITS, NO_REDUCTION), a.args->workspace.mem = NULL, MISSING, "workspace is null");
    REFUSES_WITH(LOSS_BACKWARD, (SPLITS, a.c.desc.reduction = CLXENT_REDUCTION_SUM),
                 (case_drop(&a.c, CLX_INVALID_COUNT), a.args->workspace.mem = NULL), MISSING, "workspace is null");
    REFUSES_WITH(SOFTMAX_BACKWARD, SPLITS, case_resize(&a.c, WORKSPACE, a.c.info.workspace_size - 1), SMALL,
                 "workspace needs ");
    ACCEPTS_WITH(SOFTMAX, SPLITS, (void)0);
    ACCEPTS(LOGITS_BACKWARD, a.args->workspace.mem = NULL);
    /* Without a reduction, it is the counts and weight_sum that need it. */
    REFUSES_WITH(LOSS_BOTH, NO_REDUCTION, (case_drop(&a.c, CLX_INVALID_COUNT), a.args->workspace.mem = NULL), MISSING,
                 "workspace is null");
    REFUSES_WITH(LOSS_BOTH, NO_REDUCTION, (case_drop(&a.c, CLX_CORRECT_COUNT), a.args->workspace.mem = NULL), MISSING,
                 "workspace is null");
    REFUSES_WITH(LOSS_BOTH, NO_REDUCTION,
                 (case_drop(&a.c, CLX_INVALID_COUNT), case_drop(&a.c, CLX_CORRECT_COUNT), a.args->workspace.mem = NULL),
                 MISSING, "workspace is null");
    ACCEPTS_WITH(LOSS_BOTH, NO_REDUCTION,
                 (case_drop(&a.c, CLX_INVALID_COUNT), case_drop(&a.c, CLX_CORRECT_COUNT),
                  case_drop(&a.c, CLX_WEIGHT_SUM), a.args->workspace.mem = NULL));
    ACCEPTS_WITH(LOGITS_BOTH, NO_REDUCTION, a.args->workspace.mem = NULL);
    ACCEPTS_WITH(LOSS_BACKWARD, a.c.desc.reduction = CLXENT_REDUCTION_SUM,
                 (case_drop(&a.c, CLX_INVALID_COUNT), a.args->workspace.mem = NULL));
}

/* Each tensor somewhere inside its buffer: the same bits as at its beginning, and nothing before it is touched. */
static void compare_offsets(const clxent_desc *desc) {
    static api_case plain, moved;
    case_begin(&plain, desc->op, desc->pass);
    plain.desc = *desc;
    case_fill(&plain);
    case_copy(&moved, &plain);
    for (int tensor = 0; tensor < CASE_TENSORS; tensor++)
        moved.offset[tensor] = 8 * ((size_t)tensor + 1);
    moved.offset[WORKSPACE] = 48;
    case_upload(&plain);
    case_upload(&moved);
    assert_success(case_run(&plain));
    assert_success(case_run(&moved));
    assert_right(&plain);
    for (int tensor = 0; tensor < CASE_TENSORS; tensor++) {
        if (plain.memory[tensor] == NULL)
            continue;
        size_t bytes = case_bytes(&plain, tensor), offset = moved.offset[tensor];
        unsigned char a[ARRAY_BYTES], b[ARRAY_BYTES], before[ARRAY_BYTES], blank[ARRAY_BYTES];
        memset(blank, UNTOUCHED, sizeof blank);
        read_buffer(plain.memory[tensor], 0, bytes, a);
        read_buffer(moved.memory[tensor], offset, bytes, b);
        read_buffer(moved.memory[tensor], 0, offset, before);
        assert_memory_equal(a, b, bytes);
        assert_memory_equal(before, blank, offset);
    }
    case_release(&plain);
    case_release(&moved);
}

static void offsets_do_not_matter(void **state) {
    (void)state;
    for (clxent_op op = CLXENT_SOFTMAX; op <= LAST_OP; op++) {
        for (clxent_pass pass = CLXENT_FORWARD; pass <= CLXENT_FORWARD_BACKWARD; pass++) {
            clxent_desc desc = good_desc(op, pass);
            if (!has_pass(op, pass) || (op > CLXENT_CROSS_ENTROPY && pass != last_pass(op)))
                continue; /* the two binary ones have the same tensors in both passes at once */
            if (!is_loss(op))
                compare_offsets(&desc);
            for (desc.reduction = CLXENT_REDUCTION_NONE; is_loss(op) && desc.reduction <= CLXENT_REDUCTION_SUM;
                 desc.reduction++)
                compare_offsets(&desc);
        }
    }
    for (clxent_pass pass = CLXENT_FORWARD; pass <= CLXENT_BACKWARD; pass++) {
        const clxent_desc shard = good_shard(pass);
        compare_offsets(&shard);
    }
}

/* Of 16 bits, which may begin at any even byte, and of probabilities; with all options. */
static void offsets_do_not_matter_with_options(void **state) {
    (void)state;
    clxent_desc desc = good_desc(LOSS_BOTH);
    set_all_options(&desc);
    compare_offsets(&desc);
    set_probabilities(&desc, CLXENT_TARGET_PROBABILITIES_F32);
    desc.dtype = CLXENT_F16;
    compare_offsets(&desc);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(misaligned_offsets),
        cmocka_unit_test(alignment_of_targets),
        cmocka_unit_test(alignment_of_storage),
        cmocka_unit_test(short_buffers),
        cmocka_unit_test(short_padded_buffers),
        cmocka_unit_test(far_offsets),
        cmocka_unit_test(workspaces),
        cmocka_unit_test(offsets_do_not_matter),
        cmocka_unit_test(offsets_do_not_matter_with_options),
    };
    return cmocka_run_group_tests_name("buffer ranges", tests, open_device, close_device);
}
