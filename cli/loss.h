/* What the commands of the losses share: reading, checking and running one. */
#ifndef CLI_LOSS_H
#define CLI_LOSS_H

#include "job.h"

/* Runs a command that computes a loss: `run` of its cli_command, but for the operation. */
int run_loss(const cli_command *self, const cli_arguments *given, clxent_op op);

/* The shape of the loss, and of the gradient that comes in. */
shape_view loss_shape(const cli_job *job);

#endif
