/* Storage types as the program names them: how their elements stand in a file, and what goes with them. */
#ifndef CLI_DTYPE_H
#define CLI_DTYPE_H

#include "clxent.h"
#include "npy.h"
#include "options.h"

typedef struct cli_dtype {
    const char *name;   /* "f2", "f4", "f8", "bf16", as --dtype takes it */
    clxent_dtype dtype; /* in the descriptor */
    npy_type file;      /* of tensors of the logits' shape. .npy has no bfloat16, so its bits stand there as u2 */
    npy_type real;      /* of losses, lse, weights and a loss's incoming gradient */
} cli_dtype;

/* Is --dtype one of the names, if it is given? */
int check_dtype(const cli_command *self, const cli_arguments *given);

/* The storage type of an input that holds `type`. Complains where --dtype says otherwise, and about u2 without it. */
int find_dtype(const cli_arguments *given, npy_type type, const cli_dtype **found);

#endif
