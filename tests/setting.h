/* What the environment says of how much is tested, and on which random data: see CONTRIBUTING.md. */
#ifndef SETTING_H
#define SETTING_H

#include <stdint.h>
#include <stdlib.h>

static inline uint64_t setting(const char *variable, uint64_t otherwise) {
    const char *given = getenv(variable);
    return given != NULL && *given != '\0' ? strtoull(given, NULL, 10) : otherwise;
}

/* CLXENT_TEST_SHARE=n: one in n of what takes long. */
static inline size_t setting_share(void) {
    const uint64_t share = setting("CLXENT_TEST_SHARE", 1);
    return share > 1 ? (size_t)share : 1;
}

#endif
