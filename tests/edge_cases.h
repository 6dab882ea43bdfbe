/* What the tests of the edge cases share: each of them goes through every engine and type, by clxent_run and by a plan,
 * with the rows of a batch side by side and, for the engine column, along an inner axis too. */
#ifndef EDGE_CASES_H
#define EDGE_CASES_H

#include "device_cases.h"

#include <math.h>

#define ROWS 18
#define C 11 /* classes of most cases: more than a vector */

typedef struct way {
    clxent_engine engine;
    clxent_dtype dtype;
    run_path path;
} way;

/* Every engine, and every storage type on two of them; where only some are shared, others in each test of a program. */
static inline void for_each_way(void (*check)(const way *w)) {
    static size_t number;
    static const way ways[] = {
        {CLXENT_ENGINE_ROW_PER_ITEM, CLXENT_F32, BY_RUN},   {CLXENT_ENGINE_ROW_PER_GROUP, CLXENT_F32, BY_RUN},
        {CLXENT_ENGINE_COLUMN, CLXENT_F32, BY_RUN},         {CLXENT_ENGINE_ROWS_PER_LANE, CLXENT_F32, BY_RUN},
        {CLXENT_ENGINE_ROW_SPLIT, CLXENT_F32, BY_RUN},      {CLXENT_ENGINE_ROW_PER_ITEM, CLXENT_F64, BY_RUN},
        {CLXENT_ENGINE_ROW_SPLIT, CLXENT_F64, BY_RUN},      {CLXENT_ENGINE_ROW_PER_GROUP, CLXENT_F16, BY_RUN},
        {CLXENT_ENGINE_COLUMN, CLXENT_F16, BY_RUN},         {CLXENT_ENGINE_ROW_PER_ITEM, CLXENT_BF16, BY_RUN},
        {CLXENT_ENGINE_ROWS_PER_LANE, CLXENT_BF16, BY_RUN},
    };
    for (size_t i = 0; i < sizeof ways / sizeof ways[0]; i++)
        for (int path = BY_RUN; is_shared(number + i) && path <= BY_ENQUEUE; path++)
            check(&(way){ways[i].engine, ways[i].dtype, (run_path)path});
    number++;
}

/* A case of ROWS rows; for losses with the given reduction. */
static inline device_case edge_case(const way *w, clxent_op op, clxent_pass pass, size_t classes,
                                    clxent_reduction reduction) {
    device_case c;
    memset(&c, 0, sizeof c);
    clxent_desc_init(&c.desc, op);
    c.desc.pass = pass;
    c.desc.dtype = w->dtype;
    c.desc.engine = w->engine;
    c.desc.classes = classes;
    c.desc.inner = w->engine == CLXENT_ENGINE_COLUMN ? 9 : 1;
    c.desc.batch = ROWS / c.desc.inner;
    if (!is_loss(op))
        return c;
    c.desc.reduction = reduction;
    if (!is_binary(op))
        c.desc.target_type = w->engine == CLXENT_ENGINE_ROW_PER_GROUP ? CLXENT_TARGET_I32 : CLXENT_TARGET_I64;
    c.given = GIVE(CLX_INVALID_COUNT) | (pass == CLXENT_BACKWARD ? 0 : GIVE(CLX_LSE));
    return c;
}

/* Makes its data: small finite logits, or probabilities, and no row ignored. */
static inline void plain_data(device_data *d, const device_case *c) {
    uint64_t state = device.seed;
    data_init(d, c);
    for (size_t row = 0; row < d->problem.rows; row++) {
        for (size_t k = 0; k < c->desc.classes; k++) {
            double u = draw(&state);
            set_logit(d, row, k,
                      c->desc.op == CLXENT_BINARY_CROSS_ENTROPY ? (u + 1) / 2
                      : c->desc.op == CLXENT_NLL_LOSS           ? 3 * u - 3.5
                                                                : 3 * u);
        }
        if (is_loss(c->desc.op) && !clx_has_probabilities(&d->problem))
            set_target(d, row, (int64_t)(row % c->desc.classes));
    }
}

/* Runs it and compares it with the reference. False: the device cannot. */
static inline bool run_and_compare(device_data *d, const way *w) {
    data_expect(d);
    if (!data_must_run(d, w->path))
        return false;
    expect_results(d);
    return true;
}

static inline double output_at(const device_data *d, size_t i) {
    return get_number(&d->tensors[CLX_OUTPUT], i);
}

static inline double gradient_at(const device_data *d, size_t row, size_t c) {
    return get_number(&d->tensors[CLX_GRAD_INPUT], element_of(d, row, c));
}

static inline device_case loss_case(const way *w, clxent_reduction reduction) {
    return edge_case(w, CLXENT_CROSS_ENTROPY, CLXENT_FORWARD_BACKWARD, C, reduction);
}

static inline bool row_is(const device_data *d, size_t row, bool (*is)(double)) {
    for (size_t c = 0; c < d->c.desc.classes; c++)
        if (!is(gradient_at(d, row, c)))
            return false;
    return true;
}

static inline bool is_finite(double x) {
    return isfinite(x);
}

static inline bool is_zero(double x) {
    return x == 0;
}

#define EXPECT(d, condition)                                                                                           \
    do {                                                                                                               \
        if (!(condition))                                                                                              \
            fail_msg("%s: not %s", describe(d), #condition);                                                           \
    } while (0)

#define EDGE_TEST(name)                                                                                                \
    static void test_##name(void **state) {                                                                            \
        (void)state;                                                                                                   \
        for_each_way(check_##name);                                                                                    \
    }

#endif
