/* Elementary functions of our own, for scalars (real) and for vectors (lanes): the built-in ones cost a CPU several times as
 * much. In double only exp is, the rest are built in.
 *
 * The polynomials were fitted here for the least largest relative error, which is named with each, before rounding. */

/* NaN in x loses: the sum of exponentials is what carries it on. */
#define LARGER(m, x) ((x) > (m) ? (x) : (m))

/* exp(-y) for y >= 0, which is what sums over a row are made of: from EXP_END on exactly 0, so that a logit of -inf adds
 * nothing; exp(-0) is exactly 1; NaN stays NaN.
 *
 * -y = n ln 2 - g. Adding and taking away 1.5 * 2^23 (2^52) plus the exponent's bias rounds to n, and leaves n and the bias in
 * the low bits of z, ready to be shifted into place as 2^n: at EXP_END they are 0, and so is 2^n. ln 2 is split so that n times
 * its first part is exact. exp(-g) for |g| <= ln 2 / 2 is a polynomial: in float of degree 6, fitted for the least largest
 * relative error, 3.1e-9 before rounding; in double the Taylor series to degree 13, 5e-18. 2^n is a factor, not an addition to
 * the exponent's bits, so that no NaN can turn into a number. */
#if REAL64
#define EXP_END ((real)709.0)
#define ROUND_TRICK 6755399441056767.0 /* 1.5 * 2^52 + 1023 */
#define LOG2_E 1.4426950408889634
#define LN2_HIGH 0.69314718036912382
#define LN2_LOW 1.9082149292705877e-10
#define MANTISSA_BITS 52
#define EXP_TERMS(g, type)                                                                                             \
    type p = (type)-1.6059043836821613e-10;                                                                            \
    p = FMA(p, g, (type)2.08767569878681e-09);                                                                         \
    p = FMA(p, g, (type)-2.505210838544172e-08);                                                                       \
    p = FMA(p, g, (type)2.7557319223985888e-07);                                                                       \
    p = FMA(p, g, (type)-2.7557319223985893e-06);                                                                      \
    p = FMA(p, g, (type)2.4801587301587302e-05);                                                                       \
    p = FMA(p, g, (type)-0.00019841269841269841);                                                                      \
    p = FMA(p, g, (type)0.0013888888888888889);                                                                        \
    p = FMA(p, g, (type)-0.0083333333333333332);                                                                       \
    p = FMA(p, g, (type)0.041666666666666664);                                                                         \
    p = FMA(p, g, (type)-0.16666666666666666);                                                                         \
    p = FMA(p, g, (type)0.5)
#else
#define EXP_END ((real)88.0f)
#define ROUND_TRICK 12583039.0f /* 1.5 * 2^23 + 127 */
#define LOG2_E 1.44269504f
#define LN2_HIGH 0.693115234f
#define LN2_LOW 3.19461849e-05f
#define MANTISSA_BITS 23
#define EXP_TERMS(g, type)                                                                                             \
    type p = FMA((type)0.00138145394f, g, (type)-0.00836874545f);                                                      \
    p = FMA(p, g, (type)0.041668389f);                                                                                 \
    p = FMA(p, g, (type)-0.166665211f);                                                                                \
    p = FMA(p, g, (type)0.49999994f)
#endif

/* exp(-y) as p * power. */
#define EXP_PARTS(type, as_type, as_integer)                                                                           \
    y = y > (type)EXP_END ? (type)EXP_END : y;                                                                         \
    type z = FMA(y, (type)-LOG2_E, (type)ROUND_TRICK), n = z - (type)ROUND_TRICK;                                      \
    type g = FMA(n, (type)LN2_HIGH, y);                                                                                \
    g = FMA(n, (type)LN2_LOW, g);                                                                                      \
    EXP_TERMS(g, type);                                                                                                \
    p = FMA(p, g, (type)-1);                                                                                           \
    p = FMA(p, g, (type)1);                                                                                            \
    type power = as_type(as_integer(z) << MANTISSA_BITS)

/* exp_minus: exp(-y); add_exp: sum + exp(-y), an instruction less; exp_any: exp(-y) for y of any sign, as large as there are
 * numbers at the least. */
#define DEFINE_EXP(suffix, type, as_type, as_integer)                                                                  \
    static type exp_minus_##suffix(type y) {                                                                           \
        EXP_PARTS(type, as_type, as_integer);                                                                          \
        return p * power;                                                                                              \
    }                                                                                                                  \
    static type add_exp_##suffix(type sum, type y) {                                                                   \
        EXP_PARTS(type, as_type, as_integer);                                                                          \
        return FMA(p, power, sum);                                                                                     \
    }                                                                                                                  \
    static type exp_any_##suffix(type y) {                                                                             \
        return exp_minus_##suffix(y < (type)-EXP_END ? (type)-EXP_END : y);                                            \
    }

#if REAL64
#define AS_REAL_N(n) JOIN(as_double, n)
#define AS_REAL_INT_N(n) JOIN(as_long, n)
DEFINE_EXP(real, real, as_double, as_long)
#else
#define AS_REAL_N(n) JOIN(as_float, n)
#define AS_REAL_INT_N(n) JOIN(as_int, n)
DEFINE_EXP(real, real, as_float, as_int)
#endif
#if LANES == 1
#define exp_minus_lanes exp_minus_real
#define add_exp_lanes add_exp_real
#define exp_any_lanes exp_any_real
#else
DEFINE_EXP(lanes, lanes, AS_REAL_N(LANES), AS_REAL_INT_N(LANES))
#endif

/* The bits of vectors, of which a negative one has a sign; and x, or -x where there is one. */
#if LANES == 1
typedef real_int lanes_signs;
#if REAL64
#define SIGNS_OF_LANES(x) as_long(x)
#define LANES_OF_BITS(bits) as_double(bits)
#else
#define SIGNS_OF_LANES(x) as_int(x)
#define LANES_OF_BITS(bits) as_float(bits)
#endif
#else
typedef lanes_int lanes_signs;
#define SIGNS_OF_LANES(x) AS_REAL_INT_N(LANES)(x)
#define LANES_OF_BITS(bits) AS_REAL_N(LANES)(bits)
#endif
#define SIGN_BIT ((real_int)1 << (sizeof(real_int) * 8 - 1))
#define NEGATE_LANES(x, sign) LANES_OF_BITS(SIGNS_OF_LANES(x) ^ ((sign) & SIGN_BIT))

/* ---- what a cap and binary cross-entropy need: vectors, and tanh for scalars too ---- */

#if REAL64

#define tanh_real(z) tanh(z)
#define tanh_lanes(z) tanh(z)
#define log1p_unit_lanes(e) log1p(e)
#define log_unit_lanes(x) log(x)
#define log_normal_real(x) log(x)
#define log_normal_lanes(x) log(x)
#define log_complement_lanes(x) log1p(-(x))

#else

/* tanh: near 0, where 1 - exp(-2|z|) would cancel, an odd polynomial (3e-9); else by exp. */
#define DEFINE_TANH(name, type, exp_of)                                                                                \
    static type name(type z) {                                                                                         \
        type u = z * z, size = fabs(z), e = exp_of((type)2 * size), far = ((type)1 - e) / ((type)1 + e);              \
        type p = FMA((type)-0.00584333856f, u, (type)0.0207555126f);                                                   \
        p = FMA(p, u, (type)-0.0537731536f);                                                                           \
        p = FMA(p, u, (type)0.133318156f);                                                                             \
        p = FMA(p, u, (type)-0.333332956f);                                                                            \
        type near = FMA(p * u, z, z);                                                                                  \
        return size < (type)0.6f ? near : copysign(far, z);                                                            \
    }
DEFINE_TANH(tanh_real, real, exp_minus_real)
#if LANES == 1
#define tanh_lanes tanh_real
#else
DEFINE_TANH(tanh_lanes, lanes, exp_minus_lanes)
#endif

/* log_of_parts: log(2^k (1 + f)) for 1 + f from sqrt(1/2) to sqrt(2), a polynomial (3e-8) beside the first two terms of the
 * series. log_normal: log(x) for any x that is not below TINY, infinite or negative; NaN stays NaN. */
#define DEFINE_LOG(suffix, type, integer, bits_of, of_bits, of_int)                                                    \
    static type log_of_parts_##suffix(type k, type f) {                                                                \
        type q = FMA((type)0.0869825929f, f, (type)-0.142670438f);                                                     \
        q = FMA(q, f, (type)0.149152458f);                                                                             \
        q = FMA(q, f, (type)-0.165776491f);                                                                            \
        q = FMA(q, f, (type)0.199630305f);                                                                             \
        q = FMA(q, f, (type)-0.250013351f);                                                                            \
        q = FMA(q, f, (type)0.333339125f);                                                                             \
        type square = f * f, rest = FMA(q * f, square, k * (type)LN2_LOW) - (type)0.5f * square;                       \
        return FMA(k, (type)LN2_HIGH, rest + f);                                                                       \
    }                                                                                                                  \
    static type log_normal_##suffix(type x) {                                                                          \
        integer bits = bits_of(x) - SQRT_HALF_BITS;                                                                    \
        type k = of_int(bits >> MANTISSA_BITS), f = of_bits((bits & 0x7fffff) + SQRT_HALF_BITS) - (type)1;             \
        return x == x ? log_of_parts_##suffix(k, f) : x;                                                               \
    }
#define SQRT_HALF_BITS 0x3f3504f3 /* of sqrt(1/2) */
#define TINY 1.17549435e-38f      /* below it numbers are subnormal */

DEFINE_LOG(real, real, int, as_int, as_float, (float))
#if LANES == 1
#define log_of_parts_lanes log_of_parts_real
#define log_normal_lanes log_normal_real
#else
DEFINE_LOG(lanes, lanes, lanes_int, AS_REAL_INT_N(LANES), AS_REAL_N(LANES), JOIN(convert_float, LANES))
#endif

/* log(1 + e) for e in [0, 1], and NaN of NaN: e and e^2 times a polynomial (3.3e-8), summed in pairs, which a processor does
 * side by side. */
static lanes log1p_unit_lanes(lanes e) {
    lanes square = e * e, fourth = square * square;
    lanes q01 = FMA((lanes)0.333213240f, e, (lanes)-0.499996480f);
    lanes q23 = FMA((lanes)0.191536560f, e, (lanes)-0.248571630f);
    lanes q45 = FMA((lanes)0.0792045500f, e, (lanes)-0.137538030f);
    lanes q67 = FMA((lanes)0.00536482640f, e, (lanes)-0.0300658010f);
    lanes low = FMA(q23, square, q01), high = FMA(q67, square, q45);
    return FMA(FMA(high, fourth, low), square, e);
}

/* log(x) for x in [0, 1]. 0 gives about -104, a number outside [0, 1] anything. */
static lanes log_unit_lanes(lanes x) {
    lanes_int small = x < (lanes)TINY;
    return log_normal_lanes(small ? x * (lanes)8388608 : x) - (small ? (lanes)(23 * 0.693147181f) : (lanes)0);
}

/* log(1 - x) for x in [0, 1]: what 1 - x loses by rounding is put back as a term of its own. */
static lanes log_complement_lanes(lanes x) {
    lanes u = (lanes)1 - x, lost = ((lanes)1 - u) - x;
    return log_unit_lanes(u) + (u > (lanes)0 ? lost / u : (lanes)0);
}

#endif
