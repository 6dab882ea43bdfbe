/* Shapes: their text, the class axis, and what a tensor of the shape without it looks like. */
#ifndef CLI_SHAPE_H
#define CLI_SHAPE_H

#include "npy.h"

#include <stdint.h>

/* A shape that stands elsewhere. */
typedef struct shape_view {
    size_t rank;
    const size_t *sizes;
} shape_view;

static inline shape_view shape_of(const npy_array *array) {
    return (shape_view){array->rank, array->shape};
}

/* A shape as Python writes it: "()", "(3,)", "(3, 4)". */
typedef struct shape_text {
    char text[NPY_MAX_RANK * 24];
} shape_text;

shape_text write_shape(shape_view shape);

/* Where the class axis stands: the array seen as (batch, classes, inner), and the shape that is left without it. */
typedef struct class_axis {
    size_t axis;
    size_t batch, classes, inner;
    size_t rank;
    size_t shape[NPY_MAX_RANK];
} class_axis;

static inline shape_view shape_of_rows(const class_axis *axis) {
    return (shape_view){axis->rank, axis->shape};
}

/* Negative axes count from the end. False: the array has no such axis. */
bool find_class_axis(const npy_array *array, int64_t axis, class_axis *found);

bool same_shape(shape_view a, shape_view b);

#endif
