/* What the files of `clxent tune` share: a candidate is an engine at a work-group size. */
#ifndef CLI_TUNE_H
#define CLI_TUNE_H

#include "bench.h"

enum { TUNE_MAX_CANDIDATES = 24 };

typedef struct tune_candidate {
    clxent_engine engine;   /* of a plan that was made: the one in use, never AUTO */
    size_t work_group_size; /* likewise */
    const char *engine_name;
    bool chosen; /* by the library, where nothing is asked for */
    double ms;   /* median of a call; 0: the device cannot do it */
} tune_candidate;

/* In tune_time.c: measures candidates at a shape, turn by turn, for `seconds` in all. Those that the device cannot do, those
 * that come to the same as an earlier one, and those for which there is no time are taken out. Complains where none is left. */
int tune_measure(bench *b, const bench_case *c, double seconds, tune_candidate *list, size_t *count);

/* In tune_row.c: the row to add to the table of host/geometry.c, collected shape by shape. */
typedef struct tune_row {
    size_t few_classes, short_group, long_group, item_group; /* 0: nothing was measured for it */
    size_t most_classes;                                     /* of the shape that long_group comes from */
} tune_row;

void tune_learn(tune_row *row, const bench_case *c, const tune_candidate *list, size_t count);
void tune_write_row(const tune_row *row, cl_device_id device, char *text, size_t size);

extern const cli_command tune_command;

#endif
