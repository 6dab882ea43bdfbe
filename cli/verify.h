/* The largest difference between what a device computed and what the reference did. */
#ifndef CLI_VERIFY_H
#define CLI_VERIFY_H

#include "npy.h"

/* |got - expected| of two values: 0 for two NaN or two equal infinities, infinity for a NaN against a number. */
double value_error(double got, double expected);

/* The largest over two arrays of the same type and shape: f2, f4, f8, or u2 with the bits of bfloat16. */
double array_error(const npy_array *got, const npy_array *expected);

/* Elements that differ between two arrays of i8 of the same shape. */
size_t index_differences(const npy_array *got, const npy_array *expected);

#endif
