/* What the tests of shards share: a cross-entropy whose classes are dealt out, its passes and its merge run in their order by
 * clxent_reference or on a device, and the comparison with the same loss in one piece.
 *
 * Shards are views of one tensor of all classes: row_stride steps over what belongs to the others, so that a stray write shows
 * in somebody else's gradient. */
#ifndef SHARD_CASES_H
#define SHARD_CASES_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clxent.h"

#define MOST_SHARDS 8
#define PLANES 6

typedef clxent_status (*run_function)(const clxent_desc *desc, const clxent_host_args *args);

typedef struct shard_case {
    clxent_desc whole; /* of the loss in one piece; its engine and work_group_size are the shards' too */
    size_t count, sizes[MOST_SHARDS];
    bool weight, sample_weight, grad_output, in_place;
} shard_case;

/* Arrays of the types that the descriptor says. */
typedef struct shard_data {
    shard_case c;
    size_t rows, logits; /* elements of a tensor of all classes */
    void *input, *target, *weight, *sample_weight, *grad_output;
    /* What was computed. */
    void *partials, *merged, *output, *lse, *grad_input, *weight_sum;
    uint64_t invalid_count;
    /* What the loss in one piece has, and the size of what that is made of. */
    double *expected_output, *expected_lse, *expected_grad, expected_sum[2];
    double loss_size, gradient_size;
} shard_data;

/* A case in double of `count` shards with so many classes each. */
shard_case make_shard_case(size_t batch, size_t count, const size_t *sizes);

/* Makes all arrays, with random logits, weights and targets in them of which one in four is ignored, the same for the same seed. */
void shard_data_init(shard_data *d, const shard_case *c, uint64_t seed);
void shard_data_free(shard_data *d);

/* Descriptors: of shard i in a pass, and of the merge. */
clxent_desc shard_desc(const shard_case *c, size_t i, clxent_pass pass);
clxent_desc merge_desc(const shard_case *c);

/* The arrays that go with them. */
clxent_host_args shard_args(const shard_data *d, size_t i, clxent_pass pass);
clxent_host_args merge_args(shard_data *d);

/* The loss in one piece, in double on the same numbers: after a test has changed some, and before the passes run. */
void shard_data_expect(shard_data *d);

/* Forward on every shard, the merge, backward on every shard; ends the test where one fails. False: a device cannot do it. */
bool run_shards(shard_data *d, run_function run);

/* Ends the test where loss, lse, gradient or weight_sum are not what was expected. */
void expect_whole(const shard_data *d);

/* Numbers of an array: of the logits' type, of the real type. */
double logit_at(const shard_data *d, const void *array, size_t i);
void put_logit(const shard_data *d, void *array, size_t i, double value);
double real_at(const shard_data *d, const void *array, size_t i);
void put_real(const shard_data *d, void *array, size_t i, double value);
int64_t class_of_row(clxent_target_type type, const void *target, size_t row);
void set_class_of_row(clxent_target_type type, void *target, size_t row, int64_t y);
int64_t target_at(const shard_data *d, size_t row);
void put_target(const shard_data *d, size_t row, int64_t y);

/* The first class of shard i, where there are so many in each. */
size_t start_of_shard(const size_t *sizes, size_t i);

/* Data: a number in [0, 1), and an array with room for elements of any type, full of NaN. */
double draw_share(uint64_t *state);
void *make_array(size_t elements);

/* The index of class c of a row in a tensor of all classes. */
size_t place_of(const shard_data *d, size_t row, size_t c);

#endif
