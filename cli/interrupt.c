/* A handler may run at any moment, in any thread (drivers have some): so it looks only at arrays that are never freed. */
#include "interrupt.h"

#include "os.h"
#include "output.h"

#include <signal.h>
#include <stddef.h>
#include <string.h>

static char paths[MAX_OUTPUTS][OS_PATH_MAX];
static volatile sig_atomic_t guarded[MAX_OUTPUTS];

static void remove_files(void) {
    for (size_t i = 0; i < MAX_OUTPUTS; i++)
        if (guarded[i])
            os_remove(paths[i]);
}

static void install_handler(void) {
    static bool installed;
    if (!installed)
        os_on_interrupt(remove_files);
    installed = true;
}

bool interrupt_guard(const char *path) {
    install_handler();
    for (size_t i = 0; i < MAX_OUTPUTS; i++) {
        if (guarded[i])
            continue;
        if (strlen(path) >= sizeof paths[i])
            return false;
        strcpy(paths[i], path);
        guarded[i] = 1;
        return true;
    }
    return false;
}

void interrupt_release(const char *path) {
    for (size_t i = 0; i < MAX_OUTPUTS; i++)
        if (guarded[i] && strcmp(paths[i], path) == 0)
            guarded[i] = 0;
}
