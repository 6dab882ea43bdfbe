/* Finding a device, and contexts: made from it, with an OpenCL context of the caller's or one of their own. */
#include "api_fixture.h"

#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define NO_DEVICE ((cl_device_id)(void *)&the_device) /* what *device holds before a call that must not touch it */
#define NO_CONTEXT ((clxent_context *)(void *)&the_device)

#define assert_finds(selector, expected)                                                                               \
    do {                                                                                                               \
        cl_device_id found = NULL;                                                                                     \
        assert_success(clxent_find_device(selector, &found));                                                          \
        assert_ptr_equal(found, expected);                                                                             \
    } while (0)

#define assert_not_found(selector, status, text)                                                                       \
    do {                                                                                                               \
        cl_device_id found = NO_DEVICE;                                                                                \
        assert_refused(clxent_find_device(selector, &found), status, text);                                            \
        assert_ptr_equal(found, NO_DEVICE);                                                                            \
    } while (0)

/* All devices in the loader's order. */
static size_t list_devices(cl_device_id all[16]) {
    cl_platform_id platforms[16];
    cl_uint platform_count = 0;
    size_t count = 0;
    assert_int_equal(clGetPlatformIDs(16, platforms, &platform_count), CL_SUCCESS);
    for (cl_uint i = 0; i < platform_count; i++) {
        cl_uint more = 0;
        if (clGetDeviceIDs(platforms[i], CL_DEVICE_TYPE_ALL, (cl_uint)(16 - count), all + count, &more) == CL_SUCCESS)
            count += more;
    }
    assert_in_range(count, 1, 16);
    return count;
}

static cl_device_type type_of(cl_device_id id) {
    cl_device_type type = 0;
    assert_int_equal(clGetDeviceInfo(id, CL_DEVICE_TYPE, sizeof type, &type, NULL), CL_SUCCESS);
    return type;
}

static int forget_environment(void **state) {
    (void)state;
    unsetenv("CLXENT_DEVICE");
    return 0;
}

static void devices_by_number(void **state) {
    (void)state;
    cl_device_id all[16];
    size_t count = list_devices(all);
    char number[32], text[80];
    for (size_t i = 0; i < count; i++) {
        snprintf(number, sizeof number, "%zu", i);
        assert_finds(number, all[i]);
    }
    snprintf(number, sizeof number, "%zu", count);
    snprintf(text, sizeof text, "device %zu does not exist, there are %zu", count, count);
    assert_not_found(number, CLXENT_NO_DEVICE, text);
    assert_not_found("4294967296", CLXENT_NO_DEVICE, "device 4294967296 does not exist");
    assert_not_found("18446744073709551616", CLXENT_NO_DEVICE, "device 18446744073709551616 does not exist");
    assert_finds("000", all[0]);
}

static void devices_by_type(void **state) {
    (void)state;
    static const struct {
        const char *selector;
        cl_device_type type;
    } types[] = {{"cpu", CL_DEVICE_TYPE_CPU}, {"gpu", CL_DEVICE_TYPE_GPU}};
    cl_device_id all[16];
    size_t count = list_devices(all);
    for (size_t i = 0; i < 2; i++) {
        bool there = false;
        for (size_t k = 0; k < count; k++)
            there = there || (type_of(all[k]) & types[i].type) != 0;
        if (there) {
            cl_device_id first = NULL;
            assert_success(clxent_find_device(types[i].selector, &first));
            assert_true((type_of(first) & types[i].type) != 0);
        } else {
            char text[80];
            snprintf(text, sizeof text, "no usable OpenCL %s was found among %zu devices", types[i].selector, count);
            assert_not_found(types[i].selector, CLXENT_NO_DEVICE, text);
        }
    }
}

static void nonsense_is_refused(void **state) {
    (void)state;
    static const char *const selectors[] = {"banana", "CPU", "cpu ", "0x0", "1x",  " 0",
                                            "0 ",     "-1",  "+0",   "-0",  "0.0", "-18446744073709551616"};
    for (size_t i = 0; i < sizeof selectors / sizeof selectors[0]; i++) {
        char text[80];
        snprintf(text, sizeof text, "device \"%s\" is neither a number, nor \"cpu\", nor \"gpu\"", selectors[i]);
        assert_not_found(selectors[i], CLXENT_INVALID_ARGUMENT, text);
    }
    assert_refused(clxent_find_device(NULL, NULL), CLXENT_INVALID_ARGUMENT, "device is null");
    assert_refused(clxent_find_device("0", NULL), CLXENT_INVALID_ARGUMENT, "device is null");
}

static void the_default_is_a_gpu_if_there_is_one(void **state) {
    (void)state;
    cl_device_id by_default = NULL, gpu = NULL;
    assert_success(clxent_find_device(NULL, &by_default));
    assert_finds("", by_default);
    if (clxent_find_device("gpu", &gpu) == CLXENT_SUCCESS)
        assert_ptr_equal(by_default, gpu);
    else
        assert_int_equal(type_of(by_default) & CL_DEVICE_TYPE_GPU, 0);
}

static void the_environment_names_the_default(void **state) {
    (void)state;
    cl_device_id all[16], by_default = NULL;
    char last[32];
    size_t count = list_devices(all);
    assert_success(clxent_find_device(NULL, &by_default));
    snprintf(last, sizeof last, "%zu", count - 1);
    setenv("CLXENT_DEVICE", last, 1);
    assert_finds(NULL, all[count - 1]);
    assert_finds("0", all[0]); /* who names one does not ask for the default */
    setenv("CLXENT_DEVICE", "", 1);
    assert_finds(NULL, by_default);
    setenv("CLXENT_DEVICE", "99", 1);
    assert_not_found(NULL, CLXENT_NO_DEVICE, "device 99 does not exist, there are ");
    clxent_context *context = NO_CONTEXT;
    assert_refused(clxent_context_create_default(&context), CLXENT_NO_DEVICE, "device 99 does not exist");
    assert_ptr_equal(context, NO_CONTEXT);
    setenv("CLXENT_DEVICE", "fastest", 1);
    assert_not_found(NULL, CLXENT_INVALID_ARGUMENT, "device \"fastest\" is neither a number");
}

static void null_pointers(void **state) {
    (void)state;
    clxent_context *context = NO_CONTEXT;
    cl_context cl = (cl_context)(void *)&the_device;
    cl_device_id id = NO_DEVICE;
    assert_refused(clxent_context_create(NULL, NULL, &context), CLXENT_INVALID_ARGUMENT, "device is null");
    assert_refused(clxent_context_create(the_device.cl, the_device.id, NULL), CLXENT_INVALID_ARGUMENT,
                   "context is null");
    assert_refused(clxent_context_create_default(NULL), CLXENT_INVALID_ARGUMENT, "context is null");
    assert_refused(clxent_context_get(NULL, &cl, &id), CLXENT_INVALID_ARGUMENT, "context is null");
    assert_ptr_equal(context, NO_CONTEXT);
    assert_ptr_equal(cl, &the_device);
    assert_ptr_equal(id, NO_DEVICE);
    clxent_context_destroy(NULL);
}

static void a_context_gives_its_objects(void **state) {
    (void)state;
    clxent_context *context = NULL;
    cl_context cl = NULL;
    cl_device_id id = NULL;
    assert_success(clxent_context_create(the_device.cl, the_device.id, &context));
    assert_success(clxent_context_get(context, &cl, &id));
    assert_ptr_equal(cl, the_device.cl);
    assert_ptr_equal(id, the_device.id);
    cl = NULL, id = NULL;
    assert_success(clxent_context_get(context, NULL, &id));
    assert_success(clxent_context_get(context, &cl, NULL));
    assert_success(clxent_context_get(context, NULL, NULL));
    assert_ptr_equal(cl, the_device.cl);
    assert_ptr_equal(id, the_device.id);
    clxent_context_destroy(context);
}

static cl_uint references_of(cl_context cl) {
    cl_uint references = 0;
    assert_int_equal(clGetContextInfo(cl, CL_CONTEXT_REFERENCE_COUNT, sizeof references, &references, NULL),
                     CL_SUCCESS);
    return references;
}

/* With plans, programs, queue and buffers made on the way: in the end the caller's context is as referenced as before.
 */
static void the_callers_context_is_retained_and_released(void **state) {
    (void)state;
    cl_int error = CL_SUCCESS;
    cl_context cl = clCreateContext(NULL, 1, &the_device.id, NULL, NULL, &error);
    assert_int_equal(error, CL_SUCCESS);
    cl_uint before = references_of(cl);
    clxent_context *context = NULL;
    clxent_plan *plan = NULL;
    assert_success(clxent_context_create(cl, the_device.id, &context));
    assert_true(references_of(cl) > before);
    api_case c;
    case_begin(&c, CLXENT_CROSS_ENTROPY, CLXENT_FORWARD_BACKWARD);
    case_fill(&c);
    assert_success(clxent_plan_create(context, &c.desc, &plan));
    assert_success(clxent_run(context, &c.desc, &c.host));
    clxent_context_destroy(context);
    assert_true(references_of(cl) > before); /* the plan still needs it */
    clxent_plan_destroy(plan);
    for (int tries = 0; tries < 5000 && references_of(cl) != before; tries++)
        nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL); /* a driver's threads may let go a little later */
    assert_int_equal(references_of(cl), before);
    clReleaseContext(cl);
}

static void a_context_of_its_own(void **state) {
    (void)state;
    clxent_context *context = NULL;
    cl_context cl = NULL;
    assert_success(clxent_context_create(NULL, the_device.id, &context));
    assert_success(clxent_context_get(context, &cl, NULL));
    assert_non_null(cl);
    assert_ptr_not_equal(cl, the_device.cl);
    clRetainContext(cl);
    cl_uint with = references_of(cl);
    clxent_context_destroy(context);
    assert_true(references_of(cl) < with);
    clReleaseContext(cl);
}

/* While `hidden`, an OpenCL context says that it holds another device. The linker sends the library's calls here. */
static bool hidden;

cl_int __real_clGetContextInfo(cl_context cl, cl_context_info what, size_t size, void *value, size_t *needed);
cl_int __wrap_clGetContextInfo(cl_context cl, cl_context_info what, size_t size, void *value, size_t *needed);
cl_int __wrap_clGetContextInfo(cl_context cl, cl_context_info what, size_t size, void *value, size_t *needed) {
    cl_int error = __real_clGetContextInfo(cl, what, size, value, needed);
    if (hidden && what == CL_CONTEXT_DEVICES && value != NULL)
        *(cl_device_id *)value = NO_DEVICE;
    return error;
}

static void a_context_without_the_device(void **state) {
    (void)state;
    cl_uint references = references_of(the_device.cl);
    clxent_context *context = NO_CONTEXT;
    hidden = true;
    clxent_status status = clxent_context_create(the_device.cl, the_device.id, &context);
    hidden = false;
    assert_refused(status, CLXENT_INVALID_ARGUMENT, "the OpenCL context does not hold the device");
    assert_ptr_equal(context, NO_CONTEXT);
    assert_int_equal(references_of(the_device.cl), references);
}

/* In a process whose loader finds no platform. To be called before OpenCL is: the loader looks once. */
static bool says_that_there_is_no_device(void) {
    pid_t child = fork();
    if (child == 0) {
        setenv("OCL_ICD_VENDORS", "/nowhere/", 1);
        setenv("OPENCL_VENDOR_PATH", "/nowhere/", 1);
        unsetenv("CLXENT_DEVICE");
        clxent_context *context = NO_CONTEXT;
        bool right = clxent_context_create_default(&context) == CLXENT_NO_DEVICE && context == NO_CONTEXT &&
                     strstr(clxent_last_error(), "no usable OpenCL device was found among 0 devices") != NULL;
        _exit(right ? 0 : 1);
    }
    int status = 1;
    return child > 0 && waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static bool no_device_was_said;

static void no_platform(void **state) {
    (void)state;
    assert_true(no_device_was_said);
}

int main(void) {
    no_device_was_said = says_that_there_is_no_device();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(devices_by_number, forget_environment),
        cmocka_unit_test_setup(devices_by_type, forget_environment),
        cmocka_unit_test_setup(nonsense_is_refused, forget_environment),
        cmocka_unit_test_setup(the_default_is_a_gpu_if_there_is_one, forget_environment),
        cmocka_unit_test_setup_teardown(the_environment_names_the_default, forget_environment, forget_environment),
        cmocka_unit_test(no_platform),
        cmocka_unit_test(null_pointers),
        cmocka_unit_test(a_context_gives_its_objects),
        cmocka_unit_test(the_callers_context_is_retained_and_released),
        cmocka_unit_test(a_context_of_its_own),
        cmocka_unit_test(a_context_without_the_device),
    };
    return cmocka_run_group_tests_name("context", tests, open_device, close_device);
}
