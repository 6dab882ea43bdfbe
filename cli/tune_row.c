/* What measurements say about the numbers of host/geometry.c. */
#include "tune.h"

#include <stdio.h>
#include <string.h>

#define SHORT_ROW 1024 /* as in host/geometry.c */
#define MANY_ROWS 32   /* fewer are for several groups to a row */

static const tune_candidate *best_of(const tune_candidate *list, size_t count, clxent_engine engine) {
    const tune_candidate *best = NULL;
    for (size_t i = 0; i < count; i++)
        if ((engine == CLXENT_ENGINE_AUTO || list[i].engine == engine) && (best == NULL || list[i].ms < best->ms))
            best = &list[i];
    return best;
}

void tune_learn(tune_row *row, const bench_case *c, const tune_candidate *list, size_t count) {
    const tune_candidate *best = best_of(list, count, CLXENT_ENGINE_AUTO),
                         *lane = best_of(list, count, CLXENT_ENGINE_ROWS_PER_LANE),
                         *group = best_of(list, count, CLXENT_ENGINE_ROW_PER_GROUP);
    size_t classes = c->shape[1];
    if (c->rank > 2 || best == NULL)
        return;
    if (best == lane && classes > row->few_classes) {
        row->few_classes = classes;
        row->item_group = lane->work_group_size;
    }
    if (best != group || c->shape[0] < MANY_ROWS)
        return;
    if (classes <= SHORT_ROW)
        row->short_group = group->work_group_size;
    else if (classes > row->most_classes) {
        row->most_classes = classes;
        row->long_group = group->work_group_size;
    }
}

/* Appends as C writes a string. */
static void append_string(const char *name, const char *value, char *text, size_t size) {
    size_t at = strlen(text);
    at += (size_t)snprintf(text + at, size - at, "%s = \"", name);
    for (; *value != '\0' && at + 4 < size; value++) {
        if (*value == '"' || *value == '\\')
            text[at++] = '\\';
        if ((unsigned char)*value >= ' ')
            text[at++] = *value;
    }
    snprintf(text + at, size - at, "\"");
}

static void append_number(const char *name, size_t value, char *text, size_t size) {
    size_t at = strlen(text);
    if (value > 0)
        snprintf(text + at, size - at, ", .%s = %zu", name, value);
}

void tune_write_row(const tune_row *row, cl_device_id device, char *text, size_t size) {
    char name[128], vendor[128];
    device_text(device, CL_DEVICE_NAME, name, sizeof name);
    device_text(device, CL_DEVICE_VENDOR, vendor, sizeof vendor);
    text[0] = '\0';
    append_string("{.vendor", vendor, text, size);
    append_string(", .name", name, text, size);
    append_number("few_classes", row->few_classes, text, size);
    append_number("short_group", row->short_group, text, size);
    append_number("long_group", row->long_group, text, size);
    append_number("item_group", row->item_group, text, size);
    snprintf(text + strlen(text), size - strlen(text), "},");
}
