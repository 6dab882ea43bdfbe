/* The launches of a linear cross-entropy: rows that count are listed and packed, then chunk by chunk. */
#include "linear.h"

#include "launch.h"
#include "op.h"
#include "status.h"

/* As in kernels/linear.cl, and of the products. */
enum {
    HAS_SAMPLE_WEIGHT = 1,
    HAS_GRAD_OUTPUT = 2,
    HAS_LSE = 4,
    HAS_OUTPUT = 8,
    HAS_GRAD_INPUT = 16,
    ADDS_GRADIENT = 32,
    HAS_PARTIAL = 64,
    FIRST_SHARD = 128,
    KEEPS_LOSSES = 256
};
enum { ADDS = 1, ROWS_COUNTED = 2, DEPTH_COUNTED = 4, HAS_BIAS = 8 };

#define ACCUMULATE 2048u /* as in enqueue.c */
#define PANEL_COLUMNS 64 /* as in kernels/product_in_panels.cl, */
#define TILE_ROWS 12     /* of which a stretch should be a multiple, or of the 6 that some devices have */
#define ITEMS_OF_UNIT 4  /* work-items for each compute unit of a CPU, for an even load */
#define MOST_ITEMS ((size_t)1 << 20)
#define SIMT_GROUP 64

/* The launches, each behind the one before. */
typedef struct chain {
    const clx_linear_call *call;
    clxent_plan *plan;
    const clx_linear *l;
    cl_uint wait_count; /* of the first */
    const cl_event *wait_list;
    bool wants_last; /* does the caller want the event of the last? */
    size_t left;     /* launches to come */
    cl_event before;
} chain;

static bool has(const chain *c, clx_tensor tensor) {
    return (c->call->tensors & 1u << tensor) != 0;
}

static clxent_status launch(chain *c, cl_kernel kernel, const char *name, size_t items, size_t group) {
    const size_t global = (items + group - 1) / group * group;
    const bool wants_event = --c->left == 0 ? c->wants_last : !c->call->in_order;
    cl_event done = NULL;
    cl_int error =
        clEnqueueNDRangeKernel(c->call->queue, kernel, 1, NULL, &global, &group, c->before != NULL ? 1 : c->wait_count,
                               c->before != NULL ? &c->before : c->wait_list, wants_event ? &done : NULL);
    if (error != CL_SUCCESS)
        return clx_fail_cl(error, "launching %s with %zu work-items in groups of %zu", name, global, group);
    if (c->before != NULL)
        clReleaseEvent(c->before);
    c->before = done;
    c->wait_count = 0;
    c->wait_list = NULL;
    return CLXENT_SUCCESS;
}

/* ---- arguments ---- */

/* Arguments of a kernel, one after the other; the first refusal stays. */
typedef struct setter {
    chain *c;
    clx_linear_kernel kernel;
    cl_uint next;
    clxent_status status;
} setter;

static void set(setter *s, size_t size, const void *value) {
    if (s->status == CLXENT_SUCCESS)
        s->status = clx_set_argument(s->c->l->kernels[s->kernel], s->next++, size, value);
}

static void set_memory(setter *s, cl_mem mem, size_t offset) {
    const cl_ulong at = offset;
    set(s, sizeof mem, &mem);
    set(s, sizeof at, &at);
}

/* Null where there is none. */
static void set_tensor(setter *s, clx_tensor tensor) {
    const clxent_buffer *buffer = clx_buffer(s->c->call->args, tensor);
    if (has(s->c, tensor))
        set_memory(s, buffer->mem, buffer->offset);
    else
        set_memory(s, NULL, 0);
}

static void set_workspace(setter *s, size_t offset) {
    set_memory(s, s->c->call->args->workspace.mem, s->c->call->args->workspace.offset + offset);
}

static void set_long(setter *s, uint64_t value) {
    const cl_ulong number = value;
    set(s, sizeof number, &number);
}

static void set_bits(setter *s, cl_uint bits) {
    set(s, sizeof bits, &bits);
}

static setter begin(chain *c, clx_linear_kernel kernel) {
    return (setter){.c = c, .kernel = kernel, .status = CLXENT_SUCCESS};
}

/* With work-items for so many things to do, which they share out among themselves. */
static clxent_status finish(setter *s, size_t things) {
    const clx_device *device = &s->c->plan->core->device;
    size_t group = device->simt && device->max_work_group >= SIMT_GROUP ? SIMT_GROUP : 1;
    size_t most = device->loop_limit > 0 ? SIZE_MAX : device->simt ? MOST_ITEMS : device->compute_units * ITEMS_OF_UNIT;
    size_t items = things < most ? things : most;
    if (s->status != CLXENT_SUCCESS)
        return s->status;
    return launch(s->c, s->c->l->kernels[s->kernel], clx_linear_kernel_name(s->kernel), items > 0 ? items : 1, group);
}

/* ---- all rows ---- */

static bool is_none(const chain *c) {
    return c->plan->problem.desc.reduction == CLXENT_REDUCTION_NONE;
}

static bool reads_lse(const chain *c) {
    return !clx_has_forward(&c->plan->problem) && has(c, CLX_LSE);
}

static bool writes_lse(const chain *c) {
    return clx_has_forward(&c->plan->problem) && has(c, CLX_LSE);
}

static bool is_shard(const chain *c) {
    return clx_is_shard(&c->plan->problem);
}

/* What a row has of results, bits as in kernels/linear.cl. */
static cl_uint results_of_row(const chain *c) {
    if (!clx_has_forward(&c->plan->problem))
        return 0;
    if (is_shard(c))
        return HAS_PARTIAL | (c->plan->problem.desc.class_start == 0 ? FIRST_SHARD : 0);
    return (is_none(c) ? HAS_OUTPUT : 0) | (writes_lse(c) ? HAS_LSE : 0);
}

/* Do the chunks leave losses or lse that are not in their places? */
static bool unpacks_rows(const chain *c) {
    return (results_of_row(c) & (HAS_OUTPUT | HAS_LSE)) != 0;
}

static bool adds(const chain *c) {
    return (c->plan->problem.desc.flags & CLXENT_ACCUMULATE_GRAD) != 0;
}

static clxent_status list_rows(chain *c) {
    const clx_problem *problem = &c->plan->problem;
    setter s = begin(c, CLX_LIST_ROWS);
    set_tensor(&s, CLX_TARGET);
    set_workspace(&s, 0);
    set_long(&s, c->l->list_at);
    set_long(&s, problem->rows);
    set_long(&s, (uint64_t)problem->desc.ignore_index);
    if (s.status != CLXENT_SUCCESS)
        return s.status;
    return launch(c, c->l->kernels[s.kernel], clx_linear_kernel_name(s.kernel), c->l->lister, c->l->lister);
}

static clxent_status pack_rows(chain *c) {
    const clx_linear *l = c->l;
    setter s = begin(c, CLX_PACK_ROWS);
    set_tensor(&s, CLX_TARGET);
    set_tensor(&s, CLX_SAMPLE_WEIGHT);
    set_tensor(&s, CLX_GRAD_OUTPUT);
    set_tensor(&s, CLX_LSE);
    set_workspace(&s, 0);
    const size_t places[] = {l->list_at,           l->targets_at, l->weights_at,
                             l->grads_at,          l->lse_at,     c->plan->workspace.losses_at,
                             c->plan->problem.rows};
    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++)
        set_long(&s, places[i]);
    set_bits(&s, (has(c, CLX_SAMPLE_WEIGHT) ? HAS_SAMPLE_WEIGHT : 0) |
                     (is_none(c) && has(c, CLX_GRAD_OUTPUT) ? HAS_GRAD_OUTPUT : 0) | (reads_lse(c) ? HAS_LSE : 0) |
                     (is_shard(c) ? 0 : KEEPS_LOSSES));
    return finish(&s, c->plan->problem.rows);
}

static clxent_status clear_ignored(chain *c) {
    const clxent_desc *desc = &c->plan->problem.desc;
    const bool clears = clx_has_backward(&c->plan->problem) && !adds(c);
    setter s = begin(c, CLX_CLEAR_IGNORED);
    set_tensor(&s, CLX_TARGET);
    set_tensor(&s, CLX_OUTPUT);
    set_tensor(&s, CLX_LSE);
    set_tensor(&s, CLX_PARTIAL);
    set_tensor(&s, CLX_GRAD_INPUT);
    const uint64_t numbers[] = {desc->batch, (uint64_t)desc->ignore_index, desc->features, desc->row_stride};
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++)
        set_long(&s, numbers[i]);
    set_bits(&s, results_of_row(c) | (clears ? HAS_GRAD_INPUT : 0));
    return finish(&s, desc->batch);
}

static clxent_status unpack_rows(chain *c) {
    setter s = begin(c, CLX_UNPACK_ROWS);
    set_tensor(&s, CLX_OUTPUT);
    set_tensor(&s, CLX_LSE);
    set_workspace(&s, 0);
    set_long(&s, c->l->list_at);
    set_long(&s, c->plan->workspace.losses_at);
    set_long(&s, c->l->lse_at);
    set_bits(&s, results_of_row(c));
    return finish(&s, c->plan->problem.rows);
}

/* ---- a chunk ---- */

static clxent_status pack_hidden(chain *c, size_t first) {
    const clxent_desc *desc = &c->plan->problem.desc;
    setter s = begin(c, CLX_PACK_HIDDEN);
    set_tensor(&s, CLX_INPUT);
    set_workspace(&s, 0);
    const uint64_t numbers[] = {c->l->list_at,    c->l->hidden_at,    first, c->l->chunk, desc->features,
                                desc->row_stride, c->l->hidden_stride};
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++)
        set_long(&s, numbers[i]);
    return finish(&s, c->l->chunk * desc->features);
}

static clxent_status unpack_hidden(chain *c, size_t first) {
    const clxent_desc *desc = &c->plan->problem.desc;
    setter s = begin(c, CLX_UNPACK_HIDDEN);
    set_tensor(&s, CLX_GRAD_INPUT);
    set_workspace(&s, 0);
    const uint64_t numbers[] = {c->l->list_at,  c->l->hidden_grads_at, first,
                                desc->features, desc->row_stride,      c->l->hidden_stride};
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++)
        set_long(&s, numbers[i]);
    set_bits(&s, adds(c) ? ADDS_GRADIENT : 0);
    return finish(&s, c->l->chunk * desc->features);
}

/* Of a shard: the planes of a chunk's partial to those of all rows, or the merged ones from there. */
static clxent_status move_planes(chain *c, clx_linear_kernel kernel, clx_tensor tensor, size_t first) {
    setter s = begin(c, kernel);
    set_tensor(&s, tensor);
    set_workspace(&s, 0);
    const uint64_t numbers[] = {c->l->list_at, c->l->planes_at, first, c->plan->problem.rows};
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++)
        set_long(&s, numbers[i]);
    return finish(&s, c->l->chunk * CLX_PLANES);
}

static clxent_status sum_columns(chain *c, bool adds_to) {
    setter s = begin(c, CLX_SUM_COLUMNS);
    set_workspace(&s, 0);
    set_long(&s, c->l->logits_at);
    set_long(&s, c->l->logits_stride);
    set_tensor(&s, CLX_GRAD_LINEAR_BIAS);
    set_long(&s, c->plan->problem.desc.classes);
    set_bits(&s, adds_to ? ADDS_GRADIENT : 0);
    return finish(&s, c->plan->problem.desc.classes);
}

/* Shape and strides of a product, as kernels/product.cl has them. */
typedef struct product {
    size_t rows, columns, depth, a_row, a_step, b_row, c_row;
    cl_uint flags;
} product;

static clxent_status finish_product(setter *s, const product *p) {
    const clx_device *device = &s->c->plan->core->device;
    const uint64_t numbers[] = {p->rows, p->columns, p->depth, p->a_row, p->a_step, p->b_row, p->c_row};
    set_workspace(s, 0);
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++)
        set_long(s, numbers[i]);
    set_bits(s, p->flags);
    if (s->status != CLXENT_SUCCESS)
        return s->status;
    size_t items, group = 1;
    if (s->c->l->side > 0) {
        const size_t side = s->c->l->side, square = 4 * side; /* as in kernels/product_in_groups.cl */
        group = side * side;
        items = ((p->rows + square - 1) / square) * ((p->columns + square - 1) / square) * group;
    } else {
        const size_t across = (p->columns + PANEL_COLUMNS - 1) / PANEL_COLUMNS,
                     tiles = (p->rows + TILE_ROWS - 1) / TILE_ROWS;
        size_t down = (device->compute_units * ITEMS_OF_UNIT + across - 1) / across;
        if (down > tiles)
            down = tiles;
        const size_t stretch = (tiles + down - 1) / down * TILE_ROWS; /* whole tiles, as the kernel shares them out */
        items = across * ((p->rows + stretch - 1) / stretch);
    }
    return launch(s->c, s->c->l->kernels[s->kernel], clx_linear_kernel_name(s->kernel), items, group);
}

static clxent_status multiply_logits(chain *c) {
    const clx_linear *l = c->l;
    const clxent_desc *desc = &c->plan->problem.desc;
    const product p = {
        l->chunk, desc->classes,  desc->features,   l->hidden_stride,
        1,        desc->features, l->logits_stride, ROWS_COUNTED | (has(c, CLX_LINEAR_BIAS) ? HAS_BIAS : 0)};
    setter s = begin(c, CLX_PRODUCT_LOGITS);
    set_workspace(&s, l->hidden_at);
    set_tensor(&s, CLX_LINEAR_WEIGHT);
    set_workspace(&s, l->logits_at);
    set_tensor(&s, CLX_LINEAR_BIAS);
    return finish_product(&s, &p);
}

/* The classes from `first` on, as many of them as one launch may take. */
static clxent_status multiply_hidden(chain *c, size_t first) {
    const clx_linear *l = c->l;
    const clx_problem *problem = &c->plan->problem;
    const size_t features = problem->desc.features, left = problem->desc.classes - first,
                 depth = left < l->steps ? left : l->steps;
    const product p = {l->chunk,
                       features,
                       depth,
                       l->logits_stride,
                       1,
                       features,
                       l->hidden_stride,
                       ROWS_COUNTED | (first > 0 ? ADDS : 0)};
    const clxent_buffer *weight = &c->call->args->linear_weight;
    setter s = begin(c, CLX_PRODUCT_HIDDEN);
    set_workspace(&s, l->logits_at + first * problem->real_size);
    set_memory(&s, weight->mem, weight->offset + first * features * problem->storage_size);
    set_workspace(&s, l->hidden_grads_at);
    set_memory(&s, NULL, 0);
    return finish_product(&s, &p);
}

static size_t hidden_products(const clxent_plan *plan) {
    const size_t classes = plan->problem.desc.classes, steps = plan->linear->steps;
    return classes / steps + (classes % steps > 0);
}

static clxent_status multiply_weight(chain *c, bool adds_to) {
    const clx_linear *l = c->l;
    const clxent_desc *desc = &c->plan->problem.desc;
    const product p = {desc->classes,    desc->features,   l->chunk,       1,
                       l->logits_stride, l->hidden_stride, desc->features, DEPTH_COUNTED | (adds_to ? ADDS : 0)};
    setter s = begin(c, CLX_PRODUCT_WEIGHT);
    set_workspace(&s, l->logits_at);
    set_workspace(&s, l->hidden_at);
    set_tensor(&s, CLX_GRAD_LINEAR_WEIGHT);
    set_memory(&s, NULL, 0);
    return finish_product(&s, &p);
}

/* The tensors of the cross-entropy of a chunk's logits. */
static void place_rows(const chain *c, size_t first, clxent_args *rows, unsigned *tensors) {
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
        {CLX_SAMPLE_WEIGHT, has(c, CLX_SAMPLE_WEIGHT), l->weights_at + first * problem->real_size},
        {CLX_OUTPUT, clx_has_forward(problem) && !is_shard(c),
         c->plan->workspace.losses_at + first * problem->real_size},
        {CLX_LSE, has(c, CLX_LSE), l->lse_at + first * problem->real_size},
        {CLX_GRAD_OUTPUT, has(c, CLX_GRAD_OUTPUT), l->grads_at + first * problem->real_size},
        {CLX_GRAD_INPUT, clx_has_backward(problem), l->logits_at},
        {CLX_PARTIAL, has(c, CLX_PARTIAL), l->planes_at},
        {CLX_MERGED, has(c, CLX_MERGED), l->planes_at},
    };
    const clx_tensor callers[] = {CLX_WEIGHT, CLX_WEIGHT_SUM};
    clxent_args_init(rows);
    *tensors = 0;
    for (size_t i = 0; i < sizeof in_workspace / sizeof in_workspace[0]; i++) {
        const clxent_buffer buffer = {workspace.mem, workspace.offset + in_workspace[i].at};
        if (!in_workspace[i].given)
            continue;
        clx_set_buffer(rows, in_workspace[i].tensor, &buffer);
        *tensors |= 1u << in_workspace[i].tensor;
    }
    if (has(c, CLX_GRAD_OUTPUT) && !is_none(c))
        rows->grad_output = c->call->args->grad_output;
    for (size_t i = 0; i < sizeof callers / sizeof callers[0]; i++) {
        if (!has(c, callers[i]))
            continue;
        clx_set_buffer(rows, callers[i], clx_buffer(c->call->args, callers[i]));
        *tensors |= 1u << callers[i];
    }
    rows->workspace = workspace;
}

static clxent_status take_rows(chain *c, size_t first) {
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
            status =
                launch(c, kernel, clx_kernel_name(launches[i].kernel), launches[i].global_size, launches[i].group_size);
    }
    return status;
}

static clxent_status take_chunk(chain *c, size_t first) {
    const bool adds_to = first > 0 || adds(c), backward = clx_has_backward(&c->plan->problem);
    clxent_status status = pack_hidden(c, first);
    if (status == CLXENT_SUCCESS && is_shard(c) && backward)
        status = move_planes(c, CLX_PACK_MERGED, CLX_MERGED, first);
    if (status == CLXENT_SUCCESS)
        status = multiply_logits(c);
    if (status == CLXENT_SUCCESS)
        status = take_rows(c, first);
    if (status == CLXENT_SUCCESS && is_shard(c) && !backward)
        status = move_planes(c, CLX_UNPACK_PARTIAL, CLX_PARTIAL, first);
    if (status != CLXENT_SUCCESS || !backward)
        return status;
    for (size_t i = 0; i < hidden_products(c->plan) && status == CLXENT_SUCCESS; i++)
        status = multiply_hidden(c, i * c->l->steps);
    if (status == CLXENT_SUCCESS)
        status = unpack_hidden(c, first);
    if (status == CLXENT_SUCCESS && has(c, CLX_GRAD_LINEAR_WEIGHT))
        status = multiply_weight(c, adds_to);
    if (status == CLXENT_SUCCESS && has(c, CLX_GRAD_LINEAR_BIAS))
        status = sum_columns(c, adds_to);
    return status;
}

/* ---- all of it ---- */

/* At least one: what it adds to nothing are the zeros of an empty batch. */
static size_t chunks_of(const clxent_plan *plan) {
    const size_t rows = plan->problem.rows, chunk = plan->linear->chunk;
    return rows > 0 ? (rows + chunk - 1) / chunk : 1;
}

static size_t launches_with(const clxent_plan *plan, size_t gradients, bool unpacks) {
    clx_launch launches[CLX_MAX_LAUNCHES];
    const size_t each = 2 + clx_is_shard(&plan->problem) + clx_list_row_launches(plan->linear->rows, launches) +
                        (clx_has_backward(&plan->problem) ? 1 + hidden_products(plan) + gradients : 0);
    return 3 + chunks_of(plan) * each + unpacks;
}

size_t clx_linear_launches(const clxent_plan *plan) {
    const clx_problem *problem = &plan->problem;
    return launches_with(plan, 0,
                         clx_has_forward(problem) && !clx_is_shard(problem) &&
                             problem->desc.reduction == CLXENT_REDUCTION_NONE);
}

clxent_status clx_linear_enqueue(const clx_linear_call *call, cl_uint wait_count, const cl_event *wait_list,
                                 cl_event *event) {
    chain c = {.call = call,
               .plan = call->plan,
               .l = call->plan->linear,
               .wait_count = wait_count,
               .wait_list = wait_list,
               .wants_last = event != NULL};
    c.left = launches_with(call->plan, (size_t)has(&c, CLX_GRAD_LINEAR_WEIGHT) + has(&c, CLX_GRAD_LINEAR_BIAS),
                           unpacks_rows(&c));
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
