/* The two 16-bit types on the host: IEEE half precision, and bfloat16, the upper half of a float. */
#ifndef CLX_HALF_H
#define CLX_HALF_H

#include <stdint.h>

/* Exact. */
double clx_from_f16(uint16_t bits);
double clx_from_bf16(uint16_t bits);

/* To the nearest, ties to even, in one rounding; beyond the largest number to infinity. */
uint16_t clx_to_f16(double value);
uint16_t clx_to_bf16(double value);

#endif
