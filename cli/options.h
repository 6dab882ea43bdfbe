/* The command line: what a command is, which options it takes, and their values.
 *
 * Every command is one constant of type `cli_command`, with a table of its options. Parsing, complaints about misspelt
 * options and the --help texts all come from that table. */
#ifndef CLI_OPTIONS_H
#define CLI_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Every option of the program; their names are in options.c. */
typedef enum option_id {
    OPTION_NONE, /* ends a table */
    OPTION_AXIS,
    OPTION_REDUCTION,
    OPTION_TARGET2,
    OPTION_MIX,
    OPTION_WEIGHT,
    OPTION_SAMPLE_WEIGHT,
    OPTION_POS_WEIGHT,
    OPTION_IGNORE_INDEX,
    OPTION_LABEL_SMOOTHING,
    OPTION_SCALE,
    OPTION_SOFTCAP,
    OPTION_Z_LOSS,
    OPTION_REG_LAMBDA,
    OPTION_EMPTY_MEAN_ZERO,
    OPTION_GRAD_OUTPUT,
    OPTION_GRAD_SCALE,
    OPTION_OUTPUT,
    OPTION_GRAD,
    OPTION_LSE,
    OPTION_ARGMAX,
    OPTION_ACCURACY,
    OPTION_DTYPE,
    OPTION_SHAPE,
    OPTION_OP,
    OPTION_PASS,
    OPTION_IN_PLACE,
    OPTION_ENGINE,
    OPTION_MIN_TIME,
    OPTION_TIME,
    OPTION_SWEEP,
    OPTION_OVERHEAD,
    OPTION_PLOT,
    OPTION_CSV,
    OPTION_ALL,
    OPTION_DEVICE,
    OPTION_VERIFY,
    OPTION_JSON,
    OPTION_HELP,
    OPTION_VERSION,
    OPTION_COUNT
} option_id;

typedef struct cli_option {
    option_id id;
    const char *value; /* what --help calls its value; NULL: a switch, which takes none */
    const char *help;  /* lines are separated by \n and aligned when printed */
} cli_option;

/* The last rows of the tables. */
#define OPTION_ROWS_HELP                                                                                               \
    {OPTION_HELP, NULL, "print this text"}, {OPTION_VERSION, NULL, "print the version"}, {                             \
        OPTION_NONE, NULL, NULL                                                                                        \
    }
#define OPTION_ROW_DEVICE                                                                                              \
    {                                                                                                                  \
        OPTION_DEVICE, "N|cpu|gpu|reference",                                                                          \
            "where to compute: a number of `clxent devices`, the best device of a\n"                                   \
            "kind, or plain C on the CPU without OpenCL\n"                                                             \
            "(default: $CLXENT_DEVICE, else the best GPU, else any device)"                                            \
    }
#define OPTION_ROW_DTYPE                                                                                               \
    {                                                                                                                  \
        OPTION_DTYPE, "f2|f4|f8|bf16",                                                                                 \
            "what the input must be (default: what it is); bf16 reads u2 as the\n"                                     \
            "bits of bfloat16, for which .npy files have no type of their own"                                         \
    }
#define OPTION_ROW_VERIFY                                                                                              \
    { OPTION_VERIFY, NULL, "also compute by the CPU reference and print the largest difference" }
#define OPTION_ROW_JSON                                                                                                \
    {                                                                                                                  \
        OPTION_JSON, NULL,                                                                                             \
            "print one JSON object; \"ms\" is the time of the computation, which\n"                                    \
            "includes compiling its kernels where they are not cached yet"                                             \
    }

#define MAX_FILES 2

typedef struct cli_arguments {
    const char *files[MAX_FILES];
    const char *values[OPTION_COUNT]; /* NULL: not given; "" for a switch that is given */
} cli_arguments;

typedef struct cli_command cli_command;
struct cli_command {
    const char *name;
    const char *summary;          /* one line for `clxent --help` */
    const char *files[MAX_FILES]; /* what --help calls the files it takes, NULL where it takes fewer */
    const char *operand;          /* what these are where they are no files: "operation"; else NULL */
    const char *about;            /* a paragraph */
    const cli_option *options;
    const char *example;
    int (*run)(const cli_command *self, const cli_arguments *given);
};

extern const cli_command softmax_command, log_softmax_command, nll_loss_command, cross_entropy_command,
    binary_cross_entropy_command, binary_cross_entropy_with_logits_command, devices_command, check_command,
    explain_command, bench_command;

/* Parses what follows the command's name. With *done set the command has nothing more to do: --help or --version was
 * asked for and printed, or the returned status is a complaint already made. */
int parse_arguments(const cli_command *self, int count, char **words, cli_arguments *given, bool *done);

/* The value of an option as a number; `*number` is left alone where the option is not given. */
int option_integer(const cli_command *self, const cli_arguments *given, option_id id, int64_t *number);
int option_real(const cli_command *self, const cli_arguments *given, option_id id, double least, double most,
                double *number);

/* The index of an option's value among `names` (ended by NULL); `*index` is left alone where the option is not given. */
int option_choice(const cli_command *self, const cli_arguments *given, option_id id, const char *const *names,
                  int *index);

/* "--axis" */
const char *option_name(option_id id);

/* The one of `names` (ended by NULL) that takes the fewest changes of a character to become `word`. */
const char *nearest_name(const char *word, const char *const *names);

int print_command_help(const cli_command *self);
int print_version(void);

#endif
