/* Types, arguments and arithmetic that every kernel shares. First of the files that make a program.
 *
 * Set by the host when a program is built:
 *   STORAGE      F32, F64, F16 or BF16: how tensors of the logits' shape are stored; arithmetic is double for F64, else float
 *   TARGET_TYPE  the C type of a target: int, long or uchar
 *   LANES        width of a vector: 1, 2, 4, 8 or 16
 *   COLUMN       1: the lanes of a vector are neighbouring rows, 0: neighbouring classes of one row
 *   PASS         0: forward, 1: backward, 2: both
 *   GROUP        work-items that share a row: 1 but for the engine row_per_group
 *   HAS_FMA      1 where the device has a fused multiply-add
 *   PREFETCH_AHEAD  elements to fetch ahead by clang's builtin; unset where the device's compiler does not take it
 *
 * Shape is always an argument: programs depend on what changes an inner loop and on nothing else. */

#ifdef __clang__
#pragma clang diagnostic ignored "-Wpsabi" /* how functions pass vectors does not matter: all are inlined */
#endif

#define F32 0
#define F64 1
#define F16 2
#define BF16 3
#define REAL64 (STORAGE == F64)

#if REAL64
#pragma OPENCL EXTENSION cl_khr_fp64 : enable
typedef double real;
typedef long real_int; /* the integer of the same width */
#define LOWEST (-DBL_MAX)
#else
typedef float real;
typedef int real_int;
#define LOWEST (-FLT_MAX)
#endif

/* Elements of tensors of the logits' shape. Neither 16-bit type needs an extension of the device. */
#if STORAGE == F16
typedef half storage;
#elif STORAGE == BF16
typedef ushort storage;
#else
typedef real storage;
#endif
typedef TARGET_TYPE target_t;

/* Without hardware for it, fma is software of a hundred instructions; nothing here depends on its single rounding. */
#if HAS_FMA
#define FMA(a, b, c) fma(a, b, c)
#else
#define FMA(a, b, c) mad(a, b, c)
#endif

#define JOIN_(a, b) a##b
#define JOIN(a, b) JOIN_(a, b)
#if REAL64
#define REAL_N(n) JOIN(double, n)
#define REAL_INT_N(n) JOIN(long, n)
#else
#define REAL_N(n) JOIN(float, n)
#define REAL_INT_N(n) JOIN(int, n)
#endif

/* 0 <= y < n for longs. As one unsigned comparison, see docs/devices.md: y < 0 can go wrong where y was an int. */
#define IN_RANGE(y, n) ((ulong)(y) < (ulong)(n))

#if LANES == 1
typedef real lanes;
typedef int lanes_int; /* what comparisons of vectors give */
typedef long lanes_long;
#define MASK_FROM_LONG(mask) (mask)
#define LANES_IN_RANGE(y, n) IN_RANGE(y, n)
#else
typedef REAL_N(LANES) lanes;
typedef REAL_INT_N(LANES) lanes_int;
typedef JOIN(long, LANES) lanes_long;
#define LANES_IN_RANGE(y, n) (JOIN(as_ulong, LANES)(y) < (JOIN(ulong, LANES))(ulong)(n))
#if REAL64
#define MASK_FROM_LONG(mask) (mask)
#else
#define MASK_FROM_LONG(mask) JOIN(convert_int, LANES)(mask)
#endif
#endif

/* A vector from an array of its elements, and back. */
#if LANES == 1
#define PACK(array) ((array)[0])
#define UNPACK(vector, array) ((array)[0] = (vector))
#else
#define PACK(array) JOIN(vload, LANES)(0, array)
#define UNPACK(vector, array) JOIN(vstore, LANES)(vector, 0, array)
#endif

#ifdef PREFETCH_AHEAD
#define PREFETCH(p) __builtin_prefetch((p) + PREFETCH_AHEAD)
#else
#define PREFETCH(p)
#endif

#define FORWARD_PASS (PASS == 0 || PASS == 2)
#define BACKWARD_PASS (PASS == 1 || PASS == 2)

#define NOT_A_NUMBER ((real)NAN)

/* Which optional tensors a call has, and what it reduces to; bits of op_args.given. */
#define GIVEN_WEIGHT 1u
#define GIVEN_LSE 2u
#define GIVEN_GRAD_OUTPUT 4u
#define MEAN 8u         /* gradients are divided by totals[0] */
#define GRAD_PER_ROW 16u /* grad_output has an element per row, not just one */

/* The arguments of a kernel that runs a row operation, the same for all of them. */
typedef struct op_args {
    __global const storage *input;
    __global const target_t *target;
    __global const real *weight;
    __global void *output; /* tensors of storage, or a loss per row in real */
    __global real *lse;
    __global const void *grad_output; /* likewise */
    __global storage *grad_input;
    __global const real *totals; /* [0]: sum of the weights of the rows that count */
    long batch, classes, inner, row_stride;
    long ignore_index;
    real smoothing;
    uint given;
} op_args;

#define OP_PARAMETERS                                                                                                  \
    __global const char *input, ulong input_at, __global const char *target, ulong target_at,                          \
        __global const char *weight, ulong weight_at, __global char *output, ulong output_at, __global char *lse,      \
        ulong lse_at, __global const char *grad_output, ulong grad_output_at, __global char *grad_input,               \
        ulong grad_input_at, __global char *workspace, ulong workspace_at, ulong batch, ulong classes,                 \
        ulong inner, ulong row_stride, long ignore_index, real smoothing, uint given

#define OP_ARGUMENTS(args)                                                                                             \
    op_args args;                                                                                                      \
    args.input = (__global const storage *)(input + input_at);                                                         \
    args.target = (__global const target_t *)(target + target_at);                                                     \
    args.weight = (__global const real *)(weight + weight_at);                                                         \
    args.output = (__global void *)(output + output_at);                                                               \
    args.lse = (__global real *)(lse + lse_at);                                                                        \
    args.grad_output = (__global const void *)(grad_output + grad_output_at);                                          \
    args.grad_input = (__global storage *)(grad_input + grad_input_at);                                                \
    args.totals = (__global const real *)(workspace + workspace_at);                                                   \
    args.batch = (long)batch;                                                                                          \
    args.classes = (long)classes;                                                                                      \
    args.inner = (long)inner;                                                                                          \
    args.row_stride = (long)row_stride;                                                                                \
    args.ignore_index = ignore_index;                                                                                  \
    args.smoothing = smoothing;                                                                                        \
    args.given = given

/* ---- arithmetic, for scalars (real) and for vectors (lanes) ---- */

/* NaN in x loses: the sum of exponentials is what carries it on. */
#define LARGER(m, x) ((x) > (m) ? (x) : (m))

/* exp(d) for d <= 0 as the reductions need it: -inf and everything below EXP_FLOOR give about 1e-38 (or 1e-308), which no
 * sum that holds a 1 can feel; exp(0) is exactly 1; NaN stays NaN. Our own, since a built-in exp costs a CPU several times
 * as much.
 *
 * d = n ln 2 + f. Adding and taking away 1.5 * 2^23 (2^52) plus the exponent's bias rounds to n, and leaves n and the bias in
 * the low bits of z, ready to be shifted into place as 2^n. ln 2 is split so that n times its first part is exact. exp(f)
 * for |f| <= ln 2 / 2 is a polynomial: in float of degree 6, fitted for the least largest relative error, 3.1e-9 before
 * rounding; in double the Taylor series to degree 13, 5e-18. 2^n is a factor, not an addition to the exponent's bits, so
 * that no NaN can turn into a number. */
#if REAL64
#define EXP_FLOOR ((real)-708.0)
#define EXP_CEILING ((real)709.0)
#define ROUND_TRICK 6755399441056767.0 /* 1.5 * 2^52 + 1023 */
#define LOG2_E 1.4426950408889634
#define LN2_HIGH 0.69314718036912382
#define LN2_LOW 1.9082149292705877e-10
#define MANTISSA_BITS 52
#define EXP_TERMS(f, type)                                                                                             \
    type q = (type)1.6059043836821613e-10;                                                                             \
    q = FMA(q, f, (type)2.08767569878681e-09);                                                                         \
    q = FMA(q, f, (type)2.505210838544172e-08);                                                                        \
    q = FMA(q, f, (type)2.7557319223985888e-07);                                                                       \
    q = FMA(q, f, (type)2.7557319223985893e-06);                                                                       \
    q = FMA(q, f, (type)2.4801587301587302e-05);                                                                       \
    q = FMA(q, f, (type)0.00019841269841269841);                                                                       \
    q = FMA(q, f, (type)0.0013888888888888889);                                                                        \
    q = FMA(q, f, (type)0.0083333333333333332);                                                                        \
    q = FMA(q, f, (type)0.041666666666666664);                                                                         \
    q = FMA(q, f, (type)0.16666666666666666);                                                                          \
    q = FMA(q, f, (type)0.5)
#else
#define EXP_FLOOR ((real)-87.0f)
#define EXP_CEILING ((real)88.0f)
#define ROUND_TRICK 12583039.0f /* 1.5 * 2^23 + 127 */
#define LOG2_E 1.44269504f
#define LN2_HIGH 0.693115234f
#define LN2_LOW 3.19461849e-05f
#define MANTISSA_BITS 23
#define EXP_TERMS(f, type)                                                                                             \
    type q = FMA((type)0.00138145394f, f, (type)0.00836874545f);                                                       \
    q = FMA(q, f, (type)0.041668389f);                                                                                 \
    q = FMA(q, f, (type)0.166665211f);                                                                                 \
    q = FMA(q, f, (type)0.49999994f)
#endif

#define DEFINE_EXP(name, type, as_type, as_integer)                                                                    \
    static type name(type d) {                                                                                         \
        d = d < (type)EXP_FLOOR ? (type)EXP_FLOOR : d;                                                                 \
        type z = FMA(d, (type)LOG2_E, (type)ROUND_TRICK);                                                              \
        type n = z - (type)ROUND_TRICK;                                                                                \
        type f = FMA(n, (type)-LN2_HIGH, d);                                                                           \
        f = FMA(n, (type)-LN2_LOW, f);                                                                                 \
        EXP_TERMS(f, type);                                                                                            \
        q = FMA(q * f, f, f);                                                                                          \
        type power = as_type(as_integer(z) << MANTISSA_BITS);                                                          \
        return FMA(q, power, power);                                                                                   \
    }

/* exp(d) as outputs need it: exactly 0 below EXP_FLOOR, and no wrap-around for a d that is too large. */
#define DEFINE_EXP_OUTPUT(name, type, exp_of)                                                                          \
    static type name(type d) {                                                                                         \
        type value = exp_of(d > (type)EXP_CEILING ? (type)EXP_CEILING : d);                                            \
        return d < (type)EXP_FLOOR ? (type)0 : value;                                                                  \
    }

#if REAL64
#define AS_REAL_N(n) JOIN(as_double, n)
#define AS_REAL_INT_N(n) JOIN(as_long, n)
DEFINE_EXP(exp_real, real, as_double, as_long)
#else
#define AS_REAL_N(n) JOIN(as_float, n)
#define AS_REAL_INT_N(n) JOIN(as_int, n)
DEFINE_EXP(exp_real, real, as_float, as_int)
#endif
DEFINE_EXP_OUTPUT(exp_output_real, real, exp_real)
#if LANES == 1
#define exp_lanes exp_real
#define exp_output_lanes exp_output_real
#else
DEFINE_EXP(exp_lanes, lanes, AS_REAL_N(LANES), AS_REAL_INT_N(LANES))
DEFINE_EXP_OUTPUT(exp_output_lanes, lanes, exp_lanes)
#endif
