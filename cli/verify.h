/* The largest difference between what a device computed and what the reference did. */
#ifndef CLI_VERIFY_H
#define CLI_VERIFY_H

#include "npy.h"

/* |got - expected| of two values: 0 for two NaN or two equal infinities, infinity for a NaN against a number. */
double value_error(double got, double expected);

/* The largest over two f4 or f8 arrays of the same type and shape. */
double array_error(const npy_array *got, const npy_array *expected);

#endif
