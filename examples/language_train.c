/* The training of language_model.c, for any number of processes: each computes the logits of some symbols, and all do the rest alike. */
#include "language_model.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { MICRO_BATCHES = 2, REPORTS = 5 };

bool read_arguments(int argc, char **argv, const char *program, corpus *c, int *steps) {
    char *end = NULL;
    long number = argc > 2 ? strtol(argv[1], &end, 10) : 0;
    if (number < 1 || number > 1000000 || *end != '\0') {
        fprintf(stderr, "usage: %s STEPS FILE.txt..., with 1 to 1000000 steps\n", program);
        return false;
    }
    *steps = (int)number;
    for (int i = 2; i < argc; i++)
        if (!corpus_read(c, argv[i]))
            return false;
    if (c->held_out.count == 0)
        fprintf(stderr, "%zu characters are too few to learn from\n", c->characters);
    return c->held_out.count > 0;
}

/* A step of training. */
static bool learn(const trainer *t, const corpus *c, network *net, float rate, int step, double *loss) {
    static batch b[MICRO_BATCHES];
    static network grad, mean, square;
    double sum = 0;
    int characters = 0;
    memset(&grad, 0, sizeof grad);
    for (int i = 0; i < MICRO_BATCHES; i++) {
        b[i].rows = SEQUENCES * LENGTH;
        for (int s = 0; s < SEQUENCES; s++)
            b[i].sequence[s] = c->train.begin[(size_t)(uniform() * (double)c->train.count)];
        characters += network_forward(net, t->first, t->end, &b[i]);
    }
    const float weight = 1 / (float)characters;
    for (int i = 0; i < MICRO_BATCHES; i++) {
        if (!t->loss_and_gradient(t->state, &b[i], &weight, &sum))
            return false;
        network_backward_output(net, t->first, t->end, &b[i], &grad);
        if (t->sum_hidden && !t->sum_hidden(t->state, &b[i]))
            return false;
        network_backward_hidden(&b[i], &grad);
    }
    network_descend(net, &grad, &mean, &square, rate, step);
    *loss += sum / characters;
    return true;
}

/* The loss per character of the sequences held out. */
static bool test(const trainer *t, const corpus *c, const network *net, double *loss) {
    static batch b;
    double sum = 0;
    int characters = 0;
    for (size_t i = 0; i < c->held_out.count; i += SEQUENCES) {
        size_t count = c->held_out.count - i < SEQUENCES ? c->held_out.count - i : SEQUENCES;
        memcpy(b.sequence, c->held_out.begin + i, count * sizeof *b.sequence);
        b.rows = (int)count * LENGTH;
        characters += network_forward(net, t->first, t->end, &b);
        if (!t->loss_and_gradient(t->state, &b, NULL, &sum))
            return false;
    }
    *loss = sum / characters;
    return true;
}

/* The learning rate falls to 0 along a cosine. */
bool train(const trainer *t, const corpus *c, network *net, int steps, double *held_out) {
    const int every = (steps + REPORTS - 1) / REPORTS;
    double loss = 0;
    struct timespec begin, now;
    if (t->prints)
        printf("%zu characters, %d different ones; %zu sequences to train on, %zu held out\n", c->characters,
               c->symbols - 1, c->train.count, c->held_out.count);
    timespec_get(&begin, TIME_UTC);
    network_initialise(net);
    for (int step = 1, reported = 0; step <= steps; step++) {
        float rate = 0.015f * (1 + cosf(3.14159265f * (float)step / (float)steps));
        if (!learn(t, c, net, rate, step, &loss))
            return false;
        if (step % every != 0 && step != steps)
            continue;
        if (!test(t, c, net, held_out))
            return false;
        timespec_get(&now, TIME_UTC);
        double seconds = difftime(now.tv_sec, begin.tv_sec) + 1e-9 * (double)(now.tv_nsec - begin.tv_nsec);
        if (t->prints)
            printf("step %4d   training loss %.4f   held out: loss %.4f, perplexity %.3f   %.0f characters/s\n", step,
                   loss / (step - reported), *held_out, exp(*held_out),
                   (double)step * MICRO_BATCHES * SEQUENCES * LENGTH / seconds);
        loss = 0;
        reported = step;
    }
    return true;
}
