/* What the options of `clxent bench` ask for. */
#include "bench_request.h"

#include "message.h"

#define DEFAULT_SECONDS 2.0
#define SWEEP_SECONDS 0.1
#define MOST_SECONDS 3600.0

/* Refuses options that have no meaning beside another one. */
static int refuse_beside(const cli_command *self, const cli_arguments *given, option_id one, const option_id *others) {
    for (; given->values[one] != NULL && *others != OPTION_NONE; others++)
        if (given->values[*others] != NULL)
            return complain_usage(self->name, "%s has no meaning beside %s", option_name(*others), option_name(one));
    return STATUS_OK;
}

static int check_combination(const cli_command *self, const cli_arguments *given) {
    static const option_id beside_sweep[] = {OPTION_OP,   OPTION_SHAPE,    OPTION_PASS, OPTION_IN_PLACE,
                                             OPTION_PLOT, OPTION_OVERHEAD, OPTION_NONE};
    static const option_id beside_overhead[] = {OPTION_OP,       OPTION_SHAPE,  OPTION_DTYPE,    OPTION_PASS,
                                                OPTION_IN_PLACE, OPTION_ENGINE, OPTION_MIN_TIME, OPTION_CSV,
                                                OPTION_PLOT,     OPTION_NONE};
    static const option_id beside_json[] = {OPTION_CSV, OPTION_NONE};
    int status = refuse_beside(self, given, OPTION_SWEEP, beside_sweep);
    if (status == STATUS_OK)
        status = refuse_beside(self, given, OPTION_OVERHEAD, beside_overhead);
    return status == STATUS_OK ? refuse_beside(self, given, OPTION_JSON, beside_json) : status;
}

/* The case that the options describe, as far as they do. */
static int read_case(const cli_command *self, const cli_arguments *given, bench_case *c) {
    int op = CLXENT_CROSS_ENTROPY, pass = CLXENT_FORWARD, dtype = CLXENT_F32, engine = -1;
    const char *shape = given->values[OPTION_SHAPE];
    int status = option_choice(self, given, OPTION_OP, bench_op_names, &op);
    if (status == STATUS_OK)
        status = option_choice(self, given, OPTION_PASS, bench_pass_names, &pass);
    if (status == STATUS_OK)
        status = option_choice(self, given, OPTION_DTYPE, bench_dtype_names, &dtype);
    if (status == STATUS_OK)
        status = option_choice(self, given, OPTION_ENGINE, bench_engine_names, &engine);
    if (status != STATUS_OK)
        return status;
    *c = (bench_case){.op = (clxent_op)op,
                      .pass = (clxent_pass)pass,
                      .dtype = (clxent_dtype)dtype,
                      .engine = (clxent_engine)(engine + 1),
                      .in_place = given->values[OPTION_IN_PLACE] != NULL};
    if (shape != NULL && !bench_parse_shape(shape, c))
        return complain_usage(self->name, "--shape is \"%s\", it must be sizes like 1024x50257 or 8x21x512x512", shape);
    return STATUS_OK;
}

static int refuse_pass(const cli_command *self, const bench_case *c, bool any_pass) {
    const char *op = bench_op_names[c->op], *pass = bench_pass_names[c->pass];
    if (any_pass)
        return complain_usage(self->name,
                              "no pass of %s can lay its result over what it reads, so it has no --in-place", op);
    if (!bench_has_pass(c->op, c->pass))
        return complain_usage(self->name, "%s has no pass %s", op, pass);
    return complain_usage(self->name,
                          "%s %s writes no tensor that could lie over one it reads, so it has no --in-place", op, pass);
}

static int list_cases(const cli_command *self, const cli_arguments *given, bench_request *request) {
    static const option_id others[] = {OPTION_OP, OPTION_SHAPE, OPTION_DTYPE, OPTION_PASS, OPTION_IN_PLACE};
    bool chosen = false, every_pass = given->values[OPTION_PASS] == NULL;
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
        chosen = chosen || given->values[others[i]] != NULL;
    if (chosen) {
        bench_list_cases(&request->like, every_pass, &request->cases);
        return request->cases.count > 0 ? STATUS_OK : refuse_pass(self, &request->like, every_pass);
    }
    bench_default_suite(&request->cases);
    for (size_t i = 0; i < request->cases.count; i++)
        request->cases.list[i].engine = request->like.engine;
    return STATUS_OK;
}

int bench_read_options(const cli_command *self, const cli_arguments *given, bench_request *request) {
    *request = (bench_request){.sweep = given->values[OPTION_SWEEP] != NULL,
                               .overhead = given->values[OPTION_OVERHEAD] != NULL,
                               .must = given->values[OPTION_SHAPE] != NULL,
                               .plot = given->values[OPTION_PLOT]};
    request->format = given->values[OPTION_JSON] != NULL  ? BENCH_JSON
                      : given->values[OPTION_CSV] != NULL ? BENCH_CSV
                                                          : BENCH_TABLE;
    request->min_time = request->sweep ? SWEEP_SECONDS : DEFAULT_SECONDS;
    int status = check_combination(self, given);
    if (status == STATUS_OK)
        status = option_real(self, given, OPTION_MIN_TIME, 0, MOST_SECONDS, &request->min_time);
    if (status == STATUS_OK)
        status = read_case(self, given, &request->like);
    return status == STATUS_OK ? list_cases(self, given, request) : status;
}
