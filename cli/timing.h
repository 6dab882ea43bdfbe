/* Time as measurements need it. */
#ifndef CLI_TIMING_H
#define CLI_TIMING_H

#include <stddef.h>

/* Seconds since some moment, by a clock that is never set. */
double seconds_now(void);

/* Sorts the values. */
double median_of(double *values, size_t count);

#endif
