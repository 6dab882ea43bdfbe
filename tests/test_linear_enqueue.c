/* Linear cross-entropy by clxent_enqueue, in buffers of exactly the size that they must have and on a queue out of order: the bits
 * of clxent_run. */
#include "linear_lines.h"

#include "tensor.h"

#include <string.h>

static bool is_output(const clx_problem *problem, clx_tensor tensor) {
    return clx_is_written(clx_tensor_use(problem, tensor));
}

/* Buffers of exactly the size that they must have, with what the second set of arrays holds. */
static void make_buffers(cl_context cl, const linear_tensors *d, const clx_problem *problem, clxent_args *args) {
    clxent_args_init(args);
    for (clx_tensor tensor = 0; tensor < CLX_TENSORS; tensor++) {
        void *array = clx_host_array(&d->args[1], tensor);
        const size_t bytes = clx_tensor_bytes(problem, tensor);
        cl_int error = CL_SUCCESS;
        if (array == NULL || bytes == 0)
            continue;
        const cl_mem mem = clCreateBuffer(cl, CL_MEM_READ_WRITE | CL_MEM_COPY_HOST_PTR, bytes, array, &error);
        must(error);
        clx_set_buffer(args, tensor, &(clxent_buffer){mem, 0});
    }
}

static void read_buffers(cl_command_queue queue, const linear_tensors *d, const clx_problem *problem,
                         const clxent_args *args) {
    for (clx_tensor tensor = 0; tensor < CLX_TENSORS; tensor++) {
        const clxent_buffer *buffer = clx_buffer(args, tensor);
        if (buffer->mem == NULL)
            continue;
        if (is_output(problem, tensor))
            must(clEnqueueReadBuffer(queue, buffer->mem, CL_TRUE, 0, clx_tensor_bytes(problem, tensor),
                                     clx_host_array(&d->args[1], tensor), 0, NULL, NULL));
        clReleaseMemObject(buffer->mem);
    }
}

/* On a queue out of order, where the device has one, every launch must wait for the one before. */
static cl_command_queue make_queue(cl_context cl) {
    cl_command_queue_properties can = 0;
    cl_int error = CL_SUCCESS;
    must(clGetDeviceInfo(device.about->id, CL_DEVICE_QUEUE_PROPERTIES, sizeof can, &can, NULL));
    cl_command_queue queue =
        clCreateCommandQueue(cl, device.about->id, can & CL_QUEUE_OUT_OF_ORDER_EXEC_MODE_ENABLE, &error);
    must(error);
    return queue;
}

static void enqueue(const linear_tensors *d, const clx_problem *problem) {
    clxent_context *apart = make_context_apart(0);
    clxent_plan *plan = NULL;
    clxent_plan_info info = {.struct_size = sizeof info};
    clxent_args args;
    cl_context cl = NULL;
    cl_event event = NULL;
    cl_int error = CL_SUCCESS;
    expect_success(clxent_context_get(apart, &cl, NULL));
    expect_success(clxent_plan_create(apart, &d->desc, &plan));
    expect_success(clxent_plan_get_info(plan, &info));
    cl_command_queue queue = make_queue(cl);
    make_buffers(cl, d, problem, &args);
    args.workspace.mem = clCreateBuffer(cl, CL_MEM_READ_WRITE, info.workspace_size, NULL, &error);
    must(error);
    expect_success(clxent_enqueue(queue, plan, &args, 0, NULL, &event));
    must(clWaitForEvents(1, &event));
    clReleaseEvent(event);
    read_buffers(queue, d, problem, &args);
    clReleaseMemObject(args.workspace.mem);
    clReleaseCommandQueue(queue);
    clxent_plan_destroy(plan);
    clxent_context_destroy(apart);
}

static void expect_equal_bits(const linear_tensors *d, const clx_problem *problem, size_t at) {
    for (clx_tensor tensor = 0; tensor < CLX_TENSORS; tensor++) {
        void *run = clx_host_array(&d->args[0], tensor), *enqueued = clx_host_array(&d->args[1], tensor);
        if (run != NULL && is_output(problem, tensor) && memcmp(run, enqueued, clx_tensor_bytes(problem, tensor)) != 0)
            fail_msg("line %zu: %s has other bits by enqueue than by run", at, clx_tensor_name(tensor));
    }
}

static void the_same_bits_by_enqueue(void **unused) {
    (void)unused;
    for (size_t i = 0; i < LINEAR_LINES; i++) {
        linear_tensors d;
        clx_problem problem;
        make_linear_tensors(&d, &linear_lines[i], CLXENT_FORWARD_BACKWARD, 99 + i);
        expect_success(clx_problem_init(&problem, &d.desc));
        if (is_shared(i) && is_line_for_device(&linear_lines[i]) && !(linear_lines[i].options & SAVED_LSE) &&
            linear_lines[i].batch > 0) {
            limit_linear_chunk(&d, linear_lines[i].chunk, 0);
            enqueue(&d, &problem);
            expect_success(run_linear_apart(&d.desc, &d.args[0], 0));
            expect_equal_bits(&d, &problem, i);
        }
        drop_linear_tensors(&d);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_same_bits_by_enqueue),
    };
    return cmocka_run_group_tests(tests, open_device, close_device);
}
