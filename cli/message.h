/* Complaints: one sentence each on standard error. They return the exit status, so that a refusal is one line:
 *     return complain("weight has %zu entries, the class axis has %zu", ...);                                    */
#ifndef CLI_MESSAGE_H
#define CLI_MESSAGE_H

#include "format.h"

#define CLI_PRINTF(at, first) CLX_PRINTF(at, first)

enum { STATUS_OK = 0, STATUS_FAILED = 1, STATUS_USAGE = 2 };

/* "clxent: SENTENCE"; returns STATUS_FAILED. */
int complain(const char *format, ...) CLI_PRINTF(1, 2);

/* The same for a command line that makes no sense, pointing at `clxent COMMAND --help` (at `clxent --help` with NULL);
 * returns STATUS_USAGE. */
int complain_usage(const char *command, const char *format, ...) CLI_PRINTF(2, 3);

/* Flushes standard output: results that did not arrive (a full disk, a closed pipe) are a failure too. */
int flush_output(void);

#endif
