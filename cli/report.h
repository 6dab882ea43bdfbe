/* What a run prints: two or three lines for people, or one JSON object. */
#ifndef CLI_REPORT_H
#define CLI_REPORT_H

#include "job.h"

void print_report(const cli_job *job, const cli_device *device);

#endif
