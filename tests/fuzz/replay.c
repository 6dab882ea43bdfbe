/* Runs a fuzzer over files, so that every compiler and every run of the tests goes through the inputs that were kept.
 *
 *   fuzz_npy FILE_OR_FOLDER... */
#include "fuzz.h"

#include <dirent.h>
#include <string.h>
#include <sys/stat.h>

static size_t runs;

/* In memory of exactly its size, so that a read behind its end shows in a checker. */
static int run_file(const char *path, size_t size) {
    FILE *file = fopen(path, "rb");
    uint8_t *bytes = malloc(size > 0 ? size : 1);
    bool read = file != NULL && bytes != NULL && fread(bytes, 1, size, file) == size;
    if (read) {
        LLVMFuzzerTestOneInput(bytes, size);
        runs++;
    }
    free(bytes);
    if (file != NULL)
        fclose(file);
    return read ? 0 : -1;
}

static int run_path(const char *path);

static int run_folder(const char *path) {
    DIR *folder = opendir(path);
    int status = folder != NULL ? 0 : -1;
    for (struct dirent *entry; status == 0 && (entry = readdir(folder)) != NULL;) {
        char name[4096];
        int length = snprintf(name, sizeof name, "%s/%s", path, entry->d_name);
        if (entry->d_name[0] != '.')
            status = length < (int)sizeof name ? run_path(name) : -1;
    }
    if (folder != NULL)
        closedir(folder);
    return status;
}

static int run_path(const char *path) {
    struct stat info;
    if (stat(path, &info) != 0)
        return -1;
    return S_ISDIR(info.st_mode) ? run_folder(path) : run_file(path, (size_t)info.st_size);
}

int main(int count, char **words) {
    if (LLVMFuzzerInitialize(&count, &words) != 0)
        return 1;
    for (int i = 1; i < count; i++)
        if (run_path(words[i]) != 0) {
            perror(words[i]);
            return 1;
        }
    printf("%zu inputs replayed\n", runs);
    return runs > 0 ? 0 : 1;
}
