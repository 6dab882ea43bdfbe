/* What the options of `clxent bench` ask for. */
#ifndef CLI_BENCH_REQUEST_H
#define CLI_BENCH_REQUEST_H

#include "bench.h"
#include "options.h"

typedef struct bench_request {
    bench_cases cases;
    bench_case like; /* of a sweep: type and engine */
    bool sweep, overhead;
    bool must; /* a case that this device cannot do is an error; else it is left out */
    bench_format format;
    double min_time;
    const char *plot; /* NULL: none */
} bench_request;

/* Complains about what makes no sense. */
int bench_read_options(const cli_command *self, const cli_arguments *given, bench_request *request);

#endif
