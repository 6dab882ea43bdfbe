/* `clxent bench` checks results before it times anything: right ones pass, for every operation and in place too, and a
 * single wrong element does not. The linker's --wrap stands between the check and clxent_run. */
#include "bench.h"
#include "message.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

clxent_status __real_clxent_run(clxent_context *context, const clxent_desc *desc, const clxent_host_args *args);
clxent_status __wrap_clxent_run(clxent_context *context, const clxent_desc *desc, const clxent_host_args *args);

/* Which result to spoil, and what the last run saw. */
static enum { SPOIL_NOTHING, SPOIL_OUTPUT, SPOIL_GRADIENT } spoil;
static clxent_desc seen;
static bool over_input;

clxent_status __wrap_clxent_run(clxent_context *context, const clxent_desc *desc, const clxent_host_args *args) {
    clxent_status status = __real_clxent_run(context, desc, args);
    seen = *desc;
    over_input = (args->input != NULL && (args->input == args->output || args->input == args->grad_input)) ||
                 (args->grad_output != NULL && args->grad_output == args->grad_input);
    if (spoil == SPOIL_OUTPUT)
        *(float *)args->output += 0.01f;
    if (spoil == SPOIL_GRADIENT)
        ((float *)args->grad_input)[desc->batch * desc->classes * desc->inner - 1] += 0.01f;
    return status;
}

/* Runs the check with standard error in a file, and returns what it said there. */
static int verify(bench *b, const bench_case *c, clxent_engine engine, char said[512]) {
    FILE *file = tmpfile();
    assert_non_null(file);
    fflush(stderr);
    int kept = dup(STDERR_FILENO);
    assert_true(kept >= 0 && dup2(fileno(file), STDERR_FILENO) >= 0);
    int status = bench_verify(b, c, engine);
    fflush(stderr);
    assert_true(dup2(kept, STDERR_FILENO) >= 0);
    close(kept);
    rewind(file);
    said[fread(said, 1, 511, file)] = '\0';
    fclose(file);
    return status;
}

static void test_every_pass(void **state) {
    bench *b = *state;
    char said[512];
    for (clxent_op op = CLXENT_SOFTMAX; op <= CLXENT_BINARY_CROSS_ENTROPY_WITH_LOGITS; op++)
        for (clxent_pass pass = CLXENT_FORWARD; pass <= CLXENT_FORWARD_BACKWARD; pass++)
            for (int in_place = 0; in_place <= (int)bench_has_in_place(op, pass); in_place++) {
                bench_case c = {.op = op, .pass = pass, .in_place = in_place, .rank = 2, .shape = {9, 33}};
                if (!bench_has_pass(op, pass))
                    continue;
                spoil = SPOIL_NOTHING;
                if (verify(b, &c, CLXENT_ENGINE_ROW_PER_ITEM, said) != STATUS_OK)
                    fail_msg("%s: %s", bench_describe(&c).text, said);
                assert_int_equal(seen.engine, CLXENT_ENGINE_ROW_PER_ITEM);
                assert_int_equal(over_input, in_place);
                spoil = pass == CLXENT_FORWARD ? SPOIL_OUTPUT : SPOIL_GRADIENT;
                assert_int_equal(verify(b, &c, CLXENT_ENGINE_ROW_PER_ITEM, said), STATUS_FAILED);
                assert_non_null(strstr(said, bench_describe(&c).text));
                assert_non_null(strstr(said, pass == CLXENT_FORWARD ? "output[0] is " : "grad_input[296] is "));
                assert_non_null(strstr(said, "times the tolerance\n"));
            }
}

/* A large shape is cut in its batch, or where one entry is large in its inner part too; classes never are. */
static void test_large_shapes_are_cut(void **state) {
    bench *b = *state;
    char said[512];
    static const struct {
        size_t shape[3], batch, inner;
        clxent_engine engine;
    } cuts[] = {
        {{1 << 20, 10, 1}, (1 << 20) / 10, 1, CLXENT_ENGINE_ROWS_PER_LANE},
        {{8, 21, 262144}, 1, (1 << 20) / 21, CLXENT_ENGINE_COLUMN},
        {{4, 1100000, 1}, 1, 1, CLXENT_ENGINE_ROW_SPLIT},
    };
    spoil = SPOIL_NOTHING;
    for (size_t i = 0; i < sizeof cuts / sizeof cuts[0]; i++) {
        bench_case c = {.op = CLXENT_CROSS_ENTROPY, .rank = 3};
        memcpy(c.shape, cuts[i].shape, sizeof cuts[i].shape);
        if (verify(b, &c, cuts[i].engine, said) != STATUS_OK)
            fail_msg("%s", said);
        assert_int_equal(seen.batch, cuts[i].batch);
        assert_int_equal(seen.classes, c.shape[1]);
        assert_int_equal(seen.inner, cuts[i].inner);
        assert_int_equal(seen.engine, cuts[i].engine);
    }
}

static int open_device(void **state) {
    static bench b;
    *state = &b;
    return clxent_context_create_default(&b.device.context);
}

static int close_device(void **state) {
    bench *b = *state;
    clxent_context_destroy(b->device.context);
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_every_pass), cmocka_unit_test(test_large_shapes_are_cut)};
    return cmocka_run_group_tests(tests, open_device, close_device);
}
