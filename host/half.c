/* The two 16-bit types on the host. They differ only in how their 15 bits are shared between exponent and mantissa. */
#include "half.h"

#include <math.h>

typedef struct format {
    int mantissa_bits; /* without the leading one */
    int bias;
    uint16_t infinity; /* all exponent bits set */
} format;

static const format f16 = {10, 15, 0x7c00}, bf16 = {7, 127, 0x7f80};

static double decode(uint16_t bits, const format *of) {
    int magnitude = bits & 0x7fff;
    int exponent = magnitude >> of->mantissa_bits, mantissa = magnitude & ((1 << of->mantissa_bits) - 1);
    double value;
    if (magnitude > of->infinity)
        value = NAN;
    else if (magnitude == of->infinity)
        value = INFINITY;
    else if (exponent == 0) /* subnormal: no leading one, the exponent of the smallest normal number */
        value = ldexp(mantissa, 1 - of->bias - of->mantissa_bits);
    else
        value = ldexp(mantissa + (1 << of->mantissa_bits), exponent - of->bias - of->mantissa_bits);
    return bits & 0x8000 ? -value : value;
}

static uint16_t encode(double value, const format *of) {
    uint16_t sign = signbit(value) ? 0x8000 : 0;
    if (isnan(value))
        return (uint16_t)(of->infinity | 1 << (of->mantissa_bits - 1));
    if (isinf(value))
        return sign | of->infinity;
    int exponent = 0;
    frexp(value, &exponent);
    exponent--; /* of a leading one before the point */
    if (exponent < 1 - of->bias || value == 0)
        exponent = 1 - of->bias;
    /* In units of the last place; rint rounds ties to even. A carry runs over into the exponent by itself. */
    double units = rint(ldexp(fabs(value), of->mantissa_bits - exponent));
    double magnitude = units + ldexp(exponent - (1 - of->bias), of->mantissa_bits);
    return magnitude >= of->infinity ? sign | of->infinity : (uint16_t)(sign | (uint16_t)magnitude);
}

double clx_from_f16(uint16_t bits) {
    return decode(bits, &f16);
}

double clx_from_bf16(uint16_t bits) {
    return decode(bits, &bf16);
}

uint16_t clx_to_f16(double value) {
    return encode(value, &f16);
}

uint16_t clx_to_bf16(double value) {
    return encode(value, &bf16);
}

double clx_load(clxent_dtype type, const void *array, size_t i) {
    switch (type) {
    case CLXENT_F64:
        return ((const double *)array)[i];
    case CLXENT_F16:
        return clx_from_f16(((const uint16_t *)array)[i]);
    case CLXENT_BF16:
        return clx_from_bf16(((const uint16_t *)array)[i]);
    default:
        return (double)((const float *)array)[i];
    }
}

void clx_store(clxent_dtype type, void *array, size_t i, long double value) {
    switch (type) {
    case CLXENT_F64:
        ((double *)array)[i] = (double)value;
        break;
    case CLXENT_F16:
        ((uint16_t *)array)[i] = clx_to_f16((double)value);
        break;
    case CLXENT_BF16:
        ((uint16_t *)array)[i] = clx_to_bf16((double)value);
        break;
    default:
        ((float *)array)[i] = (float)value;
    }
}
