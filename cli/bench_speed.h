/* Which ceiling a case is measured against, and how fast it goes on this device. */
#ifndef CLI_BENCH_SPEED_H
#define CLI_BENCH_SPEED_H

#include "bench.h"

/* What the ceiling of a case does, and its name: "read", "copy of two", "scale in place". */
bench_motion bench_motion_of(const bench_case *c);
const char *bench_ceiling_name(const bench_case *c);

/* One of a ceiling's kernels. */
typedef struct bench_speed {
    size_t variant;
    double bytes;   /* that one launch of it moves */
    double seconds; /* that this took: the median of a few */
} bench_speed;

/* Finds the fastest of the kernels on a span, by turns, after one launch of each to warm up, which is all where there is
 * but one. Complains on failure. */
int bench_find_speed(const bench *b, const bench_case *c, const bench_span *span, bench_speed *fastest);

/* One launch, from its enqueue to its end. Complains on failure. */
int bench_time_ceiling(const bench *b, const bench_case *c, size_t variant, const bench_span *span, double *seconds);

#endif
