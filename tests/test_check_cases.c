/* The cases of `clxent check`: does it have every combination? */
#include "check_cases.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define LARGEST_GROUP 256

#define OPS 9
#define SHARDS CLXENT_MERGE /* in the place of an operation; those of linear cross-entropy are the last one */
#define LINEAR_SHARDS 8
#define PASSES 3
#define DTYPES 4
#define ENGINES 5 /* numbered from 1 */

static const int pass_counts[OPS] = {2, 2, 2, 3, 3, 3, 1, 3, 1};

/* F32 meets every engine in every operation and pass; the other types meet every operation and pass, and every engine;
 * with `all`, everything meets everything. Linear cross-entropy has one engine, of AUTO, for every type. */
static void expect_lines(bool all) {
    bool seen[OPS][PASSES][DTYPES][ENGINES + 1] = {{{{false}}}};
    check_line line;
    size_t lines = 0;
    for (; check_get_line(lines, all, &line); lines++) {
        int op = line.shards ? line.op == CLXENT_CROSS_ENTROPY ? SHARDS : LINEAR_SHARDS : (int)line.op,
            pass = line.shards ? 0 : (int)line.pass;
        assert_false(seen[op][pass][line.dtype][line.engine]);
        seen[op][pass][line.dtype][line.engine] = true;
    }
    assert_int_equal(lines, 16 * (all ? DTYPES * ENGINES : ENGINES + DTYPES - 1) + 3 * DTYPES + 2);
    for (int dtype = 0; dtype < DTYPES; dtype++) {
        size_t engines[ENGINES + 1] = {0};
        for (int op = 0; op < OPS; op++)
            for (int pass = 0; pass < pass_counts[op]; pass++) {
                size_t of_pass = 0;
                for (int engine = 0; engine <= ENGINES; engine++) {
                    of_pass += seen[op][pass][dtype][engine];
                    engines[engine] += seen[op][pass][dtype][engine];
                }
                bool linear = op >= CLXENT_LINEAR_CROSS_ENTROPY, several = all || dtype == CLXENT_F32;
                bool has = op != LINEAR_SHARDS || dtype <= CLXENT_F64;
                assert_int_equal(of_pass, several && !linear ? ENGINES : has);
                assert_int_equal(seen[op][pass][dtype][CLXENT_ENGINE_AUTO], linear && has);
            }
        for (int engine = 1; engine <= ENGINES; engine++)
            assert_true(engines[engine] >= 3);
    }
}

static void test_lines(void **state) {
    (void)state;
    expect_lines(false);
    expect_lines(true);
}

/* What a case has, as bits. */
enum {
    HAS_I32,
    HAS_I64,
    HAS_U8,
    HAS_PROBABILITIES,
    HAS_FLOAT_PROBABILITIES,
    HAS_NONE,
    HAS_MEAN,
    HAS_SUM,
    HAS_SMOOTHING,
    HAS_SCALE,
    HAS_SOFTCAP,
    HAS_Z_LOSS,
    HAS_REG_LAMBDA,
    HAS_MIX,
    HAS_MIX_ARRAY,
    HAS_GRAD_SCALE,
    HAS_ACCUMULATE,
    HAS_EMPTY_MEAN_ZERO,
    HAS_IGNORE_INSIDE,
    HAS_WEIGHT,
    HAS_SAMPLE_WEIGHT,
    HAS_POS_WEIGHT,
    HAS_GRAD_OUTPUT,
    HAS_LSE,
    HAS_SAVED_LSE,
    HAS_ARGMAX,
    HAS_INVALID_COUNT,
    HAS_CORRECT_COUNT,
    HAS_POISON,
    HAS_NOTHING_COUNTS,
    HAS_PADDING,
    HAS_EMPTY_BATCH,
    HAS_VOCABULARY,
    HAS_LINEAR_BIAS,
    HAS_FILTER,
    HAS_CHUNKS,
    PROPERTIES
};

static void note_properties(const check_case *c, bool seen[PROPERTIES]) {
    const clxent_desc *d = &c->desc;
    seen[HAS_I32 + d->target_type] = true;
    seen[HAS_NONE + d->reduction] = true;
    const bool has[] = {[HAS_SMOOTHING] = d->label_smoothing > 0,
                        [HAS_SCALE] = d->logit_scale != 1,
                        [HAS_SOFTCAP] = d->logit_softcap > 0,
                        [HAS_Z_LOSS] = d->z_loss > 0,
                        [HAS_REG_LAMBDA] = d->reg_lambda != 0,
                        [HAS_MIX] = c->target2 && !c->mix_lambda,
                        [HAS_MIX_ARRAY] = c->target2 && c->mix_lambda,
                        [HAS_GRAD_SCALE] = d->grad_scale != 1,
                        [HAS_ACCUMULATE] = d->flags & CLXENT_ACCUMULATE_GRAD && d->pass != CLXENT_FORWARD,
                        [HAS_EMPTY_MEAN_ZERO] = d->flags & CLXENT_EMPTY_MEAN_ZERO && d->pass != CLXENT_BACKWARD,
                        [HAS_IGNORE_INSIDE] = d->ignore_index == 1,
                        [HAS_WEIGHT] = c->weight,
                        [HAS_SAMPLE_WEIGHT] = c->sample_weight,
                        [HAS_POS_WEIGHT] = c->pos_weight,
                        [HAS_GRAD_OUTPUT] = c->grad_output,
                        [HAS_LSE] = c->lse && d->pass != CLXENT_BACKWARD,
                        [HAS_SAVED_LSE] = c->lse && d->pass == CLXENT_BACKWARD,
                        [HAS_ARGMAX] = c->argmax,
                        [HAS_INVALID_COUNT] = c->counts,
                        [HAS_CORRECT_COUNT] = c->counts && c->argmax,
                        [HAS_POISON] = c->poison,
                        [HAS_NOTHING_COUNTS] = c->nothing_counts,
                        [HAS_PADDING] = d->row_stride > 0,
                        [HAS_EMPTY_BATCH] = d->batch == 0,
                        [HAS_VOCABULARY] = d->classes == 50257,
                        [HAS_LINEAR_BIAS] = c->linear_bias,
                        [HAS_FILTER] = d->flags & CLXENT_FILTER_GRADIENT && d->pass != CLXENT_FORWARD,
                        [HAS_CHUNKS] = d->features > 0 && d->batch >= 64 * 5 / 4 + 5 && !c->nothing_counts};
    for (int i = HAS_SMOOTHING; i < PROPERTIES; i++)
        seen[i] = seen[i] || has[i];
}

/* Has linear cross-entropy this, or what goes over rows of logits? Those are of any engine, these of AUTO. */
static bool is_of(int engine, int property) {
    switch (property) {
    case HAS_PROBABILITIES:
    case HAS_FLOAT_PROBABILITIES:
    case HAS_MIX:
    case HAS_MIX_ARRAY:
    case HAS_POS_WEIGHT:
    case HAS_ARGMAX:
    case HAS_CORRECT_COUNT:
        return engine != CLXENT_ENGINE_AUTO;
    case HAS_LINEAR_BIAS:
    case HAS_FILTER:
    case HAS_CHUNKS: /* rows that count, of which a fifth does not, are more than 64 */
        return engine == CLXENT_ENGINE_AUTO;
    default:
        return true;
    }
}

/* In F32 every value of every option meets every engine. */
static void test_options_meet_engines(void **state) {
    (void)state;
    bool seen[ENGINES + 1][PROPERTIES] = {{false}};
    check_line line;
    check_case c;
    for (size_t i = 0; check_get_line(i, false, &line); i++)
        for (size_t j = 0; check_get_case(&line, j, LARGEST_GROUP, &c); j++) {
            assert_true(c.desc.op == line.op && c.desc.pass == line.pass && c.desc.engine == line.engine);
            assert_true(c.desc.work_group_size <= LARGEST_GROUP);
            if (line.dtype == CLXENT_F32)
                note_properties(&c, seen[line.engine]);
        }
    for (int engine = CLXENT_ENGINE_AUTO; engine <= ENGINES; engine++)
        for (int i = 0; i < PROPERTIES; i++)
            if (seen[engine][i] != is_of(engine, i))
                fail_msg("engine %d and property %d: they %s", engine, i, seen[engine][i] ? "meet" : "do not meet");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lines),
        cmocka_unit_test(test_options_meet_engines),
    };
    return cmocka_run_group_tests_name("check: cases", tests, NULL, NULL);
}
