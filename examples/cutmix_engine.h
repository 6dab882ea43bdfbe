/* The OpenCL objects of cutmix.c: its queue, buffers and kernels, and clxent's plans beside them. */
#ifndef CUTMIX_ENGINE_H
#define CUTMIX_ENGINE_H

#include "digits_io.h"

#include <clxent.h>

/* BATCH images are mixed and learned at a time, as often as full batches fit into the TRAIN images of an epoch. */
enum { TRAIN = 1437, TEST = IMAGES - TRAIN, BATCH = 64, STEPS = TRAIN / BATCH, HIDDEN = 128 };
enum { WEIGHTS1 = (PIXELS + 1) * HIDDEN, WEIGHTS2 = (HIDDEN + 1) * DIGITS };

/* What a step does, in this order. Each has its event and, but for UPLOAD and LOSS, its kernel. */
enum stage { UPLOAD, MIX, LAYER1, LAYER2, LOSS, BACK, LEARN2, LEARN1, STAGES };

enum buffer {
    PIXEL,      /* all images */
    LABEL,      /* all labels */
    ORDER,      /* images in the order of an epoch, then the partner of each */
    IMAGE,      /* a batch, mixed: in testing, all test images */
    TARGET,     /* its labels */
    TARGET2,    /* its partners' labels */
    STAY,       /* share of the pixels that are not replaced by the partner's: 1 number */
    UNITS,      /* hidden units */
    LOGITS,     /* and, in place, their gradient */
    GRAD_UNITS, /* gradient of the hidden units */
    WEIGHT1,
    WEIGHT2,
    VELOCITY1,
    VELOCITY2,
    LOSSES,  /* one for each step of an epoch, and that of the test */
    BEST,    /* argmax of the test images */
    CORRECT, /* how many of them are right */
    WORKSPACE,
    BUFFERS
};

typedef struct engine {
    cl_context cl;
    cl_command_queue queue;
    cl_program program;
    cl_kernel kernel[STAGES];
    cl_mem buffer[BUFFERS];
    cl_event done[STAGES]; /* the event of the stage, as it was last enqueued; null before */
    clxent_context *context;
    clxent_plan *training, *testing;
} engine;

/* Whether `status` is success; if not, says on stderr what failed. clxent says so itself: `what` is null for its calls. */
bool ok(int status, const char *what);

/* Makes everything. On failure says why on stderr; engine_destroy is due in any case. */
bool engine_create(engine *e, digits *data);

void engine_destroy(engine *e);

#endif
