/* What the tests of linear cross-entropy on the device share: a table of calls, and the tensors of each. */
#ifndef LINEAR_LINES_H
#define LINEAR_LINES_H

#include "device_cases.h"

enum {
    WEIGHTED = 1,
    SAMPLES = 2,
    BIAS = 4,
    SMOOTH = 8,
    SCALED = 16,
    CAPPED = 32,
    ZLOSS = 64,
    INCOMING = 128,
    ADD = 256,
    ALL_IGNORED = 512,
    SAVED_LSE = 1024,
    PADDED = 2048,
    SQUARES = 4096,
    FILTER = 8192
};

typedef struct linear_line {
    size_t batch, features, classes, chunk; /* chunk: rows that the workspace is to have room for; 0: as it comes */
    clxent_dtype dtype;
    clxent_target_type target_type;
    clxent_reduction reduction;
    unsigned options;
} linear_line;

enum { LINEAR_LINES = 19 };
extern const linear_line linear_lines[LINEAR_LINES];

/* The tensors of a call. What is written is there twice, for the device and for the reference. */
typedef struct linear_tensors {
    clxent_desc desc;
    size_t stride;
    clxent_host_args args[2];
    void *arrays[24];
    size_t count;
} linear_tensors;

/* Makes the tensors that a line has in a pass, with random numbers, the same for the same seed; inputs are shared by both sides. */
void make_linear_tensors(linear_tensors *d, const linear_line *l, clxent_pass pass, uint64_t seed);
void drop_linear_tensors(linear_tensors *d);

#define LINEAR_MEMBER(name) offsetof(clxent_host_args, name)

clxent_dtype linear_real_type(clxent_dtype dtype);

/* Sets a workspace_limit with room for so many rows; 0: none. With a gpu_group that is not 0 the device passes for a GPU whose groups
 * have at most so many work-items; so also below. */
void limit_linear_chunk(linear_tensors *d, size_t chunk, size_t gpu_group);

/* clxent_run in a context of its own: Oclgrind 21.10 takes what lies in memory that a context has let go and got anew, as clxent_run
 * does for tensors that grow, for uninitialised. */
clxent_status run_linear_apart(const clxent_desc *desc, const clxent_host_args *args, size_t gpu_group);

bool is_simulator(void);
bool is_line_for_device(const linear_line *l);

void expect_success(clxent_status status);

#endif
