/* The launches of a linear cross-entropy: rows that count are listed and packed, then chunk by chunk. */
#include "linear_products.h"

#include "launch.h"
#include "op.h"
#include "status.h"

/* As in kernels/linear.cl. */
enum {
    HAS_SAMPLE_WEIGHT = 1,
    HAS_GRAD_OUTPUT = 2,
    HAS_LSE = 4,
    HAS_OUTPUT = 8,
    HAS_GRAD_INPUT = 16,
    ADDS_GRADIENT = 32
};
#define ACCUMULATE 2048u /* as in enqueue.c */

/* ---- all rows ---- */

static bool is_none(const clx_chain *c) {
    return c->plan->problem.desc.reduction == CLXENT_REDUCTION_NONE;
}

static bool reads_lse(const clx_chain *c) {
    return !clx_has_forward(&c->plan->problem) && clx_chain_has(c, CLX_LSE);
}

static bool writes_lse(const clx_chain *c) {
    return clx_has_forward(&c->plan->problem) && clx_chain_has(c, CLX_LSE);
}

/* Does a chunk end with losses or lse that are not in their places? */
static bool unpacks_rows(const clx_chain *c) {
    return clx_has_forward(&c->plan->problem) && (is_none(c) || clx_chain_has(c, CLX_LSE));
}

static cl_uint unpacked(const clx_chain *c) {
    return (is_none(c) ? HAS_OUTPUT : 0) | (writes_lse(c) ? HAS_LSE : 0);
}

static bool adds(const clx_chain *c) {
    return (c->plan->problem.desc.flags & CLXENT_ACCUMULATE_GRAD) != 0;
}

static clxent_status list_rows(clx_chain *c) {
    const clx_problem *problem = &c->plan->problem;
    clx_setter s = clx_begin(c, CLX_LIST_ROWS);
    clx_set_tensor(&s, CLX_TARGET);
    clx_set_workspace(&s, 0);
    clx_set_long(&s, c->l->list_at);
    clx_set_long(&s, problem->rows);
    clx_set_long(&s, (uint64_t)problem->desc.ignore_index);
    if (s.status != CLXENT_SUCCESS)
        return s.status;
    return clx_chain_launch(c, c->l->kernels[s.kernel], clx_linear_kernel_name(s.kernel), c->l->lister, c->l->lister);
}

static clxent_status pack_rows(clx_chain *c) {
    const clx_linear *l = c->l;
    clx_setter s = clx_begin(c, CLX_PACK_ROWS);
    clx_set_tensor(&s, CLX_TARGET);
    clx_set_tensor(&s, CLX_SAMPLE_WEIGHT);
    clx_set_tensor(&s, CLX_GRAD_OUTPUT);
    clx_set_tensor(&s, CLX_LSE);
    clx_set_workspace(&s, 0);
    const size_t places[] = {l->list_at,           l->targets_at, l->weights_at,
                             l->grads_at,          l->lse_at,     c->plan->workspace.losses_at,
                             c->plan->problem.rows};
    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++)
        clx_set_long(&s, places[i]);
    clx_set_bits(&s, (clx_chain_has(c, CLX_SAMPLE_WEIGHT) ? HAS_SAMPLE_WEIGHT : 0) |
                         (is_none(c) && clx_chain_has(c, CLX_GRAD_OUTPUT) ? HAS_GRAD_OUTPUT : 0) |
                         (reads_lse(c) ? HAS_LSE : 0));
    return clx_finish(&s, c->plan->problem.rows);
}

static clxent_status clear_ignored(clx_chain *c) {
    const clxent_desc *desc = &c->plan->problem.desc;
    const bool clears = clx_has_backward(&c->plan->problem) && !adds(c);
    clx_setter s = clx_begin(c, CLX_CLEAR_IGNORED);
    clx_set_tensor(&s, CLX_TARGET);
    clx_set_tensor(&s, CLX_OUTPUT);
    clx_set_tensor(&s, CLX_LSE);
    clx_set_tensor(&s, CLX_GRAD_INPUT);
    const uint64_t numbers[] = {desc->batch, (uint64_t)desc->ignore_index, desc->features, desc->row_stride};
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++)
        clx_set_long(&s, numbers[i]);
    clx_set_bits(&s, (clx_has_forward(&c->plan->problem) ? unpacked(c) : 0) | (clears ? HAS_GRAD_INPUT : 0));
    return clx_finish(&s, desc->batch);
}

static clxent_status unpack_rows(clx_chain *c) {
    clx_setter s = clx_begin(c, CLX_UNPACK_ROWS);
    clx_set_tensor(&s, CLX_OUTPUT);
    clx_set_tensor(&s, CLX_LSE);
    clx_set_workspace(&s, 0);
    clx_set_long(&s, c->l->list_at);
    clx_set_long(&s, c->plan->workspace.losses_at);
    clx_set_long(&s, c->l->lse_at);
    clx_set_bits(&s, unpacked(c));
    return clx_finish(&s, c->plan->problem.rows);
}

/* ---- a chunk ---- */

static clxent_status pack_hidden(clx_chain *c, size_t first) {
    const clxent_desc *desc = &c->plan->problem.desc;
    clx_setter s = clx_begin(c, CLX_PACK_HIDDEN);
    clx_set_tensor(&s, CLX_INPUT);
    clx_set_workspace(&s, 0);
    const uint64_t numbers[] = {c->l->list_at,    c->l->hidden_at,    first, c->l->chunk, desc->features,
                                desc->row_stride, c->l->hidden_stride};
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++)
        clx_set_long(&s, numbers[i]);
    return clx_finish(&s, c->l->chunk * desc->features);
}

static clxent_status unpack_hidden(clx_chain *c, size_t first) {
    const clxent_desc *desc = &c->plan->problem.desc;
    clx_setter s = clx_begin(c, CLX_UNPACK_HIDDEN);
    clx_set_tensor(&s, CLX_GRAD_INPUT);
    clx_set_workspace(&s, 0);
    const uint64_t numbers[] = {c->l->list_at,  c->l->hidden_grads_at, first,
                                desc->features, desc->row_stride,      c->l->hidden_stride};
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++)
        clx_set_long(&s, numbers[i]);
    clx_set_bits(&s, adds(c) ? ADDS_GRADIENT : 0);
    return clx_finish(&s, c->l->chunk * desc->features);
}

static clxent_status sum_columns(clx_chain *c, bool adds_to) {
    clx_setter s = clx_begin(c, CLX_SUM_COLUMNS);
    clx_set_workspace(&s, 0);
    clx_set_long(&s, c->l->logits_at);
    clx_set_long(&s, c->l->logits_stride);
    clx_set_tensor(&s, CLX_GRAD_LINEAR_BIAS);
    clx_set_long(&s, c->plan->problem.desc.classes);
    clx_set_bits(&s, adds_to ? ADDS_GRADIENT : 0);
    return clx_finish(&s, c->plan->problem.desc.classes);
}

/* The tensors of the cross-entropy of a chunk's logits. */
static void place_rows(const clx_chain *c, size_t first, clxent_args *rows, unsigned *tensors) {
    const clx_linear *l = c->l;
    const clx_problem *problem = &c->plan->problem;
    const clxent_buffer workspace = c->call->args->workspace;
    const struct {
        clx_tensor tensor;
        bool given;
        size_t at;
    } in_workspace[] = {
        {CLX_INPUT, true, l->logits_at},
        {CLX_TARGET, true, l->targets_at + first * problem->target_size},
        {CLX_SAMPLE_WEIGHT, clx_chain_has(c, CLX_SAMPLE_WEIGHT), l->weights_at + first * problem->real_size},
        {CLX_OUTPUT, clx_has_forward(problem), c->plan->workspace.losses_at + first * problem->real_size},
        {CLX_LSE, clx_chain_has(c, CLX_LSE), l->lse_at + first * problem->real_size},
        {CLX_GRAD_OUTPUT, clx_chain_has(c, CLX_GRAD_OUTPUT), l->grads_at + first * problem->real_size},
        {CLX_GRAD_INPUT, clx_has_backward(problem), l->logits_at},
    };
    clxent_args_init(rows);
    *tensors = 0;
    for (size_t i = 0; i < sizeof in_workspace / sizeof in_workspace[0]; i++) {
        const clxent_buffer buffer = {workspace.mem, workspace.offset + in_workspace[i].at};
        if (!in_workspace[i].given)
            continue;
        clx_set_buffer(rows, in_workspace[i].tensor, &buffer);
        *tensors |= 1u << in_workspace[i].tensor;
    }
    if (clx_chain_has(c, CLX_GRAD_OUTPUT) && !is_none(c))
        rows->grad_output = c->call->args->grad_output;
    if (clx_chain_has(c, CLX_WEIGHT)) {
        rows->weight = c->call->args->weight;
        *tensors |= 1u << CLX_WEIGHT;
    }
    rows->workspace = workspace;
}

static clxent_status take_rows(clx_chain *c, size_t first) {
    clxent_plan *plan = c->l->rows;
    clxent_args rows;
    unsigned tensors;
    clx_launch launches[CLX_MAX_LAUNCHES];
    place_rows(c, first, &rows, &tensors);
    const size_t count = clx_list_row_launches(plan, launches);
    clxent_status status = CLXENT_SUCCESS;
    for (size_t i = 0; i < count && status == CLXENT_SUCCESS; i++) {
        cl_kernel kernel = plan->kernels[launches[i].kernel];
        clx_arguments *held = &plan->given[launches[i].kernel];
        for (clx_tensor tensor = 0; tensor < CLX_TENSORS && status == CLXENT_SUCCESS; tensor++)
            status = clx_set_buffer_argument(held, kernel, (int)tensor,
                                             tensors & 1u << tensor ? clx_buffer(&rows, tensor) : NULL);
        if (status == CLXENT_SUCCESS)
            status = clx_set_buffer_argument(held, kernel, CLX_WORKSPACE, &rows.workspace);
        if (status == CLXENT_SUCCESS)
            status = clx_set_given_argument(held, kernel, c->call->given & ~ACCUMULATE);
        if (status == CLXENT_SUCCESS)
            status = clx_chain_launch(c, kernel, clx_kernel_name(launches[i].kernel), launches[i].global_size,
                                      launches[i].group_size);
    }
    return status;
}

static clxent_status take_chunk(clx_chain *c, size_t first) {
    const bool adds_to = first > 0 || adds(c);
    clxent_status status = pack_hidden(c, first);
    if (status == CLXENT_SUCCESS)
        status = clx_multiply_logits(c);
    if (status == CLXENT_SUCCESS)
        status = take_rows(c, first);
    if (status != CLXENT_SUCCESS || !clx_has_backward(&c->plan->problem))
        return status;
    status = clx_multiply_hidden(c, first);
    if (status == CLXENT_SUCCESS)
        status = unpack_hidden(c, first);
    if (status == CLXENT_SUCCESS && clx_chain_has(c, CLX_GRAD_LINEAR_WEIGHT))
        status = clx_multiply_weight(c, adds_to);
    if (status == CLXENT_SUCCESS && clx_chain_has(c, CLX_GRAD_LINEAR_BIAS))
        status = sum_columns(c, adds_to);
    return status;
}

/* ---- all of it ---- */

/* At least one: what it adds to nothing are the zeros of an empty batch. */
static size_t chunks_of(const clxent_plan *plan) {
    const size_t rows = plan->problem.rows, chunk = plan->linear->chunk;
    return rows > 0 ? (rows + chunk - 1) / chunk : 1;
}

/* With these optional tensors. */
typedef struct optional {
    bool bias, grad_weight, grad_bias, rows;
} optional;

static size_t launches_with(const clxent_plan *plan, optional has) {
    clx_launch launches[CLX_MAX_LAUNCHES];
    size_t each = 1 + clx_logits_launches(plan, has.bias) + clx_list_row_launches(plan->linear->rows, launches);
    if (clx_has_backward(&plan->problem))
        each += clx_hidden_launches(plan) + 1 + (has.grad_weight ? clx_weight_launches(plan) : 0) + has.grad_bias;
    return 3 + chunks_of(plan) * each + has.rows;
}

size_t clx_linear_launches(const clxent_plan *plan) {
    const bool rows = clx_has_forward(&plan->problem) && plan->problem.desc.reduction == CLXENT_REDUCTION_NONE;
    return launches_with(plan, (optional){.rows = rows});
}

clxent_status clx_linear_enqueue(const clx_linear_call *call, cl_uint wait_count, const cl_event *wait_list,
                                 cl_event *event) {
    clx_chain c = {.call = call,
                   .plan = call->plan,
                   .l = call->plan->linear,
                   .wait_count = wait_count,
                   .wait_list = wait_list,
                   .wants_last = event != NULL};
    c.left = launches_with(call->plan,
                           (optional){clx_chain_has(&c, CLX_LINEAR_BIAS), clx_chain_has(&c, CLX_GRAD_LINEAR_WEIGHT),
                                      clx_chain_has(&c, CLX_GRAD_LINEAR_BIAS), unpacks_rows(&c)});
    clxent_status status = list_rows(&c);
    if (status == CLXENT_SUCCESS)
        status = pack_rows(&c);
    if (status == CLXENT_SUCCESS)
        status = clear_ignored(&c);
    for (size_t i = 0; i < chunks_of(call->plan) && status == CLXENT_SUCCESS; i++)
        status = take_chunk(&c, i * call->plan->linear->chunk);
    if (status == CLXENT_SUCCESS && unpacks_rows(&c))
        status = unpack_rows(&c);
    if (status == CLXENT_SUCCESS && event != NULL)
        *event = c.before;
    else if (c.before != NULL)
        clReleaseEvent(c.before);
    return status;
}
