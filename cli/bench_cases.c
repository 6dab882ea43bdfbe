/* What `clxent bench` measures: cases, their names, and the bytes that each must move. */
#include "bench_cases.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

const char *const bench_op_names[] = {
    "softmax", "log-softmax", "nll-loss", "cross-entropy", "binary-cross-entropy", "binary-cross-entropy-with-logits",
    NULL};
const char *const bench_pass_names[] = {"forward", "backward", "forward-backward", NULL};
const char *const bench_dtype_names[] = {"f32", "f64", "f16", "bf16", NULL};
const char *const bench_engine_names[] = {"row_per_item",  "row_per_group", "column",
                                          "rows_per_lane", "row_split",     NULL};

static bool is_softmax(clxent_op op) {
    return op == CLXENT_SOFTMAX || op == CLXENT_LOG_SOFTMAX;
}

static bool is_binary(clxent_op op) {
    return op == CLXENT_BINARY_CROSS_ENTROPY || op == CLXENT_BINARY_CROSS_ENTROPY_WITH_LOGITS;
}

/* ---- facts of a case ---- */

clxent_desc bench_desc(const bench_case *c) {
    clxent_desc desc;
    clxent_desc_init(&desc, c->op);
    desc.pass = c->pass;
    desc.dtype = c->dtype;
    desc.engine = c->engine;
    desc.batch = c->shape[0];
    desc.classes = c->shape[1];
    for (size_t i = 2; i < c->rank; i++)
        desc.inner *= c->shape[i];
    return desc;
}

size_t bench_elements(const bench_case *c) {
    return bench_rows(c) * c->shape[1];
}

size_t bench_rows(const bench_case *c) {
    clxent_desc desc = bench_desc(c);
    return desc.batch * desc.inner;
}

size_t bench_element_size(clxent_dtype dtype) {
    return dtype == CLXENT_F64 ? 8 : dtype == CLXENT_F32 ? 4 : 2;
}

bool bench_has_pass(clxent_op op, clxent_pass pass) {
    return pass != CLXENT_FORWARD_BACKWARD || op == CLXENT_CROSS_ENTROPY || is_binary(op);
}

bool bench_has_in_place(clxent_op op, clxent_pass pass) {
    return bench_has_pass(op, pass) &&
           (is_softmax(op) || ((op == CLXENT_CROSS_ENTROPY || is_binary(op)) && pass != CLXENT_FORWARD));
}

/* A gather (nll-loss, forward) reads one number of each row, and its gradient reads none. The backward pass of a
 * softmax reads the result and the gradient that comes in. */
bench_traffic bench_traffic_of(const bench_case *c) {
    bench_traffic traffic = {.indices = c->op == CLXENT_NLL_LOSS || c->op == CLXENT_CROSS_ENTROPY};
    traffic.writes = c->pass != CLXENT_FORWARD || is_softmax(c->op);
    if (c->op != CLXENT_NLL_LOSS)
        traffic.reads = is_binary(c->op) || (is_softmax(c->op) && c->pass == CLXENT_BACKWARD) ? 2 : 1;
    double size = (double)bench_element_size(c->dtype), rows = (double)bench_rows(c);
    traffic.bytes = (traffic.reads + traffic.writes) * size * (double)bench_elements(c);
    if (traffic.indices)
        traffic.bytes += rows * sizeof(int32_t);
    if (c->op == CLXENT_NLL_LOSS && c->pass == CLXENT_FORWARD)
        traffic.bytes += rows * size;
    return traffic;
}

/* ---- shapes ---- */

bench_shape_text bench_write_shape(const bench_case *c) {
    bench_shape_text result = {""};
    size_t at = 0;
    for (size_t i = 0; i < c->rank; i++)
        at += (size_t)snprintf(result.text + at, sizeof result.text - at, "%s%zu", i > 0 ? "x" : "", c->shape[i]);
    return result;
}

bench_case_text bench_describe(const bench_case *c) {
    bench_case_text result;
    snprintf(result.text, sizeof result.text, "%s %s, %s, %s%s", bench_op_names[c->op], bench_pass_names[c->pass],
             bench_dtype_names[c->dtype], bench_write_shape(c).text, c->in_place ? ", in place" : "");
    return result;
}

bool bench_parse_shape(const char *text, bench_case *c) {
    const uint64_t most = (uint64_t)1 << 48;
    uint64_t elements = 1;
    for (c->rank = 0; c->rank < BENCH_MAX_RANK; text++) {
        uint64_t size = 0;
        size_t digits = strspn(text, "0123456789");
        for (size_t i = 0; i < digits && size <= most; i++)
            size = 10 * size + (uint64_t)(text[i] - '0');
        if (size == 0 || size > most / elements)
            return false;
        elements *= size;
        c->shape[c->rank++] = (size_t)size;
        text += digits;
        if (*text != 'x')
            return *text == '\0' && c->rank >= 2;
    }
    return false;
}

/* ---- the default suite ---- */

static void add(bench_cases *cases, bench_case c, const char *shape) {
    if (cases->count < BENCH_MAX_CASES && bench_parse_shape(shape, &c))
        cases->list[cases->count++] = c;
}

static const char *const usual_shapes[] = {"1048576x10", "16384x1000", "1024x50257", "512x128256", "8x21x512x512"};
enum { USUAL_SHAPES = sizeof usual_shapes / sizeof usual_shapes[0] };

void bench_default_suite(bench_cases *cases) {
    const bench_case loss = {.op = CLXENT_CROSS_ENTROPY},
                     both = {.op = CLXENT_CROSS_ENTROPY, .pass = CLXENT_FORWARD_BACKWARD};
    bench_case in_place = both;
    in_place.in_place = true;
    cases->count = 0;
    for (size_t i = 0; i < USUAL_SHAPES; i++)
        add(cases, loss, usual_shapes[i]);
    add(cases, loss, "4x128256");
    for (size_t i = 0; i < USUAL_SHAPES; i++)
        add(cases, both, usual_shapes[i]);
    add(cases, in_place, "1024x50257");
    add(cases, in_place, "512x128256");
    for (clxent_dtype dtype = CLXENT_F16; dtype <= CLXENT_BF16; dtype++) {
        bench_case narrow = {.op = CLXENT_CROSS_ENTROPY, .dtype = dtype};
        add(cases, narrow, "1024x50257");
        narrow.pass = CLXENT_FORWARD_BACKWARD;
        add(cases, narrow, "1024x50257");
    }
    add(cases, (bench_case){.op = CLXENT_SOFTMAX}, "1024x50257");
    add(cases, (bench_case){.op = CLXENT_LOG_SOFTMAX}, "1024x50257");
    add(cases, (bench_case){.op = CLXENT_SOFTMAX, .pass = CLXENT_BACKWARD}, "16384x1000");
    add(cases, (bench_case){.op = CLXENT_BINARY_CROSS_ENTROPY_WITH_LOGITS, .pass = CLXENT_FORWARD_BACKWARD},
        "65536x1024");
}

void bench_list_cases(const bench_case *like, bool every_pass, bench_cases *cases) {
    cases->count = 0;
    for (clxent_pass pass = CLXENT_FORWARD; pass <= CLXENT_FORWARD_BACKWARD; pass++) {
        bench_case c = *like;
        c.pass = pass;
        bool has = c.in_place ? bench_has_in_place(c.op, pass) : bench_has_pass(c.op, pass);
        if (!has || (!every_pass && pass != like->pass))
            continue;
        if (like->rank > 0)
            cases->list[cases->count++] = c;
        for (size_t i = 0; i < USUAL_SHAPES && like->rank == 0; i++)
            add(cases, c, usual_shapes[i]);
    }
}
