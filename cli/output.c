/* The files that a run writes: all of them or none. */
#include "output.h"

#include "interrupt.h"
#include "message.h"
#include "os.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int refuse(const char *path, const char *why) {
    return complain("cannot write %s: %s", path, why);
}

/* The folder of a name, "." in front of it where it has none; the caller's to free. */
static char *folder_of(const char *path) {
    const size_t length = (size_t)(os_base_name(path) - path);
    char *folder = malloc(length + 2);
    if (folder != NULL) {
        memcpy(folder, path, length);
        strcpy(folder + length, "."); /* "a/.", "/." and "." are folders on every system */
    }
    return folder;
}

/* The full name of a file that does not exist yet, or NULL. Full, so that two spellings of one name compare equal. */
static char *new_name(const char *path) {
    const char *base = os_base_name(path);
    char *folder = folder_of(path);
    char *full = folder != NULL ? os_full_name(folder) : NULL;
    size_t length = full != NULL ? strlen(full) : 0, size = length + strlen(base) + 2;
    char *name = full != NULL ? malloc(size) : NULL;
    if (name != NULL) /* the root has a separator at its end */
        snprintf(name, size, "%s%s%s", full, full[length - 1] == OS_SEPARATOR[0] ? "" : OS_SEPARATOR, base);
    free(folder);
    free(full);
    return name;
}

/* The file that `path` stands for: where it is a link, what it points to, so that the link survives. A target that is
 * not a regular file would be replaced by one (think of /dev/null): it is refused. */
static int find_target(const char *path, char **target) {
    os_info info;
    *target = NULL;
    if (os_look(path, &info)) {
        if (info.kind != OS_FILE)
            return refuse(path, info.kind == OS_FOLDER ? strerror(EISDIR) : "not a regular file");
        *target = os_full_name(path);
    } else if (errno == ENOENT) {
        *target = new_name(path);
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
        snprintf(*name, size, "%s.%lu-%d.tmp", target, os_process_id(), i);
        if (!interrupt_guard(*name)) { /* before it is made, so that there is no moment in between */
            errno = ENAMETOOLONG;
            break;
        }
        fd = os_create(*name);
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
        ptrdiff_t n = os_write(fd, at, count < most ? count : most);
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
        if (os_same_name(all->list[i].target, out->target))
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
    if (!os_close(fd) && written) {
        written = false;
        error = errno;
    }
    return written ? STATUS_OK : refuse(path, strerror(error));
}

int outputs_commit(outputs *all) {
    for (size_t i = 0; i < all->count; i++) {
        output *out = &all->list[i];
        if (!os_replace(out->temporary, out->target))
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
            os_remove(out->temporary);
            interrupt_release(out->temporary);
        }
        free(out->temporary);
        free(out->target);
    }
    all->count = 0;
}
