/* The longest row that each engine accepts is right to its last class, with everything on that makes its loops longest:
 * soft targets, a cap, the regulariser, and logits that rise, so that the argmax is looked for in every block. On a device
 * that ends loops early (docs/devices.md) a bound that is too generous shows here; on others rows end at LONGEST. */
#include "device_cases.h"

#define LONGEST ((size_t)1 << 16)

typedef struct line {
    clxent_engine engine;
    size_t work_group_size;
    clxent_target_type target_type;
} line;

static device_case make_case(const line *l, size_t classes) {
    device_case c;
    memset(&c, 0, sizeof c);
    clxent_desc_init(&c.desc, CLXENT_CROSS_ENTROPY);
    c.desc.pass = CLXENT_FORWARD_BACKWARD;
    c.desc.engine = l->engine;
    c.desc.work_group_size = l->work_group_size;
    c.desc.target_type = l->target_type;
    c.desc.label_smoothing = 0.1;
    c.desc.logit_softcap = 5;
    c.desc.reg_lambda = 0.1;
    c.desc.batch = 1;
    c.desc.classes = classes;
    c.given = GIVE(CLX_ARGMAX) | GIVE(CLX_LSE);
    return c;
}

static bool is_accepted(const line *l, size_t classes) {
    device_case c = make_case(l, classes);
    clxent_plan *plan = NULL;
    clxent_status status = clxent_plan_create(device.context, &c.desc, &plan);
    clxent_plan_destroy(plan);
    assert_true(status == CLXENT_SUCCESS || status == CLXENT_UNSUPPORTED);
    if (status == CLXENT_UNSUPPORTED)
        assert_non_null(strstr(clxent_last_error(), "loop iterations"));
    return status == CLXENT_SUCCESS;
}

static size_t longest_accepted(const line *l) {
    size_t good = 1, bad = LONGEST + 1;
    while (bad - good > 1) {
        size_t middle = good + (bad - good) / 2;
        if (is_accepted(l, middle))
            good = middle;
        else
            bad = middle;
    }
    return good;
}

static void check_line(void **state) {
    const line *l = *state;
    size_t classes = longest_accepted(l);
    device_case c = make_case(l, classes);
    device_data d;
    print_message("%zu classes\n", classes);
    assert_true(device.about->loop_limit > 0 ? classes > 1000 : classes == LONGEST);
    data_init(&d, &c);
    for (size_t k = 0; k < classes; k++)
        set_logit(&d, 0, k, -4 + 8 * (double)k / (double)classes);
    data_expect(&d);
    assert_true(data_must_run(&d, BY_RUN));
    expect_results(&d);
    data_free(&d);
}

/* A row of half that is too long for local memory: with a cap on it, what PoCL's compiler aborted on (docs/devices.md). */
static void a_row_that_is_read_twice(void **unused) {
    (void)unused;
    const line l = {CLXENT_ENGINE_ROW_PER_GROUP, 0, CLXENT_TARGET_PROBABILITIES_F32};
    device_case c = make_case(&l, 50257);
    device_data d;
    c.desc.pass = CLXENT_BACKWARD;
    c.desc.dtype = CLXENT_F16;
    c.desc.label_smoothing = c.desc.reg_lambda = 0;
    c.given = 0;
    data_init(&d, &c);
    data_expect(&d);
    if (data_must_run(&d, BY_RUN))
        expect_results(&d);
    data_free(&d);
}

#define LINE(engine, group, targets)                                                                                   \
    {                                                                                                                  \
#engine " " #group " " #targets, check_line, NULL, NULL, &(line) {                                             \
            CLXENT_ENGINE_##engine, group, CLXENT_TARGET_##targets                                                     \
        }                                                                                                              \
    }

int main(void) {
    const struct CMUnitTest tests[] = {
        LINE(ROW_PER_ITEM, 0, I32),
        LINE(ROW_PER_ITEM, 0, PROBABILITIES),
        LINE(ROWS_PER_LANE, 0, I32),
        LINE(ROWS_PER_LANE, 0, PROBABILITIES),
        LINE(COLUMN, 0, I32),
        LINE(ROW_PER_GROUP, 2, I32),
        LINE(ROW_PER_GROUP, 2, PROBABILITIES),
        LINE(ROW_SPLIT, 2, I32),
        cmocka_unit_test(a_row_that_is_read_twice),
    };
    return cmocka_run_group_tests(tests, open_device, close_device);
}
