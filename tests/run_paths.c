/* Contexts for clxent_run that work in place and that copy. */
#include "run_paths.h"

#include "context.h"

clxent_context *contexts[PATHS];

int open_paths(void **state) {
    int failed = open_device(state);
    if (failed != 0)
        return failed;
    for (size_t path = 0; path < PATHS; path++) {
        if (clxent_context_create(the_device.cl, the_device.id, &contexts[path]) != CLXENT_SUCCESS)
            return -1;
        contexts[path]->core->device.unified_memory = path == IN_PLACE;
    }
    return 0;
}

int close_paths(void **state) {
    for (size_t path = 0; path < PATHS; path++)
        clxent_context_destroy(contexts[path]);
    return close_device(state);
}

clxent_status run_on(size_t path, const api_case *c, api_case *after) {
    case_copy(after, c);
    return clxent_run(contexts[path], &after->desc, &after->host);
}
