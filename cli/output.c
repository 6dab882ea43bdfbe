/* The files that a run writes: all of them or none. */
#include "output.h"

#include "interrupt.h"
#include "message.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int refuse(const char *path, const char *why) {
    return complain("cannot write %s: %s", path, why);
}

/* The full name of a file that does not exist yet, or NULL. Full, so that two spellings of one name compare equal. */
static char *full_name(const char *path) {
    const char *slash = strrchr(path, '/'), *base = slash != NULL ? slash + 1 : path;
    char *parent = slash == NULL ? strdup(".") : slash == path ? strdup("/") : strndup(path, (size_t)(slash - path));
    char *directory = parent != NULL ? realpath(parent, NULL) : NULL;
    size_t size = directory != NULL ? strlen(directory) + strlen(base) + 2 : 0;
    char *name = directory != NULL ? malloc(size) : NULL;
    if (name != NULL)
        snprintf(name, size, "%s/%s", directory, base);
    free(parent);
    free(directory);
    return name;
}

/* The file that `path` stands for: where it is a link, what it points to, so that the link survives. A target that is
 * not a regular file would be replaced by one (think of /dev/null): it is refused. */
static int find_target(const char *path, char **target) {
    struct stat info;
    *target = NULL;
    if (stat(path, &info) == 0) {
        if (!S_ISREG(info.st_mode))
            return refuse(path, S_ISDIR(info.st_mode) ? strerror(EISDIR) : "not a regular file");
        *target = realpath(path, NULL);
    } else if (errno == ENOENT) {
        *target = full_name(path);
    }
    return *target == NULL ? refuse(path, strerror(errno)) : STATUS_OK;
}

/* Makes a file that did not exist before, with the permissions that any new file gets. */
static int open_temporary(const char *target, char **name) {
    enum { ATTEMPTS = 100 };
    size_t size = strlen(target) + 48;
    *name = malloc(size);
    if (*name == NULL)
        return -1;
    int fd = -1;
    for (int i = 0; i < ATTEMPTS; i++) {
        snprintf(*name, size, "%s.%ld-%d.tmp", target, (long)getpid(), i);
        if (!interrupt_guard(*name)) { /* before it is made, so that there is no moment in between */
            errno = ENAMETOOLONG;
            break;
        }
        fd = open(*name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
        if (fd >= 0)
            break;
        int error = errno;
        interrupt_release(*name);
        errno = error;
        if (error != EEXIST)
            break;
    }
    if (fd < 0) {
        int error = errno;
        free(*name);
        *name = NULL;
        errno = error;
    }
    return fd;
}

static bool write_fully(int fd, const void *bytes, size_t count) {
    const size_t most = (size_t)1 << 30; /* some systems take no more at once */
    const char *at = bytes;
    while (count > 0) {
        ssize_t n = write(fd, at, count < most ? count : most);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return false;
        at += n;
        count -= (size_t)n;
    }
    return true;
}

static bool write_array(int fd, npy_array *array) {
    unsigned char header[NPY_MAX_HEADER];
    size_t length = npy_format_header(array, header);
    npy_swap_on_big_endian(array);
    bool written = write_fully(fd, header, length) && write_fully(fd, array->data, npy_bytes(array));
    npy_swap_on_big_endian(array);
    return written;
}

int outputs_open(outputs *all, const char *path, int *fd) {
    output *out = &all->list[all->count];
    int status = find_target(path, &out->target);
    if (status != STATUS_OK)
        return status;
    all->count++; /* from here on outputs_close frees it */
    for (size_t i = 0; i + 1 < all->count; i++)
        if (strcmp(all->list[i].target, out->target) == 0)
            return refuse(path, "two outputs of this run have that name");
    *fd = open_temporary(out->target, &out->temporary);
    return *fd >= 0 ? STATUS_OK : refuse(path, strerror(errno));
}

int outputs_write(outputs *all, const char *path, npy_array *array) {
    int fd = -1, status = outputs_open(all, path, &fd);
    if (status != STATUS_OK)
        return status;
    bool written = write_array(fd, array);
    int error = errno;
    if (close(fd) != 0 && written) {
        written = false;
        error = errno;
    }
    return written ? STATUS_OK : refuse(path, strerror(error));
}

int outputs_commit(outputs *all) {
    for (size_t i = 0; i < all->count; i++) {
        output *out = &all->list[i];
        if (rename(out->temporary, out->target) != 0)
            return refuse(out->target, strerror(errno));
        interrupt_release(out->temporary);
        free(out->temporary);
        out->temporary = NULL;
    }
    return STATUS_OK;
}

void outputs_close(outputs *all) {
    for (size_t i = 0; i < all->count; i++) {
        output *out = &all->list[i];
        if (out->temporary != NULL) {
            unlink(out->temporary);
            interrupt_release(out->temporary);
        }
        free(out->temporary);
        free(out->target);
    }
    all->count = 0;
}
