/* The largest difference between what a device computed and what the reference did. */
#include "verify.h"

#include <math.h>

double value_error(double got, double expected) {
    if (isnan(got) && isnan(expected))
        return 0;
    if (isnan(got) || isnan(expected))
        return INFINITY;
    return got == expected ? 0 : fabs(got - expected);
}

double array_error(const npy_array *got, const npy_array *expected) {
    double largest = 0;
    for (size_t i = 0; i < got->elements; i++) {
        double error = got->type == NPY_F4
                           ? value_error(((const float *)got->data)[i], ((const float *)expected->data)[i])
                           : value_error(((const double *)got->data)[i], ((const double *)expected->data)[i]);
        if (error > largest)
            largest = error;
    }
    return largest;
}
