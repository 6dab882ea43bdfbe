/* What the program says while it works: one line on a terminal, which is gone in the end, and nothing in a pipe or a file. It
 * has no colours, so there is none for NO_COLOR to turn off. */
#include "run_program.h"

#include <fcntl.h>
#include <setjmp.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

extern char **environ;

#define TERMINAL_TEST(name) cmocka_unit_test_setup_teardown(name, enter_directory, leave_directory)
#define ERASE "\r\033[K"

static const struct {
    const char *words, *progress; /* NULL: it has none */
} cases[] = {
    {"bench --op softmax --pass forward --shape 64x10 --min-time 0", ERASE "1 of 1: softmax forward, f32, 64x10" ERASE},
    {"explain softmax --shape 64x10", ERASE "6 of 6: the speed of the memory" ERASE},
    {"check --op nll-loss", ERASE "16 of 16: nll-loss backward bf16 rows_per_lane" ERASE},
    {"devices", NULL},
    {"--help", NULL},
};
enum { CASES = sizeof cases / sizeof cases[0] };

/* A terminal of our own: what the program writes to its far end comes out of `*near`. */
static void open_terminal(int *near, char *name, size_t size) {
    *near = posix_openpt(O_RDWR | O_NOCTTY);
    assert_true(*near >= 0);
    assert_int_equal(grantpt(*near), 0);
    assert_int_equal(unlockpt(*near), 0);
    snprintf(name, size, "%s", ptsname(*near));
}

/* Runs the program with both streams on a terminal; returns its exit status. */
static int run_on_terminal(const char *words, char *said, size_t size) {
    enum { MOST = 16 };
    char copy[256], name[128], *list[MOST + 1] = {"clxent"};
    int near, count = 1, status;
    pid_t child;
    posix_spawn_file_actions_t actions;
    snprintf(copy, sizeof copy, "%s", words);
    for (char *word = strtok(copy, " "); word != NULL && count < MOST; word = strtok(NULL, " "))
        list[count++] = word;
    open_terminal(&near, name, sizeof name);
    assert_int_equal(posix_spawn_file_actions_init(&actions), 0);
    assert_int_equal(posix_spawn_file_actions_addopen(&actions, 1, name, O_RDWR | O_NOCTTY, 0), 0);
    assert_int_equal(posix_spawn_file_actions_adddup2(&actions, 1, 2), 0);
    assert_int_equal(posix_spawn(&child, CLXENT_PROGRAM, &actions, NULL, list, environ), 0);
    posix_spawn_file_actions_destroy(&actions);
    size_t at = 0;
    for (ssize_t got = 1; got > 0 && at + 1 < size; at += got > 0 ? (size_t)got : 0)
        got = read(near, said + at, size - 1 - at); /* fails when the far end is closed */
    said[at] = '\0';
    assert_int_equal(waitpid(child, &status, 0), child);
    close(near);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 1000;
}

static void progress_on_a_terminal(void **state) {
    (void)state;
    static char said[65536];
    for (size_t i = 0; i < CASES; i++) {
        assert_int_equal(run_on_terminal(cases[i].words, said, sizeof said), 0);
        if (cases[i].progress != NULL && strstr(said, cases[i].progress) == NULL)
            fail_msg("clxent %s does not say \"%s\" on a terminal, but: %s", cases[i].words, cases[i].progress, said);
        /* Lines are erased, and nothing else is asked of the terminal. */
        for (const char *at = strchr(said, '\033'); at != NULL; at = strchr(at + 1, '\033')) {
            assert_non_null(cases[i].progress);
            assert_int_equal(strncmp(at, "\033[K", 3), 0);
        }
    }
}

static void nothing_in_a_file(void **state) {
    (void)state;
    for (size_t i = 0; i < CASES; i++) {
        program_run run = expect_success(cases[i].words);
        assert_null(strpbrk(run.out, "\033\r"));
        assert_null(strpbrk(run.err, "\033\r"));
        assert_null(strstr(run.err, " of "));
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        TERMINAL_TEST(progress_on_a_terminal),
        TERMINAL_TEST(nothing_in_a_file),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
