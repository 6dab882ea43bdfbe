/* clxent bench --sweep: cross-entropy from 2^10 to 2^27 elements along each axis, so that one sees whether the time of an
 * element stays the same as shapes grow, and nothing grows faster than linearly. */
#include "bench_report.h"
#include "json.h"
#include "message.h"
#include "progress.h"

#include <stdio.h>

enum { FIRST_POWER = 10, LAST_POWER = 27, SETTLED_POWER = 20, PASSES = 2 };

static const clxent_pass passes[PASSES] = {CLXENT_FORWARD, CLXENT_FORWARD_BACKWARD};

/* The axes that grow, and the sizes of the others. */
static const struct {
    const char *name;
    size_t rank, grows, shape[3];
} axes[] = {{"N", 2, 0, {1, 256, 1}}, {"C", 2, 1, {8, 1, 1}}, {"inner", 3, 2, {4, 16, 1}}};
enum { AXES = sizeof axes / sizeof axes[0] };

static void set_shape(bench_case *c, size_t axis, int power) {
    size_t others = axes[axis].shape[0] * axes[axis].shape[1] * axes[axis].shape[2];
    c->rank = axes[axis].rank;
    for (size_t i = 0; i < c->rank; i++)
        c->shape[i] = axes[axis].shape[i];
    c->shape[axes[axis].grows] = ((size_t)1 << power) / others;
}

static double ns_per_element(const bench_line *line) {
    return 1e9 / line->elements_per_second;
}

/* ---- output ---- */

static void print_head(const bench *b, bench_format format) {
    if (format == BENCH_CSV)
        puts("op,pass,dtype,axis,elements,shape,engine,ms,ns_per_element,fraction");
    if (format == BENCH_TABLE)
        printf("%s (%s)\ncross-entropy, nanoseconds per element\n\n%-5s  %9s  %-16s  %-13s  %9s  %16s\n",
               b->device.name, b->device.platform, "grows", "elements", "shape", "engine", bench_pass_names[passes[0]],
               bench_pass_names[passes[1]]);
}

static void print_one(bench_format format, size_t axis, const bench_line *line) {
    const bench_case *c = &line->what;
    if (format == BENCH_CSV)
        printf("%s,%s,%s,%s,%zu,%s,%s,%.9g,%.6g,%.6g\n", bench_op_names[c->op], bench_pass_names[c->pass],
               bench_dtype_names[c->dtype], axes[axis].name, bench_elements(c), bench_write_shape(c).text, line->engine,
               line->ms, ns_per_element(line), line->fraction);
    if (format != BENCH_JSON)
        return;
    json object;
    json_begin(&object);
    json_string(&object, "op", bench_op_names[c->op]);
    json_string(&object, "pass", bench_pass_names[c->pass]);
    json_string(&object, "dtype", bench_dtype_names[c->dtype]);
    json_string(&object, "axis", axes[axis].name);
    json_count(&object, "elements", bench_elements(c));
    json_counts(&object, "shape", c->shape, c->rank);
    json_string(&object, "engine", line->engine);
    json_real(&object, "ms", line->ms);
    json_real(&object, "ns_per_element", ns_per_element(line));
    json_real(&object, "fraction", line->fraction);
    json_end(&object);
}

static void print_size(bench_format format, size_t axis, const bench_line lines[PASSES]) {
    const bench_case *c = &lines[0].what;
    if (format == BENCH_TABLE)
        printf("%-5s  %9zu  %-16s  %-13s  %9.3f  %16.3f\n", axes[axis].name, bench_elements(c),
               bench_write_shape(c).text, lines[0].engine, ns_per_element(&lines[0]), ns_per_element(&lines[1]));
    for (size_t i = 0; i < PASSES; i++)
        print_one(format, axis, &lines[i]);
    fflush(stdout);
}

/* How much dearer an element became behind the size at which launches no longer count. */
static void print_growth(size_t axis, const double settled[PASSES], const double largest[PASSES]) {
    if (settled[0] > 0)
        printf("%-5s  from 2^%d elements on, at most %.2f (%s) and %.2f (%s) times the time per element there\n\n",
               axes[axis].name, SETTLED_POWER, largest[0] / settled[0], bench_pass_names[passes[0]],
               largest[1] / settled[1], bench_pass_names[passes[1]]);
}

/* ---- the walk ---- */

static int measure_size(bench *b, const bench_case *like, size_t axis, int power, bench_line lines[PASSES]) {
    bench_case c = *like;
    set_shape(&c, axis, power);
    int status = STATUS_OK;
    for (size_t i = 0; i < PASSES && status == STATUS_OK; i++) {
        size_t sizes = LAST_POWER - FIRST_POWER + 1, size = (size_t)(power - FIRST_POWER);
        c.pass = passes[i];
        progress_show((axis * sizes + size) * PASSES + i, AXES * sizes * PASSES, "%s", bench_describe(&c).text);
        status = bench_measure(b, &c, &lines[i]);
        progress_clear();
    }
    return status;
}

static int sweep_axis(bench *b, const bench_case *like, size_t axis, bench_format format) {
    double settled[PASSES] = {0}, largest[PASSES] = {0};
    bench_line lines[PASSES];
    for (int power = FIRST_POWER; power <= LAST_POWER; power++) {
        int status = measure_size(b, like, axis, power, lines);
        if (status == BENCH_CANNOT) {
            fprintf(format == BENCH_TABLE ? stdout : stderr, "%s stops at 2^%d elements: %s\n", axes[axis].name, power,
                    b->reason);
            break;
        }
        if (status != STATUS_OK)
            return status;
        print_size(format, axis, lines);
        for (size_t i = 0; i < PASSES && power >= SETTLED_POWER; i++) {
            double ns = ns_per_element(&lines[i]);
            settled[i] = power == SETTLED_POWER ? ns : settled[i];
            largest[i] = ns > largest[i] ? ns : largest[i];
        }
    }
    if (format == BENCH_TABLE)
        print_growth(axis, settled, largest);
    return STATUS_OK;
}

int bench_sweep(bench *b, const bench_case *like, bench_format format) {
    int status = STATUS_OK;
    print_head(b, format);
    for (size_t axis = 0; axis < AXES && status == STATUS_OK; axis++)
        status = sweep_axis(b, like, axis, format);
    return status == STATUS_OK ? flush_output() : status;
}
