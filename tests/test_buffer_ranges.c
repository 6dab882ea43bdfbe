/* Where a tensor lies in its buffer: clxent_enqueue refuses offsets that are not aligned and buffers that end too soon,
 * by exact status and with the numbers, while every buffer and *event stay as they were. Any other offset does not
 * matter to the results. */
#include "enqueue_attempt.h"

static void misaligned_offsets(void **state) {
    (void)state;
    static const size_t alignments[] = {4, 4, 4, 4, 4, 4, 4, 8, 16};
    for (int tensor = 0; tensor <= WORKSPACE; tensor++) {
        for (size_t offset = 1; offset < alignments[tensor]; offset++) {
            char text[160];
            snprintf(text, sizeof text, "%s has offset %zu, which is not a multiple of %zu", case_tensor_name(tensor),
                     offset, alignments[tensor]);
            REFUSES(LOSS_BOTH, (case_resize(&a.c, tensor, 256), case_buffer(&a.c, tensor)->offset = offset), BUFFER,
                    text);
        }
    }
    REFUSES(SOFTMAX, a.args->input.offset = SIZE_MAX, BUFFER, "input has offset 18446744073709551615, which is not");
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
    static const size_t sizes[] = {60, 12, 20, 4, 12, 4, 60, 8};
    for (int tensor = 0; tensor < CLX_TENSORS; tensor++) {
        char text[160];
        snprintf(text, sizeof text, "%s needs %zu bytes from offset 0, the buffer has %zu", case_tensor_name(tensor),
                 sizes[tensor], sizes[tensor] - 1);
        REFUSES(LOSS_BOTH, case_resize(&a.c, tensor, sizes[tensor] - 1), SMALL, text);
        ACCEPTS(LOSS_BOTH, case_resize(&a.c, tensor, sizes[tensor]));
    }
    REFUSES(SOFTMAX, case_resize(&a.c, CLX_OUTPUT, 59), SMALL,
            "output needs 60 bytes from offset 0, the buffer has 59");
    REFUSES(SOFTMAX_BACKWARD, case_resize(&a.c, CLX_GRAD_OUTPUT, 59), SMALL, "grad_output needs 60 bytes");
    REFUSES(NLL, case_resize(&a.c, CLX_INPUT, 56), SMALL, "input needs 60 bytes from offset 0, the buffer has 56");
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
    begin_good(&good, LOSS_BOTH);
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
}

/* Each tensor somewhere inside its buffer: the same bits as at its beginning, and nothing before it is touched. */
static void compare_offsets(clxent_op op, clxent_pass pass, clxent_reduction reduction) {
    api_case plain, moved;
    case_begin(&plain, op, pass);
    plain.desc.reduction = reduction;
    case_fill(&plain);
    moved = plain;
    for (int tensor = 0; tensor < CLX_TENSORS; tensor++) {
        moved.offset[tensor] = 8 * ((size_t)tensor + 1);
        if (clx_host_array(&plain.host, (clx_tensor)tensor) != NULL)
            case_set_array(&moved, tensor, moved.array[tensor]);
    }
    moved.offset[WORKSPACE] = 48;
    case_upload(&plain);
    case_upload(&moved);
    assert_success(case_run(&plain));
    assert_success(case_run(&moved));
    assert_right(&plain);
    for (int tensor = 0; tensor < CLX_TENSORS; tensor++) {
        size_t bytes = case_bytes(&plain, tensor), offset = moved.offset[tensor];
        if (plain.memory[tensor] == NULL)
            continue;
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
    for (clxent_op op = CLXENT_SOFTMAX; op <= CLXENT_LOG_SOFTMAX; op++) {
        compare_offsets(op, CLXENT_FORWARD, CLXENT_REDUCTION_MEAN);
        compare_offsets(op, CLXENT_BACKWARD, CLXENT_REDUCTION_MEAN);
    }
    for (clxent_reduction reduction = CLXENT_REDUCTION_NONE; reduction <= CLXENT_REDUCTION_SUM; reduction++) {
        compare_offsets(NLL, reduction);
        compare_offsets(NLL_BACKWARD, reduction);
        compare_offsets(LOSS, reduction);
        compare_offsets(LOSS_BACKWARD, reduction);
        compare_offsets(LOSS_BOTH, reduction);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(misaligned_offsets),    cmocka_unit_test(alignment_of_targets),
        cmocka_unit_test(short_buffers),         cmocka_unit_test(short_padded_buffers),
        cmocka_unit_test(far_offsets),           cmocka_unit_test(workspaces),
        cmocka_unit_test(offsets_do_not_matter),
    };
    return cmocka_run_group_tests_name("buffer ranges", tests, open_device, close_device);
}
