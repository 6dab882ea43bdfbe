/* What the files of `clxent explain` share: all that is told of a case. */
#ifndef CLI_EXPLAIN_H
#define CLI_EXPLAIN_H

#include "bench.h"

enum { EXPLAIN_ENGINES = CLXENT_ENGINE_ROW_SPLIT };

typedef enum explain_state { EXPLAIN_IN_USE, EXPLAIN_NOT_CHOSEN, EXPLAIN_REFUSED } explain_state;

typedef struct explain_engine {
    const char *name;
    explain_state state;
    char reason[512];
} explain_engine;

typedef struct explanation {
    bench_case what;
    clxent_plan_info info;
    double plan_ms; /* making the plan took */
    explain_engine engines[EXPLAIN_ENGINES];
    bench_traffic traffic;
    const char *ceiling; /* "read", "copy", ... */
    double ceiling_gbps;
    double least_ms; /* the bytes at the speed of the ceiling, and as many empty kernels as a call launches */
} explanation;

/* In explain_report.c: for people, and as JSON. */
void explain_print(const bench *b, const explanation *all);
void explain_print_json(const bench *b, const explanation *all);

#endif
