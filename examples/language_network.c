/* The network of language_model.c. Its innermost loops run over neighbouring numbers, for the compiler to make vectors of. */
#include "language_model.h"

#include <math.h>
#include <string.h>

double uniform(void) {
    static uint64_t state = 1; /* splitmix64 */
    uint64_t z = state += 0x9e3779b97f4a7c15u;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return (double)((z ^ z >> 31) >> 11) / 9007199254740992.0;
}

void network_initialise(network *net) {
    memset(net, 0, sizeof *net);
    for (int k = 0; k < CONTEXT; k++)
        for (int v = 0; v < SYMBOLS; v++)
            for (int h = 0; h < HIDDEN; h++)
                net->embedding[k][v][h] = (float)(uniform() - 0.5);
    for (int h = 0; h < HIDDEN; h++)
        for (int v = 0; v < SYMBOLS; v++)
            net->weight2[h][v] = (float)(uniform() - 0.5) / 5;
}

int network_forward(const network *net, int first, int end, batch *b) {
    int characters = 0;
    for (int n = 0; n < b->rows; n++) {
        const int32_t *at = b->sequence[n / LENGTH] + n % LENGTH;
        float *hidden = b->hidden[n], *logits = b->logits[n];
        b->target[n] = *at;
        characters += *at != PADDING;
        memcpy(hidden, net->bias1, sizeof net->bias1);
        for (int k = 0; k < CONTEXT; k++)
            for (int h = 0; h < HIDDEN; h++)
                hidden[h] += net->embedding[k][at[-1 - k]][h];
        for (int h = 0; h < HIDDEN; h++)
            hidden[h] = tanhf(hidden[h]);
        memcpy(logits, net->bias2, sizeof net->bias2);
        for (int h = 0; h < HIDDEN; h += 2) /* two at a time: half the loads and stores of logits */
            for (int v = first; v < end; v++)
                logits[v] += hidden[h] * net->weight2[h][v] + hidden[h + 1] * net->weight2[h + 1][v];
    }
    return characters;
}

void network_backward_output(const network *net, int first, int end, batch *b, network *grad) {
    static float transposed[SYMBOLS][HIDDEN];
    for (int h = 0; h < HIDDEN; h++)
        for (int v = first; v < end; v++)
            transposed[v][h] = net->weight2[h][v];
    for (int n = 0; n < b->rows; n++) {
        const float *hidden = b->hidden[n], *g = b->logits[n];
        float *grad_hidden = b->grad_hidden[n];
        memset(grad_hidden, 0, sizeof b->grad_hidden[n]);
        for (int v = first; v < end; v++) {
            grad->bias2[v] += g[v];
            for (int h = 0; h < HIDDEN; h++)
                grad_hidden[h] += g[v] * transposed[v][h];
        }
        for (int h = 0; h < HIDDEN; h++)
            for (int v = first; v < end; v++)
                grad->weight2[h][v] += hidden[h] * g[v];
    }
}

void network_backward_hidden(const batch *b, network *grad) {
    for (int n = 0; n < b->rows; n++) {
        const int32_t *at = b->sequence[n / LENGTH] + n % LENGTH;
        const float *hidden = b->hidden[n];
        float grad_sum[HIDDEN];
        for (int h = 0; h < HIDDEN; h++) {
            grad_sum[h] = b->grad_hidden[n][h] * (1 - hidden[h] * hidden[h]);
            grad->bias1[h] += grad_sum[h];
        }
        for (int k = 0; k < CONTEXT; k++)
            for (int h = 0; h < HIDDEN; h++)
                grad->embedding[k][at[-1 - k]][h] += grad_sum[h];
    }
}

/* D. Kingma, J. Ba, "Adam: A Method for Stochastic Optimization", ICLR 2015. */
void network_descend(network *net, const network *grad, network *mean, network *square, float rate, int step) {
    float *p = (float *)net, *m = (float *)mean, *s = (float *)square;
    const float *g = (const float *)grad;
    float scale = (float)(sqrt(1 - pow(0.99, step)) / (1 - pow(0.9, step)));
    for (size_t i = 0; i < sizeof *net / sizeof *p; i++) {
        m[i] += 0.1f * (g[i] - m[i]);
        s[i] += 0.01f * (g[i] * g[i] - s[i]);
        p[i] -= rate * scale * m[i] / (sqrtf(s[i]) + 1e-8f);
    }
}
