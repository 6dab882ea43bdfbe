/* os.h on POSIX systems: Linux, macOS, the BSDs. */
#define _XOPEN_SOURCE 700
#define _FILE_OFFSET_BITS 64

#include "os.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/* ---- what a name stands for ---- */

static void describe(const struct stat *from, os_info *info) {
    info->kind = S_ISREG(from->st_mode) ? OS_FILE : S_ISDIR(from->st_mode) ? OS_FOLDER : OS_OTHER;
    info->bytes = (uint64_t)from->st_size;
}

bool os_look(const char *path, os_info *info) {
    struct stat found;
    if (stat(path, &found) != 0)
        return false;
    describe(&found, info);
    return true;
}

char *os_full_name(const char *path) {
    return realpath(path, NULL);
}

const char *os_base_name(const char *path) {
    const char *slash = strrchr(path, '/');
    return slash != NULL ? slash + 1 : path;
}

bool os_same_name(const char *a, const char *b) {
    return strcmp(a, b) == 0;
}

/* ---- files ---- */

int os_open(const char *path) {
    return open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
}

int os_create(const char *path) {
    return open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
}

bool os_look_at(int file, os_info *info) {
    struct stat found;
    if (fstat(file, &found) != 0)
        return false;
    describe(&found, info);
    return true;
}

ptrdiff_t os_read(int file, void *buffer, size_t bytes) {
    return read(file, buffer, bytes);
}

ptrdiff_t os_write(int file, const void *bytes, size_t count) {
    return write(file, bytes, count);
}

bool os_seek(int file, uint64_t offset) {
    return lseek(file, (off_t)offset, SEEK_SET) >= 0;
}

bool os_close(int file) {
    return close(file) == 0;
}

FILE *os_stream(int file) {
    return fdopen(file, "w");
}

bool os_replace(const char *from, const char *to) {
    return rename(from, to) == 0;
}

bool os_remove(const char *path) {
    return unlink(path) == 0;
}

/* ---- the process ---- */

unsigned long os_process_id(void) {
    return (unsigned long)getpid();
}

static void (*clean_up)(void);

static void end(int number) {
    clean_up();
    raise(number); /* which takes effect, by the default action, when this returns */
}

void os_on_interrupt(void (*clean)(void)) {
    static const int numbers[] = {SIGINT, SIGTERM, SIGHUP};
    clean_up = clean;
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        struct sigaction action = {.sa_handler = end, .sa_flags = (int)SA_RESETHAND}, before;
        sigemptyset(&action.sa_mask);
        if (sigaction(numbers[i], NULL, &before) == 0 && before.sa_handler == SIG_DFL)
            sigaction(numbers[i], &action, NULL);
    }
}

bool os_is_terminal(FILE *stream) {
    return isatty(fileno(stream)) != 0;
}

double os_seconds(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

void *os_allocate_aligned(size_t alignment, size_t bytes) {
    return aligned_alloc(alignment, bytes);
}

void os_free_aligned(void *block) {
    free(block);
}
