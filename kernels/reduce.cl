/* The fixed-order sums over rows: of losses, of the weights that a mean is divided by, and counts of rows.
 *
 * Rows are dealt out to chunks, a stretch of neighbouring rows each. A chunk adds runs of RUN rows onto each other,
 * lane by lane, then its lanes as a tree, and the chunks are added as a tree. The order depends on the number of rows
 * alone (through the number of chunks, a power of two), so the result has the same bits however many work-items and
 * work-groups there are. Where no row has a weight, the sum of the weights is the number of rows that count, and
 * nothing is summed. */

#define RUN 16

/* bits of `what` */
#define SUM_LOSSES 1u
#define SUM_TARGETS 2u /* their weights, how many count, how many are invalid */
#define COUNT_CORRECT 4u
#define STORE_INVALID 8u
#define DIVIDE 16u     /* the result is the sum of losses over the sum of weights */
#define STORE_WEIGHTS 32u

/* bits of `stages` */
#define SUM_CHUNKS 1u
#define ADD_CHUNKS 2u /* in a launch of one work-group */

/* What is summed up, a number for each chunk. */
enum { LOSS, WEIGHTS, SAMPLES, SUMS = 5 };  /* WEIGHTS and SAMPLES again for target2 */
enum { COUNTED, INVALID = 2, CORRECT, COUNTS }; /* COUNTED again for target2 */

/* The head of the workspace, laid out by host/workspace.c: the totals of both targets, then the chunks' sums. */
typedef struct sums {
    __global target_totals *totals;
    __global ulong *counted; /* rows that count, for both targets */
    __global ulong *counts;  /* [COUNTS][chunks] */
    __global real *sums;     /* [SUMS][chunks] */
    int chunks;
} sums;

/* A number for each row of a run. */
typedef REAL_N(RUN) run_real;
#define LOAD_RUN(from) JOIN(vload, RUN)(0, from)

/* Targets are compared, and rows counted, in lanes as narrow as the targets allow. Masks are -1 or 0, so that
 * subtracting one counts; a lane counts the rows of one chunk alone, which an int holds. */
#define TARGET_IS_LONG_long 1
#if TARGET_KIND == CLASS_TARGETS && JOIN(TARGET_IS_LONG_, TARGET_TYPE)
#define KEY long
#define UNSIGNED_KEY ulong
#define MOST_CLASSES LONG_MAX
#else
#define KEY int
#define UNSIGNED_KEY uint
#define MOST_CLASSES ((long)INT_MAX + 1)
#endif
typedef JOIN(KEY, RUN) run_key;
typedef JOIN(UNSIGNED_KEY, RUN) run_unsigned_key;
#define RUN_AS_UNSIGNED(x) JOIN(JOIN(as_, UNSIGNED_KEY), RUN)(x)
#define CLASSES_AS_KEY(a) ((run_unsigned_key)(UNSIGNED_KEY)min((a)->classes, MOST_CLASSES))
#define WHERE(mask, value) (JOIN(JOIN(convert_, REAL_INT), RUN)(mask) ? (value) : (run_real)0)
#if REAL64
#define REAL_INT long
#else
#define REAL_INT int
#endif

/* Are there weights to sum? Partials always have some. */
#define IS_WEIGHTED(a) (MERGE || ((a)->given & (GIVEN_WEIGHT | GIVEN_SAMPLE_WEIGHT)))

/* The lanes of a run as a tree; in arrays, as Oclgrind takes parts of a long vector for uninitialised (docs/devices.md). */
static real sum_run(run_real x) {
    real lane[RUN];
    JOIN(vstore, RUN)(x, 0, lane);
    for (int width = RUN / 2; width > 0; width /= 2)
        for (int i = 0; i < width; i++)
            lane[i] += lane[i + width];
    return lane[0];
}

static ulong count_run(run_key x) {
    KEY lane[RUN];
    ulong count = 0;
    JOIN(vstore, RUN)(x, 0, lane);
    for (int i = 0; i < RUN; i++)
        count += (ulong)lane[i];
    return count;
}

/* Which lanes have a row? */
static run_key lanes_with_rows(long row, long end) {
    const run_key lane = (run_key)(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
    return lane < (run_key)(KEY)min(end - row, (long)RUN);
}

/* A run from row `row` on; 0 where there are fewer rows than lanes. */
static run_real load_reals(__global const real *from, long row, long end) {
    if (row + RUN <= end)
        return LOAD_RUN(from + row);
    real part[RUN];
    for (int i = 0; i < RUN; i++)
        part[i] = row + i < end ? from[row + i] : (real)0;
    return LOAD_RUN(part);
}

static void sum_losses_of_chunk(const sums *s, __global const real *losses, long begin, long end, int chunk) {
    run_real sum = 0;
    for (long row = begin; row < end; row += RUN)
        sum += load_reals(losses, row, end);
    s->sums[LOSS * s->chunks + chunk] = sum_run(sum);
}

#if TARGET_KIND == CLASS_TARGETS

/* Targets of a run; 0 where there are fewer rows than lanes. */
static run_key load_targets(const op_args *a, int which, long row, long end) {
    __global const target_t *from = a->target[which] + row;
    if (row + RUN <= end)
        return JOIN(JOIN(convert_, KEY), RUN)(LOAD_RUN(from));
    KEY part[RUN];
    for (int i = 0; i < RUN; i++)
        part[i] = row + i < end ? (KEY)from[i] : (KEY)0;
    return LOAD_RUN(part);
}

/* Which targets are ignore_index? It may be a number that no target of this type can be. */
static run_key is_ignored(const op_args *a, run_key y) {
    KEY ignore = (KEY)a->ignore_index;
    return (y == (run_key)ignore) & (run_key)((long)ignore == a->ignore_index ? (KEY)-1 : (KEY)0);
}

/* Counts the rows of all whole runs, where there are no weights to sum; gives the row behind them. Rows whose target is
 * no class and rows whose target is ignore_index are fewer comparisons than those that count. */
static long count_targets(const op_args *a, int which, long begin, long end, ulong *counted, ulong *invalid) {
    const run_key ignore = (run_key)(KEY)a->ignore_index;
    run_key no_class = 0, equal = 0;
    long row = begin;
    for (; row + RUN <= end; row += RUN) {
        run_key y = JOIN(JOIN(convert_, KEY), RUN)(LOAD_RUN(a->target[which] + row));
        no_class -= RUN_AS_UNSIGNED(y) >= CLASSES_AS_KEY(a);
        equal -= y == ignore;
    }
    ulong others = count_run(no_class);
    ulong ignored = (long)(KEY)a->ignore_index == a->ignore_index ? count_run(equal) : 0;
    bool class_ignored = IN_RANGE(a->ignore_index, a->classes);
    *counted = (ulong)(row - begin) - others - (class_ignored ? ignored : 0);
    *invalid = others - (class_ignored ? 0 : ignored);
    return row;
}

#if MERGE
/* Class weights of a run: each row's is in the partial of one shard, and 0 in those of all others. */
static run_real merge_weights(const op_args *a, long row, long end) {
    const long rows = plane_size(a);
    run_real weight = 0;
    for (long part = 0; part < a->parts; part++)
        weight += load_reals(a->partial + (part * PLANES + TARGET_WEIGHT) * rows, row, end);
    return weight;
}
#endif

/* Class weights of a run, 0 for rows that do not count. */
static run_real gather_weights(const op_args *a, run_key y, run_key counts) {
    KEY at[RUN];
    real weight[RUN];
    JOIN(vstore, RUN)(counts ? y : (run_key)-1, 0, at);
    for (int i = 0; i < RUN; i++)
        weight[i] = at[i] == -1 ? (real)0 : a->weight[at[i]];
    return LOAD_RUN(weight);
}

#endif

/* Which rows of a run count for this target, and their class weights, 1 for probabilities; counts the invalid ones. */
static run_key rows_that_count(const op_args *a, int which, long row, long end, run_key *invalid, run_real *weight) {
    run_key here = lanes_with_rows(row, end);
    *weight = 1;
#if TARGET_KIND == CLASS_TARGETS
    run_key y = load_targets(a, which, row, end);
    run_key ignored = is_ignored(a, y), inside = RUN_AS_UNSIGNED(y) < CLASSES_AS_KEY(a);
    run_key counts = inside & ~ignored & here;
    *invalid -= ~(inside | ignored) & here;
#if MERGE
    *weight = merge_weights(a, row, end);
#endif
    if (a->given & GIVEN_WEIGHT)
        *weight = gather_weights(a, y, counts);
    return counts;
#else
    return here;
#endif
}

static void sum_targets_of_chunk(const sums *s, const op_args *a, int which, long begin, long end, int chunk) {
    run_real weights = 0, samples = 0;
    run_key counted = 0, invalid = 0; /* of those from `row` on */
    ulong counted_before = 0, invalid_before = 0;
    long row = begin;
#if TARGET_KIND == CLASS_TARGETS
    if (!IS_WEIGHTED(a))
        row = count_targets(a, which, begin, end, &counted_before, &invalid_before);
#endif
    for (; row < end; row += RUN) {
        run_real weight;
        run_key counts = rows_that_count(a, which, row, end, &invalid, &weight);
        counted -= counts;
        if (a->given & GIVEN_SAMPLE_WEIGHT) {
            run_real u = load_reals((__global const real *)a->sample_weight, row, end);
            weights += WHERE(counts, u * weight);
            samples += WHERE(counts, u);
        } else if (IS_WEIGHTED(a)) {
            weights += WHERE(counts, weight);
        }
    }
    s->counts[(COUNTED + which) * s->chunks + chunk] = counted_before + count_run(counted);
    s->counts[INVALID * s->chunks + chunk] =
        invalid_before + count_run(invalid) + (which == 0 ? 0 : s->counts[INVALID * s->chunks + chunk]);
    if (IS_WEIGHTED(a))
        s->sums[(WEIGHTS + 2 * which) * s->chunks + chunk] = sum_run(weights);
    if (a->given & GIVEN_SAMPLE_WEIGHT)
        s->sums[(SAMPLES + 2 * which) * s->chunks + chunk] = sum_run(samples);
}

static void count_correct_of_chunk(const sums *s, const op_args *a, long begin, long end, int chunk) {
    ulong correct = 0;
#if TARGET_KIND == CLASS_TARGETS
    for (long row = begin; row < end; row++) {
        long y = (long)a->target[0][row];
        correct += y != a->ignore_index & y == a->argmax[row];
    }
#endif
    s->counts[CORRECT * s->chunks + chunk] = correct;
}

/* Adds the upper half of the chunks onto the lower one, for one kind of sum. */
#define ADD_HALF(array, kind) (array)[(kind) * s->chunks + i] += (array)[(kind) * s->chunks + i + width]

/* To be called by all work-items whatever `stages` says: barriers under a condition make PoCL 3.1 loop for ever
 * (docs/devices.md). */
static void add_chunks(const sums *s, const op_args *a, uint what, uint stages) {
    for (int width = stages & ADD_CHUNKS ? s->chunks / 2 : 0; width > 0; width /= 2) {
        barrier(CLK_GLOBAL_MEM_FENCE);
        for (int i = (int)get_local_id(0); i < width; i += (int)get_local_size(0)) {
            if (what & SUM_LOSSES)
                ADD_HALF(s->sums, LOSS);
            if (what & SUM_TARGETS) {
                ADD_HALF(s->counts, INVALID);
                for (int which = 0; which < TARGETS(a); which++) {
                    ADD_HALF(s->counts, COUNTED + which);
                    if (IS_WEIGHTED(a))
                        ADD_HALF(s->sums, WEIGHTS + 2 * which);
                    if (a->given & GIVEN_SAMPLE_WEIGHT)
                        ADD_HALF(s->sums, SAMPLES + 2 * which);
                }
            }
            if (what & COUNT_CORRECT)
                ADD_HALF(s->counts, CORRECT);
        }
    }
    barrier(CLK_GLOBAL_MEM_FENCE);
}

/* The one loss from the sum of losses. Where each row's was divided already, only a mean over nothing is left to see.
 */
static real total_loss(const sums *s, const op_args *a, uint what) {
    real loss = s->sums[LOSS * s->chunks];
    if (!(a->given & MEAN))
        return loss;
    real nothing = a->given & EMPTY_ZERO ? (real)0 : NOT_A_NUMBER;
#if TARGET_KIND == ELEMENT_TARGETS
    return a->batch == 0 ? nothing : loss / ((real)a->batch * (real)a->classes * (real)a->inner);
#elif TARGET_KIND != NO_TARGETS
    if (what & DIVIDE) {
        real weights = s->totals[0].weights;
        return s->counted[0] == 0 ? nothing : weights == 0 ? NOT_A_NUMBER : loss / weights;
    }
    for (int which = 0; which < TARGETS(a); which++)
        loss += s->counted[which] == 0 && share_of_target(a, which) != 0 ? nothing : (real)0;
#endif
    return loss;
}

static void store_results(const sums *s, const op_args *a, uint what, __global ulong *invalid_count,
                          __global ulong *correct_count, __global target_totals *weight_sum) {
    for (int which = 0; which < TARGETS(a) && (what & SUM_TARGETS); which++) {
        ulong counted = s->counts[(COUNTED + which) * s->chunks];
        s->counted[which] = counted;
        s->totals[which].weights = IS_WEIGHTED(a) ? s->sums[(WEIGHTS + 2 * which) * s->chunks] : (real)counted;
        s->totals[which].samples =
            a->given & GIVEN_SAMPLE_WEIGHT ? s->sums[(SAMPLES + 2 * which) * s->chunks] : (real)counted;
    }
    if (what & STORE_INVALID)
        invalid_count[0] = s->counts[INVALID * s->chunks];
    if (what & STORE_WEIGHTS) {
        weight_sum[0].weights = s->totals[0].weights;
        weight_sum[0].samples = s->totals[0].samples;
    }
    if (what & COUNT_CORRECT)
        correct_count[0] = s->counts[CORRECT * s->chunks];
    if (what & SUM_LOSSES)
        ((__global real *)a->output)[0] = total_loss(s, a, what);
}

#if MERGE
#define MERGE_PARAMETERS , __global char *partial, ulong partial_at, ulong part_count
#else
#define MERGE_PARAMETERS
#endif

/* Its parameters are those of op_args that it looks at: every one more costs time on the host at each launch. */
__kernel void reduce_rows(__global const char *target, ulong target_at, __global const char *target2, ulong target2_at,
                          __global const char *weight, ulong weight_at, __global const char *sample_weight,
                          ulong sample_weight_at, __global const char *mix_lambda, ulong mix_lambda_at,
                          __global char *output, ulong output_at, __global const char *argmax, ulong argmax_at,
                          __global char *invalid_count, ulong invalid_count_at, __global char *correct_count,
                          ulong correct_count_at, __global char *weight_sum, ulong weight_sum_at,
                          __global char *workspace, ulong workspace_at, ulong batch, ulong classes, ulong inner,
                          long ignore_index, real mix, uint given, ulong losses_at, int chunks, uint what,
                          uint stages MERGE_PARAMETERS) {
    op_args a;
    a.target[0] = (__global const target_t *)(target + target_at);
    a.target[1] = (__global const target_t *)(target2 + target2_at);
    a.weight = (__global const real *)(weight + weight_at);
    a.sample_weight = (__global const void *)(sample_weight + sample_weight_at);
    a.mix_lambda = (__global const real *)(mix_lambda + mix_lambda_at);
    a.output = (__global void *)(output + output_at);
    a.argmax = (__global long *)(argmax + argmax_at);
    a.batch = (long)batch;
    a.classes = (long)classes;
    a.inner = (long)inner;
    a.ignore_index = ignore_index;
    a.mix = mix;
    a.given = given;
#if MERGE
    a.partial = (__global real *)(partial + partial_at);
    a.parts = (long)part_count;
#endif
    long rows = a.batch * a.inner;
    sums s;
    s.totals = (__global target_totals *)(workspace + workspace_at);
    s.counted = (__global ulong *)(workspace + workspace_at) + 4;
    s.counts = s.counted + 4;
    s.sums = (__global real *)(s.counts + COUNTS * chunks);
    s.chunks = chunks;

    if (stages & SUM_CHUNKS) {
        __global const real *losses = (__global const real *)(workspace + workspace_at + losses_at);
        long runs = (rows + RUN - 1) / RUN, stretch = (runs + chunks - 1) / chunks * RUN;
        int items = (int)get_global_size(0), share = (chunks + items - 1) / items;
        int first = (int)get_global_id(0) * share, last = min(first + share, chunks);
        for (int chunk = first; chunk < last; chunk++) {
            long begin = min(chunk * stretch, rows), end = min(begin + stretch, rows);
            if (what & SUM_LOSSES)
                sum_losses_of_chunk(&s, losses, begin, end, chunk);
            for (int which = 0; which < TARGETS(&a) && (what & SUM_TARGETS); which++)
                sum_targets_of_chunk(&s, &a, which, begin, end, chunk);
            if (what & COUNT_CORRECT)
                count_correct_of_chunk(&s, &a, begin, end, chunk);
        }
    }
    add_chunks(&s, &a, what, stages);
    if ((stages & ADD_CHUNKS) && get_local_id(0) == 0)
        store_results(&s, &a, what, (__global ulong *)(invalid_count + invalid_count_at),
                      (__global ulong *)(correct_count + correct_count_at),
                      (__global target_totals *)(weight_sum + weight_sum_at));
}
