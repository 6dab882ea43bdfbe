/* What is being done, as one line on standard error that is written over and over. Only a terminal gets it: in a pipe or a
 * file it would be noise among the complaints. */
#ifndef CLI_PROGRESS_H
#define CLI_PROGRESS_H

#include "message.h"

#include <stddef.h>

/* "2 of 5: SENTENCE"; `done` counts from 0. */
void progress_show(size_t done, size_t all, const char *format, ...) CLI_PRINTF(3, 4);

void progress_clear(void);

#endif
