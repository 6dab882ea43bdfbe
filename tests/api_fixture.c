/* What the tests of the interface on a device share: the device. api_case.c has the cases on it, and api_compare.c
 * compares their results. */
#include "api_fixture.h"

api_device the_device;

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
