#include "linear_products.h"

#include "status.h"

#define PANEL_COLUMNS 64 /* as in kernels/product_in_panels.cl, */
#define TILE_ROWS 12     /* of which a stretch should be a multiple, or of the 6 that some devices have */

/* ---- by kernels/product*.cl ---- */

static size_t panels(const clx_device *device, const clxent_product *p) {
    const size_t across = (p->n + PANEL_COLUMNS - 1) / PANEL_COLUMNS, tiles = (p->m + TILE_ROWS - 1) / TILE_ROWS;
    size_t down = (device->compute_units * CLX_ITEMS_OF_UNIT + across - 1) / across;
    if (down > tiles)
        down = tiles;
    const size_t stretch = (tiles + down - 1) / down * TILE_ROWS; /* whole tiles, as the kernel shares them out */
    return across * ((p->m + stretch - 1) / stretch);
}

static clxent_status launch(clx_chain *c, clx_linear_kernel kernel, const clxent_product *p,
                            const clxent_buffer *beside, cl_uint flags) {
    const size_t side = c->l->side, square = 4 * side; /* as in kernels/product_in_groups.cl */
    const uint64_t numbers[] = {p->m,    p->n, p->k, p->a_row, p->a_column, p->b_row * p->b_column,
                                p->c_row}; /* one stride of B is 1 */
    clx_setter s = clx_begin(c, kernel);
    clx_set_memory(&s, p->a.mem, p->a.offset);
    clx_set_memory(&s, p->b.mem, p->b.offset);
    clx_set_memory(&s, p->c.mem, p->c.offset);
    clx_set_memory(&s, beside != NULL ? beside->mem : NULL, beside != NULL ? beside->offset : 0);
    clx_set_workspace(&s, 0);
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++)
        clx_set_long(&s, numbers[i]);
    clx_set_bits(&s, flags | (p->adds ? CLX_ADDS : 0));
    if (s.status != CLXENT_SUCCESS)
        return s.status;
    const size_t group = side > 0 ? side * side : 1;
    const size_t items = side > 0 ? ((p->m + square - 1) / square) * ((p->n + square - 1) / square) * group
                                  : panels(&c->plan->core->device, p);
    return clx_chain_launch(c, c->l->kernels[kernel], clx_linear_kernel_name(kernel), items, group);
}

/* ---- by a function of the caller's ---- */

static clxent_status call(clx_chain *c, const clxent_product *p) {
    cl_event done = NULL;
    cl_event *event = clx_chain_wants_event(c) ? &done : NULL;
    cl_int error = c->l->function(c->l->user, c->call->queue, p, c->wait_count, c->wait_list, event);
    if (error == CL_SUCCESS && event != NULL && done == NULL)
        error = CL_INVALID_EVENT;
    if (error != CL_SUCCESS)
        return clx_fail_cl(error, "the plan's own function for a product of %zu x %zu x %zu", p->m, p->n, p->k);
    clx_chain_advance(c, done);
    return CLXENT_SUCCESS;
}

/* It knows of no rows that do not count, nor of a bias: they are set to 0, or to the bias, before. */
static clxent_status fill_rows(clx_chain *c, size_t at, size_t columns, size_t stride, cl_uint bits) {
    clx_setter s = clx_begin(c, CLX_FILL_ROWS);
    clx_set_workspace(&s, 0);
    clx_set_long(&s, at);
    clx_set_long(&s, c->l->chunk);
    clx_set_long(&s, columns);
    clx_set_long(&s, stride);
    clx_set_tensor(&s, CLX_LINEAR_BIAS);
    clx_set_bits(&s, bits);
    return clx_finish(&s, c->l->chunk * columns);
}

/* ---- the three products ---- */

static clxent_buffer in_workspace(const clx_chain *c, size_t at) {
    const clxent_buffer *workspace = &c->call->args->workspace;
    return (clxent_buffer){workspace->mem, workspace->offset + at};
}

/* C's columns are features, or classes of which A has the gradients; A and C are real. */
static clxent_product product_of(const clx_chain *c, clxent_product_role role) {
    const clxent_dtype real = c->plan->problem.real_size == sizeof(double) ? CLXENT_F64 : CLXENT_F32;
    return (clxent_product){.struct_size = sizeof(clxent_product), .role = role, .dtype = real, .b_dtype = real};
}

size_t clx_logits_launches(const clxent_plan *plan, bool bias) {
    return plan->linear->function != NULL && bias ? 2 : 1;
}

clxent_status clx_multiply_logits(clx_chain *c) {
    const clx_linear *l = c->l;
    const clxent_desc *desc = &c->plan->problem.desc;
    const bool bias = clx_chain_has(c, CLX_LINEAR_BIAS);
    clxent_product p = product_of(c, CLXENT_PRODUCT_LOGITS);
    p.b_dtype = desc->dtype;
    p.m = l->chunk;
    p.n = desc->classes;
    p.k = desc->features;
    p.a = in_workspace(c, l->hidden_at);
    p.a_row = l->hidden_stride;
    p.a_column = 1;
    p.b = c->call->args->linear_weight;
    p.b_row = 1;
    p.b_column = desc->features;
    p.c = in_workspace(c, l->logits_at);
    p.c_row = l->logits_stride;
    if (l->function == NULL)
        return launch(c, CLX_PRODUCT_LOGITS, &p, bias ? &c->call->args->linear_bias : NULL,
                      CLX_ROWS_COUNTED | (bias ? CLX_HAS_BIAS : 0));
    clxent_status status = CLXENT_SUCCESS;
    p.adds = bias;
    if (bias)
        status = fill_rows(c, l->logits_at, desc->classes, l->logits_stride, CLX_BIAS_AS_ROWS);
    return status == CLXENT_SUCCESS ? call(c, &p) : status;
}

static bool filters(const clxent_plan *plan) {
    return (plan->problem.desc.flags & CLXENT_FILTER_GRADIENT) != 0;
}

size_t clx_hidden_launches(const clxent_plan *plan) {
    const size_t classes = plan->problem.desc.classes, steps = plan->linear->steps;
    return plan->linear->function != NULL ? 1 : filters(plan) + classes / steps + (classes % steps > 0);
}

static clxent_status limit_rows(clx_chain *c, size_t first) {
    const clx_linear *l = c->l;
    const clx_problem *problem = &c->plan->problem;
    clx_setter s = clx_begin(c, CLX_LIMIT_ROWS);
    clx_set_workspace(&s, 0);
    clx_set_long(&s, l->targets_at + first * problem->target_size);
    clx_set_long(&s, l->logits_at);
    clx_set_long(&s, l->limits_at);
    clx_set_long(&s, problem->desc.classes);
    clx_set_long(&s, l->logits_stride);
    return clx_finish(&s, l->chunk);
}

/* By as many classes at a time as one launch may take. */
clxent_status clx_multiply_hidden(clx_chain *c, size_t first) {
    const clx_linear *l = c->l;
    const clx_problem *problem = &c->plan->problem;
    const clxent_buffer limits = in_workspace(c, l->limits_at);
    clxent_product p = product_of(c, CLXENT_PRODUCT_HIDDEN);
    p.b_dtype = problem->desc.dtype;
    p.m = l->chunk;
    p.n = problem->desc.features;
    p.k = problem->desc.classes;
    p.a = in_workspace(c, l->logits_at);
    p.a_row = l->logits_stride;
    p.a_column = 1;
    p.b = c->call->args->linear_weight;
    p.b_row = p.n;
    p.b_column = 1;
    p.c = in_workspace(c, l->hidden_grads_at);
    p.c_row = l->hidden_stride;
    if (l->function != NULL)
        return call(c, &p);
    clxent_status status = filters(c->plan) ? limit_rows(c, first) : CLXENT_SUCCESS;
    for (size_t left = p.k; left > 0 && status == CLXENT_SUCCESS; left -= p.k) {
        p.k = left < l->steps ? left : l->steps;
        status = launch(c, CLX_PRODUCT_HIDDEN, &p, &limits, CLX_ROWS_COUNTED | (filters(c->plan) ? CLX_FILTERS : 0));
        p.adds = 1;
        p.a.offset += p.k * problem->real_size;
        p.b.offset += p.k * p.b_row * problem->storage_size;
    }
    return status;
}

size_t clx_weight_launches(const clxent_plan *plan) {
    return plan->linear->function != NULL ? 3 : 1;
}

clxent_status clx_multiply_weight(clx_chain *c, bool adds) {
    const clx_linear *l = c->l;
    const clxent_desc *desc = &c->plan->problem.desc;
    clxent_product p = product_of(c, CLXENT_PRODUCT_WEIGHT);
    p.m = desc->classes;
    p.n = desc->features;
    p.k = l->chunk;
    p.a = in_workspace(c, l->logits_at);
    p.a_row = 1;
    p.a_column = l->logits_stride;
    p.b = in_workspace(c, l->hidden_at);
    p.b_row = l->hidden_stride;
    p.b_column = 1;
    p.c = c->call->args->grad_linear_weight;
    p.c_row = desc->features;
    p.adds = adds;
    if (l->function == NULL)
        return launch(c, CLX_PRODUCT_WEIGHT, &p, NULL, CLX_DEPTH_COUNTED);
    clxent_status status = fill_rows(c, l->logits_at, desc->classes, l->logits_stride, CLX_ROWS_BEHIND);
    if (status == CLXENT_SUCCESS)
        status = fill_rows(c, l->hidden_at, desc->features, l->hidden_stride, CLX_ROWS_BEHIND);
    return status == CLXENT_SUCCESS ? call(c, &p) : status;
}
