/* Storage types as the program names them: how their elements stand in a file, and what goes with them. */
#include "dtype.h"

#include "message.h"

#include <string.h>

static const cli_dtype dtypes[] = {
    {"f2", CLXENT_F16, NPY_F2, NPY_F4},
    {"f4", CLXENT_F32, NPY_F4, NPY_F4},
    {"f8", CLXENT_F64, NPY_F8, NPY_F8},
    {"bf16", CLXENT_BF16, NPY_U2, NPY_F4},
};
#define DTYPES (sizeof dtypes / sizeof dtypes[0])

static const cli_dtype *by_name(const char *name) {
    for (size_t i = 0; i < DTYPES; i++)
        if (strcmp(dtypes[i].name, name) == 0)
            return &dtypes[i];
    return NULL;
}

static const cli_dtype *by_file(npy_type type) {
    for (size_t i = 0; i < DTYPES; i++)
        if (dtypes[i].file == type)
            return &dtypes[i];
    return NULL;
}

int check_dtype(const cli_command *self, const cli_arguments *given) {
    const char *name = given->values[OPTION_DTYPE];
    if (name == NULL || by_name(name) != NULL)
        return STATUS_OK;
    return complain_usage(self->name, "--dtype is \"%s\", it must be f2, f4, f8 or bf16", name);
}

int find_dtype(const cli_arguments *given, npy_type type, const cli_dtype **found) {
    const char *path = given->files[0], *name = given->values[OPTION_DTYPE];
    *found = name != NULL ? by_name(name) : by_file(type);
    if (*found == NULL)
        return complain("%s holds %s, the input must be f2, f4 or f8, or u2 with --dtype bf16", path,
                        npy_type_name(type));
    if ((*found)->file != type)
        return complain("%s holds %s, but --dtype %s needs %s", path, npy_type_name(type), name,
                        npy_type_name((*found)->file));
    /* Whole numbers of 16 bits look the same, so bfloat16 is not guessed. */
    if (type == NPY_U2 && name == NULL)
        return complain("%s holds u2, which is read as bfloat16 only with --dtype bf16", path);
    return STATUS_OK;
}
