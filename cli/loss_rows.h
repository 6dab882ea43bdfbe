/* Rows of the option tables that several losses have. */
#ifndef CLI_LOSS_ROWS_H
#define CLI_LOSS_ROWS_H

#include "options.h"

#define ROW_AXIS                                                                                                       \
    {                                                                                                                  \
        OPTION_AXIS, "A",                                                                                              \
            "class axis; a negative one counts from the end (default 1, and 0\n"                                       \
            "for one-dimensional input)"                                                                               \
    }
#define ROW_REDUCTION                                                                                                  \
    {                                                                                                                  \
        OPTION_REDUCTION, "none|mean|sum",                                                                             \
            "one loss per row; or the sum of losses over the sum of their\n"                                           \
            "weights; or the sum of losses (default mean)"                                                             \
    }
#define ROW_WEIGHT                                                                                                     \
    { OPTION_WEIGHT, "W.npy", "a weight for each class: one-dimensional; f8 for f8 input, else f4" }
#define ROW_SAMPLE_WEIGHT                                                                                              \
    {                                                                                                                  \
        OPTION_SAMPLE_WEIGHT, "U.npy",                                                                                 \
            "a weight for each row: the input's shape without the class axis;\n"                                       \
            "f8 for f8 input, else f4"                                                                                 \
    }
#define ROW_IGNORE_INDEX                                                                                               \
    {                                                                                                                  \
        OPTION_IGNORE_INDEX, "I",                                                                                      \
            "rows with this target count nowhere and get a zero gradient\n"                                            \
            "(default -100)"                                                                                           \
    }
#define ROW_EMPTY_MEAN_ZERO                                                                                            \
    { OPTION_EMPTY_MEAN_ZERO, NULL, "a mean over nothing is 0, not NaN" }
#define ROW_GRAD_OUTPUT                                                                                                \
    {                                                                                                                  \
        OPTION_GRAD_OUTPUT, "G.npy",                                                                                   \
            "gradient that comes in, f8 for f8 input, else f4: one number, or\n"                                       \
            "for --reduction none the loss's shape (default 1); needs --grad"                                          \
    }
#define ROW_GRAD_SCALE                                                                                                 \
    {                                                                                                                  \
        OPTION_GRAD_SCALE, "S",                                                                                        \
            "multiply the gradient by this, a loss scale (default 1); needs\n"                                         \
            "--grad"                                                                                                   \
    }
#define ROW_OUTPUT(shape)                                                                                              \
    {                                                                                                                  \
        OPTION_OUTPUT, "LOSS.npy",                                                                                     \
            "write the loss here, f8 for f8 input, else f4: zero-dimensional, or\n"                                    \
            "for none " shape                                                                                          \
    }
#define ROW_GRAD                                                                                                       \
    { OPTION_GRAD, "GRAD.npy", "write the gradient of the input here: its shape and type" }

#endif
