/* The text of language_model.c. */
#include "language_model.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

bool corpus_read(corpus *c, const char *path) {
    FILE *file = fopen(path, "rb");
    size_t begin = c->end + LENGTH, end = begin;
    int byte = 0;
    while (file && end < MOST && (byte = fgetc(file)) != EOF) {
        if (c->number[byte] == PADDING) {
            c->byte[c->symbols] = byte;
            c->number[byte] = c->symbols++;
        }
        c->text[end++] = c->number[byte];
    }
    bool failed = !file || ferror(file);
    if (failed || byte != EOF)
        fprintf(stderr, "cannot read %s: %s\n", path, failed ? strerror(errno) : "it is too long");
    if (file)
        fclose(file);
    for (c->end = begin; c->end < end; c->end += LENGTH) {
        sequences *s = (c->train.count + c->held_out.count) % 10 == 9 ? &c->held_out : &c->train;
        s->begin[s->count++] = c->text + c->end;
    }
    c->characters += end - begin;
    return !failed && byte == EOF;
}
