/* The launches of a call of linear cross-entropy, each behind the one before, and the arguments of their kernels. */
#ifndef CLX_LINEAR_CHAIN_H
#define CLX_LINEAR_CHAIN_H

#include "linear.h"

typedef struct clx_chain {
    const clx_linear_call *call;
    clxent_plan *plan;
    const clx_linear *l;
    cl_uint wait_count; /* of what comes next */
    const cl_event *wait_list;
    bool wants_last; /* does the caller want the event of the last? */
    size_t left;     /* launches to come */
    cl_event before; /* what the next one waits for, else NULL */
} clx_chain;

bool clx_chain_has(const clx_chain *c, clx_tensor tensor);

/* Is the next launch to give an event? What it gave, or NULL, goes to clx_chain_advance. */
bool clx_chain_wants_event(clx_chain *c);
void clx_chain_advance(clx_chain *c, cl_event done);

clxent_status clx_chain_launch(clx_chain *c, cl_kernel kernel, const char *name, size_t items, size_t group);

/* Arguments of a kernel, one after the other; the first refusal stays. */
typedef struct clx_setter {
    clx_chain *c;
    clx_linear_kernel kernel;
    cl_uint next;
    clxent_status status;
} clx_setter;

clx_setter clx_begin(clx_chain *c, clx_linear_kernel kernel);
void clx_set_memory(clx_setter *s, cl_mem mem, size_t offset);
void clx_set_tensor(clx_setter *s, clx_tensor tensor); /* null where there is none */
void clx_set_workspace(clx_setter *s, size_t offset);
void clx_set_long(clx_setter *s, uint64_t value);
void clx_set_bits(clx_setter *s, cl_uint bits);

/* Launches it, with work-items for so many things to do, which they share out among themselves. */
clxent_status clx_finish(clx_setter *s, size_t things);

#endif
