/* What the files of `clxent bench` share: the device, and what is measured of a case. */
#ifndef CLI_BENCH_H
#define CLI_BENCH_H

#include "bench_buffers.h"
#include "bench_cases.h"
#include "bench_ceiling.h"
#include "device.h"

/* Everything that lasts longer than one line. */
struct bench {
    cli_device device;
    cl_context cl;
    cl_command_queue queue;
    bench_ceiling ceiling;
    bench_buffers buffers;
    double min_time;                 /* seconds of measuring for each line */
    double launch_us, launch_row_us; /* an empty kernel: alone, and one of many in a row */
    char reason[512];                /* after BENCH_CANNOT */
};

/* What was measured of a case. */
typedef struct bench_line {
    bench_case what;
    const char *engine;  /* that the plan chose */
    const char *ceiling; /* "read", "copy", ...: what it is measured against */
    double bytes;        /* that one call must move */
    double ms, gbps, ceiling_gbps, fraction, elements_per_second;
} bench_line;

/* In bench.c: queue, ceilings and the latency of a launch, for a bench that has its device. Closing is right after a failure
 * too. Complains on failure. */
int bench_open(bench *b);
void bench_close(bench *b);

/* Beside STATUS_OK and STATUS_FAILED: this device, or the engine that is forced, cannot do the case; the sentence in
 * bench.reason says why. */
enum { BENCH_CANNOT = 3 };

/* In bench_time.c: plans a case, checks its results against the reference, and times it. */
int bench_measure(bench *b, const bench_case *c, bench_line *line);

/* In bench_time.c: the latency of a launch, into the bench. */
int bench_measure_launch(bench *b);

/* In bench_verify.c: are the results of this engine those of the reference? On a part of the case, in place if the case
 * is. Complains where not. */
int bench_verify(bench *b, const bench_case *c, clxent_engine engine);

/* In bench_sweep.c: cross-entropy over sizes from 2^10 to 2^27 elements, along each axis. */
typedef enum bench_format { BENCH_TABLE, BENCH_JSON, BENCH_CSV } bench_format;
int bench_sweep(bench *b, const bench_case *like, bench_format format);

#endif
