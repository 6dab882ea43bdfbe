/* The options that the cases of `clxent check` combine. */
#ifndef CLI_CHECK_VARIANTS_H
#define CLI_CHECK_VARIANTS_H

#include "check_cases.h"

/* Bits for the passes that a variant is for. */
enum { IN_FORWARD = 1, IN_BACKWARD = 2, IN_BOTH = 4, IN_ALL = 7 };

/* What is compiled into a kernel: each combination is a program of its own. */
typedef struct check_features {
    clxent_target_type target_type;
    double label_smoothing, scale, softcap, reg_lambda; /* scale 0 stands for 1 */
} check_features;

/* One combination of options. Those that an operation does not have are left out. */
typedef struct check_variant {
    unsigned passes;
    check_features features;
    size_t work_group_size;
    clxent_reduction reduction;
    uint64_t flags;
    double z_loss, mix, grad_scale; /* mix 0: no second target; grad_scale 0 stands for 1 */
    bool weight, sample_weight, pos_weight, mix_lambda, linear_bias, grad_output, lse, argmax, counts;
    bool ignore_inside, nothing_counts, poison;
    bool large; /* also on a vocabulary's size */
    bool few;   /* on the first shapes only */
} check_variant;

/* The variants of a line's operation, and their number. */
const check_variant *check_variants(const check_line *line, size_t *count);

/* The variant as a line has it: with fewer programs where the variants of all lines together need no more. */
check_variant check_narrow(const check_variant *v, const check_line *line);

#endif
