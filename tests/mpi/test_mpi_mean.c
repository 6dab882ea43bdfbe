/* One mean over processes that have some of the rows each: the sums in the order of the ranks, the same bits on all of them; and the
 * loss and gradient that come of it, against those of all rows in one piece. */
#include "mpi_case.h"

#include <float.h>
#include <math.h>

static void check_sums(clxent_mpi_group *group) {
    /* Numbers whose sum depends on its order. */
    static const double losses[] = {1e16, 1, -1e16, 3}, weights[] = {.1, .2, .3, .4}, samples[] = {1, 2, 3, 4};
    clxent_mpi_total total, again;
    double expected[3] = {0};
    for (int rank = 0; rank < the_ranks; rank++) {
        expected[0] += losses[rank];
        expected[1] += weights[rank];
        expected[2] += samples[rank];
    }
    assert_success(clxent_mpi_mean(group, losses[the_rank], weights[the_rank], samples[the_rank], 0, &total));
    assert_success(clxent_mpi_mean(group, losses[the_rank], weights[the_rank], samples[the_rank], 0, &again));
    assert_memory_equal(&total, &again, sizeof total);
    assert_true(total.loss == expected[0] && total.weights == expected[1] && total.samples == expected[2]);
    assert_true(total.mean == expected[0] / expected[1] && total.grad_output == 1 / expected[1]);
    expect_same_on_all_ranks(&total, sizeof total, "the total");
}

static void check_nothing(clxent_mpi_group *group) {
    clxent_mpi_total total;
    assert_success(clxent_mpi_mean(group, 0, 0, 0, 0, &total));
    assert_true(isnan(total.mean) && isnan(total.grad_output));
    assert_success(clxent_mpi_mean(group, 0, 0, 0, CLXENT_EMPTY_MEAN_ZERO, &total));
    assert_true(total.mean == 0 && total.grad_output == 0);
    assert_success(clxent_mpi_mean(group, 0, 0, the_rank == 0, CLXENT_EMPTY_MEAN_ZERO, &total));
    assert_true(isnan(total.mean)); /* rows, all of weight 0 */
    assert_success(clxent_mpi_mean(group, NAN, the_rank + 1, 1, 0, &total));
    assert_true(isnan(total.mean) && !isnan(total.grad_output));
}

static void check_refusals(clxent_mpi_group *group) {
    const bool mine = the_rank == the_ranks - 1;
    clxent_mpi_total total = {.loss = 7};
    char text[96];
    snprintf(text, sizeof text, "rank %d: total is null", the_ranks - 1);
    expect_on_all_ranks(clxent_mpi_mean(group, 1, 1, 1, 0, mine ? NULL : &total), CLXENT_INVALID_ARGUMENT, text);
    snprintf(text, sizeof text, "rank %d: flags is 3", the_ranks - 1);
    expect_on_all_ranks(clxent_mpi_mean(group, 1, 1, 1, mine ? 3 : 0, &total), CLXENT_INVALID_OPTION, text);
    snprintf(text, sizeof text, "rank %d has the flag CLXENT_EMPTY_MEAN_ZERO, but rank 0 has it not", the_ranks - 1);
    if (the_ranks > 1)
        expect_on_all_ranks(clxent_mpi_mean(group, 1, 1, 1, mine ? CLXENT_EMPTY_MEAN_ZERO : 0, &total),
                            CLXENT_INVALID_OPTION, text);
    assert_true(total.loss == 7);
}

/* Rows are dealt out unevenly; rank 1 has none. */
static void check_rows(clxent_mpi_group *group) {
    enum { ROWS = 20, CLASSES = 5 };
    static const size_t ends[][5] = {{0, 20}, {0, 20, 20}, {0, 7, 7, 20}, {0, 7, 7, 8, 20}};
    float x[ROWS * CLASSES], w[CLASSES] = {.5f, 1, 2, .25f, 1}, u[ROWS], expected[ROWS * CLASSES], got[ROWS * CLASSES];
    float mean = 0, sum = 0, weights[2] = {0}, g;
    int32_t y[ROWS];
    for (int i = 0; i < ROWS * CLASSES; i++)
        x[i] = (float)(i * 37 % 64) / 8 - 4;
    for (int i = 0; i < ROWS; i++) {
        y[i] = i % 4 == 3 ? -100 : i % CLASSES;
        u[i] = (float)(i % 3 + 1);
    }
    clxent_desc desc;
    clxent_desc_init(&desc, CLXENT_CROSS_ENTROPY);
    desc.pass = CLXENT_FORWARD_BACKWARD;
    desc.batch = ROWS;
    desc.classes = CLASSES;
    clxent_host_args args;
    clxent_host_args_init(&args);
    args.input = x;
    args.target = y;
    args.weight = w;
    args.sample_weight = u;
    args.output = &mean;
    args.grad_input = expected;
    assert_success(clxent_reference(&desc, &args));
    const size_t first = ends[the_ranks - 1][the_rank], end = ends[the_ranks - 1][the_rank + 1];
    desc.pass = CLXENT_FORWARD;
    desc.reduction = CLXENT_REDUCTION_SUM;
    desc.batch = end - first;
    args.input = x + first * CLASSES;
    args.target = y + first;
    args.sample_weight = u + first;
    args.output = &sum;
    args.weight_sum = weights;
    assert_success(clxent_run(the_device.context, &desc, &args));
    clxent_mpi_total total;
    assert_success(clxent_mpi_mean(group, (double)sum, (double)weights[0], (double)weights[1], 0, &total));
    assert_true(fabs(total.mean - (double)mean) <= 16 * (double)FLT_EPSILON * fabs((double)mean));
    g = (float)total.grad_output;
    desc.pass = CLXENT_BACKWARD;
    args.grad_output = &g;
    args.grad_input = got;
    assert_success(clxent_run(the_device.context, &desc, &args));
    for (size_t i = 0; i < desc.batch * CLASSES; i++)
        assert_true(fabsf(got[i] - expected[first * CLASSES + i]) <= 4 * FLT_EPSILON);
}

int main(int argc, char **argv) {
    clxent_mpi_group *group = NULL;
    begin_ranks(&argc, &argv);
    assert_success(clxent_mpi_group_create(MPI_COMM_WORLD, &group));
    check_sums(group);
    check_nothing(group);
    check_refusals(group);
    check_rows(group);
    clxent_mpi_group_destroy(group);
    return end_ranks();
}
