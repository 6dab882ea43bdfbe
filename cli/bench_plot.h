/* The picture of a run: an SVG file with one bar per line against its ceiling. */
#ifndef CLI_BENCH_PLOT_H
#define CLI_BENCH_PLOT_H

#include "bench.h"

/* Can the file be written? Asked before anything is measured. Complains where it cannot. */
int bench_plot_check(const char *path);

/* Writes the file under a temporary name beside it and renames that. Complains on failure. */
int bench_plot_write(const char *path, const bench *b, const bench_line *lines, size_t count);

#endif
