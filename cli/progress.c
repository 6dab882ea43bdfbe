/* What is being done, as one line on standard error, where that is a terminal. */
#include "progress.h"

#include "os.h"

#include <stdarg.h>
#include <stdio.h>

void progress_show(size_t done, size_t all, const char *format, ...) {
    if (!os_is_terminal(stderr))
        return;
    va_list values;
    va_start(values, format);
    fprintf(stderr, "\r\033[K%zu of %zu: ", done + 1, all);
    vfprintf(stderr, format, values);
    va_end(values);
}

void progress_clear(void) {
    if (os_is_terminal(stderr))
        fputs("\r\033[K", stderr);
}
