/* The command bench: how near operations come to what the device's memory can do. */
#include "bench.h"

#include "bench_linear.h"
#include "bench_overhead.h"
#include "bench_plot.h"
#include "bench_report.h"
#include "bench_request.h"
#include "message.h"
#include "progress.h"

#include <stdio.h>
#include <string.h>

static const cli_option options[] = {
    {OPTION_OP, "NAME",
     "measure this operation (beside the next four: cross-entropy);\nlinear-cross-entropy against itself with all "
     "logits in memory"},
    {OPTION_SHAPE, "SIZES",
     "at this shape, like 1024x50257 or 8x21x512x512; the second size\nis the number of classes (of "
     "linear-cross-entropy the third)"},
    {OPTION_PASS, "NAME", "forward, backward or forward-backward (default: each that it has)"},
    {OPTION_DTYPE, "f32|f16|bf16|f64", "how the tensors are stored (default f32)"},
    {OPTION_IN_PLACE, NULL, "with the gradient, or a softmax's result, over what is read"},
    {OPTION_ENGINE, "NAME", "force an engine (default: the one that the library chooses)"},
    {OPTION_MIN_TIME, "SECONDS", "measure each line for this long (default 2, with --sweep 0.1)"},
    {OPTION_SWEEP, NULL, "cross-entropy from 2^10 to 2^27 elements along each axis: the time\nper element"},
    {OPTION_OVERHEAD, NULL, "what a call costs on the host, and the first call of a process"},
    {OPTION_PLOT, "OUT.svg", "also draw each line against its ceiling"},
    {OPTION_DEVICE, "N|cpu|gpu",
     "the device to measure: a number of `clxent devices`, or the best of\n"
     "a kind (default: $CLXENT_DEVICE, else the best GPU, else any device)"},
    {OPTION_JSON, NULL, "print one JSON object per line of the table"},
    {OPTION_CSV, NULL, "print the table as comma-separated values, names first"},
    OPTION_ROWS_HELP,
};

int bench_open(bench *b) {
    int status = bench_buffers_open(b);
    if (status == STATUS_OK)
        status = bench_ceiling_open(&b->ceiling, b->cl, &b->device);
    return status == STATUS_OK ? bench_measure_launch(b) : status;
}

void bench_close(bench *b) {
    bench_ceiling_close(&b->ceiling);
    bench_buffers_close(b);
}

/* Lines that this device cannot do are left out, unless they were asked for by their shape. */
static int run_cases(bench *b, const bench_request *request) {
    const bench_cases *cases = &request->cases;
    bench_line lines[BENCH_MAX_CASES];
    size_t count = 0;
    for (size_t i = 0; i < cases->count; i++) {
        progress_show(i, cases->count, "%s", bench_describe(&cases->list[i]).text);
        int status = bench_measure(b, &cases->list[i], &lines[count]);
        progress_clear();
        if (status == BENCH_CANNOT && request->must)
            return complain("%s", b->reason);
        if (status == BENCH_CANNOT) {
            fprintf(stderr, "left out: %s\n", b->reason);
            continue;
        }
        if (status != STATUS_OK)
            return status;
        if (count == 0)
            bench_print_head(b, request->format);
        bench_print_line(b, request->format, &lines[count++]);
    }
    if (count == 0)
        return complain("nothing is left to measure: %s", b->reason);
    int status = flush_output();
    return status == STATUS_OK && request->plot != NULL ? bench_plot_write(request->plot, b, lines, count) : status;
}

static int measure(const bench_request *request, const cli_device *device) {
    bench b = {.device = *device, .min_time = request->min_time};
    int status = bench_open(&b);
    if (status == STATUS_OK && request->sweep)
        status = bench_sweep(&b, &request->like, request->format);
    else if (status == STATUS_OK)
        status = run_cases(&b, request);
    bench_close(&b);
    return status;
}

static int run_linear(const cli_command *self, const cli_arguments *given) {
    cli_device device;
    int status = wants_reference(given)
                     ? complain_usage(self->name, "bench measures an OpenCL device, not the reference")
                     : device_open(self, given, &device);
    if (status != STATUS_OK)
        return status;
    status = bench_linear(self, given, &device);
    device_close(&device);
    return status;
}

static int run(const cli_command *self, const cli_arguments *given) {
    if (bench_is_linear(given))
        return run_linear(self, given);
    bench_request request;
    cli_device device;
    int status = bench_read_options(self, given, &request);
    if (status == STATUS_OK && wants_reference(given))
        status = complain_usage(self->name, "bench measures an OpenCL device, not the reference");
    if (status == STATUS_OK && request.plot != NULL)
        status = bench_plot_check(request.plot);
    if (status != STATUS_OK)
        return status;
    status = device_open(self, given, &device);
    if (status == STATUS_OK && request.overhead)
        status = bench_overhead(&device, request.format == BENCH_JSON);
    else if (status == STATUS_OK)
        status = measure(&request, &device);
    device_close(&device);
    return status;
}

const cli_command bench_command = {
    .name = "bench",
    .summary = "how near operations come to the speed of the device's memory",
    .about = "Measures operations against the ceiling of the device's memory: a kernel that reads and writes the\n"
             "same bytes and computes next to nothing, in the same run and in turn with the operation. Without\n"
             "--op, --shape, --pass, --dtype and --in-place it goes through a suite of shapes, which takes less\n"
             "than two minutes on two cores. Results are checked against the reference before anything is timed.\n"
             "How the figures are made is in docs/measuring.md.",
    .options = options,
    .example = "  clxent bench --op cross-entropy --shape 1024x50257 --plot bench.svg",
    .run = run,
};
