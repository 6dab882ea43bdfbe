/* A case: an operation with all tensors that its pass uses, on the host and on the device. */
#include "api_fixture.h"

#include "half.h"
#include "op.h"

clxent_desc good_desc(clxent_op op, clxent_pass pass) {
    clxent_desc desc;
    clxent_desc_init(&desc, op);
    desc.pass = pass;
    desc.batch = 3;
    desc.classes = 5;
    desc.parts = op == CLXENT_MERGE ? 2 : 0;
    desc.features = op == CLXENT_LINEAR_CROSS_ENTROPY ? 4 : 0;
    return desc;
}

clxent_desc good_shard(clxent_pass pass) {
    clxent_desc desc = good_desc(CLXENT_CROSS_ENTROPY, pass);
    desc.class_start = 2;
    desc.class_total = 9;
    return desc;
}

void limit_workspace(clxent_desc *desc) {
    clxent_plan *plan = NULL;
    unsigned long long least = 0;
    desc->workspace_limit = 1;
    assert_int_equal(clxent_plan_create(the_device.context, desc, &plan), CLXENT_INVALID_OPTION);
    assert_int_equal(sscanf(clxent_last_error(), "workspace_limit is 1, a chunk of one row needs %llu bytes", &least),
                     1);
    desc->workspace_limit = least;
}

bool is_loss(clxent_op op) {
    return clx_find_op(op)->loss;
}

bool has_pass(clxent_op op, clxent_pass pass) {
    return pass != CLXENT_BACKWARD ? pass <= last_pass(op) : op != CLXENT_MERGE;
}

clxent_pass last_pass(clxent_op op) {
    return op == CLXENT_MERGE ? CLXENT_FORWARD : op >= CLXENT_CROSS_ENTROPY ? CLXENT_FORWARD_BACKWARD : CLXENT_BACKWARD;
}

clxent_op op_with(int tensor) {
    return tensor >= CLX_LINEAR_WEIGHT && tensor <= CLX_GRAD_LINEAR_BIAS ? CLXENT_LINEAR_CROSS_ENTROPY
           : tensor == CLX_POS_WEIGHT                                    ? CLXENT_BINARY_CROSS_ENTROPY_WITH_LOGITS
           : tensor == CLX_PARTIAL || tensor == CLX_MERGED               ? CLXENT_MERGE
                                                                         : CLXENT_CROSS_ENTROPY;
}

void set_all_options(clxent_desc *desc) {
    desc->ignore_index = 1;
    desc->label_smoothing = .125;
    desc->flags = CLXENT_ACCUMULATE_GRAD | CLXENT_EMPTY_MEAN_ZERO;
    desc->logit_scale = .75;
    desc->logit_softcap = 2.5;
    desc->z_loss = .25;
    desc->reg_lambda = .5;
    desc->mix_lambda = .625;
    desc->grad_scale = 2;
}

void set_probabilities(clxent_desc *desc, clxent_target_type type) {
    desc->target_type = type;
    desc->ignore_index = -100;
    desc->mix_lambda = 1;
}

static clx_problem problem_of(const api_case *c) {
    clx_problem problem;
    assert_success(clx_problem_init(&problem, &c->desc));
    return problem;
}

size_t case_bytes(const api_case *c, int tensor) {
    if (tensor == WORKSPACE)
        return c->info.workspace_size;
    clx_problem problem = problem_of(c);
    return clx_tensor_bytes(&problem, (clx_tensor)tensor);
}

bool case_writes(const api_case *c, int tensor) {
    clx_problem problem = problem_of(c);
    return clx_is_written(clx_tensor_use(&problem, (clx_tensor)tensor));
}

const char *case_tensor_name(int tensor) {
    return tensor == WORKSPACE ? "workspace" : clx_tensor_name((clx_tensor)tensor);
}

bool case_has(const api_case *c, int tensor) {
    return tensor == WORKSPACE ? c->info.workspace_size > 0 : clx_host_array(&c->host, (clx_tensor)tensor) != NULL;
}

clxent_buffer *case_buffer(api_case *c, int tensor) {
    return tensor == WORKSPACE ? &c->args.workspace : (clxent_buffer *)clx_buffer(&c->args, (clx_tensor)tensor);
}

void case_set_array(api_case *c, int tensor, void *array) {
    clx_set_host_array(&c->host, (clx_tensor)tensor, array);
}

void case_drop(api_case *c, int tensor) {
    case_set_array(c, tensor, NULL);
    case_buffer(c, tensor)->mem = NULL;
}

double case_number(const api_case *c, int tensor, size_t i) {
    clx_problem problem = problem_of(c);
    return clx_get_number(&problem, clx_element_of(&problem, (clx_tensor)tensor), c->array[tensor], i);
}

void case_set_number(api_case *c, int tensor, size_t i, double value) {
    clx_problem problem = problem_of(c);
    clx_element type = clx_element_of(&problem, (clx_tensor)tensor);
    clx_store(clx_number_type(&problem, type), c->array[tensor], i, value);
}

void case_begin(api_case *c, clxent_op op, clxent_pass pass) {
    memset(c, 0, sizeof *c);
    memset(c->array, UNTOUCHED, sizeof c->array);
    c->desc = good_desc(op, pass);
    clxent_host_args_init(&c->host);
    clxent_args_init(&c->args);
}

/* Eighths and quarters, which every type holds exactly. */
static double value_at(const api_case *c, int tensor, size_t i) {
    bool probability = (tensor == CLX_INPUT && c->desc.op == CLXENT_BINARY_CROSS_ENTROPY) || tensor == CLX_TARGET;
    if (probability)
        return .125 * (double)((i * 5 + (size_t)tensor) % 7 + 1);
    if (tensor == CLX_WEIGHT || tensor == CLX_SAMPLE_WEIGHT || tensor == CLX_POS_WEIGHT || tensor == CLX_WEIGHT_SUM)
        return .5 + .25 * (double)((i + (size_t)tensor) % 4);
    bool partial = tensor == CLX_PARTIAL || tensor == CLX_MERGED;
    bool sum = partial && i / (c->desc.batch * c->desc.inner) % 2 == 1; /* a plane in two is of such */
    if (sum)
        return 1 + .125 * (double)(i % 5);
    if (tensor == CLX_MIX_LAMBDA)
        return .375;
    if (tensor == CLX_LSE)
        return 3 + .125 * (double)(i % 3);
    return (double)((i * 37 + (size_t)tensor * 11) % 23) / 8 - 1.25;
}

static void fill_classes(api_case *c, int tensor, size_t rows) {
    for (size_t i = 0; i < rows; i++) {
        size_t y = (i * (tensor == CLX_TARGET ? 3 : 2) + 1) % c->desc.classes;
        if (c->desc.target_type == CLXENT_TARGET_I32)
            ((int32_t *)(void *)c->array[tensor])[i] = (int32_t)y;
        else if (c->desc.target_type == CLXENT_TARGET_I64)
            ((int64_t *)(void *)c->array[tensor])[i] = (int64_t)y;
        else
            c->array[tensor][i] = (unsigned char)y;
    }
}

/* Gradients that are added to are read too. */
static bool is_read(const api_case *c, clx_tensor tensor, clx_use use) {
    bool gradient = tensor == CLX_GRAD_INPUT || tensor == CLX_GRAD_LINEAR_WEIGHT || tensor == CLX_GRAD_LINEAR_BIAS;
    return !clx_is_written(use) || (gradient && (c->desc.flags & CLXENT_ACCUMULATE_GRAD) != 0);
}

void case_fill(api_case *c) {
    clx_problem problem = problem_of(c);
    memset(c->array, UNTOUCHED, sizeof c->array);
    for (clx_tensor tensor = 0; tensor < CASE_TENSORS; tensor++) {
        clx_use use = clx_tensor_use(&problem, tensor);
        if (!clx_is_used(use) || clx_tensor_bytes(&problem, tensor) == 0)
            continue;
        size_t bytes = clx_tensor_bytes(&problem, tensor);
        assert_in_range(bytes, 0, ARRAY_BYTES);
        case_set_array(c, (int)tensor, c->array[tensor]);
        if (!is_read(c, tensor, use))
            continue;
        if (clx_element_of(&problem, tensor) == CLX_CLASS)
            fill_classes(c, (int)tensor, problem.rows);
        else
            for (size_t i = 0; i < bytes / clx_element_size(&problem, tensor); i++)
                case_set_number(c, (int)tensor, i, value_at(c, (int)tensor, i));
    }
}

void case_upload(api_case *c) {
    assert_success(clxent_plan_create(the_device.context, &c->desc, &c->plan));
    c->info.struct_size = sizeof c->info;
    assert_success(clxent_plan_get_info(c->plan, &c->info));
    for (int tensor = 0; tensor <= WORKSPACE; tensor++) {
        if (!case_has(c, tensor))
            continue;
        size_t offset = c->offset[tensor], bytes = case_bytes(c, tensor);
        unsigned char *content = malloc(offset + bytes);
        assert_non_null(content);
        memset(content, UNTOUCHED, offset + bytes);
        if (tensor != WORKSPACE)
            memcpy(content + offset, c->array[tensor], bytes);
        c->memory[tensor] = make_buffer(offset + bytes, content);
        free(content);
        *case_buffer(c, tensor) = (clxent_buffer){c->memory[tensor], offset};
    }
}

void case_make(api_case *c, clxent_op op, clxent_pass pass) {
    case_begin(c, op, pass);
    case_fill(c);
    case_upload(c);
}

void case_copy(api_case *copy, const api_case *c) {
    *copy = *c;
    for (int tensor = 0; tensor < CASE_TENSORS; tensor++) {
        unsigned char *array = clx_host_array(&c->host, (clx_tensor)tensor);
        if (array != NULL)
            case_set_array(copy, tensor, &copy->array[0][0] + (array - &c->array[0][0]));
    }
}

void case_release(api_case *c) {
    for (int tensor = 0; tensor <= WORKSPACE; tensor++)
        if (c->memory[tensor] != NULL)
            clReleaseMemObject(c->memory[tensor]);
    clxent_plan_destroy(c->plan);
}

void case_resize(api_case *c, int tensor, size_t size) {
    if (c->memory[tensor] != NULL)
        clReleaseMemObject(c->memory[tensor]);
    c->memory[tensor] = make_buffer(size, tensor == WORKSPACE ? NULL : c->array[tensor]);
    case_buffer(c, tensor)->mem = c->memory[tensor];
}

clxent_status case_run(api_case *c) {
    clxent_status status = clxent_enqueue(the_device.queue, c->plan, &c->args, 0, NULL, NULL);
    assert_int_equal(clFinish(the_device.queue), CL_SUCCESS);
    return status;
}
