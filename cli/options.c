/* The command line: parsing, and the help text of a command, both from its table of options. */
#include "options.h"

#include "clxent.h"
#include "message.h"

#include <errno.h>
#include <float.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HELP_COLUMN 32

const char *option_name(option_id id) {
    static const char *const names[OPTION_COUNT] = {
        [OPTION_NONE] = "",
        [OPTION_AXIS] = "--axis",
        [OPTION_REDUCTION] = "--reduction",
        [OPTION_TARGET2] = "--target2",
        [OPTION_MIX] = "--mix",
        [OPTION_WEIGHT] = "--weight",
        [OPTION_SAMPLE_WEIGHT] = "--sample-weight",
        [OPTION_POS_WEIGHT] = "--pos-weight",
        [OPTION_IGNORE_INDEX] = "--ignore-index",
        [OPTION_LABEL_SMOOTHING] = "--label-smoothing",
        [OPTION_SCALE] = "--scale",
        [OPTION_SOFTCAP] = "--softcap",
        [OPTION_Z_LOSS] = "--z-loss",
        [OPTION_REG_LAMBDA] = "--reg-lambda",
        [OPTION_EMPTY_MEAN_ZERO] = "--empty-mean-zero",
        [OPTION_GRAD_OUTPUT] = "--grad-output",
        [OPTION_GRAD_SCALE] = "--grad-scale",
        [OPTION_OUTPUT] = "--output",
        [OPTION_GRAD] = "--grad",
        [OPTION_LSE] = "--lse",
        [OPTION_ARGMAX] = "--argmax",
        [OPTION_ACCURACY] = "--accuracy",
        [OPTION_DTYPE] = "--dtype",
        [OPTION_SHAPE] = "--shape",
        [OPTION_OP] = "--op",
        [OPTION_PASS] = "--pass",
        [OPTION_IN_PLACE] = "--in-place",
        [OPTION_ENGINE] = "--engine",
        [OPTION_MIN_TIME] = "--min-time",
        [OPTION_TIME] = "--time",
        [OPTION_SWEEP] = "--sweep",
        [OPTION_OVERHEAD] = "--overhead",
        [OPTION_PLOT] = "--plot",
        [OPTION_CSV] = "--csv",
        [OPTION_ALL] = "--all",
        [OPTION_DEVICE] = "--device",
        [OPTION_VERIFY] = "--verify",
        [OPTION_JSON] = "--json",
        [OPTION_HELP] = "--help",
        [OPTION_VERSION] = "--version",
    };
    return names[id];
}

/* Edit distance, of the first characters only: names are short, and a word can be anything. */
static size_t distance(const char *a, const char *b) {
    enum { LONGEST = 32 };
    size_t row[LONGEST + 1], rows = strnlen(a, LONGEST), columns = strnlen(b, LONGEST);
    for (size_t j = 0; j <= columns; j++)
        row[j] = j;
    for (size_t i = 1; i <= rows; i++) {
        size_t diagonal = row[0];
        row[0] = i;
        for (size_t j = 1; j <= columns; j++) {
            size_t best = diagonal + (a[i - 1] != b[j - 1]);
            if (row[j - 1] + 1 < best)
                best = row[j - 1] + 1;
            if (row[j] + 1 < best)
                best = row[j] + 1;
            diagonal = row[j];
            row[j] = best;
        }
    }
    return row[columns];
}

const char *nearest_name(const char *word, const char *const *names) {
    const char *nearest = names[0];
    for (size_t i = 1; names[i] != NULL; i++)
        if (distance(word, names[i]) < distance(word, nearest))
            nearest = names[i];
    return nearest;
}

int print_version(void) {
    printf("clxent %s\n", clxent_version());
    return flush_output();
}

static void print_option(const cli_option *row) {
    int width =
        printf("  %s%s%s", option_name(row->id), row->value != NULL ? " " : "", row->value != NULL ? row->value : "");
    if (width + 2 > HELP_COLUMN) {
        putchar('\n');
        width = 0;
    }
    for (const char *line = row->help; line != NULL;) {
        size_t length = strcspn(line, "\n");
        printf("%*s%.*s\n", HELP_COLUMN - width, "", (int)length, line);
        line = line[length] == '\n' ? line + length + 1 : NULL;
        width = 0;
    }
}

int print_command_help(const cli_command *self) {
    printf("Usage: clxent %s", self->name);
    for (size_t i = 0; i < MAX_FILES && self->files[i] != NULL; i++)
        printf(" %s", self->files[i]);
    printf(" [OPTIONS]\n\n%s\n\nOptions (--option VALUE and --option=VALUE are the same):\n", self->about);
    for (const cli_option *row = self->options; row->id != OPTION_NONE; row++)
        print_option(row);
    printf("\nExample:\n%s\n\nExit status: 0 done, 1 refused or failed (one sentence says why), 2 usage error.\n",
           self->example);
    return flush_output();
}

static int refuse_option(const cli_command *self, const char *word, size_t length) {
    const char *names[OPTION_COUNT + 1];
    char name[64];
    size_t count = 0;
    for (const cli_option *row = self->options; row->id != OPTION_NONE; row++)
        names[count++] = option_name(row->id);
    names[count] = NULL;
    snprintf(name, sizeof name, "%.*s", (int)(length < sizeof name ? length : sizeof name - 1), word);
    return complain_usage(self->name, "%s has no option %s, the nearest is %s", self->name, name,
                          nearest_name(name, names));
}

static const cli_option *find_option(const cli_command *self, const char *word, size_t length) {
    for (const cli_option *row = self->options; row->id != OPTION_NONE; row++) {
        const char *name = option_name(row->id);
        if (strlen(name) == length && strncmp(name, word, length) == 0)
            return row;
    }
    return NULL;
}

/* Takes the option at words[*at] and, where it stands apart, its value. */
static int parse_option(const cli_command *self, int count, char **words, int *at, cli_arguments *given) {
    const char *word = words[*at], *equals = strchr(word, '=');
    size_t length = equals != NULL ? (size_t)(equals - word) : strlen(word);
    const cli_option *row = find_option(self, word, length);
    if (row == NULL)
        return refuse_option(self, word, length);
    const char *name = option_name(row->id), *value = equals != NULL ? equals + 1 : NULL;
    if (given->values[row->id] != NULL)
        return complain_usage(self->name, "%s is given twice", name);
    if (row->value == NULL) {
        if (value != NULL)
            return complain_usage(self->name, "%s takes no value, but %s has one", name, word);
        value = "";
    } else if (value == NULL) {
        /* What begins with two dashes is the next option; --option=--value says otherwise. */
        if (*at + 1 == count || strncmp(words[*at + 1], "--", 2) == 0)
            return complain_usage(self->name, "%s needs a value: %s %s", name, name, row->value);
        value = words[++*at];
    }
    if (row->value != NULL && *value == '\0')
        return complain_usage(self->name, "%s has an empty value: %s %s", name, name, row->value);
    given->values[row->id] = value;
    return STATUS_OK;
}

/* --help and --version win over whatever else is on the line. */
static bool answer_help(const cli_command *self, int count, char **words, int *status) {
    for (int i = 0; i < count && strcmp(words[i], "--") != 0; i++) {
        if (strcmp(words[i], "--help") == 0 || strcmp(words[i], "-h") == 0)
            *status = print_command_help(self);
        else if (strcmp(words[i], "--version") == 0)
            *status = print_version();
        else
            continue;
        return true;
    }
    return false;
}

static const char *operand_of(const cli_command *self) {
    return self->operand != NULL ? self->operand : "file";
}

static int check_files(const cli_command *self, const cli_arguments *given) {
    for (size_t i = 0; i < MAX_FILES; i++)
        if (self->files[i] != NULL && given->files[i] == NULL)
            return complain_usage(self->name, "%s needs the %s %s", self->name, operand_of(self), self->files[i]);
    return STATUS_OK;
}

static int refuse_operand(const cli_command *self, size_t taken, const char *word) {
    static const char *const numbers[] = {"no", "one", "two"};
    return complain_usage(self->name, "%s takes %s %s%s, so \"%s\" is one too many", self->name, numbers[taken],
                          operand_of(self), taken > 1 ? "s" : "", word);
}

int parse_arguments(const cli_command *self, int count, char **words, cli_arguments *given, bool *done) {
    int status = STATUS_OK;
    bool options = true;
    size_t files = 0;
    memset(given, 0, sizeof *given);
    *done = true;
    if (answer_help(self, count, words, &status))
        return status;
    for (int i = 0; i < count; i++) {
        if (options && strcmp(words[i], "--") == 0) {
            options = false;
        } else if (options && words[i][0] == '-' && words[i][1] != '\0') {
            status = parse_option(self, count, words, &i, given);
            if (status != STATUS_OK)
                return status;
        } else if (files == MAX_FILES || self->files[files] == NULL) {
            return refuse_operand(self, files, words[i]);
        } else {
            given->files[files++] = words[i];
        }
    }
    status = check_files(self, given);
    *done = status != STATUS_OK;
    return status;
}

int option_integer(const cli_command *self, const cli_arguments *given, option_id id, int64_t *number) {
    const char *text = given->values[id];
    if (text == NULL)
        return STATUS_OK;
    char *end;
    errno = 0;
    long long parsed = strtoll(text, &end, 10);
    if (end == text || *end != '\0' || errno != 0)
        return complain_usage(self->name, "%s is \"%s\", it must be an integer of 64 bits", option_name(id), text);
    *number = parsed;
    return STATUS_OK;
}

/* What a number between these two must be. */
static const char *write_range(double least, double most, char *text, size_t size) {
    if (most < DBL_MAX)
        snprintf(text, size, "a number from %g to %g", least, most);
    else if (least > -DBL_MAX)
        snprintf(text, size, "a finite number of %g or more", least);
    else
        snprintf(text, size, "a finite number");
    return text;
}

int option_real(const cli_command *self, const cli_arguments *given, option_id id, double least, double most,
                double *number) {
    const char *text = given->values[id];
    char *end, range[80];
    if (text == NULL)
        return STATUS_OK;
    double parsed = strtod(text, &end);
    if (end == text || *end != '\0' || !(parsed >= least && parsed <= most))
        return complain_usage(self->name, "%s is %s, it must be %s", option_name(id), text,
                              write_range(least, most, range, sizeof range));
    *number = parsed;
    return STATUS_OK;
}

int option_choice(const cli_command *self, const cli_arguments *given, option_id id, const char *const *names,
                  int *index) {
    const char *text = given->values[id];
    if (text == NULL)
        return STATUS_OK;
    for (int i = 0; names[i] != NULL; i++)
        if (strcmp(names[i], text) == 0) {
            *index = i;
            return STATUS_OK;
        }
    return complain_usage(self->name, "%s is \"%s\", which it cannot be; the nearest is %s", option_name(id), text,
                          nearest_name(text, names));
}
