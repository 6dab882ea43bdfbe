/* The file that a picture is written to: under a temporary name beside its own until it is whole. */
#include "bench_plot_file.h"

#include "message.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int refuse(const char *path, const char *why) {
    return complain("cannot write %s: %s", path, why);
}

/* What is there is followed where it is a link, and must be a regular file. */
static char *find_target(const char *path) {
    struct stat info;
    if (stat(path, &info) != 0)
        return errno == ENOENT ? strdup(path) : NULL;
    if (S_ISREG(info.st_mode))
        return realpath(path, NULL);
    errno = S_ISDIR(info.st_mode) ? EISDIR : EINVAL;
    return NULL;
}

static void free_names(bench_plot_file *file) {
    free(file->target);
    free(file->temporary);
}

int bench_plot_open(bench_plot_file *file, const char *path) {
    *file = (bench_plot_file){.path = path, .target = find_target(path)};
    if (file->target == NULL)
        return refuse(path, strerror(errno));
    size_t size = strlen(file->target) + 32;
    file->temporary = malloc(size);
    if (file->temporary == NULL) {
        free_names(file);
        return refuse(path, strerror(ENOMEM));
    }
    snprintf(file->temporary, size, "%s.%ld.tmp", file->target, (long)getpid());
    int fd = open(file->temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    file->stream = fd >= 0 ? fdopen(fd, "w") : NULL;
    if (file->stream != NULL)
        return STATUS_OK;
    int error = errno;
    if (fd >= 0) {
        close(fd);
        unlink(file->temporary);
    }
    free_names(file);
    return refuse(path, strerror(error));
}

int bench_plot_close(bench_plot_file *file, bool keep) {
    int status = STATUS_OK;
    bool written = fflush(file->stream) == 0 && !ferror(file->stream);
    int error = errno;
    if (fclose(file->stream) != 0 && written) {
        written = false;
        error = errno;
    }
    if (keep && written && rename(file->temporary, file->target) != 0) {
        written = false;
        error = errno;
    }
    if (!written)
        status = refuse(file->path, strerror(error));
    if (!keep || !written)
        unlink(file->temporary);
    free_names(file);
    return status;
}
