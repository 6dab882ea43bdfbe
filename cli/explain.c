/* The command explain: what a call of an operation takes on a device, and why it is done as it is. */
#include "explain.h"

#include "bench_speed.h"
#include "message.h"
#include "options.h"
#include "progress.h"
#include "timing.h"

#include <stdio.h>
#include <string.h>

static const cli_option options[] = {
    {OPTION_SHAPE, "SIZES",
     "the shape of the logits, like 1024x50257 or 8x21x512x512; the second\nsize is the number of classes (required)"},
    {OPTION_PASS, "NAME", "forward, backward or forward-backward (default forward)"},
    {OPTION_DTYPE, "f32|f16|bf16|f64", "how the tensors are stored (default f32)"},
    {OPTION_DEVICE, "N|cpu|gpu",
     "the device to ask: a number of `clxent devices`, or the best of a\n"
     "kind (default: $CLXENT_DEVICE, else the best GPU, else any device)"},
    {OPTION_JSON, NULL, "print JSON: one object, then one for each engine"},
    OPTION_ROWS_HELP,
};

/* ---- the engines ---- */

/* The first line of what a refusal says: a compiler's log may follow. */
static void take_error(explain_engine *e) {
    const char *error = clxent_last_error();
    e->state = EXPLAIN_REFUSED;
    snprintf(e->reason, sizeof e->reason, "%.*s", (int)strcspn(error, "\n"), error);
}

/* Whether an engine can do the case is seen by forcing it, and why it is not chosen the plan knows. */
static int look_at_engine(const bench *b, clxent_plan *plan, clxent_engine engine, explanation *all) {
    explain_engine *e = &all->engines[engine - 1];
    clxent_desc desc = bench_desc(&all->what);
    clxent_plan *forced = NULL;
    desc.engine = engine;
    e->name = bench_engine_names[engine - 1];
    e->state = engine == all->info.engine ? EXPLAIN_IN_USE : EXPLAIN_NOT_CHOSEN;
    clxent_status status = CLXENT_SUCCESS;
    if (e->state == EXPLAIN_NOT_CHOSEN)
        status = clxent_plan_create(b->device.context, &desc, &forced);
    clxent_plan_destroy(forced);
    if (status == CLXENT_UNSUPPORTED || status == CLXENT_BUILD_FAILED)
        take_error(e);
    else if (status == CLXENT_SUCCESS)
        status = clxent_plan_get_reason(plan, engine, sizeof e->reason, e->reason);
    return status == CLXENT_SUCCESS || e->state == EXPLAIN_REFUSED ? STATUS_OK : complain("%s", clxent_last_error());
}

enum { STEPS = EXPLAIN_ENGINES + 1 }; /* as the progress counts them: the engines, and the measurement */

static int look_at_engines(const bench *b, clxent_plan *plan, explanation *all) {
    int status = STATUS_OK;
    const clxent_engine last = CLXENT_ENGINE_ROW_SPLIT;
    for (clxent_engine engine = CLXENT_ENGINE_ROW_PER_ITEM; engine <= last && status == STATUS_OK; engine++) {
        progress_show(engine - 1, STEPS, "engine %s", bench_engine_names[engine - 1]);
        status = look_at_engine(b, plan, engine, all);
    }
    progress_clear();
    return status;
}

static int look_at_plan(const bench *b, explanation *all) {
    clxent_plan *plan = NULL;
    clxent_desc desc = bench_desc(&all->what);
    all->info.struct_size = sizeof all->info;
    double began = seconds_now();
    clxent_status made = clxent_plan_create(b->device.context, &desc, &plan);
    all->plan_ms = 1e3 * (seconds_now() - began);
    if (made == CLXENT_SUCCESS)
        made = clxent_plan_get_info(plan, &all->info);
    int status = made == CLXENT_SUCCESS ? look_at_engines(b, plan, all)
                                        : complain("%s: %s", bench_describe(&all->what).text, clxent_last_error());
    clxent_plan_destroy(plan);
    return status;
}

/* ---- the time ---- */

/* The speed of memory is that of a working set which no cache holds, whatever the shape: tensors of a million elements, as
 * many as make one. */
static int find_speed(bench *b, const bench_case *filler, bench_speed *speed) {
    int status = bench_open(b);
    if (status == STATUS_OK)
        status = bench_buffers_prepare(b, filler, 0);
    if (status == BENCH_CANNOT)
        return complain("%s", b->reason);
    if (status != STATUS_OK)
        return status;
    const bench_span span = bench_buffers_span(&b->buffers, filler, 0, b->buffers.sets);
    return bench_find_speed(b, filler, &span, speed);
}

static int measure(bench *b, explanation *all) {
    bench_case filler = all->what;
    bench_speed speed = {.seconds = 0};
    filler.rank = 2;
    filler.shape[0] = 256;
    filler.shape[1] = 4096;
    progress_show(STEPS - 1, STEPS, "the speed of the memory");
    int status = find_speed(b, &filler, &speed);
    progress_clear();
    if (status != STATUS_OK)
        return status;
    const double bytes_per_second = speed.bytes / speed.seconds;
    all->traffic = bench_traffic_of(&all->what);
    all->ceiling = bench_ceiling_name(&filler);
    all->ceiling_gbps = 1e-9 * bytes_per_second;
    all->least_ms = 1e3 * all->traffic.bytes / bytes_per_second + 1e-3 * all->info.kernels * b->launch_row_us;
    return STATUS_OK;
}

/* ---- the command ---- */

static int read_op(const cli_command *self, const char *word, bench_case *c) {
    for (int i = 0; bench_op_names[i] != NULL; i++)
        if (strcmp(bench_op_names[i], word) == 0) {
            c->op = (clxent_op)i;
            return STATUS_OK;
        }
    return complain_usage(self->name, "there is no operation \"%s\", the nearest is %s", word,
                          nearest_name(word, bench_op_names));
}

static int read_case(const cli_command *self, const cli_arguments *given, bench_case *c) {
    int pass = CLXENT_FORWARD, dtype = CLXENT_F32;
    const char *shape = given->values[OPTION_SHAPE];
    int status = read_op(self, given->files[0], c);
    if (status == STATUS_OK)
        status = option_choice(self, given, OPTION_PASS, bench_pass_names, &pass);
    if (status == STATUS_OK)
        status = option_choice(self, given, OPTION_DTYPE, bench_dtype_names, &dtype);
    if (status != STATUS_OK)
        return status;
    c->pass = (clxent_pass)pass;
    c->dtype = (clxent_dtype)dtype;
    if (shape == NULL)
        return complain_usage(self->name, "explain needs --shape, sizes like 1024x50257 or 8x21x512x512");
    if (!bench_parse_shape(shape, c))
        return complain_usage(self->name, "--shape is \"%s\", it must be sizes like 1024x50257 or 8x21x512x512", shape);
    if (!bench_has_pass(c->op, c->pass))
        return complain_usage(self->name, "%s has no pass %s", bench_op_names[c->op], bench_pass_names[c->pass]);
    if (wants_reference(given))
        return complain_usage(self->name, "explain asks an OpenCL device, not the reference");
    return STATUS_OK;
}

static int run(const cli_command *self, const cli_arguments *given) {
    bench b = {.min_time = 0};
    explanation all = {.plan_ms = 0};
    int status = read_case(self, given, &all.what);
    if (status != STATUS_OK)
        return status;
    status = device_open(self, given, &b.device);
    if (status == STATUS_OK)
        status = look_at_plan(&b, &all);
    if (status == STATUS_OK)
        status = measure(&b, &all);
    if (status == STATUS_OK)
        (given->values[OPTION_JSON] != NULL ? explain_print_json : explain_print)(&b, &all);
    bench_close(&b);
    device_close(&b.device);
    return status == STATUS_OK ? flush_output() : status;
}

const cli_command explain_command = {
    .name = "explain",
    .summary = "what an operation takes on a device, and why: engine, kernels, memory, time",
    .files = {"OP"},
    .operand = "operation",
    .about = "Tells of a call of an operation which engine does it, and of each other engine what it cannot do or\n"
             "why it is not chosen; how many programs were built, how many kernels a call launches and with how\n"
             "many work-items, how large its workspace is; which bytes must move, and the least time that these\n"
             "and the launches take at the speed of the device's memory, which is measured for it. OP is softmax,\n"
             "log-softmax, nll-loss, cross-entropy, binary-cross-entropy or binary-cross-entropy-with-logits, with\n"
             "class indices of 4 bytes or, for the binary ones, target probabilities, and reduction mean. Takes a\n"
             "second, and longer where a driver has to compile the engines' kernels first.",
    .options = options,
    .example = "  clxent explain cross-entropy --shape 1024x50257 --pass forward-backward",
    .run = run,
};
