/* Elements of tensors of the logits' shape, read as real and written rounded to the nearest, ties to even. One by one and as
 * vectors; neither 16-bit type needs an extension of the device. */

#if STORAGE == F16
static real from_storage(__global const storage *p) {
    return vload_half(0, p);
}

static void to_storage(real v, __global storage *p) {
    vstore_half_rte(v, 0, p);
}

#if LANES == 1
#define PACK_STORAGE(p) from_storage(p)
#define UNPACK_STORAGE(v, p) to_storage(v, p)
#else
typedef JOIN(ushort, LANES) lanes_bits;

/* By way of a variable, which is aligned to its size: vload_half8 and its like need the alignment of one element by the
 * standard, but PoCL 3.1 takes that of the vector for granted on processors with F16C, and crashes without it. */
static lanes pack_storage(__global const storage *p) {
    lanes_bits bits = JOIN(vload, LANES)(0, (__global const ushort *)p);
    return JOIN(vload_half, LANES)(0, (const half *)&bits);
}

static void unpack_storage(lanes v, __global storage *p) {
    lanes_bits bits;
    JOIN(JOIN(vstore_half, LANES), _rte)(v, 0, (half *)&bits);
    JOIN(vstore, LANES)(bits, 0, (__global ushort *)p);
}

#define PACK_STORAGE(p) pack_storage(p)
#define UNPACK_STORAGE(v, p) unpack_storage(v, p)
#endif
#elif STORAGE == BF16
/* The upper half of a float. */
static real from_storage(__global const storage *p) {
    return as_float((uint)p[0] << 16);
}

/* Adds what carries into the upper half where it rounds up; a NaN keeps a bit of its own instead, lest it carry to 0. */
static void to_storage(real v, __global storage *p) {
    uint bits = as_uint(v);
    uint rounded = bits + (0x7fffu + ((bits >> 16) & 1u));
    p[0] = (ushort)((v != v ? bits | 0x400000u : rounded) >> 16);
}

#if LANES == 1
#define PACK_STORAGE(p) from_storage(p)
#define UNPACK_STORAGE(v, p) to_storage(v, p)
#else
typedef JOIN(uint, LANES) lanes_uint;
#if LANES == 16
#define UPPER_HALVES(bits) (ushort16)(as_ushort16((bits).lo).odd, as_ushort16((bits).hi).odd)
#else
#define UPPER_HALVES(bits) (UPPER_HALVES_OF(LANES)(bits).odd)
#define UPPER_HALVES_OF(n) JOIN(UPPER_HALVES_, n)
#define UPPER_HALVES_2 as_ushort4
#define UPPER_HALVES_4 as_ushort8
#define UPPER_HALVES_8 as_ushort16
#endif

static lanes pack_storage(__global const storage *p) {
    return JOIN(as_float, LANES)(JOIN(convert_uint, LANES)(JOIN(vload, LANES)(0, p)) << 16u);
}

/* The upper halves by their place, which is one shuffle: converting them takes a processor many times as long. */
static void unpack_storage(lanes v, __global storage *p) {
    lanes_uint bits = JOIN(as_uint, LANES)(v);
    lanes_uint rounded = bits + ((lanes_uint)0x7fffu + ((bits >> 16u) & 1u));
    bits = v != v ? bits | 0x400000u : rounded;
    JOIN(vstore, LANES)(UPPER_HALVES(bits), 0, p);
}

#define PACK_STORAGE(p) pack_storage(p)
#define UNPACK_STORAGE(v, p) unpack_storage(v, p)
#endif
#else
static real from_storage(__global const storage *p) {
    return p[0];
}

static void to_storage(real v, __global storage *p) {
    p[0] = v;
}

#define PACK_STORAGE(p) PACK(p)
#define UNPACK_STORAGE(v, p) UNPACK(v, p)
#endif
