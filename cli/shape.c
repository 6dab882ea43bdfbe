/* Shapes: their text, the class axis, and what a tensor of the shape without it looks like. */
#include "shape.h"

#include <stdio.h>
#include <string.h>

shape_text write_shape(shape_view shape) {
    shape_text result = {"("};
    size_t at = 1;
    for (size_t i = 0; i < shape.rank; i++)
        at += (size_t)snprintf(result.text + at, sizeof result.text - at, "%s%zu", i > 0 ? ", " : "", shape.sizes[i]);
    snprintf(result.text + at, sizeof result.text - at, "%s)", shape.rank == 1 ? "," : "");
    return result;
}

bool find_class_axis(const npy_array *array, int64_t axis, class_axis *found) {
    int64_t rank = (int64_t)array->rank;
    if (axis < -rank || axis >= rank)
        return false;
    memset(found, 0, sizeof *found);
    found->axis = (size_t)(axis < 0 ? axis + rank : axis);
    found->batch = found->inner = 1;
    found->classes = array->shape[found->axis];
    for (size_t i = 0; i < array->rank; i++) {
        if (i < found->axis)
            found->batch *= array->shape[i];
        if (i > found->axis)
            found->inner *= array->shape[i];
        if (i != found->axis)
            found->shape[found->rank++] = array->shape[i];
    }
    return true;
}

bool same_shape(shape_view a, shape_view b) {
    return a.rank == b.rank && (a.rank == 0 || memcmp(a.sizes, b.sizes, a.rank * sizeof *a.sizes) == 0);
}
