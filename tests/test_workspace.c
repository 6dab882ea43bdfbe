/* What lies in the workspace, to the byte: kernels/reduce.cl and kernels/engine_row_split.cl count the same way from numbers of
 * their own, and a host that had other ones would hand them too little, or callers too much to allocate. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "workspace.h"

static clx_problem problem_of(clxent_op op, clxent_pass pass, clxent_dtype dtype, size_t batch, size_t classes) {
    clx_problem problem;
    clxent_desc desc;
    clxent_desc_init(&desc, op);
    desc.pass = pass;
    desc.dtype = dtype;
    desc.batch = batch;
    desc.classes = classes;
    assert_int_equal(clx_problem_init(&problem, &desc), CLXENT_SUCCESS);
    return problem;
}

static clx_workspace workspace_of(const clx_problem *problem, bool splits) {
    clx_geometry geometry;
    memset(&geometry, 0, sizeof geometry);
    geometry.splits = splits;
    return clx_workspace_of(problem, &geometry);
}

/* At least four runs of 16 rows to a chunk, as long as there are fewer than 1024. */
static void chunks_of_rows(void **state) {
    (void)state;
    static const size_t chunks[][2] = {{1, 1},       {64, 1},       {65, 2},       {128, 2},      {129, 4},
                                       {32768, 512}, {32769, 1024}, {65536, 1024}, {65537, 1024}, {1000000, 1024}};
    for (size_t i = 0; i < sizeof chunks / sizeof chunks[0]; i++) {
        clx_problem problem = problem_of(CLXENT_NLL_LOSS, CLXENT_FORWARD, CLXENT_F32, chunks[i][0], 3);
        assert_int_equal(workspace_of(&problem, false).chunks, chunks[i][1]);
    }
}

/* 64 bytes of totals; four counts and five sums of each of two chunks; a loss per row, where they are summed. */
static void sums_and_losses(void **state) {
    (void)state;
    clx_problem problem = problem_of(CLXENT_CROSS_ENTROPY, CLXENT_FORWARD, CLXENT_F32, 101, 5);
    clx_workspace w = workspace_of(&problem, false);
    assert_int_equal(w.losses_at, 176); /* the next multiple of 16 behind 64 + 2 * (4 * 8 + 5 * 4) */
    assert_int_equal(w.size, 176 + 101 * 4);
    problem = problem_of(CLXENT_CROSS_ENTROPY, CLXENT_FORWARD_BACKWARD, CLXENT_F64, 101, 5);
    w = workspace_of(&problem, false);
    assert_int_equal(w.losses_at, 64 + 2 * (4 * 8 + 5 * 8)); /* a multiple of 16 as it is */
    assert_int_equal(w.size, 208 + 101 * 8);
    problem.desc.reduction = CLXENT_REDUCTION_NONE;
    assert_int_equal(workspace_of(&problem, false).size, 208);
    problem = problem_of(CLXENT_CROSS_ENTROPY, CLXENT_BACKWARD, CLXENT_F32, 101, 5);
    assert_int_equal(workspace_of(&problem, false).size, 176);
    problem = problem_of(CLXENT_SOFTMAX, CLXENT_FORWARD, CLXENT_F32, 101, 5);
    assert_int_equal(workspace_of(&problem, false).size, 0);
}

/* Behind them, from a multiple of 16 on, 64 bytes for each chunk of a row, and 128 for the row. */
static void parts_of_rows(void **state) {
    (void)state;
    clx_problem problem = problem_of(CLXENT_CROSS_ENTROPY, CLXENT_FORWARD, CLXENT_F32, 101, 50000);
    clx_workspace w = workspace_of(&problem, true);
    assert_int_equal(w.parts_at, 592); /* behind 176 + 101 * 4 */
    assert_int_equal(w.size, 592 + 101 * (4 * 64 + 128));
    problem = problem_of(CLXENT_SOFTMAX, CLXENT_FORWARD, CLXENT_F32, 101, 50000);
    w = workspace_of(&problem, true);
    assert_int_equal(w.parts_at, 0);
    assert_int_equal(w.size, 101 * (4 * 64 + 128));
}

/* Fits it? Of the bytes that a signed number counts, a MiB is kept for what is no row's own. */
static bool fits(clxent_op op, size_t rows, bool splits) {
    clx_problem problem = problem_of(op, CLXENT_FORWARD, CLXENT_F64, 1, 1);
    clx_geometry geometry;
    memset(&geometry, 0, sizeof geometry);
    geometry.splits = splits;
    problem.rows = rows;
    return clx_workspace_fits(&problem, &geometry);
}

static void as_many_as_can_be_counted(void **state) {
    (void)state;
    const size_t room = (size_t)PTRDIFF_MAX - 1048576;
    assert_true(fits(CLXENT_NLL_LOSS, room / 8, false));
    assert_false(fits(CLXENT_NLL_LOSS, room / 8 + 1, false));
    assert_true(fits(CLXENT_SOFTMAX, SIZE_MAX, false));
    assert_true(fits(CLXENT_SOFTMAX, room / 192, true));
    assert_false(fits(CLXENT_SOFTMAX, room / 192 + 1, true));
    assert_true(fits(CLXENT_CROSS_ENTROPY, room / 200, true));
    assert_false(fits(CLXENT_CROSS_ENTROPY, room / 200 + 1, true));
}

static size_t iterations(size_t rows, size_t parts) {
    clx_problem problem = {.rows = rows};
    problem.desc.parts = parts;
    return clx_reduce_iterations(&problem);
}

/* For devices that stop counting: a run takes 68 iterations, 17 more for each part of a merge, and each of 1024 chunks has one
 * until there are more runs. */
static void iterations_of_a_sum(void **state) {
    (void)state;
    assert_int_equal(iterations(1, 0), 68 + 2048);
    assert_int_equal(iterations(16384, 0), 68 + 2048);
    assert_int_equal(iterations(16385, 0), 2 * 68 + 2048);
    assert_int_equal(iterations(1638400, 0), 100 * 68 + 2048);
    assert_int_equal(iterations(16385, 3), 2 * 119 + 2048);
    assert_true(iterations(1, SIZE_MAX / 2) == SIZE_MAX);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(chunks_of_rows),      cmocka_unit_test(sums_and_losses),
        cmocka_unit_test(parts_of_rows),       cmocka_unit_test(as_many_as_can_be_counted),
        cmocka_unit_test(iterations_of_a_sum),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
