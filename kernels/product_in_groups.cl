/* Products for GPUs: a work-group has a square of C, and copies what it needs of A and B into local memory, a few steps of
 * the sum at a time; each work-item sums EACH x EACH elements in registers. */

#define SIDE 16 /* work-items along each side of a group's square */
#define EACH 4  /* elements of each along each side, SIDE apart */
#define SQUARE (SIDE * EACH)
#define STEPS 16
#define GROUP_ITEMS (SIDE * SIDE)

/* Element (m, k) of A and (k, n) of B, 0 outside. */
static real a_element(const product *p, long m, long k) {
    return m < p->rows && k < p->depth ? p->a[m * p->a_row + k * p->a_step] : (real)0;
}

#define B_AS_STORED(p, at) from_storage((__global const storage *)(p)->b + (at))
#define B_AS_REAL(p, at) (((__global const real *)(p)->b)[at])

/* Neighbouring work-items read neighbouring elements, whichever way the matrix lies. */
#define DEFINE_PRODUCT(name, B_ELEMENT, B_TRANSPOSED)                                                                  \
    __kernel void name(PRODUCT_PARAMETERS) {                                                                           \
        __local real near_a[STEPS][SQUARE + 1], near_b[STEPS][SQUARE + 1];                                             \
        PRODUCT_ARGUMENTS(p);                                                                                          \
        const int item = (int)get_local_id(0), x = item % SIDE, y = item / SIDE;                                       \
        const long across = (columns + SQUARE - 1) / SQUARE;                                                           \
        const long m0 = (long)get_group_id(0) / across * SQUARE, n0 = (long)get_group_id(0) % across * SQUARE;         \
        real sum[EACH][EACH];                                                                                          \
        for (int i = 0; i < EACH; i++)                                                                                 \
            for (int j = 0; j < EACH; j++)                                                                             \
                sum[i][j] = (real)0;                                                                                   \
        for (long k0 = 0; k0 < p.depth; k0 += STEPS) {                                                                 \
            for (int e = item; e < SQUARE * STEPS; e += GROUP_ITEMS) {                                                 \
                const bool steps_first = p.a_step == 1;                                                                \
                const int ak = steps_first ? e % STEPS : e / SQUARE, am = steps_first ? e / STEPS : e % SQUARE;        \
                const int bk = B_TRANSPOSED ? e % STEPS : e / SQUARE, bn = B_TRANSPOSED ? e / STEPS : e % SQUARE;      \
                const long k = k0 + bk, n = n0 + bn;                                                                   \
                near_a[ak][am] = a_element(&p, m0 + am, k0 + ak);                                                      \
                near_b[bk][bn] = k < p.depth && n < p.columns                                                          \
                                     ? B_ELEMENT(&p, B_TRANSPOSED ? n * p.b_row + k : k * p.b_row + n)                 \
                                     : (real)0;                                                                        \
            }                                                                                                          \
            barrier(CLK_LOCAL_MEM_FENCE);                                                                              \
            for (int k = 0; k < STEPS; k++) {                                                                          \
                _Pragma("unroll") for (int i = 0; i < EACH; i++) {                                                     \
                    const real left = near_a[k][y + i * SIDE];                                                         \
                    _Pragma("unroll") for (int j = 0; j < EACH; j++)                                                   \
                        sum[i][j] = FMA(left, near_b[k][x + j * SIDE], sum[i][j]);                                     \
                }                                                                                                      \
            }                                                                                                          \
            barrier(CLK_LOCAL_MEM_FENCE);                                                                              \
        }                                                                                                              \
        for (int i = 0; i < EACH; i++) {                                                                               \
            for (int j = 0; j < EACH; j++) {                                                                           \
                const long m = m0 + y + i * SIDE, n = n0 + x + j * SIDE;                                               \
                if (m < p.rows && n < p.columns && (p.depth > 0 || !(flags & ADDS))) {                                 \
                    __global real *to = p.c + m * p.c_row + n;                                                         \
                    *to = FIRST_OF(&p, to, n) + sum[i][j];                                                             \
                }                                                                                                      \
            }                                                                                                          \
        }                                                                                                              \
    }

DEFINE_PRODUCT(product_logits, B_AS_STORED, 1)
DEFINE_PRODUCT(product_hidden, B_AS_STORED, 0)
DEFINE_PRODUCT(product_weight, B_AS_REAL, 0)
