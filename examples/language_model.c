/* Learns from some files which character comes next, and writes a few lines of its own. The network and its optimiser are
 * plain C (language_network.c), and so is the training (language_train.c); the loss, and its gradient with respect to the logits, come from clxent on an OpenCL device:
 * see loss_and_gradient().
 *
 *   language_model STEPS FILE.txt...
 *
 * Each file is cut into sequences of 64 characters (bytes), the last one of which is padded; every tenth is held out. The
 * exit status is 1 on any failure, and when after STEPS steps the loss of the sequences held out is not below 2 nats a
 * character. Sizes and rate were chosen with that loss in view; after 300 steps on the README.md
 * and docs/ of this project it was 1.83 to 1.88 over 6 other seeds. The training loss that is printed has the z-loss in it. */
#include "language_model.h"

#include <clxent.h>
#include <math.h>
#include <stdio.h>

enum { SAMPLE = 300 };

static bool run(clxent_context *context, const clxent_desc *desc, const clxent_host_args *args) {
    clxent_status status = clxent_run(context, desc, args);
    if (status != CLXENT_SUCCESS)
        fprintf(stderr, "%s\n", clxent_last_error());
    return status == CLXENT_SUCCESS;
}

/* What a trainer's state is here. */
typedef struct model {
    clxent_context *context;
    int symbols;
} model;

/* Each micro-batch has logits of its own; what accumulates is the gradient of the network. */
static bool loss_and_gradient(void *state, batch *b, const float *weight, double *loss) {
    const model *m = state;
    float sum;
    clxent_desc desc;
    clxent_desc_init(&desc, CLXENT_CROSS_ENTROPY);
    desc.pass = weight ? CLXENT_FORWARD_BACKWARD : CLXENT_FORWARD;
    desc.reduction = CLXENT_REDUCTION_SUM;
    desc.batch = (size_t)b->rows;
    desc.classes = (size_t)m->symbols;
    desc.row_stride = SYMBOLS;
    desc.ignore_index = PADDING;
    desc.z_loss = weight ? 1e-4 : 0;

    clxent_host_args args;
    clxent_host_args_init(&args);
    args.input = b->logits;
    args.target = b->target;
    args.output = &sum;
    args.grad_output = weight; /* as a number in desc, each weight would take another plan */
    args.grad_input = b->logits;
    bool done = run(m->context, &desc, &args);
    *loss += done ? (double)sum : 0;
    return done;
}

/* Prints some text by the network: each character is drawn from the probabilities that those before it give. */
static bool write_text(clxent_context *context, const corpus *c, const network *net) {
    static batch b = {.rows = 1};
    int32_t text[CONTEXT + SAMPLE] = {PADDING};
    clxent_desc desc;
    clxent_desc_init(&desc, CLXENT_SOFTMAX);
    desc.batch = 1;
    desc.classes = (size_t)c->symbols;
    clxent_host_args args;
    clxent_host_args_init(&args);
    args.input = args.output = b.logits[0];
    for (int i = CONTEXT; i < CONTEXT + SAMPLE; i++) {
        b.sequence[0] = text + i;
        network_forward(net, 0, c->symbols, &b);
        if (!run(context, &desc, &args))
            return false;
        double left = uniform();
        for (text[i] = 1; text[i] < c->symbols - 1 && (left -= (double)b.logits[0][text[i]]) > 0;)
            text[i]++;
        putchar(c->byte[text[i]] < 128 ? c->byte[text[i]] : '?');
    }
    putchar('\n');
    return true;
}

int main(int argc, char **argv) {
    static corpus c = {.symbols = 1};
    static network net;
    int steps = 0;
    if (!read_arguments(argc, argv, "language_model", &c, &steps))
        return 1;
    model m = {.symbols = c.symbols};
    const trainer t = {.end = c.symbols, .prints = true, .state = &m, .loss_and_gradient = loss_and_gradient};
    double loss = INFINITY;
    bool done = clxent_context_create_default(&m.context) == CLXENT_SUCCESS;
    if (!done)
        fprintf(stderr, "%s\n", clxent_last_error());
    done = done && train(&t, &c, &net, steps, &loss) && write_text(m.context, &c, &net);
    clxent_context_destroy(m.context);
    if (done && !(loss < 2))
        fprintf(stderr, "the loss is %.4f nats a character, it should be below 2\n", loss);
    return done && loss < 2 ? 0 : 1;
}
