/* The table that `clxent check` prints. */
#ifndef CLI_CHECK_TABLE_H
#define CLI_CHECK_TABLE_H

#include "check_cases.h"

/* What came of a line of the table. */
typedef struct check_outcome {
    size_t cases;         /* run */
    size_t unsupported;   /* refused with CLXENT_UNSUPPORTED */
    size_t failed;        /* out of tolerance, or failed in another way */
    double largest;       /* error in units of the tolerance */
    char reason[512];     /* of the refusals, each once */
    char complaint[1024]; /* about the first failure */
} check_outcome;

/* Reasons why some cases of a line were refused. Few lines differ in them, so they stand below the table. */
typedef struct check_notes {
    char text[9][sizeof((check_outcome *)0)->reason];
    size_t count;
} check_notes;

/* Names of operations, ended by NULL, in the order of the header's enum. */
extern const char *const check_op_names[];

void check_print_head(void);
void check_print_row(const check_line *line, const check_outcome *out, check_notes *all);
void check_print_json(const check_line *line, const check_outcome *out);
void check_print_notes(const check_notes *all);

/* Says which line is being run. */
void check_show_progress(const check_line *line, size_t done, size_t all);

/* Keeps the first complaint of a line, with what it takes to run that case again. */
void check_fail(check_outcome *out, const check_case *c, const char *what);
void check_add_reason(check_outcome *out, const char *reason);

#endif
