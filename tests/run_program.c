/* Runs the built program for the tests of it, and writes and reads their files. */
#include "run_program.h"

#include <dirent.h>
#include <fcntl.h>
#include <spawn.h>
#include <math.h>
#include <stdarg.h>
#include <stdbool.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

extern char **environ;

const char *const devices[DEVICES] = {"--device reference", ""};

static char directory[4096], home[4096];

int enter_directory(void **state) {
    (void)state;
    const char *base = getenv("TMPDIR");
    snprintf(directory, sizeof directory, "%s/clxent-test-XXXXXX", base != NULL ? base : "/tmp");
    if (getcwd(home, sizeof home) == NULL || mkdtemp(directory) == NULL || chdir(directory) != 0)
        return -1;
    return mkdir("work", 0777) == 0 && chdir("work") == 0 ? 0 : -1;
}

static int compare_names(const void *a, const void *b) {
    return strcmp(a, b);
}

void list_files(char *names, size_t size) {
    enum { MOST = 64 };
    static char list[MOST][256];
    size_t count = 0, at = 0;
    DIR *open = opendir(".");
    assert_non_null(open);
    for (struct dirent *entry; (entry = readdir(open)) != NULL;) {
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        assert_true(count < MOST);
        snprintf(list[count++], sizeof list[0], "%s", entry->d_name);
    }
    closedir(open);
    qsort(list, count, sizeof list[0], compare_names);
    names[0] = '\0';
    for (size_t i = 0; i < count && at < size; i++)
        at += (size_t)snprintf(names + at, size - at, "%s ", list[i]);
}

int leave_directory(void **state) {
    (void)state;
    char names[8192];
    list_files(names, sizeof names);
    for (char *name = strtok(names, " "); name != NULL; name = strtok(NULL, " "))
        if (remove(name) != 0)
            return -1;
    if (chdir(directory) != 0 || rmdir("work") != 0)
        return -1;
    remove("out");
    remove("err");
    return chdir(home) == 0 ? rmdir(directory) : -1;
}

void slurp(const char *path, char *text, size_t size) {
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    text[fread(text, 1, size - 1, file)] = '\0';
    fclose(file);
}

/* The program's output goes to files outside its directory, so that they do not count among those it leaves. */
static pid_t spawn(char **words) {
    posix_spawn_file_actions_t actions;
    pid_t child;
    assert_int_equal(posix_spawn_file_actions_init(&actions), 0);
    assert_int_equal(posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0), 0);
    assert_int_equal(posix_spawn_file_actions_addopen(&actions, 1, "../out", O_WRONLY | O_CREAT | O_TRUNC, 0666), 0);
    assert_int_equal(posix_spawn_file_actions_addopen(&actions, 2, "../err", O_WRONLY | O_CREAT | O_TRUNC, 0666), 0);
    assert_int_equal(posix_spawn(&child, CLXENT_PROGRAM, &actions, NULL, words, environ), 0);
    posix_spawn_file_actions_destroy(&actions);
    return child;
}

program_run run_program(const char *words) {
    enum { MOST = 32 };
    static program_run run;
    char copy[1024], *list[MOST + 1] = {"clxent"};
    int status, count = 1;
    snprintf(copy, sizeof copy, "%s", words);
    for (char *word = strtok(copy, " "); word != NULL; word = strtok(NULL, " ")) {
        assert_true(count < MOST);
        list[count++] = word;
    }
    pid_t child = spawn(list);
    assert_int_equal(waitpid(child, &status, 0), child);
    run.status = WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
    slurp("../out", run.out, sizeof run.out);
    slurp("../err", run.err, sizeof run.err);
    return run;
}

void expect_refusal(int status, const char *words, const char *sentence) {
    char before[8192], after[8192];
    list_files(before, sizeof before);
    program_run run = run_program(words);
    list_files(after, sizeof after);
    if (run.status != status || run.out[0] != '\0' || strncmp(run.err, "clxent: ", 8) != 0 ||
        strstr(run.err, sentence) == NULL)
        fail_msg("clxent %s: status %d, out \"%s\", err \"%s\", but %d and \"%s\" were expected", words, run.status,
                 run.out, run.err, status, sentence);
    assert_ptr_equal(strchr(run.err, '\n'), run.err + strlen(run.err) - 1);
    if (status == 2)
        assert_non_null(strstr(run.err, "--help`)"));
    assert_string_equal(after, before);
}

program_run expect_success(const char *words) {
    program_run run = run_program(words);
    /* A driver may talk on standard error too, so only the program's own words count. */
    if (run.status != 0 || strstr(run.err, "clxent: ") != NULL)
        fail_msg("clxent %s: status %d, err \"%s\"", words, run.status, run.err);
    return run;
}

int run_on_device(size_t device, const char *words, program_run *run) {
    char line[512];
    snprintf(line, sizeof line, "%s %s", words, devices[device]);
    *run = run_program(line);
    if (run->status == 1 && strstr(line, "8.npy") != NULL && strstr(run->err, "double") != NULL)
        return 0;
    if (run->status != 0 || strstr(run->err, "clxent: ") != NULL)
        fail_msg("clxent %s: status %d, err \"%s\"", line, run->status, run->err);
    return 1;
}

void write_bytes(const char *name, const void *bytes, size_t count) {
    FILE *file = fopen(name, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, count, file), count);
    assert_int_equal(fclose(file), 0);
}

void write_npy(const char *name, const char *dictionary, const void *bytes, size_t count) {
    char file[4096];
    size_t text = strlen(dictionary), length = (10 + text + 1 + 63) / 64 * 64;
    assert_true(length + count <= sizeof file);
    memset(file, ' ', length);
    memcpy(file, "\x93NUMPY\x01\x00", 8);
    file[8] = (char)((length - 10) & 0xff);
    file[9] = (char)((length - 10) >> 8);
    memcpy(file + 10, dictionary, text);
    file[length - 1] = '\n';
    if (count > 0)
        memcpy(file + length, bytes, count);
    write_bytes(name, file, length + count);
}

void write_array(const char *name, const char *type, const char *shape, const void *bytes, size_t count) {
    char dictionary[512];
    snprintf(dictionary, sizeof dictionary, "{'descr': '%s', 'fortran_order': False, 'shape': %s, }", type, shape);
    write_npy(name, dictionary, bytes, count);
}

void read_npy(const char *name, const char *type, const char *shape, void *bytes, size_t count) {
    unsigned char file[4096];
    char dictionary[512];
    FILE *open = fopen(name, "rb");
    assert_non_null(open);
    size_t length = fread(file, 1, sizeof file, open);
    fclose(open);
    assert_true(length > 10);
    assert_memory_equal(file, "\x93NUMPY\x01\x00", 8);
    size_t data = 10 + (size_t)file[8] + 256 * (size_t)file[9];
    assert_int_equal(data % 64, 0);
    assert_int_equal(length, data + count);
    snprintf(dictionary, sizeof dictionary, "{'descr': '%s', 'fortran_order': False, 'shape': %s, }", type, shape);
    assert_memory_equal(file + 10, dictionary, strlen(dictionary));
    assert_int_equal(file[data - 1], '\n');
    memcpy(bytes, file + data, count);
}

void write_f4(const char *name, const char *shape, const double *values, size_t count) {
    float narrow[64];
    assert_true(count <= 64);
    for (size_t i = 0; i < count; i++)
        narrow[i] = (float)values[i];
    write_array(name, "<f4", shape, narrow, count * sizeof(float));
}

void write_f8(const char *name, const char *shape, const double *values, size_t count) {
    write_array(name, "<f8", shape, values, count * sizeof(double));
}

void expect_near(double got, double expected, double tolerance) {
    if (!(fabs(got - expected) <= tolerance))
        fail_msg("%.17g, but %.17g within %g was expected", got, expected, tolerance);
}

void expect_array(const char *name, const char *type, const char *shape, const double *expected, size_t count,
                  double tolerance) {
    if (strcmp(type, "<f4") == 0) {
        float got[64];
        read_npy(name, type, shape, got, count * sizeof(float));
        for (size_t i = 0; i < count; i++)
            expect_near((double)got[i], expected[i], tolerance);
    } else {
        double got[64];
        read_npy(name, type, shape, got, count * sizeof(double));
        for (size_t i = 0; i < count; i++)
            expect_near(got[i], expected[i], tolerance);
    }
}

/* The golden values of docs/numerics.md. */
static void write_golden(void) {
    static const double logits[9] = {1, 2, 3, .5, -.5, 0, -1, 4, 2}, weights[3] = {.25, 1, 2};
    static const int64_t targets[3] = {2, -100, 0};
    const int32_t targets4[3] = {2, -100, 0};
    write_f4("x4.npy", "(3, 3)", logits, 9);
    write_f8("x8.npy", "(3, 3)", logits, 9);
    write_f4("w4.npy", "(3,)", weights, 3);
    write_f8("w8.npy", "(3,)", weights, 3);
    write_array("y8.npy", "<i8", "(3,)", targets, sizeof targets);
    write_array("y4.npy", "<i4", "(3,)", targets4, sizeof targets4);
}

int enter_with_golden(void **state) {
    int entered = enter_directory(state);
    if (entered == 0)
        write_golden();
    return entered;
}

void json_text(const char *text, const char *name, char *value, size_t size) {
    char key[64];
    snprintf(key, sizeof key, "\"%s\": ", name);
    const char *at = strstr(text, key);
    if (at == NULL)
        fail_msg("there is no %s in %s", name, text);
    at += strlen(key);
    bool quoted = *at == '"';
    size_t length = quoted ? strcspn(++at, "\"") : strcspn(at, ",}");
    assert_true(length < size);
    memcpy(value, at, length);
    value[length] = '\0';
}

double json_number(const char *text, const char *name) {
    char value[64], *end;
    json_text(text, name, value, sizeof value);
    double number = strtod(value, &end);
    assert_true(end != value && *end == '\0');
    return number;
}
