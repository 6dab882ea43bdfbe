/* The two 16-bit types on the host, exhaustively: every number both ways, and every place where rounding turns. What is
 * expected is built here by other means than those of host/half.c. */
#include "half.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <float.h>
#include <math.h>

typedef struct half_type {
    const char *name;
    double (*decode)(uint16_t bits);
    uint16_t (*encode)(double value);
    double (*expected)(uint16_t magnitude); /* of the finite number without its sign */
    uint16_t infinity;
} half_type;

/* A power of two by repeated multiplication, exact. */
static double power_of_two(int exponent) {
    double value = 1;
    for (; exponent > 0; exponent--)
        value *= 2;
    for (; exponent < 0; exponent++)
        value /= 2;
    return value;
}

/* Bit by bit, as IEEE 754 defines it: 1 + the mantissa's bits of 1/2, 1/4, ..., times the power of two. */
static double expected_f16(uint16_t magnitude) {
    int exponent = magnitude >> 10;
    double value = exponent == 0 ? 0 : 1;
    for (int bit = 0; bit < 10; bit++)
        if (magnitude >> bit & 1)
            value += power_of_two(bit - 10);
    return value * power_of_two(exponent == 0 ? -14 : exponent - 15);
}

/* The upper half of a float is one. */
static double expected_bf16(uint16_t magnitude) {
    uint32_t bits = (uint32_t)magnitude << 16;
    float value;
    memcpy(&value, &bits, sizeof value);
    return (double)value;
}

static const half_type types[] = {{"f16", clx_from_f16, clx_to_f16, expected_f16, 0x7c00},
                                  {"bf16", clx_from_bf16, clx_to_bf16, expected_bf16, 0x7f80}};
#define TYPES (sizeof types / sizeof types[0])
#define SIGN 0x8000u

static void expect_bits(const half_type *type, double value, unsigned bits) {
    for (unsigned sign = 0; sign <= SIGN; sign += SIGN) {
        unsigned got = type->encode(sign ? -value : value);
        if (got != (bits | sign))
            fail_msg("%s: %a becomes %#x, but %#x was expected", type->name, sign ? -value : value, got, bits | sign);
    }
}

static void test_every_number(void **state) {
    (void)state;
    for (const half_type *type = types; type < types + TYPES; type++) {
        for (unsigned magnitude = 0; magnitude < type->infinity; magnitude++) {
            double value = type->expected((uint16_t)magnitude);
            double positive = type->decode((uint16_t)magnitude), negative = type->decode((uint16_t)(magnitude | SIGN));
            if (positive != value || negative != -value || signbit(positive) || !signbit(negative))
                fail_msg("%s: %#x is %a and %a, but %a was expected", type->name, magnitude, positive, negative, value);
            expect_bits(type, value, magnitude);
        }
    }
}

static void test_infinities_and_nan(void **state) {
    (void)state;
    for (const half_type *type = types; type < types + TYPES; type++) {
        assert_true(type->decode(type->infinity) == INFINITY);
        assert_true(type->decode((uint16_t)(type->infinity | SIGN)) == -INFINITY);
        expect_bits(type, INFINITY, type->infinity);
        for (unsigned magnitude = type->infinity + 1u; magnitude < SIGN; magnitude++) {
            for (unsigned sign = 0; sign <= SIGN; sign += SIGN) {
                double value = type->decode((uint16_t)(magnitude | sign));
                assert_true(isnan(value));
                assert_true((type->encode(value) & 0x7fffu) > type->infinity);
            }
        }
    }
}

/* Between every two neighbours, the last one's upper neighbour being where infinity begins: the number in the middle
 * goes to the even one, the next double to either side of it to the nearer one, and so do the doubles next to the two.
 */
static void test_rounding_between_neighbours(void **state) {
    (void)state;
    for (const half_type *type = types; type < types + TYPES; type++) {
        for (unsigned low = 0; low < type->infinity; low++) {
            unsigned high = low + 1;
            double below = type->expected((uint16_t)low);
            double above = high < type->infinity ? type->expected((uint16_t)high)
                                                 : 2 * below - type->expected((uint16_t)(low - 1));
            double middle = below + (above - below) / 2;
            expect_bits(type, middle, low % 2 == 0 ? low : high);
            expect_bits(type, nextafter(middle, below), low);
            expect_bits(type, nextafter(middle, above), high);
            expect_bits(type, nextafter(below, above), low);
            expect_bits(type, nextafter(above, below), high);
        }
    }
}

static void test_ends_of_half(void **state) {
    (void)state;
    const half_type *f16 = &types[0];
    expect_bits(f16, 65504, 0x7bff);
    expect_bits(f16, 65519.999, 0x7bff);
    expect_bits(f16, 65520, 0x7c00);
    expect_bits(f16, 65536, 0x7c00);
    expect_bits(f16, 0x1p-14, 0x0400); /* the least normal number */
    expect_bits(f16, 0x1p-24, 0x0001); /* the least number */
    expect_bits(f16, 0x1p-25, 0);
    expect_bits(f16, 0x1.000001p-25, 1);
    expect_bits(f16, 0x1.8p-24, 2);
}

static void test_ends_of_bfloat16(void **state) {
    (void)state;
    const half_type *bf16 = &types[1];
    expect_bits(bf16, 0x1.fep127, 0x7f7f);
    expect_bits(bf16, 0x1.feffffp127, 0x7f7f);
    expect_bits(bf16, 0x1.ffp127, 0x7f80);
    expect_bits(bf16, (double)FLT_MAX, 0x7f80);
    expect_bits(bf16, 0x1p-126, 0x0080);
    expect_bits(bf16, 0x1p-133, 0x0001);
    expect_bits(bf16, 0x1p-134, 0);
    expect_bits(bf16, 0x1.000001p-134, 1);
}

/* Doubles far outside, and both zeros. */
static void test_ends_of_double(void **state) {
    (void)state;
    for (const half_type *type = types; type < types + TYPES; type++) {
        expect_bits(type, DBL_MAX, type->infinity);
        expect_bits(type, DBL_MIN, 0);
        expect_bits(type, 0x1p-1074, 0);
        expect_bits(type, 0, 0);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_number),
        cmocka_unit_test(test_infinities_and_nan),
        cmocka_unit_test(test_rounding_between_neighbours),
        cmocka_unit_test(test_ends_of_half),
        cmocka_unit_test(test_ends_of_bfloat16),
        cmocka_unit_test(test_ends_of_double),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
