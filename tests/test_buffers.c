/* What clxent_enqueue refuses before it looks at sizes: null pointers, structs of another size, queues and memory
 * objects that are not the plan's. By exact status, while every buffer and *event stay as they were. And which tensors
 * it does not look at. */
#include "enqueue_attempt.h"

static void null_pointers(void **state) {
    (void)state;
    REFUSES(LOSS_BOTH, a.plan = NULL, ARGUMENT, "plan is null");
    REFUSES(LOSS_BOTH, a.args = NULL, ARGUMENT, "args is null");
    REFUSES(LOSS_BOTH, a.queue = NULL, CLXENT_INVALID_QUEUE, "queue is null");
}

static void struct_sizes(void **state) {
    (void)state;
    char text[160];
    snprintf(text, sizeof text, "args.struct_size is 0, this library knows %zu to %zu",
             offsetof(clxent_args, workspace) + sizeof(clxent_buffer), sizeof(clxent_args));
    REFUSES(LOSS, a.args->struct_size = 0, ARGUMENT, text);
    REFUSES(LOSS, a.args->struct_size--, ARGUMENT, "args.struct_size is ");
    REFUSES(LOSS, a.args->struct_size++, ARGUMENT, "args.struct_size is ");
    REFUSES(LOSS, a.args->struct_size = SIZE_MAX, ARGUMENT, "args.struct_size is 18446744073709551615");
}

/* Of a program from before there was a weight_sum; what lies behind its struct is its own. */
static void older_struct(void **state) {
    (void)state;
    api_case c;
    case_make(&c, CLXENT_CROSS_ENTROPY, CLXENT_FORWARD);
    case_drop(&c, CLX_WEIGHT_SUM);
    c.args.struct_size = offsetof(clxent_args, partial);
    c.args.weight_sum.mem = c.args.partial.mem = (cl_mem)(void *)&the_device;
    assert_success(case_run(&c));
    c.args.weight_sum.mem = c.args.partial.mem = NULL;
    assert_right(&c);
    case_release(&c);
}

static void wait_lists(void **state) {
    (void)state;
    cl_int error = CL_SUCCESS;
    cl_event event = clCreateUserEvent(the_device.cl, &error);
    assert_int_equal(error, CL_SUCCESS);
    REFUSES(LOSS, a.wait_count = 1, ARGUMENT, "wait_count is 1, but wait_list is null");
    REFUSES(LOSS, a.wait_list = &event, ARGUMENT, "wait_count is 0, but wait_list is not null");
    clSetUserEventStatus(event, CL_COMPLETE);
    clReleaseEvent(event);
}

static void queue_of_another_context(void **state) {
    (void)state;
    cl_context cl = make_context();
    cl_int error = CL_SUCCESS;
    cl_command_queue queue = clCreateCommandQueue(cl, the_device.id, 0, &error);
    assert_int_equal(error, CL_SUCCESS);
    REFUSES(LOSS, a.queue = queue, CLXENT_INVALID_QUEUE, "queue belongs to another OpenCL context than the plan");
    REFUSES(SOFTMAX, a.queue = queue, CLXENT_INVALID_QUEUE, "queue belongs to another OpenCL context than the plan");
    clReleaseCommandQueue(queue);
    clReleaseContext(cl);
}

/* A part of the device is another device in the same context. */
static void refuse_queue_of_part(cl_device_id part) {
    const cl_device_id ids[] = {the_device.id, part};
    cl_int error = CL_SUCCESS;
    cl_context cl = clCreateContext(NULL, 2, ids, NULL, NULL, &error);
    assert_int_equal(error, CL_SUCCESS);
    cl_command_queue queue = clCreateCommandQueue(cl, part, 0, &error);
    assert_int_equal(error, CL_SUCCESS);
    clxent_context *context = NULL;
    clxent_plan *plan = NULL;
    api_case c;
    case_begin(&c, LOSS);
    assert_success(clxent_context_create(cl, the_device.id, &context));
    assert_success(clxent_plan_create(context, &c.desc, &plan));
    cl_event event = NO_EVENT;
    assert_refused(clxent_enqueue(queue, plan, &c.args, 0, NULL, &event), CLXENT_INVALID_QUEUE,
                   "queue belongs to another device than the plan");
    assert_ptr_equal(event, NO_EVENT);
    clxent_plan_destroy(plan);
    clxent_context_destroy(context);
    clReleaseCommandQueue(queue);
    clReleaseContext(cl);
}

static void queue_of_another_device(void **state) {
    (void)state;
    cl_uint parts = 0, made = 0;
    assert_int_equal(clGetDeviceInfo(the_device.id, CL_DEVICE_PARTITION_MAX_SUB_DEVICES, sizeof parts, &parts, NULL),
                     CL_SUCCESS);
    if (parts < 2) { /* it cannot be parted, so its context has no other device */
        cl_uint devices = 0;
        clGetContextInfo(the_device.cl, CL_CONTEXT_NUM_DEVICES, sizeof devices, &devices, NULL);
        assert_int_equal(devices, 1);
        return;
    }
    const cl_device_partition_property by_one[] = {CL_DEVICE_PARTITION_EQUALLY, 1, 0};
    cl_device_id *part = calloc(parts, sizeof(cl_device_id));
    assert_non_null(part);
    assert_int_equal(clCreateSubDevices(the_device.id, by_one, parts, part, &made), CL_SUCCESS);
    refuse_queue_of_part(part[0]);
    for (cl_uint i = 0; i < made; i++)
        clReleaseDevice(part[i]);
    free(part);
}

static void buffers_of_another_context(void **state) {
    (void)state;
    cl_context cl = make_context();
    cl_int error = CL_SUCCESS;
    cl_mem other = clCreateBuffer(cl, CL_MEM_READ_WRITE, 4096, NULL, &error);
    assert_int_equal(error, CL_SUCCESS);
    for (int tensor = 0; tensor <= WORKSPACE; tensor++) {
        char text[160];
        snprintf(text, sizeof text, "%s belongs to another OpenCL context than the plan", case_tensor_name(tensor));
        REFUSES(BOTH_WITH(tensor), case_buffer(&a.c, tensor)->mem = other, BUFFER, text);
    }
    clReleaseMemObject(other);
    clReleaseContext(cl);
}

static void images(void **state) {
    (void)state;
    const cl_image_format format = {CL_RGBA, CL_FLOAT};
    const cl_image_desc desc = {.image_type = CL_MEM_OBJECT_IMAGE2D, .image_width = 8, .image_height = 8};
    cl_int error = CL_SUCCESS;
    cl_mem image = clCreateImage(the_device.cl, CL_MEM_READ_WRITE, &format, &desc, NULL, &error);
    if (!device_has_images()) {
        assert_int_equal(error, CL_INVALID_OPERATION);
        return;
    }
    assert_int_equal(error, CL_SUCCESS);
    for (int tensor = 0; tensor <= WORKSPACE; tensor++) {
        char text[160];
        snprintf(text, sizeof text, "%s is a memory object of type 0x10f1, not a buffer", case_tensor_name(tensor));
        REFUSES(BOTH_WITH(tensor), case_buffer(&a.c, tensor)->mem = image, BUFFER, text);
    }
    clReleaseMemObject(image);
}

/* A tensor that another pass uses is not looked at, and neither is a workspace that the call does not need. */
static void ignored_buffers(void **state) {
    (void)state;
    cl_context cl = make_context();
    cl_int error = CL_SUCCESS;
    cl_mem mem = clCreateBuffer(cl, CL_MEM_READ_WRITE, 1, NULL, &error);
    assert_int_equal(error, CL_SUCCESS);
    const clxent_buffer nonsense = {mem, SIZE_MAX};
    ACCEPTS(SOFTMAX, a.args->grad_output = a.args->grad_input = nonsense);
    ACCEPTS(LOG_SOFTMAX_BACKWARD, a.args->input = nonsense);
    ACCEPTS(NLL, a.args->grad_output = a.args->grad_input = nonsense);
    ACCEPTS(NLL_BACKWARD, a.args->input = a.args->output = nonsense);
    ACCEPTS(LOSS, a.args->grad_output = a.args->grad_input = nonsense);
    ACCEPTS(LOSS_BACKWARD, a.args->output = a.args->argmax = a.args->correct_count = nonsense);
    ACCEPTS(BINARY, a.args->grad_output = a.args->grad_input = nonsense);
    ACCEPTS(BINARY_BACKWARD, a.args->output = nonsense);
    ACCEPTS(LOGITS, a.args->grad_output = a.args->grad_input = nonsense);
    ACCEPTS(LOGITS_BACKWARD, a.args->output = a.args->workspace = nonsense);
    ACCEPTS_WITH(LOGITS_BOTH, NO_REDUCTION, a.args->workspace = nonsense);
    ACCEPTS(SOFTMAX, a.args->workspace = nonsense);
    /* The same bytes as a written tensor, but not in this pass. */
    ACCEPTS(SOFTMAX, a.args->grad_input = a.args->output);
    clReleaseMemObject(mem);
    clReleaseContext(cl);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(null_pointers),
        cmocka_unit_test(struct_sizes),
        cmocka_unit_test(older_struct),
        cmocka_unit_test(wait_lists),
        cmocka_unit_test(queue_of_another_context),
        cmocka_unit_test(queue_of_another_device),
        cmocka_unit_test(buffers_of_another_context),
        cmocka_unit_test(images),
        cmocka_unit_test(ignored_buffers),
    };
    return cmocka_run_group_tests_name("buffers", tests, open_device, close_device);
}
