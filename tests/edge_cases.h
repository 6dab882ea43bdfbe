/* What the tests of the edge cases share: each of them goes through every engine and type, by clxent_run and by a plan,
 * with the rows of a batch side by side and, for the engine column, along an inner axis too. */
#ifndef EDGE_CASES_H
#define EDGE_CASES_H

#include "device_cases.h"

#include <math.h>

#define ROWS 18

typedef struct way {
    clxent_engine engine;
    clxent_dtype dtype;
    run_path path;
} way;

static inline void for_each_way(void (*check)(const way *w)) {
    for (int engine = CLXENT_ENGINE_ROW_PER_ITEM; engine <= CLXENT_ENGINE_COLUMN; engine++)
        for (int dtype = CLXENT_F32; dtype <= CLXENT_BF16; dtype++)
            for (int path = BY_RUN; path <= BY_ENQUEUE; path++)
                check(&(way){(clxent_engine)engine, (clxent_dtype)dtype, (run_path)path});
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
    c.desc.target_type = w->engine == CLXENT_ENGINE_ROW_PER_GROUP ? CLXENT_TARGET_I32 : CLXENT_TARGET_I64;
    c.lse = op == CLXENT_CROSS_ENTROPY && pass != CLXENT_BACKWARD;
    c.invalid_count = true;
    return c;
}

/* Makes its data: small finite logits, no row ignored. */
static inline void plain_data(device_data *d, const device_case *c) {
    uint64_t state = device.seed;
    data_init(d, c);
    for (size_t row = 0; row < d->problem.rows; row++) {
        for (size_t k = 0; k < c->desc.classes; k++)
            set_logit(d, row, k, c->desc.op == CLXENT_NLL_LOSS ? 3 * draw(&state) - 3.5 : 3 * draw(&state));
        if (is_loss(c->desc.op))
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
    return get_number(d, &d->tensors[CLX_OUTPUT], i);
}

static inline double gradient_at(const device_data *d, size_t row, size_t c) {
    return get_number(d, &d->tensors[CLX_GRAD_INPUT], element_of(d, row, c));
}

#define EXPECT(d, condition)                                                                                           \
    do {                                                                                                               \
        if (!(condition))                                                                                              \
            fail_msg("%s: not %s", describe(d), #condition);                                                           \
    } while (0)

#endif
