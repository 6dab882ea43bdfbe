/* Runs the built program for the tests of it, in a temporary directory that each test has to itself, and writes and
 * reads .npy files by hand, without the program's own code for them. */
#ifndef RUN_PROGRAM_H
#define RUN_PROGRAM_H

#include <stddef.h>

/* What a run left behind. */
typedef struct program_run {
    int status; /* the exit status; 1000 + the signal when one ended it */
    char out[16384];
    char err[4096];
} program_run;

/* Setup and teardown of a CMocka test: makes a temporary directory and goes there; goes back and removes it. */
int enter_directory(void **state);
int leave_directory(void **state);

/* The same setup, with the golden values of docs/numerics.md in files: logits x4.npy and x8.npy, weights w4.npy and
 * w8.npy, in F32 and F64; targets y4.npy and y8.npy, of 4 and 8 bytes. */
int enter_with_golden(void **state);
#define TEST(name) cmocka_unit_test_setup_teardown(name, enter_with_golden, leave_directory)

/* The option for each device that everything runs on: the reference, and the default one. */
#define DEVICES 2
extern const char *const devices[DEVICES];

/* Runs the program with these words, separated by single blanks. */
program_run run_program(const char *words);

/* Runs it and expects this status, nothing on standard output, and one sentence on standard error that contains
 * `sentence`; after a usage error it points at a --help. No file may have appeared or disappeared. */
void expect_refusal(int status, const char *words, const char *sentence);

/* Runs it and expects success without a complaint. */
program_run expect_success(const char *words);

/* Runs the words on a device. F64 needs a device that has it: without, the refusal must say so, and there is nothing
 * more to look at. Returns whether it ran. */
int run_on_device(size_t device, const char *words, program_run *run);

/* The text of a file, as much of it as there is room for. */
void slurp(const char *path, char *text, size_t size);

/* Writes a file of exactly these bytes. */
void write_bytes(const char *name, const void *bytes, size_t count);

/* Writes a .npy file of version 1 with this dictionary, padded as NumPy does, and these bytes behind it. */
void write_npy(const char *name, const char *dictionary, const void *bytes, size_t count);

/* The usual dictionary for a type such as "<f4" and a shape such as "(3, 3)". */
void write_array(const char *name, const char *type, const char *shape, const void *bytes, size_t count);

/* The same for numbers as F32 and as F64. */
void write_f4(const char *name, const char *shape, const double *values, size_t count);
void write_f8(const char *name, const char *shape, const double *values, size_t count);

/* Reads a file of the program and checks its type and shape; the elements are copied to `bytes`, which must be all. */
void read_npy(const char *name, const char *type, const char *shape, void *bytes, size_t count);

/* The number, or each number of a "<f4" or "<f8" file of the program, is as expected within the tolerance. */
void expect_near(double got, double expected, double tolerance);
void expect_array(const char *name, const char *type, const char *shape, const double *expected, size_t count,
                  double tolerance);

/* The names in the directory, sorted, a blank behind each. */
void list_files(char *names, size_t size);

/* A member of the JSON object in `text`, which must have it: a number, or a string without its quotes. */
double json_number(const char *text, const char *name);
void json_text(const char *text, const char *name, char *value, size_t size);

#endif
