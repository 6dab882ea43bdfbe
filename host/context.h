/* A context: what its plans share (core), and what clxent_run keeps between calls. */
#ifndef CLX_CONTEXT_H
#define CLX_CONTEXT_H

#include "core.h"
#include "runner.h"

struct clxent_context {
    clx_core *core;
    clx_runner runner;
};

#endif
