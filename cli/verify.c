/* The largest difference between what a device computed and what the reference did. */
#include "verify.h"

#include "../host/half.h"

#include <math.h>
#include <stdint.h>

double value_error(double got, double expected) {
    if (isnan(got) && isnan(expected))
        return 0;
    if (isnan(got) || isnan(expected))
        return INFINITY;
    return got == expected ? 0 : fabs(got - expected);
}

static double element(const npy_array *array, size_t i) {
    static const clxent_dtype types[] = {
        [NPY_F2] = CLXENT_F16, [NPY_U2] = CLXENT_BF16, [NPY_F4] = CLXENT_F32, [NPY_F8] = CLXENT_F64};
    return clx_load(types[array->type], array->data, i);
}

double array_error(const npy_array *got, const npy_array *expected) {
    double largest = 0;
    for (size_t i = 0; i < got->elements; i++) {
        double error = value_error(element(got, i), element(expected, i));
        if (error > largest)
            largest = error;
    }
    return largest;
}

size_t index_differences(const npy_array *got, const npy_array *expected) {
    const int64_t *a = got->data, *b = expected->data;
    size_t differences = 0;
    for (size_t i = 0; i < got->elements; i++)
        differences += a[i] != b[i];
    return differences;
}
