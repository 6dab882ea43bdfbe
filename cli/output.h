/* The files that a run writes: all of them or none.
 *
 * Each is written under a temporary name beside its target, and all are renamed only after the last one was written.
 * So a run that fails, or is interrupted, leaves no new file behind, and an older file under the target's name as it was. */
#ifndef CLI_OUTPUT_H
#define CLI_OUTPUT_H

#include "npy.h"

#define MAX_OUTPUTS 4

typedef struct output {
    char *target;    /* the name asked for, links followed; owned */
    char *temporary; /* the name written to; owned; NULL once renamed */
} output;

typedef struct outputs {
    output list[MAX_OUTPUTS];
    size_t count;
} outputs;

/* Opens a temporary file for what is to stand at `path`, to be written and closed by the caller. Complains on failure. */
int outputs_open(outputs *all, const char *path, int *fd);

/* Writes an array to one. Complains on failure. */
int outputs_write(outputs *all, const char *path, npy_array *array);

/* Renames them all. Complains on failure. */
int outputs_commit(outputs *all);

/* Removes what was not renamed, and frees the names. */
void outputs_close(outputs *all);

#endif
