/* Plans: what a plan says of itself, that programs are compiled once for all shapes, that a plan outlives its context
 * and works for a caller of the first release, and what becomes of errors of OpenCL. */
#include "api_fixture.h"
#include "opencl_calls.h"

#include "context.h"

/* 144 bytes is what the first release had on 64-bit machines, and a caller built with its header must go on working. */
static void caller_of_the_first_release(void **state) {
    (void)state;
    api_case c;
    case_begin(&c, LOSS_BOTH);
    c.desc.struct_size = 144;
    case_fill(&c);
    case_upload(&c);
    assert_success(case_run(&c));
    assert_right(&c);
    case_release(&c);
}

/* ---- what a plan says of itself ---- */

static clxent_plan_info info_of(const clxent_desc *desc) {
    clxent_plan *plan = NULL;
    clxent_plan_info info = {.struct_size = sizeof info};
    assert_success(clxent_plan_create(the_device.context, desc, &plan));
    assert_success(clxent_plan_get_info(plan, &info));
    clxent_plan_destroy(plan);
    return info;
}

static void forced_engines_and_groups(void **state) {
    (void)state;
    static const struct {
        clxent_engine engine;
        const char *name;
    } engines[] = {{CLXENT_ENGINE_ROW_PER_ITEM, "row_per_item"},
                   {CLXENT_ENGINE_ROW_PER_GROUP, "row_per_group"},
                   {CLXENT_ENGINE_COLUMN, "column"},
                   {CLXENT_ENGINE_ROWS_PER_LANE, "rows_per_lane"},
                   {CLXENT_ENGINE_ROW_SPLIT, "row_split"}};
    for (size_t i = 0; i < sizeof engines / sizeof engines[0]; i++) {
        for (size_t group = 1; group <= 6; group += 5) {
            clxent_desc desc = good_desc(LOSS);
            desc.engine = engines[i].engine;
            desc.work_group_size = group;
            clxent_plan_info info = info_of(&desc);
            assert_int_equal(info.engine, engines[i].engine);
            assert_string_equal(info.engine_name, engines[i].name);
            assert_int_equal(info.work_group_size, group);
        }
    }
}

static void chosen_engines(void **state) {
    (void)state;
    clxent_desc desc = good_desc(LOSS);
    clxent_plan_info info = info_of(&desc);
    assert_int_equal(info.engine, CLXENT_ENGINE_ROWS_PER_LANE); /* five classes */
    assert_string_equal(info.engine_name, "rows_per_lane");
    assert_in_range(info.work_group_size, 1, device_max_work_group());
    desc.inner = 7;
    info = info_of(&desc);
    assert_int_equal(info.engine, CLXENT_ENGINE_COLUMN);
    assert_string_equal(info.engine_name, "column");
    assert_in_range(info.work_group_size, 1, device_max_work_group());
    /* A CPU that runs work-items one by one gets an item per row, however long it is. */
    const clx_device *device = &the_device.context->core->device;
    desc = good_desc(LOSS);
    desc.batch = 100;
    desc.classes = 1000;
    assert_int_equal(info_of(&desc).engine, device->simt ? CLXENT_ENGINE_ROW_PER_GROUP : CLXENT_ENGINE_ROW_PER_ITEM);
}

/* How many kernels for none, mean and sum, and whether there is a workspace. */
static void kernels_and_workspace(void **state) {
    (void)state;
    static const struct {
        clxent_op op;
        clxent_pass pass;
        unsigned kernels[3];
    } cases[] = {{NLL, {1, 2, 2}},
                 {NLL_BACKWARD, {1, 2, 1}},
                 {LOSS, {1, 2, 2}},
                 {LOSS_BACKWARD, {1, 2, 1}},
                 {LOSS_BOTH, {1, 3, 2}},
                 {BINARY, {1, 2, 2}},
                 {BINARY_BACKWARD, {1, 1, 1}},
                 {LOGITS_BOTH, {1, 2, 2}}};
    clxent_desc desc = good_desc(SOFTMAX);
    assert_int_equal(info_of(&desc).kernels, 1);
    assert_int_equal(info_of(&desc).workspace_size, 0);
    desc.batch = 0;
    assert_int_equal(info_of(&desc).kernels, 0);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        desc = good_desc(cases[i].op, cases[i].pass);
        for (clxent_reduction reduction = CLXENT_REDUCTION_NONE; reduction <= CLXENT_REDUCTION_SUM; reduction++) {
            desc.reduction = reduction;
            clxent_plan_info info = info_of(&desc);
            assert_int_equal(info.kernels, cases[i].kernels[reduction]);
            assert_in_range(info.workspace_size, 1, 1000);
        }
    }
}

/* Work-items are those of whole groups, and none where there are no rows. */
static void work_items(void **state) {
    (void)state;
    for (size_t batch = 0; batch <= 1000; batch = 10 * batch + 1) {
        clxent_desc desc = good_desc(LOSS);
        desc.batch = batch;
        clxent_plan_info info = info_of(&desc);
        assert_int_equal(info.work_items % info.work_group_size, 0);
        assert_int_equal(info.work_items > 0, batch > 0);
    }
}

static void assert_reason(const clxent_plan *plan, clxent_engine engine, const char *text) {
    char reason[128];
    assert_success(clxent_plan_get_reason(plan, engine, sizeof reason, reason));
    assert_string_equal(reason, text);
}

/* What decided, or would have refused, of every engine; also where one is forced, and where there is little room. */
static void reasons(void **state) {
    (void)state;
    clxent_plan *plan = NULL;
    clxent_desc desc = good_desc(LOSS);
    desc.inner = 7;
    assert_success(clxent_plan_create(the_device.context, &desc, &plan));
    assert_reason(plan, CLXENT_ENGINE_COLUMN, "it is for positions side by side, and inner is 7");
    for (clxent_engine engine = CLXENT_ENGINE_ROW_PER_ITEM; engine <= CLXENT_ENGINE_ROW_SPLIT; engine++)
        if (engine != CLXENT_ENGINE_COLUMN)
            assert_reason(plan, engine, "inner is 7, it needs the classes of a row side by side");
    char little[6];
    assert_success(clxent_plan_get_reason(plan, CLXENT_ENGINE_COLUMN, sizeof little, little));
    assert_string_equal(little, "it is");
    clxent_plan_destroy(plan);
    desc = good_desc(LOSS);
    desc.engine = CLXENT_ENGINE_ROW_PER_ITEM;
    assert_success(clxent_plan_create(the_device.context, &desc, &plan));
    assert_reason(plan, CLXENT_ENGINE_ROW_PER_ITEM, "the descriptor asks for it");
    assert_reason(plan, CLXENT_ENGINE_COLUMN, "the descriptor asks for row_per_item");
    clxent_plan_destroy(plan);
}

/* ---- programs ---- */

static void another_shape_compiles_nothing(void **state) {
    (void)state;
    for (clxent_engine engine = CLXENT_ENGINE_ROW_PER_ITEM; engine <= CLXENT_ENGINE_ROW_SPLIT; engine++) {
        clxent_context *context = NULL;
        clxent_plan *first = NULL, *second = NULL;
        clxent_plan_info info = {.struct_size = sizeof info};
        assert_success(clxent_context_create(NULL, the_device.id, &context));
        clxent_desc desc = good_desc(LOSS_BOTH);
        desc.engine = engine;
        desc.work_group_size = 4;
        desc.label_smoothing = .1;
        reset_calls();
        assert_success(clxent_plan_create(context, &desc, &first));
        assert_success(clxent_plan_get_info(first, &info));
        assert_int_equal(info.programs_built, 1);
        assert_int_equal(calls_of(BUILD_PROGRAM), 1);
        desc.batch = 77;
        desc.classes = 1003;
        desc.row_stride = 5000;
        desc.ignore_index = 4;
        desc.label_smoothing = .2;
        desc.reduction = CLXENT_REDUCTION_NONE;
        assert_success(clxent_plan_create(context, &desc, &second));
        assert_success(clxent_plan_get_info(second, &info));
        assert_int_equal(info.programs_built, 0);
        assert_int_equal(calls_of(BUILD_PROGRAM), 1);
        assert_int_equal(calls_of(CREATE_PROGRAM), 1);
        clxent_plan_destroy(first);
        clxent_plan_destroy(second);
        clxent_context_destroy(context);
    }
}

static void a_plan_outlives_its_context(void **state) {
    (void)state;
    clxent_context *context = NULL, *kept = the_device.context;
    assert_success(clxent_context_create(the_device.cl, the_device.id, &context));
    the_device.context = context;
    api_case c;
    case_make(&c, LOSS_BOTH);
    the_device.context = kept;
    clxent_context_destroy(context);
    assert_success(case_run(&c));
    assert_right(&c);
    case_release(&c);
}

static cl_uint references_of(cl_context cl) {
    cl_uint references = 0;
    assert_int_equal(clGetContextInfo(cl, CL_CONTEXT_REFERENCE_COUNT, sizeof references, &references, NULL),
                     CL_SUCCESS);
    return references;
}

/* What OpenCL refuses comes through as it is, leaves nothing behind, and the next attempt is free to succeed. */
static void errors_of_opencl_come_through(void **state) {
    (void)state;
    static const struct {
        opencl_call call;
        size_t nth;
        cl_int error;
        clxent_status status;
        const char *text;
    } cases[] = {
        {CREATE_PROGRAM, 0, CL_OUT_OF_HOST_MEMORY, CL_OUT_OF_HOST_MEMORY,
         "clCreateProgramWithSource failed: CL_OUT_OF_HOST_MEMORY (-6)"},
        {BUILD_PROGRAM, 0, CL_OUT_OF_RESOURCES, CL_OUT_OF_RESOURCES, "building cross_entropy for engine_row_per_item"},
        {BUILD_PROGRAM, 0, CL_BUILD_PROGRAM_FAILURE, CLXENT_BUILD_FAILED, "failed: CL_BUILD_PROGRAM_FAILURE (-11)"},
        {CREATE_KERNEL, 0, CL_OUT_OF_RESOURCES, CL_OUT_OF_RESOURCES, "clCreateKernel of row_op failed: CL_OUT_OF_"},
        {CREATE_KERNEL, 1, CL_INVALID_KERNEL_NAME, CL_INVALID_KERNEL_NAME, "clCreateKernel of reduce_rows failed: "},
    };
    cl_int error = CL_SUCCESS;
    cl_context cl = clCreateContext(NULL, 1, &the_device.id, NULL, NULL, &error);
    assert_int_equal(error, CL_SUCCESS);
    cl_uint references = references_of(cl);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        clxent_context *context = NULL;
        clxent_plan *plan = NO_PLAN;
        assert_success(clxent_context_create(cl, the_device.id, &context));
        clxent_desc desc = good_desc(LOSS);
        desc.engine = CLXENT_ENGINE_ROW_PER_ITEM;
        desc.work_group_size = 1;
        reset_calls();
        fail_call(cases[i].call, cases[i].nth, cases[i].error);
        assert_refused(clxent_plan_create(context, &desc, &plan), cases[i].status, cases[i].text);
        assert_ptr_equal(plan, NO_PLAN);
        assert_success(clxent_plan_create(context, &desc, &plan));
        clxent_plan_destroy(plan);
        clxent_context_destroy(context);
    }
    assert_int_equal(references_of(cl), references);
    clReleaseContext(cl);
}

/* A source that is no OpenCL C: the sentence says what was built with what options, then the compiler's own words. */
static void a_failed_build_brings_its_log(void **state) {
    (void)state;
    clxent_context *context = NULL;
    clxent_plan *plan = NO_PLAN;
    assert_success(clxent_context_create(NULL, the_device.id, &context));
    clxent_desc desc = good_desc(SOFTMAX);
    replace_source("__kernel void row_op(__global float *x) { x[0] = no_such_variable; }\n");
    clxent_status status = clxent_plan_create(context, &desc, &plan);
    replace_source(NULL);
    assert_refused(status, CLXENT_BUILD_FAILED, "building softmax for engine_");
    assert_ptr_equal(plan, NO_PLAN);
    const char *line = strchr(clxent_last_error(), '\n');
    assert_non_null(line);
    assert_non_null(strstr(line, "no_such_variable"));
    assert_success(clxent_plan_create(context, &desc, &plan));
    clxent_plan_destroy(plan);
    clxent_context_destroy(context);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(caller_of_the_first_release),
        cmocka_unit_test(forced_engines_and_groups),
        cmocka_unit_test(chosen_engines),
        cmocka_unit_test(kernels_and_workspace),
        cmocka_unit_test(work_items),
        cmocka_unit_test(reasons),
        cmocka_unit_test(another_shape_compiles_nothing),
        cmocka_unit_test(a_plan_outlives_its_context),
        cmocka_unit_test(errors_of_opencl_come_through),
        cmocka_unit_test(a_failed_build_brings_its_log),
    };
    return cmocka_run_group_tests_name("plan", tests, open_device, close_device);
}
