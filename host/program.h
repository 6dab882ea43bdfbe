/* The program cache of a context.
 *
 * Key: an engine's kernel file, an operation's kernel file and the build options as text. Layout: a list, newest first;
 * entries are only ever added, and go with the core. Concurrency: core->build_lock is held for a look-up and for a
 * build, so two threads that want the same program build it once. */
#ifndef CLX_PROGRAM_H
#define CLX_PROGRAM_H

#include "core.h"

typedef struct clx_program_key {
    char engine[32];
    char op[32];
    char options[512];
} clx_program_key;

/* The program for a key, built if it is not there yet; *built then counts one up. The core keeps the program. */
clxent_status clx_program_get(clx_core *core, const clx_program_key *key, cl_program *program, unsigned *built);

void clx_programs_release(clx_program *programs);

#endif
