/* A mutex. The one place to change for a platform without POSIX threads. */
#ifndef CLX_LOCK_H
#define CLX_LOCK_H

#include <pthread.h>

typedef pthread_mutex_t clx_lock;

static inline int clx_lock_init(clx_lock *lock) {
    return pthread_mutex_init(lock, NULL);
}
static inline void clx_lock_destroy(clx_lock *lock) {
    pthread_mutex_destroy(lock);
}
static inline void clx_lock_acquire(clx_lock *lock) {
    pthread_mutex_lock(lock);
}
static inline void clx_lock_release(clx_lock *lock) {
    pthread_mutex_unlock(lock);
}

#endif
