/* What the peers written in C share: the data, the protocol and the clock. A peer defines the functions at the end.
 *
 * A peer is a program that stays: it says in one line who it is, then answers each line of its standard input
 *
 *   OPERATION PASS N C INNER SECONDS        cross-entropy forward 1024 50257 1 0.3
 *
 * by one line
 *
 *   MILLISECONDS LOSS GRADIENT              the median time of a call, and two numbers to compare peers by
 *
 * or by "error" and a sentence. README.md says more. */
#ifndef PEER_H
#define PEER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum peer_op { CROSS_ENTROPY, SOFTMAX, LOG_SOFTMAX, BINARY_CROSS_ENTROPY } peer_op;

/* The work of one line. Logits are (batch, classes, inner). Every array of that shape is there `sets` times, and calls
 * go through the sets in turn, so that caches do not stand in for memory; targets are the same for each set. */
typedef struct peer_case {
    peer_op op;
    bool gradient;
    size_t batch, classes, inner, rows, elements, sets;
} peer_case;

/* Logits between -8 and 8, probabilities between 0 and 1, and any class; each element follows from its position, so all
 * peers have the same ones. */
void peer_fill_logits(float *logits, size_t count);
void peer_fill_probabilities(float *probabilities, size_t count);
void peer_fill_targets(int32_t *targets, const peer_case *work);

/* What peers are compared by: the mean over rows of the result at the target class, and the sum of magnitudes. */
double peer_mean_at_target(const peer_case *work, const float *result, const int32_t *targets);
double peer_sum_of_magnitudes(const float *values, size_t count);

/* Zeroed memory, or the end of the program with a message. */
void *peer_allocate(size_t bytes);

/* Notes a sentence for the answer and returns false, so that a function can end with `return peer_fail(...)`. */
__attribute__((format(printf, 1, 2))) bool peer_fail(const char *format, ...);

/* ---- Each peer defines these; false means that peer_fail was called. ---- */

/* Gets ready and puts a line into `who`: name, version, device. */
bool peer_open(char *who, size_t size);

/* Makes data for `work`. Follows peer_open or peer_drop. */
bool peer_prepare(const peer_case *work);

/* Starts, or does, the work of one set. */
bool peer_call(const peer_case *work, size_t set);

/* Returns when every call is done. */
bool peer_finish(void);

/* The loss that the latest call computed, or for softmax the mean at the target; and the sum of the gradient's
 * magnitudes of set 0, or 0 without one. */
bool peer_results(const peer_case *work, double *loss, double *gradient);

/* Frees what peer_prepare made, also after it failed. */
void peer_drop(void);

#endif
