/* A trainer in plain C that computes softmax and cross-entropy in loops, and the same by clxent_run. docs/embedding.md shows
 * parts of this file; the program compares the two. */
#include <clxent.h>

#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

/* What it had: the probabilities of each row, and its loss, */
static void loss_in_loops(float *losses, float *probs, const float *logits, const int32_t *targets, size_t rows,
                          size_t classes, size_t stride) {
    for (size_t r = 0; r < rows; r++) {
        const float *x = logits + r * stride;
        float *p = probs + r * stride, top = x[0], sum = 0;
        for (size_t c = 1; c < classes; c++)
            top = x[c] > top ? x[c] : top;
        for (size_t c = 0; c < classes; c++)
            sum += p[c] = expf(x[c] - top);
        for (size_t c = 0; c < classes; c++)
            p[c] /= sum;
        losses[r] = -logf(p[targets[r]]);
    }
}

/* and on the way back the gradient of their mean. */
static void gradient_in_loops(float *dlogits, const float *probs, const int32_t *targets, size_t rows, size_t classes,
                              size_t stride) {
    for (size_t r = 0; r < rows; r++)
        for (size_t c = 0; c < classes; c++) {
            float hit = c == (size_t)targets[r] ? 1.0f : 0.0f;
            dlogits[r * stride + c] += (probs[r * stride + c] - hit) / (float)rows;
        }
}

/* What it has now. */
typedef struct trainer_loss {
    clxent_context *context;
    clxent_desc desc;
} trainer_loss;

/* Once, before the first step. */
static clxent_status loss_open(trainer_loss *t, size_t rows, size_t classes, size_t stride) {
    clxent_desc_init(&t->desc, CLXENT_CROSS_ENTROPY);
    t->desc.pass = CLXENT_FORWARD_BACKWARD;
    t->desc.batch = rows;        /* B * T */
    t->desc.classes = classes;   /* V */
    t->desc.row_stride = stride; /* V with its padding; the padding is neither read nor written */
    t->context = NULL;
    return clxent_context_create_default(&t->context);
}

/* In each step: the mean loss, and its gradient over the logits. */
static clxent_status loss_step(const trainer_loss *t, float *logits, const int32_t *targets, float *loss) {
    clxent_host_args args;
    clxent_host_args_init(&args);
    args.input = logits;
    args.target = targets;
    args.output = loss;
    args.grad_input = logits; /* in place: no probabilities are kept, and no second array */
    return clxent_run(t->context, &t->desc, &args);
}

/* Of a batch that is not trained on: the mean loss alone, and nothing is overwritten. */
static clxent_status loss_of_validation(const trainer_loss *t, const float *logits, const int32_t *targets,
                                        float *loss) {
    clxent_desc desc = t->desc;
    desc.pass = CLXENT_FORWARD;
    clxent_host_args args;
    clxent_host_args_init(&args);
    args.input = logits;
    args.target = targets;
    args.output = loss;
    return clxent_run(t->context, &desc, &args);
}

/* In the end. */
static void loss_close(trainer_loss *t) {
    clxent_context_destroy(t->context);
}

/* ---- the comparison ---- */

enum { ROWS = 48, CLASSES = 1000, STRIDE = 1024, ALL = ROWS * STRIDE };
#define PADDING 123.0f

typedef struct arrays {
    float logits[ALL], probs[ALL], dlogits[ALL], losses[ROWS];
    int32_t targets[ROWS];
} arrays;

static void make_up(arrays *a) {
    unsigned state = 1;
    for (size_t i = 0; i < ALL; i++) {
        state = state * 1664525u + 1013904223u;
        a->logits[i] = i % STRIDE < CLASSES ? (float)(state >> 8) * 0x1p-20f - 8 : PADDING;
    }
    for (int32_t r = 0; r < ROWS; r++)
        a->targets[r] = r * 37 % CLASSES;
}

static double mean_of(const float *losses) {
    double sum = 0;
    for (size_t r = 0; r < ROWS; r++)
        sum += (double)losses[r];
    return sum / ROWS;
}

static double largest_difference(const float *got, const float *expected) {
    double largest = 0;
    for (size_t i = 0; i < ALL; i++) {
        double difference = i % STRIDE < CLASSES ? fabs((double)got[i] - (double)expected[i]) : 0;
        largest = difference > largest ? difference : largest;
    }
    return largest;
}

static bool keeps_padding(const float *logits) {
    for (size_t i = 0; i < ALL; i++)
        if (i % STRIDE >= CLASSES && logits[i] != PADDING)
            return false;
    return true;
}

/* A label that is none is refused by name, and nothing is written. */
static bool refuses_a_wrong_label(const trainer_loss *t, arrays *a) {
    float loss = -1, first = a->logits[0];
    a->targets[5] = CLASSES;
    clxent_status status = loss_step(t, a->logits, a->targets, &loss);
    printf("a wrong label: %s, %s\n", clxent_status_string(status), clxent_last_error());
    return status == CLXENT_INVALID_TARGET && loss == -1 && a->logits[0] == first;
}

static bool compare(const trainer_loss *t, arrays *a) {
    float validation = 0, loss = 0;
    loss_in_loops(a->losses, a->probs, a->logits, a->targets, ROWS, CLASSES, STRIDE);
    gradient_in_loops(a->dlogits, a->probs, a->targets, ROWS, CLASSES, STRIDE);
    if (loss_of_validation(t, a->logits, a->targets, &validation) != CLXENT_SUCCESS ||
        loss_step(t, a->logits, a->targets, &loss) != CLXENT_SUCCESS) {
        fprintf(stderr, "%s\n", clxent_last_error());
        return false;
    }
    double mean = mean_of(a->losses), difference = largest_difference(a->logits, a->dlogits);
    printf("loss in loops %.6f, by clxent %.6f and %.6f; largest difference of the gradients %.2g\n", mean,
           (double)validation, (double)loss, difference);
    return fabs((double)loss - mean) < 1e-5 * mean && validation == loss && difference < 1e-8 &&
           keeps_padding(a->logits) && refuses_a_wrong_label(t, a);
}

int main(void) {
    trainer_loss t;
    arrays *a = calloc(1, sizeof *a);
    bool good = false;
    if (a != NULL && loss_open(&t, ROWS, CLASSES, STRIDE) == CLXENT_SUCCESS) {
        make_up(a);
        good = compare(&t, a);
        loss_close(&t);
    }
    free(a);
    return good ? 0 : 1;
}
