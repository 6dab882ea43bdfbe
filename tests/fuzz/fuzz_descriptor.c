/* Arbitrary bytes as a descriptor with its arrays, to the CPU reference and to clxent_run on the device: both refuse with the
 * same status, having written nothing, or both compute and agree within the tolerances of the tests. fuzz_case.c says what the
 * bytes mean. With BY_ENQUEUE the same goes through a plan and buffers of its own. */
#include "fuzz_case.h"
#include "fuzz_later.h"

#include "op.h"

enum { POOL = 1 << 19 };

/* Something to point at for tensors that the case has not: as many bytes as any of its tensors can have. */
static _Alignas(64) unsigned char pool[CLX_TENSORS][POOL];

/* A driver compiles by LLVM, which takes over the signals of its process, so that libFuzzer would not notice an end and keep no input.
 * AddressSanitizer, which does tell libFuzzer, can hold on to them; not to SIGFPE, which PoCL needs. */
const char *__asan_default_options(void);
const char *__asan_default_options(void) {
    return "handle_abort=2:handle_segv=2:handle_sigbus=2:handle_sigill=2";
}

int LLVMFuzzerInitialize(int *count, char ***words) {
    (void)count;
    (void)words;
    setenv("CMOCKA_TEST_ABORT", "1", 1); /* comparisons that fail end the process */
    setenv("CLXENT_TEST_SEED", "1", 1);  /* the same data for the same bytes */
    return open_device(NULL);
}

/* ---- refusals ---- */

static void take_snapshot(device_data *d) {
    for (clx_tensor tensor = 0; tensor < CLX_TENSORS; tensor++) {
        guarded *copy = &d->before[tensor];
        *copy = d->tensors[tensor];
        if (copy->bytes == NULL)
            continue;
        copy->bytes = malloc(copy->size + 2 * GUARD);
        FUZZ_EXPECT(copy->bytes != NULL, "no memory for a copy of %zu bytes", copy->size);
        memcpy(copy->bytes, d->tensors[tensor].bytes, copy->size + 2 * GUARD);
    }
}

static void restore(device_data *d) {
    for (clx_tensor tensor = 0; tensor < CLX_TENSORS; tensor++)
        if (d->tensors[tensor].bytes != NULL)
            memcpy(d->tensors[tensor].bytes, d->before[tensor].bytes, d->before[tensor].size + 2 * GUARD);
}

static void expect_nothing_written(const device_data *d, const char *by) {
    for (clx_tensor tensor = 0; tensor < CLX_TENSORS; tensor++)
        FUZZ_EXPECT(d->tensors[tensor].bytes == NULL || memcmp(d->tensors[tensor].bytes, d->before[tensor].bytes,
                                                               d->before[tensor].size + 2 * GUARD) == 0,
                    "%s: %s refused (%s), but changed %s", describe(d), by, clxent_last_error(),
                    clx_tensor_name(tensor));
}

static clxent_host_args args_of(const device_data *d) {
    clxent_host_args args;
    clxent_host_args_init(&args);
    for (clx_tensor tensor = 0; tensor < CLX_TENSORS; tensor++)
        clx_set_host_array(&args, tensor, contents(&d->tensors[tensor]));
    return args;
}

/* Statuses of both; what was written by one is taken back before the other. */
static clxent_status compare_statuses(device_data *d, const clxent_desc *desc, const clxent_host_args *args) {
    clxent_status expected = clxent_reference(desc, args);
    fuzz_expect_sentence(expected);
    if (expected != CLXENT_SUCCESS)
        expect_nothing_written(d, "the reference");
    restore(d);
    clxent_status got = clxent_run(device.context, desc, args);
    fuzz_expect_sentence(got);
    if (expected == CLXENT_SUCCESS && fuzz_may_refuse(desc, got))
        return got;
    FUZZ_EXPECT(got == expected, "%s: the reference says %s, the device %s (%s)", describe(d),
                clxent_status_string(expected), clxent_status_string(got), clxent_last_error());
    if (got != CLXENT_SUCCESS)
        expect_nothing_written(d, "clxent_run");
    return got;
}

/* ---- well-formed cases ---- */

static void check_values(const device_case *c, fuzz_bytes bytes, run_path path) {
    device_data d, probe;
    fuzz_make_data(&probe, c, bytes);
    take_snapshot(&probe);
    clxent_host_args args = args_of(&probe);
    clxent_status status = compare_statuses(&probe, &probe.problem.desc, &args);
    data_free(&probe);
    if (status != CLXENT_SUCCESS)
        return;
    fuzz_make_data(&d, c, bytes);
    data_expect(&d);
    status = data_run(&d, path);
    FUZZ_EXPECT(status == CLXENT_SUCCESS, "%s: %s, but only the second time", describe(&d), clxent_last_error());
    expect_results(&d);
    data_free(&d);
}

/* ---- arrays that are not there, too many, in a wrong place ---- */

static void spoil_array(clxent_host_args *args, const device_data *d, fuzz_bytes *bytes) {
    uint8_t kind = fuzz_take(bytes) % 5;
    clx_tensor tensor = fuzz_take(bytes) % CLX_TENSORS, other = fuzz_take(bytes) % CLX_TENSORS;
    char *array = clx_host_array(args, tensor);
    uint8_t by = fuzz_take(bytes);
    if (kind == 0)
        clx_set_host_array(args, tensor, NULL);
    else if (kind == 1 && array == NULL)
        clx_set_host_array(args, tensor, pool[tensor]);
    else if (kind == 2 && array == contents(&d->tensors[tensor]) && array != NULL)
        clx_set_host_array(args, tensor, array + by % 9);
    else if (kind == 3 && contents(&d->tensors[other]) != NULL && d->tensors[tensor].size <= d->tensors[other].size)
        clx_set_host_array(args, tensor, (char *)contents(&d->tensors[other]) + by % 9);
    else if (kind == 4)
        args->struct_size = by < 128 ? by : (size_t)fuzz_take_word(bytes);
}

static void check_arrays(const device_case *c, fuzz_bytes *bytes) {
    device_data d;
    fuzz_bytes values = *bytes;
    fuzz_make_data(&d, c, values);
    take_snapshot(&d);
    clxent_host_args args = args_of(&d);
    for (int left = 1 + fuzz_take(bytes) % 3; left > 0; left--)
        spoil_array(&args, &d, bytes);
    compare_statuses(&d, &d.problem.desc, fuzz_take(bytes) == 255 ? NULL : &args);
    data_free(&d);
}

/* ---- descriptors without meaning ---- */

/* An accepted descriptor may be of terabytes, which nobody has: then there are no arrays at all. */
static bool fits_pool(const clx_problem *problem) {
    for (clx_tensor tensor = 0; tensor < CLX_TENSORS; tensor++)
        if (clx_tensor_bytes(problem, tensor) > POOL)
            return false;
    /* The reference of linear-cross-entropy has all logits in memory. */
    return problem->desc.features == 0 || problem->rows == 0 || problem->desc.classes <= POOL / problem->rows;
}

/* With the arrays that it requires, and the optional ones of which the bits are set. */
static void check_descriptor(const clxent_desc *desc, uint8_t arrays, unsigned optional) {
    clxent_host_args args;
    clx_problem problem;
    clxent_plan *plan = NULL;
    const clxent_desc *given = arrays == 255 ? NULL : desc;
    clxent_status status = clx_problem_init(&problem, given);
    clxent_host_args_init(&args);
    for (clx_tensor tensor = 0; tensor < CLX_TENSORS; tensor++)
        if (status != CLXENT_SUCCESS || (fits_pool(&problem) && fuzz_takes(&problem, tensor, optional)))
            clx_set_host_array(&args, tensor, pool[tensor]);
    clxent_status expected = clxent_reference(given, &args), got = clxent_run(device.context, given, &args);
    fuzz_expect_sentence(got);
    bool excused = expected == CLXENT_SUCCESS && fuzz_may_refuse(desc, got);
    FUZZ_EXPECT(got == expected || excused, "the reference says %s, the device %s (%s)", clxent_status_string(expected),
                clxent_status_string(got), clxent_last_error());
    FUZZ_EXPECT(status == CLXENT_SUCCESS || got == status, "the descriptor has %s, the run %s",
                clxent_status_string(status), clxent_status_string(got));
    got = clxent_plan_create(device.context, given, &plan);
    fuzz_expect_sentence(got);
    FUZZ_EXPECT(got == status || got == CLXENT_UNSUPPORTED || fuzz_may_refuse(desc, got),
                "the descriptor has %s, the plan %s (%s)", clxent_status_string(status), clxent_status_string(got),
                clxent_last_error());
    clxent_plan_destroy(plan);
}

/* Of a shard, a merge or linear-cross-entropy: values, or again a descriptor without meaning. */
static void check_later(fuzz_bytes *bytes) {
    clxent_desc desc = fuzz_take_later(bytes);
    const unsigned optional = fuzz_take(bytes) | (unsigned)fuzz_take(bytes) << 8;
    if (fuzz_take(bytes) % 2 == 0) {
        fuzz_compare_later(&desc, optional, bytes);
        return;
    }
    fuzz_spoil_descriptor(&desc, bytes);
    check_descriptor(&desc, 0, optional);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
    fuzz_bytes left = {bytes, size};
    uint8_t way = fuzz_take(&left);
    if (way % 5 == 4) {
        check_later(&left);
        return 0;
    }
    device_case c = fuzz_take_case(&left);
    if (way % 5 == 2) {
        check_arrays(&c, &left);
    } else if (way % 5 == 3) {
        fuzz_spoil_descriptor(&c.desc, &left);
        check_descriptor(&c.desc, fuzz_take(&left), 0);
    } else {
        check_values(&c, left, way % 5 == 0 ? BY_RUN : BY_ENQUEUE);
    }
    return 0;
}
