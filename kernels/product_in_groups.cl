/* Products for GPUs: a work-group has a square of C, and copies what it needs of A and B into local memory, a few steps of
 * the sum at a time; each work-item sums 4 x 4 elements in registers. What is as short as that is written out, since
 * host/linear.c counts on a bound of how often a work-item loops. */

/* SIDE: work-items along each side of a group's square, 16 where the device can */
#define SQUARE (SIDE * 4) /* elements: four of each work-item, SIDE apart */
#define STEPS 16
#define GROUP_ITEMS (SIDE * SIDE)

/* Element (m, k) of A and (k, n) of B, 0 outside. */
static real a_element(const product *p, long m, long k) {
    return m < p->rows && k < p->depth ? p->a[m * p->a_row + k * p->a_step] : (real)0;
}

typedef REAL_N(4) four;

static void store_element(const product *p, long m, long n, real sum) {
    if (m < p->rows && n < p->columns && (p->depth > 0 || !(p->flags & ADDS))) {
        __global real *to = p->c + m * p->c_row + n;
        *to = FIRST_OF(p, to, n) + sum;
    }
}

static void store_row(const product *p, long m, long n, four sum) {
    store_element(p, m, n, sum.s0);
    store_element(p, m, n + SIDE, sum.s1);
    store_element(p, m, n + 2 * SIDE, sum.s2);
    store_element(p, m, n + 3 * SIDE, sum.s3);
}

#define B_AS_STORED(p, at) from_storage((__global const storage *)(p)->b + (at))
#define B_AS_REAL(p, at) (((__global const real *)(p)->b)[at])

/* Neighbouring work-items read neighbouring elements, whichever way the matrix lies. */
#define DEFINE_PRODUCT(name, B_ELEMENT, B_TRANSPOSED, HAS_FILTER)                                                      \
    __kernel void name(PRODUCT_PARAMETERS) {                                                                           \
        __local real near_a[STEPS][SQUARE + 1], near_b[STEPS][SQUARE + 1]; /* of A and B */                            \
        __local int above; /* elements of near_a above their row's limit */                                            \
        PRODUCT_ARGUMENTS(p);                                                                                          \
        const bool filters = HAS_FILTER && (flags & FILTERS) != 0;                                                     \
        const int item = (int)get_local_id(0), x = item % SIDE, y = item / SIDE;                                       \
        const long across = (columns + SQUARE - 1) / SQUARE;                                                           \
        const long m0 = (long)get_group_id(0) / across * SQUARE, n0 = (long)get_group_id(0) % across * SQUARE;         \
        four sum0 = (four)0, sum1 = (four)0, sum2 = (four)0, sum3 = (four)0;                                           \
        for (long k0 = 0; k0 < p.depth; k0 += STEPS) {                                                                 \
            if (filters) {                                                                                             \
                if (item == 0)                                                                                         \
                    above = 0;                                                                                         \
                barrier(CLK_LOCAL_MEM_FENCE);                                                                          \
            }                                                                                                          \
            for (int e = item; e < SQUARE * STEPS; e += GROUP_ITEMS) {                                                 \
                const bool steps_first = p.a_step == 1;                                                                \
                const int ak = steps_first ? e % STEPS : e / SQUARE, am = steps_first ? e / STEPS : e % SQUARE;        \
                const int bk = B_TRANSPOSED ? e % STEPS : e / SQUARE, bn = B_TRANSPOSED ? e / STEPS : e % SQUARE;      \
                const long k = k0 + bk, n = n0 + bn;                                                                   \
                const real a = a_element(&p, m0 + am, k0 + ak);                                                        \
                near_a[ak][am] = a;                                                                                    \
                if (filters && m0 + am < p.rows && !(fabs(a) <= p.limits[m0 + am]))                                    \
                    atomic_inc(&above);                                                                                \
                near_b[bk][bn] = k < p.depth && n < p.columns                                                          \
                                     ? B_ELEMENT(&p, B_TRANSPOSED ? n * p.b_row + k : k * p.b_row + n)                 \
                                     : (real)0;                                                                        \
            }                                                                                                          \
            barrier(CLK_LOCAL_MEM_FENCE);                                                                              \
            const int steps = !filters || above > 0 ? STEPS : 0;                                                       \
            for (int k = 0; k < steps; k++) {                                                                          \
                __local const real *left = near_a[k] + y, *right = near_b[k] + x;                                      \
                const four all = (four)(right[0], right[SIDE], right[2 * SIDE], right[3 * SIDE]);                      \
                sum0 = FMA((four)(left[0]), all, sum0);                                                                \
                sum1 = FMA((four)(left[SIDE]), all, sum1);                                                             \
                sum2 = FMA((four)(left[2 * SIDE]), all, sum2);                                                         \
                sum3 = FMA((four)(left[3 * SIDE]), all, sum3);                                                         \
            }                                                                                                          \
            barrier(CLK_LOCAL_MEM_FENCE);                                                                              \
        }                                                                                                              \
        store_row(&p, m0 + y, n0 + x, sum0);                                                                           \
        store_row(&p, m0 + y + SIDE, n0 + x, sum1);                                                                    \
        store_row(&p, m0 + y + 2 * SIDE, n0 + x, sum2);                                                                \
        store_row(&p, m0 + y + 3 * SIDE, n0 + x, sum3);                                                                \
    }

DEFINE_PRODUCT(product_logits, B_AS_STORED, 1, false)
DEFINE_PRODUCT(product_hidden, B_AS_STORED, 0, true)
DEFINE_PRODUCT(product_weight, B_AS_REAL, 0, false)
