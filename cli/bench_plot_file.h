/* The file that a picture is written to: under a temporary name beside its own until it is whole. */
#ifndef CLI_BENCH_PLOT_FILE_H
#define CLI_BENCH_PLOT_FILE_H

#include <stdbool.h>
#include <stdio.h>

typedef struct bench_plot_file {
    FILE *stream;
    const char *path;
    char *target, *temporary; /* the name asked for, links followed, and the one written to; owned */
} bench_plot_file;

/* Opens the temporary file. Complains on failure, after which there is nothing to close. */
int bench_plot_open(bench_plot_file *file, const char *path);

/* Renames it, or with `keep` false removes it. Complains where what was written did not arrive. */
int bench_plot_close(bench_plot_file *file, bool keep);

#endif
