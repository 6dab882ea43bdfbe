/* The command tune: which engine, and which work-group size, is the fastest on a device; and the row that the table of
 * host/geometry.c would need for it. */
#include "tune.h"

#include "json.h"
#include "message.h"
#include "progress.h"
#include "timing.h"

#include <stdio.h>

static const cli_option options[] = {
    {OPTION_SHAPE, "SIZES",
     "measure at this shape alone, like 1024x50257 or 8x21x512x512; the\nsecond size is the number of classes"},
    {OPTION_TIME, "SECONDS", "take about this long in all (default 60)"},
    {OPTION_DEVICE, "N|cpu|gpu",
     "the device to measure: a number of `clxent devices`, or the best of\n"
     "a kind (default: $CLXENT_DEVICE, else the best GPU, else any device)"},
    {OPTION_JSON, NULL, "print one JSON object per candidate, and one with the row"},
    OPTION_ROWS_HELP,
};

#define DEFAULT_SECONDS 60.0
#define MOST_SECONDS 3600.0

static const char *const usual_shapes[] = {"1048576x10", "262144x32",    "131072x64", "16384x1000",
                                           "1024x50257", "8x21x512x512", "4x128256"};
enum { USUAL_SHAPES = sizeof usual_shapes / sizeof usual_shapes[0] };

/* ---- what is tried ---- */

typedef struct group_sizes {
    clxent_engine engine;
    size_t sizes[6]; /* ended by 0 */
} group_sizes;

static const group_sizes tried[] = {
    {CLXENT_ENGINE_ROWS_PER_LANE, {1, 32, 64, 128, 256}},
    {CLXENT_ENGINE_COLUMN, {1, 32, 64, 128, 256}},
    {CLXENT_ENGINE_ROW_PER_ITEM, {1, 64}},
    {CLXENT_ENGINE_ROW_PER_GROUP, {32, 64, 128, 256, 512}},
    {CLXENT_ENGINE_ROW_SPLIT, {64, 256, 512}},
};

/* Engines that have no chance at a shape take time for nothing: those for few classes where there are many, and the other
 * way round. */
static bool has_a_chance(clxent_engine engine, size_t group, const bench_case *c, const cli_device *device) {
    enum { FEW = 128, MANY = 16384 };
    if (engine == CLXENT_ENGINE_COLUMN)
        return c->rank > 2;
    if (engine == CLXENT_ENGINE_ROWS_PER_LANE)
        return c->shape[1] <= FEW;
    if (engine == CLXENT_ENGINE_ROW_PER_ITEM)
        return device->facts.type & CL_DEVICE_TYPE_CPU;
    if (engine == CLXENT_ENGINE_ROW_SPLIT)
        return c->shape[1] > MANY;
    return group <= 4 * c->shape[1];
}

static size_t list_candidates(const bench_case *c, const cli_device *device, tune_candidate *list) {
    size_t count = 0;
    list[count++] = (tune_candidate){.engine = CLXENT_ENGINE_AUTO, .chosen = true};
    for (size_t i = 0; i < sizeof tried / sizeof tried[0]; i++)
        for (size_t j = 0; tried[i].sizes[j] > 0; j++)
            if (has_a_chance(tried[i].engine, tried[i].sizes[j], c, device))
                list[count++] = (tune_candidate){.engine = tried[i].engine, .work_group_size = tried[i].sizes[j]};
    return count;
}

/* ---- what is printed ---- */

static size_t index_of_best(const tune_candidate *list, size_t count) {
    size_t best = 0;
    for (size_t i = 1; i < count; i++)
        if (list[i].ms < list[best].ms)
            best = i;
    return best;
}

static void print_table(const bench_case *c, const tune_candidate *list, size_t count) {
    size_t best = index_of_best(list, count);
    printf("%s\n", bench_describe(c).text);
    for (size_t i = 0; i < count; i++)
        printf("  %-14s %5zu  %10.3f ms  %6.2f%s%s\n", list[i].engine_name, list[i].work_group_size, list[i].ms,
               list[i].ms / list[0].ms, list[i].chosen ? "  chosen" : "", i == best ? "  best" : "");
}

static void print_objects(const bench_case *c, const tune_candidate *list, size_t count) {
    size_t best = index_of_best(list, count);
    for (size_t i = 0; i < count; i++) {
        json object;
        json_begin(&object);
        json_counts(&object, "shape", c->shape, c->rank);
        json_string(&object, "engine", list[i].engine_name);
        json_count(&object, "work_group_size", list[i].work_group_size);
        json_real(&object, "ms", list[i].ms);
        json_real(&object, "ratio", list[i].ms / list[0].ms);
        json_bool(&object, "chosen", list[i].chosen);
        json_bool(&object, "best", i == best);
        json_end(&object);
    }
}

static void print_row(const tune_row *row, const cli_device *device, bool as_json) {
    char text[512];
    tune_write_row(row, device->id, text, sizeof text);
    if (as_json) {
        json object;
        json_begin(&object);
        json_string(&object, "row", text);
        json_end(&object);
        return;
    }
    printf("\nFor the table of host/geometry.c:\n    %s\n", text);
}

/* ---- a run ---- */

static int tune_shapes(bench *b, const bench_cases *cases, bool must, bool as_json) {
    tune_row row = {.few_classes = 0};
    const double end = seconds_now() + b->min_time;
    bool begun = false;
    for (size_t i = 0; i < cases->count; i++) {
        const bench_case *c = &cases->list[i];
        tune_candidate list[TUNE_MAX_CANDIDATES];
        size_t count = list_candidates(c, &b->device, list);
        double left = end - seconds_now();
        progress_show(i, cases->count, "%s", bench_describe(c).text);
        int status = tune_measure(b, c, left > 0 ? left / (double)(cases->count - i) : 0, list, &count);
        progress_clear();
        if (status == BENCH_CANNOT && !must) {
            fprintf(stderr, "left out: %s\n", b->reason);
            continue;
        }
        if (status == BENCH_CANNOT)
            return complain("%s", b->reason);
        if (status != STATUS_OK)
            return status;
        if (!as_json && !begun)
            printf("%s (%s)\nThe time of a call, and the ratio to what the library chooses:\n\n", b->device.name,
                   b->device.platform);
        begun = true;
        (as_json ? print_objects : print_table)(c, list, count);
        tune_learn(&row, c, list, count);
        fflush(stdout);
    }
    if (!begun)
        return complain("nothing is left to measure: %s", b->reason);
    print_row(&row, &b->device, as_json);
    return flush_output();
}

static int read_shapes(const cli_command *self, const cli_arguments *given, bench_cases *cases) {
    const char *only = given->values[OPTION_SHAPE];
    for (size_t i = 0; i < (only != NULL ? 1 : USUAL_SHAPES); i++) {
        bench_case c = {.op = CLXENT_CROSS_ENTROPY, .pass = CLXENT_FORWARD_BACKWARD};
        if (!bench_parse_shape(only != NULL ? only : usual_shapes[i], &c))
            return complain_usage(self->name, "--shape is \"%s\", it must be sizes like 1024x50257 or 8x21x512x512",
                                  only);
        cases->list[cases->count++] = c;
    }
    return STATUS_OK;
}

static int run(const cli_command *self, const cli_arguments *given) {
    bench b = {.min_time = DEFAULT_SECONDS};
    bench_cases cases = {.count = 0};
    int status = option_real(self, given, OPTION_TIME, 0, MOST_SECONDS, &b.min_time);
    if (status == STATUS_OK)
        status = read_shapes(self, given, &cases);
    if (status == STATUS_OK && wants_reference(given))
        status = complain_usage(self->name, "tune measures an OpenCL device, not the reference");
    if (status != STATUS_OK)
        return status;
    status = device_open(self, given, &b.device);
    if (status == STATUS_OK)
        status = bench_buffers_open(&b);
    if (status == STATUS_OK)
        status = tune_shapes(&b, &cases, given->values[OPTION_SHAPE] != NULL, given->values[OPTION_JSON] != NULL);
    bench_buffers_close(&b);
    device_close(&b.device);
    return status;
}

const cli_command tune_command = {
    .name = "tune",
    .summary = "the fastest engine and work-group size on a device",
    .about = "Measures cross-entropy with its gradient by every engine that has a chance, with work-groups of\n"
             "several sizes, at a handful of shapes; prints each beside what the library chooses by itself, and\n"
             "the row that would make it choose the best: an entry of the table in host/geometry.c, which wants\n"
             "one for every kind of GPU that somebody has measured. Takes about a minute; where a driver compiles\n"
             "slowly, it tries less.",
    .options = options,
    .example = "  clxent tune --device gpu",
    .run = run,
};
