/* What the tests of shards of a linear cross-entropy share: its output layer dealt out by classes, the passes and the merge run in
 * their order by clxent_reference or on a device, and the comparison with the same loss in one piece. */
#ifndef LINEAR_SHARD_CASES_H
#define LINEAR_SHARD_CASES_H

#include "shard_cases.h"

typedef struct linear_case {
    clxent_desc whole; /* of the loss in one piece; its workspace_limit is the shards' too */
    size_t count, sizes[MOST_SHARDS];
    bool bias, weight, sample_weight, grad_output;
    bool all_ignored; /* else every fifth row is */
    bool masked;      /* the first shard has a bias of -inf, and no targets */
} linear_case;

/* Arrays of the types that the descriptor says. The layer, its gradient and what there is one of for each class are whole, and a
 * shard has a stretch of them; grad_input is each shard's own, or, with ACCUMULATE_GRAD, one for all. */
typedef struct linear_data {
    linear_case c;
    size_t rows, stride, losses;
    void *input, *target, *linear_weight, *linear_bias, *weight, *sample_weight, *grad_output;
    /* What was computed. */
    void *partials, *merged, *output, *lse, *weight_sum, *grad_input[MOST_SHARDS], *grad_linear_weight,
        *grad_linear_bias;
    uint64_t invalid_count;
} linear_data;

/* A case of `count` shards with so many classes each. */
linear_case make_linear_case(size_t batch, size_t features, size_t count, const size_t *sizes);

/* Makes all arrays with random numbers in them, the same for the same seed. Hidden states of ignored rows are NaN. */
void linear_data_init(linear_data *d, const linear_case *c, uint64_t seed);
void linear_data_free(linear_data *d);

/* Of shard i in a pass, with the arrays that go with it. */
clxent_desc linear_shard_desc(const linear_case *c, size_t i, clxent_pass pass);
clxent_host_args linear_shard_args(const linear_data *d, size_t i, clxent_pass pass);

/* Forward on every shard, the merge, backward on every shard; ends the test where one fails. */
void run_linear_shards(linear_data *d, run_function run);

/* Ends the test where losses, lse or gradients are not those of the loss in one piece, in double by the reference; `before` is what
 * the arrays were before the passes ran. */
void expect_linear_whole(const linear_data *d, const linear_data *before);

/* The same where partials, their merge or each shard's part of grad_input are not those of another run. */
void expect_linear_same(const linear_data *d, const linear_data *other);

/* Numbers of an array of the real type, and of the storage type; the target of a row. */
double linear_real(const linear_data *d, const void *array, size_t i);
double linear_stored(const linear_data *d, const void *array, size_t i);
void put_linear_target(const linear_data *d, size_t row, int64_t y);
bool linear_row_counts(const linear_data *d, size_t row);

#endif
