/* What the buffers and arrays of a case hold: are they as they were, are they what the CPU reference gives? */
#include "api_fixture.h"

#include <math.h>

bool case_is_untouched(const api_case *c) {
    for (int tensor = 0; tensor <= WORKSPACE; tensor++) {
        size_t size = 0;
        if (c->memory[tensor] == NULL)
            continue;
        assert_int_equal(clGetMemObjectInfo(c->memory[tensor], CL_MEM_SIZE, sizeof size, &size, NULL), CL_SUCCESS);
        unsigned char *now = malloc(size);
        assert_non_null(now);
        read_buffer(c->memory[tensor], 0, size, now);
        bool same = true;
        for (size_t i = 0; i < size; i++) {
            bool array = tensor != WORKSPACE && i >= c->offset[tensor] && i - c->offset[tensor] < ARRAY_BYTES;
            same = same && now[i] == (array ? c->array[tensor][i - c->offset[tensor]] : UNTOUCHED);
        }
        free(now);
        if (!same) {
            print_error("%s was changed\n", case_tensor_name(tensor));
            return false;
        }
    }
    return true;
}

static bool is_near(double got, double want, double tolerance) {
    if (isnan(want) || isnan(got))
        return isnan(want) && isnan(got);
    return got == want || fabs(got - want) <= tolerance * (1 + fabs(want));
}

/* Results differ by roundings: of the arithmetic, and of what a tensor of storage is stored in. */
static double tolerance_of(clxent_dtype dtype, clx_element type) {
    static const double stored[] = {2e-6, 1e-13, 1e-3, 8e-3};
    return type == CLX_STORAGE || dtype == CLXENT_F64 ? stored[dtype] : 2e-6;
}

/* Elements that hold UNTOUCHED in both are padding, or were not written in either. */
static bool same_numbers(const api_case *c, clx_tensor tensor, const void *got, const void *want, size_t bytes) {
    clx_problem problem;
    assert_success(clx_problem_init(&problem, &c->desc));
    clx_element type = clx_element_of(&problem, tensor);
    size_t size = clx_element_size(&problem, tensor);
    bool exact = type == CLX_INDEX || type == CLX_COUNT;
    for (size_t i = 0; i < bytes / size; i++) {
        static const unsigned char untouched[sizeof(double)] = {0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF};
        const unsigned char *a = (const unsigned char *)got + i * size, *b = (const unsigned char *)want + i * size;
        if (memcmp(a, b, size) == 0)
            continue;
        double x = exact ? 0 : clx_get_number(&problem, type, got, i);
        double y = exact ? 0 : clx_get_number(&problem, type, want, i);
        bool same = !exact && memcmp(b, untouched, size) != 0 && is_near(x, y, tolerance_of(c->desc.dtype, type));
        if (!same) {
            long long m = 0, n = 0;
            memcpy(&m, a, size);
            memcpy(&n, b, size);
            print_error("%s[%zu] is %.17g (0x%llx), expected %.17g (0x%llx)\n", clx_tensor_name(tensor), i, x, m, y, n);
            return false;
        }
    }
    return true;
}

/* The case after the reference, in arrays of its own. */
static void case_reference(const api_case *c, api_case *expected) {
    case_copy(expected, c);
    assert_success(clxent_reference(&expected->desc, &expected->host));
}

bool case_is_right(api_case *c) {
    api_case expected;
    case_reference(c, &expected);
    for (clx_tensor tensor = 0; tensor < CASE_TENSORS; tensor++) {
        const clxent_buffer *buffer = case_buffer(c, (int)tensor);
        size_t bytes = case_bytes(c, (int)tensor);
        if (!case_writes(c, (int)tensor) || buffer->mem == NULL || bytes == 0)
            continue;
        _Alignas(16) unsigned char got[ARRAY_BYTES];
        read_buffer(buffer->mem, buffer->offset, bytes, got);
        if (!same_numbers(c, tensor, got, clx_host_array(&expected.host, tensor), bytes))
            return false;
    }
    return true;
}

bool arrays_are_right(const api_case *before, const api_case *after) {
    api_case expected;
    case_reference(before, &expected);
    for (clx_tensor tensor = 0; tensor < CASE_TENSORS; tensor++) {
        const void *got = clx_host_array(&after->host, tensor);
        if (got != NULL && case_writes(before, (int)tensor) &&
            !same_numbers(before, tensor, got, clx_host_array(&expected.host, tensor), case_bytes(before, (int)tensor)))
            return false;
    }
    return true;
}
