/* The command check: every operation, pass, storage type and engine on this device against the CPU reference. */
#include "check_compare.h"
#include "check_shards.h"
#include "check_table.h"
#include "device.h"
#include "message.h"
#include "progress.h"

#include <stdio.h>
#include <string.h>

static const cli_option options[] = {
    {OPTION_DEVICE, "N|cpu|gpu",
     "the device to check: a number of `clxent devices`, or the best of a\n"
     "kind (default: $CLXENT_DEVICE, else the best GPU, else any device)"},
    {OPTION_OP, "NAME", "check one operation, also merge or linear-cross-entropy\n(default: all)"},
    {OPTION_ALL, NULL, "check every storage type with every engine, which takes several\ntimes as long"},
    {OPTION_JSON, NULL, "print one JSON object per line of the table"},
    OPTION_ROWS_HELP,
};

static void judge(check_outcome *out, const check_case *c, const check_data *data) {
    check_worst worst = check_compare(data, c);
    out->cases++;
    if (worst.ratio > out->largest)
        out->largest = worst.ratio;
    if (worst.ratio <= 1)
        return;
    char what[160];
    snprintf(what, sizeof what, "%s[%zu] is %.9g, the reference has %.9g", worst.tensor, worst.index, worst.got,
             worst.expected);
    check_fail(out, c, what);
}

static clxent_status run_once(clxent_context *context, const check_case *c, const clxent_host_args *args) {
    return c->shards ? check_run_shards(context, c, args) : clxent_run(context, &c->desc, args);
}

/* Runs a case; with half the work-group size, and half of that, where the kernel needs more of the device's registers
 * or memory than a group of the size asked for leaves it. */
static clxent_status run_on_device(clxent_context *context, check_case *c, const clxent_host_args *args) {
    clxent_status status = run_once(context, c, args);
    while (status == CLXENT_UNSUPPORTED && c->desc.work_group_size > 1) {
        c->desc.work_group_size /= 2;
        status = run_once(context, c, args);
    }
    return status;
}

static void run_case(clxent_context *context, check_case *c, check_outcome *out) {
    check_data data;
    if (!check_data_init(&data, c)) {
        check_data_free(&data);
        check_fail(out, c, "the data could not be made");
        return;
    }
    clxent_host_args args = check_data_args(&data, c, &data.got);
    clxent_host_args reference_args = check_data_args(&data, c, &data.expected);
    clxent_status status = run_on_device(context, c, &args);
    if (status == CLXENT_UNSUPPORTED) {
        out->unsupported++;
        check_add_reason(out, clxent_last_error());
    } else if (status != CLXENT_SUCCESS || clxent_reference(&c->desc, &reference_args) != CLXENT_SUCCESS) {
        check_fail(out, c, clxent_last_error());
    } else {
        judge(out, c, &data);
    }
    check_data_free(&data);
}

/* What is asked for, and how many lines of the table that is. */
typedef struct request {
    int op; /* -1: every one */
    bool all, to_json;
    size_t lines;
} request;

/* A line of shards is one of the merge, too. */
static bool wants(const request *r, const check_line *line) {
    return r->op < 0 || (int)line->op == r->op || (line->shards && r->op == CLXENT_MERGE);
}

static void count_lines(request *r) {
    check_line line;
    for (size_t i = 0; check_get_line(i, r->all, &line); i++)
        r->lines += wants(r, &line);
}

/* Runs and prints the table and returns how many of its lines failed. */
static size_t run_table(const cli_device *device, const request *r) {
    check_line line;
    check_case c;
    size_t done = 0, failed = 0;
    check_notes notes = {.count = 0};
    for (size_t i = 0; check_get_line(i, r->all, &line); i++) {
        check_outcome out;
        if (!wants(r, &line))
            continue;
        memset(&out, 0, sizeof out);
        check_show_progress(&line, done++, r->lines);
        for (size_t j = 0; check_get_case(&line, j, device->facts.max_work_group, &c); j++)
            run_case(device->context, &c, &out);
        progress_clear();
        if (r->to_json)
            check_print_json(&line, &out);
        else
            check_print_row(&line, &out, &notes);
        fflush(stdout);
        failed += out.failed > 0;
    }
    check_print_notes(&notes);
    return failed;
}

static int run(const cli_command *self, const cli_arguments *given) {
    cli_device device;
    request r = {.op = -1, .all = given->values[OPTION_ALL] != NULL, .to_json = given->values[OPTION_JSON] != NULL};
    if (wants_reference(given))
        return complain_usage(self->name, "check compares a device with the reference, so the device cannot be the "
                                          "reference itself");
    int status = option_choice(self, given, OPTION_OP, check_op_names, &r.op);
    if (status != STATUS_OK)
        return status;
    count_lines(&r);
    status = device_open(self, given, &device);
    if (status == STATUS_OK)
        status = device_ask(&device);
    if (status != STATUS_OK) {
        device_close(&device);
        return status;
    }
    if (!r.to_json) {
        printf("%s (%s) against the CPU reference\n\n", device.name, device.platform);
        check_print_head();
    }
    size_t failed = run_table(&device, &r);
    if (!r.to_json && failed == 0)
        puts("\nAll results are within their tolerance.");
    device_close(&device);
    status = flush_output();
    if (failed > 0)
        return complain("%zu of %zu lines have results out of tolerance or failed runs", failed, r.lines);
    return status;
}

const cli_command check_command = {
    .name = "check",
    .summary = "is this device right? every operation, type and engine against the reference",
    .about = "Runs every operation, pass, storage type, target type, option and engine on the device, over a range\n"
             "of shapes and difficult data, and compares each element with the CPU reference. One line per\n"
             "operation, pass, type and engine: the cases run, and the largest error in units of its tolerance\n"
             "(above 1 fails). f4 is checked with every engine, the other types with one after the other, and\n"
             "linear-cross-entropy with the library's own matrix products. What the device cannot do is\n"
             "\"unsupported\", with the reason. Nearly all of the time goes into compiling kernels: minutes on a\n"
             "CPU, and seconds from the second run on where the driver keeps them. The exit status is 1 if\n"
             "anything is out of tolerance.",
    .options = options,
    .example = "  clxent check --device gpu",
    .run = run,
};
