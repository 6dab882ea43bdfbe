/* What the program asks of the operating system beyond the C library: files that replace others whole, full names, the clock,
 * the terminal, aligned memory, interrupts. os_posix.c and os_windows.c each have all of it; the library asks for a lock only
 * (lock.h).
 *
 * Functions that can fail set errno. File names are those of the C library: bytes on POSIX systems, the system's code page on
 * Windows. */
#ifndef CLX_OS_H
#define CLX_OS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define OS_PATH_MAX 4096 /* longer names are refused where a fixed place must hold one */

/* ---- what a name stands for ---- */

typedef enum os_kind { OS_FILE, OS_FOLDER, OS_OTHER } os_kind;

typedef struct os_info {
    os_kind kind;
    uint64_t bytes; /* of a file */
} os_info;

/* Links are followed. */
bool os_look(const char *path, os_info *info);

/* The full name of a file or folder that exists, links followed, so that two spellings of one name compare equal; the caller's
 * to free. NULL: it does not exist, or there is no memory. */
char *os_full_name(const char *path);

/* Stands between the parts of a full name. */
#ifdef _WIN32
#define OS_SEPARATOR "\\"
#else
#define OS_SEPARATOR "/"
#endif

/* The last part of a name: what stands behind its folders. */
const char *os_base_name(const char *path);

/* Are two full names the same to this system's files? */
bool os_same_name(const char *a, const char *b);

/* ---- files ---- */

/* Opens for reading, as bytes; does not wait where the name is a pipe's. -1: failed. */
int os_open(const char *path);

/* Makes a file that did not exist before, open for writing bytes, with the permissions that any new file gets. Even while it is
 * open it can be removed. -1: failed. */
int os_create(const char *path);

/* What is open. */
bool os_look_at(int file, os_info *info);

/* At most `bytes`, as read and write do. -1: failed. */
ptrdiff_t os_read(int file, void *buffer, size_t bytes);
ptrdiff_t os_write(int file, const void *bytes, size_t count);

bool os_seek(int file, uint64_t offset);
bool os_close(int file);

/* A stream that writes to the file and closes it. NULL: failed, and the file is still open. */
FILE *os_stream(int file);

/* Gives a file the name of another, which it replaces in one step. */
bool os_replace(const char *from, const char *to);

/* Also inside a handler of os_on_interrupt. */
bool os_remove(const char *path);

/* ---- the process ---- */

/* A number that no other process has. */
unsigned long os_process_id(void);

/* Has `clean` called when the user or the system ends the program (Ctrl-C, a closed terminal, SIGTERM), just before it ends. It
 * may be called at any moment, in any thread. What is set to be ignored stays ignored. */
void os_on_interrupt(void (*clean)(void));

/* Is a stream read by a person at a terminal? */
bool os_is_terminal(FILE *stream);

/* Seconds since some moment, by a clock that is never set. */
double os_seconds(void);

/* `bytes` is a multiple of `alignment`, a power of two. NULL: no memory. */
void *os_allocate_aligned(size_t alignment, size_t bytes);
void os_free_aligned(void *block);

#endif
