/* A plan sets again only what differs from its last call: what one call brought is not taken for what the next one
 * brings, be it at another place, in another object behind the same handle, or all in one buffer. */
#include "api_fixture.h"
#include "opencl_calls.h"

static void begin(api_case *c, size_t offset, int value) {
    case_begin(c, LOSS_BOTH);
    for (int tensor = 0; tensor <= WORKSPACE; tensor++)
        c->offset[tensor] = offset * (size_t)(tensor + 1);
    case_fill(c);
    ((float *)(void *)c->array[CLX_INPUT])[3] = (float)value;
    case_upload(c);
}

static void offsets_change(void **state) {
    (void)state;
    api_case c[3];
    for (size_t i = 0; i < 3; i++)
        begin(&c[i], 16 * i, (int)i);
    for (size_t i = 0; i < 6; i++)
        assert_success(clxent_enqueue(the_device.queue, c[0].plan, &c[i % 3].args, 0, NULL, NULL));
    finish_queue(the_device.queue);
    for (size_t i = 0; i < 3; i++)
        assert_right(&c[i]);
    /* The same buffer, another place in it: the second half is a copy of the first, but for one logit. */
    api_case moved;
    case_make(&moved, LOSS_BOTH);
    unsigned char both[120];
    memcpy(both, moved.array[CLX_INPUT], 60);
    memcpy(both + 60, moved.array[CLX_INPUT], 60);
    ((float *)(void *)(both + 60))[4] = 7;
    cl_mem twice = make_buffer(sizeof both, both);
    moved.args.input.mem = twice;
    for (size_t i = 0; i < 4; i++) {
        moved.args.input.offset = i % 2 * 60;
        memcpy(moved.array[CLX_INPUT], both + i % 2 * 60, 60);
        assert_success(case_run(&moved));
        assert_right(&moved);
    }
    clReleaseMemObject(twice);
    case_release(&moved);
    for (size_t i = 0; i < 3; i++)
        case_release(&c[i]);
}

/* A handle says nothing of what is behind it, so each call sets the memory objects that it has. */
static void memory_is_set_each_time(void **state) {
    (void)state;
    api_case c;
    begin(&c, 0, 0);
    watch_memory(c.args.grad_input.mem);
    reset_calls();
    for (size_t i = 0; i < 3; i++)
        assert_success(case_run(&c));
    watch_memory(NULL);
    assert_int_equal(calls_of(SET_WATCHED), 3);
    assert_right(&c);
    case_release(&c);
}

static void released_buffers_are_forgotten(void **state) {
    (void)state;
    api_case c;
    begin(&c, 0, 0);
    for (int i = 0; i < 10; i++) {
        ((float *)(void *)c.array[CLX_INPUT])[3] = (float)i;
        case_resize(&c, CLX_INPUT, case_bytes(&c, CLX_INPUT));
        case_resize(&c, WORKSPACE, case_bytes(&c, WORKSPACE));
        assert_success(case_run(&c));
        assert_right(&c);
    }
    /* one that has become too small */
    const cl_event none = NO_EVENT;
    cl_event event = none;
    case_resize(&c, CLX_INPUT, case_bytes(&c, CLX_INPUT) - 4);
    assert_refused(clxent_enqueue(the_device.queue, c.plan, &c.args, 0, NULL, &event), CLXENT_BUFFER_TOO_SMALL,
                   "input needs 60 bytes from offset 0, the buffer has 56");
    assert_ptr_equal(event, none);
    case_release(&c);
}

/* As an engine does that has one large allocation: each refusal still names the right tensor. */
static void one_buffer_for_all(void **state) {
    (void)state;
    enum { PLACE = 1024 };
    api_case c;
    begin(&c, 0, 5);
    const size_t size = (WORKSPACE + 1) * PLACE;
    unsigned char *content = malloc(size);
    assert_non_null(content);
    memset(content, UNTOUCHED, size);
    for (int tensor = 0; tensor < CASE_TENSORS; tensor++)
        memcpy(content + tensor * PLACE, c.array[tensor], PLACE);
    cl_mem pool = make_buffer(size, content);
    free(content);
    for (int tensor = 0; tensor <= WORKSPACE; tensor++)
        if (case_has(&c, tensor))
            *case_buffer(&c, tensor) = (clxent_buffer){pool, (size_t)tensor * PLACE};
    assert_success(case_run(&c));
    assert_right(&c);
    c.args.lse.offset += 2;
    assert_refused(case_run(&c), CLXENT_INVALID_BUFFER, "lse has offset 8194, which is not a multiple of 4");
    c.args.lse.offset = size - 8;
    assert_refused(case_run(&c), CLXENT_BUFFER_TOO_SMALL, "lse needs 12 bytes from offset 22520");
    c.args.lse.offset = c.args.target.offset + 8;
    assert_refused(case_run(&c), CLXENT_INVALID_BUFFER, "lse overlaps target");
    c.args.lse.offset = c.args.workspace.offset;
    assert_refused(case_run(&c), CLXENT_INVALID_BUFFER, "workspace overlaps lse");
    c.args.lse.offset = (size_t)CLX_LSE * PLACE;
    c.args.grad_input.offset = c.args.input.offset;
    assert_success(case_run(&c)); /* in place */
    clReleaseMemObject(pool);
    case_release(&c);
}

/* A call that is refused for what it has not got changes nothing for the next one. */
static void refusals_leave_no_trace(void **state) {
    (void)state;
    api_case c;
    begin(&c, 0, 0);
    for (size_t i = 0; i < 3; i++) {
        clxent_args args = c.args;
        args.output.mem = NULL;
        cl_event event = NO_EVENT;
        assert_refused(clxent_enqueue(the_device.queue, c.plan, &args, 0, NULL, &event), CLXENT_MISSING_BUFFER,
                       "output is null");
        args = c.args;
        args.pos_weight.mem = c.args.input.mem;
        assert_refused(clxent_enqueue(the_device.queue, c.plan, &args, 0, NULL, &event), CLXENT_INVALID_ARGUMENT,
                       "pos_weight is given");
        assert_success(case_run(&c));
        assert_right(&c);
    }
    case_release(&c);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(offsets_change),
        cmocka_unit_test(memory_is_set_each_time),
        cmocka_unit_test(released_buffers_are_forgotten),
        cmocka_unit_test(one_buffer_for_all),
        cmocka_unit_test(refusals_leave_no_trace),
    };
    return cmocka_run_group_tests_name("arguments", tests, open_device, close_device);
}
