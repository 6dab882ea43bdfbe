/* The shapes and, for losses, the options that every line of a table of tests goes through. */
#ifndef DEVICE_SHAPES_H
#define DEVICE_SHAPES_H

#include "device_cases.h"

/* One program, nearly: what goes through the shapes. Of work_group_size, row_per_group makes programs of their own. */
typedef struct line {
    clxent_op op;
    clxent_pass pass;
    clxent_dtype dtype;
    clxent_engine engine;
    size_t work_group_size;
    clxent_target_type target_type;
    double label_smoothing;
} line;

/* padding: elements between the last one of a batch entry and the next entry. */
typedef struct extent {
    size_t batch, classes, inner, padding;
} extent;

/* The case of a line in a shape. */
device_case case_of(const line *l, const extent *shape);

/* The case of a line in the shape of that number; false behind the last. Rows around the widths of vectors and
 * work-groups; for the engine column, and for AUTO, also inner positions around them. The shapes of a vocabulary's size
 * come last. */
bool get_shape(const line *l, size_t index, device_case *c);
bool is_large(const device_case *c);

/* Sets the loss options of that number, 0 to LOSS_OPTIONS - 1; returns the way to run it. */
#define LOSS_OPTIONS 8
run_path set_loss_options(device_case *c, size_t index);

/* Every shape with every option; the large ones with one option each. */
void check_loss_line(const line *l);

/* An entry of a table of tests; `check` gets the line as its state. */
#define LINE_TEST(check, name, ...)                                                                                    \
    {                                                                                                                  \
#check " " name, check, NULL, NULL, &(line) {                                                                  \
            __VA_ARGS__                                                                                                \
        }                                                                                                              \
    }

#endif
