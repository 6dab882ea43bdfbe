/* The whole program as a function, so that a test can call it. */
#ifndef CLI_PROGRAM_H
#define CLI_PROGRAM_H

/* Does what the words on the command line say, the program's own name being the first; returns its exit status. */
int program_main(int count, char **words);

#endif
