/* Same input, same bits, of what test_repeat does not have: merges, shards and linear cross-entropy. However often, by run and by
 * enqueue, on queues in order and out of order; and wherever a row lies among how many others. */
#include "api_fixture.h"

#include "half.h"
#include "op.h"

enum { REPEATS = 200 };

static size_t compared;

/* A descriptor with an array for each tensor that its pass uses. */
typedef struct data {
    clxent_desc desc;
    clx_problem problem;
    clxent_host_args host;
    unsigned char *arrays[CLX_TENSORS];
} data;

static bool is_written(const data *d, clx_tensor tensor) {
    return d->arrays[tensor] != NULL && clx_is_written(clx_tensor_use(&d->problem, tensor));
}

static double draw(uint64_t *state) {
    *state = *state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (double)(*state >> 11) / 0x1p53;
}

static void fill(const data *d, clx_tensor tensor) {
    const clx_element element = clx_element_of(&d->problem, tensor);
    const size_t count = clx_tensor_bytes(&d->problem, tensor) / clx_element_size(&d->problem, tensor);
    const size_t total = d->desc.class_total > 0 ? d->desc.class_total : d->desc.classes;
    uint64_t state = (uint64_t)tensor + 1;
    for (size_t i = 0; i < count; i++) {
        const double u = draw(&state);
        if (element == CLX_CLASS)
            ((int32_t *)(void *)d->arrays[tensor])[i] = i % 5 == 3 ? -100 : (int32_t)(u * (double)total);
        else
            clx_store(clx_number_type(&d->problem, element), d->arrays[tensor], i, 0.25 + u);
    }
}

static void make(data *d, const clxent_desc *desc) {
    memset(d, 0, sizeof *d);
    d->desc = *desc;
    assert_success(clx_problem_init(&d->problem, desc));
    clxent_host_args_init(&d->host);
    for (clx_tensor tensor = 0; tensor < CLX_TENSORS; tensor++) {
        const size_t bytes = clx_tensor_bytes(&d->problem, tensor);
        if (!clx_is_used(clx_tensor_use(&d->problem, tensor)))
            continue;
        d->arrays[tensor] = malloc(bytes);
        assert_non_null(d->arrays[tensor]);
        memset(d->arrays[tensor], UNTOUCHED, bytes);
        clx_set_host_array(&d->host, tensor, d->arrays[tensor]);
        if (!is_written(d, tensor))
            fill(d, tensor);
    }
}

static void drop(data *d) {
    for (clx_tensor tensor = 0; tensor < CLX_TENSORS; tensor++)
        free(d->arrays[tensor]);
}

static void run(data *d) {
    assert_success(clxent_run(the_device.context, &d->desc, &d->host));
}

static void enqueue(data *d, cl_command_queue queue) {
    clxent_plan *plan = NULL;
    clxent_plan_info info = {.struct_size = sizeof info};
    clxent_args args;
    cl_event done = NULL;
    assert_success(clxent_plan_create(the_device.context, &d->desc, &plan));
    assert_success(clxent_plan_get_info(plan, &info));
    clxent_args_init(&args);
    for (clx_tensor tensor = 0; tensor < CLX_TENSORS; tensor++)
        if (d->arrays[tensor] != NULL)
            clx_set_buffer(&args, tensor,
                           &(clxent_buffer){make_buffer(clx_tensor_bytes(&d->problem, tensor), d->arrays[tensor]), 0});
    if (info.workspace_size > 0)
        args.workspace.mem = make_buffer(info.workspace_size, NULL);
    assert_success(clxent_enqueue(queue, plan, &args, 0, NULL, &done));
    wait_for(done);
    for (clx_tensor tensor = 0; tensor < CLX_TENSORS; tensor++) {
        const cl_mem mem = clx_buffer(&args, tensor)->mem;
        if (mem != NULL && is_written(d, tensor))
            read_buffer(mem, 0, clx_tensor_bytes(&d->problem, tensor), d->arrays[tensor]);
        if (mem != NULL)
            clReleaseMemObject(mem);
    }
    if (args.workspace.mem != NULL)
        clReleaseMemObject(args.workspace.mem);
    clxent_plan_destroy(plan);
}

/* ---- again and again ---- */

static void expect_same(const data *a, const data *b, size_t repeat) {
    for (clx_tensor tensor = 0; tensor < CLX_TENSORS; tensor++)
        if (is_written(a, tensor) &&
            memcmp(a->arrays[tensor], b->arrays[tensor], clx_tensor_bytes(&a->problem, tensor)) != 0)
            fail_msg("%s, pass %d: %s has other bits in repeat %zu", a->problem.op->title, (int)a->desc.pass,
                     clx_tensor_name(tensor), repeat);
    compared++;
}

static void repeat(const clxent_desc *desc) {
    cl_command_queue unordered = make_unordered_queue();
    data first, again;
    make(&first, desc);
    make(&again, desc);
    run(&first);
    for (size_t i = 0; i < REPEATS; i++) {
        if (i % 2 == 0)
            run(&again);
        else
            enqueue(&again, i % 4 == 1 ? the_device.queue : unordered);
        expect_same(&first, &again, i);
    }
    drop(&first);
    drop(&again);
    clReleaseCommandQueue(unordered);
}

static clxent_desc describe(clxent_op op, clxent_pass pass, size_t batch, size_t classes) {
    clxent_desc desc = good_desc(op, pass);
    desc.batch = batch;
    desc.classes = classes;
    if (op == CLXENT_LINEAR_CROSS_ENTROPY)
        desc.features = 37;
    return desc;
}

static void merges(void **state) {
    (void)state;
    clxent_desc desc = describe(CLXENT_MERGE, CLXENT_FORWARD, 70, 33);
    desc.parts = 3;
    repeat(&desc);
}

static void shards(void **state) {
    (void)state;
    for (clxent_pass pass = CLXENT_FORWARD; pass <= CLXENT_BACKWARD; pass++) {
        clxent_desc desc = describe(CLXENT_CROSS_ENTROPY, pass, 70, 33);
        desc.class_start = 5;
        desc.class_total = 50;
        repeat(&desc);
    }
}

static void products(void **state) {
    (void)state;
    for (clxent_pass pass = CLXENT_FORWARD; pass <= CLXENT_FORWARD_BACKWARD; pass++) {
        clxent_desc desc = describe(CLXENT_LINEAR_CROSS_ENTROPY, pass, 70, 130); /* in two chunks */
        repeat(&desc);
    }
}

/* ---- a row among others ---- */

/* Elements of one row; 0: it belongs to no row. Planes of partials have the rows side by side. */
static size_t row_elements(const data *d, clx_tensor tensor) {
    switch (tensor) {
    case CLX_INPUT:
    case CLX_GRAD_INPUT:
        return d->problem.width;
    case CLX_TARGET:
    case CLX_SAMPLE_WEIGHT:
    case CLX_LSE:
    case CLX_PARTIAL:
    case CLX_MERGED:
        return 1;
    case CLX_OUTPUT:
    case CLX_GRAD_OUTPUT:
        return d->desc.reduction == CLXENT_REDUCTION_NONE;
    default:
        return 0;
    }
}

static size_t planes_of(const data *d, clx_tensor tensor) {
    const bool planes = tensor == CLX_PARTIAL || tensor == CLX_MERGED;
    return planes ? clx_tensor_bytes(&d->problem, tensor) / d->problem.real_size / d->problem.rows : 1;
}

/* Where the row begins in a plane, and its bytes. */
static unsigned char *row_of(const data *d, clx_tensor tensor, size_t plane, size_t row, size_t *bytes) {
    const size_t size = clx_element_size(&d->problem, tensor);
    *bytes = row_elements(d, tensor) * size;
    return d->arrays[tensor] + plane * d->problem.rows * size + row * *bytes;
}

/* The rows of `from` behind `before` others, in a batch of `batch`: what each of them has is as it was. */
static void compare_moved(const data *from, size_t before, size_t batch) {
    clxent_desc desc = from->desc;
    data moved;
    desc.batch = batch;
    make(&moved, &desc);
    for (int done = 0; done < 2; done++) {
        for (clx_tensor tensor = 0; tensor < CLX_TENSORS; tensor++) {
            if (from->arrays[tensor] == NULL || row_elements(from, tensor) == 0 || is_written(from, tensor) != done)
                continue;
            for (size_t i = 0; i < planes_of(from, tensor) * from->desc.batch; i++) {
                const size_t plane = i / from->desc.batch, row = i % from->desc.batch;
                size_t bytes;
                const unsigned char *old = row_of(from, tensor, plane, row, &bytes);
                if (before + row >= batch)
                    continue;
                unsigned char *now = row_of(&moved, tensor, plane, before + row, &bytes);
                if (!done)
                    memcpy(now, old, bytes);
                else if (memcmp(now, old, bytes) != 0)
                    fail_msg("%s, pass %d: %s of row %zu has other bits as row %zu of %zu", from->problem.op->title,
                             (int)from->desc.pass, clx_tensor_name(tensor), row, before + row, batch);
            }
        }
        if (!done)
            enqueue(&moved, the_device.queue);
    }
    compared++;
    drop(&moved);
}

static void check_places(const clxent_desc *desc) {
    data d;
    make(&d, desc);
    enqueue(&d, the_device.queue);
    compare_moved(&d, 0, 1); /* the first alone */
    compare_moved(&d, 1, desc->batch + 2);
    compare_moved(&d, 67, 150); /* in several chunks */
    drop(&d);
}

static void rows(void **state) {
    (void)state;
    static const clxent_reduction reductions[] = {CLXENT_REDUCTION_NONE, CLXENT_REDUCTION_SUM};
    for (size_t i = 0; i < 2; i++) {
        clxent_desc all[] = {
            describe(CLXENT_MERGE, CLXENT_FORWARD, 13, 33),
            describe(CLXENT_CROSS_ENTROPY, CLXENT_FORWARD, 13, 33),
            describe(CLXENT_CROSS_ENTROPY, CLXENT_BACKWARD, 13, 33),
            describe(CLXENT_LINEAR_CROSS_ENTROPY, CLXENT_FORWARD_BACKWARD, 13, 33),
            describe(CLXENT_LINEAR_CROSS_ENTROPY, CLXENT_FORWARD_BACKWARD, 29, 130),
        };
        all[1].class_start = all[2].class_start = 5;
        all[1].class_total = all[2].class_total = 50;
        for (size_t k = 0; k < sizeof all / sizeof all[0]; k++) {
            all[k].reduction = reductions[i];
            check_places(&all[k]);
        }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(merges),
        cmocka_unit_test(shards),
        cmocka_unit_test(products),
        cmocka_unit_test(rows),
    };
    int failures = cmocka_run_group_tests_name("repeats of parts", tests, open_device, close_device);
    print_message("%zu repeats compared\n", compared);
    return failures;
}
