/* What a project that uses the library compiles, as C11 and as C++11: the version that the header promises is linked, a loss and its
 * gradient are right, and OpenCL's own functions can be called too. */
#include <clxent.h>

#include <math.h>
#include <stdio.h>
#include <string.h>

static int refuse(const char *what) {
    fprintf(stderr, "consumer: %s (%s)\n", what, clxent_last_error());
    return 1;
}

static int check_device(clxent_context *context) {
    cl_device_id device;
    char name[256] = "";
    if (clxent_context_get(context, NULL, &device) != CLXENT_SUCCESS)
        return refuse("the context has no device");
    if (clGetDeviceInfo(device, CL_DEVICE_NAME, sizeof name, name, NULL) != CL_SUCCESS)
        return refuse("the device has no name");
    printf("clxent %s on %s\n", clxent_version(), name);
    return 0;
}

/* Two rows: the logarithms of 1, 2, 5 and of 4, 3, 1, so that probabilities are eighths. */
static int check_loss(clxent_context *context) {
    const float logits[6] = {0, 0.693147181f, 1.60943791f, 1.38629436f, 1.09861229f, 0};
    const float expected[6] = {0.125f, 0.25f, 0.625f - 1, 0.5f - 1, 0.375f, 0.125f};
    const int32_t target[2] = {2, 0};
    float loss, gradient[6];
    clxent_desc desc;
    clxent_desc_init(&desc, CLXENT_CROSS_ENTROPY);
    desc.pass = CLXENT_FORWARD_BACKWARD;
    desc.reduction = CLXENT_REDUCTION_SUM;
    desc.batch = 2;
    desc.classes = 3;
    clxent_host_args args;
    clxent_host_args_init(&args);
    args.input = logits;
    args.target = target;
    args.output = &loss;
    args.grad_input = gradient;
    if (clxent_run(context, &desc, &args) != CLXENT_SUCCESS)
        return refuse("clxent_run failed");
    if (!(fabs((double)loss + log(0.625 * 0.5)) < 1e-6))
        return refuse("the loss is wrong");
    for (int i = 0; i < 6; i++)
        if (!(fabs((double)(gradient[i] - expected[i])) < 1e-6))
            return refuse("the gradient is wrong");
    return 0;
}

int main(void) {
    char version[32];
    snprintf(version, sizeof version, "%d.%d.%d", CLXENT_VERSION_MAJOR, CLXENT_VERSION_MINOR, CLXENT_VERSION_PATCH);
    if (strcmp(version, clxent_version()) != 0)
        return refuse("the library has another version than the header");
    clxent_context *context = NULL;
    if (clxent_context_create_default(&context) != CLXENT_SUCCESS)
        return refuse("there is no context");
    int status = check_device(context);
    if (status == 0)
        status = check_loss(context);
    clxent_context_destroy(context);
    return status;
}
