/* A handler may run at any moment, in any thread (drivers have some): so it looks only at arrays that are never freed. */
#include "interrupt.h"

#include "output.h"

#include <limits.h>
#include <signal.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>

static char paths[MAX_OUTPUTS][PATH_MAX];
static volatile sig_atomic_t guarded[MAX_OUTPUTS];

static void remove_files(int number) {
    for (size_t i = 0; i < MAX_OUTPUTS; i++)
        if (guarded[i])
            unlink(paths[i]);
    raise(number); /* which takes effect, by the default action, when this returns */
}

static void install_handlers(void) {
    static const int numbers[] = {SIGINT, SIGTERM, SIGHUP};
    static bool installed;
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0] && !installed; i++) {
        struct sigaction action = {.sa_handler = remove_files, .sa_flags = (int)SA_RESETHAND}, before;
        sigemptyset(&action.sa_mask);
        if (sigaction(numbers[i], NULL, &before) == 0 && before.sa_handler == SIG_DFL)
            sigaction(numbers[i], &action, NULL);
    }
    installed = true;
}

bool interrupt_guard(const char *path) {
    install_handlers();
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
