/* The device under test, and running a case on it. */
#include "device_cases.h"

#include "context.h"
#include "plan.h"
#include "program.h"
#include "setting.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

device_under_test device;

/* Classes from which on a device with a limit on loop iterations may refuse a row. */
#define HUGE_ROW 10000

void must(cl_int error) {
    if (error != CL_SUCCESS)
        fail_msg("%s", clxent_status_string(error));
}

/* The same in every call. */
static uint64_t find_seed(void) {
    static uint64_t now;
    if (now == 0)
        now = (uint64_t)time(NULL);
    return setting("CLXENT_TEST_SEED", now);
}

bool is_shared(size_t i) {
    return i % setting_share() == find_seed() % setting_share();
}

int run_lines(const struct CMUnitTest *lines, size_t count) {
    struct CMUnitTest chosen[MAX_LINES];
    size_t some = 0;
    if (count > MAX_LINES)
        return -1;
    for (size_t i = 0; i < count; i++)
        if (is_shared(i))
            chosen[some++] = lines[i];
    print_message("%zu of %zu lines, by CLXENT_TEST_SHARE\n", some, count);
    return _cmocka_run_group_tests("lines", chosen, some, open_device, close_device);
}

int open_device(void **state) {
    (void)state;
    device.seed = find_seed();
    if (clxent_context_create_default(&device.context) != CLXENT_SUCCESS) {
        print_error("%s\n", clxent_last_error());
        return -1;
    }
    cl_int error = CL_SUCCESS;
    char name[128] = "";
    device.about = &device.context->core->device;
    device.cl = device.context->core->cl;
    device.queue = clCreateCommandQueue(device.cl, device.about->id, 0, &error);
    clGetDeviceInfo(device.about->id, CL_DEVICE_NAME, sizeof name, name, NULL);
    print_message("device %s, CLXENT_TEST_SEED=%" PRIu64 "\n", name, device.seed);
    return error == CL_SUCCESS ? 0 : -1;
}

/* Buffers of BY_EXACT. They are let go at the very end only, because Oclgrind 21.10 takes values in a buffer that has
 * the place of an earlier one for uninitialised. */
static struct {
    cl_mem *buffers;
    size_t count;
} kept;

static void let_go(cl_mem buffer, bool at_once) {
    if (at_once) {
        must(clReleaseMemObject(buffer));
        return;
    }
    cl_mem *more = realloc(kept.buffers, (kept.count + 1) * sizeof *more);
    assert_non_null(more);
    kept.buffers = more;
    kept.buffers[kept.count++] = buffer;
}

cl_mem keep_buffer(size_t size, const void *bytes) {
    cl_int error = CL_SUCCESS;
    cl_mem buffer = clCreateBuffer(device.cl, CL_MEM_READ_WRITE | (bytes != NULL ? CL_MEM_COPY_HOST_PTR : 0), size,
                                   (void *)(uintptr_t)bytes, &error);
    must(error);
    let_go(buffer, false);
    return buffer;
}

clxent_status enqueue_exactly(const clxent_desc *desc, const clxent_host_args *args) {
    clx_problem problem;
    clxent_plan *plan = NULL;
    clxent_plan_info info = {.struct_size = sizeof info};
    clxent_args buffers;
    cl_int error = CL_SUCCESS;
    clxent_status status = clxent_plan_create(device.context, desc, &plan);
    if (status != CLXENT_SUCCESS || clx_problem_init(&problem, desc) != CLXENT_SUCCESS)
        return status;
    clxent_args_init(&buffers);
    for (clx_tensor tensor = 0; tensor < CLX_TENSORS; tensor++) {
        void *array = clx_host_array(args, tensor);
        const size_t bytes = clx_tensor_bytes(&problem, tensor);
        if (array == NULL || bytes == 0 || !clx_is_used(clx_tensor_use(&problem, tensor)))
            continue;
        clxent_buffer buffer = {keep_buffer(bytes, array), 0};
        clx_set_buffer(&buffers, tensor, &buffer);
    }
    assert_int_equal(clxent_plan_get_info(plan, &info), CLXENT_SUCCESS);
    if (info.workspace_size > 0)
        buffers.workspace.mem = keep_buffer(info.workspace_size, NULL);
    status = clxent_enqueue(device.queue, plan, &buffers, 0, NULL, NULL);
    for (clx_tensor tensor = 0; tensor < CLX_TENSORS && error == CL_SUCCESS; tensor++)
        if (clx_buffer(&buffers, tensor)->mem != NULL && clx_is_written(clx_tensor_use(&problem, tensor)))
            error =
                clEnqueueReadBuffer(device.queue, clx_buffer(&buffers, tensor)->mem, CL_TRUE, 0,
                                    clx_tensor_bytes(&problem, tensor), clx_host_array(args, tensor), 0, NULL, NULL);
    must(error);
    clxent_plan_destroy(plan);
    return status;
}

clxent_context *make_context_apart(size_t gpu_group) {
    clxent_context *apart = NULL;
    assert_int_equal(clxent_context_create(NULL, device.about->id, &apart), CLXENT_SUCCESS);
    clx_device *about = &apart->core->device;
    if (gpu_group > 0) {
        about->cpu = false;
        about->simt = true;
        if (about->max_work_group > gpu_group)
            about->max_work_group = gpu_group;
    }
    return apart;
}

int close_device(void **state) {
    (void)state;
    while (kept.count > 0)
        clReleaseMemObject(kept.buffers[--kept.count]);
    free(kept.buffers);
    clReleaseCommandQueue(device.queue);
    clxent_context_destroy(device.context);
    return 0;
}

static void restore(device_data *d) {
    for (clx_tensor tensor = 0; tensor < CLX_TENSORS; tensor++)
        if (d->tensors[tensor].bytes != NULL)
            memcpy(d->tensors[tensor].bytes, d->before[tensor].bytes, d->before[tensor].size + 2 * GUARD);
}

static clxent_status by_run(device_data *d) {
    clxent_host_args args;
    clxent_host_args_init(&args);
    for (clx_tensor tensor = 0; tensor < CLX_TENSORS; tensor++)
        clx_set_host_array(&args, tensor, contents(&d->tensors[tensor]));
    return clxent_run(device.context, &d->problem.desc, &args);
}

/* ---- plan and enqueue ---- */

static clx_tensor first_of_same(const device_data *d, clx_tensor tensor) {
    clx_tensor first = 0;
    while (d->tensors[first].bytes != d->tensors[tensor].bytes)
        first++;
    return first;
}

/* A buffer for each tensor with elements, `guard` bytes of the bands included. */
static void make_buffers(const device_data *d, size_t guard, clxent_buffer buffers[CLX_TENSORS]) {
    for (clx_tensor tensor = 0; tensor < CLX_TENSORS; tensor++) {
        const guarded *from = &d->tensors[tensor];
        buffers[tensor] = (clxent_buffer){NULL, 0};
        if (from->bytes == NULL || from->size == 0)
            continue;
        clx_tensor first = first_of_same(d, tensor);
        if (first < tensor) {
            buffers[tensor] = buffers[first];
            continue;
        }
        cl_int error = CL_SUCCESS;
        buffers[tensor].offset = guard;
        buffers[tensor].mem = clCreateBuffer(device.cl, CL_MEM_READ_WRITE | CL_MEM_COPY_HOST_PTR,
                                             from->size + 2 * guard, from->bytes + GUARD - guard, &error);
        must(error);
    }
}

static void read_buffers(const device_data *d, size_t guard, const clxent_buffer buffers[CLX_TENSORS]) {
    for (clx_tensor tensor = 0; tensor < CLX_TENSORS; tensor++) {
        const guarded *to = &d->tensors[tensor];
        if (buffers[tensor].mem == NULL || first_of_same(d, tensor) < tensor)
            continue;
        must(clEnqueueReadBuffer(device.queue, buffers[tensor].mem, CL_TRUE, 0, to->size + 2 * guard,
                                 to->bytes + GUARD - guard, 0, NULL, NULL));
        let_go(buffers[tensor].mem, guard > 0);
    }
}

/* The workspace between two bands of NaN; without bands, as the driver hands it out. */
static clxent_buffer make_workspace(size_t size, size_t guard) {
    clxent_buffer workspace = {NULL, guard};
    if (size == 0)
        return workspace;
    unsigned char *bytes = malloc(size + 2 * guard);
    assert_non_null(bytes);
    memset(bytes, 0xFF, size + 2 * guard);
    cl_int error = CL_SUCCESS;
    workspace.mem = clCreateBuffer(device.cl, CL_MEM_READ_WRITE | (guard > 0 ? CL_MEM_COPY_HOST_PTR : 0),
                                   size + 2 * guard, guard > 0 ? bytes : NULL, &error);
    free(bytes);
    must(error);
    return workspace;
}

static void release_workspace(clxent_buffer workspace, size_t size) {
    unsigned char band[GUARD];
    if (workspace.mem == NULL)
        return;
    for (size_t side = 0; workspace.offset > 0 && side < 2; side++) {
        must(clEnqueueReadBuffer(device.queue, workspace.mem, CL_TRUE, side * (workspace.offset + size), sizeof band,
                                 band, 0, NULL, NULL));
        for (size_t i = 0; i < sizeof band; i++)
            if (band[i] != 0xFF)
                fail_msg("byte %zu %s the workspace was written", i, side == 0 ? "before" : "behind");
    }
    let_go(workspace.mem, workspace.offset > 0);
}

/* Drivers print what a compiler warns of on the standard error of whoever makes a plan. */
static void expect_no_warning(const device_data *d, const clxent_plan *plan) {
    static char log[4096];
    size_t size = 0;
    must(clGetProgramBuildInfo(plan->program->cl, device.about->id, CL_PROGRAM_BUILD_LOG, 0, NULL, &size));
    if (size >= sizeof log)
        fail_msg("%s: its program has a log of %zu bytes", describe(d), size);
    must(clGetProgramBuildInfo(plan->program->cl, device.about->id, CL_PROGRAM_BUILD_LOG, sizeof log, log, NULL));
    if (strstr(log, "warning") != NULL)
        fail_msg("%s: %s", describe(d), log);
}

static clxent_status enqueue_plan(device_data *d, clxent_plan *plan, size_t guard) {
    expect_no_warning(d, plan);
    clxent_plan_info info = {.struct_size = sizeof info};
    assert_int_equal(clxent_plan_get_info(plan, &info), CLXENT_SUCCESS);
    if (d->problem.desc.engine != CLXENT_ENGINE_AUTO)
        assert_int_equal(info.engine, d->problem.desc.engine);
    if (d->problem.desc.work_group_size > 0)
        assert_int_equal(info.work_group_size, d->problem.desc.work_group_size);
    if (d->work_items > 0)
        plan->global_size = (d->work_items + info.work_group_size - 1) / info.work_group_size * info.work_group_size;
    clxent_buffer b[CLX_TENSORS];
    make_buffers(d, guard, b);
    clxent_buffer workspace = make_workspace(info.workspace_size, guard);
    clxent_args args;
    clxent_args_init(&args);
    for (clx_tensor tensor = 0; tensor < CLX_TENSORS; tensor++)
        clx_set_buffer(&args, tensor, &b[tensor]);
    args.workspace = workspace;
    clxent_status status = clxent_enqueue(device.queue, plan, &args, 0, NULL, NULL);
    must(clFinish(device.queue));
    read_buffers(d, guard, b);
    release_workspace(workspace, info.workspace_size);
    return status;
}

static clxent_status by_enqueue(device_data *d, size_t guard) {
    clxent_plan *plan = NULL;
    clxent_status status = clxent_plan_create(device.context, &d->problem.desc, &plan);
    if (status == CLXENT_SUCCESS)
        status = enqueue_plan(d, plan, guard);
    clxent_plan_destroy(plan);
    return status;
}

/* ---- either way ---- */

clxent_status data_run(device_data *d, run_path path) {
    restore(d);
    return path == BY_RUN ? by_run(d) : by_enqueue(d, path == BY_ENQUEUE ? GUARD : 0);
}

/* A kernel may take fewer work-items than its device does in general. */
static bool group_is_too_large(const device_data *d) {
    return d->problem.desc.work_group_size > 1 && (strstr(clxent_last_error(), "the device allows") != NULL ||
                                                   strstr(clxent_last_error(), "of local memory") != NULL);
}

static bool refusal_is_due(const device_data *d) {
    if (d->c.desc.dtype == CLXENT_F64 && !device.about->fp64)
        return strstr(clxent_last_error(), "dtype is F64, the device has no double precision") != NULL;
    return device.about->loop_limit > 0 && d->c.desc.classes >= HUGE_ROW &&
           strstr(clxent_last_error(), "loop iterations") != NULL;
}

bool data_must_run(device_data *d, run_path path) {
    size_t *group = &d->problem.desc.work_group_size;
    if (*group > device.about->max_work_group)
        *group = device.about->max_work_group;
    clxent_status status = data_run(d, path);
    while (status == CLXENT_UNSUPPORTED && group_is_too_large(d)) {
        *group /= 2;
        status = data_run(d, path);
    }
    if (status == CLXENT_UNSUPPORTED && refusal_is_due(d))
        return false;
    if (status != CLXENT_SUCCESS)
        fail_msg("%s: %s: %s", describe(d), clxent_status_string(status), clxent_last_error());
    if (d->c.desc.dtype == CLXENT_F64 && !device.about->fp64)
        fail_msg("%s: F64 ran on a device without double precision", describe(d));
    return true;
}

void check_case(const device_case *c, run_path path) {
    device_data d;
    data_init(&d, c);
    data_expect(&d);
    if (data_must_run(&d, path))
        expect_results(&d);
    data_free(&d);
}
