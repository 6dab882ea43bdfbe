/* The parts of multi_device.c: what is to be computed (multi_device_text.c), the devices (multi_device_find.c), and the share
 * that one of them has (multi_device_share.c). */
#ifndef MULTI_DEVICE_H
#define MULTI_DEVICE_H

#include <clxent.h>
#include <stdbool.h>

enum { MOST_DEVICES = 16, IGNORED = 0, MOST_CLASSES = 272 };

/* A batch in host memory: a row of logits for each target, which may be IGNORED. */
typedef struct job {
    size_t rows, classes;
    float *logits;
    int32_t *target;
    float weight[MOST_CLASSES]; /* of a class, above 0, and at most 1 */
} job;

/* What a device has: all of it is its own, for OpenCL objects of different contexts do not mix. */
typedef struct share {
    cl_device_id root, device; /* device: root, or a part of it */
    cl_uint units;             /* compute units of the device */
    size_t first, rows;        /* of the job; with no rows all that follows stays null */
    clxent_context *context;
    cl_command_queue queue; /* in order */
    clxent_plan *plan;
    cl_mem logits, target, weight, loss, incoming, workspace; /* logits: and, in place, their gradient */
    cl_event begun, done;                                     /* the first upload and the last download of a step */
    float loss_value, incoming_value;                         /* in host memory, what loss and incoming hold */
    double milliseconds; /* from begun to done, by the clock of the device; 0 where it has none */
} share;

/* Takes from the files as many rows as job.rows says. On failure says why on stderr; job_destroy is due in any case. */
bool job_create(job *j, int files, char **paths);

void job_destroy(job *j);

/* Whether `status` is success; if not, says on stderr what failed. clxent says so itself: `what` is null for its calls. */
bool ok(int status, const char *what);

/* Sets the device and its units in the shares. Names are separated by commas. One that stands alone is split, or else gets two
 * shares. On failure says why on stderr; share_destroy is due for the *count shares in any case. */
bool find_devices(const char *names, share s[MOST_DEVICES], size_t *count);

/* All that takes time or can be refused; root, device, first and rows are set. The loss is the sum of the rows, or their
 * mean. On failure says why on stderr; share_destroy is due in any case. */
bool share_create(share *s, const job *j, clxent_reduction reduction);

/* Begins a step and does not wait for it: uploads the rows of the share, computes, downloads the loss, and the gradient into
 * its place in `grad`, which has all rows of the job. `incoming` multiplies the gradient. */
bool share_enqueue(share *s, const job *j, float incoming, float *grad);

/* Waits for the end of the step. */
bool share_wait(share *s);

void share_destroy(share *s);

#endif
