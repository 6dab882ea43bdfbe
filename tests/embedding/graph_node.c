/* A graph engine whose cross-entropy takes dense labels, a row of floats for each row of logits, as most one-hot, and gives
 * the mean over rows; its gradient is a node of its own. docs/embedding.md shows parts of this file; the program compares. */
#include <clxent.h>

#include <math.h>
#include <stdbool.h>
#include <stdio.h>

/* A node of the graph as an engine might have it. */
typedef enum node_kind { NODE_LOSS, NODE_LOSS_BACK } node_kind;

typedef struct node {
    node_kind kind;
    size_t rows, classes;
    const float *logits, *labels; /* (rows, classes) */
    const float *incoming;        /* NODE_LOSS_BACK: the gradient of the loss, one number */
    float *result;                /* NODE_LOSS: one number; NODE_LOSS_BACK: (rows, classes) */
} node;

/* What it had. */
static void evaluate_in_loops(const node *n) {
    double loss = 0;
    for (size_t r = 0; r < n->rows; r++) {
        const float *x = n->logits + r * n->classes, *q = n->labels + r * n->classes;
        float top = -INFINITY, sum = 0;
        for (size_t c = 0; c < n->classes; c++)
            top = fmaxf(top, x[c]);
        for (size_t c = 0; c < n->classes; c++)
            sum += expf(x[c] - top);
        for (size_t c = 0; c < n->classes; c++) {
            float log_p = x[c] - top - logf(sum);
            loss -= (double)(q[c] * log_p);
            if (n->kind == NODE_LOSS_BACK)
                n->result[r * n->classes + c] = (expf(log_p) - q[c]) * *n->incoming / (float)n->rows;
        }
    }
    if (n->kind == NODE_LOSS)
        *n->result = (float)(loss / (double)n->rows);
}

/* What it has now. A descriptor is a value: clxent_run finds the plan that it made for an equal one. */
static clxent_status evaluate(clxent_context *context, const node *n) {
    clxent_desc desc;
    clxent_desc_init(&desc, CLXENT_CROSS_ENTROPY);
    desc.target_type = CLXENT_TARGET_PROBABILITIES; /* of the type of the logits; the mean is then one over rows */
    desc.batch = n->rows;
    desc.classes = n->classes;

    clxent_host_args args;
    clxent_host_args_init(&args);
    args.input = n->logits;
    args.target = n->labels;
    if (n->kind == NODE_LOSS) {
        args.output = n->result;
    } else {
        desc.pass = CLXENT_BACKWARD;
        args.grad_output = n->incoming;
        args.grad_input = n->result;
    }
    return clxent_run(context, &desc, &args);
}

/* Of an engine that hands each node to all of its threads: one of them calls, the device has threads of its own. */
static clxent_status evaluate_on_thread(clxent_context *context, const node *n, int thread) {
    return thread == 0 ? evaluate(context, n) : CLXENT_SUCCESS;
}

/* Where all rows are one-hot, their classes say the same in a fraction of the bytes. False where one is not. */
static bool labels_to_classes(const float *labels, size_t rows, size_t classes, int32_t *indices) {
    for (size_t r = 0; r < rows; r++) {
        indices[r] = -1;
        for (size_t c = 0; c < classes; c++) {
            float q = labels[r * classes + c];
            if (q == 0)
                continue;
            if (q != 1 || indices[r] >= 0)
                return false;
            indices[r] = (int32_t)c;
        }
        if (indices[r] < 0)
            return false;
    }
    return true;
}

/* ---- the comparison ---- */

enum { ROWS = 40, CLASSES = 65, ALL = ROWS * CLASSES };

static float logits[ALL], labels[ALL], by_loops[ALL], by_clxent[ALL];

static void make_up(bool one_hot) {
    unsigned state = 3;
    for (size_t i = 0; i < ALL; i++) {
        state = state * 1664525u + 1013904223u;
        logits[i] = (float)(state >> 8) * 0x1p-20f - 8;
        labels[i] = one_hot ? 0.0f : 0.5f / CLASSES;
    }
    for (size_t r = 0; r < ROWS; r++)
        labels[r * CLASSES + r * 7 % CLASSES] += one_hot ? 1.0f : 0.5f;
}

static bool compare_node(clxent_context *context, node n, size_t count, double tolerance) {
    double difference = 0;
    n.result = by_loops;
    evaluate_in_loops(&n);
    n.result = by_clxent;
    for (int thread = 0; thread < 4; thread++)
        if (evaluate_on_thread(context, &n, thread) != CLXENT_SUCCESS) {
            fprintf(stderr, "%s\n", clxent_last_error());
            return false;
        }
    for (size_t i = 0; i < count; i++)
        difference = fmax(difference, fabs((double)by_loops[i] - (double)by_clxent[i]));
    printf("%s: first number %.6g in loops, %.6g by clxent; largest difference %.2g\n",
           n.kind == NODE_LOSS ? "loss" : "gradient", (double)by_loops[0], (double)by_clxent[0], difference);
    return difference <= tolerance;
}

static bool compare(clxent_context *context) {
    static const float incoming = 2.5f;
    const node loss = {NODE_LOSS, ROWS, CLASSES, logits, labels, NULL, NULL};
    const node back = {NODE_LOSS_BACK, ROWS, CLASSES, logits, labels, &incoming, NULL};
    return compare_node(context, loss, 1, 2e-5) && compare_node(context, back, ALL, 1e-7);
}

/* The loss by classes is that by dense labels. */
static bool compare_classes(clxent_context *context) {
    int32_t indices[ROWS];
    float dense = 0, loss = 0;
    const node n = {NODE_LOSS, ROWS, CLASSES, logits, labels, NULL, &dense};
    clxent_desc desc;
    clxent_desc_init(&desc, CLXENT_CROSS_ENTROPY);
    desc.batch = ROWS;
    desc.classes = CLASSES;
    clxent_host_args args;
    clxent_host_args_init(&args);
    args.input = logits;
    args.target = indices;
    args.output = &loss;
    bool good = labels_to_classes(labels, ROWS, CLASSES, indices) && evaluate(context, &n) == CLXENT_SUCCESS &&
                clxent_run(context, &desc, &args) == CLXENT_SUCCESS;
    printf("loss by dense labels %.6f, by classes %.6f\n", (double)dense, (double)loss);
    return good && fabsf(dense - loss) < 2e-5f;
}

int main(void) {
    clxent_context *context = NULL;
    int32_t unused[ROWS];
    if (clxent_context_create_default(&context) != CLXENT_SUCCESS) {
        fprintf(stderr, "%s\n", clxent_last_error());
        return 1;
    }
    make_up(false);
    bool good = compare(context) && !labels_to_classes(labels, ROWS, CLASSES, unused);
    make_up(true);
    good = good && compare(context) && compare_classes(context);
    clxent_context_destroy(context);
    return good ? 0 : 1;
}
