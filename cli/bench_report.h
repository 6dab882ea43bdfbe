/* What `clxent bench` prints: a table, JSON lines or CSV; and what it says while it runs. */
#ifndef CLI_BENCH_REPORT_H
#define CLI_BENCH_REPORT_H

#include "bench.h"

void bench_print_head(const bench *b, bench_format format);
void bench_print_line(const bench *b, bench_format format, const bench_line *line);

/* A line on standard error that is there while a case runs, where that is a terminal. */
void bench_show_progress(const bench_case *c, size_t done, size_t all);
void bench_clear_progress(void);

#endif
