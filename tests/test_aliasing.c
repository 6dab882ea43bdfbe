/* Tensors that share bytes, in one buffer or through sub-buffers of it: clxent_enqueue refuses what the header does not
 * allow, by exact status, while every buffer and *event stay as they were; what it allows gives the same results. */
#include "enqueue_attempt.h"

/* In the same buffer as a tensor, with a byte in common, and without. */
static void workspace_that_overlaps(void **state) {
    (void)state;
    for (int tensor = 0; tensor < CASE_TENSORS; tensor++) {
        char text[160];
        snprintf(text, sizeof text, "workspace overlaps %s", case_tensor_name(tensor));
        for (size_t behind = 0; behind < 2; behind++) {
            attempt a;
            case_begin(&a.c, BOTH_WITH(tensor));
            if (a.c.desc.op == CLXENT_LINEAR_CROSS_ENTROPY)
                limit_workspace(&a.c.desc); /* so that there is room for it, too */
            begin_good(&a);
            size_t last = (case_bytes(&a.c, tensor) - 1) / 16 * 16;
            case_resize(&a.c, tensor, ARRAY_BYTES);
            a.args->workspace = (clxent_buffer){case_buffer(&a.c, tensor)->mem, last + 16 * behind};
            if (behind)
                expect_results(&a, __FILE__, __LINE__);
            else
                expect_refusal(&a, BUFFER, text, __FILE__, __LINE__);
        }
    }
}

/* Puts `tensor` where `other` is, so many bytes further on, in a buffer with room for both. */
static void put_over(attempt *a, int tensor, int other, size_t offset) {
    case_resize(&a->c, other, 1024);
    *case_buffer(&a->c, tensor) = (clxent_buffer){case_buffer(&a->c, other)->mem, offset};
}

#define OVER(tensor, other, offset) put_over(&a, CLX_##tensor, CLX_##other, offset)
#define IN_PLACE(tensor, other) (OVER(tensor, other, 0), case_set_array(&a.c, CLX_##tensor, a.c.array[CLX_##other]))

static void forbidden_aliases(void **state) {
    (void)state;
    /* The same bytes, where that is not allowed. */
    REFUSES(NLL, OVER(OUTPUT, INPUT, 0), BUFFER, "output overlaps input, which nll-loss does not allow");
    REFUSES(NLL_BACKWARD, OVER(GRAD_INPUT, TARGET, 0), BUFFER, "grad_input overlaps target");
    REFUSES(NLL_BACKWARD, OVER(GRAD_INPUT, WEIGHT, 0), BUFFER, "grad_input overlaps weight");
    REFUSES(NLL_BACKWARD, OVER(GRAD_INPUT, GRAD_OUTPUT, 0), BUFFER, "grad_input overlaps grad_output");
    REFUSES(LOSS, OVER(OUTPUT, INPUT, 0), BUFFER, "output overlaps input, which cross-entropy does not allow");
    REFUSES(LOSS, OVER(OUTPUT, WEIGHT, 0), BUFFER, "output overlaps weight");
    REFUSES(LOSS, OVER(LSE, INPUT, 0), BUFFER, "lse overlaps input");
    REFUSES(LOSS, OVER(LSE, OUTPUT, 0), BUFFER, "output overlaps lse");
    REFUSES(LOSS, OVER(INVALID_COUNT, TARGET, 0), BUFFER, "invalid_count overlaps target");
    REFUSES(LOSS_BACKWARD, OVER(GRAD_INPUT, LSE, 0), BUFFER, "grad_input overlaps lse");
    REFUSES(LOSS_BOTH, OVER(GRAD_INPUT, OUTPUT, 0), BUFFER, "output overlaps grad_input");
    REFUSES(LOSS_BOTH, OVER(GRAD_OUTPUT, OUTPUT, 0), BUFFER, "output overlaps grad_output");
    REFUSES(LOSS_BOTH, OVER(OUTPUT, INPUT, 56), BUFFER, "output overlaps input");
    /* In part, where exactly the same bytes are allowed: from the second element on, and in the last one. */
    REFUSES(SOFTMAX, OVER(OUTPUT, INPUT, 4), BUFFER, "output overlaps input in part, they may only be the same bytes");
    REFUSES(SOFTMAX, OVER(INPUT, OUTPUT, 56), BUFFER, "output overlaps input in part");
    REFUSES(LOG_SOFTMAX, OVER(OUTPUT, INPUT, 56), BUFFER, "output overlaps input in part");
    REFUSES(SOFTMAX_BACKWARD, OVER(GRAD_INPUT, OUTPUT, 4), BUFFER, "grad_input overlaps output in part");
    REFUSES(SOFTMAX_BACKWARD, OVER(GRAD_INPUT, GRAD_OUTPUT, 56), BUFFER, "grad_input overlaps grad_output in part");
    REFUSES(LOG_SOFTMAX_BACKWARD, OVER(OUTPUT, GRAD_INPUT, 4), BUFFER, "grad_input overlaps output in part");
    REFUSES(LOSS_BACKWARD, OVER(GRAD_INPUT, INPUT, 4), BUFFER, "grad_input overlaps input in part");
    REFUSES(LOSS_BOTH, OVER(GRAD_INPUT, INPUT, 56), BUFFER, "grad_input overlaps input in part");
    REFUSES(BINARY_BACKWARD, OVER(GRAD_INPUT, INPUT, 4), BUFFER, "grad_input overlaps input in part");
    REFUSES(LOGITS_BOTH, OVER(GRAD_INPUT, INPUT, 56), BUFFER, "grad_input overlaps input in part");
}

/* Every tensor that is written over every other one that there is, where the two may not be the same bytes. */
static void refuse_all_overlaps(clxent_desc desc, bool accumulates) {
    const bool in_place = desc.op != CLXENT_LINEAR_CROSS_ENTROPY && !accumulates;
    size_t seen = 0;
    for (int written = 0; written < CASE_TENSORS; written++) {
        for (int other = 0; other < CASE_TENSORS; other++) {
            attempt a;
            case_begin(&a.c, desc.op, desc.pass);
            a.c.desc = desc;
            a.c.desc.flags = accumulates ? CLXENT_ACCUMULATE_GRAD : 0;
            case_fill(&a.c);
            bool allowed = written == CLX_GRAD_INPUT && other == CLX_INPUT && in_place;
            if (written == other || allowed || !case_has(&a.c, written) || !case_has(&a.c, other) ||
                !case_writes(&a.c, written))
                continue;
            begin_good(&a);
            case_resize(&a.c, other, 1024);
            *case_buffer(&a.c, written) = (clxent_buffer){case_buffer(&a.c, other)->mem, 0};
            /* Of two that are written, the first is named first. */
            int first = case_writes(&a.c, other) && other < written ? other : written;
            char text[160];
            snprintf(text, sizeof text, "%s overlaps %s", case_tensor_name(first),
                     case_tensor_name(first == written ? other : written));
            expect_refusal(&a, BUFFER, text, __FILE__, __LINE__);
            seen++;
        }
    }
    assert_true(seen > 2);
}

static void every_overlap_is_refused(void **state) {
    (void)state;
    for (int accumulates = 0; accumulates < 2; accumulates++) {
        refuse_all_overlaps(good_desc(LOSS_BOTH), accumulates);
        refuse_all_overlaps(good_desc(LOGITS_BOTH), accumulates);
        refuse_all_overlaps(good_desc(LINEAR_BOTH), accumulates);
        refuse_all_overlaps(good_shard(CLXENT_BACKWARD), accumulates);
    }
    refuse_all_overlaps(good_desc(CLXENT_MERGE, CLXENT_FORWARD), false);
    refuse_all_overlaps(good_shard(CLXENT_FORWARD), false);
}

/* What is added to is read as well, so not even the same bytes are allowed. */
static void accumulation_allows_no_alias(void **state) {
    (void)state;
    REFUSES_WITH(LOSS_BACKWARD, ACCUMULATES, OVER(GRAD_INPUT, INPUT, 0), BUFFER,
                 "grad_input overlaps input, which cross-entropy does not allow");
    REFUSES_WITH(LOSS_BOTH, ACCUMULATES, OVER(GRAD_INPUT, INPUT, 0), BUFFER,
                 "grad_input overlaps input, which cross-entropy does not allow");
    REFUSES_WITH(BINARY_BACKWARD, ACCUMULATES, OVER(GRAD_INPUT, INPUT, 0), BUFFER,
                 "grad_input overlaps input, which binary-cross-entropy does not allow");
    REFUSES_WITH(LOGITS_BOTH, ACCUMULATES, OVER(GRAD_INPUT, INPUT, 0), BUFFER,
                 "grad_input overlaps input, which binary-cross-entropy-with-logits does not allow");
    ACCEPTS_WITH(LOSS_BOTH, ACCUMULATES, (void)0);
    ACCEPTS_WITH(LOGITS_BACKWARD, ACCUMULATES, (void)0);
}

/* In place, as the header's table allows it. The reference does the same on its arrays. */
static void allowed_aliases(void **state) {
    (void)state;
    ACCEPTS(SOFTMAX, IN_PLACE(OUTPUT, INPUT));
    ACCEPTS(LOG_SOFTMAX, IN_PLACE(OUTPUT, INPUT));
    ACCEPTS(SOFTMAX_BACKWARD, IN_PLACE(GRAD_INPUT, OUTPUT));
    ACCEPTS(SOFTMAX_BACKWARD, IN_PLACE(GRAD_INPUT, GRAD_OUTPUT));
    ACCEPTS(LOG_SOFTMAX_BACKWARD, IN_PLACE(GRAD_INPUT, OUTPUT));
    ACCEPTS(LOG_SOFTMAX_BACKWARD, IN_PLACE(GRAD_INPUT, GRAD_OUTPUT));
    ACCEPTS(LOSS_BACKWARD, IN_PLACE(GRAD_INPUT, INPUT));
    ACCEPTS(LOSS_BOTH, IN_PLACE(GRAD_INPUT, INPUT));
    ACCEPTS_WITH(LOSS_BOTH, PROBABILITIES, IN_PLACE(GRAD_INPUT, INPUT));
    ACCEPTS(BINARY_BACKWARD, IN_PLACE(GRAD_INPUT, INPUT));
    ACCEPTS(BINARY_BOTH, IN_PLACE(GRAD_INPUT, INPUT));
    ACCEPTS(LOGITS_BACKWARD, IN_PLACE(GRAD_INPUT, INPUT));
    ACCEPTS(LOGITS_BOTH, IN_PLACE(GRAD_INPUT, INPUT));
    ACCEPTS_WITH(LOSS_BACKWARD, SHARD(BACKWARD), IN_PLACE(GRAD_INPUT, INPUT));
    /* Neighbours touch and do not overlap. */
    ACCEPTS(SOFTMAX, OVER(OUTPUT, INPUT, 60));
    ACCEPTS(LOSS_BOTH, OVER(OUTPUT, INPUT, 60));
    /* Tensors that are only read may share bytes. */
    ACCEPTS(LOSS_BOTH, (OVER(WEIGHT, INPUT, 4), case_set_array(&a.c, CLX_WEIGHT, a.c.array[CLX_INPUT] + 4)));
    ACCEPTS(SOFTMAX_BACKWARD, IN_PLACE(GRAD_OUTPUT, OUTPUT));
    ACCEPTS(LOSS_BOTH, IN_PLACE(TARGET2, TARGET));
    ACCEPTS(LOSS_BOTH,
            (OVER(SAMPLE_WEIGHT, WEIGHT, 8), case_set_array(&a.c, CLX_SAMPLE_WEIGHT, a.c.array[CLX_WEIGHT] + 8)));
    ACCEPTS(LOGITS_BOTH, IN_PLACE(POS_WEIGHT, WEIGHT));
    ACCEPTS(LOGITS_BOTH, IN_PLACE(SAMPLE_WEIGHT, TARGET));
    ACCEPTS(LINEAR_BOTH, IN_PLACE(LINEAR_BIAS, WEIGHT));
    ACCEPTS(LINEAR_BOTH, IN_PLACE(INPUT, LINEAR_WEIGHT));
    ACCEPTS_WITH(LOSS_BACKWARD, SHARD(BACKWARD), IN_PLACE(SAMPLE_WEIGHT, WEIGHT_SUM));
}

/* What lies over something else as it may takes nothing back of what is refused in another tensor. */
static void allowed_aliases_excuse_nothing(void **state) {
    (void)state;
    const char *const text = "correct_count needs 8 bytes from offset 1024, the buffer has";
    REFUSES(LOSS_BOTH, (OVER(GRAD_INPUT, INPUT, 0), a.args->correct_count.offset = 1024), SMALL, text);
    REFUSES(LOSS_BOTH, (OVER(TARGET2, TARGET, 0), a.args->correct_count.offset = 1024), SMALL, text);
}

/* Bytes from which on OpenCL makes sub-buffers. */
static size_t sub_buffer_step(void) {
    cl_uint bits = 0;
    assert_int_equal(clGetDeviceInfo(the_device.id, CL_DEVICE_MEM_BASE_ADDR_ALIGN, sizeof bits, &bits, NULL),
                     CL_SUCCESS);
    return bits / 8;
}

static cl_mem make_sub_buffer(cl_mem mem, size_t origin, size_t size) {
    const cl_buffer_region region = {origin, size};
    cl_int error = CL_SUCCESS;
    cl_mem part = clCreateSubBuffer(mem, CL_MEM_READ_WRITE, CL_BUFFER_CREATE_TYPE_REGION, &region, &error);
    assert_int_equal(error, CL_SUCCESS);
    return part;
}

/* Overlap is seen between a buffer and its sub-buffers, and between two of these; and so is its absence. */
static void sub_buffers(void **state) {
    (void)state;
    size_t step = sub_buffer_step();
    assert_in_range(step, 64, ARRAY_BYTES / 2);
    cl_mem whole = make_buffer(4 * step, NULL);
    cl_mem first = make_sub_buffer(whole, 0, 2 * step), second = make_sub_buffer(whole, step, 2 * step);
    api_case c;
    case_make(&c, LOSS_BOTH);
    assert_int_equal(
        clEnqueueWriteBuffer(the_device.queue, whole, CL_TRUE, step, 60, c.array[CLX_INPUT], 0, NULL, NULL),
        CL_SUCCESS);
    const struct {
        clxent_buffer input, grad_input;
        const char *text; /* NULL: allowed */
    } cases[] = {
        {{whole, step}, {second, 4}, "grad_input overlaps input in part"},
        {{second, 0}, {whole, step + 56}, "grad_input overlaps input in part"},
        {{first, step}, {second, 56}, "grad_input overlaps input in part"},
        {{second, 0}, {first, step - 56}, "grad_input overlaps input in part"},
        {{first, step}, {second, 60}, NULL},
        {{second, 0}, {first, step - 60}, NULL},
        {{second, 0}, {whole, step}, NULL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        c.args.input = cases[i].input;
        c.args.grad_input = cases[i].grad_input;
        if (cases[i].text != NULL) {
            assert_refused(case_run(&c), BUFFER, cases[i].text);
            continue;
        }
        assert_success(case_run(&c));
        assert_right(&c);
    }
    c.args.input = (clxent_buffer){c.memory[CLX_INPUT], 0};
    c.args.grad_input = (clxent_buffer){second, 0};
    c.args.workspace = (clxent_buffer){whole, step - 16};
    assert_refused(case_run(&c), BUFFER, "workspace overlaps grad_input");
    c.args.grad_input = (clxent_buffer){second, 2 * step - 56};
    assert_refused(case_run(&c), SMALL, "grad_input needs 60 bytes from offset");
    case_release(&c);
    clReleaseMemObject(first);
    clReleaseMemObject(second);
    clReleaseMemObject(whole);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(workspace_that_overlaps),
        cmocka_unit_test(forbidden_aliases),
        cmocka_unit_test(every_overlap_is_refused),
        cmocka_unit_test(accumulation_allows_no_alias),
        cmocka_unit_test(allowed_aliases),
        cmocka_unit_test(sub_buffers),
        cmocka_unit_test(allowed_aliases_excuse_nothing),
    };
    return cmocka_run_group_tests_name("aliasing", tests, open_device, close_device);
}
