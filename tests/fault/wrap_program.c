/* Wrappers of what else allocates, for the program; the library calls none of them. */
#include "wrap.h"

#include <stdlib.h>
#include <string.h>

WRAPS(void *, aligned_alloc, size_t alignment, size_t size)
WRAPS(char *, strdup, const char *text)
WRAPS(char *, strndup, const char *text, size_t size)
WRAPS(char *, realpath, const char *path, char *resolved)

void *__wrap_aligned_alloc(size_t alignment, size_t size) {
    void *block = fault_pass_memory() ? NULL : __real_aligned_alloc(alignment, size);
    fault_count(FAULT_BLOCK, block != NULL);
    return block;
}

char *__wrap_strdup(const char *text) {
    char *block = fault_pass_memory() ? NULL : __real_strdup(text);
    fault_count(FAULT_BLOCK, block != NULL);
    return block;
}

char *__wrap_strndup(const char *text, size_t size) {
    char *block = fault_pass_memory() ? NULL : __real_strndup(text, size);
    fault_count(FAULT_BLOCK, block != NULL);
    return block;
}

char *__wrap_realpath(const char *path, char *resolved) {
    char *block = resolved == NULL && fault_pass_memory() ? NULL : __real_realpath(path, resolved);
    fault_count(FAULT_BLOCK, resolved == NULL && block != NULL);
    return block;
}
