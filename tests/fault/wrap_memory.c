/* Wrappers of the heap and of locks. */
#include "wrap.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>

WRAPS(void *, malloc, size_t size)
WRAPS(void *, calloc, size_t count, size_t size)
WRAPS(void *, realloc, void *block, size_t size)
WRAPS(void, free, void *block)
WRAPS(int, pthread_mutex_init, pthread_mutex_t *lock, const pthread_mutexattr_t *attributes)
WRAPS(int, pthread_mutex_destroy, pthread_mutex_t *lock)

void *__wrap_malloc(size_t size) {
    void *block = fault_pass_memory() ? NULL : __real_malloc(size);
    fault_count(FAULT_BLOCK, block != NULL);
    return block;
}

void *__wrap_calloc(size_t count, size_t size) {
    void *block = fault_pass_memory() ? NULL : __real_calloc(count, size);
    fault_count(FAULT_BLOCK, block != NULL);
    return block;
}

void *__wrap_realloc(void *block, size_t size) {
    void *moved = fault_pass_memory() ? NULL : __real_realloc(block, size);
    fault_count(FAULT_BLOCK, block == NULL && moved != NULL);
    return moved;
}

void __wrap_free(void *block) {
    fault_count(FAULT_BLOCK, block != NULL ? -1 : 0);
    __real_free(block);
}

int __wrap_pthread_mutex_init(pthread_mutex_t *lock, const pthread_mutexattr_t *attributes) {
    int error = fault_pass_memory() ? ENOMEM : __real_pthread_mutex_init(lock, attributes);
    fault_count(FAULT_LOCK, error == 0);
    return error;
}

int __wrap_pthread_mutex_destroy(pthread_mutex_t *lock) {
    fault_count(FAULT_LOCK, -1);
    return __real_pthread_mutex_destroy(lock);
}
