/* Softmax and losses as plain C loops, over OpenMP threads. Losses are means; gradients, where asked for (not NULL), are
 * those of the mean. */
#ifndef LOOPS_H
#define LOOPS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The largest number of classes for which inner may be above 1. */
enum { LOOPS_MOST_SIDE_BY_SIDE = 1024 };

/* x and gradient: (batch, classes, inner); target: (batch, inner). */
double loops_cross_entropy(const float *x, const int32_t *target, float *gradient, size_t batch, size_t classes,
                           size_t inner);

/* x and y: (rows, classes). */
void loops_softmax(const float *x, float *y, size_t rows, size_t classes, bool log);

double loops_binary_cross_entropy(const float *x, const float *target, float *gradient, size_t count);

#endif
