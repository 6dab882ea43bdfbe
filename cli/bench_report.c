/* What `clxent bench` prints: a table, JSON lines or CSV. */
#include "bench_report.h"

#include "json.h"

#include <stdio.h>
#include <string.h>

void bench_print_head(const bench *b, bench_format format) {
    if (format == BENCH_CSV)
        puts("op,pass,dtype,shape,engine,in_place,ceiling,bytes,ms,gbps,ceiling_gbps,fraction,elements_per_second,"
             "launch_us,launch_row_us");
    if (format != BENCH_TABLE)
        return;
    printf("%s (%s)\nAn empty kernel: %.1f us from enqueue to the end of clFinish, %.1f us as one of a hundred.\n\n",
           b->device.name, b->device.platform, b->launch_us, b->launch_row_us);
    printf("%-20s  %-16s  %-4s  %-13s  %-13s  %9s  %6s  %7s  %8s  %7s  %s\n", "operation", "pass", "type", "shape",
           "engine", "ms", "GB/s", "ceiling", "fraction", "Gelem/s", "of");
}

static void print_row(const bench_line *line) {
    const bench_case *c = &line->what;
    const char *op = bench_op_names[c->op];
    bool below = strlen(op) > 20; /* then the rest of the row stands below the name */
    if (below)
        puts(op);
    printf("%-20s  %-16s  %-4s  %-13s  %-13s  %9.3f  %6.1f  %7.1f  %8.2f  %7.2f  %s\n", below ? "" : op,
           bench_pass_names[c->pass], bench_dtype_names[c->dtype], bench_write_shape(c).text, line->engine, line->ms,
           line->gbps, line->ceiling_gbps, line->fraction, 1e-9 * line->elements_per_second, line->ceiling);
}

static void print_csv(const bench *b, const bench_line *line) {
    const bench_case *c = &line->what;
    printf("%s,%s,%s,%s,%s,%s,%s,%.0f,%.9g,%.6g,%.6g,%.6g,%.9g,%.6g,%.6g\n", bench_op_names[c->op],
           bench_pass_names[c->pass], bench_dtype_names[c->dtype], bench_write_shape(c).text, line->engine,
           c->in_place ? "true" : "false", line->ceiling, line->bytes, line->ms, line->gbps, line->ceiling_gbps,
           line->fraction, line->elements_per_second, b->launch_us, b->launch_row_us);
}

static void print_json(const bench *b, const bench_line *line) {
    const bench_case *c = &line->what;
    json object;
    json_begin(&object);
    json_string(&object, "op", bench_op_names[c->op]);
    json_string(&object, "pass", bench_pass_names[c->pass]);
    json_string(&object, "dtype", bench_dtype_names[c->dtype]);
    json_counts(&object, "shape", c->shape, c->rank);
    json_string(&object, "engine", line->engine);
    json_bool(&object, "in_place", c->in_place);
    json_string(&object, "ceiling", line->ceiling);
    json_count(&object, "bytes", (unsigned long long)line->bytes);
    json_real(&object, "ms", line->ms);
    json_real(&object, "gbps", line->gbps);
    json_real(&object, "ceiling_gbps", line->ceiling_gbps);
    json_real(&object, "fraction", line->fraction);
    json_real(&object, "elements_per_second", line->elements_per_second);
    json_real(&object, "launch_us", b->launch_us);
    json_real(&object, "launch_row_us", b->launch_row_us);
    json_string(&object, "device", b->device.name);
    json_string(&object, "platform", b->device.platform);
    json_end(&object);
}

void bench_print_line(const bench *b, bench_format format, const bench_line *line) {
    if (format == BENCH_JSON)
        print_json(b, line);
    else if (format == BENCH_CSV)
        print_csv(b, line);
    else
        print_row(line);
    fflush(stdout);
}
