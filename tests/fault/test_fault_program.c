/* The commands of the clxent program while OpenCL or the heap fails: each ends with status 1, one complaint that has OpenCL's own
 * words, and no new file; or, where a failure is nobody's business, with the files that it writes otherwise. */
#include "program.h"
#include "run_program.h"
#include "scenario.h"
#include "setting.h"

#include <fcntl.h>
#include <unistd.h>

typedef struct command {
    const char *words;
    const char *files[4]; /* what it writes */
    enum {
        WORKS,
        LISTS, /* a device that does not answer is told of, and the others go on */
        JUDGES /* what fails is a line of its table, and the others go on */
    } kind;
    /* It makes thousands of calls, many times the same: behind the first so many ever fewer of them fail, each number by such a part
     * larger than the one before. 0: all of them. */
    size_t dense, part;
} command;

static const command commands[] = {
    {"softmax x4.npy --output p.npy --verify", {"p.npy"}, WORKS, 0, 1},
    {"cross-entropy x4.npy y8.npy --weight w4.npy --output l.npy --grad g.npy --lse s.npy --argmax a.npy",
     {"l.npy", "g.npy", "s.npy", "a.npy"},
     WORKS,
     0,
     1},
    {"binary-cross-entropy-with-logits x4.npy t4.npy --reduction none --output l.npy --grad g.npy --json",
     {"l.npy", "g.npy"},
     WORKS,
     0,
     1},
    {"devices", {NULL}, LISTS, 0, 1},
    {"explain cross-entropy --shape 4x5", {NULL}, WORKS, 60, 5},
    {"bench --op softmax --shape 4x5 --min-time 0", {NULL}, WORKS, 60, 5},
    {"tune --shape 4x5 --time 0", {NULL}, WORKS, 60, 5},
    {"check --op nll-loss", {NULL}, JUDGES, 10, 2},
};

#define MOST_BYTES 512 /* of a file that they write */

typedef struct content {
    char bytes[MOST_BYTES];
    size_t size;
} content;

static content right[4];    /* of the files, when nothing fails */
static char printed[8192];  /* what the program wrote to standard output, */
static char said[4096];     /* and to standard error */
static char in_peace[8192]; /* what it prints when nothing fails */
static size_t injections;
static char at_hand[200];

static int enter(void **state) {
    static const float t[9] = {0, 1, .5f, .25f, 1, 0, 0, .75f, 1};
    at_hand[0] = '\0';
    int entered = enter_with_golden(state);
    if (entered == 0)
        write_array("t4.npy", "<f4", "(3, 3)", t, sizeof t);
    return entered;
}

static int leave(void **state) {
    fault_disarm();
    if (at_hand[0] != '\0')
        print_error("%s; standard error: %s\n", at_hand, said);
    return leave_directory(state);
}

/* ---- one run ---- */

/* Sends what is written to `number` to a file; gives what it was before. */
static int redirect(int number, const char *path) {
    int before = dup(number), file = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0666);
    assert_true(before >= 0 && file >= 0 && dup2(file, number) == number);
    close(file);
    return before;
}

static void bring_back(int number, int before) {
    assert_int_equal(dup2(before, number), number);
    close(before);
}

static int run_here(const char *words) {
    char copy[256], *list[32] = {"clxent"};
    int count = 1;
    snprintf(copy, sizeof copy, "%s", words);
    for (char *word = strtok(copy, " "); word != NULL; word = strtok(NULL, " "))
        list[count++] = word;
    fflush(stdout);
    int out = redirect(STDOUT_FILENO, "../out"), err = redirect(STDERR_FILENO, "../err");
    int status = program_main(count, list);
    fflush(stdout);
    bring_back(STDOUT_FILENO, out);
    bring_back(STDERR_FILENO, err);
    slurp("../out", printed, sizeof printed);
    slurp("../err", said, sizeof said);
    return status;
}

static content read_file(const char *name) {
    content c = {.size = 0};
    FILE *file = fopen(name, "rb");
    assert_non_null(file);
    c.size = fread(c.bytes, 1, sizeof c.bytes, file);
    fclose(file);
    return c;
}

/* ---- with a failure ---- */

static void expect_files(const command *k) {
    for (size_t i = 0; i < 4 && k->files[i] != NULL; i++) {
        content c = read_file(k->files[i]);
        assert_int_equal(c.size, right[i].size);
        assert_memory_equal(c.bytes, right[i].bytes, c.size);
        assert_int_equal(remove(k->files[i]), 0);
    }
}

/* Names that OpenCL does not give are "unknown". */
static bool is_told_of(const command *k, const fault_hit *hit) {
    bool of_device = hit->call == FAULT_clGetDeviceInfo, of_platform = hit->call == FAULT_clGetPlatformInfo;
    return of_platform ||
           (of_device && (k->kind == LISTS || hit->detail == CL_DEVICE_PLATFORM || hit->detail == CL_DEVICE_NAME));
}

/* A list shows what failed, or is as it always is; no zero stands for what a device did not say. */
static void expect_list(const fault_hit *hit, const expectation *e) {
    bool told = strstr(printed, "unknown") != NULL || strstr(printed, clxent_status_string(hit->error)) != NULL;
    assert_true(told || e->may_succeed || strcmp(printed, in_peace) == 0);
}

static void expect_end(const command *k, const fault_hit *hit, int status, const char *names) {
    const scenario context = {.search_calls = SIZE_MAX, .takes_blob = false};
    const scenario plain = {.search_calls = 0};
    const expectation e = expect_of(&plain, hit), of_search = expect_of(&context, hit);
    char after[8192];
    if (status == 0) {
        assert_true(hit->kind == FAULT_OPENCL && (e.may_succeed || of_search.may_succeed || is_told_of(k, hit)));
        expect_files(k);
        if (k->kind == LISTS)
            expect_list(hit, &e);
    } else {
        assert_int_equal(status, 1);
        const char *complaint = strstr(said, "clxent: ");
        assert_non_null(complaint);
        if (k->kind == JUDGES && strstr(complaint, "failed runs") != NULL)
            complaint = printed;
        const char *no_device = of_search.status == CLXENT_NO_DEVICE ? "no usable OpenCL " : of_search.text;
        bool listed_none = k->kind == LISTS && of_search.status == CLXENT_NO_DEVICE &&
                           strstr(complaint, "there is no OpenCL device") != NULL;
        if (hit->kind == FAULT_OPENCL && strstr(complaint, e.text) == NULL && !listed_none)
            assert_non_null(strstr(complaint, no_device));
    }
    list_files(after, sizeof after);
    assert_string_equal(after, names);
}

static fault_hit attempt(const command *k, fault_kind kind, size_t nth, size_t code) {
    char names[8192];
    list_files(names, sizeof names);
    const fault_balance before = fault_balance_now();
    fault_arm(kind, nth, code, true);
    int status = run_here(k->words);
    const fault_hit hit = fault_disarm();
    snprintf(at_hand, sizeof at_hand, "clxent %.40s...: %s %zu, %s (0x%x), failed with %s; status %d", k->words,
             kind == FAULT_MEMORY ? "allocation" : "call", nth, kind == FAULT_MEMORY ? "" : fault_call_name(hit.call),
             (unsigned)hit.detail, clxent_status_string(hit.error), status);
    if (hit.fired) {
        expect_end(k, &hit, status, names);
        injections++;
    } else {
        assert_int_equal(status, 0);
        expect_files(k);
    }
    const fault_balance after = fault_balance_now();
    assert_true(fault_same_balance(&before, &after));
    at_hand[0] = '\0';
    return hit;
}

/* A run of what judges takes a second. */
static bool is_shared(const command *k, size_t count) {
    return k->kind != JUDGES || count % setting_share() == setting("CLXENT_TEST_SEED", 0) % setting_share();
}

static void check_command(void **state) {
    const command *k = *state;
    assert_int_equal(run_here(k->words), 0);
    memcpy(in_peace, printed, sizeof printed);
    for (size_t i = 0; i < 4 && k->files[i] != NULL; i++)
        right[i] = read_file(k->files[i]);
    expect_files(k);
    for (int kind = FAULT_OPENCL; kind <= FAULT_MEMORY; kind++) {
        fault_hit hit = {.fired = true};
        size_t count = 0;
        for (size_t nth = 0; hit.fired; nth += 1 + (k->dense > 0 && nth > k->dense ? nth / k->part : 0), count++) {
            if (!is_shared(k, count))
                continue;
            hit = attempt(k, (fault_kind)kind, nth, count);
            for (size_t other = 1; k->kind == LISTS && other < hit.codes; other++)
                attempt(k, (fault_kind)kind, nth, count + other);
        }
    }
}

int main(void) {
    enum { COUNT = sizeof commands / sizeof commands[0] };
    struct CMUnitTest tests[COUNT];
    for (size_t i = 0; i < COUNT; i++)
        tests[i] = (struct CMUnitTest){commands[i].words, check_command, enter, leave, (void *)(uintptr_t)&commands[i]};
    int failures = _cmocka_run_group_tests("program", tests, COUNT, NULL, NULL);
    print_message("program: %zu injections survived\n", injections);
    return failures;
}
