/* The OpenCL objects of cutmix.c. clxent takes part in an OpenCL context that is the engine's own. */
#include "cutmix_engine.h"
#include "cutmix_kernels.h"

#include <stdio.h>

/* How many values of four bytes each buffer holds. */
static const size_t length[WORKSPACE] = {[PIXEL] = IMAGES * PIXELS,
                                         [LABEL] = IMAGES,
                                         [ORDER] = 2 * IMAGES,
                                         [IMAGE] = TEST * PIXELS,
                                         [TARGET] = TEST,
                                         [TARGET2] = TEST,
                                         [STAY] = 1,
                                         [UNITS] = TEST * HIDDEN,
                                         [LOGITS] = TEST * DIGITS,
                                         [GRAD_UNITS] = BATCH * HIDDEN,
                                         [WEIGHT1] = WEIGHTS1,
                                         [WEIGHT2] = WEIGHTS2,
                                         [VELOCITY1] = WEIGHTS1,
                                         [VELOCITY2] = WEIGHTS2,
                                         [LOSSES] = STEPS + 1,
                                         [BEST] = 2 * TEST,
                                         [CORRECT] = 2};

bool ok(int status, const char *what) {
    if (status != CLXENT_SUCCESS)
        fprintf(stderr, "%s: %s\n", what ? what : clxent_last_error(), clxent_status_string(status));
    return status == CLXENT_SUCCESS;
}

static bool create_queue(engine *e) {
    cl_device_id device;
    cl_command_queue_properties able = 0;
    char name[256] = "", options[256];
    const char *source = cutmix_kernels;
    int status;
    if (!ok(clxent_find_device(NULL, &device), NULL))
        return false;
    clGetDeviceInfo(device, CL_DEVICE_NAME, sizeof name, name, NULL);
    clGetDeviceInfo(device, CL_DEVICE_QUEUE_PROPERTIES, sizeof able, &able, NULL);
    able &= CL_QUEUE_OUT_OF_ORDER_EXEC_MODE_ENABLE;
    printf("%s, %s queue\n", name, able ? "out-of-order" : "in-order");
    e->cl = clCreateContext(NULL, 1, &device, NULL, NULL, &status);
    if (!ok(status, "cannot create a context"))
        return false;
    e->queue = clCreateCommandQueue(e->cl, device, able, &status);
    if (!ok(status, "cannot create a queue"))
        return false;
    snprintf(options, sizeof options, "-DSIDE=%d -DPIXELS=%d -DHIDDEN=%d -DDIGITS=%d -DIMAGES=%d -DBATCH=%d", SIDE,
             PIXELS, HIDDEN, DIGITS, IMAGES, BATCH);
    e->program = clCreateProgramWithSource(e->cl, 1, &source, NULL, &status);
    if (!ok(status, "cannot create a program"))
        return false;
    status = clBuildProgram(e->program, 1, &device, options, NULL, NULL);
    if (status == CL_BUILD_PROGRAM_FAILURE) {
        static char log[10000];
        clGetProgramBuildInfo(e->program, device, CL_PROGRAM_BUILD_LOG, sizeof log - 1, log, NULL);
        fprintf(stderr, "%s\n", log);
    }
    return ok(status, "cannot build the program") && ok(clxent_context_create(e->cl, device, &e->context), NULL);
}

static bool create_plan(engine *e, size_t rows, clxent_pass pass, clxent_plan **plan, size_t *workspace) {
    clxent_desc desc;
    clxent_desc_init(&desc, CLXENT_CROSS_ENTROPY);
    desc.pass = pass;
    desc.batch = rows;
    desc.classes = DIGITS;
    clxent_plan_info info = {.struct_size = sizeof info};
    if (!ok(clxent_plan_create(e->context, &desc, plan), NULL) || !ok(clxent_plan_get_info(*plan, &info), NULL))
        return false;
    *workspace = info.workspace_size > *workspace ? info.workspace_size : *workspace;
    return true;
}

static bool create_buffers(engine *e, digits *data, size_t workspace) {
    for (int i = 0; i < BUFFERS; i++) {
        void *from = i == PIXEL ? (void *)data->pixels : i == LABEL ? data->labels : NULL;
        int status;
        e->buffer[i] = clCreateBuffer(e->cl, from ? CL_MEM_COPY_HOST_PTR : CL_MEM_READ_WRITE,
                                      i == WORKSPACE ? workspace : length[i] * 4, from, &status);
        if (!ok(status, "cannot create a buffer"))
            return false;
    }
    return true;
}

/* The arguments of a kernel are some buffers and then some numbers; those that change are set in cutmix.c. */
static bool create_kernel(engine *e, enum stage stage, const char *name, cl_uint buffers, const enum buffer *buffer,
                          cl_uint numbers, const cl_int *number) {
    int status;
    e->kernel[stage] = clCreateKernel(e->program, name, &status);
    for (cl_uint i = 0; i < buffers && status == CL_SUCCESS; i++)
        status = clSetKernelArg(e->kernel[stage], i, sizeof(cl_mem), &e->buffer[buffer[i]]);
    for (cl_uint i = 0; i < numbers && status == CL_SUCCESS; i++)
        status = clSetKernelArg(e->kernel[stage], buffers + i, sizeof(cl_int), &number[i]);
    return ok(status, name);
}

static bool create_kernels(engine *e) {
    const enum buffer mix[] = {PIXEL, LABEL, ORDER, IMAGE, TARGET, TARGET2, STAY};
    const enum buffer layer1[] = {IMAGE, WEIGHT1, UNITS}, layer2[] = {UNITS, WEIGHT2, LOGITS};
    const enum buffer back[] = {LOGITS, WEIGHT2, UNITS, GRAD_UNITS};
    const enum buffer learn1[] = {IMAGE, GRAD_UNITS, WEIGHT1, VELOCITY1},
                      learn2[] = {UNITS, LOGITS, WEIGHT2, VELOCITY2};
    const cl_int first[] = {PIXELS, true}, second[] = {HIDDEN, false}; /* inputs, and whether negatives become 0 */
    return create_kernel(e, MIX, "cutmix", 7, mix, 0, NULL) && create_kernel(e, LAYER1, "layer", 3, layer1, 2, first) &&
           create_kernel(e, LAYER2, "layer", 3, layer2, 2, second) &&
           create_kernel(e, BACK, "back", 4, back, 0, NULL) &&
           create_kernel(e, LEARN2, "learn", 4, learn2, 1, second) &&
           create_kernel(e, LEARN1, "learn", 4, learn1, 1, first);
}

bool engine_create(engine *e, digits *data) {
    size_t workspace = 1;
    return create_queue(e) && create_plan(e, BATCH, CLXENT_FORWARD_BACKWARD, &e->training, &workspace) &&
           create_plan(e, TEST, CLXENT_FORWARD, &e->testing, &workspace) && create_buffers(e, data, workspace) &&
           create_kernels(e);
}

void engine_destroy(engine *e) {
    if (e->queue)
        clFinish(e->queue);
    for (int i = 0; i < STAGES; i++) {
        if (e->done[i])
            clReleaseEvent(e->done[i]);
        if (e->kernel[i])
            clReleaseKernel(e->kernel[i]);
    }
    for (int i = 0; i < BUFFERS; i++)
        if (e->buffer[i])
            clReleaseMemObject(e->buffer[i]);
    clxent_plan_destroy(e->training);
    clxent_plan_destroy(e->testing);
    clxent_context_destroy(e->context);
    if (e->program)
        clReleaseProgram(e->program);
    if (e->queue)
        clReleaseCommandQueue(e->queue);
    if (e->cl)
        clReleaseContext(e->cl);
}
