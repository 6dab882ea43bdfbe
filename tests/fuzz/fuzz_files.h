/* Files for the fuzzer of the command line: none of them is on a disk. */
#ifndef FUZZ_FILES_H
#define FUZZ_FILES_H

/* What there is to read is told by the path: "f4:3x5" is a file with an array of that type and shape, "f4:" one without axes,
 * and any other path does not exist. What is written goes nowhere. */

/* Arrays with more elements than this do not exist either. */
#define FUZZ_MOST_ELEMENTS 4096

#endif
