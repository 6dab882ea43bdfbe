/* Types and arguments that every kernel shares. First of the files that make a program.
 *
 * Set by the host when a program is built:
 *   STORAGE      F32, F64, F16 or BF16: how tensors of the logits' shape are stored; arithmetic is double for F64, else float
 *   TARGET_KIND  NO_TARGETS, CLASS_TARGETS, PROBABILITY_TARGETS (of a row, one loss) or ELEMENT_TARGETS (a loss each)
 *   TARGET_TYPE  the C type of a target: int, long or uchar for classes, float or storage for the others
 *   LANES        width of a vector: 1, 2, 4, 8 or 16
 *   LAYOUT       what the lanes of a vector are, see layout.cl
 *   PASS         0: forward, 1: backward, 2: both
 *   GROUP        work-items that share a row: 1 but for the engine row_per_group
 *   HAS_FMA      1 where the device has a fused multiply-add
 *   PREFETCH_AHEAD  elements to fetch ahead by clang's builtin; unset where the device's compiler does not take it
 *   TILE         vectors of a tile of each work-item's own, for the engine that copies rows into one; unset otherwise
 *   KEEPS_ROW    1 where a work-item, which has its row and its group to itself, keeps exponentials of a short row; unset otherwise
 *   COUNTED_ROWS 1 where the workspace says how many rows of the batch there are; unset otherwise
 *   LOCAL_TILE   1 where rows are copied into local memory, which is then an argument of the kernel; unset otherwise
 *   SHARD, MERGE 1 where a row has only some of its classes, where it has none and shards are merged: shard.cl; unset otherwise
 *
 * Shape is always an argument: programs depend on what changes an inner loop and on nothing else. */

#ifdef __clang__
#pragma clang diagnostic ignored "-Wpsabi" /* how functions pass vectors does not matter: all are inlined */
#endif

#define F32 0
#define F64 1
#define F16 2
#define BF16 3
#define NO_TARGETS 0
#define CLASS_TARGETS 1
#define PROBABILITY_TARGETS 2
#define ELEMENT_TARGETS 3
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

/* For what loops call once a vector, and compilers find too large. */
#ifdef __clang__
#define INLINED static __attribute__((always_inline))
#else
#define INLINED static
#endif

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
#define LONG_FROM_MASK(mask) (mask)
#define LANES_IN_RANGE(y, n) IN_RANGE(y, n)
#else
typedef REAL_N(LANES) lanes;
typedef REAL_INT_N(LANES) lanes_int;
typedef JOIN(long, LANES) lanes_long;
#define LANES_IN_RANGE(y, n) (JOIN(as_ulong, LANES)(y) < (JOIN(ulong, LANES))(ulong)(n))
#if REAL64
#define MASK_FROM_LONG(mask) (mask)
#define LONG_FROM_MASK(mask) (mask)
#else
#define MASK_FROM_LONG(mask) JOIN(convert_int, LANES)(mask)
/* By a comparison, since a widened int can be taken for one that is not negative: docs/devices.md. */
#define LONG_FROM_MASK(mask) (JOIN(convert_long, LANES)(mask) != (lanes_long)0)
#endif
#endif

#define EACH_1(element, k) element(k)
#define EACH_2(element, k) EACH_1(element, k), EACH_1(element, (k) + 1)
#define EACH_4(element, k) EACH_2(element, k), EACH_2(element, (k) + 2)
#define EACH_8(element, k) EACH_4(element, k), EACH_4(element, (k) + 4)
#define EACH_16(element, k) EACH_8(element, k), EACH_8(element, (k) + 8)
#define EACH_LANE(element) JOIN(EACH_, LANES)(element, 0) /* element(0), element(1), ... */
#define LANE_NUMBER(k) (k)

/* A vector from an array of its elements, and back. */
#if LANES == 1
#define PACK(array) ((array)[0])
#define UNPACK(vector, array) ((array)[0] = (vector))
#else
#define PACK(array) JOIN(vload, LANES)(0, array)
#define UNPACK(vector, array) JOIN(vstore, LANES)(vector, 0, array)
#endif

#ifdef PREFETCH_AHEAD
#define PREFETCH_AT(p) __builtin_prefetch(p)
#define PREFETCH(p) PREFETCH_AT((p) + PREFETCH_AHEAD)
#else
#define PREFETCH_AT(p)
#define PREFETCH(p)
#endif

#ifndef LOCAL_TILE
#define LOCAL_TILE 0
#endif
#ifndef KEEPS_ROW
#define KEEPS_ROW 0
#endif
#if defined(TILE) || LOCAL_TILE
#define STAGED 1
#else
#define STAGED 0
#endif

#ifndef SHARD
#define SHARD 0
#endif
#ifndef MERGE
#define MERGE 0
#endif
#define DEALT_OUT (SHARD || MERGE)

#define FORWARD_PASS (PASS == 0 || PASS == 2)
#define BACKWARD_PASS (PASS == 1 || PASS == 2)

#define NOT_A_NUMBER ((real)NAN)

/* Which optional tensors a call has, and what it reduces to; bits of op_args.given. */
#define GIVEN_TARGET2 1u
#define GIVEN_WEIGHT 2u
#define GIVEN_SAMPLE_WEIGHT 4u
#define GIVEN_POS_WEIGHT 8u
#define GIVEN_MIX_LAMBDA 16u
#define GIVEN_LSE 32u
#define GIVEN_ARGMAX 64u
#define GIVEN_GRAD_OUTPUT 128u
#define MEAN 256u           /* the reduction; neither bit for SUM */
#define NO_REDUCTION 512u   /* NONE: loss and grad_output have an element per row (or element), not just one */
#define DIVIDE_LOSSES 1024u /* a row's loss is divided before it is summed, since its terms have different divisors */
#define ACCUMULATE 2048u    /* gradients are added to what is there */
#define EMPTY_ZERO 4096u    /* a mean over nothing is 0 */
#define GIVEN_MERGED 8192u

/* Sums over the rows that count for a target, at the head of the workspace; host/workspace.c has its layout. */
typedef struct target_totals {
    real weights; /* of u w[y], or of u for probabilities: W */
    real samples; /* of u: U */
} target_totals;

/* The arguments of a kernel that runs a row operation, the same for all of them. */
typedef struct op_args {
    __global const storage *input;
    __global const target_t *target[2]; /* target and target2 */
    __global const real *weight;
    __global const void *sample_weight; /* real, one per row; for ELEMENT_TARGETS a tensor of storage */
    __global const real *pos_weight;
    __global const real *mix_lambda;
    __global void *output; /* tensors of storage, a loss per row in real, a loss per element in real */
    __global real *lse;
    __global long *argmax;
    __global const void *grad_output; /* as output */
    __global storage *grad_input;
    __global const target_totals *totals; /* of target and of target2 */
    long batch, classes, inner, row_stride;
    long ignore_index;
    real smoothing, logit_scale, logit_softcap, z_loss, reg_lambda, mix, grad_scale;
    uint given;
#if DEALT_OUT
    __global real *partial, *merged; /* planes, see shard.cl */
    long class_start, class_total, parts;
#endif
} op_args;

#if DEALT_OUT
#define DEALT_OUT_PARAMETERS                                                                                           \
    , __global char *partial, ulong partial_at, __global char *merged, ulong merged_at,                                \
        __global const char *weight_sum, ulong weight_sum_at, ulong class_start, ulong class_total, ulong part_count
#define DEALT_OUT_ARGUMENTS(args)                                                                                      \
    args.partial = (__global real *)(partial + partial_at);                                                            \
    args.merged = (__global real *)(merged + merged_at);                                                               \
    args.class_start = (long)class_start;                                                                              \
    args.class_total = (long)class_total;                                                                              \
    args.parts = (long)part_count;                                                                                          \
    if (SHARD)                                                                                                         \
        args.totals = (__global const target_totals *)(weight_sum + weight_sum_at);
#define ALL_CLASSES(a) (SHARD ? (a)->class_total : (a)->classes)
#else
#define DEALT_OUT_PARAMETERS
#define DEALT_OUT_ARGUMENTS(args)
#define ALL_CLASSES(a) ((a)->classes)
#endif

/* A chunk of rows may have fewer than the host knows, see linear.cl. */
#ifdef COUNTED_ROWS
#define ROWS_OF_BATCH min((long)batch, ((__global const long *)(workspace + workspace_at))[7])
#else
#define ROWS_OF_BATCH (long)batch
#endif

#define OP_PARAMETERS                                                                                                  \
    __global const char *input, ulong input_at, __global const char *target, ulong target_at,                          \
        __global const char *target2, ulong target2_at, __global const char *weight, ulong weight_at,                  \
        __global const char *sample_weight, ulong sample_weight_at, __global const char *pos_weight,                   \
        ulong pos_weight_at, __global const char *mix_lambda, ulong mix_lambda_at, __global char *output,              \
        ulong output_at, __global char *lse, ulong lse_at, __global char *argmax, ulong argmax_at,                     \
        __global const char *grad_output, ulong grad_output_at, __global char *grad_input, ulong grad_input_at,        \
        __global char *workspace, ulong workspace_at, ulong batch, ulong classes, ulong inner, ulong row_stride,       \
        long ignore_index, real smoothing, real logit_scale, real logit_softcap, real z_loss, real reg_lambda,         \
        real mix, real grad_scale, uint given DEALT_OUT_PARAMETERS

#define OP_ARGUMENTS(args)                                                                                             \
    op_args args;                                                                                                      \
    args.input = (__global const storage *)(input + input_at);                                                         \
    args.target[0] = (__global const target_t *)(target + target_at);                                                  \
    args.target[1] = (__global const target_t *)(target2 + target2_at);                                                \
    args.weight = (__global const real *)(weight + weight_at);                                                         \
    args.sample_weight = (__global const void *)(sample_weight + sample_weight_at);                                    \
    args.pos_weight = (__global const real *)(pos_weight + pos_weight_at);                                             \
    args.mix_lambda = (__global const real *)(mix_lambda + mix_lambda_at);                                             \
    args.output = (__global void *)(output + output_at);                                                               \
    args.lse = (__global real *)(lse + lse_at);                                                                        \
    args.argmax = (__global long *)(argmax + argmax_at);                                                               \
    args.grad_output = (__global const void *)(grad_output + grad_output_at);                                          \
    args.grad_input = (__global storage *)(grad_input + grad_input_at);                                                \
    args.totals = (__global const target_totals *)(workspace + workspace_at);                                          \
    args.batch = ROWS_OF_BATCH;                                                                                        \
    args.classes = (long)classes;                                                                                      \
    args.inner = (long)inner;                                                                                          \
    args.row_stride = (long)row_stride;                                                                                \
    args.ignore_index = ignore_index;                                                                                  \
    args.smoothing = smoothing;                                                                                        \
    args.logit_scale = logit_scale;                                                                                    \
    args.logit_softcap = logit_softcap;                                                                                \
    args.z_loss = z_loss;                                                                                              \
    args.reg_lambda = reg_lambda;                                                                                      \
    args.mix = mix;                                                                                                    \
    args.grad_scale = grad_scale;                                                                                      \
    DEALT_OUT_ARGUMENTS(args)                                                                                          \
    args.given = given
