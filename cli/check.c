/* The command check: every operation, pass, storage type and engine on this device against the CPU reference. */
#include "check_compare.h"
#include "device.h"
#include "json.h"
#include "message.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const cli_option options[] = {
    {OPTION_DEVICE, "N|cpu|gpu",
     "the device to check: a number of `clxent devices`, or the best of a kind\n"
     "(default: $CLXENT_DEVICE, else the best GPU, else any device)"},
    {OPTION_JSON, NULL, "print one JSON object per line of the table"},
    OPTION_ROWS_HELP,
};

/* What came of a line of the table. */
typedef struct outcome {
    size_t cases;        /* run */
    size_t unsupported;  /* refused with CLXENT_UNSUPPORTED */
    size_t failed;       /* out of tolerance, or failed in another way */
    double largest;      /* error in units of the tolerance */
    char reason[512];    /* of the refusals, each once */
    char complaint[768]; /* about the first failure */
} outcome;

static const char *const op_names[] = {[CLXENT_SOFTMAX] = "softmax",
                                       [CLXENT_LOG_SOFTMAX] = "log-softmax",
                                       [CLXENT_NLL_LOSS] = "nll-loss",
                                       [CLXENT_CROSS_ENTROPY] = "cross-entropy"};
static const char *const pass_names[] = {
    [CLXENT_FORWARD] = "forward", [CLXENT_BACKWARD] = "backward", [CLXENT_FORWARD_BACKWARD] = "forward+backward"};
static const char *const type_names[] = {
    [CLXENT_F32] = "f4", [CLXENT_F64] = "f8", [CLXENT_F16] = "f2", [CLXENT_BF16] = "bf16"};
static const char *const engine_names[] = {[CLXENT_ENGINE_ROW_PER_ITEM] = "row_per_item",
                                           [CLXENT_ENGINE_ROW_PER_GROUP] = "row_per_group",
                                           [CLXENT_ENGINE_COLUMN] = "column"};
static const char *const target_names[] = {
    [CLXENT_TARGET_I32] = "i4", [CLXENT_TARGET_I64] = "i8", [CLXENT_TARGET_U8] = "u1"};

/* Keeps the first complaint of a line, with what it takes to run that case again. */
static void fail(outcome *out, const check_case *c, const char *what) {
    const clxent_desc *desc = &c->desc;
    if (out->failed++ > 0)
        return;
    snprintf(out->complaint, sizeof out->complaint,
             "batch %zu, classes %zu, inner %zu, row_stride %zu, work_group_size %zu, targets %s, reduction %d, "
             "weights %d, smoothing %g, lse %d, infinities %d: %s",
             desc->batch, desc->classes, desc->inner, desc->row_stride, desc->work_group_size,
             target_names[desc->target_type], (int)desc->reduction, c->weight, desc->label_smoothing, c->lse, c->poison,
             what);
}

static void judge(outcome *out, const check_case *c, const check_data *data) {
    check_worst worst = check_compare(data, c);
    out->cases++;
    if (worst.ratio > out->largest)
        out->largest = worst.ratio;
    if (worst.ratio <= 1)
        return;
    char what[160];
    snprintf(what, sizeof what, "%s[%zu] is %.9g, the reference has %.9g", worst.tensor, worst.index, worst.got,
             worst.expected);
    fail(out, c, what);
}

static void add_reason(outcome *out, const char *reason) {
    size_t length = strlen(out->reason);
    if (strstr(out->reason, reason) == NULL)
        snprintf(out->reason + length, sizeof out->reason - length, "%s%s", length > 0 ? "; " : "", reason);
}

/* Runs a case; with half the work-group size, and half of that, where the kernel needs more of the device's registers
 * or memory than a group of the size asked for leaves it. */
static clxent_status run_on_device(clxent_context *context, check_case *c, const clxent_host_args *args) {
    clxent_status status = clxent_run(context, &c->desc, args);
    while (status == CLXENT_UNSUPPORTED && c->desc.work_group_size > 1) {
        c->desc.work_group_size /= 2;
        status = clxent_run(context, &c->desc, args);
    }
    return status;
}

static void run_case(clxent_context *context, check_case *c, outcome *out) {
    check_data data;
    if (!check_data_init(&data, c)) {
        check_data_free(&data);
        fail(out, c, "the data could not be made");
        return;
    }
    clxent_host_args args = check_data_args(&data, &data.got);
    clxent_host_args reference_args = check_data_args(&data, &data.expected);
    clxent_status status = run_on_device(context, c, &args);
    if (status == CLXENT_UNSUPPORTED) {
        out->unsupported++;
        add_reason(out, clxent_last_error());
    } else if (status != CLXENT_SUCCESS || clxent_reference(&c->desc, &reference_args) != CLXENT_SUCCESS) {
        fail(out, c, clxent_last_error());
    } else {
        judge(out, c, &data);
    }
    check_data_free(&data);
}

static void show_progress(const check_line *line, size_t done, size_t all) {
    if (isatty(STDERR_FILENO))
        fprintf(stderr, "\r\033[K%zu of %zu: %s %s %s %s", done, all, op_names[line->op], pass_names[line->pass],
                type_names[line->dtype], engine_names[line->engine]);
}

static void clear_progress(void) {
    if (isatty(STDERR_FILENO))
        fputs("\r\033[K", stderr);
}

/* Reasons why some cases of a line were refused. Few lines differ in them, so they stand below the table. */
typedef struct notes {
    char text[9][sizeof((outcome *)0)->reason];
    size_t count;
} notes;

/* The number of a note, from 1; of the last one where there are too many. */
static size_t find_note(notes *all, const char *text) {
    enum { MOST = sizeof all->text / sizeof all->text[0] };
    for (size_t i = 0; i < all->count; i++)
        if (strcmp(all->text[i], text) == 0)
            return i + 1;
    if (all->count == MOST)
        return MOST;
    snprintf(all->text[all->count++], sizeof all->text[0], "%s", text);
    return all->count;
}

static void print_row(const check_line *line, const outcome *out, notes *all) {
    printf("%-13s  %-16s  %-4s  %-13s  ", op_names[line->op], pass_names[line->pass], type_names[line->dtype],
           engine_names[line->engine]);
    if (out->cases == 0 && out->failed == 0) {
        printf("unsupported: %s\n", out->reason);
        return;
    }
    printf("%5zu  %9.3g  %s", out->cases, out->largest, out->failed > 0 ? "FAILED" : "ok");
    if (out->unsupported > 0)
        printf("  (%zu more unsupported, note %zu)", out->unsupported, find_note(all, out->reason));
    putchar('\n');
    if (out->failed > 0)
        printf("    %zu failed; the first, %s\n", out->failed, out->complaint);
}

static void print_notes(const notes *all) {
    if (all->count > 0)
        putchar('\n');
    for (size_t i = 0; i < all->count; i++)
        printf("note %zu: %s\n", i + 1, all->text[i]);
}

static void print_row_json(const check_line *line, const outcome *out) {
    json object;
    json_begin(&object);
    json_string(&object, "op", op_names[line->op]);
    json_string(&object, "pass", pass_names[line->pass]);
    json_string(&object, "type", type_names[line->dtype]);
    json_string(&object, "engine", engine_names[line->engine]);
    json_count(&object, "cases", out->cases);
    json_count(&object, "unsupported", out->unsupported);
    json_count(&object, "failed", out->failed);
    if (out->cases > 0)
        json_real(&object, "max_error_in_tolerances", out->largest);
    if (out->unsupported > 0)
        json_string(&object, "reason", out->reason);
    if (out->failed > 0)
        json_string(&object, "failure", out->complaint);
    json_end(&object);
}

static size_t count_lines(void) {
    check_line line;
    size_t count = 0;
    while (check_get_line(count, &line))
        count++;
    return count;
}

/* Runs and prints the whole table and returns how many of its lines failed. */
static size_t run_table(const cli_device *device, bool to_json) {
    check_line line;
    check_case c;
    size_t lines = count_lines(), failed = 0, largest_group = 1;
    notes all = {.count = 0};
    clGetDeviceInfo(device->id, CL_DEVICE_MAX_WORK_GROUP_SIZE, sizeof largest_group, &largest_group, NULL);
    for (size_t i = 0; check_get_line(i, &line); i++) {
        outcome out;
        memset(&out, 0, sizeof out);
        show_progress(&line, i, lines);
        for (size_t j = 0; check_get_case(&line, j, largest_group, &c); j++)
            run_case(device->context, &c, &out);
        clear_progress();
        if (to_json)
            print_row_json(&line, &out);
        else
            print_row(&line, &out, &all);
        fflush(stdout);
        failed += out.failed > 0;
    }
    print_notes(&all);
    return failed;
}

static int run(const cli_command *self, const cli_arguments *given) {
    cli_device device;
    bool to_json = given->values[OPTION_JSON] != NULL;
    if (wants_reference(given))
        return complain_usage(self->name, "check compares a device with the reference, so the device cannot be the "
                                          "reference itself");
    int status = device_open(self, given, &device);
    if (status != STATUS_OK) {
        device_close(&device);
        return status;
    }
    if (!to_json)
        printf("%s (%s) against the CPU reference\n\n%-13s  %-16s  %-4s  %-13s  %5s  %9s\n", device.name,
               device.platform, "operation", "pass", "type", "engine", "cases", "error/tol");
    size_t failed = run_table(&device, to_json);
    if (!to_json && failed == 0)
        puts("\nAll results are within their tolerance.");
    device_close(&device);
    status = flush_output();
    if (failed > 0)
        return complain("%zu of %zu lines have results out of tolerance or failed runs", failed, count_lines());
    return status;
}

const cli_command check_command = {
    .name = "check",
    .summary = "is this device right? every operation, type and engine against the reference",
    .about = "Runs every operation, pass, storage type, target type and engine on the device, over a range of\n"
             "shapes, options and difficult data, and compares each element with the CPU reference. One line per\n"
             "operation, pass, type and engine: the cases run, and the largest error in units of its tolerance\n"
             "(above 1 fails). What the device cannot do is \"unsupported\", with the reason. Nearly all of the\n"
             "time goes into compiling kernels: minutes on a CPU, and seconds from the second run on where the driver\n"
             "keeps them. The exit status is 1 if anything is out of tolerance.",
    .options = options,
    .example = "  clxent check --device gpu",
    .run = run,
};
