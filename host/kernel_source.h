/* The embedded kernel files; the table is written at build time by kernels/embed.cmake. */
#ifndef CLX_KERNEL_SOURCE_H
#define CLX_KERNEL_SOURCE_H

typedef struct clx_kernel_source {
    const char *name; /* "softmax" for kernels/softmax.cl; NULL ends the table */
    const char *text; /* ended by a zero */
} clx_kernel_source;

extern const clx_kernel_source clx_kernel_sources[];

#endif
