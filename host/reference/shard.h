/* What a shard says of a row, as it lies in memory. */
#ifndef CLX_SHARD_H
#define CLX_SHARD_H

#include "logits.h"

/* A row of a partial; the six planes in their order. */
typedef struct clx_partial {
    long double top;    /* the largest x'' of the shard */
    long double sum;    /* sum_c exp(x''_c - top) */
    long double logit;  /* x'' of the target, where it is in the shard, else 0 */
    long double weight; /* w of the target, likewise */
    long double linear; /* with label smoothing sum_c w_c (x''_c - top), else 0 */
    long double masses; /* with label smoothing sum_c w_c, else 0 */
} clx_partial;

/* Of number `part` of the partials in an array. */
clx_partial clx_get_partial(const clx_problem *problem, const void *array, size_t part, size_t row);
void clx_put_partial(const clx_problem *problem, void *array, size_t row, const clx_partial *partial);

/* For the row as a whole: its sum is NaN where every logit is -inf. */
clx_sums clx_sums_of_partial(const clx_partial *partial);

#endif
