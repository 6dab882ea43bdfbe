/* Makes wrappers: __wrap_X is what the linker calls instead of X, __real_X is X. */
#ifndef FAULT_WRAP_H
#define FAULT_WRAP_H

#include "layer.h"
#include "pretence.h"

/* Declares both. */
#define WRAPS(type, name, ...)                                                                                         \
    type __real_##name(__VA_ARGS__);                                                                                   \
    type __wrap_##name(__VA_ARGS__);

#endif
