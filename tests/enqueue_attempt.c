/* A call of clxent_enqueue with one thing changed in it, and what must follow. */
#include "enqueue_attempt.h"

void begin_good(attempt *a) {
    case_fill(&a->c);
    case_upload(&a->c);
    a->queue = the_device.queue;
    a->plan = a->c.plan;
    a->args = &a->c.args;
    a->wait_count = 0;
    a->wait_list = NULL;
}

void expect_refusal(attempt *a, clxent_status status, const char *text, const char *file, int line) {
    cl_event event = NO_EVENT;
    if (a->wait_count == 0 && a->wait_list == NULL) /* of which clxent_check_args knows nothing */
        check_refused(clxent_check_args(a->queue, a->plan, a->args), status, text, file, line);
    check_refused(clxent_enqueue(a->queue, a->plan, a->args, a->wait_count, a->wait_list, &event), status, text, file,
                  line);
    assert_int_equal(clFinish(the_device.queue), CL_SUCCESS);
    if (event != NO_EVENT || !case_is_untouched(&a->c)) {
        print_error("refused (%s), but something was touched\n", clxent_last_error());
        _fail(file, line);
    }
    case_release(&a->c);
}

void expect_results(attempt *a, const char *file, int line) {
    assert_success(clxent_check_args(a->queue, a->plan, a->args));
    assert_true(case_is_untouched(&a->c));
    clxent_status status = case_run(&a->c);
    if (status != CLXENT_SUCCESS)
        print_error("%s: %s\n", clxent_status_string(status), clxent_last_error());
    if (status != CLXENT_SUCCESS || !case_is_right(&a->c))
        _fail(file, line);
    case_release(&a->c);
}
