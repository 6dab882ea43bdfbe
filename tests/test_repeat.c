/* Same input, same bits: however often it runs and on which kind of queue, wherever a row lies among how many others, and however
 * many work-items and work-groups take part. */
#include "device_shapes.h"

#include <math.h>
#include <stdlib.h>

static const extent shapes[] = {{13, 10, 1, 0}, {13, 33, 1, 0}, {11, 130, 1, 0}, {5, 1000, 1, 0}};
static const size_t repeats[] = {50, 50, 1000, 50};
#define SHAPES (sizeof shapes / sizeof shapes[0])

static size_t compared; /* repeats, of all lines */

static device_case make_case(const line *l, const extent *shape, size_t batch, clxent_reduction reduction) {
    device_case c = case_of(l, shape);
    c.desc.batch = batch;
    if (is_loss(l->op)) {
        c.desc.reduction = reduction;
        if (l->target_type == CLXENT_TARGET_U8)
            c.desc.ignore_index = 255;
        c.given = GIVE(CLX_WEIGHT) | GIVE(CLX_SAMPLE_WEIGHT) | GIVE(CLX_POS_WEIGHT) | GIVE(CLX_GRAD_OUTPUT) |
                  GIVE(CLX_ARGMAX) | (l->pass == CLXENT_BACKWARD ? 0 : GIVE(CLX_LSE));
    }
    return c;
}

static void *copy_of(const device_data *d, clx_tensor tensor) {
    void *copy = malloc(d->tensors[tensor].size);
    assert_non_null(copy);
    memcpy(copy, contents(&d->tensors[tensor]), d->tensors[tensor].size);
    return copy;
}

/* ---- again and again ---- */

static void expect_as_first(const device_data *d, void *const first[CLX_TENSORS], size_t repeat) {
    for (clx_tensor tensor = 0; tensor < CLX_TENSORS; tensor++)
        if (first[tensor] != NULL && memcmp(first[tensor], contents(&d->tensors[tensor]), d->tensors[tensor].size) != 0)
            fail_msg("%s: %s has other bits in repeat %zu", describe(d), clx_tensor_name(tensor), repeat);
    compared++;
}

/* Another queue of the device: one that may run commands in any order, where there is such a thing. */
static cl_command_queue make_free_queue(void) {
    cl_int error = CL_SUCCESS;
    cl_command_queue queue =
        clCreateCommandQueue(device.cl, device.about->id, CL_QUEUE_OUT_OF_ORDER_EXEC_MODE_ENABLE, &error);
    if (error == CL_INVALID_QUEUE_PROPERTIES)
        queue = clCreateCommandQueue(device.cl, device.about->id, 0, &error);
    must(error);
    return queue;
}

static void run_repeatedly(device_data *d, size_t times) {
    void *first[CLX_TENSORS] = {NULL};
    cl_command_queue usual = device.queue, other = make_free_queue();
    for (clx_tensor tensor = 0; tensor < CLX_TENSORS; tensor++)
        if (d->expected[tensor].bytes != NULL)
            first[tensor] = copy_of(d, tensor);
    for (size_t i = 0; i < times; i++) {
        device.queue = i % 4 < 2 ? usual : other;
        clxent_status status = data_run(d, i % 2 == 0 ? BY_ENQUEUE : BY_RUN);
        device.queue = usual;
        assert_int_equal(status, CLXENT_SUCCESS);
        expect_as_first(d, first, i);
    }
    for (clx_tensor tensor = 0; tensor < CLX_TENSORS; tensor++)
        free(first[tensor]);
    must(clReleaseCommandQueue(other));
}

static void check_repeats(void **state) {
    for (size_t i = 0; i < SHAPES; i++) {
        device_case c = make_case(*state, &shapes[i], shapes[i].batch, CLXENT_REDUCTION_MEAN);
        device_data d;
        data_init(&d, &c);
        data_expect(&d);
        if (data_must_run(&d, BY_ENQUEUE)) {
            expect_results(&d);
            run_repeatedly(&d, repeats[i]);
        }
        data_free(&d);
    }
}

/* ---- a row among others ---- */

static void expect_same_element(const device_data *a, size_t at_a, const device_data *b, size_t at_b,
                                clx_tensor tensor) {
    size_t size = clx_element_size(&a->problem, tensor);
    const char *left = contents(&a->tensors[tensor]), *right = contents(&b->tensors[tensor]);
    if (memcmp(left + at_a * size, right + at_b * size, size) != 0)
        fail_msg("%s: %s[%zu] is %.17g, but %.17g among %zu rows", describe(a), clx_tensor_name(tensor), at_a,
                 get_number(&a->tensors[tensor], at_a), get_number(&b->tensors[tensor], at_b), b->problem.rows);
}

/* All that the row's place in the batch must not change. A sum over rows is not of it. */
static void expect_same_row(const device_data *a, size_t row_a, const device_data *b, size_t row_b) {
    for (clx_tensor tensor = 0; tensor < CLX_TENSORS; tensor++) {
        if (a->expected[tensor].bytes == NULL)
            continue;
        if (clx_has_logits_shape(&a->problem, tensor))
            for (size_t c = 0; c < a->c.desc.classes; c++)
                expect_same_element(a, element_of(a, row_a, c), b, element_of(b, row_b, c), tensor);
        else if (tensor == CLX_LSE || tensor == CLX_ARGMAX || a->c.desc.reduction == CLXENT_REDUCTION_NONE)
            expect_same_element(a, row_a, b, row_b, tensor);
    }
}

/* Runs rows [first, first + count) of `from`, put behind `before` other rows, in a batch of `batch`. */
static void compare_moved(const device_data *from, size_t first, size_t count, size_t before, size_t batch,
                          size_t work_items) {
    device_case c = from->c;
    device_data d;
    c.desc.batch = batch;
    data_init(&d, &c);
    for (size_t row = 0; row < count; row++)
        copy_row(&d, before + row, from, first + row);
    data_expect(&d);
    d.work_items = work_items;
    assert_true(data_must_run(&d, BY_ENQUEUE));
    for (size_t row = 0; row < count; row++)
        expect_same_row(from, first + row, &d, before + row);
    data_free(&d);
}

static void check_row_places(const line *l, const extent *shape, clxent_reduction reduction) {
    device_case c = make_case(l, shape, shape->batch, reduction);
    device_data d;
    data_init(&d, &c);
    data_expect(&d);
    if (data_must_run(&d, BY_ENQUEUE)) {
        for (size_t row = 0; row < shape->batch; row++)
            compare_moved(&d, row, 1, 0, 1, 0);                     /* alone */
        compare_moved(&d, 0, shape->batch, 3, shape->batch + 4, 0); /* at other places */
        compare_moved(&d, 0, shape->batch, 150, 300, 0);            /* in a large batch */
        compare_moved(&d, 0, shape->batch, 0, shape->batch, 1);     /* by as few work-items as can be */
        compare_moved(&d, 0, shape->batch, 0, shape->batch, 4096);  /* by more than there are rows */
    }
    data_free(&d);
}

static void check_rows(void **state) {
    const line *l = *state;
    for (size_t i = 0; i < SHAPES; i++) {
        check_row_places(l, &shapes[i], CLXENT_REDUCTION_NONE);
        if (is_loss(l->op))
            check_row_places(l, &shapes[i], CLXENT_REDUCTION_SUM);
    }
}

/* ---- groups that share a row ---- */

/* A row has the same bits whether one group reduces its chunks or several, and whoever its neighbours are. */
static void check_split(void **state) {
    static const extent large[] = {
        {3, 10, 1, 0}, {4, 1000, 1, 0}, {2, 16384, 1, 0}, {3, 16385, 1, 0}, {2, 50257, 1, 0}};
    for (size_t i = 0; i < sizeof large / sizeof large[0]; i++) {
        device_case c = make_case(*state, &large[i], large[i].batch, CLXENT_REDUCTION_NONE), split = c;
        device_data one, several;
        c.seed = split.seed = device.seed + i + 1;
        split.desc.engine = CLXENT_ENGINE_ROW_SPLIT;
        data_init(&one, &c);
        data_expect(&one);
        data_init(&several, &split);
        data_expect(&several);
        if (data_must_run(&one, BY_ENQUEUE) && data_must_run(&several, BY_ENQUEUE)) {
            assert_int_equal(one.problem.desc.work_group_size, several.problem.desc.work_group_size);
            expect_results(&several);
            for (size_t row = 0; row < large[i].batch; row++)
                expect_same_row(&one, row, &several, row);
            compare_moved(&several, large[i].batch - 1, 1, 0, 1, 0);
            compare_moved(&several, 0, large[i].batch, 2, large[i].batch + 3, 0);
            compare_moved(&several, 0, large[i].batch, 0, large[i].batch, 1);
        }
        data_free(&one);
        data_free(&several);
    }
}

/* ---- the scalar ---- */

static double scalar_of(device_data *d, size_t work_group_size, size_t work_items) {
    d->problem.desc.work_group_size = work_group_size;
    d->work_items = work_items;
    data_must_run(d, BY_ENQUEUE);
    return get_number(&d->tensors[CLX_OUTPUT], 0);
}

/* Summed by one work-group, by many, and in two launches. */
static void check_scalar(void **state) {
    static const size_t batches[] = {1, 16, 17, 1000, 20000, 70000}, groups[] = {1, 2, 7, 64, LARGEST_GROUP};
    for (size_t i = 0; i < sizeof batches / sizeof batches[0]; i++) {
        static const extent three = {0, 3, 1, 0};
        device_case c =
            make_case(*state, &three, batches[i], i % 2 == 0 ? CLXENT_REDUCTION_SUM : CLXENT_REDUCTION_MEAN);
        device_data d;
        data_init(&d, &c);
        data_expect(&d);
        if (data_must_run(&d, BY_RUN)) {
            expect_results(&d);
            double sum = get_number(&d.tensors[CLX_OUTPUT], 0);
            for (size_t j = 0; j < sizeof groups / sizeof groups[0]; j++)
                if (scalar_of(&d, groups[j], 0) != sum || scalar_of(&d, groups[j], 3000) != sum)
                    fail_msg("%s: not %.17g", describe(&d), sum);
        }
        data_free(&d);
    }
}

#define LINE(check, the_op, the_pass, the_engine, type, target, smoothing, group)                                      \
    LINE_TEST(check, #the_op " " #the_pass " " #the_engine " " #type, .op = CLXENT_##the_op,                           \
              .pass = CLXENT_##the_pass, .dtype = CLXENT_##type, .engine = CLXENT_ENGINE_##the_engine,                 \
              .work_group_size = group, .target_type = CLXENT_TARGET_##target, .label_smoothing = smoothing)
#define BOTH(op, pass, engine, type, target, smoothing, group)                                                         \
    LINE(check_repeats, op, pass, engine, type, target, smoothing, group),                                             \
        LINE(check_rows, op, pass, engine, type, target, smoothing, group)

int main(void) {
    const struct CMUnitTest tests[] = {
        BOTH(SOFTMAX, FORWARD, ROW_PER_ITEM, F32, I32, 0, 0),
        BOTH(SOFTMAX, FORWARD, ROW_PER_GROUP, F32, I32, 0, 64),
        BOTH(SOFTMAX, FORWARD, COLUMN, F32, I32, 0, 0),
        BOTH(LOG_SOFTMAX, BACKWARD, ROW_PER_ITEM, F32, I32, 0, 0),
        BOTH(LOG_SOFTMAX, BACKWARD, ROW_PER_GROUP, F32, I32, 0, 64),
        BOTH(LOG_SOFTMAX, BACKWARD, COLUMN, F32, I32, 0, 0),
        BOTH(NLL_LOSS, FORWARD, ROW_PER_ITEM, F32, I32, 0, 0),
        BOTH(NLL_LOSS, BACKWARD, COLUMN, F32, I32, 0, 0),
        BOTH(CROSS_ENTROPY, FORWARD_BACKWARD, ROW_PER_ITEM, F32, I64, 0.1, 0),
        BOTH(CROSS_ENTROPY, FORWARD_BACKWARD, ROW_PER_GROUP, F32, I32, 0.1, 7),
        BOTH(CROSS_ENTROPY, FORWARD_BACKWARD, COLUMN, F32, U8, 0.1, 0),
        BOTH(CROSS_ENTROPY, FORWARD_BACKWARD, ROW_PER_ITEM, F64, I32, 0, 0),
        BOTH(CROSS_ENTROPY, FORWARD_BACKWARD, ROW_PER_GROUP, F64, I64, 0, 64),
        BOTH(CROSS_ENTROPY, FORWARD_BACKWARD, COLUMN, F64, I32, 0.1, 0),
        BOTH(CROSS_ENTROPY, FORWARD_BACKWARD, ROW_PER_GROUP, F16, I32, 0, 64),
        BOTH(SOFTMAX, FORWARD, ROWS_PER_LANE, F32, I32, 0, 0),
        BOTH(CROSS_ENTROPY, FORWARD_BACKWARD, ROWS_PER_LANE, F32, I32, 0.1, 0),
        BOTH(CROSS_ENTROPY, FORWARD_BACKWARD, ROWS_PER_LANE, BF16, U8, 0, 7),
        BOTH(CROSS_ENTROPY, FORWARD_BACKWARD, ROW_SPLIT, F32, I32, 0.1, 64),
        BOTH(CROSS_ENTROPY, FORWARD_BACKWARD, ROW_PER_GROUP, F32, PROBABILITIES, 0.1, 64),
        BOTH(BINARY_CROSS_ENTROPY_WITH_LOGITS, FORWARD_BACKWARD, ROW_PER_ITEM, F32, PROBABILITIES, 0, 0),
        BOTH(BINARY_CROSS_ENTROPY, FORWARD_BACKWARD, COLUMN, F32, PROBABILITIES, 0, 0),
        LINE(check_split, SOFTMAX, FORWARD, ROW_PER_GROUP, F32, I32, 0, 64),
        LINE(check_split, LOG_SOFTMAX, BACKWARD, ROW_PER_GROUP, F32, I32, 0, 64),
        LINE(check_split, CROSS_ENTROPY, FORWARD_BACKWARD, ROW_PER_GROUP, F32, I32, 0, 64),
        LINE(check_split, CROSS_ENTROPY, FORWARD_BACKWARD, ROW_PER_GROUP, F32, I64, 0.1, 7),
        LINE(check_split, CROSS_ENTROPY, FORWARD_BACKWARD, ROW_PER_GROUP, F32, PROBABILITIES, 0.1, 64),
        LINE(check_split, CROSS_ENTROPY, FORWARD_BACKWARD, ROW_PER_GROUP, F64, I64, 0, 64),
        LINE(check_split, CROSS_ENTROPY, FORWARD_BACKWARD, ROW_PER_GROUP, F16, I32, 0, 64),
        LINE(check_split, NLL_LOSS, BACKWARD, ROW_PER_GROUP, F32, I32, 0, 16),
        BOTH(CROSS_ENTROPY, FORWARD_BACKWARD, ROW_PER_ITEM, BF16, I32, 0.1, 0),
        LINE(check_scalar, CROSS_ENTROPY, FORWARD, ROW_PER_ITEM, F32, I32, 0, 0),
        LINE(check_scalar, NLL_LOSS, FORWARD, ROW_PER_ITEM, F32, I32, 0, 0),
        LINE(check_scalar, BINARY_CROSS_ENTROPY_WITH_LOGITS, FORWARD, ROW_PER_ITEM, F32, PROBABILITIES, 0, 0),
        LINE(check_scalar, CROSS_ENTROPY, FORWARD_BACKWARD, ROW_PER_ITEM, F64, I32, 0, 0),
    };
    int failures = run_lines(tests, sizeof tests / sizeof tests[0]);
    print_message("%zu repeats compared\n", compared);
    return failures;
}
