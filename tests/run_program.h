/* Runs the built program for test_program.c, in a temporary directory that each test has to itself, and writes and
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

/* Runs the program with these words, separated by single blanks. */
program_run run_program(const char *words);

/* Runs it and expects this status, nothing on standard output, and one sentence on standard error that contains
 * `sentence`; after a usage error it points at a --help. No file may have appeared or disappeared. */
void expect_refusal(int status, const char *words, const char *sentence);

/* Runs it and expects success without a complaint. */
program_run expect_success(const char *words);

/* Writes a file of exactly these bytes. */
void write_bytes(const char *name, const void *bytes, size_t count);

/* Writes a .npy file of version 1 with this dictionary, padded as NumPy does, and these bytes behind it. */
void write_npy(const char *name, const char *dictionary, const void *bytes, size_t count);

/* The usual dictionary for a type such as "<f4" and a shape such as "(3, 3)". */
void write_array(const char *name, const char *type, const char *shape, const void *bytes, size_t count);

/* Reads a file of the program and checks its type and shape; the elements are copied to `bytes`, which must be all. */
void read_array(const char *name, const char *type, const char *shape, void *bytes, size_t count);

/* The names in the directory, sorted, a blank behind each. */
void list_files(char *names, size_t size);

/* A member of the JSON object in `text`, which must have it: a number, or a string without its quotes. */
double json_number(const char *text, const char *name);
void json_text(const char *text, const char *name, char *value, size_t size);

#endif
