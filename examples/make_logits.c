/* Makes up logits and targets, for evaluate_logits and the clxent program to try on: files of any size, and the same every
 * time. The logit of the target is higher than most others; every tenth target is -100, which is ignored.
 *
 *   make_logits ROWS CLASSES LOGITS.npy TARGETS.npy */
#include "npy_rows.h"

#include <stdint.h>
#include <stdlib.h>

/* A number from 0 to 1, the same sequence on every machine (splitmix64). */
static float uniform(void) {
    static uint64_t state = 1;
    uint64_t z = state += 0x9e3779b97f4a7c15u;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return (float)((z ^ z >> 31) >> 40) / (1 << 24);
}

static bool make_row(npy_rows *logits, npy_rows *target, float *row) {
    int32_t y = (int32_t)(uniform() * 0.999999f * (float)logits->columns);
    for (size_t c = 0; c < logits->columns; c++)
        row[c] = 4 * (uniform() + uniform() - 1);
    row[y] += 5 * uniform();
    if (logits->at % 10 == 9)
        y = -100;
    return rows_write(logits, 1, row) && rows_write(target, 1, &y);
}

int main(int argc, char **argv) {
    char *end[2] = {"", ""};
    long long rows = argc == 5 ? strtoll(argv[1], &end[0], 10) : 0,
              classes = argc == 5 ? strtoll(argv[2], &end[1], 10) : 0;
    if (rows < 1 || classes < 1 || rows > 1 << 30 || classes > 1 << 20 || *end[0] || *end[1]) {
        fprintf(stderr,
                "usage: make_logits ROWS CLASSES LOGITS.npy TARGETS.npy, with 1 to %d rows and 1 to %d classes\n",
                1 << 30, 1 << 20);
        return 1;
    }
    npy_rows logits = {
        .path = argv[3], .type = NPY_F4, .dimensions = 2, .rows = (size_t)rows, .columns = (size_t)classes};
    npy_rows target = {.path = argv[4], .type = NPY_I4, .dimensions = 1, .rows = (size_t)rows, .columns = 1};
    float *row = malloc((size_t)classes * sizeof *row);
    bool made = row && rows_create(&logits) && rows_create(&target);
    if (!row)
        fprintf(stderr, "no memory for %lld classes\n", classes);
    while (made && target.at < target.rows)
        made = make_row(&logits, &target, row);
    free(row);
    made = rows_close(&logits) && made;
    return rows_close(&target) && made ? 0 : 1;
}
