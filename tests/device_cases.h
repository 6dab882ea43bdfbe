/* What the tests of the operations on an OpenCL device share: the device, opened once; a case with random data in which
 * outliers are the rule; two ways to run it; and the comparison with the reference, element by element.
 *
 * Every tensor lies between guard bands, and what is written is full of NaN beforehand, so that a stray write, a stray
 * read and an element nobody wrote all show. The random seed is new each time and printed; CLXENT_TEST_SEED sets it. */
#ifndef DEVICE_CASES_H
#define DEVICE_CASES_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "device.h"
#include "tensor.h"

/* ---- the device (device_cases.c) ---- */

typedef struct device_under_test {
    clxent_context *context;
    cl_context cl;
    cl_command_queue queue;
    const clx_device *about;
    uint64_t seed;
    char note[100]; /* how to repeat the case at hand, for messages */
} device_under_test;

extern device_under_test device;

/* Set-up and tear-down of a test program's group. */
int open_device(void **state);
int close_device(void **state);

/* Is number i of a long list to be done? All are, or, with CLXENT_TEST_SHARE=n, every n-th, the seed saying from which one on:
 * for drivers that compile so slowly that all of them are for the long tier only. */
bool is_shared(size_t i);

/* Runs a table of tests between those two, of its lines those that are shared. Returns the number of failures. */
#define MAX_LINES 128
int run_lines(const struct CMUnitTest *lines, size_t count);

/* Another context of the device; with a `gpu_group` it passes for a GPU whose groups have at most so many work-items. */
clxent_context *make_context_apart(size_t gpu_group);

/* Ends the test where an OpenCL call failed. */
void must(cl_int error);

/* ---- a case and its data (device_data.c, device_fill.c) ---- */

/* Which tensor the written one lies over. */
typedef enum in_place { APART, OVER_INPUT, OVER_OUTPUT, OVER_GRAD_OUTPUT } in_place;

/* The bit of an optional tensor in device_case.given. */
#define GIVE(tensor) (1u << (tensor))

typedef struct device_case {
    clxent_desc desc;  /* of work_group_size, the largest half, quarter, ... that the device takes */
    unsigned given;    /* optional tensors, GIVE(...), where the pass takes them */
    bool zero_weights; /* some of the weights, of whatever kind, are 0 */
    in_place in_place;
    bool poison;   /* some rows hold NaN, infinities or nothing but -inf */
    uint64_t seed; /* of its data; 0: one of its own, made of the run's */
} device_case;

/* A forced work_group_size that no device takes: the largest that it does take, then. */
#define LARGEST_GROUP ((size_t)1 << 20)

#define GUARD 256 /* bytes before and behind a tensor */

typedef struct guarded {
    unsigned char *bytes; /* the band in front; NULL: no such tensor */
    size_t size;          /* of what lies between the bands */
    clxent_dtype type;    /* of its elements, if they are numbers */
} guarded;

typedef struct device_data {
    device_case c;
    clx_problem problem;
    guarded tensors[CLX_TENSORS];  /* what the device reads and writes */
    guarded before[CLX_TENSORS];   /* the same as it was before */
    guarded expected[CLX_TENSORS]; /* what the reference wrote, in double: not rounded to the device's types */
    guarded logits;                /* input, also of passes that do not read it */
    size_t work_items; /* to enqueue at least so many in all, not as many as the plan would; 0: as it would */
} device_data;

bool is_loss(clxent_op op);
bool is_binary(clxent_op op);

/* Makes and fills everything that the case reads. Then a test may change values. */
void data_init(device_data *d, const device_case *c);
/* Fills tensors that have been made; of data_init. */
void data_fill(device_data *d, uint64_t seed);
/* Lays written tensors over read ones where the case says so, keeps a copy of everything, and runs the reference. */
void data_expect(device_data *d);
void data_free(device_data *d);

/* Fresh random numbers, uniform in [-1, 1) and in [0, limit). */
double draw(uint64_t *state);
size_t draw_below(uint64_t *state, size_t limit);

void *contents(const guarded *tensor);
bool is_given(const device_data *d, clx_tensor tensor);
/* Numbers of a tensor; what is set is rounded to the type of its elements. */
double get_number(const guarded *tensor, size_t i);
void set_number(const guarded *tensor, size_t i, double value);
/* Index of class c of a row in a tensor of the logits' shape. */
size_t element_of(const device_data *d, size_t row, size_t c);
void set_logit(device_data *d, size_t row, size_t c, double value);
/* Class indices: of target or target2. */
int64_t get_class(const device_data *d, clx_tensor tensor, size_t row);
void set_class(device_data *d, clx_tensor tensor, size_t row, int64_t y);
int64_t get_target(const device_data *d, size_t row);
void set_target(device_data *d, size_t row, int64_t y);
/* Copies all that a pass reads of a row from other data of the same operation and number of classes, and what belongs
 * to no row. */
void copy_row(device_data *to, size_t to_row, const device_data *from, size_t from_row);

/* ---- running (device_cases.c) ---- */

/* BY_EXACT enqueues on buffers without guard bands and a workspace nobody filled: a simulator watches those itself. */
typedef enum run_path { BY_RUN, BY_ENQUEUE, BY_EXACT } run_path;

/* Restores all tensors and runs the case on the device. */
clxent_status data_run(device_data *d, run_path path);
/* The same, ending the test where it fails. False: the device cannot do the case, for one of the two reasons that a
 * device may have, and said so in the words that belong to it. */
bool data_must_run(device_data *d, run_path path);

/* A buffer with these bytes, or with what the driver hands out where `bytes` is NULL, that is let go with the device. */
cl_mem keep_buffer(size_t size, const void *bytes);

/* Enqueues on such buffers, of exactly the size that they must have, and reads back what was written. They are kept as the simulator
 * takes the values of one that has an earlier one's place for uninitialised. */
clxent_status enqueue_exactly(const clxent_desc *desc, const clxent_host_args *args);

/* ---- comparison (device_compare.c) ---- */

/* Ends the test where a guard band, padding or something read was changed. */
void expect_untouched(const device_data *d);
/* The same, and where a result is not what the reference has. */
void expect_results(const device_data *d);
/* Ends the test where a tensor's bytes differ. */
void expect_same_bits(const device_data *a, const device_data *b, clx_tensor tensor);
/* The case in words, for messages; a static string. */
const char *describe(const device_data *d);

/* All of it: data, reference, device, comparison. */
void check_case(const device_case *c, run_path path);

#endif
