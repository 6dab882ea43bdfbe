/* Complaints: one sentence each on standard error. */
#include "message.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

int complain(const char *format, ...) {
    va_list values;
    va_start(values, format);
    fputs("clxent: ", stderr);
    vfprintf(stderr, format, values);
    fputc('\n', stderr);
    va_end(values);
    return STATUS_FAILED;
}

int complain_usage(const char *command, const char *format, ...) {
    va_list values;
    va_start(values, format);
    fputs("clxent: ", stderr);
    vfprintf(stderr, format, values);
    if (command == NULL)
        fputs(" (see `clxent --help`)\n", stderr);
    else
        fprintf(stderr, " (see `clxent %s --help`)\n", command);
    va_end(values);
    return STATUS_USAGE;
}

int flush_output(void) {
    errno = 0;
    if (fflush(stdout) == 0 && !ferror(stdout))
        return STATUS_OK;
    return complain("cannot write to standard output: %s", errno != 0 ? strerror(errno) : "an earlier write failed");
}
