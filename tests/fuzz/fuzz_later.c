#include "fuzz_later.h"

#include <math.h>

/* ---- descriptors ---- */

static void place_among_classes(clxent_desc *desc, size_t before, size_t behind) {
    desc->class_start = before;
    desc->class_total = before + desc->classes + behind;
}

clxent_desc fuzz_take_later(fuzz_bytes *bytes) {
    static const struct {
        clxent_op op;
        clxent_pass pass;
    } later[] = {{CLXENT_MERGE, CLXENT_FORWARD},
                 {CLXENT_CROSS_ENTROPY, CLXENT_FORWARD},
                 {CLXENT_CROSS_ENTROPY, CLXENT_BACKWARD},
                 {CLXENT_LINEAR_CROSS_ENTROPY, CLXENT_FORWARD},
                 {CLXENT_LINEAR_CROSS_ENTROPY, CLXENT_BACKWARD},
                 {CLXENT_LINEAR_CROSS_ENTROPY, CLXENT_FORWARD_BACKWARD}};
    clxent_desc desc;
    const size_t which = fuzz_take(bytes) % COUNT(later);
    clxent_desc_init(&desc, later[which].op);
    desc.pass = later[which].pass;
    desc.batch = fuzz_take(bytes) % 7;
    desc.classes = 1 + fuzz_take(bytes) % 70;
    desc.reduction = (clxent_reduction)(fuzz_take(bytes) % 3);
    desc.flags = fuzz_take(bytes) % (desc.op == CLXENT_LINEAR_CROSS_ENTROPY ? 8u : 4u);
    desc.z_loss = PICK(bytes, 0, 1e-4f, .125, 1);
    desc.ignore_index = (int64_t)PICK(bytes, -100, 0, (double)desc.classes - 1, INT32_MAX);
    const uint8_t first = fuzz_take(bytes), second = fuzz_take(bytes), third = fuzz_take(bytes);
    desc.label_smoothing = PICK(bytes, 0, .125);
    if (desc.op != CLXENT_LINEAR_CROSS_ENTROPY)
        desc.inner = 1 + third % 4;
    if (desc.op == CLXENT_MERGE) {
        desc.parts = 1 + first % 5;
    } else if (desc.op == CLXENT_CROSS_ENTROPY) {
        place_among_classes(&desc, first % 9, second % 9);
    } else {
        desc.features = 1 + first % 40;
        desc.row_stride = second % 4 == 0 ? 0 : desc.features + second % 4;
        desc.workspace_limit = third < 128 ? 0 : third < 192 ? third : third * UINT64_C(100);
        if (second >= 128)
            place_among_classes(&desc, second % 11, second % 7);
    }
    return desc;
}

bool fuzz_takes(const clx_problem *problem, clx_tensor tensor, unsigned optional) {
    const clx_use use = clx_tensor_use(problem, tensor);
    return clx_is_required(use) || (clx_is_used(use) && (optional & 1u << tensor % 16) != 0);
}

/* ---- values ---- */

/* Numbers of which float holds all products and sums exactly, so that only exponentials and what follows them are rounded. Weights
 * and what shards say are 1 at least, as sums of exponentials are. */
static float number_for(clx_tensor tensor, uint8_t byte) {
    const bool any_sign = tensor == CLX_INPUT || tensor == CLX_LINEAR_WEIGHT || tensor == CLX_LINEAR_BIAS ||
                          tensor == CLX_GRAD_OUTPUT || tensor == CLX_GRAD_INPUT || tensor == CLX_GRAD_LINEAR_WEIGHT ||
                          tensor == CLX_GRAD_LINEAR_BIAS;
    return any_sign ? ((float)byte - 128) / 512 : 1 + (float)byte / 64;
}

/* The last class and the one behind it, -1 and what is ignored among them. */
static int32_t class_for(const clx_problem *problem, uint8_t byte) {
    const size_t classes = problem->desc.class_total > 0 ? problem->desc.class_total : problem->desc.classes;
    if (byte == 255)
        return -1;
    return byte == 254 ? (int32_t)problem->desc.ignore_index : (int32_t)(byte % (byte < 250 ? classes : classes + 1));
}

/* The bytes over and over, so that a few make many values that differ. */
static void fill(const clx_problem *problem, clx_tensor tensor, void *array, fuzz_bytes bytes) {
    const size_t count = clx_tensor_bytes(problem, tensor) / clx_element_size(problem, tensor);
    const clx_element type = clx_element_of(problem, tensor);
    for (size_t i = 0; i < count; i++) {
        const uint8_t given = bytes.left > 0 ? bytes.at[(i + tensor) % bytes.left] : 0;
        const uint8_t byte = (uint8_t)(type == CLX_CLASS ? given : given + i / (bytes.left + 1) * 29);
        if (type == CLX_CLASS)
            ((int32_t *)array)[i] = class_for(problem, byte);
        else if (type == CLX_STORAGE || type == CLX_REAL)
            ((float *)array)[i] = number_for(tensor, byte);
    }
}

static void make_arrays(const clx_problem *problem, unsigned optional, fuzz_bytes bytes, clxent_host_args *args) {
    clxent_host_args_init(args);
    for (clx_tensor tensor = 0; tensor < CLX_TENSORS; tensor++) {
        if (!fuzz_takes(problem, tensor, optional))
            continue;
        const size_t size = clx_tensor_bytes(problem, tensor);
        void *array = calloc(1, size > 0 ? size : 1);
        FUZZ_EXPECT(array != NULL, "no memory for %zu bytes", size);
        fill(problem, tensor, array, bytes);
        clx_set_host_array(args, tensor, array);
    }
}

static void free_arrays(clxent_host_args *args) {
    for (clx_tensor tensor = 0; tensor < CLX_TENSORS; tensor++)
        free(clx_host_array(args, tensor));
}

/* ---- comparisons ---- */

static bool is_close(double got, double expected, double tolerance) {
    return fabs(got - expected) <= tolerance || got == expected || (isnan(got) && isnan(expected));
}

static void compare_numbers(const clxent_desc *desc, clx_tensor tensor, const float *got, const float *expected,
                            size_t count) {
    float most = 1;
    for (size_t i = 0; i < count; i++)
        most = isfinite(expected[i]) ? fmaxf(most, fabsf(expected[i])) : most;
    for (size_t i = 0; i < count; i++)
        FUZZ_EXPECT(is_close(got[i], expected[i], 2e-5 * most),
                    "op %d, pass %d, batch %zu, classes %zu: %s[%zu] is %.9g, expected %.9g", (int)desc->op,
                    (int)desc->pass, desc->batch, desc->classes, clx_tensor_name(tensor), i, got[i], expected[i]);
}

static void compare_all(const clx_problem *problem, const clxent_host_args *got, const clxent_host_args *expected) {
    for (clx_tensor tensor = 0; tensor < CLX_TENSORS; tensor++) {
        const void *left = clx_host_array(got, tensor), *right = clx_host_array(expected, tensor);
        const size_t size = clx_tensor_bytes(problem, tensor);
        const clx_element type = clx_element_of(problem, tensor);
        if (left == NULL)
            continue;
        if (clx_is_written(clx_tensor_use(problem, tensor)) && (type == CLX_STORAGE || type == CLX_REAL))
            compare_numbers(&problem->desc, tensor, left, right, size / sizeof(float));
        else
            FUZZ_EXPECT(memcmp(left, right, size) == 0, "op %d, pass %d: %s is not as expected", (int)problem->desc.op,
                        (int)problem->desc.pass, clx_tensor_name(tensor));
    }
}

/* Nothing was written. */
static void compare_bytes(const clx_problem *problem, const clxent_host_args *now, const clxent_host_args *before) {
    for (clx_tensor tensor = 0; tensor < CLX_TENSORS; tensor++)
        FUZZ_EXPECT(clx_host_array(now, tensor) == NULL ||
                        memcmp(clx_host_array(now, tensor), clx_host_array(before, tensor),
                               clx_tensor_bytes(problem, tensor)) == 0,
                    "refused (%s), but changed %s", clxent_last_error(), clx_tensor_name(tensor));
}

void fuzz_compare_later(const clxent_desc *desc, unsigned optional, fuzz_bytes *bytes) {
    clx_problem problem;
    clxent_host_args before, expected, got;
    const clxent_status status = clx_problem_init(&problem, desc);
    fuzz_expect_sentence(status);
    if (status != CLXENT_SUCCESS)
        return;
    make_arrays(&problem, optional, *bytes, &before);
    make_arrays(&problem, optional, *bytes, &expected);
    make_arrays(&problem, optional, *bytes, &got);
    const clxent_status right = clxent_reference(desc, &expected), ran = clxent_run(device.context, desc, &got);
    fuzz_expect_sentence(ran);
    FUZZ_EXPECT(ran == right || (right == CLXENT_SUCCESS && fuzz_may_refuse(desc, ran)),
                "the reference says %s, the device %s (%s)", clxent_status_string(right), clxent_status_string(ran),
                clxent_last_error());
    if (ran == CLXENT_SUCCESS) {
        compare_all(&problem, &got, &expected);
    } else {
        compare_bytes(&problem, &got, &before);
        if (right != CLXENT_SUCCESS)
            compare_bytes(&problem, &expected, &before);
    }
    free_arrays(&before);
    free_arrays(&expected);
    free_arrays(&got);
}
