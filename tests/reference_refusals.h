/* What the tests of refusals share: a good case of every operation, and the check that a change to it is refused. */
#ifndef REFERENCE_REFUSALS_H
#define REFERENCE_REFUSALS_H

#include "operations.h"
#include "reference_cases.h"

/* Two rows of three classes, everything given that the pass takes. */
static inline void begin_good(reference_case *c, clxent_op op, clxent_pass pass) {
    static const double ones[] = {1, 1, 1, 1, 1, 1};
    static const int targets[] = {2, 0};
    begin_case(c, op, pass, CLXENT_F32, 2, 3);
    set_numbers(c, &c->input, ones, 6);
    set_numbers(c, &c->grad_output, ones, 6);
    set_numbers(c, &c->weight, ones, 3);
    bool loss = is_loss(op);
    if (is_binary(op)) {
        set_probabilities(c, ones);
    } else if (loss) {
        set_targets(c, targets, 2);
        c->args.invalid_count = &c->invalid_count;
    }
    if (loss)
        c->args.weight = &c->weight;
    if (!loss && pass == CLXENT_BACKWARD)
        set_numbers(c, &c->output, ones, 6);
    if (op == CLXENT_CROSS_ENTROPY) {
        set_numbers(c, &c->lse, ones, 2);
        c->args.lse = &c->lse;
    }
    if (pass != CLXENT_FORWARD)
        c->args.grad_output = &c->grad_output;
    point_to_required(c);
}

static inline void check_refused(reference_case *c, clxent_status status, const char *text, const char *file,
                                 int line) {
    reference_case before;
    memcpy(&before, c, sizeof before);
    clxent_status got = clxent_reference(&c->desc, &c->args);
    bool told = strstr(clxent_last_error(), text) != NULL;
    bool untouched = memcmp(&before, c, sizeof before) == 0;
    if (got != status || !told || !untouched) {
        print_error("got %s (%s), expected %s (%s); the arrays are %s\n", clxent_status_string(got),
                    clxent_last_error(), clxent_status_string(status), text, untouched ? "untouched" : "changed");
        _fail(file, line);
    }
}

/* Makes a good case, checks that it is one, applies `change` to it, and expects the refusal. */
#define REFUSES(operation, change, status, text)                                                                       \
    do {                                                                                                               \
        reference_case c;                                                                                              \
        begin_good(&c, operation);                                                                                     \
        run_case(&c);                                                                                                  \
        begin_good(&c, operation);                                                                                     \
        change;                                                                                                        \
        check_refused(&c, status, text, __FILE__, __LINE__);                                                           \
    } while (0)

#define ARGUMENT CLXENT_INVALID_ARGUMENT
#define OPTION CLXENT_INVALID_OPTION
#define SHAPE CLXENT_INVALID_SHAPE
#define MISSING CLXENT_MISSING_BUFFER
#define BUFFER CLXENT_INVALID_BUFFER

/* A value outside an enum, as a careless cast would make it. */
#define SET_ENUM(member, number) memcpy(&(member), &(int){number}, sizeof(int))

/* An address one byte into an array. */
#define ODD(array) ((unsigned char *)&(array) + 1)

#endif
