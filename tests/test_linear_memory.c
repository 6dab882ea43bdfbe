/* What linear cross-entropy takes of a device's memory beside its tensors: every clCreateBuffer of a run is counted, by way of
 * the linker's --wrap, and what is not a tensor is at most a fiftieth of the logits. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "clxent.h"

enum { N = 4096, D = 8, V = 4096 };

static size_t created;

cl_mem __real_clCreateBuffer(cl_context context, cl_mem_flags flags, size_t size, void *host, cl_int *error);
cl_mem __wrap_clCreateBuffer(cl_context context, cl_mem_flags flags, size_t size, void *host, cl_int *error);
cl_mem __wrap_clCreateBuffer(cl_context context, cl_mem_flags flags, size_t size, void *host, cl_int *error) {
    created += size;
    return __real_clCreateBuffer(context, flags, size, host, error);
}

static float *make_floats(size_t count) {
    float *made = malloc(count * sizeof *made);
    assert_non_null(made);
    for (size_t i = 0; i < count; i++)
        made[i] = (float)((i * 7919) % 2003) / 1000.0f - 1.0f;
    return made;
}

static void gradients_take_a_fiftieth_of_the_logits(void **state) {
    (void)state;
    static int32_t target[N];
    float *hidden = make_floats((size_t)N * D), *weight = make_floats((size_t)V * D);
    float *grad_hidden = make_floats((size_t)N * D), *grad_weight = make_floats((size_t)V * D);
    float *grad_bias = make_floats(V), loss = 0;
    clxent_context *context = NULL;
    clxent_desc desc;
    clxent_host_args args;
    for (size_t i = 0; i < N; i++)
        target[i] = (int32_t)((i * 31) % V);
    clxent_desc_init(&desc, CLXENT_LINEAR_CROSS_ENTROPY);
    desc.pass = CLXENT_FORWARD_BACKWARD;
    desc.batch = N;
    desc.features = D;
    desc.classes = V;
    clxent_host_args_init(&args);
    args.input = hidden;
    args.target = target;
    args.linear_weight = weight;
    args.output = &loss;
    args.grad_input = grad_hidden;
    args.grad_linear_weight = grad_weight;
    args.grad_linear_bias = grad_bias;
    assert_int_equal(clxent_context_create_default(&context), CLXENT_SUCCESS);
    created = 0;
    assert_int_equal(clxent_run(context, &desc, &args), CLXENT_SUCCESS);
    const size_t tensors =
        sizeof target + sizeof loss + 2 * sizeof(float) * ((size_t)N * D + (size_t)V * D) + sizeof(float) * V;
    const size_t logits = sizeof(float) * N * V;
    assert_in_range(created, tensors + 1, tensors + logits / 50);
    assert_true(loss > 1 && loss < 20);
    clxent_context_destroy(context);
    free(hidden);
    free(weight);
    free(grad_hidden);
    free(grad_weight);
    free(grad_bias);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gradients_take_a_fiftieth_of_the_logits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
