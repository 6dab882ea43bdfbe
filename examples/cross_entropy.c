#include <clxent.h>
#include <stdio.h>

int main(void) {
    float logits[9] = {1, 2, 3, .5f, -.5f, 0, -1, 4, 2}, grad[9], loss; /* three rows of three classes */
    int32_t target[3] = {2, -100, 0};                                   /* -100: the second row is ignored */

    clxent_desc desc;
    clxent_desc_init(&desc, CLXENT_CROSS_ENTROPY);
    desc.pass = CLXENT_FORWARD_BACKWARD;
    desc.batch = desc.classes = 3;

    clxent_host_args args;
    clxent_host_args_init(&args);
    args.input = logits;
    args.target = target;
    args.output = &loss;
    args.grad_input = grad;

    clxent_context *context = NULL;
    clxent_status status = clxent_context_create_default(&context);
    if (status == CLXENT_SUCCESS)
        status = clxent_run(context, &desc, &args);
    if (status == CLXENT_SUCCESS)
        printf("loss %.6f, gradient of the first row %.6f %.6f %.6f\n", loss, grad[0], grad[1], grad[2]);
    else
        fprintf(stderr, "%s\n", clxent_last_error());
    clxent_context_destroy(context);
    return status != CLXENT_SUCCESS;
}
