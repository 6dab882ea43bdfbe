/* Arbitrary words on the command line, one on each line of the input. The whole program runs, but on files that are not
 * there (fuzz_files.h) and on a machine without OpenCL: so every option, name, number and shape is looked at, and with
 * --device reference the operations compute. Whatever comes, the exit status is one of the documented ones and a refusal is
 * a sentence. */
#include "clxent.h"
#include "fuzz.h"
#include "message.h"
#include "program.h"

#include <string.h>

enum { MOST_WORDS = 64 };

int LLVMFuzzerInitialize(int *count, char ***words) {
    (void)count;
    (void)words;
    unsetenv("CLXENT_DEVICE");
    return 0;
}

cl_int __wrap_clGetPlatformIDs(cl_uint room, cl_platform_id *ids, cl_uint *count);
cl_int __wrap_clGetPlatformIDs(cl_uint room, cl_platform_id *ids, cl_uint *count) {
    (void)room;
    (void)ids;
    if (count != NULL)
        *count = 0;
    return CL_SUCCESS;
}

/* Each in memory of its own, behind the program's name; ended by NULL. */
static int split(const uint8_t *bytes, size_t size, char *words[MOST_WORDS + 2]) {
    int count = 0;
    words[count++] = strdup("clxent");
    while (size > 0 && count <= MOST_WORDS) {
        const uint8_t *end = memchr(bytes, '\n', size);
        size_t length = end != NULL ? (size_t)(end - bytes) : size, taken = end != NULL ? length + 1 : length;
        char *word = calloc(length + 1, 1);
        FUZZ_EXPECT(word != NULL, "no memory for a word");
        memcpy(word, bytes, length);
        words[count++] = word;
        bytes += taken;
        size -= taken;
    }
    words[count] = NULL;
    return count;
}

/* What a run printed. */
typedef struct printed {
    FILE *stream;
    char *text;
    size_t length;
} printed;

static void open_printed(printed *p) {
    p->stream = open_memstream(&p->text, &p->length);
    FUZZ_EXPECT(p->stream != NULL, "no stream in memory");
}

static bool ends_with(const printed *p, const char *end) {
    size_t length = strlen(end);
    return p->length >= length && memcmp(p->text + p->length - length, end, length) == 0;
}

static void check_answer(int status, const printed *out, const printed *err) {
    FUZZ_EXPECT(status == STATUS_OK || status == STATUS_FAILED || status == STATUS_USAGE, "exit status %d", status);
    if (status == STATUS_OK) {
        FUZZ_EXPECT(out->length > 0 && ends_with(out, "\n"), "done, but it printed \"%s\"", out->text);
        FUZZ_EXPECT(err->length == 0, "done, but it complained: %s", err->text);
        return;
    }
    FUZZ_EXPECT(strncmp(err->text, "clxent: ", 8) == 0 && ends_with(err, "\n"), "exit status %d, but it said \"%s\"",
                status, err->text);
    FUZZ_EXPECT(status != STATUS_USAGE || ends_with(err, "--help`)\n"), "a usage error without help: %s", err->text);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
    char *words[MOST_WORDS + 2];
    int count = split(bytes, size, words);
    FILE *const real_out = stdout, *const real_err = stderr;
    printed out, err;
    open_printed(&out);
    open_printed(&err);
    stdout = out.stream;
    stderr = err.stream;
    int status = program_main(count, words);
    stdout = real_out;
    stderr = real_err;
    fclose(out.stream);
    fclose(err.stream);
    check_answer(status, &out, &err);
    free(out.text);
    free(err.text);
    for (int i = 0; i < count; i++)
        free(words[i]);
    return 0;
}
