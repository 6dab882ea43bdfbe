/* Before anything is timed: is what the engine computes what the reference computes?
 *
 * The case is cut to about a million elements, of which the reference makes short work, and runs with the engine that the
 * whole case has, on the difficult data of `clxent check` and within the tolerances of it. */
#include "bench.h"
#include "check_compare.h"
#include "message.h"

#include <string.h>

#define MOST_ELEMENTS ((size_t)1 << 20)

/* Fewer batch entries, then fewer inner positions; never fewer classes. */
static void cut(clxent_desc *desc) {
    size_t entry = desc->classes * desc->inner, most = MOST_ELEMENTS / entry > 1 ? MOST_ELEMENTS / entry : 1;
    desc->batch = desc->batch < most ? desc->batch : most;
    if (entry <= MOST_ELEMENTS)
        return;
    most = MOST_ELEMENTS / desc->classes > 1 ? MOST_ELEMENTS / desc->classes : 1;
    desc->inner = desc->inner < most ? desc->inner : most;
}

/* Puts the input that is to be overwritten where the result will be. */
static void lay_over_input(const check_data *data, const bench_case *c, clxent_host_args *args) {
    size_t bytes = data->span * bench_element_size(c->dtype);
    if (c->op > CLXENT_LOG_SOFTMAX) {
        memcpy(args->grad_input, data->input, bytes);
        args->input = args->grad_input;
    } else if (c->pass == CLXENT_FORWARD) {
        memcpy(args->output, data->input, bytes);
        args->input = args->output;
    } else {
        memcpy(args->grad_input, data->grad_output, bytes);
        args->grad_output = args->grad_input;
    }
}

static int compare(bench *b, const bench_case *c, const check_case *cut_case, const check_data *data,
                   check_results *got, check_results *expected) {
    clxent_host_args args = check_data_args(data, cut_case, got);
    clxent_host_args reference_args = check_data_args(data, cut_case, expected);
    if (c->in_place)
        lay_over_input(data, c, &args);
    if (clxent_run(b->device.context, &cut_case->desc, &args) != CLXENT_SUCCESS ||
        clxent_reference(&cut_case->desc, &reference_args) != CLXENT_SUCCESS)
        return complain("%s: %s", bench_describe(c).text, clxent_last_error());
    check_worst worst = check_compare(data, cut_case);
    if (worst.ratio <= 1)
        return STATUS_OK;
    return complain(
        "%s, cut to (%zu, %zu, %zu), is wrong: %s[%zu] is %.9g, the reference has %.9g, which is %.3g times "
        "the tolerance",
        bench_describe(c).text, cut_case->desc.batch, cut_case->desc.classes, cut_case->desc.inner, worst.tensor,
        worst.index, worst.got, worst.expected, worst.ratio);
}

int bench_verify(bench *b, const bench_case *c, clxent_engine engine) {
    check_case cut_case = {.desc = bench_desc(c)};
    check_data data;
    cut(&cut_case.desc);
    cut_case.desc.engine = engine;
    cut_case.grad_output = c->op <= CLXENT_LOG_SOFTMAX && c->pass == CLXENT_BACKWARD;
    int status = STATUS_FAILED;
    if (check_data_init(&data, &cut_case))
        status = compare(b, c, &cut_case, &data, &data.got, &data.expected);
    else
        complain("%s: there is no memory for checking it", bench_describe(c).text);
    check_data_free(&data);
    return status;
}
