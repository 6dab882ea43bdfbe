/* Linear cross-entropy by its own matrix products, and in turn with that by OpenBLAS's; then with and without the filter. For
 * ci/products.sh. */
#include <cblas.h>
#include <clxent.h>

#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { MOST_ROUNDS = 99 };

typedef struct work {
    clxent_context *context;
    cl_context cl;
    cl_command_queue queue;
    clxent_plan *plan;
    clxent_args args;
    double blas; /* seconds within sgemm */
} work;

static void must(bool good, const char *what) {
    if (!good) {
        fprintf(stderr, "products: %s: %s\n", what, clxent_last_error());
        exit(1);
    }
}

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* ---- OpenBLAS as the plan's product ---- */

static float *map(cl_command_queue queue, const clxent_buffer *buffer, size_t elements, cl_uint waits,
                  const cl_event *list) {
    cl_int error = CL_SUCCESS;
    void *mapped = clEnqueueMapBuffer(queue, buffer->mem, CL_TRUE, CL_MAP_READ | CL_MAP_WRITE, buffer->offset,
                                      elements * sizeof(float), waits, list, NULL, &error);
    must(error == CL_SUCCESS, "clEnqueueMapBuffer");
    return mapped;
}

static size_t extent(size_t rows, size_t row, size_t columns, size_t column) {
    return (rows - 1) * row + (columns - 1) * column + 1;
}

static cl_int multiply(void *user, cl_command_queue queue, const clxent_product *p, cl_uint wait_count,
                       const cl_event *wait_list, cl_event *event) {
    work *w = user;
    float *a = map(queue, &p->a, extent(p->m, p->a_row, p->k, p->a_column), wait_count, wait_list);
    float *b = map(queue, &p->b, extent(p->k, p->b_row, p->n, p->b_column), 0, NULL);
    float *c = map(queue, &p->c, extent(p->m, p->c_row, p->n, 1), 0, NULL);
    const bool a_turned = p->a_column != 1, b_turned = p->b_column != 1;
    const double began = now();
    cblas_sgemm(CblasRowMajor, a_turned ? CblasTrans : CblasNoTrans, b_turned ? CblasTrans : CblasNoTrans, (int)p->m,
                (int)p->n, (int)p->k, 1, a, (int)(a_turned ? p->a_column : p->a_row), b,
                (int)(b_turned ? p->b_column : p->b_row), p->adds ? 1 : 0, c, (int)p->c_row);
    w->blas += now() - began;
    clEnqueueUnmapMemObject(queue, p->a.mem, a, 0, NULL, NULL);
    clEnqueueUnmapMemObject(queue, p->b.mem, b, 0, NULL, NULL);
    return clEnqueueUnmapMemObject(queue, p->c.mem, c, 0, NULL, event);
}

/* ---- the work ---- */

static float uniform(unsigned *state) {
    *state = *state * 1664525u + 1013904223u;
    return (float)(*state >> 8) / 8388608.0f - 1.0f;
}

static cl_mem buffer(const work *w, size_t bytes, const void *from) {
    cl_int error = CL_SUCCESS;
    cl_mem mem = clCreateBuffer(w->cl, CL_MEM_READ_WRITE | (from != NULL ? CL_MEM_COPY_HOST_PTR : 0), bytes,
                                (void *)(size_t)from, &error);
    must(error == CL_SUCCESS, "clCreateBuffer");
    return mem;
}

static cl_mem numbers(const work *w, size_t count, float most, unsigned *state) {
    float *from = malloc(count * sizeof *from);
    must(from != NULL, "memory");
    for (size_t i = 0; i < count; i++)
        from[i] = most * uniform(state);
    cl_mem made = buffer(w, count * sizeof *from, from);
    free(from);
    return made;
}

static clxent_desc describe(clxent_pass pass, size_t n, size_t d, size_t v) {
    clxent_desc desc;
    clxent_desc_init(&desc, CLXENT_LINEAR_CROSS_ENTROPY);
    desc.pass = pass;
    desc.batch = n;
    desc.features = d;
    desc.classes = v;
    desc.workspace_limit = UINT64_MAX; /* one chunk of all rows */
    return desc;
}

static void make_tensors(work *w, const clxent_desc *desc, float deviation) {
    unsigned state = 1;
    const size_t n = desc->batch, d = desc->features, v = desc->classes;
    int *target = malloc(n * sizeof *target);
    must(target != NULL, "memory");
    for (size_t i = 0; i < n; i++)
        target[i] = (int)(i * 97 % v);
    clxent_args_init(&w->args);
    w->args.input.mem = numbers(w, n * d, 1, &state);
    w->args.target.mem = buffer(w, n * sizeof *target, target);
    w->args.linear_weight.mem = numbers(w, v * d, deviation * 3 / sqrtf((float)d), &state);
    w->args.output.mem = buffer(w, sizeof(float), NULL);
    w->args.grad_input.mem = buffer(w, n * d * sizeof(float), NULL);
    w->args.grad_linear_weight.mem = buffer(w, v * d * sizeof(float), NULL);
    free(target);
}

static void drop_tensors(work *w) {
    const cl_mem all[] = {w->args.input.mem,  w->args.target.mem,     w->args.linear_weight.mem,
                          w->args.output.mem, w->args.grad_input.mem, w->args.grad_linear_weight.mem};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        clReleaseMemObject(all[i]);
}

static clxent_plan *plan_of(const work *w, const clxent_desc *desc, size_t *bytes) {
    clxent_plan *plan = NULL;
    clxent_plan_info info = {.struct_size = sizeof info};
    must(clxent_plan_create(w->context, desc, &plan) == CLXENT_SUCCESS, "clxent_plan_create");
    must(clxent_plan_get_info(plan, &info) == CLXENT_SUCCESS, "clxent_plan_get_info");
    if (*bytes < info.workspace_size)
        *bytes = info.workspace_size;
    return plan;
}

static double call(work *w, clxent_plan *plan) {
    clxent_args args = w->args;
    const double began = now();
    must(clxent_enqueue(w->queue, plan, &args, 0, NULL, NULL) == CLXENT_SUCCESS, "clxent_enqueue");
    clFinish(w->queue);
    return now() - began;
}

static int ascending(const void *a, const void *b) {
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median(double *values, int count) {
    qsort(values, (size_t)count, sizeof *values, ascending);
    return values[count / 2];
}

/* What is no product takes as long either way, so the library's own products take its time less that. */
static void compare_products(work *w, const char *name, clxent_pass pass, double products, int rounds) {
    const clxent_desc desc = describe(pass, 512, 1024, 32768);
    const double operations = products * 2 * (double)desc.batch * (double)desc.features * (double)desc.classes;
    size_t bytes = 0;
    double own[MOST_ROUNDS], blas[MOST_ROUNDS], ratio[MOST_ROUNDS];
    make_tensors(w, &desc, 1);
    clxent_plan *plan = plan_of(w, &desc, &bytes);
    w->args.workspace.mem = buffer(w, bytes, NULL);
    for (int i = -1; i < rounds; i++) {
        must(clxent_plan_set_product(plan, NULL, NULL) == CLXENT_SUCCESS, "clxent_plan_set_product");
        const double with_own = call(w, plan);
        must(clxent_plan_set_product(plan, multiply, w) == CLXENT_SUCCESS, "clxent_plan_set_product");
        w->blas = 0;
        const double with_blas = call(w, plan);
        if (i < 0)
            continue;
        blas[i] = w->blas;
        own[i] = with_own - (with_blas - w->blas);
        ratio[i] = blas[i] / own[i];
    }
    printf("  %-30s  %10.1f  %10.1f  %8.2f\n", name, operations / median(own, rounds) * 1e-9,
           operations / median(blas, rounds) * 1e-9, median(ratio, rounds));
    clReleaseMemObject(w->args.workspace.mem);
    clxent_plan_destroy(plan);
    drop_tensors(w);
}

static void compare_filter(work *w, float deviation, int rounds) {
    clxent_desc desc = describe(CLXENT_FORWARD_BACKWARD, 256, 512, 32768);
    size_t bytes = 0;
    double ratio[MOST_ROUNDS];
    make_tensors(w, &desc, deviation);
    clxent_plan *plain = plan_of(w, &desc, &bytes);
    desc.flags = CLXENT_FILTER_GRADIENT;
    clxent_plan *filters = plan_of(w, &desc, &bytes);
    w->args.workspace.mem = buffer(w, bytes, NULL);
    for (int i = -1; i < rounds; i++) {
        const double without = call(w, plain), with = call(w, filters);
        if (i >= 0)
            ratio[i] = with / without;
    }
    printf("  %-30g  %8.2f\n", (double)deviation, median(ratio, rounds));
    clReleaseMemObject(w->args.workspace.mem);
    clxent_plan_destroy(plain);
    clxent_plan_destroy(filters);
    drop_tensors(w);
}

int main(int count, char **words) {
    work w = {0};
    cl_device_id device = NULL;
    cl_int error = CL_SUCCESS;
    char name[256] = "";
    const int rounds = count > 1 ? atoi(words[1]) : 5;
    must(rounds > 0 && rounds <= MOST_ROUNDS, "1 to 99 rounds");
    must(clxent_context_create_default(&w.context) == CLXENT_SUCCESS, "clxent_context_create_default");
    must(clxent_context_get(w.context, &w.cl, &device) == CLXENT_SUCCESS, "clxent_context_get");
    clGetDeviceInfo(device, CL_DEVICE_NAME, sizeof name, name, NULL);
    w.queue = clCreateCommandQueue(w.cl, device, 0, &error);
    must(error == CL_SUCCESS, "clCreateCommandQueue");
    printf("%s; %s\n\nlinear-cross-entropy, 512 rows, 1024 features, 32768 classes, F32; GFLOP/s of the products, "
           "median of %d rounds\n\n"
           "  %-30s  %10s  %10s  %8s\n",
           name, openblas_get_config(), rounds, "products of", "clxent", "OpenBLAS", "ratio");
    compare_products(&w, "forward", CLXENT_FORWARD, 1, rounds);
    compare_products(&w, "forward and backward", CLXENT_FORWARD_BACKWARD, 3, rounds);
    printf("\n256 rows, 512 features, 32768 classes, loss and gradients of hidden states and layer: time with\n"
           "CLXENT_FILTER_GRADIENT over time without it\n\n  %-30s  %8s\n",
           "standard deviation of logits", "ratio");
    static const float deviations[] = {1, 10, 100, 1000};
    for (size_t i = 0; i < sizeof deviations / sizeof deviations[0]; i++)
        compare_filter(&w, deviations[i], rounds);
    clReleaseCommandQueue(w.queue);
    clxent_context_destroy(w.context);
    return 0;
}
