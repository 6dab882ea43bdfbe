/* From bytes to a case for the device: which bytes mean what. */
#include "fuzz_case.h"

#include <float.h>
#include <math.h>

/* What is compiled in. */
enum { ELEMENTS = 1, SMOOTHING = 2, SCALE = 4, SOFTCAP = 8, SQUARES = 16 };

typedef struct program {
    clxent_op op;
    clxent_pass pass;
    clxent_dtype dtype;
    clxent_engine engine;
    clxent_target_type target_type;
    unsigned features; /* options that are used; of a binary loss: one for each element */
} program;

#define PROGRAM(op, pass, dtype, engine, target, features)                                                             \
    { CLXENT_##op, CLXENT_##pass, CLXENT_##dtype, CLXENT_ENGINE_##engine, CLXENT_TARGET_##target, features }

static const program programs[] = {
    PROGRAM(SOFTMAX, FORWARD, F32, ROW_PER_ITEM, I32, 0),
    PROGRAM(SOFTMAX, BACKWARD, BF16, ROWS_PER_LANE, I32, 0),
    PROGRAM(LOG_SOFTMAX, BACKWARD, F16, ROW_PER_GROUP, I32, 0),
    PROGRAM(NLL_LOSS, FORWARD, F32, ROW_PER_ITEM, I64, 0),
    PROGRAM(NLL_LOSS, BACKWARD, BF16, COLUMN, U8, 0),
    PROGRAM(CROSS_ENTROPY, FORWARD_BACKWARD, F32, AUTO, I32, 0),
    PROGRAM(CROSS_ENTROPY, FORWARD_BACKWARD, F16, ROW_PER_ITEM, I64, SMOOTHING),
    PROGRAM(CROSS_ENTROPY, FORWARD_BACKWARD, F64, ROW_PER_ITEM, I32, SCALE | SOFTCAP | SQUARES),
    PROGRAM(CROSS_ENTROPY, BACKWARD, F32, ROW_PER_GROUP, I32, SCALE),
    PROGRAM(CROSS_ENTROPY, FORWARD, F32, ROW_SPLIT, U8, 0),
    PROGRAM(CROSS_ENTROPY, FORWARD_BACKWARD, F32, COLUMN, PROBABILITIES, 0),
    PROGRAM(CROSS_ENTROPY, BACKWARD, BF16, ROW_PER_ITEM, PROBABILITIES_F32, SMOOTHING | SQUARES),
    PROGRAM(BINARY_CROSS_ENTROPY, FORWARD_BACKWARD, F32, ROW_PER_ITEM, PROBABILITIES, 0),
    PROGRAM(BINARY_CROSS_ENTROPY_WITH_LOGITS, FORWARD_BACKWARD, F16, ROW_PER_ITEM, PROBABILITIES_F32, ELEMENTS),
    PROGRAM(BINARY_CROSS_ENTROPY_WITH_LOGITS, BACKWARD, F32, COLUMN, PROBABILITIES, 0),
};

/* ---- well-formed ---- */

static void take_shape(clxent_desc *desc, fuzz_bytes *bytes) {
    bool takes_inner = desc->engine == CLXENT_ENGINE_AUTO || desc->engine == CLXENT_ENGINE_COLUMN;
    uint8_t classes = fuzz_take(bytes), inner = fuzz_take(bytes);
    desc->batch = fuzz_take(bytes) % 7;
    desc->classes = 1 + classes % 70;
    desc->inner = takes_inner ? 1 + inner % 9 : inner > 240 ? 2 : 1;
    if (classes == 255 && desc->engine == CLXENT_ENGINE_ROW_SPLIT) { /* two chunks */
        desc->classes = 16385;
        desc->batch %= 3;
    }
    uint8_t padding = fuzz_take(bytes) % 4;
    if (padding > 0)
        desc->row_stride = desc->classes * desc->inner + padding - 1;
}

static void take_loss_options(clxent_desc *desc, const program *p, fuzz_bytes *bytes) {
    const int64_t ignored[] = {-100, 0, (int64_t)desc->classes - 1, 255, INT64_MIN, INT64_MAX, INT32_MIN, INT32_MAX};
    uint8_t reduction = fuzz_take(bytes), index = fuzz_take(bytes);
    desc->target_type = p->target_type;
    desc->reduction = p->features & ELEMENTS                    ? CLXENT_REDUCTION_NONE
                      : desc->op >= CLXENT_BINARY_CROSS_ENTROPY ? (clxent_reduction)(1 + reduction % 2)
                                                                : (clxent_reduction)(reduction % 3);
    desc->flags = fuzz_take(bytes) % 4;
    desc->grad_scale = PICK(bytes, 1, 0, -2, 1024, .1f);
    if (p->target_type < CLXENT_TARGET_PROBABILITIES)
        desc->ignore_index = ignored[index % COUNT(ignored)];
}

static void take_logit_options(clxent_desc *desc, const program *p, fuzz_bytes *bytes) {
    desc->label_smoothing = PICK(bytes, .1f, 1, .5, 1e-6f);
    desc->logit_scale = PICK(bytes, 2, -1.5, 0, .25, 1e-3f);
    desc->logit_softcap = PICK(bytes, 30, 1, 5, 1000);
    desc->reg_lambda = PICK(bytes, .5, -.5, 1e-3f, 2);
    desc->z_loss = PICK(bytes, 0, 1e-4f, .125, 1);
    desc->mix_lambda = PICK(bytes, 1, 0, .25, .9f);
    if (!(p->features & SMOOTHING))
        desc->label_smoothing = 0;
    if (!(p->features & SCALE))
        desc->logit_scale = 1;
    if (!(p->features & SOFTCAP))
        desc->logit_softcap = 0;
    if (!(p->features & SQUARES))
        desc->reg_lambda = 0;
    if (p->target_type >= CLXENT_TARGET_PROBABILITIES)
        desc->mix_lambda = 1;
}

/* Where it is allowed; where it is not is for the fuzzer of arguments. */
static in_place take_in_place(const clxent_desc *desc, uint8_t byte) {
    bool forward = desc->pass == CLXENT_FORWARD;
    if (byte % 2 == 0 || desc->op == CLXENT_NLL_LOSS || (desc->flags & CLXENT_ACCUMULATE_GRAD))
        return APART;
    if (is_loss(desc->op))
        return forward ? APART : OVER_INPUT;
    return forward ? OVER_INPUT : byte % 4 == 1 ? OVER_OUTPUT : OVER_GRAD_OUTPUT;
}

device_case fuzz_take_case(fuzz_bytes *bytes) {
    device_case c;
    const program *p = &programs[fuzz_take(bytes) % COUNT(programs)];
    memset(&c, 0, sizeof c);
    clxent_desc_init(&c.desc, p->op);
    c.desc.pass = p->pass;
    c.desc.dtype = p->dtype;
    c.desc.engine = p->engine;
    take_shape(&c.desc, bytes);
    if (is_loss(p->op))
        take_loss_options(&c.desc, p, bytes);
    if (p->op == CLXENT_CROSS_ENTROPY)
        take_logit_options(&c.desc, p, bytes);
    c.given = fuzz_take(bytes);
    c.given |= (unsigned)fuzz_take(bytes) << 8;
    uint8_t kinds = fuzz_take(bytes);
    c.zero_weights = kinds & 1;
    c.poison = kinds & 2;
    c.in_place = take_in_place(&c.desc, fuzz_take(bytes));
    c.seed = 1 + (uint64_t)fuzz_take(bytes);
    return c;
}

/* ---- values ---- */

/* Quarters and eighths around 0, and the ends of things. 1e30 and beyond are left out: there float overflows between one
 * step and the next where the reference, in double, does not. */
static double number_of(uint8_t byte) {
    static const double special[] = {NAN, INFINITY, -INFINITY, 0,    -0.0,  88,    -88,   104,     -104,
                                     1e4, -1e4,     1e8,       -1e8, 65504, 1e-30, 1e-40, 0x1p-24, 1 - 0x1p-24};
    return byte < 256 - COUNT(special) ? ((double)byte - 118) / 8 : special[byte - (256 - COUNT(special))];
}

static double value_of(const device_data *d, clx_tensor tensor, uint8_t byte) {
    bool probabilities = d->c.desc.op == CLXENT_BINARY_CROSS_ENTROPY;
    switch (tensor) {
    case CLX_INPUT:
        return probabilities && byte < 250 ? byte / 248.0 : number_of(byte);
    case CLX_TARGET:
        return byte < 250 ? byte / 248.0 : is_binary(d->c.desc.op) ? -1 : NAN;
    case CLX_MIX_LAMBDA:
        return byte < 250 ? byte / 248.0 : number_of(byte - 18);
    case CLX_GRAD_OUTPUT:
    case CLX_GRAD_INPUT:
        return ((double)byte - 128) / 16;
    default: /* weights */
        return byte / 64.0;
    }
}

static int64_t class_of(const device_data *d, uint8_t byte) {
    const int64_t classes = (int64_t)d->problem.desc.classes;
    const int64_t special[] = {-1,        classes, d->problem.desc.ignore_index, INT32_MAX, INT32_MIN, INT64_MAX,
                               INT64_MIN, 255};
    return byte < 256 - COUNT(special) ? byte % classes : special[byte - (256 - COUNT(special))];
}

static void change_value(device_data *d, clx_tensor tensor, uint8_t where, uint8_t byte) {
    const guarded *changed = &d->tensors[tensor];
    bool classes = is_loss(d->c.desc.op) && !clx_has_probabilities(&d->problem);
    if (changed->bytes == NULL || changed->size == 0 || tensor == CLX_LSE || tensor >= CLX_INVALID_COUNT)
        return;
    if (tensor == CLX_OUTPUT || tensor == CLX_ARGMAX || (tensor == CLX_GRAD_INPUT && !(d->c.desc.flags & 1)))
        return;
    size_t i = where % (changed->size / clx_element_size(&d->problem, tensor));
    if (classes && (tensor == CLX_TARGET || tensor == CLX_TARGET2))
        set_class(d, tensor, i, class_of(d, byte));
    else
        set_number(changed, i, value_of(d, tensor, byte));
}

void fuzz_make_data(device_data *d, const device_case *c, fuzz_bytes bytes) {
    data_init(d, c);
    for (int i = 0; i < 64 && bytes.left >= 3; i++) {
        clx_tensor tensor = fuzz_take(&bytes) % CLX_TENSORS;
        uint8_t where = fuzz_take(&bytes);
        change_value(d, tensor, where, fuzz_take(&bytes));
    }
}

/* ---- without meaning ---- */

static size_t odd_size(fuzz_bytes *bytes) {
    static const size_t sizes[] = {0,
                                   1,
                                   SIZE_MAX,
                                   SIZE_MAX / 2,
                                   SIZE_MAX / 2 + 1,
                                   SIZE_MAX / 8,
                                   (size_t)1 << 60,
                                   SIZE_MAX / 16,
                                   (size_t)1 << 32,
                                   (size_t)1 << 31,
                                   ((size_t)1 << 31) - 1,
                                   (size_t)1 << 20};
    uint8_t which = fuzz_take(bytes);
    return which < 240 ? sizes[which % COUNT(sizes)] : (size_t)fuzz_take_word(bytes);
}

static int odd_enum(fuzz_bytes *bytes, int last) {
    const int values[] = {-1, last + 1, INT32_MAX, INT32_MIN, last + 255};
    return values[fuzz_take(bytes) % COUNT(values)];
}

static double odd_number(fuzz_bytes *bytes) {
    return PICK(bytes, NAN, -INFINITY, INFINITY, -1, 2, 1e39, 1e-310, -1e-310);
}

static void spoil_member(clxent_desc *desc, uint8_t member, fuzz_bytes *bytes) {
    double *const numbers[] = {&desc->label_smoothing, &desc->logit_softcap, &desc->z_loss,    &desc->reg_lambda,
                               &desc->mix_lambda,      &desc->logit_scale,   &desc->grad_scale};
    size_t *const sizes[] = {&desc->batch,       &desc->classes,         &desc->inner,
                             &desc->row_stride,  &desc->work_group_size, &desc->class_start,
                             &desc->class_total, &desc->parts,           &desc->features};
    enum {
        OP,
        PASS,
        DTYPE,
        TARGET,
        REDUCTION,
        ENGINE,
        FLAGS,
        IGNORED,
        STRUCT,
        SIZES,
        NUMBERS = SIZES + 9,
        LIMIT = NUMBERS + 7,
        ALL
    };
    member %= ALL;
    if (member == LIMIT)
        desc->workspace_limit = fuzz_take(bytes) < 128 ? odd_size(bytes) : fuzz_take(bytes) * UINT64_C(1000);
    else if (member >= NUMBERS)
        *numbers[member - NUMBERS] = odd_number(bytes);
    else if (member >= SIZES)
        *sizes[member - SIZES] = odd_size(bytes);
    else if (member == OP)
        desc->op = (clxent_op)odd_enum(bytes, CLXENT_LINEAR_CROSS_ENTROPY);
    else if (member == PASS)
        desc->pass = (clxent_pass)odd_enum(bytes, CLXENT_FORWARD_BACKWARD);
    else if (member == DTYPE)
        desc->dtype = (clxent_dtype)odd_enum(bytes, CLXENT_BF16);
    else if (member == TARGET)
        desc->target_type = (clxent_target_type)odd_enum(bytes, CLXENT_TARGET_PROBABILITIES_F32);
    else if (member == REDUCTION)
        desc->reduction = (clxent_reduction)odd_enum(bytes, CLXENT_REDUCTION_SUM);
    else if (member == ENGINE)
        desc->engine = (clxent_engine)odd_enum(bytes, CLXENT_ENGINE_ROW_SPLIT);
    else if (member == FLAGS)
        desc->flags = fuzz_take_word(bytes);
    else if (member == IGNORED)
        desc->ignore_index = (int64_t)fuzz_take_word(bytes);
    else
        desc->struct_size = fuzz_take(bytes) < 128 ? odd_size(bytes) : sizeof *desc - 8;
}

void fuzz_spoil_descriptor(clxent_desc *desc, fuzz_bytes *bytes) {
    for (int left = 1 + fuzz_take(bytes) % 3; left > 0; left--) {
        uint8_t member = fuzz_take(bytes);
        spoil_member(desc, member, bytes);
    }
}

/* ---- statuses ---- */

bool fuzz_may_refuse(const clxent_desc *desc, clxent_status status) {
    if (status == CLXENT_UNSUPPORTED)
        return desc->engine != CLXENT_ENGINE_AUTO || desc->work_group_size != 0 || desc->class_total > INT32_MAX;
    return desc->op == CLXENT_LINEAR_CROSS_ENTROPY &&
           (status == CLXENT_INVALID_SHAPE || (status == CLXENT_INVALID_OPTION && desc->workspace_limit > 0));
}

void fuzz_expect_sentence(clxent_status status) {
    FUZZ_EXPECT(status == CLXENT_SUCCESS || clxent_last_error()[0] != '\0', "status %d without a sentence",
                (int)status);
}
