/** @mainpage clxent: classification losses and their gradients on any OpenCL device.
 *
 * What it is
 * ----------
 * clxent computes softmax, log-softmax, negative log-likelihood, cross-entropy and binary cross-entropy, forward and
 * backward, with OpenCL kernels, for C programs that train or run models. It needs an OpenCL ICD loader, nothing else.
 *
 * One descriptor (clxent_desc) says what to compute. Three functions carry it out:
 *
 *     clxent_run        host arrays in, host arrays out; the library owns queue, buffers and plans
 *     clxent_enqueue    your queue, your buffers, your events; only enqueues, never compiles, allocates or blocks
 *     clxent_reference  plain C in double precision, no OpenCL: the yardstick
 *
 * Options mean what the same options of PyTorch mean; docs/numerics.md holds every formula and every edge case.
 * Logits have the shape (batch, classes, inner): a *row* is the `classes` values at one (batch, inner) position, and
 * there are batch * inner rows. For the usual (N, C) matrix, inner is 1.
 *
 * Example: loss and gradient of three rows, the second one ignored
 * ----------------------------------------------------------------
 *
 *     float logits[9] = {1, 2, 3, .5f, -.5f, 0, -1, 4, 2}, grad[9], loss;
 *     int32_t target[3] = {2, -100, 0};
 *
 *     clxent_desc desc;
 *     clxent_desc_init(&desc, CLXENT_CROSS_ENTROPY);
 *     desc.pass = CLXENT_FORWARD_BACKWARD;
 *     desc.batch = 3;
 *     desc.classes = 3;
 *
 *     clxent_host_args args;
 *     clxent_host_args_init(&args);
 *     args.input = logits;
 *     args.target = target;
 *     args.output = &loss;
 *     args.grad_input = grad;
 *
 *     clxent_context *context = NULL;
 *     clxent_status status = clxent_context_create_default(&context);
 *     if (status == CLXENT_SUCCESS)
 *         status = clxent_run(context, &desc, &args);
 *     if (status != CLXENT_SUCCESS)
 *         fprintf(stderr, "%s\n", clxent_last_error());
 *     clxent_context_destroy(context);
 *
 * Threads
 * -------
 * Every function may be called from any thread at any time, on shared contexts and shared plans, without locks of
 * yours. Program builds (and blobs) are serialised per context, and so is clxent_run. A plan is read-only after its
 * creation except for a lock that clxent_enqueue holds from its checks to its last launch. There is no global state to
 * set up or tear down. An object must not be destroyed while another thread is inside a call on it.
 *
 * Numerics
 * --------
 * Arithmetic is in double for F64 storage and in float for every other. Losses, lse, weights and per-row gradients
 * have that same *real* type. Infinities and NaN in the logits give what docs/numerics.md states and disturb no
 * other row.
 *
 * Same input, same bits. On one device, with one driver and one version of this library, a descriptor gives the same
 * bits every time: from call to call and from process to process, by clxent_run as by clxent_enqueue, on a queue in order or
 * out of order, and however many work-groups the device runs at once. What a row has (loss, lse, argmax, gradient,
 * probabilities) depends neither on the other rows, nor on how many there are, nor on its place among them, except
 * through the divisor of a mean. Engines row_per_group and row_split agree to the bit at one work_group_size. Another engine,
 * work_group_size, device or driver may give other bits, within the bounds of docs/numerics.md.
 */
#ifndef CLXENT_H
#define CLXENT_H

/** @file
 * The whole interface of clxent. What it is, threads and numerics are on the first page (the comment above). */

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#ifndef CL_TARGET_OPENCL_VERSION
/** The OpenCL that this header asks CL/cl.h for, unless the program has asked for another one before. */
#define CL_TARGET_OPENCL_VERSION 120
#endif
#ifdef __APPLE__
#include <OpenCL/opencl.h>
#else
#include <CL/cl.h>
#endif

#if defined(_WIN32) || !defined(__GNUC__)
/** Marks the functions that the library gives out. */
#define CLXENT_API
#else
#define CLXENT_API __attribute__((visibility("default")))
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* ---------------------------------------------------------------------------------------------------- version ---- */

/* Of this header, by Semantic Versioning; that of the library that is linked is clxent_version's. */
#define CLXENT_VERSION_MAJOR 0 /**< a new one breaks the interface */
#define CLXENT_VERSION_MINOR 1 /**< a new one adds to it; before 1.0 it may break it */
#define CLXENT_VERSION_PATCH 0 /**< a new one only repairs */

/** The version of the library that is linked, as "major.minor.patch". Never NULL. */
CLXENT_API const char *clxent_version(void);

/* ------------------------------------------------------------------------------------------------ status codes ---- */

/** How a call ended. 0: success. Positive: a refusal of this library, one of the codes below, whose numbers never change.
 * Negative: an error code of OpenCL, passed through unchanged (CL_OUT_OF_RESOURCES, ...). */
typedef int clxent_status;

/** The codes of this library. After one of them clxent_last_error has a sentence with the numbers. */
enum {
    CLXENT_SUCCESS = 0,          /**< done */
    CLXENT_INVALID_ARGUMENT = 1, /**< a null pointer, a struct_size this library does not know, a foreign argument */
    CLXENT_INVALID_SHAPE = 2,  /**< classes, inner or features of 0, a row_stride too small, a product that overflows */
    CLXENT_INVALID_OPTION = 3, /**< an enum or option out of range, or one that the operation does not use */
    CLXENT_MISSING_BUFFER = 4, /**< a required buffer or array is null */
    CLXENT_INVALID_BUFFER = 5, /**< not a buffer, of another context, misaligned, or overlapping where it must not */
    CLXENT_BUFFER_TOO_SMALL = 6, /**< the bytes from offset to the end of the buffer do not hold the tensor */
    CLXENT_INVALID_QUEUE = 7,    /**< null, or of another context or device than the plan */
    CLXENT_INVALID_TARGET = 8,   /**< clxent_run and clxent_reference: a target that is no class, or outside [0, 1] */
    CLXENT_UNSUPPORTED = 9,      /**< this device, or the forced engine, cannot do what the descriptor asks */
    CLXENT_NO_DEVICE = 10,       /**< no usable OpenCL device, or none that the selector names */
    CLXENT_OUT_OF_MEMORY = 11,   /**< host memory */
    CLXENT_BUILD_FAILED = 12,    /**< the device's compiler refused a kernel; clxent_last_error has its log */
    CLXENT_INVALID_INPUT = 13, /**< clxent_run and clxent_reference: an input of binary-cross-entropy outside [0, 1] */
    CLXENT_MPI_FAILED = 14     /**< clxent_mpi.h: a call of MPI failed */
};

/** The name of a status: "CLXENT_INVALID_SHAPE", "CL_OUT_OF_RESOURCES", ...; "unknown status" for anything else.
 * A constant string, never NULL. */
CLXENT_API const char *clxent_status_string(clxent_status status);

/** What went wrong in the last failing call of this thread, as one sentence with the values in it; after
 * CLXENT_BUILD_FAILED the compiler's log follows. "" before the first failure; a success does not clear it.
 * The string belongs to the library and holds until the next failing call on the same thread. Never NULL. */
CLXENT_API const char *clxent_last_error(void);

/** For a library that stands on this one: makes `sentence`, which is copied and may be clxent_last_error's, the last error of this
 * thread. NULL is "". */
CLXENT_API void clxent_set_last_error(const char *sentence);

/* -------------------------------------------------------------------------------------------------- descriptor ---- */

/** What to compute. Formulas and their sources are in docs/numerics.md; x are the input values of one row, y its target
 * class, t a target probability, w and u class and sample weights. */
typedef enum clxent_op {
    CLXENT_SOFTMAX = 0,              /**< p_c = exp(x_c) / sum_k exp(x_k) */
    CLXENT_LOG_SOFTMAX = 1,          /**< log p_c, computed as (x_c - max) - log(sum of exp(x - max)) */
    CLXENT_NLL_LOSS = 2,             /**< -w[y] * x_y on log-probabilities x */
    CLXENT_CROSS_ENTROPY = 3,        /**< -w[y] * log p_y on logits x, or -sum of w t log p for target probabilities */
    CLXENT_BINARY_CROSS_ENTROPY = 4, /**< -u w (t log x + (1-t) log(1-x)) of every element, on probabilities x */
    CLXENT_BINARY_CROSS_ENTROPY_WITH_LOGITS = 5, /**< the same with sigmoid(x) for x, stable at any logit */
    CLXENT_MERGE =
        6, /**< the loss of rows whose classes are dealt out to shards, from what cross-entropy says of each */
    CLXENT_LINEAR_CROSS_ENTROPY = 7 /**< cross-entropy of the logits h W^T + b, which are never in memory all at once */
} clxent_op;

/** Which direction. FORWARD_BACKWARD (the cross-entropies) gives loss and gradient from one plan: the
 * input is read from memory once for the loss, and once more, from cache where the row fits, for the gradient. */
typedef enum clxent_pass {
    CLXENT_FORWARD = 0,         /**< the result, or the loss */
    CLXENT_BACKWARD = 1,        /**< the gradient of the input */
    CLXENT_FORWARD_BACKWARD = 2 /**< both */
} clxent_pass;

/** How tensors of the logits' shape are stored. Arithmetic, losses, lse and weights have the *real* type: double for
 * F64, float for the others. F16 is IEEE half precision, BF16 the upper half of a float; both are rounded to the
 * nearest, ties to even, when they are written, and need no extension of the device. F64 needs a device with double
 * precision, else CLXENT_UNSUPPORTED. On the host, elements of F16 and BF16 are uint16_t. */
typedef enum clxent_dtype {
    CLXENT_F32 = 0, /**< float, 4 bytes; real type float */
    CLXENT_F64 = 1, /**< double, 8 bytes; real type double */
    CLXENT_F16 = 2, /**< IEEE half precision, 2 bytes; real type float */
    CLXENT_BF16 = 3 /**< the upper half of a float, 2 bytes; real type float */
} clxent_dtype;

/** What targets are: class indices, one per row, or probabilities, one per element of the logits' shape. nll-loss takes
 * indices, cross-entropy either, the binary cross-entropies probabilities. */
typedef enum clxent_target_type {
    CLXENT_TARGET_I32 = 0,              /**< int32_t class indices */
    CLXENT_TARGET_I64 = 1,              /**< int64_t class indices */
    CLXENT_TARGET_U8 = 2,               /**< uint8_t class indices */
    CLXENT_TARGET_PROBABILITIES = 3,    /**< probabilities of the type of the logits */
    CLXENT_TARGET_PROBABILITIES_F32 = 4 /**< probabilities of type float, whatever the type of the logits */
} clxent_target_type;

/** How the losses of the rows become the output. */
typedef enum clxent_reduction {
    CLXENT_REDUCTION_NONE = 0, /**< one loss per row; for the binary cross-entropies one per element */

    /** As PyTorch does, the sum over the sum of w[y] (with sample weights, u w[y]) of the rows that count, which is their
     * number without weights; with target probabilities over the number of rows (the sum of u); for the binary ones over
     * the number of elements. */
    CLXENT_REDUCTION_MEAN = 1,

    CLXENT_REDUCTION_SUM = 2 /**< their sum */
} clxent_reduction;

/** How the kernels walk a row. AUTO takes the first engine that suits the device and the shape; any other value forces
 * one, and clxent_plan_create refuses with CLXENT_UNSUPPORTED and a reason where that engine cannot do the work. COLUMN and
 * ROWS_PER_LANE take at most 2^31 - 1 classes. */
typedef enum clxent_engine {
    CLXENT_ENGINE_AUTO = 0,          /**< the library chooses */
    CLXENT_ENGINE_ROW_PER_ITEM = 1,  /**< one work-item takes a row with wide vectors: CPUs */
    CLXENT_ENGINE_ROW_PER_GROUP = 2, /**< a work-group shares a row: GPUs */
    CLXENT_ENGINE_COLUMN = 3,        /**< neighbouring inner positions side by side: inner > 1 */
    CLXENT_ENGINE_ROWS_PER_LANE = 4, /**< neighbouring rows side by side: few classes */
    CLXENT_ENGINE_ROW_SPLIT = 5      /**< several work-groups share a row: few rows of very many classes */
} clxent_engine;

/** Bits of clxent_desc.flags. */
enum {
    CLXENT_ACCUMULATE_GRAD = 1, /**< grad_input += gradient, instead of =. Losses with a backward pass */
    CLXENT_EMPTY_MEAN_ZERO = 2, /**< a mean over nothing (an empty batch, every row ignored) is 0, not NaN. Losses */
    /** linear-cross-entropy, but not of a shard: grad_input may leave out what cannot change it at the precision of storage:
     * blocks of rows and classes where no logit has a gradient above u / (2 C) of that of its row's target, u being half the
     * distance from 1 to the next number of the storage type. All that is left out of a row is then at most u / 2 of that
     * gradient times the largest weight. Own products only, see clxent_plan_set_product. */
    CLXENT_FILTER_GRADIENT = 4
};

/** The descriptor. Start from clxent_desc_init, then set what differs. An option that the operation does not use must
 * stay at its default (CLXENT_INVALID_OPTION otherwise); "ce" marks those of cross-entropy alone, but linear-cross-entropy has all of
 * these except mix_lambda. Members may be added at the end in later versions: struct_size tells the library which ones its caller
 * knows, and the rest take their defaults. */
typedef struct clxent_desc {
    size_t struct_size;             /**< sizeof(clxent_desc), set by clxent_desc_init */
    clxent_op op;                   /**< set by clxent_desc_init */
    clxent_pass pass;               /**< default FORWARD */
    clxent_dtype dtype;             /**< default F32 */
    clxent_target_type target_type; /**< default I32, for the binary ones PROBABILITIES; losses only */
    clxent_reduction reduction;     /**< default MEAN; losses only */
    clxent_engine engine;           /**< default AUTO */
    size_t work_group_size; /**< work-items of a work-group; default 0: chosen. Forced values above what the device
                               allows are CLXENT_UNSUPPORTED */
    size_t batch;           /**< N; default 0, a legal empty batch */
    size_t classes;         /**< C >= 1; default 0, which is refused: it must be set */
    size_t inner;           /**< d1 * d2 * ... behind the class axis; default 1 */
    size_t row_stride;      /**< elements from one batch entry to the next in every tensor of the logits' shape, at
                               least classes * inner; default 0: exactly that. Padding is never read or written */
    int64_t ignore_index;   /**< rows with this target count nowhere and get a zero gradient; default -100; class-index
                               targets only. May lie inside [0, C) */
    double label_smoothing; /**< ce: e in [0, 1], the share of the target that is spread over all classes; default 0 */
    uint64_t flags;         /**< bits of the enum above; default 0 */
    double logit_scale;     /**< ce: logits are multiplied by this first (an inverse temperature); finite, default 1 */
    double logit_softcap;   /**< ce: then they become t tanh(x / t) with this t > 0; default 0: they do not */
    double z_loss;          /**< ce: z_loss * lse^2 is added to each row that counts; >= 0, default 0 */
    double reg_lambda;      /**< ce: reg_lambda * (sum of p^2) likewise; finite, default 0 */
    double mix_lambda;  /**< ce: share in [0, 1] of target, the rest being target2's; default 1. Class indices only */
    double grad_scale;  /**< losses with a gradient: it is multiplied by this (a loss scale); finite, default 1 */
    size_t class_start; /**< ce: the first of the classes [class_start, class_start + classes) of a shard; default 0 */
    size_t class_total; /**< ce: V, of which those are a shard (see clxent_check_shards); default 0: not a shard */
    size_t parts;       /**< merge: number of partials, at least 1; default 0, which is refused: it must be set */
    size_t features;    /**< linear-cross-entropy: D >= 1, the numbers of a hidden state; default 0, which is refused */
    /** linear-cross-entropy: bytes that the workspace may have; it holds the logits of as many rows at a time as fit, and few are slow.
     * Default 0: 64 rows, or a 64th of the batch. */
    uint64_t workspace_limit;
} clxent_desc;

/** Sets every member to its default for `op`. Inline, so that struct_size is the caller's. */
static inline void clxent_desc_init(clxent_desc *desc, clxent_op op) {
    memset(desc, 0, sizeof *desc);
    desc->struct_size = sizeof *desc;
    desc->op = op;
    if (op == CLXENT_BINARY_CROSS_ENTROPY || op == CLXENT_BINARY_CROSS_ENTROPY_WITH_LOGITS)
        desc->target_type = CLXENT_TARGET_PROBABILITIES;
    desc->reduction = CLXENT_REDUCTION_MEAN;
    desc->inner = 1;
    desc->ignore_index = -100;
    desc->logit_scale = 1;
    desc->mix_lambda = 1;
    desc->grad_scale = 1;
}

/** Are these descriptors, in rank order, all shards of one loss? That does not show in any one of them.
 *
 * Shards are the V classes of a cross-entropy dealt out to several devices or processes, with class indices as targets. Each is
 * a descriptor of CROSS_ENTROPY with class_total = V; its `input`, `weight` and `grad_input` are of its own classes,
 * [class_start, class_start + classes). Targets are class indices in [0, V), the same for all.
 *
 *  1. FORWARD on each shard writes `partial`: (6, rows) of real, planes of `rows` numbers.
 *     top     the largest scaled and capped logit of the shard, NaN passed over; where there is none the lowest finite number
 *     sum     the sum of exp(x - top) over the shard
 *     logit   x of the target where that is one of the shard's classes, else 0
 *     weight  likewise w of the target, which is 1 without `weight`
 *     linear  with label smoothing the sum of w (x - top) over the shard, else 0
 *     masses  with label smoothing the sum of w over the shard, else 0
 *     Where the target is ignored, or outside [0, V), logit and weight are 0 in every shard.
 *  2. MERGE reads the partials of all shards in rank order, (parts, 6, rows), and writes the loss and what else is wanted: lse,
 *     `merged`, which is the one partial of all V classes, `weight_sum`. Its `classes` is V, its rows are theirs;
 *     label_smoothing, z_loss, reduction, ignore_index and flags mean what they do for cross-entropy, and are to be the shards'.
 *  3. BACKWARD on each shard reads `merged`, and with reduction MEAN `weight_sum`, which it divides by; it writes the gradient of
 *     its own classes.
 *
 * The same of LINEAR_CROSS_ENTROPY: the shard's `linear_weight`, `linear_bias`, `weight`, `grad_linear_weight` and
 * `grad_linear_bias` are of its own classes, the hidden states are the same for all. Its `grad_input` is a part: that of the hidden
 * states is the sum of those of all shards, which is the caller's to form (shards that run one after the other on one device add
 * up with CLXENT_ACCUMULATE_GRAD). Of an ignored row a partial is one class of logit 0 in the first shard, so that its lse is 0.
 *
 * A shard has no target probabilities, target2, reg_lambda, argmax, correct_count and no FORWARD_BACKWARD pass.
 *
 * `descs` is an array of `count` descriptors of one struct_size. All must be shards in the same pass that agree in everything but
 * engine, work_group_size, row_stride, workspace_limit, class_start and classes, and their classes must be [0, class_total) in
 * ascending order.
 * Errors: those of a descriptor; INVALID_ARGUMENT (descs is null, count is 0, one is not a shard), INVALID_SHAPE (batch, inner,
 * features or class_total differ; two neighbours overlap or leave a gap; the first does not begin at 0, or the last not end at
 * class_total), INVALID_OPTION (another member differs). */
CLXENT_API clxent_status clxent_check_shards(const clxent_desc *descs, size_t count);

/* ------------------------------------------------------------------------------------------ arrays and buffers ---- */

/** A device buffer from a byte offset on. */
typedef struct clxent_buffer {
    cl_mem mem;    /**< a buffer of the plan's OpenCL context; NULL: the tensor is absent */
    size_t offset; /**< bytes, a multiple of the size of the tensor's elements */
} clxent_buffer;

/** The tensors of an operation in buffers, by name. Which ones an operation takes:
 *
 *       (R) required   (o) optional, null if absent   (-) ignored, so that one struct serves all passes
 *       ( ) refused with CLXENT_INVALID_ARGUMENT when given: no pass of that operation uses it
 *       F forward, B backward, FB both; r read, w written
 *
 *                        softmax,       nll-loss       cross-entropy         binary-cross-entropy,  a shard        merge
 *                        log-softmax                                         with or without logits
 *                        F      B       F      B       F      B      FB      F      B      FB       F      B       F
 *       input            R r    -       R r    -       R r    R r    R r     R r    R r    R r      R r    R r
 *       target                          R r    R r     R r    R r    R r     R r    R r    R r      R r    R r     R r
 *       target2                                        o r    o r    o r                                                (1)
 *       weight                          o r    o r     o r    o r    o r     o r    o r    o r      o r    o r
 *       sample_weight                   o r    o r     o r    o r    o r     o r    o r    o r      -      o r     o r
 *       pos_weight                                                           o r    o r    o r                          (2)
 *       mix_lambda                                     o r    o r    o r                                                (1)
 *       output           R w    R r     R w    -       R w    -      R w     R w    -      R w      -      -       R w
 *       lse                                            o w    o r    o w                            -      -       o w
 *       argmax                                         o w    -      o w
 *       grad_output      -      R r     -      o r     -      o r    o r     -      o r    o r      -      o r
 *       grad_input       -      R w     -      R w     -      R w    R w     -      R w    R w      -      R w          (3)
 *       invalid_count                   o w    o w     o w    o w    o w                            -      -       o w  (1)
 *       correct_count                                  o w    -      o w                                                (1) (4)
 *       partial                                                                                     R w    -       R r
 *       merged                                                                                      -      R r     o w
 *       weight_sum                      o w    -       o w    -      o w                            -      (5)     o w  (1)
 *
 *       linear-cross-entropy takes input (the hidden states), target, weight, sample_weight, output, lse, grad_output,
 *       grad_input and invalid_count as cross-entropy does, and of its own linear_weight (R r), linear_bias (o r), and in
 *       backward passes grad_linear_weight and grad_linear_bias (o w) (3); a shard of it as a shard does, and those four.
 *       Nothing may lie over anything else.
 *
 *       (1) refused with target probabilities   (2) with logits only   (3) read too with CLXENT_ACCUMULATE_GRAD
 *       (4) needs argmax   (5) R r with reduction MEAN, else -
 *
 * Shapes and types, below: storage is the type of clxent_desc.dtype, real its real type; rows is batch * inner, and row
 * n * inner + j is the one at position j of batch entry n; "the logits' shape" is (batch, classes, inner), batch entries
 * row_stride elements apart.
 *
 * Tensors that are written must not overlap any other one, except that exactly the same bytes may be:
 * output and input (FORWARD of softmax, log-softmax), grad_input and input (cross-entropy and the binary ones, without
 * CLXENT_ACCUMULATE_GRAD), grad_input and output or grad_output (BACKWARD of softmax, log-softmax).
 *
 * For an empty batch, tensors with no elements may be null. */
typedef struct clxent_args {
    size_t struct_size; /**< sizeof(clxent_args), set by clxent_args_init */

    /** Logits; log-probabilities for nll-loss, probabilities for binary-cross-entropy: the logits' shape, of storage. For
     * linear-cross-entropy the hidden states: (batch, features), row_stride elements apart, of storage. */
    clxent_buffer input;

    /** Class indices: (rows) of clxent_desc.target_type. Probabilities: the logits' shape, of storage or of float. */
    clxent_buffer target;

    /** A second target, as target: the loss is mix_lambda * loss(target) + (1 - mix_lambda) * loss(target2), each with
     * its own mean. Required when clxent_desc.mix_lambda is not 1 or mix_lambda is given. */
    clxent_buffer target2;

    /** Class weights: (classes) of real; 1 when absent. */
    clxent_buffer weight;

    /** A weight for each row: (rows) of real. For the binary ones for each element: the logits' shape, of storage. 1 when
     * absent. */
    clxent_buffer sample_weight;

    /** Weights of the positive targets of each class: (classes) of real; 1 when absent. */
    clxent_buffer pos_weight;

    /** 1 real in [0, 1] that stands in for clxent_desc.mix_lambda, so that one plan serves steps with different shares;
     * outside [0, 1] it is used as it is by clxent_enqueue and refused elsewhere. */
    clxent_buffer mix_lambda;

    /** Softmax, log-softmax: the logits' shape, of storage; BACKWARD reads what FORWARD wrote here. Losses: (rows) of
     * real for reduction NONE, else 1 real; binary ones for NONE: the logits' shape, of real. */
    clxent_buffer output;

    /** log(sum of exp) of each row's scaled and capped logits: (rows) of real; of linear-cross-entropy 0 for ignored rows. BACKWARD with a saved lse reads the
     * logits once instead of twice; its gradient is then as exact as lse is, which matters when logits share an offset
     * of 1e4 and more. It is accepted but not used where the gradient needs another sum over the row anyway: label
     * smoothing with class weights, reg_lambda, target probabilities. */
    clxent_buffer lse;

    /** Class of the largest (scaled and capped) logit of each row, the lowest among equals: (rows) of int64_t. NaN is
     * passed over, and a row in which nothing lies above the lowest finite number gives 0. */
    clxent_buffer argmax;

    /** Gradient that comes in: as output; 1 when absent. */
    clxent_buffer grad_output;

    /** Gradient of input, in its shape, of storage. */
    clxent_buffer grad_input;

    /** Number of targets (of target and target2) that are outside [0, classes) and not ignore_index: 1 uint64_t. */
    clxent_buffer invalid_count;

    /** Number of rows that count and have argmax equal to target: 1 uint64_t. */
    clxent_buffer correct_count;

    /** Scratch of clxent_plan_info.workspace_size bytes, at an offset that is a multiple of 16. Losses of reduction NONE,
     * and the BACKWARD pass of SUM without reg_lambda, use it only to count invalid or correct rows and for weight_sum; engine row_split
     * always does. Two enqueues that may overlap in time need two workspaces. */
    clxent_buffer workspace;

    /** What a shard says of each row: (6, rows) of real, planes top, sum, logit, weight, linear, masses; MERGE reads
     * those of all shards, (parts, 6, rows). */
    clxent_buffer partial;

    /** The partial of all V classes, which stands for all that was merged: (6, rows) of real. */
    clxent_buffer merged;

    /** What a mean divides by, so that one over several processes can be formed: 2 reals, the sum of u w[y] and the sum of u
     * over the rows that count, by the (first) target. */
    clxent_buffer weight_sum;

    /** The output layer: (classes, features), dense, of storage. */
    clxent_buffer linear_weight;

    /** Its bias: (classes) of storage; 0 when absent. */
    clxent_buffer linear_bias;

    /** Gradient of linear_weight: (classes, features) of real, also for the 16-bit types. */
    clxent_buffer grad_linear_weight;

    /** Gradient of linear_bias: (classes) of real. */
    clxent_buffer grad_linear_bias;
} clxent_args;

/** The same tensors in host memory, for clxent_run and clxent_reference. The library keeps none of these pointers when
 * the call has returned. */
typedef struct clxent_host_args {
    size_t struct_size; /**< sizeof(clxent_host_args), set by clxent_host_args_init */

    /** @{ An array with the elements of the member of clxent_args of this name, aligned to one; NULL: absent. */
    const void *input;
    const void *target;
    const void *target2;
    const void *weight;
    const void *sample_weight;
    const void *pos_weight;
    const void *mix_lambda;
    void *output;
    void *lse;
    void *argmax;
    const void *grad_output;
    void *grad_input;
    void *invalid_count;
    void *correct_count;
    void *partial;
    void *merged;
    void *weight_sum;
    const void *linear_weight;
    const void *linear_bias;
    void *grad_linear_weight;
    void *grad_linear_bias;
    /** @} */
} clxent_host_args;

/** Sets struct_size and leaves every tensor absent. Inline, so that struct_size is the caller's. */
static inline void clxent_args_init(clxent_args *args) {
    memset(args, 0, sizeof *args);
    args->struct_size = sizeof *args;
}

/** Sets struct_size and leaves every tensor absent. Inline, so that struct_size is the caller's. */
static inline void clxent_host_args_init(clxent_host_args *args) {
    memset(args, 0, sizeof *args);
    args->struct_size = sizeof *args;
}

/* ---------------------------------------------------------------------------------------------------- contexts ---- */

/** A device with the programs built for it. Make one per device and keep it: the programs live here. */
typedef struct clxent_context clxent_context;

/** Finds a device by `selector`: a number as `clxent devices` counts them (all platforms in the loader's order, from 0),
 * "cpu", "gpu", or "" for the default: the GPU with the most compute units times clock, else the first device of any
 * kind. NULL takes the value of the environment variable CLXENT_DEVICE, or the default where that is unset. Devices
 * that are not available or have no compiler are passed over. Errors: INVALID_ARGUMENT (device is null, or the selector
 * is none of these), NO_DEVICE (with the number of devices seen), OUT_OF_MEMORY, OpenCL codes. */
CLXENT_API clxent_status clxent_find_device(const char *selector, cl_device_id *device);

/** A context for one device. `cl` is the caller's OpenCL context, which must hold `device` and is retained; with NULL
 * the library creates its own. Errors: INVALID_ARGUMENT, OUT_OF_MEMORY, UNSUPPORTED (the device has no compiler or an
 * OpenCL C below 1.2), OpenCL codes. On failure *context is left as it was. */
CLXENT_API clxent_status clxent_context_create(cl_context cl, cl_device_id device, clxent_context **context);

/** The same for clxent_find_device(NULL), with an OpenCL context of the library's own. Errors: those of both. */
CLXENT_API clxent_status clxent_context_create_default(clxent_context **context);

/** The OpenCL objects of a context, for a caller that wants to make its own queue and buffers. Either pointer may be
 * NULL. No reference is taken: they hold as long as the context. Errors: INVALID_ARGUMENT (context is null). */
CLXENT_API clxent_status clxent_context_get(clxent_context *context, cl_context *cl, cl_device_id *device);

/** Gives a context a program that clxent_plan_get_blob made in an earlier process, so that the plan that needs it does
 * not compile. Nothing of the kind happens unless you call this; drivers with a cache of their own on disk (PoCL, Mesa)
 * gain by it only where that is cold. The bytes are copied. The first plan that needs the program takes it, and
 * clxent_plan_info.programs_built is then 0; where the driver rejects the binary after all, the program is built from
 * source, and nobody need know. The checksum finds damage, not malice: a blob is code, so take it from nobody whose
 * library you would not load.
 * Errors: INVALID_ARGUMENT (a null pointer; bytes that are no blob, are cut short or damaged), UNSUPPORTED (made by
 * another version of this library or from other kernels, or for another device or driver: make it anew),
 * OUT_OF_MEMORY, OpenCL codes. A refused blob leaves the context as it was. */
CLXENT_API clxent_status clxent_context_add_blob(clxent_context *context, const void *blob, size_t size);

/** Releases a context. Plans made from it stay valid. NULL is allowed. */
CLXENT_API void clxent_context_destroy(clxent_context *context);

/* ------------------------------------------------------------------------------------------------------- plans ---- */

/** A descriptor made ready to run on a context: programs built, geometry decided. Costs up to a second when it must
 * compile, so make plans at start-up. Plans that differ only in shape share their program. */
typedef struct clxent_plan clxent_plan;

/** What a plan decided. */
typedef struct clxent_plan_info {
    size_t struct_size;      /**< set it to sizeof(clxent_plan_info) before the call */
    clxent_engine engine;    /**< the engine in use, never AUTO */
    const char *engine_name; /**< "row_per_item", "rows_per_lane", ...; a constant string */
    size_t work_group_size;  /**< work-items of a work-group of the main kernel, the one over the rows */
    size_t work_items;       /**< work-items that it is launched with, over all groups; 0 for an empty batch */
    size_t workspace_size;   /**< bytes that args.workspace must hold; 0: none needed */
    unsigned kernels;        /**< kernels that one clxent_enqueue launches; counting invalid or correct rows, a
                                weight_sum and a second target may take up to two more each; of
                                linear-cross-entropy lse takes one more, and a gradient of the layer one for each chunk */
    unsigned programs_built; /**< programs that clxent_plan_create had to compile for this plan: 0 when it was there */
} clxent_plan_info;

/** Checks the descriptor, chooses an engine, builds or finds its programs. Errors: those of the descriptor
 * (INVALID_ARGUMENT, INVALID_SHAPE, INVALID_OPTION), UNSUPPORTED, OUT_OF_MEMORY, BUILD_FAILED, OpenCL codes. On failure
 * *plan is left as it was. The plan keeps what it needs of the context alive. */
CLXENT_API clxent_status clxent_plan_create(clxent_context *context, const clxent_desc *desc, clxent_plan **plan);

/** Fills *info. Errors: INVALID_ARGUMENT (a null pointer, or a struct_size this library does not know). */
CLXENT_API clxent_status clxent_plan_get_info(const clxent_plan *plan, clxent_plan_info *info);

/** Why a plan uses the engine that it does: writes a clause about `engine`, never AUTO, to `text`, which has room for
 * `size` bytes, the end of the text included; what is longer is cut, and nothing is longer than 128 bytes. Of the
 * engine in use it is what speaks for it; of another one what it cannot do, what speaks against it, or which engine
 * suits too and comes before it; where the descriptor forces an engine, that. An engine that could do the work may
 * still be refused when it is forced, for limits that show only when its kernels are built. Errors: INVALID_ARGUMENT
 * (a null pointer, a size of 0), INVALID_OPTION (engine is AUTO or none); `text` is then untouched. */
CLXENT_API clxent_status clxent_plan_get_reason(const clxent_plan *plan, clxent_engine engine, size_t size, char *text);

/** The compiled program of a plan as bytes at `blob`, which has room for `size`; *needed is their number. To be stored
 * by the caller and given to clxent_context_add_blob in a later process. With NULL for `blob` only *needed is set.
 * Plans that share a program give the same blob, which holds for this device, driver and version of the library. Best
 * called after the plan's first enqueue has ended, since some drivers (PoCL) compile the larger part only then and put
 * it in too; the number of bytes can grow by it. Slow, up to seconds, as a driver may compile for it, and other plans
 * of the context wait meanwhile. Errors: INVALID_ARGUMENT (plan or needed is null), BUFFER_TOO_SMALL (*needed is set,
 * `blob` untouched), UNSUPPORTED (the driver gives no binaries; a plan of
 * linear-cross-entropy, which has two programs), OUT_OF_MEMORY, OpenCL codes. */
CLXENT_API clxent_status clxent_plan_get_blob(const clxent_plan *plan, size_t size, void *blob, size_t *needed);

/** Which product of linear-cross-entropy: for N' of the rows, D features and V classes */
typedef enum clxent_product_role {
    CLXENT_PRODUCT_LOGITS = 1, /**< logits = hidden weight^T: N' x V, sums over D */
    CLXENT_PRODUCT_HIDDEN = 2, /**< grad_hidden = grad_logits weight: N' x D, sums over V */
    CLXENT_PRODUCT_WEIGHT = 3  /**< grad_weight = grad_logits^T hidden: V x D, sums over N' */
} clxent_product_role;

/** A matrix product C = A B, or C += A B. Offsets are in bytes, strides in elements. Of the two strides of A, and of those of B, one
 * is 1: what a BLAS calls a transposed matrix is one whose first stride is 1. */
typedef struct clxent_product {
    size_t struct_size;       /**< sizeof(clxent_product); members may be added at the end */
    clxent_product_role role; /**< which of the three it is */
    clxent_dtype dtype;       /**< of A and C: F32 or F64 */
    clxent_dtype b_dtype;     /**< of B: that, or the plan's 16-bit type */
    size_t m;                 /**< rows of A and C */
    size_t n;                 /**< columns of B and C */
    size_t k;                 /**< columns of A, rows of B */
    clxent_buffer a;          /**< m x k */
    clxent_buffer b;          /**< k x n */
    clxent_buffer c;          /**< m x n */
    size_t a_row;             /**< from a row of A to the next */
    size_t a_column;          /**< from a column of A to the next */
    size_t b_row;             /**< from a row of B to the next */
    size_t b_column;          /**< from a column of B to the next */
    size_t c_row;             /**< from a row of C to the next; its columns lie side by side */
    int adds;                 /**< if not 0, it is added to what C holds */
} clxent_product;

/** Enqueues a product on `queue`: behind the `wait_count` events of `wait_list`, with *event, where `event` is not null, becoming
 * its event. Returns an OpenCL code; any but CL_SUCCESS ends the clxent_enqueue that called it, with that code. It is called
 * under the plan's lock, so it must not use the plan, and by the thread that called clxent_enqueue. The buffers are the caller's:
 * those of the clxent_args, of which the workspace is one. */
typedef cl_int (*clxent_product_function)(void *user, cl_command_queue queue, const clxent_product *product,
                                          cl_uint wait_count, const cl_event *wait_list, cl_event *event);

/** Has a function of the caller's do the matrix products of a plan of linear-cross-entropy from its next enqueue on, where an engine has
 * a better one than this library; with NULL its own do again. `user` is handed through. Rows whose target is ignored then cost as
 * much as others: only the device knows how many there are; CLXENT_FILTER_GRADIENT has no effect. Thread-safe.
 * Errors: INVALID_ARGUMENT (plan is null), UNSUPPORTED (it is no plan of linear-cross-entropy). */
CLXENT_API clxent_status clxent_plan_set_product(clxent_plan *plan, clxent_product_function function, void *user);

/** Releases a plan. Kernels already enqueued still run. NULL is allowed. */
CLXENT_API void clxent_plan_destroy(clxent_plan *plan);

/* --------------------------------------------------------------------------------------------------- execution ---- */

/** Enqueues a plan on the caller's queue, in-order or out-of-order. The first kernel waits for the `wait_count` events
 * of `wait_list`; *event (if `event` is not null) is that of the last kernel and is the caller's to release. Never
 * compiles, never allocates device memory, never blocks. A target outside [0, classes) that is not ignore_index makes
 * its row's loss and gradient NaN, is counted in invalid_count and disturbs no other row; so does an input or target
 * of binary-cross-entropy outside [0, 1] to its element.
 * Errors: INVALID_ARGUMENT, MISSING_BUFFER, INVALID_BUFFER, BUFFER_TOO_SMALL, INVALID_QUEUE: nothing was enqueued, and
 * outputs and *event are untouched. OpenCL codes: an enqueue failed part-way; *event is untouched, outputs undefined.
 */
CLXENT_API clxent_status clxent_enqueue(cl_command_queue queue, clxent_plan *plan, const clxent_args *args,
                                        cl_uint wait_count, const cl_event *wait_list, cl_event *event);

/** Would clxent_enqueue take these? Looks at all that it looks at, and enqueues nothing. For who has to know before something else is
 * done that cannot be taken back, like a message to another process. Errors: those of clxent_enqueue for its arguments, and
 * OpenCL codes of queries. */
CLXENT_API clxent_status clxent_check_args(cl_command_queue queue, clxent_plan *plan, const clxent_args *args);

/** Runs a descriptor on host arrays and waits for the result. Plans, queue and buffers are kept in the context for the
 * next call; on devices that share memory with the host, arrays are used in place, without a copy. Arrays must be
 * aligned to their element. Errors: those of clxent_plan_create; MISSING_BUFFER; INVALID_BUFFER; INVALID_TARGET, naming
 * the first position outside [0, classes), or for binary-cross-entropy outside [0, 1]; INVALID_INPUT likewise;
 * INVALID_OPTION (a mix_lambda outside [0, 1]); OpenCL codes. When a check refuses, no output is written. */
CLXENT_API clxent_status clxent_run(clxent_context *context, const clxent_desc *desc, const clxent_host_args *args);

/** The same on the CPU in plain C, in double precision, rounded once at the end; calls no OpenCL. engine and
 * work_group_size are checked and otherwise ignored. Slow and simple on purpose: it is what the kernels are tested
 * against. Errors: as clxent_run, without OpenCL's. */
CLXENT_API clxent_status clxent_reference(const clxent_desc *desc, const clxent_host_args *args);

#ifdef __cplusplus
}
#endif

#endif
