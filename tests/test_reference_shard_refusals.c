/* What shards, the merge and clxent_check_shards refuse, with its status and sentence, and that nothing is written then; and what
 * they take. */
#include "shard_cases.h"

static void refuses(clxent_status got, clxent_status status, const char *text, int line) {
    if (got != status || strcmp(clxent_last_error(), text) != 0)
        fail_msg("line %d: %s: %s", line, clxent_status_string(got), clxent_last_error());
}
#define assert_refused(call, status, text) refuses(call, CLXENT_##status, text, __LINE__)

/* A change to a good case of a shard's pass, or of the merge, makes it be refused, and nothing is written. */
enum { FORWARD, BACKWARD, MERGE };
static struct {
    shard_data data, before;
    clxent_desc desc;
    clxent_host_args args;
} attempt;

static void begin(int which) {
    shard_case c = make_shard_case(3, 2, (size_t[]){2, 3});
    c.whole.dtype = CLXENT_F32;
    shard_data_init(&attempt.data, &c, 7);
    shard_data_init(&attempt.before, &c, 7);
    attempt.desc = which == MERGE ? merge_desc(&c) : shard_desc(&c, 1, (clxent_pass)which);
    attempt.args = which == MERGE ? merge_args(&attempt.data) : shard_args(&attempt.data, 1, (clxent_pass)which);
}

static void end(void) {
    const shard_data *d = &attempt.data, *before = &attempt.before;
    assert_memory_equal(d->partials, before->partials, 2 * PLANES * 3 * sizeof(float));
    assert_memory_equal(d->merged, before->merged, PLANES * 3 * sizeof(float));
    assert_memory_equal(d->output, before->output, sizeof(float));
    assert_memory_equal(d->weight_sum, before->weight_sum, 2 * sizeof(float));
    assert_memory_equal(d->grad_input, before->grad_input, 15 * sizeof(float));
    shard_data_free(&attempt.data);
    shard_data_free(&attempt.before);
}

#define REFUSES(which, change, status, text)                                                                           \
    do {                                                                                                               \
        begin(which);                                                                                                  \
        change;                                                                                                        \
        assert_refused(clxent_reference(&attempt.desc, &attempt.args), status, text);                                  \
        end();                                                                                                         \
    } while (0)

static void refused_descriptors(void **state) {
    (void)state;
    REFUSES(FORWARD, attempt.desc.class_start = 3, INVALID_SHAPE,
            "a shard of 3 classes from class_start 3 on is not inside [0, class_total = 5)");
    REFUSES(FORWARD, attempt.desc.class_start = SIZE_MAX, INVALID_SHAPE,
            "a shard of 3 classes from class_start 18446744073709551615 on is not inside [0, class_total = 5)");
    REFUSES(FORWARD, attempt.desc.class_total = 2, INVALID_SHAPE,
            "a shard of 3 classes from class_start 2 on is not inside [0, class_total = 2)");
    REFUSES(FORWARD, attempt.desc.class_total = 0, INVALID_SHAPE,
            "a shard of 3 classes from class_start 2 on is not inside [0, class_total = 0)");
    REFUSES(FORWARD, attempt.desc.pass = CLXENT_FORWARD_BACKWARD, INVALID_OPTION,
            "cross-entropy of a shard has no FORWARD_BACKWARD pass");
    REFUSES(FORWARD, attempt.desc.target_type = CLXENT_TARGET_PROBABILITIES, INVALID_OPTION,
            "target_type is 3, cross-entropy of a shard takes class indices");
    REFUSES(FORWARD, attempt.desc.reg_lambda = .5, INVALID_OPTION,
            "cross-entropy of a shard does not use reg_lambda, which must stay at its default of 0, but is 0.5");
    REFUSES(BACKWARD, attempt.desc.mix_lambda = .5, INVALID_OPTION,
            "cross-entropy of a shard does not use mix_lambda, which must stay at its default of 1, but is 0.5");
    REFUSES(FORWARD, attempt.desc.parts = 2, INVALID_OPTION,
            "cross-entropy of a shard does not use parts, which must stay at its default of 0, but is 2");
    REFUSES(MERGE, attempt.desc.parts = 0, INVALID_SHAPE, "parts is 0, it must be at least 1");
    REFUSES(MERGE, attempt.desc.parts = SIZE_MAX / 64, INVALID_SHAPE,
            "partials of 3 rows in 288230376151711743 parts have more bytes than this machine can address");
    REFUSES(MERGE, attempt.desc.pass = CLXENT_BACKWARD, INVALID_OPTION,
            "merge has no BACKWARD pass: each shard has one");
    REFUSES(MERGE, attempt.desc.pass = CLXENT_FORWARD_BACKWARD, INVALID_OPTION, "merge has no FORWARD_BACKWARD pass");
    REFUSES(MERGE, attempt.desc.logit_scale = 2, INVALID_OPTION,
            "merge does not use logit_scale, which must stay at its default of 1, but is 2");
    REFUSES(MERGE, attempt.desc.logit_softcap = 2, INVALID_OPTION,
            "merge does not use logit_softcap, which must stay at its default of 0, but is 2");
    REFUSES(MERGE, attempt.desc.grad_scale = 2, INVALID_OPTION,
            "merge does not use grad_scale, which must stay at its default of 1, but is 2");
    REFUSES(MERGE, attempt.desc.class_total = 5, INVALID_OPTION,
            "merge does not use class_total, which must stay at its default of 0, but is 5");
}

static void refused_arrays(void **state) {
    (void)state;
    int64_t argmax[3];
    REFUSES(FORWARD, attempt.args.partial = NULL, MISSING_BUFFER,
            "partial is null, but this pass of cross-entropy of a shard needs its 72 bytes");
    REFUSES(FORWARD, attempt.args.argmax = argmax, INVALID_ARGUMENT,
            "argmax is given, but no pass of cross-entropy of a shard uses it");
    REFUSES(FORWARD, attempt.args.target2 = attempt.data.target, INVALID_ARGUMENT,
            "target2 is given, but no pass of cross-entropy of a shard uses it");
    REFUSES(FORWARD, attempt.args.correct_count = argmax, INVALID_ARGUMENT,
            "correct_count is given, but no pass of cross-entropy of a shard uses it");
    REFUSES(FORWARD, put_target(&attempt.data, 1, 5), INVALID_TARGET, "target[1] = 5 is outside [0, 5)");
    REFUSES(BACKWARD, attempt.args.merged = NULL, MISSING_BUFFER,
            "merged is null, but this pass of cross-entropy of a shard needs its 72 bytes");
    REFUSES(BACKWARD, attempt.args.weight_sum = NULL, MISSING_BUFFER,
            "weight_sum is null, but this pass of cross-entropy of a shard needs its 8 bytes");
    REFUSES(BACKWARD, put_target(&attempt.data, 0, -1), INVALID_TARGET, "target[0] = -1 is outside [0, 5)");
    REFUSES(MERGE, attempt.args.partial = NULL, MISSING_BUFFER,
            "partial is null, but this pass of merge needs its 144 bytes");
    REFUSES(MERGE, attempt.args.input = attempt.data.input, INVALID_ARGUMENT,
            "input is given, but no pass of merge uses it");
    REFUSES(MERGE, attempt.args.weight = attempt.data.lse, INVALID_ARGUMENT,
            "weight is given, but no pass of merge uses it");
    REFUSES(MERGE, attempt.args.merged = attempt.data.partials, INVALID_BUFFER,
            "merged overlaps partial, which merge does not allow");
    REFUSES(MERGE, put_target(&attempt.data, 2, 5), INVALID_TARGET, "target[2] = 5 is outside [0, 5)");
}

/* What a mean does not need is not asked for, and a struct from before there were shards has no weight_sum. */
static void accepted_arrays(void **state) {
    (void)state;
    shard_data d;
    shard_case c = make_shard_case(3, 2, (size_t[]){2, 3});
    c.whole.reduction = CLXENT_REDUCTION_SUM;
    shard_data_init(&d, &c, 7);
    assert_true(run_shards(&d, clxent_reference));
    clxent_desc desc = shard_desc(&c, 1, CLXENT_BACKWARD);
    clxent_host_args args = shard_args(&d, 1, CLXENT_BACKWARD);
    args.weight_sum = NULL;
    assert_int_equal(clxent_reference(&desc, &args), CLXENT_SUCCESS);
    desc = c.whole;
    desc.struct_size = offsetof(clxent_desc, class_start);
    clxent_host_args_init(&args);
    args.struct_size = offsetof(clxent_host_args, partial);
    args.input = d.input;
    args.target = d.target;
    args.output = d.output;
    args.partial = args.merged = args.weight_sum = &d; /* bytes that are the caller's own */
    assert_int_equal(clxent_reference(&desc, &args), CLXENT_SUCCESS);
    shard_data_free(&d);
}

/* ---- clxent_check_shards ---- */

static void shards_of(clxent_desc descs[3]) {
    shard_case c = make_shard_case(3, 3, (size_t[]){2, 1, 3});
    for (size_t i = 0; i < 3; i++)
        descs[i] = shard_desc(&c, i, CLXENT_FORWARD);
}

#define REFUSES_SHARDS(change, status, text)                                                                           \
    do {                                                                                                               \
        clxent_desc s[3];                                                                                              \
        shards_of(s);                                                                                                  \
        change;                                                                                                        \
        assert_refused(clxent_check_shards(s, 3), status, text);                                                       \
    } while (0)

static void shards_together(void **state) {
    (void)state;
    clxent_desc good[3];
    shards_of(good);
    assert_int_equal(clxent_check_shards(good, 3), CLXENT_SUCCESS);
    good[1].engine = CLXENT_ENGINE_COLUMN;
    good[1].work_group_size = 4;
    good[2].row_stride = 0;
    assert_int_equal(clxent_check_shards(good, 3), CLXENT_SUCCESS);
    assert_refused(clxent_check_shards(good, 2), INVALID_SHAPE, "descs[1], the last, ends at class 3 of 6");
    assert_refused(clxent_check_shards(NULL, 3), INVALID_ARGUMENT, "descs is null");
    assert_refused(clxent_check_shards(good, 0), INVALID_ARGUMENT, "count is 0, there must be at least 1 shard");
    REFUSES_SHARDS(s[2].class_start = 2, INVALID_SHAPE,
                   "descs[1] has the classes [2, 3) and descs[2] the classes [2, 5): they overlap, or are not in "
                   "ascending order");
    REFUSES_SHARDS((s[2].class_start = 4, s[2].classes = 2), INVALID_SHAPE,
                   "descs[1] has the classes [2, 3) and descs[2] the classes [4, 6): they leave a gap");
    REFUSES_SHARDS((s[0].class_start = 1, s[0].classes = 1), INVALID_SHAPE,
                   "descs[0] begins at class 1, and no shard has those before it");
    REFUSES_SHARDS(s[2].batch = 4, INVALID_SHAPE, "descs[2].batch is 4, but descs[0].batch is 3");
    REFUSES_SHARDS((s[1].inner = 2, s[1].row_stride = 0), INVALID_SHAPE,
                   "descs[1].inner is 2, but descs[0].inner is 1");
    REFUSES_SHARDS(s[1].class_total = 7, INVALID_SHAPE, "descs[1].class_total is 7, but descs[0].class_total is 6");
    REFUSES_SHARDS(s[1].pass = CLXENT_BACKWARD, INVALID_OPTION, "descs[1].pass is 1, but descs[0].pass is 0");
    REFUSES_SHARDS(s[1].dtype = CLXENT_F16, INVALID_OPTION, "descs[1].dtype is 2, but descs[0].dtype is 1");
    REFUSES_SHARDS(s[1].target_type = CLXENT_TARGET_U8, INVALID_OPTION,
                   "descs[1].target_type is 2, but descs[0].target_type is 0");
    REFUSES_SHARDS(s[1].reduction = CLXENT_REDUCTION_SUM, INVALID_OPTION,
                   "descs[1].reduction is 2, but descs[0].reduction is 1");
    REFUSES_SHARDS(s[1].ignore_index = -1, INVALID_OPTION,
                   "descs[1].ignore_index is -1, but descs[0].ignore_index is -100");
    REFUSES_SHARDS(s[1].flags = CLXENT_ACCUMULATE_GRAD, INVALID_OPTION, "descs[1].flags is 1, but descs[0].flags is 0");
    REFUSES_SHARDS(s[1].label_smoothing = .5, INVALID_OPTION,
                   "descs[1].label_smoothing is 0.5, but descs[0].label_smoothing is 0");
    REFUSES_SHARDS(s[1].logit_scale = .5, INVALID_OPTION, "descs[1].logit_scale is 0.5, but descs[0].logit_scale is 1");
    REFUSES_SHARDS(s[1].logit_softcap = .5, INVALID_OPTION,
                   "descs[1].logit_softcap is 0.5, but descs[0].logit_softcap is 0");
    REFUSES_SHARDS(s[1].z_loss = .5, INVALID_OPTION, "descs[1].z_loss is 0.5, but descs[0].z_loss is 0");
    REFUSES_SHARDS(s[1].grad_scale = .5, INVALID_OPTION, "descs[1].grad_scale is 0.5, but descs[0].grad_scale is 1");
    REFUSES_SHARDS((s[1].class_start = s[1].class_total = 0), INVALID_ARGUMENT,
                   "descs[1] is no shard: it is of cross-entropy, with a class_total of 0");
    REFUSES_SHARDS(s[1].classes = 0, INVALID_SHAPE, "classes is 0, it must be at least 1");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(refused_descriptors),
        cmocka_unit_test(refused_arrays),
        cmocka_unit_test(accepted_arrays),
        cmocka_unit_test(shards_together),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
