/* Results of the device against those of the reference, in units of the tolerance. */
#ifndef CLI_CHECK_COMPARE_H
#define CLI_CHECK_COMPARE_H

#include "check_data.h"

/* The worst element of a case. */
typedef struct check_worst {
    double ratio;       /* error over tolerance: out of tolerance above 1 */
    const char *tensor; /* where: "output", "lse", "argmax", "correct_count", "invalid_count", "grad_input" */
    size_t index;
    double got, expected;
} check_worst;

check_worst check_compare(const check_data *data, const check_case *c);

#endif
