/* The parts of language_model.c that have nothing to do with clxent: its text (language_text.c), its network, in plain
 * C (language_network.c), and its training (language_train.c). */
#ifndef LANGUAGE_MODEL_H
#define LANGUAGE_MODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    LENGTH = 64,
    SEQUENCES = 8,
    MOST = 1 << 22
}; /* characters of a sequence; sequences of a batch; all characters */

/* Characters are bytes, and have numbers from 1 on; 0 is padding. SYMBOLS is how many numbers there can be, rounded up, so
 * that each row of a matrix begins at a vector. */
enum { PADDING = 0, SYMBOLS = 272, CONTEXT = 6, HIDDEN = 128 };

typedef struct sequences {
    size_t count;
    const int32_t *begin[MOST / LENGTH];
} sequences;

typedef struct corpus {
    int symbols, number[256],
        byte[SYMBOLS]; /* symbols is to be set to 1 (the padding); bytes are numbered as they come */
    size_t characters, end;
    int32_t text[MOST]; /* LENGTH of padding stand before each file, and less than LENGTH behind it */
    sequences train, held_out;
} corpus;

/* Adds a file to the text, and its sequences, of which every tenth is held out. On failure says why on stderr. */
bool corpus_read(corpus *c, const char *path);

/* What is learned. The embeddings of the last CONTEXT characters are added up, tanh makes hidden units of the sum, and
 * those give a logit to every character that could be next. Gradient and moments have the same form. */
typedef struct network {
    float embedding[CONTEXT][SYMBOLS][HIDDEN], bias1[HIDDEN], weight2[HIDDEN][SYMBOLS], bias2[SYMBOLS];
} network;

/* Sequences, and what the network makes of them. CONTEXT characters stand before each. */
typedef struct batch {
    int rows; /* characters that are predicted: up to LENGTH of each sequence */
    const int32_t *sequence[SEQUENCES];
    int32_t target[SEQUENCES * LENGTH];
    float hidden[SEQUENCES * LENGTH][HIDDEN];
    float logits[SEQUENCES * LENGTH][SYMBOLS]; /* and later their gradient */
    float grad_hidden[SEQUENCES * LENGTH][HIDDEN];
} batch;

/* A number from 0 to 1, the same sequence on every machine. */
double uniform(void);

/* Random weights. */
void network_initialise(network *net);

/* Fills targets, hidden units, and the logits of the symbols [first, end). Returns how many targets are characters. */
int network_forward(const network *net, int first, int end, batch *b);

/* From the gradient with respect to these logits: adds that of the output layer to *grad, and sets what they contribute to the gradient of
 * the hidden units. */
void network_backward_output(const network *net, int first, int end, batch *b, network *grad);

/* Adds that of the other layers to *grad, from the gradient of the hidden units. */
void network_backward_hidden(const batch *b, network *grad);

/* A step of Adam, counted from 1; moments are 0 before the first. */
void network_descend(network *net, const network *grad, network *mean, network *square, float rate, int step);

/* What a program that trains brings along: which symbols' logits it computes, and from them the loss. */
typedef struct trainer {
    int first, end;
    bool prints;
    void *state;
    /* Adds the losses of a micro-batch to *loss. With `weight`, also puts the gradient of weight * their sum in place of the logits, with
     * a z-loss, which keeps logits from drifting. The weight is 1 / characters in all micro-batches of the step: means of
     * each would give characters more weight where there is more padding. */
    bool (*loss_and_gradient)(void *state, batch *b, const float *weight, double *loss);
    bool (*sum_hidden)(void *state,
                       batch *b); /* of what others have of the gradient of the hidden units; may be null */
} trainer;

/* Reads `STEPS FILE...`; on failure says why on stderr. */
bool read_arguments(int argc, char **argv, const char *program, corpus *c, int *steps);

/* Trains a network from random weights, and reports some times; *held_out is the loss at the end. */
bool train(const trainer *t, const corpus *c, network *net, int steps, double *held_out);

#endif
