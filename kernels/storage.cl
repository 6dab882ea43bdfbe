/* Elements of tensors of the logits' shape, read as real and written rounded to the nearest, ties to even. One by one and as
 * vectors; neither 16-bit type needs an extension of the device. */

#if STORAGE == F16 || STORAGE == BF16
/* Conversions go by way of a vector of the 16 bits, and so do single elements: that is one instruction or a few, where
 * vload_half and vstore_half of one element can be software of a hundred. */
#if LANES == 1
#define BITS_LANES 2
#else
#define BITS_LANES LANES
#endif
typedef JOIN(ushort, BITS_LANES) bits_lanes;
typedef JOIN(float, BITS_LANES) float_lanes;

#if STORAGE == F16
/* By way of a variable, which is aligned to its size: vload_half8 and its like need the alignment of one element by the
 * standard, but PoCL 3.1 takes that of the vector for granted on processors with F16C, and crashes without it. */
static float_lanes widened(bits_lanes bits) {
    return JOIN(vload_half, BITS_LANES)(0, (const half *)&bits);
}

static bits_lanes rounded(float_lanes v) {
    bits_lanes bits;
    JOIN(JOIN(vstore_half, BITS_LANES), _rte)(v, 0, (half *)&bits);
    return bits;
}
#else
typedef JOIN(uint, BITS_LANES) uint_lanes;
#if BITS_LANES == 16
#define UPPER_HALVES(bits) (ushort16)(as_ushort16((bits).lo).odd, as_ushort16((bits).hi).odd)
#elif BITS_LANES == 8 /* one by one for Oclgrind, see docs/devices.md; compilers make the same of it */
#define UPPER_HALVES(bits) UPPER_OF_8(as_ushort16(bits))
#define UPPER_OF_8(h) (ushort8)(h.s1, h.s3, h.s5, h.s7, h.s9, h.sb, h.sd, h.sf)
#else
#define UPPER_HALVES(bits) (UPPER_HALVES_OF(BITS_LANES)(bits).odd)
#define UPPER_HALVES_OF(n) JOIN(UPPER_HALVES_, n)
#define UPPER_HALVES_2 as_ushort4
#define UPPER_HALVES_4 as_ushort8
#endif

/* The upper half of a float. */
static float_lanes widened(bits_lanes bits) {
    return JOIN(as_float, BITS_LANES)(JOIN(convert_uint, BITS_LANES)(bits) << 16u);
}

/* Adds what carries into the upper half where it rounds up; a NaN keeps a bit of its own instead, lest it carry to 0. The
 * upper halves are taken by their place, which is one shuffle: converting them takes a processor many times as long. */
static bits_lanes rounded(float_lanes v) {
    uint_lanes bits = JOIN(as_uint, BITS_LANES)(v);
    uint_lanes up = bits + ((uint_lanes)0x7fffu + ((bits >> 16u) & 1u));
    bits = v != v ? bits | 0x400000u : up;
    return UPPER_HALVES(bits);
}
#endif

static real from_storage(__global const storage *p) {
    ushort bits = *(__global const ushort *)p;
    return widened((bits_lanes)bits).s0;
}

static void to_storage(real v, __global storage *p) {
    *(__global ushort *)p = rounded((float_lanes)v).s0;
}

#else
#define widened(v) (v)
#define rounded(v) (v)

static real from_storage(__global const storage *p) {
    return p[0];
}

static void to_storage(real v, __global storage *p) {
    p[0] = v;
}
#endif

/* ---- whole vectors ---- */

#if LANES == 1
#define PACK_STORAGE(p) from_storage(p)
#define UNPACK_STORAGE(v, p) to_storage(v, p)
#else

#if STORAGE == F16 || STORAGE == BF16
typedef ushort stored;
typedef bits_lanes stored_lanes;
#else
typedef real stored;
typedef lanes stored_lanes;
#endif

/* PoCL's vstore of a vector of ushort is a store for each of them; a type that asks for no more alignment is one store. */
#if defined(PREFETCH_AHEAD) && !REAL64 && STORAGE != F32
typedef stored_lanes __attribute__((aligned(2))) loose_lanes;
#define STORE_LOOSE(v, p) (*(__global loose_lanes *)(p) = (v))
#else
#define STORE_LOOSE(v, p) JOIN(vstore, LANES)(v, 0, p)
#endif

/* Where a group shares a row its vectors are 16 bytes on a GPU, which loads and stores them by one instruction if it is told
 * that they lie at a multiple of that. Those that do not are read by their elements: a compiler would merge two loads of the
 * same vector, and believe what it may of both. */
#if SHARED_ROWS
#define IS_ALIGNED(p) (((size_t)(p) & (sizeof(stored_lanes) - 1)) == 0)
#define ELEMENT(k) p[k]
#define LOAD_LOOSE(p) (stored_lanes)(EACH_LANE(ELEMENT))
#else
#define IS_ALIGNED(p) false
#define LOAD_LOOSE(p) JOIN(vload, LANES)(0, p)
#endif

static lanes load_stored(__global const stored *p) {
    return widened(IS_ALIGNED(p) ? *(__global const stored_lanes *)p : LOAD_LOOSE(p));
}

static void store_stored(lanes v, __global stored *p) {
    if (IS_ALIGNED(p))
        *(__global stored_lanes *)p = rounded(v);
    else
        STORE_LOOSE(rounded(v), p);
}

#define PACK_STORAGE(p) load_stored((__global const stored *)(p))
#define UNPACK_STORAGE(v, p) store_stored(v, (__global stored *)(p))
#endif

/* Past the caches, where a compiler is known to do that: a line is then not read before it is written. p is aligned to the
 * vector. Worth it for long rows, the ends of which share their lines with others, in a tensor so large that nobody finds it in
 * a cache afterwards. */
#if defined(PREFETCH_AHEAD) && LANES > 1
#define STREAMED_CLASSES 4096
#define STREAMED_BYTES (32L << 20)
#define STREAM_STORAGE(v, p) __builtin_nontemporal_store(rounded(v), (__global stored_lanes *)(p))
#define IS_STREAMED(a)                                                                                                 \
    ((a)->classes >= STREAMED_CLASSES && (a)->batch * (a)->classes >= STREAMED_BYTES / (long)sizeof(storage))
#else
#define STREAM_STORAGE(v, p) UNPACK_STORAGE(v, p)
#define IS_STREAMED(a) false
#endif
