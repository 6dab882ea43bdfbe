/* `clxent bench --sweep` with a device whose times are known: sizes, figures, and what it says where the device ends. */
#include "bench.h"
#include "message.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

/* Stands in for the measuring: one nanosecond per element, two with the gradient, twice that in the largest case of each
 * axis; from `end` elements on the device is too small. */
static size_t end, measured, smallest, largest;

int bench_measure(bench *b, const bench_case *c, bench_line *line) {
    size_t elements = bench_elements(c);
    if (elements >= end) {
        snprintf(b->reason, sizeof b->reason, "no room");
        return BENCH_CANNOT;
    }
    measured++;
    smallest = elements < smallest ? elements : smallest;
    largest = elements > largest ? elements : largest;
    double ns = (c->pass == CLXENT_FORWARD ? 1 : 2) * (elements == end / 2 ? 2 : 1);
    *line = (bench_line){.what = *c,
                         .engine = "column",
                         .ms = 1e-6 * ns * (double)elements,
                         .fraction = 0.5,
                         .elements_per_second = 1e9 / ns};
    return STATUS_OK;
}

/* Runs a sweep that ends before this many elements; returns what it printed. */
static const char *sweep(size_t before, bench_format format) {
    static char text[65536];
    bench b = {.device = {.name = "device", .platform = "platform"}};
    const bench_case like = {.op = CLXENT_CROSS_ENTROPY, .dtype = CLXENT_BF16};
    FILE *file = tmpfile();
    assert_non_null(file);
    end = before;
    measured = largest = 0;
    smallest = SIZE_MAX;
    fflush(stdout);
    int kept = dup(STDOUT_FILENO);
    assert_true(kept >= 0 && dup2(fileno(file), STDOUT_FILENO) >= 0);
    int status = bench_sweep(&b, &like, format);
    fflush(stdout);
    assert_true(dup2(kept, STDOUT_FILENO) >= 0);
    close(kept);
    rewind(file);
    text[fread(text, 1, sizeof text - 1, file)] = '\0';
    fclose(file);
    assert_int_equal(status, STATUS_OK);
    return text;
}

static size_t count_lines(const char *text) {
    size_t lines = 0;
    for (; *text != '\0'; text++)
        lines += *text == '\n';
    return lines;
}

static void test_all_sizes(void **state) {
    (void)state;
    const char *text = sweep((size_t)1 << 28, BENCH_TABLE);
    assert_int_equal(measured, 3 * 18 * 2);
    assert_int_equal(smallest, 1 << 10);
    assert_int_equal(largest, 1 << 27);
    assert_non_null(strstr(text, "524288x256 "));
    assert_non_null(strstr(text, "8x16777216 "));
    assert_non_null(strstr(text, "4x16x2097152 "));
    assert_null(strstr(text, "stops"));
    assert_non_null(
        strstr(text, "inner  from 2^20 elements on, at most 2.00 (forward) and 2.00 (forward-backward) times"));
}

static void test_small_device(void **state) {
    (void)state;
    const char *text = sweep((size_t)1 << 22, BENCH_TABLE);
    assert_int_equal(measured, 3 * 12 * 2);
    assert_non_null(strstr(text, "\nN stops at 2^22 elements: no room\n"));
    assert_non_null(strstr(text, "\nC stops at 2^22 elements: no room\n"));
    assert_non_null(strstr(text, "\ninner stops at 2^22 elements: no room\n"));
    text = sweep((size_t)1 << 12, BENCH_TABLE);
    assert_int_equal(measured, 3 * 2 * 2);
    assert_null(strstr(text, "at most"));
}

static void test_formats(void **state) {
    (void)state;
    const char *text = sweep((size_t)1 << 28, BENCH_CSV);
    assert_int_equal(count_lines(text), 1 + 3 * 18 * 2);
    assert_memory_equal(text, "op,pass,dtype,axis,elements,", 28);
    assert_non_null(strstr(text, "\ncross-entropy,forward-backward,bf16,C,1024,8x128,column,0.002048,2,0.5\n"));
    text = sweep((size_t)1 << 28, BENCH_JSON);
    assert_int_equal(count_lines(text), 3 * 18 * 2);
    assert_non_null(
        strstr(text, "{\"op\": \"cross-entropy\", \"pass\": \"forward\", \"dtype\": \"bf16\", \"axis\": \"inner\", "
                     "\"elements\": 1024, \"shape\": [4, 16, 16], \"engine\": \"column\", "));
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_all_sizes), cmocka_unit_test(test_small_device),
                                       cmocka_unit_test(test_formats)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
