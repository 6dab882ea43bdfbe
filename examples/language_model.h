/* The parts of language_model.c that have nothing to do with clxent: its text (language_text.c), and its network, in plain
 * C (language_network.c). */
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
} batch;

/* A number from 0 to 1, the same sequence on every machine. */
double uniform(void);

/* Random weights. */
void network_initialise(network *net);

/* Fills targets and logits. `symbols` is how many of the SYMBOLS are in use. Returns how many targets are characters. */
int network_forward(const network *net, int symbols, batch *b);

/* Adds the gradient with respect to the network to *grad, from that with respect to the logits. */
void network_backward(const network *net, int symbols, const batch *b, network *grad);

/* A step of Adam, counted from 1; moments are 0 before the first. */
void network_descend(network *net, const network *grad, network *mean, network *square, float rate, int step);

#endif
