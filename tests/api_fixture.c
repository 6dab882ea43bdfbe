/* What the tests of the interface on a device share: the device, and cases on it. api_compare.c compares their results.
 */
#include "api_fixture.h"

#include "op.h"

api_device the_device;

/* ---- the device ---- */

int open_device(void **state) {
    (void)state;
    cl_int error = CL_SUCCESS;
    if (clxent_context_create_default(&the_device.context) != CLXENT_SUCCESS) {
        print_error("%s\n", clxent_last_error());
        return -1;
    }
    clxent_context_get(the_device.context, &the_device.cl, &the_device.id);
    the_device.queue = clCreateCommandQueue(the_device.cl, the_device.id, 0, &error);
    return error;
}

int close_device(void **state) {
    (void)state;
    clReleaseCommandQueue(the_device.queue);
    clxent_context_destroy(the_device.context);
    return 0;
}

bool device_has_fp64(void) {
    cl_device_fp_config config = 0;
    clGetDeviceInfo(the_device.id, CL_DEVICE_DOUBLE_FP_CONFIG, sizeof config, &config, NULL);
    return config != 0;
}

bool device_has_images(void) {
    cl_bool images = CL_FALSE;
    clGetDeviceInfo(the_device.id, CL_DEVICE_IMAGE_SUPPORT, sizeof images, &images, NULL);
    return images == CL_TRUE;
}

bool device_is_unordered(void) {
    cl_command_queue_properties properties = 0;
    clGetDeviceInfo(the_device.id, CL_DEVICE_QUEUE_PROPERTIES, sizeof properties, &properties, NULL);
    return (properties & CL_QUEUE_OUT_OF_ORDER_EXEC_MODE_ENABLE) != 0;
}

size_t device_max_work_group(void) {
    size_t size = 0;
    assert_int_equal(clGetDeviceInfo(the_device.id, CL_DEVICE_MAX_WORK_GROUP_SIZE, sizeof size, &size, NULL),
                     CL_SUCCESS);
    return size;
}

cl_context make_context(void) {
    cl_int error = CL_SUCCESS;
    cl_context cl = clCreateContext(NULL, 1, &the_device.id, NULL, NULL, &error);
    assert_int_equal(error, CL_SUCCESS);
    return cl;
}

cl_command_queue make_queue(cl_command_queue_properties properties) {
    cl_int error = CL_SUCCESS;
    cl_command_queue queue = clCreateCommandQueue(the_device.cl, the_device.id, properties, &error);
    assert_int_equal(error, CL_SUCCESS);
    return queue;
}

cl_command_queue make_unordered_queue(void) {
    cl_command_queue_properties wanted = CL_QUEUE_OUT_OF_ORDER_EXEC_MODE_ENABLE | CL_QUEUE_PROFILING_ENABLE;
    if (device_is_unordered())
        return make_queue(wanted);
    cl_int error = CL_SUCCESS;
    assert_null(clCreateCommandQueue(the_device.cl, the_device.id, wanted, &error));
    assert_int_equal(error, CL_INVALID_QUEUE_PROPERTIES);
    return make_queue(CL_QUEUE_PROFILING_ENABLE);
}

void finish_queue(cl_command_queue queue) {
    cl_event end = NULL;
    assert_int_equal(clEnqueueMarkerWithWaitList(queue, 0, NULL, &end), CL_SUCCESS);
    assert_int_equal(clWaitForEvents(1, &end), CL_SUCCESS);
    clReleaseEvent(end);
}

cl_mem make_buffer(size_t size, const void *bytes) {
    unsigned char *content = malloc(size);
    assert_non_null(content);
    if (bytes != NULL)
        memcpy(content, bytes, size);
    else
        memset(content, UNTOUCHED, size);
    cl_int error = CL_SUCCESS;
    cl_mem mem = clCreateBuffer(the_device.cl, CL_MEM_READ_WRITE | CL_MEM_COPY_HOST_PTR, size, content, &error);
    free(content);
    assert_int_equal(error, CL_SUCCESS);
    return mem;
}

void read_buffer(cl_mem mem, size_t offset, size_t size, void *bytes) {
    assert_int_equal(clEnqueueReadBuffer(the_device.queue, mem, CL_TRUE, offset, size, bytes, 0, NULL, NULL),
                     CL_SUCCESS);
}

cl_event make_user_event(void) {
    cl_int error = CL_SUCCESS;
    cl_event event = clCreateUserEvent(the_device.cl, &error);
    assert_int_equal(error, CL_SUCCESS);
    return event;
}

void let_go(cl_event user) {
    assert_int_equal(clSetUserEventStatus(user, CL_COMPLETE), CL_SUCCESS);
    clReleaseEvent(user);
}

cl_int state_of(cl_event event) {
    cl_int state = CL_COMPLETE;
    assert_int_equal(clGetEventInfo(event, CL_EVENT_COMMAND_EXECUTION_STATUS, sizeof state, &state, NULL), CL_SUCCESS);
    return state;
}

void wait_for(cl_event event) {
    assert_int_equal(clWaitForEvents(1, &event), CL_SUCCESS);
    assert_int_equal(state_of(event), CL_COMPLETE);
    clReleaseEvent(event);
}

void check_refused(clxent_status got, clxent_status status, const char *text, const char *file, int line) {
    if (got == status && strstr(clxent_last_error(), text) != NULL)
        return;
    print_error("got %s (%s), expected %s (%s)\n", clxent_status_string(got), clxent_last_error(),
                clxent_status_string(status), text);
    _fail(file, line);
}

/* ---- a case ---- */

clxent_desc good_desc(clxent_op op, clxent_pass pass) {
    clxent_desc desc;
    clxent_desc_init(&desc, op);
    desc.pass = pass;
    desc.batch = 3;
    desc.classes = 5;
    return desc;
}

static clx_problem problem_of(const api_case *c) {
    clx_problem problem;
    assert_success(clx_problem_init(&problem, &c->desc));
    return problem;
}

size_t case_bytes(const api_case *c, int tensor) {
    if (tensor == WORKSPACE)
        return c->info.workspace_size;
    clx_problem problem = problem_of(c);
    return clx_tensor_bytes(&problem, (clx_tensor)tensor);
}

bool case_writes(const api_case *c, int tensor) {
    clx_problem problem = problem_of(c);
    return clx_is_written(clx_tensor_use(&problem, (clx_tensor)tensor));
}

const char *case_tensor_name(int tensor) {
    return tensor == WORKSPACE ? "workspace" : clx_tensor_name((clx_tensor)tensor);
}

clxent_buffer *case_buffer(api_case *c, int tensor) {
    clxent_args *args = &c->args;
    clxent_buffer *const buffers[] = {&args->input,      &args->target,        &args->weight,
                                      &args->output,     &args->lse,           &args->grad_output,
                                      &args->grad_input, &args->invalid_count, &args->workspace};
    return buffers[tensor];
}

void case_set_array(api_case *c, int tensor, void *array) {
    clxent_host_args *host = &c->host;
    const void **const constants[CLX_TENSORS] = {&host->input, &host->target,      &host->weight, NULL,
                                                 NULL,         &host->grad_output, NULL,          NULL};
    void **const variables[CLX_TENSORS] = {
        NULL, NULL, NULL, &host->output, &host->lse, NULL, &host->grad_input, &host->invalid_count};
    if (constants[tensor] != NULL)
        *constants[tensor] = array;
    else
        *variables[tensor] = array;
}

void case_begin(api_case *c, clxent_op op, clxent_pass pass) {
    memset(c, 0, sizeof *c);
    memset(c->array, UNTOUCHED, sizeof c->array);
    c->desc = good_desc(op, pass);
    clxent_host_args_init(&c->host);
    clxent_args_init(&c->args);
}

static double value_at(int tensor, size_t i) {
    if (tensor == CLX_WEIGHT)
        return .5 + .25 * (double)(i % 4);
    if (tensor == CLX_LSE)
        return 3 + .125 * (double)(i % 3);
    return (double)((i * 37 + (size_t)tensor * 11) % 23) / 8 - 1.25;
}

static void fill_target(api_case *c, size_t rows) {
    for (size_t i = 0; i < rows; i++) {
        size_t y = (i * 3 + 1) % c->desc.classes;
        if (c->desc.target_type == CLXENT_TARGET_I32)
            ((int32_t *)(void *)c->array[CLX_TARGET])[i] = (int32_t)y;
        else if (c->desc.target_type == CLXENT_TARGET_I64)
            ((int64_t *)(void *)c->array[CLX_TARGET])[i] = (int64_t)y;
        else
            c->array[CLX_TARGET][i] = (unsigned char)y;
    }
}

void case_fill(api_case *c) {
    clx_problem problem = problem_of(c);
    memset(c->array, UNTOUCHED, sizeof c->array);
    for (clx_tensor tensor = 0; tensor < CLX_TENSORS; tensor++) {
        clx_use use = clx_tensor_use(&problem, tensor);
        size_t bytes = clx_tensor_bytes(&problem, tensor);
        assert_in_range(bytes, 0, ARRAY_BYTES);
        if (!clx_is_used(use) || bytes == 0)
            continue;
        case_set_array(c, (int)tensor, c->array[tensor]);
        if (clx_is_written(use))
            continue;
        if (tensor == CLX_TARGET)
            fill_target(c, problem.rows);
        for (size_t i = 0; tensor != CLX_TARGET && i < bytes / problem.real_size; i++) {
            double value = value_at((int)tensor, i);
            if (c->desc.dtype == CLXENT_F64)
                ((double *)(void *)c->array[tensor])[i] = value;
            else
                ((float *)(void *)c->array[tensor])[i] = (float)value;
        }
    }
}

void case_upload(api_case *c) {
    assert_success(clxent_plan_create(the_device.context, &c->desc, &c->plan));
    c->info.struct_size = sizeof c->info;
    assert_success(clxent_plan_get_info(c->plan, &c->info));
    for (int tensor = 0; tensor <= WORKSPACE; tensor++) {
        bool present =
            tensor == WORKSPACE ? c->info.workspace_size > 0 : clx_host_array(&c->host, (clx_tensor)tensor) != NULL;
        if (!present)
            continue;
        size_t offset = c->offset[tensor], bytes = case_bytes(c, tensor);
        unsigned char *content = malloc(offset + bytes);
        assert_non_null(content);
        memset(content, UNTOUCHED, offset + bytes);
        if (tensor != WORKSPACE)
            memcpy(content + offset, c->array[tensor], bytes);
        c->memory[tensor] = make_buffer(offset + bytes, content);
        free(content);
        *case_buffer(c, tensor) = (clxent_buffer){c->memory[tensor], offset};
    }
}

void case_make(api_case *c, clxent_op op, clxent_pass pass) {
    case_begin(c, op, pass);
    case_fill(c);
    case_upload(c);
}

void case_copy(api_case *copy, const api_case *c) {
    *copy = *c;
    for (int tensor = 0; tensor < CLX_TENSORS; tensor++) {
        unsigned char *array = clx_host_array(&c->host, (clx_tensor)tensor);
        if (array != NULL)
            case_set_array(copy, tensor, &copy->array[0][0] + (array - &c->array[0][0]));
    }
}

void case_release(api_case *c) {
    for (int tensor = 0; tensor <= WORKSPACE; tensor++)
        if (c->memory[tensor] != NULL)
            clReleaseMemObject(c->memory[tensor]);
    clxent_plan_destroy(c->plan);
}

void case_resize(api_case *c, int tensor, size_t size) {
    if (c->memory[tensor] != NULL)
        clReleaseMemObject(c->memory[tensor]);
    c->memory[tensor] = make_buffer(size, tensor == WORKSPACE ? NULL : c->array[tensor]);
    case_buffer(c, tensor)->mem = c->memory[tensor];
}

clxent_status case_run(api_case *c) {
    clxent_status status = clxent_enqueue(the_device.queue, c->plan, &c->args, 0, NULL, NULL);
    assert_int_equal(clFinish(the_device.queue), CL_SUCCESS);
    return status;
}
