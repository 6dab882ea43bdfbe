/* Time as measurements need it. */
#include "timing.h"

#include "os.h"

#include <stdlib.h>

double seconds_now(void) {
    return os_seconds();
}

static int by_size(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

double median_of(double *values, size_t count) {
    qsort(values, count, sizeof *values, by_size);
    return values[count / 2];
}
