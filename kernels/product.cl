/* Matrix products C = A B, or C += A B: what the two ways to form one share.
 *
 *   product_logits  logits = hidden weight^T + bias     rows x features, classes x features
 *   product_hidden  grad_hidden = grad_logits weight    rows x classes, classes x features
 *   product_weight  grad_weight += grad_logits^T hidden classes x rows, rows x features
 *
 * A is real, element (m, k) at m * a_row + k * a_step. B is of storage or real, (k, n) at k * b_row + n, or n * b_row + k where it
 * is transposed. C is real, (m, n) at m * c_row + n. Each element of C is a sum over k in ascending order, in stretches that
 * depend on nothing, so its bits do not depend on the other elements, nor on how many work-items there are. */

/* bits of `flags` */
#define ADDS 1u          /* C += A B */
#define ROWS_COUNTED 2u  /* no more rows than CHUNK_ROWS says */
#define DEPTH_COUNTED 4u /* the same of the sum */
#define HAS_BIAS 8u      /* C begins with a number for each of its columns */
#define FILTERS 16u      /* blocks of A may be left out whose elements are no larger than the limit of their row */

#define PRODUCT_PARAMETERS                                                                                             \
    __global const char *a_memory, ulong a_at, __global const char *b_memory, ulong b_at, __global char *c_memory,     \
        ulong c_at, __global const char *beside_memory, ulong beside_at, __global const char *counts, ulong counts_at, \
        long rows, long columns, long depth, long a_row, long a_step, long b_row, long c_row, uint flags

typedef struct product {
    __global const real *a;
    __global const char *b;
    __global real *c;
    __global const storage *bias; /* beside the matrices: one of these two */
    __global const real *limits;
    long rows, columns, depth, a_row, a_step, b_row, c_row;
    uint flags;
} product;

#define PRODUCT_ARGUMENTS(p)                                                                                           \
    product p;                                                                                                         \
    const long counted = AT(const long, counts, counts_at)[CHUNK_ROWS];                                                \
    p.a = AT(const real, a_memory, a_at);                                                                              \
    p.b = b_memory + b_at;                                                                                             \
    p.c = AT(real, c_memory, c_at);                                                                                    \
    p.bias = AT(const storage, beside_memory, beside_at);                                                              \
    p.limits = AT(const real, beside_memory, beside_at);                                                               \
    p.rows = flags & ROWS_COUNTED ? min(rows, counted) : rows;                                                         \
    p.columns = columns;                                                                                               \
    p.depth = flags & DEPTH_COUNTED ? min(depth, counted) : depth;                                                     \
    p.a_row = a_row;                                                                                                   \
    p.a_step = a_step;                                                                                                 \
    p.b_row = b_row;                                                                                                   \
    p.c_row = c_row;                                                                                                   \
    p.flags = flags

/* What an element of C begins with. */
#define FIRST_OF(p, to, column)                                                                                        \
    ((p)->flags & ADDS ? *(to) : (p)->flags & HAS_BIAS ? from_storage((p)->bias + (column)) : (real)0)
