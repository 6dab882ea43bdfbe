/* What `clxent bench` prints: a table, JSON lines or CSV. */
#ifndef CLI_BENCH_REPORT_H
#define CLI_BENCH_REPORT_H

#include "bench.h"

void bench_print_head(const bench *b, bench_format format);
void bench_print_line(const bench *b, bench_format format, const bench_line *line);

#endif
