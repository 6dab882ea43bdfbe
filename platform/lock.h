/* A mutex. */
#ifndef CLX_LOCK_H
#define CLX_LOCK_H

#ifdef _WIN32

#ifndef WIN32_LEAN_AND_MEAN
#define WIN32_LEAN_AND_MEAN
#endif
#include <windows.h>

typedef SRWLOCK clx_lock;

static inline int clx_lock_init(clx_lock *lock) {
    InitializeSRWLock(lock);
    return 0;
}
static inline void clx_lock_destroy(clx_lock *lock) {
    (void)lock; /* which holds nothing */
}
static inline void clx_lock_acquire(clx_lock *lock) {
    AcquireSRWLockExclusive(lock);
}
static inline void clx_lock_release(clx_lock *lock) {
    ReleaseSRWLockExclusive(lock);
}

#else

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

#endif
