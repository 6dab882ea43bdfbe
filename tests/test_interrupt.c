/* A program that is interrupted while its outputs are being written leaves no temporary file behind, and what stood under their
 * names before as it was (cli/interrupt.c). */
#include "output.h"

#include <dirent.h>
#include <limits.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static char folder[64];

static int make_folder(void **state) {
    (void)state;
    strcpy(folder, "/tmp/clxent-interrupt-XXXXXX");
    if (mkdtemp(folder) == NULL || chdir(folder) != 0)
        return -1;
    FILE *file = fopen("old", "w");
    return file != NULL && fputs("as it was", file) >= 0 && fclose(file) == 0 ? 0 : -1;
}

static int remove_folder(void **state) {
    (void)state;
    return unlink("old") == 0 && chdir("/") == 0 && rmdir(folder) == 0 ? 0 : -1;
}

static size_t count_files(void) {
    DIR *directory = opendir(".");
    size_t count = 0;
    assert_non_null(directory);
    for (const struct dirent *entry; (entry = readdir(directory)) != NULL;)
        count += entry->d_name[0] != '.';
    closedir(directory);
    return count;
}

static void open_outputs(outputs *files) {
    int fd;
    if (outputs_open(files, "old", &fd) != 0 || outputs_open(files, "new", &fd) != 0)
        _exit(1);
}

/* A child that has two outputs open, and sends itself a signal; gives how it ended. */
static int interrupt_child(int number, bool ignored, size_t *seen) {
    int report[2], status = 0;
    assert_int_equal(pipe(report), 0);
    pid_t child = fork();
    if (child == 0) {
        outputs files = {.count = 0};
        if (ignored)
            signal(number, SIG_IGN);
        open_outputs(&files);
        size_t count = count_files();
        if (write(report[1], &count, sizeof count) != sizeof count)
            _exit(1);
        raise(number);
        outputs_close(&files);
        _exit(0);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(read(report[0], seen, sizeof *seen), sizeof *seen);
    close(report[0]);
    close(report[1]);
    return status;
}

static void test_signals(void **state) {
    (void)state;
    static const int numbers[] = {SIGINT, SIGTERM, SIGHUP};
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        size_t seen = 0;
        int status = interrupt_child(numbers[i], false, &seen);
        assert_true(WIFSIGNALED(status));
        assert_int_equal(WTERMSIG(status), numbers[i]);
        assert_int_equal(seen, 3); /* with both temporary files */
        assert_int_equal(count_files(), 1);
    }
    char text[16] = "";
    FILE *file = fopen("old", "r");
    assert_non_null(file);
    assert_non_null(fgets(text, sizeof text, file));
    fclose(file);
    assert_string_equal(text, "as it was");
}

/* As under nohup. */
static void test_ignored_signal(void **state) {
    (void)state;
    size_t seen = 0;
    int status = interrupt_child(SIGHUP, true, &seen);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
    assert_int_equal(seen, 3);
    assert_int_equal(count_files(), 1);
}

/* Names that were renamed or closed are guarded no more: another process may have them by now. */
static void test_released(void **state) {
    (void)state;
    pid_t child = fork();
    int status = 0;
    if (child == 0) {
        char name[PATH_MAX];
        for (int i = 0; i < 3; i++) { /* more than MAX_OUTPUTS in all */
            outputs files = {.count = 0};
            open_outputs(&files);
            snprintf(name, sizeof name, "%s", files.list[1].temporary);
            outputs_close(&files);
        }
        FILE *file = fopen(name, "w");
        if (file == NULL || fclose(file) != 0)
            _exit(1);
        raise(SIGTERM);
        _exit(1);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status));
    assert_int_equal(count_files(), 2);
    char name[64];
    snprintf(name, sizeof name, "new.%ld-0.tmp", (long)child);
    assert_int_equal(unlink(name), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_signals), cmocka_unit_test(test_ignored_signal),
                                       cmocka_unit_test(test_released)};
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
