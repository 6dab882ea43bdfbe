/* The table that `clxent check` prints: names, rows, notes, and what to say about a failure. */
#include "check_table.h"

#include "json.h"
#include "progress.h"

#include <stdio.h>
#include <string.h>

const char *const check_op_names[] = {[CLXENT_SOFTMAX] = "softmax",
                                      [CLXENT_LOG_SOFTMAX] = "log-softmax",
                                      [CLXENT_NLL_LOSS] = "nll-loss",
                                      [CLXENT_CROSS_ENTROPY] = "cross-entropy",
                                      [CLXENT_BINARY_CROSS_ENTROPY] = "binary-cross-entropy",
                                      [CLXENT_BINARY_CROSS_ENTROPY_WITH_LOGITS] = "binary-cross-entropy-with-logits",
                                      [CLXENT_MERGE] = "merge",
                                      [CLXENT_LINEAR_CROSS_ENTROPY] = "linear-cross-entropy",
                                      NULL};
static const char *const pass_names[] = {
    [CLXENT_FORWARD] = "forward", [CLXENT_BACKWARD] = "backward", [CLXENT_FORWARD_BACKWARD] = "forward+backward"};
static const char *const type_names[] = {
    [CLXENT_F32] = "f4", [CLXENT_F64] = "f8", [CLXENT_F16] = "f2", [CLXENT_BF16] = "bf16"};
static const char *const engine_names[] = {[CLXENT_ENGINE_AUTO] = "products",
                                           [CLXENT_ENGINE_ROW_PER_ITEM] = "row_per_item",
                                           [CLXENT_ENGINE_ROW_PER_GROUP] = "row_per_group",
                                           [CLXENT_ENGINE_COLUMN] = "column",
                                           [CLXENT_ENGINE_ROWS_PER_LANE] = "rows_per_lane",
                                           [CLXENT_ENGINE_ROW_SPLIT] = "row_split"};
static const char *const target_names[] = {[CLXENT_TARGET_I32] = "i4",
                                           [CLXENT_TARGET_I64] = "i8",
                                           [CLXENT_TARGET_U8] = "u1",
                                           [CLXENT_TARGET_PROBABILITIES] = "probabilities",
                                           [CLXENT_TARGET_PROBABILITIES_F32] = "f4 probabilities"};

static const char *name_of(const check_line *line) {
    if (line->shards)
        return check_is_linear(line->op) ? "linear-cross-entropy in shards" : "cross-entropy in shards";
    return check_op_names[line->op];
}

/* ---- failures ---- */

/* The tensors of a case, a blank in front of each. */
static void list_tensors(const check_case *c, char *text, size_t size) {
    const struct {
        bool given;
        const char *name;
    } tensors[] = {
        {c->weight, "weight"},           {c->sample_weight, "sample_weight"},
        {c->pos_weight, "pos_weight"},   {c->linear_bias, "linear_bias"},
        {c->target2, "target2"},         {c->mix_lambda, "mix_lambda"},
        {c->grad_output, "grad_output"}, {c->lse, "lse"},
        {c->argmax, "argmax"},           {c->counts, "counts"},
        {c->poison, "infinities"},       {c->nothing_counts, "all ignored"},
    };
    size_t at = 0;
    text[0] = '\0';
    for (size_t i = 0; i < sizeof tensors / sizeof tensors[0] && at < size; i++)
        if (tensors[i].given)
            at += (size_t)snprintf(text + at, size - at, ", %s", tensors[i].name);
}

void check_fail(check_outcome *out, const check_case *c, const char *what) {
    const clxent_desc *d = &c->desc;
    char tensors[192];
    if (out->failed++ > 0)
        return;
    list_tensors(c, tensors, sizeof tensors);
    snprintf(out->complaint, sizeof out->complaint,
             "batch %zu, classes %zu, inner %zu, features %zu, row_stride %zu, work_group_size %zu, targets %s, "
             "reduction %d, "
             "ignore_index %lld, smoothing %g, flags %llu, scale %g, softcap %g, z_loss %g, reg_lambda %g, mix %g, "
             "grad_scale %g%s: %s",
             d->batch, d->classes, d->inner, d->features, d->row_stride, d->work_group_size,
             target_names[d->target_type], (int)d->reduction, (long long)d->ignore_index, d->label_smoothing,
             (unsigned long long)d->flags, d->logit_scale, d->logit_softcap, d->z_loss, d->reg_lambda, d->mix_lambda,
             d->grad_scale, tensors, what);
}

void check_add_reason(check_outcome *out, const char *reason) {
    size_t length = strlen(out->reason);
    if (strstr(out->reason, reason) == NULL)
        snprintf(out->reason + length, sizeof out->reason - length, "%s%s", length > 0 ? "; " : "", reason);
}

void check_show_progress(const check_line *line, size_t done, size_t all) {
    progress_show(done, all, "%s %s %s %s", name_of(line), pass_names[line->pass], type_names[line->dtype],
                  engine_names[line->engine]);
}

/* ---- rows ---- */

/* The number of a note, from 1; of the last one where there are too many. */
static size_t find_note(check_notes *all, const char *text) {
    enum { MOST = sizeof all->text / sizeof all->text[0] };
    for (size_t i = 0; i < all->count; i++)
        if (strcmp(all->text[i], text) == 0)
            return i + 1;
    if (all->count == MOST)
        return MOST;
    snprintf(all->text[all->count++], sizeof all->text[0], "%s", text);
    return all->count;
}

void check_print_head(void) {
    printf("%-32s  %-16s  %-4s  %-13s  %5s  %9s\n", "operation", "pass", "type", "engine", "cases", "error/tol");
}

void check_print_row(const check_line *line, const check_outcome *out, check_notes *all) {
    printf("%-32s  %-16s  %-4s  %-13s  ", name_of(line), pass_names[line->pass], type_names[line->dtype],
           engine_names[line->engine]);
    if (out->cases == 0 && out->failed == 0) {
        printf("unsupported (%zu)\n", find_note(all, out->reason));
        return;
    }
    printf("%5zu  %9.3g  %s", out->cases, out->largest, out->failed > 0 ? "FAILED" : "ok");
    if (out->unsupported > 0)
        printf(" (%zu)", find_note(all, out->reason));
    putchar('\n');
    if (out->failed > 0)
        printf("    %zu failed; the first, %s\n", out->failed, out->complaint);
}

void check_print_notes(const check_notes *all) {
    if (all->count > 0)
        puts("\nLines with a number in brackets have cases that were not run:");
    for (size_t i = 0; i < all->count; i++)
        printf("(%zu) %s\n", i + 1, all->text[i]);
}

void check_print_json(const check_line *line, const check_outcome *out) {
    json object;
    json_begin(&object);
    json_string(&object, "op", name_of(line));
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
