/* Sentences of failures. */
#include "group.h"

#include <stdarg.h>
#include <stdio.h>

enum { SENTENCE = 1024 };

clxent_status clx_mpi_fail(clxent_status status, const char *format, ...) {
    char sentence[SENTENCE];
    va_list values;
    va_start(values, format);
    vsnprintf(sentence, sizeof sentence, format, values);
    va_end(values);
    clxent_set_last_error(sentence);
    return status;
}

clxent_status clx_mpi_cl(cl_int error, const char *what) {
    if (error == CL_SUCCESS)
        return CLXENT_SUCCESS;
    return clx_mpi_fail(error, "%s failed: %s (%d)", what, clxent_status_string(error), (int)error);
}

clxent_status clx_mpi_check(int error, const char *what) {
    char text[MPI_MAX_ERROR_STRING] = "";
    int length = 0;
    if (error == MPI_SUCCESS)
        return CLXENT_SUCCESS;
    if (MPI_Error_string(error, text, &length) != MPI_SUCCESS)
        length = 0;
    return clx_mpi_fail(CLXENT_MPI_FAILED, "%s failed: %.*s (%d)", what, length, text, error);
}
