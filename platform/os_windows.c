/* os.h on Windows. */
#include "os.h"

#define WIN32_LEAN_AND_MEAN
#include <windows.h>

#include <errno.h>
#include <fcntl.h>
#include <io.h>
#include <limits.h>
#include <malloc.h>
#include <stdlib.h>
#include <string.h>

/* The last error of Windows, in the words of the C library. */
static void set_errno(void) {
    switch (GetLastError()) {
    case ERROR_FILE_NOT_FOUND:
    case ERROR_PATH_NOT_FOUND:
    case ERROR_INVALID_NAME:
    case ERROR_BAD_PATHNAME:
    case ERROR_BAD_NETPATH:
    case ERROR_INVALID_DRIVE:
        errno = ENOENT;
        break;
    case ERROR_ACCESS_DENIED:
    case ERROR_SHARING_VIOLATION:
    case ERROR_WRITE_PROTECT:
        errno = EACCES;
        break;
    case ERROR_FILE_EXISTS:
    case ERROR_ALREADY_EXISTS:
        errno = EEXIST;
        break;
    case ERROR_DISK_FULL:
    case ERROR_HANDLE_DISK_FULL:
        errno = ENOSPC;
        break;
    case ERROR_NOT_ENOUGH_MEMORY:
    case ERROR_OUTOFMEMORY:
        errno = ENOMEM;
        break;
    case ERROR_FILENAME_EXCED_RANGE:
        errno = ENAMETOOLONG;
        break;
    default:
        errno = EIO;
    }
}

/* ---- what a name stands for ---- */

/* A handle to look at a file or folder with, which keeps nobody from it. */
static HANDLE open_to_look(const char *path) {
    const DWORD share = FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE;
    HANDLE handle = CreateFileA(path, 0, share, NULL, OPEN_EXISTING, FILE_FLAG_BACKUP_SEMANTICS, NULL);
    if (handle == INVALID_HANDLE_VALUE)
        set_errno();
    return handle;
}

/* Not by the C library's stat, which takes NUL, CON and the like for files. */
static bool describe(HANDLE handle, os_info *info) {
    BY_HANDLE_FILE_INFORMATION found;
    *info = (os_info){.kind = OS_OTHER};
    if (GetFileType(handle) != FILE_TYPE_DISK)
        return true;
    if (!GetFileInformationByHandle(handle, &found)) {
        set_errno();
        return false;
    }
    info->kind = (found.dwFileAttributes & FILE_ATTRIBUTE_DIRECTORY) != 0 ? OS_FOLDER : OS_FILE;
    info->bytes = (uint64_t)found.nFileSizeHigh << 32 | found.nFileSizeLow;
    return true;
}

bool os_look(const char *path, os_info *info) {
    HANDLE handle = open_to_look(path);
    if (handle == INVALID_HANDLE_VALUE)
        return false;
    const bool done = describe(handle, info);
    CloseHandle(handle);
    return done;
}

char *os_full_name(const char *path) {
    HANDLE handle = open_to_look(path);
    if (handle == INVALID_HANDLE_VALUE)
        return NULL;
    const DWORD size = GetFinalPathNameByHandleA(handle, NULL, 0, FILE_NAME_NORMALIZED);
    char *name = size > 0 ? malloc((size_t)size + 1) : NULL;
    if (size == 0) {
        set_errno();
    } else if (name == NULL) {
        errno = ENOMEM;
    } else if (GetFinalPathNameByHandleA(handle, name, size + 1, FILE_NAME_NORMALIZED) == 0) {
        set_errno();
        free(name);
        name = NULL;
    }
    CloseHandle(handle);
    return name;
}

/* What stands behind the last of "\", "/" and a drive's ":". */
const char *os_base_name(const char *path) {
    const char *base = path;
    for (const char *at = path; *at != '\0'; at++)
        if (*at == '\\' || *at == '/' || (*at == ':' && at == path + 1))
            base = at + 1;
    return base;
}

bool os_same_name(const char *a, const char *b) {
    return _stricmp(a, b) == 0;
}

/* ---- files ---- */

int os_open(const char *path) {
    return _open(path, _O_RDONLY | _O_BINARY | _O_NOINHERIT);
}

int os_create(const char *path) {
    HANDLE handle = CreateFileA(path, GENERIC_WRITE, FILE_SHARE_READ | FILE_SHARE_DELETE, NULL, CREATE_NEW,
                                FILE_ATTRIBUTE_NORMAL, NULL);
    if (handle == INVALID_HANDLE_VALUE) {
        set_errno();
        return -1;
    }
    const int file = _open_osfhandle((intptr_t)handle, _O_BINARY);
    if (file < 0) {
        const int error = errno;
        CloseHandle(handle);
        DeleteFileA(path);
        errno = error;
    }
    return file;
}

bool os_look_at(int file, os_info *info) {
    return describe((HANDLE)_get_osfhandle(file), info);
}

ptrdiff_t os_read(int file, void *buffer, size_t bytes) {
    return _read(file, buffer, bytes < INT_MAX ? (unsigned)bytes : INT_MAX);
}

ptrdiff_t os_write(int file, const void *bytes, size_t count) {
    return _write(file, bytes, count < INT_MAX ? (unsigned)count : INT_MAX);
}

bool os_seek(int file, uint64_t offset) {
    return _lseeki64(file, (int64_t)offset, SEEK_SET) >= 0;
}

bool os_close(int file) {
    return _close(file) == 0;
}

FILE *os_stream(int file) {
    return _fdopen(file, "wb");
}

bool os_replace(const char *from, const char *to) {
    const bool done = MoveFileExA(from, to, MOVEFILE_REPLACE_EXISTING);
    if (!done)
        set_errno();
    return done;
}

bool os_remove(const char *path) {
    const bool done = DeleteFileA(path);
    if (!done)
        set_errno();
    return done;
}

/* ---- the process ---- */

unsigned long os_process_id(void) {
    return GetCurrentProcessId();
}

static void (*clean_up)(void);

static BOOL WINAPI end(DWORD event) {
    (void)event;
    clean_up();
    return FALSE; /* the default handler then ends the program */
}

void os_on_interrupt(void (*clean)(void)) {
    clean_up = clean;
    SetConsoleCtrlHandler(end, TRUE);
}

bool os_is_terminal(FILE *stream) {
    return _isatty(_fileno(stream)) != 0;
}

double os_seconds(void) {
    LARGE_INTEGER count, frequency;
    QueryPerformanceCounter(&count);
    QueryPerformanceFrequency(&frequency);
    return (double)count.QuadPart / (double)frequency.QuadPart;
}

void *os_allocate_aligned(size_t alignment, size_t bytes) {
    return _aligned_malloc(bytes, alignment);
}

void os_free_aligned(void *block) {
    _aligned_free(block);
}
