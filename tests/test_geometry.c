/* The numbers that engines take on a device follow from its facts, whatever those are, and stay within them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "engine.h"
#include "geometry.h"

/* A GPU such as many are. */
static clx_device gpu(void) {
    clx_device d = {.simt = true, .fp64 = true, .compute_units = 60, .max_work_group = 1024, .local_memory = 49152};
    d.group_multiple = 32;
    d.float_lanes = d.double_lanes = 1;
    strcpy(d.name, "some GPU");
    strcpy(d.vendor, "some vendor");
    return d;
}

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

static clx_geometry choose(const clx_problem *problem, const clx_device *device) {
    clx_geometry geometry;
    memset(&geometry, 0, sizeof geometry);
    assert_int_equal(clx_engine_choose(problem, device, &geometry), CLXENT_SUCCESS);
    return geometry;
}

static void numbers_of_a_cpu(void **state) {
    (void)state;
    clx_device d = gpu();
    d.simt = false;
    d.cpu = true;
    clx_tuning t = clx_tuning_of(&d);
    assert_int_equal(t.item_group, 1);
    assert_int_equal(t.unit_items, 8);
    assert_int_equal(t.unit_groups, 32);
    assert_int_equal(t.few_classes, 32);
}

static void groups_fit_the_hardware(void **state) {
    (void)state;
    clx_device d = gpu();
    clx_tuning t = clx_tuning_of(&d);
    assert_int_equal(t.short_group, 64);
    assert_int_equal(t.long_group, 256);
    d.group_multiple = 128;
    assert_int_equal(clx_tuning_of(&d).short_group, 128);
    assert_int_equal(clx_tuning_of(&d).item_group, 128);
    d.max_work_group = 48; /* no power of two */
    t = clx_tuning_of(&d);
    assert_int_equal(t.short_group, 32);
    assert_int_equal(t.long_group, 32);
    assert_int_equal(t.item_group, 32);
}

/* A group that is asked for may be as large as the device's largest. */
static void the_largest_group(void **state) {
    (void)state;
    clx_device d = gpu();
    clx_problem problem = problem_of(CLXENT_SOFTMAX, CLXENT_FORWARD, CLXENT_F32, 100, 1000);
    clx_geometry g;
    problem.desc.work_group_size = d.max_work_group;
    assert_int_equal(choose(&problem, &d).group_size, 1024);
    problem.desc.work_group_size++;
    assert_int_equal(clx_engine_choose(&problem, &d, &g), CLXENT_UNSUPPORTED);
}

static void a_measured_device(void **state) {
    (void)state;
    clx_device d = gpu();
    assert_null(clx_tuning_measured(&d));
    strcpy(d.name, "llvmpipe (LLVM 15.0.6, 256 bits)");
    assert_null(clx_tuning_measured(&d));
    strcpy(d.vendor, "Mesa/X.org");
    assert_non_null(clx_tuning_measured(&d));
    assert_int_equal(clx_tuning_of(&d).long_group, 32);
    assert_int_equal(clx_tuning_of(&d).short_row, 1024); /* of which the table says nothing */
}

static void powers_of_two(void **state) {
    (void)state;
    assert_int_equal(clx_power_of_two(0), 1);
    assert_int_equal(clx_power_of_two(1), 1);
    assert_int_equal(clx_power_of_two(63), 32);
    assert_int_equal(clx_power_of_two(64), 64);
    assert_true(clx_power_of_two(SIZE_MAX) == SIZE_MAX / 2 + 1);
}

static void engines_of_a_gpu(void **state) {
    (void)state;
    clx_device d = gpu();
    clx_problem few = problem_of(CLXENT_SOFTMAX, CLXENT_FORWARD, CLXENT_F32, 100, 32),
                more = problem_of(CLXENT_SOFTMAX, CLXENT_FORWARD, CLXENT_F32, 100, 33),
                large = problem_of(CLXENT_SOFTMAX, CLXENT_FORWARD, CLXENT_BF16, 100, 50257),
                lonely = problem_of(CLXENT_SOFTMAX, CLXENT_FORWARD, CLXENT_F64, 4, 128256);
    clx_geometry g = choose(&few, &d);
    assert_int_equal(g.engine, CLXENT_ENGINE_ROWS_PER_LANE);
    assert_string_equal(g.file, "rows_in_local");
    assert_int_equal(g.lanes, 1);
    assert_int_equal(g.tile, 0);
    assert_int_equal(g.local_tile, 64 * 33);
    g = choose(&more, &d);
    assert_int_equal(g.engine, CLXENT_ENGINE_ROW_PER_GROUP);
    assert_int_equal(g.group_size, 64);
    assert_int_equal(g.lanes, 4); /* 16 bytes, like the next two */
    g = choose(&large, &d);
    assert_int_equal(g.group_size, 256);
    assert_int_equal(g.lanes, 8);
    g = choose(&lonely, &d);
    assert_int_equal(g.engine, CLXENT_ENGINE_ROW_SPLIT);
    assert_int_equal(g.lanes, 2);
}

static void expect_reason(const clx_problem *problem, const clx_device *device, clxent_engine engine,
                          const char *expected) {
    char reason[CLX_REASON];
    clx_engine_reason(problem, device, choose(problem, device).engine, engine, reason);
    assert_string_equal(reason, expected);
}

/* Why each engine is taken or not follows the order in which they are asked. */
static void reasons_of_a_gpu(void **state) {
    (void)state;
    clx_device d = gpu();
    clx_problem few = problem_of(CLXENT_SOFTMAX, CLXENT_FORWARD, CLXENT_F32, 100, 32),
                large = problem_of(CLXENT_SOFTMAX, CLXENT_FORWARD, CLXENT_F32, 100, 50257),
                lonely = problem_of(CLXENT_SOFTMAX, CLXENT_FORWARD, CLXENT_F32, 4, 128256),
                gather = problem_of(CLXENT_NLL_LOSS, CLXENT_FORWARD, CLXENT_F32, 100, 1000);
    expect_reason(&few, &d, CLXENT_ENGINE_ROWS_PER_LANE, "it is for up to 32 classes, and there are 32");
    expect_reason(&few, &d, CLXENT_ENGINE_ROW_SPLIT, "it is for more than 32 classes, and there are 32");
    expect_reason(&few, &d, CLXENT_ENGINE_ROW_PER_ITEM, "rows_per_lane suits too and comes before it");
    expect_reason(&few, &d, CLXENT_ENGINE_COLUMN, "it is for positions side by side, and inner is 1");
    expect_reason(&large, &d, CLXENT_ENGINE_ROWS_PER_LANE, "it is for up to 32 classes, and there are 50257");
    expect_reason(&large, &d, CLXENT_ENGINE_ROW_SPLIT,
                  "it is for fewer rows than the 60 compute units, and there are 100");
    expect_reason(&large, &d, CLXENT_ENGINE_ROW_PER_GROUP, "it is for more than 32 classes, and there are 50257");
    expect_reason(&lonely, &d, CLXENT_ENGINE_ROW_SPLIT,
                  "it is for fewer rows than the 60 compute units, and there are 4");
    expect_reason(&lonely, &d, CLXENT_ENGINE_ROW_PER_GROUP, "row_split suits too and comes before it");
    large.desc.classes = 16384;
    expect_reason(&large, &d, CLXENT_ENGINE_ROW_SPLIT, "it is for more than 16384 classes, and there are 16384");
    expect_reason(&gather, &d, CLXENT_ENGINE_ROW_PER_GROUP,
                  "this pass of nll-loss visits one class of a row, there is nothing to share");
    expect_reason(&gather, &d, CLXENT_ENGINE_ROW_SPLIT,
                  "this pass of nll-loss visits one class of a row, there is nothing to split");
    expect_reason(&gather, &d, CLXENT_ENGINE_ROW_PER_ITEM, "it is for any rows whose classes lie side by side");
    d.local_memory = 0;
    expect_reason(&large, &d, CLXENT_ENGINE_ROW_PER_GROUP,
                  "1 work-items need 32 bytes of local memory each, the row as many more, the device has 0");
}

static void reasons_of_a_cpu(void **state) {
    (void)state;
    clx_device d = gpu();
    d.simt = false;
    clx_problem large = problem_of(CLXENT_CROSS_ENTROPY, CLXENT_FORWARD_BACKWARD, CLXENT_F32, 100, 50257);
    const char *const for_gpus = "it is for devices that run the work-items of a group side by side, as GPUs do";
    expect_reason(&large, &d, CLXENT_ENGINE_ROW_PER_GROUP, for_gpus);
    expect_reason(&large, &d, CLXENT_ENGINE_ROW_SPLIT, for_gpus);
    expect_reason(&large, &d, CLXENT_ENGINE_ROW_PER_ITEM, "it is for any rows whose classes lie side by side");
    large.desc.engine = CLXENT_ENGINE_ROW_SPLIT;
    expect_reason(&large, &d, CLXENT_ENGINE_ROW_SPLIT, "the descriptor asks for it");
    expect_reason(&large, &d, CLXENT_ENGINE_ROW_PER_ITEM, "the descriptor asks for row_split");
}

/* Classes of a row that is kept in local memory: all of them, or none. */
static size_t kept(clxent_op op, clxent_pass pass, size_t classes, const clx_device *d) {
    clx_problem problem = problem_of(op, pass, CLXENT_F32, 100, classes);
    clx_geometry g = choose(&problem, d);
    return g.local_tile * g.lanes;
}

static void rows_that_are_kept(void **state) {
    (void)state;
    clx_device d = gpu();
    assert_int_equal(kept(CLXENT_SOFTMAX, CLXENT_FORWARD, 1001, &d), 1004);
    assert_int_equal(kept(CLXENT_SOFTMAX, CLXENT_FORWARD, 6144, &d), 6144); /* half of the memory, */
    assert_int_equal(kept(CLXENT_SOFTMAX, CLXENT_FORWARD, 6145, &d), 0);
    assert_int_equal(kept(CLXENT_SOFTMAX, CLXENT_BACKWARD, 3072, &d), 3072); /* for one tensor or for two */
    assert_int_equal(kept(CLXENT_SOFTMAX, CLXENT_BACKWARD, 3073, &d), 0);
    assert_int_equal(kept(CLXENT_CROSS_ENTROPY, CLXENT_FORWARD, 1000, &d), 0); /* nothing to gain */
    assert_int_equal(kept(CLXENT_NLL_LOSS, CLXENT_BACKWARD, 1000, &d), 0);
    d.local_memory = (size_t)1 << 30;
    assert_int_equal(kept(CLXENT_SOFTMAX, CLXENT_FORWARD, CLX_CHUNK, &d), CLX_CHUNK);
    assert_int_equal(kept(CLXENT_SOFTMAX, CLXENT_FORWARD, CLX_CHUNK + 1, &d), 0);
}

static bool keeps(clxent_op op, clxent_pass pass, clxent_engine engine, size_t group, const clx_device *d) {
    clx_problem problem = problem_of(op, pass, CLXENT_F32, 100, 50);
    problem.desc.engine = engine;
    problem.desc.work_group_size = group;
    return choose(&problem, d).keeps_row;
}

/* What a work-item of a CPU keeps of its own row: for a pass that reads it twice, and in a group of one. */
static void exponentials_that_are_kept(void **state) {
    (void)state;
    clx_device d = gpu();
    const clxent_engine alone = CLXENT_ENGINE_ROW_PER_ITEM;
    assert_false(keeps(CLXENT_SOFTMAX, CLXENT_FORWARD, alone, 1, &d)); /* a GPU has no room for it */
    d.simt = false;
    assert_true(keeps(CLXENT_SOFTMAX, CLXENT_FORWARD, alone, 0, &d));
    assert_true(keeps(CLXENT_CROSS_ENTROPY, CLXENT_FORWARD_BACKWARD, alone, 1, &d));
    assert_false(keeps(CLXENT_CROSS_ENTROPY, CLXENT_FORWARD_BACKWARD, alone, 2, &d));
    assert_false(keeps(CLXENT_CROSS_ENTROPY, CLXENT_FORWARD, alone, 0, &d));
    assert_false(keeps(CLXENT_NLL_LOSS, CLXENT_BACKWARD, alone, 0, &d));
    assert_false(keeps(CLXENT_SOFTMAX, CLXENT_FORWARD, CLXENT_ENGINE_ROW_PER_GROUP, 1, &d));
    assert_false(keeps(CLXENT_SOFTMAX, CLXENT_FORWARD, CLXENT_ENGINE_COLUMN, 1, &d));
    assert_false(keeps(CLXENT_SOFTMAX, CLXENT_FORWARD, CLXENT_ENGINE_ROWS_PER_LANE, 1, &d));
}

/* Where a work-item may do so many loop iterations and no more, there are more of them rather than one that does too many. */
static void enough_work_items_for_a_limit(void **state) {
    (void)state;
    clx_device d = gpu();
    clx_problem problem = problem_of(CLXENT_SOFTMAX, CLXENT_FORWARD, CLXENT_F32, 1, 100);
    problem.desc.engine = CLXENT_ENGINE_ROW_PER_ITEM;
    d.compute_units = 4;
    const size_t usual = 4 * 2048, of_a_row = 25 * 11 + 256; /* 25 vectors of four classes */
    d.loop_limit = 100 * of_a_row + of_a_row - 1;
    clx_geometry g = choose(&problem, &d);
    problem.rows = 100 * usual;
    assert_int_equal(clx_engine_global_size(&problem, &d, &g), usual);
    problem.rows++;
    assert_int_equal(clx_engine_global_size(&problem, &d, &g), usual + g.group_size);
    d.loop_limit = 0;
    assert_int_equal(clx_engine_global_size(&problem, &d, &g), usual);
    d.loop_limit = of_a_row;
    assert_int_equal(clx_engine_check_loops(&problem, &d, &g), CLXENT_SUCCESS);
    d.loop_limit--;
    assert_int_equal(clx_engine_check_loops(&problem, &d, &g), CLXENT_UNSUPPORTED);
}

/* Nothing that a plan needs of local memory is more than there is, down to none at all. */
static void any_local_memory(void **state) {
    (void)state;
    for (size_t bytes = 0; bytes < 70000; bytes += bytes < 300 ? 1 : 97)
        for (size_t group = 0; group <= 256; group = group == 0 ? 1 : 4 * group) {
            clx_device d = gpu();
            d.local_memory = bytes;
            clx_problem problem = problem_of(CLXENT_LOG_SOFTMAX, CLXENT_BACKWARD, CLXENT_F64, 100, 1000);
            problem.desc.work_group_size = group;
            clx_geometry g = choose(&problem, &d);
            size_t needed = clx_engine_local_bytes(&problem, &g) + (g.shared_rows ? 64 * (g.group_size + 1) : 0);
            assert_in_range(needed, 0, bytes);
            problem = problem_of(CLXENT_LOG_SOFTMAX, CLXENT_BACKWARD, CLXENT_F64, 100, 10);
            problem.desc.work_group_size = group;
            g = choose(&problem, &d);
            assert_int_equal(g.engine, CLXENT_ENGINE_ROWS_PER_LANE);
            assert_in_range(clx_engine_local_bytes(&problem, &g), 0, bytes);
            assert_int_equal(strcmp(g.file, "rows_in_local") == 0, g.local_tile > 0);
        }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_of_a_cpu),
        cmocka_unit_test(groups_fit_the_hardware),
        cmocka_unit_test(powers_of_two),
        cmocka_unit_test(a_measured_device),
        cmocka_unit_test(engines_of_a_gpu),
        cmocka_unit_test(reasons_of_a_gpu),
        cmocka_unit_test(reasons_of_a_cpu),
        cmocka_unit_test(rows_that_are_kept),
        cmocka_unit_test(any_local_memory),
        cmocka_unit_test(exponentials_that_are_kept),
        cmocka_unit_test(enough_work_items_for_a_limit),
        cmocka_unit_test(the_largest_group),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
