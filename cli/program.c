/* The clxent program: picks the command. Each command is a file of its own. */
#include "program.h"

#include "message.h"
#include "options.h"
#include "tune.h"

#include <stdio.h>
#include <string.h>

static const cli_command *const commands[] = {
    &softmax_command,
    &log_softmax_command,
    &nll_loss_command,
    &cross_entropy_command,
    &binary_cross_entropy_command,
    &binary_cross_entropy_with_logits_command,
    &devices_command,
    &check_command,
    &explain_command,
    &bench_command,
    &tune_command,
};
#define COMMANDS (sizeof commands / sizeof commands[0])

/* The name, and the summary beside it, or below a name that is too long for that. */
static void print_summary(const cli_command *command) {
    enum { WIDTH = 21 };
    bool below = strlen(command->name) >= WIDTH;
    if (below)
        printf("  %s\n", command->name);
    printf("  %-*s%s\n", WIDTH, below ? "" : command->name, command->summary);
}

static int print_help(void) {
    puts("Usage: clxent COMMAND [FILES] [OPTIONS]\n\n"
         "Classification losses and their gradients on any OpenCL device, for arrays in .npy files.\n\n"
         "Commands:");
    for (size_t i = 0; i < COMMANDS; i++)
        print_summary(commands[i]);
    puts("\nOptions of every command:\n"
         "  --help          what the command does, its options, an example\n"
         "  --version       print the version\n"
         "  --json          print JSON, one object per line\n"
         "  --device N|cpu|gpu|reference\n"
         "                  where to compute (default: $CLXENT_DEVICE, else the best GPU, else any device)\n"
         "Options of every operation:\n"
         "  --verify        also compute by the CPU reference and print the largest difference\n\n"
         "Example: the loss of a classifier and its gradient, checked against the reference\n"
         "  clxent cross-entropy logits.npy labels.npy --grad grad.npy --verify\n\n"
         "Exit status: 0 done, 1 refused or failed (one sentence says why), 2 usage error.");
    return flush_output();
}

static int refuse_command(const char *word) {
    const char *names[COMMANDS + 3];
    size_t count = 0;
    for (size_t i = 0; i < COMMANDS; i++)
        names[count++] = commands[i]->name;
    names[count++] = "--help";
    names[count++] = "--version";
    names[count] = NULL;
    return complain_usage(NULL, "there is no %s \"%s\", the nearest is %s", word[0] == '-' ? "option" : "command", word,
                          nearest_name(word, names));
}

int program_main(int count, char **words) {
    if (count < 2)
        return complain_usage(NULL, "a command is needed, such as cross-entropy");
    const char *name = words[1];
    if (strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0 || strcmp(name, "help") == 0)
        return print_help();
    if (strcmp(name, "--version") == 0)
        return print_version();
    for (size_t i = 0; i < COMMANDS; i++) {
        if (strcmp(name, commands[i]->name) != 0)
            continue;
        cli_arguments given;
        bool done;
        int status = parse_arguments(commands[i], count - 2, words + 2, &given, &done);
        return done ? status : commands[i]->run(commands[i], &given);
    }
    return refuse_command(name);
}
