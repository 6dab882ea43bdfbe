/* Softmax and log-softmax, forward and backward from the output. Each row is read whole before it is written, and each
 * element before the one in its place, so that all may be done in place. */
#include "logits.h"

#include <math.h>

/* p_c or lp_c of every class. */
static void forward(const clx_problem *problem, const clxent_host_args *args,
                    long double (*map)(const clx_sums *sums, long double x)) {
    for (size_t r = 0; r < problem->rows; r++) {
        clx_row row = clx_get_row(problem, r);
        clx_sums sums = clx_sum_row(&row, args->input);
        for (size_t c = 0; c < row.classes; c++)
            clx_put(&row, args->output, c, map(&sums, clx_get(&row, args->input, c)));
    }
}

/* From p: dx = p * (g - sum_c g_c p_c). */
static void softmax_backward(const clx_problem *problem, const clxent_host_args *args) {
    for (size_t r = 0; r < problem->rows; r++) {
        clx_row row = clx_get_row(problem, r);
        long double dot = 0;
        for (size_t c = 0; c < row.classes; c++)
            dot += (long double)clx_get(&row, args->grad_output, c) * clx_get(&row, args->output, c);
        for (size_t c = 0; c < row.classes; c++) {
            double p = clx_get(&row, args->output, c);
            double g = clx_get(&row, args->grad_output, c);
            clx_put(&row, args->grad_input, c, p * (g - dot));
        }
    }
}

/* From lp: dx = g - exp(lp) * sum_c g_c. */
static void log_softmax_backward(const clx_problem *problem, const clxent_host_args *args) {
    for (size_t r = 0; r < problem->rows; r++) {
        clx_row row = clx_get_row(problem, r);
        long double sum = 0;
        for (size_t c = 0; c < row.classes; c++)
            sum += clx_get(&row, args->grad_output, c);
        for (size_t c = 0; c < row.classes; c++) {
            double lp = clx_get(&row, args->output, c);
            double g = clx_get(&row, args->grad_output, c);
            clx_put(&row, args->grad_input, c, g - exp(lp) * sum);
        }
    }
}

clxent_status clx_softmax_reference(const clx_problem *problem, const clxent_host_args *args) {
    if (problem->desc.pass == CLXENT_FORWARD)
        forward(problem, args, clx_prob);
    else
        softmax_backward(problem, args);
    return CLXENT_SUCCESS;
}

clxent_status clx_log_softmax_reference(const clx_problem *problem, const clxent_host_args *args) {
    if (problem->desc.pass == CLXENT_FORWARD)
        forward(problem, args, clx_log_prob);
    else
        log_softmax_backward(problem, args);
    return CLXENT_SUCCESS;
}
