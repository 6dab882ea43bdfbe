/* The targets of a loss: class indices, or probabilities. */
#ifndef CLI_TARGETS_H
#define CLI_TARGETS_H

#include "job.h"

/* Reads the target, and the second one where it is given; checks types and shapes, sets target_type of the descriptor,
 * and counts the rows that are ignored. The input has been read. */
int read_targets(cli_job *job);

#endif
