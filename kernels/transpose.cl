/* A square of LANES vectors, rows to columns, by exchanging its blocks of half the size across the diagonal, then the blocks
 * in those. Written out, as that is what compilers turn into the shuffles that a processor has. */

#if (defined(TILE) || defined(PRODUCT)) && LANES > 1
#define EXCHANGE(a, b, first, second)                                                                                  \
    do {                                                                                                               \
        lanes kept = first(a, b);                                                                                      \
        b = second(a, b);                                                                                              \
        a = kept;                                                                                                      \
    } while (0)

/* Element by element for 4: Oclgrind 21.10 crashes on the shuffles that it gets for parts of so short a vector. */
#if LANES == 4
#define LOWER_HALVES(a, b) (lanes)((a).x, (a).y, (b).x, (b).y)
#define UPPER_PARTS(a, b) (lanes)((a).z, (a).w, (b).z, (b).w)
#else
#define LOWER_HALVES(a, b) (lanes)((a).lo, (b).lo)
#define UPPER_PARTS(a, b) (lanes)((a).hi, (b).hi)
#endif

#if LANES == 4
#define EVEN_1(a, b) (lanes)((a).x, (b).x, (a).z, (b).z)
#define ODD_1(a, b) (lanes)((a).y, (b).y, (a).w, (b).w)
#elif LANES == 8
#define EVEN_2(a, b) (lanes)((a).s01, (b).s01, (a).s45, (b).s45)
#define ODD_2(a, b) (lanes)((a).s23, (b).s23, (a).s67, (b).s67)
#define EVEN_1(a, b) (lanes)((a).s0, (b).s0, (a).s2, (b).s2, (a).s4, (b).s4, (a).s6, (b).s6)
#define ODD_1(a, b) (lanes)((a).s1, (b).s1, (a).s3, (b).s3, (a).s5, (b).s5, (a).s7, (b).s7)
#elif LANES == 16
#define EVEN_4(a, b) (lanes)((a).s0123, (b).s0123, (a).s89ab, (b).s89ab)
#define ODD_4(a, b) (lanes)((a).s4567, (b).s4567, (a).scdef, (b).scdef)
#define EVEN_2(a, b) (lanes)((a).s01, (b).s01, (a).s45, (b).s45, (a).s89, (b).s89, (a).scd, (b).scd)
#define ODD_2(a, b) (lanes)((a).s23, (b).s23, (a).s67, (b).s67, (a).sab, (b).sab, (a).sef, (b).sef)
#define EVEN_1(a, b)                                                                                                   \
    (lanes)((a).s0, (b).s0, (a).s2, (b).s2, (a).s4, (b).s4, (a).s6, (b).s6, (a).s8, (b).s8, (a).sa, (b).sa, (a).sc,    \
            (b).sc, (a).se, (b).se)
#define ODD_1(a, b)                                                                                                    \
    (lanes)((a).s1, (b).s1, (a).s3, (b).s3, (a).s5, (b).s5, (a).s7, (b).s7, (a).s9, (b).s9, (a).sb, (b).sb, (a).sd,    \
            (b).sd, (a).sf, (b).sf)
#endif

/* Vectors whose numbers differ in the bit `distance`. */
#define EXCHANGE_ALL(distance, first, second)                                                                          \
    _Pragma("unroll") for (int i = 0; i < LANES; i++) if (!(i & (distance)))                                           \
        EXCHANGE(square[i], square[i | (distance)], first, second)

INLINED void transpose(lanes square[LANES]) {
    EXCHANGE_ALL(LANES / 2, LOWER_HALVES, UPPER_PARTS);
#if LANES == 16
    EXCHANGE_ALL(4, EVEN_4, ODD_4);
#endif
#if LANES >= 8
    EXCHANGE_ALL(2, EVEN_2, ODD_2);
#endif
    EXCHANGE_ALL(1, EVEN_1, ODD_1);
}
#endif
