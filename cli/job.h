/* One run of an operation, from files to files. softmax.c and loss.c say what to read and which passes to run; the rest
 * is the same for all operations: read the input, compute, verify, print, write. */
#ifndef CLI_JOB_H
#define CLI_JOB_H

#include "clxent.h"
#include "device.h"
#include "dtype.h"
#include "npy.h"
#include "options.h"
#include "shape.h"

typedef struct results {
    npy_array output, lse, argmax, grad; /* data is NULL for those that are not asked for */
    uint64_t correct;                    /* rows that count and have argmax equal to their target */
} results;

typedef struct cli_job {
    const cli_command *command;
    const cli_arguments *given;
    clxent_desc desc;
    const cli_dtype *type;
    bool elementwise; /* a loss of each element, not of each row */
    class_axis axis;
    npy_array input, target, target2, weight, sample_weight, pos_weight, grad_output; /* no data: not given */
    results results;
    clxent_pass passes[2]; /* in the order to run them */
    size_t pass_count;
    size_t rows, ignored;
    bool counts_correct;
    size_t counted; /* rows whose target is a class, among which `correct` counts */
    const char *engine;
    double ms;           /* all passes */
    double max_error;    /* of all results but argmax, against the reference */
    size_t argmax_error; /* rows in which argmax is another one than the reference's */
} cli_job;

/* An empty job with the descriptor's defaults. */
void job_init(cli_job *job, const cli_command *command, const cli_arguments *given, clxent_op op);

/* Reads the input and finds its storage type and the class axis in it; sets dtype and shape of the descriptor. Without
 * --axis, `axis` is the class axis where there is one, else the last. */
int job_read_input(cli_job *job, int64_t axis);

/* Reads another array, which must be of this type, named by an option, if that is given. */
int job_read_numbers(const cli_job *job, option_id id, npy_type type, npy_array *array);

/* Computes, verifies, prints and writes. */
int job_run(cli_job *job);

void job_free(cli_job *job);

/* Reads a file; complains on failure, naming it. */
int read_array(const char *path, npy_array *array);

/* Makes a result; complains when there is no memory. */
int create_result(npy_array *array, npy_type type, shape_view shape);

#endif
