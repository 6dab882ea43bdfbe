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
    char options[640];
} clx_program_key;

/* An entry of the cache. */
struct clx_program {
    clx_program_key key;
    cl_program cl;
    clx_program *next;
};

bool clx_same_key(const clx_program_key *a, const clx_program_key *b);

/* The program for a key. If it is not there yet, it is loaded from a blob or else built; *built counts the latter. The
 * core keeps the program. */
clxent_status clx_program_get(clx_core *core, const clx_program_key *key, clx_program **program, unsigned *built);

/* A hash (FNV-1a) of bytes, going on from another one; and that of a program's sources. */
#define CLX_HASH_START UINT64_C(14695981039346656037)
uint64_t clx_hash(uint64_t hash, const void *bytes, size_t size);
clxent_status clx_program_hash(const clx_program_key *key, uint64_t *hash);

void clx_programs_release(clx_program *programs);

#endif
