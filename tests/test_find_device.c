/* Which of many devices is found: the linker puts platforms in OpenCL's place that a test makes up, more of them and stranger
 * ones than a machine has. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include <stdbool.h>

#include "clxent.h"

#define CPU CL_DEVICE_TYPE_CPU
#define GPU CL_DEVICE_TYPE_GPU
#define OTHER CL_DEVICE_TYPE_ACCELERATOR

typedef struct fake_device {
    cl_device_type type;
    cl_uint units, clock;
    bool gone, mute; /* not available; without a compiler */
} fake_device;

typedef struct fake_platform {
    fake_device devices[3];
    cl_uint count;
    cl_int error; /* that it gives in place of a list */
} fake_platform;

static fake_platform platforms[4];
static cl_uint platform_count;

/* ---- in OpenCL's place ---- */

cl_int __wrap_clGetPlatformIDs(cl_uint room, cl_platform_id *ids, cl_uint *count);
cl_int __wrap_clGetPlatformIDs(cl_uint room, cl_platform_id *ids, cl_uint *count) {
    for (cl_uint i = 0; i < room && i < platform_count; i++)
        ids[i] = (cl_platform_id)(void *)&platforms[i];
    if (count != NULL)
        *count = platform_count;
    return platform_count > 0 ? CL_SUCCESS : -1001; /* as an ICD loader */
}

cl_int __wrap_clGetDeviceIDs(cl_platform_id id, cl_device_type type, cl_uint room, cl_device_id *ids, cl_uint *count);
cl_int __wrap_clGetDeviceIDs(cl_platform_id id, cl_device_type type, cl_uint room, cl_device_id *ids, cl_uint *count) {
    fake_platform *p = (fake_platform *)(void *)id;
    assert_int_equal(type, CL_DEVICE_TYPE_ALL);
    if (p->error != CL_SUCCESS)
        return p->error;
    for (cl_uint i = 0; i < room && i < p->count; i++)
        ids[i] = (cl_device_id)(void *)&p->devices[i];
    if (count != NULL)
        *count = p->count;
    return CL_SUCCESS;
}

static cl_ulong answer_of(const fake_device *d, cl_device_info what) {
    switch (what) {
    case CL_DEVICE_TYPE:
        return d->type;
    case CL_DEVICE_MAX_COMPUTE_UNITS:
        return d->units;
    case CL_DEVICE_MAX_CLOCK_FREQUENCY:
        return d->clock;
    case CL_DEVICE_AVAILABLE:
        return !d->gone;
    case CL_DEVICE_COMPILER_AVAILABLE:
        return !d->mute;
    default:
        fail_msg("nobody should ask for 0x%x", (unsigned)what);
        return 0;
    }
}

cl_int __wrap_clGetDeviceInfo(cl_device_id id, cl_device_info what, size_t size, void *value, size_t *needed);
cl_int __wrap_clGetDeviceInfo(cl_device_id id, cl_device_info what, size_t size, void *value, size_t *needed) {
    const cl_ulong wide = answer_of((const fake_device *)(const void *)id, what);
    const cl_uint narrow = (cl_uint)wide;
    assert_null(needed);
    assert_int_equal(size, what == CL_DEVICE_TYPE ? sizeof wide : sizeof narrow);
    memcpy(value, size == sizeof wide ? (const void *)&wide : &narrow, size);
    return CL_SUCCESS;
}

static bool no_memory;

void *__real_realloc(void *block, size_t size);
void *__wrap_realloc(void *block, size_t size);
void *__wrap_realloc(void *block, size_t size) {
    return no_memory ? NULL : __real_realloc(block, size);
}

/* ---- what is expected ---- */

/* These platforms and no others. */
#define PLATFORMS(...)                                                                                                 \
    do {                                                                                                               \
        const fake_platform made[] = {__VA_ARGS__};                                                                    \
        memset(platforms, 0, sizeof platforms);                                                                        \
        memcpy(platforms, made, sizeof made);                                                                          \
        platform_count = sizeof made / sizeof made[0];                                                                 \
    } while (0)
/* A device; a platform that has one; one that has none, and says so or does not list them. */
#define DEVICE(its_type, its_units, its_clock)                                                                         \
    { .type = its_type, .units = its_units, .clock = its_clock }
#define ONE(type, units, clock)                                                                                        \
    { .devices = {DEVICE(type, units, clock)}, .count = 1 }
#define NONE(its_error)                                                                                                \
    { .error = its_error }

#define FINDS(selector, platform, device)                                                                              \
    do {                                                                                                               \
        cl_device_id found = NULL;                                                                                     \
        assert_int_equal(clxent_find_device(selector, &found), CLXENT_SUCCESS);                                        \
        assert_ptr_equal(found, &platforms[platform].devices[device]);                                                 \
    } while (0)

#define REFUSES(selector, status, text)                                                                                \
    do {                                                                                                               \
        cl_device_id found = NULL;                                                                                     \
        assert_int_equal(clxent_find_device(selector, &found), status);                                                \
        assert_null(found);                                                                                            \
        assert_non_null(strstr(clxent_last_error(), text));                                                            \
    } while (0)

/* The devices of one platform are numbered behind those of the platforms before it. */
static void numbers_go_on(void **state) {
    (void)state;
    PLATFORMS({.devices = {DEVICE(CPU, 8, 3000), DEVICE(OTHER, 1, 1)}, .count = 2}, NONE(CL_DEVICE_NOT_FOUND),
              NONE(CL_SUCCESS),
              {.devices = {DEVICE(GPU, 20, 1000), DEVICE(GPU, 40, 1000), DEVICE(CPU, 2, 2000)}, .count = 3});
    FINDS("0", 0, 0);
    FINDS("1", 0, 1);
    FINDS("2", 3, 0);
    FINDS("3", 3, 1);
    FINDS("4", 3, 2);
    REFUSES("5", CLXENT_NO_DEVICE, "device 5 does not exist, there are 5");
    FINDS("", 3, 1);
    FINDS("gpu", 3, 1);
    FINDS("cpu", 0, 0);
}

/* By compute units and clock; of two that are as fast the first. A device that tells neither may be the best there is. */
static void the_fastest_gpu(void **state) {
    (void)state;
    PLATFORMS(ONE(CPU, 64, 4000),
              {.devices = {DEVICE(GPU, 10, 1000), DEVICE(GPU, 5, 3000), DEVICE(GPU, 30, 500)}, .count = 3});
    FINDS("", 1, 1);
    platforms[1].devices[1].clock = 0;
    FINDS("", 1, 2);
    platforms[1].devices[0].units = 15;
    FINDS("", 1, 0);
    PLATFORMS(ONE(CPU, 64, 4000), ONE(OTHER, 64, 4000), ONE(GPU, 0, 0));
    FINDS("", 2, 0);
    FINDS("gpu", 2, 0);
}

static void the_first_of_the_others(void **state) {
    (void)state;
    PLATFORMS(ONE(OTHER, 2, 1000), ONE(CPU, 1, 1), ONE(CPU, 64, 4000));
    FINDS("", 0, 0);
    FINDS("cpu", 1, 0);
    REFUSES("gpu", CLXENT_NO_DEVICE, "no usable OpenCL gpu was found among 3 devices");
}

static void what_is_no_use_is_passed_over(void **state) {
    (void)state;
    PLATFORMS(ONE(GPU, 64, 4000), ONE(GPU, 32, 4000), ONE(GPU, 1, 1));
    platforms[0].devices[0].gone = true;
    platforms[1].devices[0].mute = true;
    FINDS("", 2, 0);
    FINDS("2", 2, 0);
    REFUSES("0", CLXENT_NO_DEVICE, "device 0 is not available or has no compiler");
    REFUSES("1", CLXENT_NO_DEVICE, "device 1 is not available or has no compiler");
    REFUSES("cpu", CLXENT_NO_DEVICE, "no usable OpenCL cpu was found among 3 devices");
}

/* A platform that does not list its devices hides none of the others; but their numbers are not known then. */
static void a_platform_that_fails(void **state) {
    (void)state;
    PLATFORMS(NONE(CL_OUT_OF_HOST_MEMORY), ONE(CPU, 4, 2000));
    FINDS("", 1, 0);
    FINDS("cpu", 1, 0);
    REFUSES("0", CL_OUT_OF_HOST_MEMORY, "clGetDeviceIDs");
    REFUSES("gpu", CL_OUT_OF_HOST_MEMORY, "clGetDeviceIDs");
    PLATFORMS(ONE(CPU, 4, 2000), NONE(CL_DEVICE_NOT_FOUND));
    FINDS("0", 0, 0);
    platform_count = 0;
    REFUSES("", CLXENT_NO_DEVICE, "no usable OpenCL device was found among 0 devices");
}

static void without_memory(void **state) {
    (void)state;
    PLATFORMS({.devices = {DEVICE(GPU, 4, 1), DEVICE(GPU, 5, 1)}, .count = 2}, ONE(CPU, 4, 2000));
    no_memory = true;
    REFUSES("", CLXENT_OUT_OF_MEMORY, "no memory to list 2 devices");
    no_memory = false;
    FINDS("", 0, 1);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_go_on),           cmocka_unit_test(the_fastest_gpu),
        cmocka_unit_test(the_first_of_the_others), cmocka_unit_test(what_is_no_use_is_passed_over),
        cmocka_unit_test(a_platform_that_fails),   cmocka_unit_test(without_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
