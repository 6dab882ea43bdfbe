/* What multi_device.c computes: how well a model that only knows the character before it guesses the next one. A row is a
 * place in a text, its classes are the characters, and its logits say how often each of them comes after that one. */
#include "language_model.h"
#include "multi_device.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

static corpus text = {.symbols = 1}; /* its padding, before and behind each file, is what is IGNORED */

bool job_create(job *j, int files, char **paths) {
    static int follow[SYMBOLS][SYMBOLS], count[SYMBOLS];
    for (int i = 0; i < files; i++)
        if (!corpus_read(&text, paths[i]))
            return false;
    const size_t places = text.end > LENGTH ? text.end - LENGTH : 0;
    if (j->rows > places) {
        fprintf(stderr, "the files have %zu rows, fewer than %zu\n", places, j->rows);
        return false;
    }
    const int32_t *next = text.text + LENGTH, *before = next - 1; /* from the first character of the first file on */
    for (size_t i = 0; i < j->rows; i++) {
        follow[before[i]][next[i]]++;
        count[next[i]]++;
    }
    j->classes = (size_t)text.symbols;
    j->logits = malloc(j->rows * j->classes * sizeof(float));
    j->target = malloc(j->rows * sizeof(int32_t));
    if (!j->logits || !j->target) {
        fprintf(stderr, "no memory for %zu rows of %zu logits\n", j->rows, j->classes);
        return false;
    }
    for (size_t i = 0; i < j->rows; i++) {
        j->target[i] = next[i];
        for (size_t c = 0; c < j->classes; c++)
            j->logits[i * j->classes + c] = logf(1 + (float)follow[before[i]][c]);
    }
    for (size_t c = 0; c < j->classes; c++) /* what is everywhere, as the blank is, counts less */
        j->weight[c] = 1 / sqrtf(1 + (float)count[c] * (float)j->classes / (float)j->rows);
    return true;
}

void job_destroy(job *j) {
    free(j->logits);
    free(j->target);
}
