/* What a loss reads beside input and targets: weights, and the gradient that comes in. */
#ifndef CLI_LOSS_ARRAYS_H
#define CLI_LOSS_ARRAYS_H

#include "job.h"

/* Reads those that are given and checks their types and shapes; input and targets have been read. */
int read_loss_arrays(cli_job *job);

#endif
