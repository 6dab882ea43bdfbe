/* Sizes that are not what they seem, a row each with the exact status and sentence: what the tests of buffers, ranges,
 * aliasing and refusals (docs/reliability.md lists them) do not have. Shapes whose products come near the largest number,
 * just inside and just outside; parts of buffers that end too soon. */
#include "api_fixture.h"

#include "op.h"
#include "problem.h"

/* ---- shapes ---- */

#define BYTES_MOST ((size_t)PTRDIFF_MAX)
#define ELEMENTS_MOST (BYTES_MOST / 8) /* whatever the type, as if each had 8 bytes */
#define TOO_LARGE "has more bytes than this machine can address"
#define SHAPE CLXENT_INVALID_SHAPE

typedef struct shape_row {
    size_t batch, classes, inner, row_stride;
    clxent_engine engine;
    clxent_status status;
    const char *text;
} shape_row;

static const shape_row shapes[] = {
    /* the last that is taken, and the first that is not, along each axis */
    {ELEMENTS_MOST, 1, 1, 0, CLXENT_ENGINE_ROW_PER_ITEM, CLXENT_SUCCESS, ""},
    {ELEMENTS_MOST + 1, 1, 1, 0, CLXENT_ENGINE_ROW_PER_ITEM, SHAPE, TOO_LARGE},
    {1, ELEMENTS_MOST, 1, 0, CLXENT_ENGINE_ROW_PER_ITEM, CLXENT_SUCCESS, ""},
    {1, ELEMENTS_MOST + 1, 1, 0, CLXENT_ENGINE_ROW_PER_ITEM, SHAPE, TOO_LARGE},
    {1, 1, ELEMENTS_MOST, 0, CLXENT_ENGINE_COLUMN, CLXENT_SUCCESS, ""},
    {1, 1, ELEMENTS_MOST + 1, 0, CLXENT_ENGINE_COLUMN, SHAPE, TOO_LARGE},
    {1, 5, 1, ELEMENTS_MOST, CLXENT_ENGINE_ROW_PER_ITEM, CLXENT_SUCCESS, ""},
    {1, 5, 1, ELEMENTS_MOST + 1, CLXENT_ENGINE_ROW_PER_ITEM, SHAPE, TOO_LARGE},
    {2, 5, 1, ELEMENTS_MOST / 2, CLXENT_ENGINE_ROW_PER_ITEM, CLXENT_SUCCESS, ""},
    {2, 5, 1, ELEMENTS_MOST / 2 + 1, CLXENT_ENGINE_ROW_PER_ITEM, SHAPE, TOO_LARGE},
    /* products that wrap around, to 0 and to small numbers */
    {(size_t)1 << 32, (size_t)1 << 32, 1, 0, CLXENT_ENGINE_AUTO, SHAPE, TOO_LARGE},
    {3, (size_t)1 << 32, (size_t)1 << 32, 0, CLXENT_ENGINE_AUTO, SHAPE, TOO_LARGE},
    {3, SIZE_MAX, SIZE_MAX, 0, CLXENT_ENGINE_AUTO, SHAPE, TOO_LARGE},
    {SIZE_MAX, SIZE_MAX, SIZE_MAX, SIZE_MAX, CLXENT_ENGINE_AUTO, SHAPE, TOO_LARGE},
    {SIZE_MAX, 1, 1, 0, CLXENT_ENGINE_AUTO, SHAPE, TOO_LARGE},
    {((size_t)1 << 61) + 1, 8, 1, 0, CLXENT_ENGINE_AUTO, SHAPE, TOO_LARGE},
    {(size_t)1 << 63, 1, 1, 2, CLXENT_ENGINE_AUTO, SHAPE, TOO_LARGE},
    {3, ((size_t)1 << 63) + 1, 2, 2, CLXENT_ENGINE_AUTO, SHAPE, TOO_LARGE},
    /* zero dimensions: only the batch may be empty, and then every other size is checked all the same */
    {0, 5, 1, 0, CLXENT_ENGINE_AUTO, CLXENT_SUCCESS, ""},
    {0, 0, 1, 0, CLXENT_ENGINE_AUTO, SHAPE, "classes is 0, it must be at least 1"},
    {0, 5, 0, 0, CLXENT_ENGINE_AUTO, SHAPE, "inner is 0, it must be at least 1"},
    {0, 5, 2, 9, CLXENT_ENGINE_AUTO, SHAPE, "row_stride is 9, it must be at least classes * inner = 5 * 2 = 10"},
    {0, SIZE_MAX, 1, 0, CLXENT_ENGINE_AUTO, SHAPE, TOO_LARGE},
    {0, SIZE_MAX, 2, 0, CLXENT_ENGINE_AUTO, SHAPE, TOO_LARGE},
    /* the workspace of row_split takes more for a row than the row does */
    {ELEMENTS_MOST / 24 - 1, 1, 1, 0, CLXENT_ENGINE_ROW_SPLIT, SHAPE,
     "more bytes of workspace than this machine can address"},
    {ELEMENTS_MOST, 1, 1, 0, CLXENT_ENGINE_ROW_SPLIT, SHAPE, "more bytes of workspace than this machine can address"},
};

/* On devices with a limit on loops another refusal may come first, of shapes that are good as far as this goes. */
static bool stops_loops(void) {
    return strstr(clxent_last_error(), "loop iterations, this device stops after") != NULL;
}

static void shapes_near_the_largest(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof shapes / sizeof shapes[0]; i++) {
        const shape_row *row = &shapes[i];
        clxent_desc desc = good_desc(CLXENT_CROSS_ENTROPY, CLXENT_FORWARD);
        clxent_plan *plan = NO_PLAN;
        desc.batch = row->batch;
        desc.classes = row->classes;
        desc.inner = row->inner;
        desc.row_stride = row->row_stride;
        desc.engine = row->engine;
        desc.dtype = CLXENT_F16;
        clxent_status status = clxent_plan_create(the_device.context, &desc, &plan);
        bool stopped = status == CLXENT_UNSUPPORTED && stops_loops();
        if (row->status != CLXENT_SUCCESS && !stopped)
            assert_refused(status, row->status, row->text);
        else if (!stopped)
            assert_success(status);
        if (status != CLXENT_SUCCESS)
            assert_ptr_equal(plan, NO_PLAN);
        else
            clxent_plan_destroy(plan);
    }
}

/* Of the layer, of its logits, and of partials. */
typedef struct product_row {
    clxent_op op;
    clxent_dtype dtype;
    size_t batch, classes, row_stride;
    size_t features; /* or parts, or class_total */
    size_t start;    /* class_start */
    uint64_t limit;
    clxent_status status;
    const char *text;
} product_row;

#define OF_LAYER CLXENT_LINEAR_CROSS_ENTROPY
#define LAYER_TOO_LARGE "a linear_weight of "
#define WORKSPACE_TOO_LARGE "more bytes of workspace than this machine can address"
#define PARTIALS_TOO_LARGE "partials of "
#define NOT_INSIDE "is not inside [0, class_total = "
#define PLANE_BYTES 48

static const product_row products[] = {
    /* classes * features, to the last that is taken, and where it wraps around */
    {OF_LAYER, CLXENT_F32, 0, 1, 0, SIZE_MAX, 0, 0, SHAPE, LAYER_TOO_LARGE},
    {OF_LAYER, CLXENT_F16, 0, 5, 0, SIZE_MAX / 5, 0, 0, SHAPE, LAYER_TOO_LARGE},
    {OF_LAYER, CLXENT_F32, 1, SIZE_MAX / 8, 0, 8, 0, 0, SHAPE, LAYER_TOO_LARGE},
    {OF_LAYER, CLXENT_F32, 3, (size_t)1 << 32, 0, (size_t)1 << 32, 0, 0, SHAPE, LAYER_TOO_LARGE},
    {OF_LAYER, CLXENT_F32, 3, 5, 0, ELEMENTS_MOST / 5 + 1, 0, 0, SHAPE, LAYER_TOO_LARGE},
    {OF_LAYER, CLXENT_F32, 0, 1, 0, ELEMENTS_MOST + 1, 0, 0, SHAPE, LAYER_TOO_LARGE},
    {OF_LAYER, CLXENT_F32, 3, 5, 0, 0, 0, 0, SHAPE, "features is 0, it must be at least 1"},
    /* batch * features */
    {OF_LAYER, CLXENT_F32, ELEMENTS_MOST / 4 + 1, 5, 0, 4, 0, 0, SHAPE, TOO_LARGE},
    {OF_LAYER, CLXENT_F32, 3, 5, ELEMENTS_MOST / 3 + 1, 4, 0, 0, SHAPE, TOO_LARGE},
    {OF_LAYER, CLXENT_F32, 3, 5, SIZE_MAX, 4, 0, 0, SHAPE, TOO_LARGE},
    {OF_LAYER, CLXENT_F32, 3, 5, 3, 4, 0, 0, SHAPE, "row_stride is 3, it must be at least features = 4"},
    /* what a row takes of the workspace, and all rows; the logits of all need not be there at once */
    {OF_LAYER, CLXENT_F32, 0, 1, 0, ELEMENTS_MOST, 0, 0, SHAPE, WORKSPACE_TOO_LARGE},
    {OF_LAYER, CLXENT_F64, 0, 1, 0, ELEMENTS_MOST, 0, 0, SHAPE, WORKSPACE_TOO_LARGE},
    {OF_LAYER, CLXENT_F64, 0, ELEMENTS_MOST, 0, 1, 0, 0, SHAPE, WORKSPACE_TOO_LARGE},
    {OF_LAYER, CLXENT_F16, (size_t)1 << 32, (size_t)1 << 32, 0, 1, 0, 0, SHAPE, WORKSPACE_TOO_LARGE},
    {OF_LAYER, CLXENT_F16, ELEMENTS_MOST, 1, 0, 1, 0, 0, SHAPE, WORKSPACE_TOO_LARGE},
    {OF_LAYER, CLXENT_F32, 3, 5, 0, 4, 0, UINT64_MAX, CLXENT_SUCCESS, ""},
    {OF_LAYER, CLXENT_F32, 3, 5, 0, 4, 0, 1, CLXENT_INVALID_OPTION, "workspace_limit is 1, a chunk of one row needs "},
    /* parts * rows */
    {CLXENT_MERGE, CLXENT_F32, 1, 5, 0, BYTES_MOST / PLANE_BYTES, 0, 0, CLXENT_SUCCESS, ""},
    {CLXENT_MERGE, CLXENT_F32, 1, 5, 0, BYTES_MOST / PLANE_BYTES + 1, 0, 0, SHAPE, PARTIALS_TOO_LARGE},
    {CLXENT_MERGE, CLXENT_F32, (size_t)1 << 32, 1, 0, (size_t)1 << 32, 0, 0, SHAPE, PARTIALS_TOO_LARGE},
    {CLXENT_MERGE, CLXENT_F32, 3, 5, 0, SIZE_MAX, 0, 0, SHAPE, PARTIALS_TOO_LARGE},
    {CLXENT_MERGE, CLXENT_F32, 0, 5, 0, SIZE_MAX / PLANE_BYTES + 1, 0, 0, SHAPE, PARTIALS_TOO_LARGE},
    {CLXENT_MERGE, CLXENT_F32, 3, 5, 0, 0, 0, 0, SHAPE, "parts is 0, it must be at least 1"},
    /* class_start + classes */
    {CLXENT_CROSS_ENTROPY, CLXENT_F32, 3, 5, 0, SIZE_MAX, SIZE_MAX - 5, 0, CLXENT_SUCCESS, ""},
    {CLXENT_CROSS_ENTROPY, CLXENT_F32, 3, 5, 0, SIZE_MAX, SIZE_MAX - 4, 0, SHAPE, NOT_INSIDE},
    {CLXENT_CROSS_ENTROPY, CLXENT_F32, 3, 5, 0, SIZE_MAX, SIZE_MAX, 0, SHAPE, NOT_INSIDE},
    {CLXENT_CROSS_ENTROPY, CLXENT_F32, 3, 5, 0, 4, 0, 0, SHAPE, NOT_INSIDE},
    {CLXENT_CROSS_ENTROPY, CLXENT_F32, ELEMENTS_MOST / 5, 5, 0, 5, 0, 0, SHAPE, PARTIALS_TOO_LARGE},
};

static void products_near_the_largest(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof products / sizeof products[0]; i++) {
        const product_row *row = &products[i];
        clxent_desc desc = good_desc(row->op, CLXENT_FORWARD);
        clxent_plan *plan = NO_PLAN;
        if (row->dtype == CLXENT_F64 && !device_has_fp64())
            continue;
        desc.dtype = row->dtype;
        desc.batch = row->batch;
        desc.classes = row->classes;
        desc.row_stride = row->row_stride;
        desc.class_start = row->start;
        desc.workspace_limit = row->limit;
        *(row->op == OF_LAYER       ? &desc.features
          : row->op == CLXENT_MERGE ? &desc.parts
                                    : &desc.class_total) = row->features;
        clxent_status status = clxent_plan_create(the_device.context, &desc, &plan);
        if (status == CLXENT_UNSUPPORTED && stops_loops())
            continue;
        if (status != CLXENT_SUCCESS)
            assert_ptr_equal(plan, NO_PLAN);
        else
            clxent_plan_destroy(plan);
        if (status != row->status)
            print_error("row %zu\n", i);
        if (row->status == CLXENT_SUCCESS)
            assert_success(status);
        else
            assert_refused(status, row->status, row->text);
    }
}

/* The reference has the logits of all rows in memory, and counts them before it reads anything. */
static void logits_of_all_rows(void **state) {
    (void)state;
    clxent_desc desc = good_desc(CLXENT_LINEAR_CROSS_ENTROPY, CLXENT_FORWARD);
    clxent_host_args args;
    clx_problem problem;
    clxent_host_args_init(&args);
    desc.batch = desc.classes = (size_t)1 << 32; /* a product that wraps around to 0 */
    desc.features = 1;
    assert_success(clx_problem_init(&problem, &desc));
    assert_refused(problem.op->reference(&problem, &args), SHAPE, TOO_LARGE);
}

/* ---- parts of buffers ---- */

/* A part of a buffer that ends one byte short is short, whatever room its parent has behind it. */
static void parts_that_end_too_soon(void **state) {
    (void)state;
    static api_case c;
    cl_mem whole = make_buffer(4096, NULL);
    case_make(&c, CLXENT_SOFTMAX, CLXENT_FORWARD);
    for (size_t missing = 0; missing < 2; missing++) {
        const cl_buffer_region region = {1024, 60 - missing};
        cl_int error = CL_SUCCESS;
        cl_mem part = clCreateSubBuffer(whole, CL_MEM_READ_WRITE, CL_BUFFER_CREATE_TYPE_REGION, &region, &error);
        assert_int_equal(error, CL_SUCCESS);
        c.args.output = (clxent_buffer){part, 0};
        if (missing == 0) {
            assert_success(case_run(&c));
            assert_right(&c);
        } else {
            assert_refused(case_run(&c), CLXENT_BUFFER_TOO_SMALL,
                           "output needs 60 bytes from offset 0, the buffer has 59");
        }
        clReleaseMemObject(part);
    }
    case_release(&c);
    clReleaseMemObject(whole);
}

/* A part of a buffer of another context is of that context. */
static void parts_of_another_context(void **state) {
    (void)state;
    static api_case c;
    cl_context cl = make_context();
    cl_int error = CL_SUCCESS;
    cl_mem whole = clCreateBuffer(cl, CL_MEM_READ_WRITE, 4096, NULL, &error);
    assert_int_equal(error, CL_SUCCESS);
    const cl_buffer_region region = {1024, 1024};
    cl_mem part = clCreateSubBuffer(whole, CL_MEM_READ_WRITE, CL_BUFFER_CREATE_TYPE_REGION, &region, &error);
    assert_int_equal(error, CL_SUCCESS);
    case_make(&c, CLXENT_SOFTMAX, CLXENT_FORWARD);
    c.args.output = (clxent_buffer){part, 0};
    assert_refused(case_run(&c), CLXENT_INVALID_BUFFER, "output belongs to another OpenCL context than the plan");
    assert_true(case_is_untouched(&c));
    case_release(&c);
    clReleaseMemObject(part);
    clReleaseMemObject(whole);
    clReleaseContext(cl);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(shapes_near_the_largest),  cmocka_unit_test(products_near_the_largest),
        cmocka_unit_test(logits_of_all_rows),       cmocka_unit_test(parts_that_end_too_soon),
        cmocka_unit_test(parts_of_another_context),
    };
    return cmocka_run_group_tests_name("sizes that lie", tests, open_device, close_device);
}
