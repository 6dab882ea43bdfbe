/* Products for CPUs: a work-item has a panel of the columns of C, for a stretch of its rows. It copies a panel of B, a DEPTH of
 * the sum at a time, into private memory that stays in the nearest caches, and goes down A with it: a tile of C in
 * registers, of which each step of the sum takes a vector of B and one element of A for every row. */

#if LANES == 16 /* processors with as wide vectors have 32 of them, the others 16 */
#define TILE_ROWS 12
#else
#define TILE_ROWS 6
#endif
#define TILE_VECTORS 2
#define TILE_COLUMNS (TILE_VECTORS * LANES)
#define PANEL_COLUMNS 64
#define PANELS (PANEL_COLUMNS / TILE_COLUMNS)
#define DEPTH 128

#define LOAD_REALS(p) JOIN(vload, LANES)(0, p)
#define STORE_REALS(v, p) JOIN(vstore, LANES)(v, 0, p)
#define EACH_ROW _Pragma("unroll") for (int i = 0; i < TILE_ROWS; i++)
#define EACH_VECTOR _Pragma("unroll") for (int v = 0; v < TILE_VECTORS; v++)

/* A tile's place: its first row and column in C, how much of it lies there, and which stretch of the sum comes. */
typedef struct tile {
    long m, n, k;
    int rows, columns, steps;
} tile;

/* Rows of A beyond the last are read as that one, and not stored. */
INLINED void sum_tile(const product *p, const tile *t, const lanes *panel, lanes sum[TILE_ROWS][TILE_VECTORS]) {
    long at[TILE_ROWS];
    EACH_ROW at[i] = min(i, t->rows - 1) * p->a_row;
    EACH_ROW EACH_VECTOR sum[i][v] = (lanes)0;
    __global const real *a = p->a + t->m * p->a_row + t->k * p->a_step;
    for (int k = 0; k < t->steps; k++) {
        lanes b[TILE_VECTORS];
        EACH_VECTOR b[v] = panel[k * TILE_VECTORS + v];
        EACH_ROW {
            const lanes x = (lanes)(a[at[i]]);
            EACH_VECTOR sum[i][v] = FMA(x, b[v], sum[i][v]);
        }
        a += p->a_step;
    }
}

/* Is there an element above its row's limit? NaN is. For rows of A that lie side by side. */
INLINED bool matters(const product *p, const tile *t) {
    __global const real *a = p->a + t->m * p->a_row + t->k;
    lanes_int above = (lanes_int)0;
    bool one_above = false;
    for (int i = 0; i < t->rows; i++, a += p->a_row) {
        const real limit = p->limits[t->m + i];
        int k = 0;
        for (; k + LANES <= t->steps; k += LANES)
            above |= ~(fabs(LOAD_REALS(a + k)) <= (lanes)limit);
        for (; k < t->steps; k++)
            one_above |= !(fabs(a[k]) <= limit);
    }
    return one_above || any(above);
}

INLINED void store_whole(const product *p, const tile *t, lanes sum[TILE_ROWS][TILE_VECTORS]) {
    const bool begins = t->k == 0, adds = !begins || p->flags & ADDS, bias = begins && !adds && p->flags & HAS_BIAS;
    EACH_ROW if (i < t->rows) EACH_VECTOR {
        __global real *to = p->c + (t->m + i) * p->c_row + t->n + v * LANES;
        const lanes before = adds ? LOAD_REALS(to) : bias ? PACK_STORAGE(p->bias + t->n + v * LANES) : (lanes)0;
        STORE_REALS(before + sum[i][v], to);
    }
}

INLINED void store_part(const product *p, const tile *t, lanes sum[TILE_ROWS][TILE_VECTORS]) {
    real part[TILE_ROWS * TILE_COLUMNS];
    EACH_ROW EACH_VECTOR STORE_REALS(sum[i][v], part + i * TILE_COLUMNS + v * LANES);
    for (int i = 0; i < t->rows; i++)
        for (int j = 0; j < t->columns; j++) {
            __global real *to = p->c + (t->m + i) * p->c_row + t->n + j;
            *to = (t->k > 0 ? *to : FIRST_OF(p, to, t->n + j)) + part[i * TILE_COLUMNS + j];
        }
}

INLINED void add_tile(const product *p, const tile *t, const lanes *panel, bool filters) {
    lanes sum[TILE_ROWS][TILE_VECTORS];
    tile summed = *t;
    if (filters && p->flags & FILTERS && !matters(p, t)) {
        if (t->k > 0)
            return;
        summed.steps = 0;
    }
    sum_tile(p, &summed, panel, sum);
    if (t->columns == TILE_COLUMNS)
        store_whole(p, t, sum);
    else
        store_part(p, t, sum);
}

/* Vector `v` of the panel's columns in step k. */
#define PANEL_VECTOR(panel, k, v)                                                                                      \
    (panel)[(((v) / TILE_VECTORS) * DEPTH + (k)) * TILE_VECTORS + (v) % TILE_VECTORS]

#define LOAD_STORED(p, at) PACK_STORAGE((__global const storage *)(p)->b + (at))
#define LOAD_REAL(p, at) LOAD_REALS((__global const real *)(p)->b + (at))
#define ONE_STORED(p, at) from_storage((__global const storage *)(p)->b + (at))
#define ONE_REAL(p, at) (((__global const real *)(p)->b)[at])

/* The next steps of B, columns side by side. */
#define DEFINE_COPY(name, LOAD, ONE)                                                                                   \
    INLINED void name(const product *p, const tile *t, lanes *panel) {                                                 \
        for (int k = 0; k < t->steps; k++) {                                                                           \
            for (int v = 0; v < PANEL_COLUMNS / LANES; v++) {                                                          \
                const long n = t->n + v * LANES, at = (t->k + k) * p->b_row + n;                                       \
                real part[LANES];                                                                                      \
                if (n + LANES <= p->columns) {                                                                         \
                    PANEL_VECTOR(panel, k, v) = LOAD(p, at);                                                           \
                    continue;                                                                                          \
                }                                                                                                      \
                for (int i = 0; i < LANES; i++)                                                                        \
                    part[i] = n + i < p->columns ? ONE(p, at + i) : (real)0;                                           \
                PANEL_VECTOR(panel, k, v) = LOAD_REALS(part);                                                          \
            }                                                                                                          \
        }                                                                                                              \
    }
DEFINE_COPY(copy_stored, LOAD_STORED, ONE_STORED)
DEFINE_COPY(copy_real, LOAD_REAL, ONE_REAL)

/* The same where the steps lie side by side: a square of vectors at a time. */
INLINED void copy_transposed(const product *p, const tile *t, lanes *panel) {
    for (int v = 0; v < PANEL_COLUMNS / LANES; v++) {
        const long n = t->n + v * LANES, at = n * p->b_row + t->k;
        int k = 0;
        for (; k + LANES <= t->steps && n + LANES <= p->columns; k += LANES) {
            lanes square[LANES];
            _Pragma("unroll") for (int i = 0; i < LANES; i++) square[i] = LOAD_STORED(p, at + i * p->b_row + k);
            transpose(square);
            _Pragma("unroll") for (int i = 0; i < LANES; i++) PANEL_VECTOR(panel, k + i, v) = square[i];
        }
        for (; k < t->steps; k++) {
            real part[LANES];
            for (int i = 0; i < LANES; i++)
                part[i] = n + i < p->columns ? ONE_STORED(p, at + i * p->b_row + k) : (real)0;
            PANEL_VECTOR(panel, k, v) = LOAD_REALS(part);
        }
    }
}

/* Where nothing is summed, C still gets what it begins with. */
#define DEFINE_PRODUCT(name, COPY, HAS_FILTER)                                                                         \
    __kernel void name(PRODUCT_PARAMETERS) {                                                                           \
        lanes panel[DEPTH * PANEL_COLUMNS / LANES];                                                                    \
        PRODUCT_ARGUMENTS(p);                                                                                          \
        const long across = (columns + PANEL_COLUMNS - 1) / PANEL_COLUMNS, down = (long)get_global_size(0) / across;   \
        const long stretch = (rows + down - 1) / down, n0 = (long)get_global_id(0) % across * PANEL_COLUMNS;           \
        const long begin = (long)get_global_id(0) / across * stretch, end = min(begin + stretch, p.rows);              \
        for (long k = 0; begin < end && (k < p.depth || (k == 0 && !(flags & ADDS))); k += DEPTH) {                    \
            tile t = {begin, n0, k, 0, 0, (int)min((long)DEPTH, p.depth - k)};                                         \
            COPY(&p, &t, panel);                                                                                       \
            for (int i = 0; i < PANELS && t.n < p.columns; i++, t.n += TILE_COLUMNS) {                                 \
                t.columns = (int)min((long)TILE_COLUMNS, p.columns - t.n);                                             \
                for (t.m = begin; t.m < end; t.m += TILE_ROWS) {                                                       \
                    t.rows = (int)min((long)TILE_ROWS, end - t.m);                                                     \
                    add_tile(&p, &t, panel + i * DEPTH * TILE_VECTORS, HAS_FILTER);                                    \
                }                                                                                                      \
            }                                                                                                          \
        }                                                                                                              \
    }

DEFINE_PRODUCT(product_logits, copy_transposed, false)
DEFINE_PRODUCT(product_hidden, copy_stored, true)
DEFINE_PRODUCT(product_weight, copy_real, false)
