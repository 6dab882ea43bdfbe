/* Files that are not to stay behind when the program is ended by SIGINT, SIGTERM or SIGHUP. */
#ifndef CLI_INTERRUPT_H
#define CLI_INTERRUPT_H

#include <stdbool.h>

/* From here on an interrupt removes the file of this name, whether it exists yet or not; false where the name is longer than a
 * path can be, or too many files are guarded. A signal that is ignored stays ignored. */
bool interrupt_guard(const char *path);

/* No longer. */
void interrupt_release(const char *path);

#endif
