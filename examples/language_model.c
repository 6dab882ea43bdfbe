/* Learns from some files which character comes next, and writes a few lines of its own. The network and its optimiser are
 * plain C (language_network.c); the loss, and its gradient with respect to the logits, come from clxent on an OpenCL device:
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
#include <stdlib.h>
#include <time.h>

enum { MICRO_BATCHES = 2, REPORTS = 5, SAMPLE = 300 };

static bool run(clxent_context *context, const clxent_desc *desc, const clxent_host_args *args) {
    clxent_status status = clxent_run(context, desc, args);
    if (status != CLXENT_SUCCESS)
        fprintf(stderr, "%s\n", clxent_last_error());
    return status == CLXENT_SUCCESS;
}

/* Adds the losses of a micro-batch to *loss. With `weight`, also puts the gradient of weight * their sum in place of the
 * logits, with a z-loss, which keeps logits from drifting. The weight is 1 / characters in all micro-batches of the step:
 * means of each would give characters more weight where there is more padding. (Each micro-batch has logits of its own;
 * what accumulates is the gradient of the network.) */
static bool loss_and_gradient(clxent_context *context, int symbols, batch *b, const float *weight, double *loss) {
    float sum;
    clxent_desc desc;
    clxent_desc_init(&desc, CLXENT_CROSS_ENTROPY);
    desc.pass = weight ? CLXENT_FORWARD_BACKWARD : CLXENT_FORWARD;
    desc.reduction = CLXENT_REDUCTION_SUM;
    desc.batch = (size_t)b->rows;
    desc.classes = (size_t)symbols;
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
    bool done = run(context, &desc, &args);
    *loss += done ? (double)sum : 0;
    return done;
}

/* A step of training. */
static bool learn(clxent_context *context, const corpus *c, network *net, float rate, int step, double *loss) {
    static batch b[MICRO_BATCHES];
    static network grad, mean, square;
    double sum = 0;
    int characters = 0;
    memset(&grad, 0, sizeof grad);
    for (int i = 0; i < MICRO_BATCHES; i++) {
        b[i].rows = SEQUENCES * LENGTH;
        for (int s = 0; s < SEQUENCES; s++)
            b[i].sequence[s] = c->train.begin[(size_t)(uniform() * (double)c->train.count)];
        characters += network_forward(net, c->symbols, &b[i]);
    }
    const float weight = 1 / (float)characters;
    for (int i = 0; i < MICRO_BATCHES; i++) {
        if (!loss_and_gradient(context, c->symbols, &b[i], &weight, &sum))
            return false;
        network_backward(net, c->symbols, &b[i], &grad);
    }
    network_descend(net, &grad, &mean, &square, rate, step);
    *loss += sum / characters;
    return true;
}

/* The loss per character of the sequences held out. */
static bool test(clxent_context *context, const corpus *c, const network *net, double *loss) {
    static batch b;
    double sum = 0;
    int characters = 0;
    for (size_t i = 0; i < c->held_out.count; i += SEQUENCES) {
        size_t count = c->held_out.count - i < SEQUENCES ? c->held_out.count - i : SEQUENCES;
        memcpy(b.sequence, c->held_out.begin + i, count * sizeof *b.sequence);
        b.rows = (int)count * LENGTH;
        characters += network_forward(net, c->symbols, &b);
        if (!loss_and_gradient(context, c->symbols, &b, NULL, &sum))
            return false;
    }
    *loss = sum / characters;
    return true;
}

/* The learning rate falls to 0 along a cosine. */
static bool train(clxent_context *context, const corpus *c, network *net, int steps, double *held_out) {
    const int every = (steps + REPORTS - 1) / REPORTS;
    double loss = 0;
    struct timespec begin, now;
    timespec_get(&begin, TIME_UTC);
    network_initialise(net);
    for (int step = 1, reported = 0; step <= steps; step++) {
        float rate = 0.015f * (1 + cosf(3.14159265f * (float)step / (float)steps));
        if (!learn(context, c, net, rate, step, &loss))
            return false;
        if (step % every != 0 && step != steps)
            continue;
        if (!test(context, c, net, held_out))
            return false;
        timespec_get(&now, TIME_UTC);
        double seconds = difftime(now.tv_sec, begin.tv_sec) + 1e-9 * (double)(now.tv_nsec - begin.tv_nsec);
        printf("step %4d   training loss %.4f   held out: loss %.4f, perplexity %.3f   %.0f characters/s\n", step,
               loss / (step - reported), *held_out, exp(*held_out),
               (double)step * MICRO_BATCHES * SEQUENCES * LENGTH / seconds);
        loss = 0;
        reported = step;
    }
    return true;
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
        network_forward(net, c->symbols, &b);
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
    char *end = NULL;
    long steps = argc > 2 ? strtol(argv[1], &end, 10) : 0;
    if (steps < 1 || steps > 1000000 || *end != '\0') {
        fprintf(stderr, "usage: language_model STEPS FILE.txt..., with 1 to 1000000 steps\n");
        return 1;
    }
    for (int i = 2; i < argc; i++)
        if (!corpus_read(&c, argv[i]))
            return 1;
    if (c.held_out.count == 0) {
        fprintf(stderr, "%zu characters are too few to learn from\n", c.characters);
        return 1;
    }
    printf("%zu characters, %d different ones; %zu sequences to train on, %zu held out\n", c.characters, c.symbols - 1,
           c.train.count, c.held_out.count);
    clxent_context *context = NULL;
    double loss = INFINITY;
    bool done = clxent_context_create_default(&context) == CLXENT_SUCCESS;
    if (!done)
        fprintf(stderr, "%s\n", clxent_last_error());
    done = done && train(context, &c, &net, (int)steps, &loss) && write_text(context, &c, &net);
    clxent_context_destroy(context);
    if (done && !(loss < 2))
        fprintf(stderr, "the loss is %.4f nats a character, it should be below 2\n", loss);
    return done && loss < 2 ? 0 : 1;
}
