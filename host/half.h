/* Numbers of every storage type on the host. Two of them are not of C: IEEE half precision, and bfloat16, the upper half
 * of a float. */
#ifndef CLX_HALF_H
#define CLX_HALF_H

#include "clxent.h"

/* Exact. */
double clx_from_f16(uint16_t bits);
double clx_from_bf16(uint16_t bits);

/* To the nearest, ties to even, in one rounding; beyond the largest number to infinity. */
uint16_t clx_to_f16(double value);
uint16_t clx_to_bf16(double value);

/* Element i of an array of numbers of this type. Storing rounds to it once. */
double clx_load(clxent_dtype type, const void *array, size_t i);
void clx_store(clxent_dtype type, void *array, size_t i, long double value);

#endif
