/* The entry of the clxent program; program.c has what it does. */
#include "program.h"

int main(int count, char **words) {
    return program_main(count, words);
}
