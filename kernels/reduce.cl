/* The fixed-order sums over rows: of losses, of the weights that a mean is divided by, and counts of rows.
 *
 * Rows are dealt out in runs of RUN to the chunks in turn. A chunk adds run onto run, then its RUN lanes as a tree, and the
 * chunks are added as a tree. The order depends on the number of rows alone (through the number of chunks, a power of
 * two), so the result has the same bits however many work-items and work-groups there are. */

#define RUN 16

/* bits of `what` */
#define SUM_LOSSES 1u
#define SUM_TARGETS 2u /* their weights, how many count, how many are invalid */
#define COUNT_CORRECT 4u
#define STORE_INVALID 8u
#define DIVIDE 16u     /* the result is the sum of losses over the sum of weights */

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

static real sum_run(real lane[RUN]) {
    for (int width = RUN / 2; width > 0; width /= 2)
        for (int i = 0; i < width; i++)
            lane[i] += lane[i + width];
    return lane[0];
}

static void sum_losses_of_chunk(const sums *s, __global const real *losses, long rows, int chunk) {
    real sum[RUN];
    for (int i = 0; i < RUN; i++)
        sum[i] = 0;
    for (long row = (long)chunk * RUN; row < rows; row += (long)s->chunks * RUN) {
        if (row + RUN <= rows) {
            for (int i = 0; i < RUN; i++)
                sum[i] += losses[row + i];
        } else {
            for (int i = 0; i < (int)(rows - row); i++)
                sum[i] += losses[row + i];
        }
    }
    s->sums[LOSS * s->chunks + chunk] = sum_run(sum);
}

/* Does the row count for this target? Its class weight, if so; 1 for probabilities. */
static bool row_counts(const op_args *a, int which, long row, real *weight, ulong *invalid) {
    *weight = 1;
#if TARGET_KIND == CLASS_TARGETS
    long y = (long)a->target[which][row];
    if (y == a->ignore_index)
        return false;
    if (!IN_RANGE(y, a->classes)) {
        *invalid += 1;
        return false;
    }
    if (a->given & GIVEN_WEIGHT)
        *weight = a->weight[y];
#endif
    return true;
}

static void sum_targets_of_chunk(const sums *s, const op_args *a, int which, long rows, int chunk) {
    real weights[RUN], samples[RUN];
    ulong counted = 0, invalid = 0;
    for (int i = 0; i < RUN; i++)
        weights[i] = samples[i] = 0;
    for (long row = (long)chunk * RUN; row < rows; row += (long)s->chunks * RUN) {
        int live = (int)min((long)RUN, rows - row);
        for (int i = 0; i < live; i++) {
            real weight;
            if (!row_counts(a, which, row + i, &weight, &invalid))
                continue;
            real u = a->given & GIVEN_SAMPLE_WEIGHT ? ((__global const real *)a->sample_weight)[row + i] : (real)1;
            weights[i] += u * weight;
            samples[i] += u;
            counted++;
        }
    }
    s->sums[(WEIGHTS + 2 * which) * s->chunks + chunk] = sum_run(weights);
    s->sums[(SAMPLES + 2 * which) * s->chunks + chunk] = sum_run(samples);
    s->counts[(COUNTED + which) * s->chunks + chunk] = counted;
    s->counts[INVALID * s->chunks + chunk] = invalid + (which == 0 ? 0 : s->counts[INVALID * s->chunks + chunk]);
}

static void count_correct_of_chunk(const sums *s, const op_args *a, long rows, int chunk) {
    ulong correct = 0;
#if TARGET_KIND == CLASS_TARGETS
    for (long row = (long)chunk * RUN; row < rows; row += (long)s->chunks * RUN) {
        int live = (int)min((long)RUN, rows - row);
        for (int i = 0; i < live; i++) {
            long y = (long)a->target[0][row + i];
            if (y != a->ignore_index && y == a->argmax[row + i])
                correct++;
        }
    }
#endif
    s->counts[CORRECT * s->chunks + chunk] = correct;
}

/* Adds the upper half of the chunks onto the lower one, for one kind of sum. */
#define ADD_HALF(array, kind) (array)[(kind) * s->chunks + i] += (array)[(kind) * s->chunks + i + width]

static void add_chunks(const sums *s, const op_args *a, uint what) {
    for (int width = s->chunks / 2; width > 0; width /= 2) {
        barrier(CLK_GLOBAL_MEM_FENCE);
        for (int i = (int)get_local_id(0); i < width; i += (int)get_local_size(0)) {
            if (what & SUM_LOSSES)
                ADD_HALF(s->sums, LOSS);
            if (what & SUM_TARGETS) {
                ADD_HALF(s->counts, INVALID);
                for (int which = 0; which < TARGETS(a); which++) {
                    ADD_HALF(s->sums, WEIGHTS + 2 * which);
                    ADD_HALF(s->sums, SAMPLES + 2 * which);
                    ADD_HALF(s->counts, COUNTED + which);
                }
            }
            if (what & COUNT_CORRECT)
                ADD_HALF(s->counts, CORRECT);
        }
    }
    barrier(CLK_GLOBAL_MEM_FENCE);
}

/* The one loss from the sum of losses. Where each row's was divided already, only a mean over nothing is left to see. */
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
                          __global ulong *correct_count) {
    for (int which = 0; which < TARGETS(a) && (what & SUM_TARGETS); which++) {
        s->totals[which].weights = s->sums[(WEIGHTS + 2 * which) * s->chunks];
        s->totals[which].samples = s->sums[(SAMPLES + 2 * which) * s->chunks];
        s->counted[which] = s->counts[(COUNTED + which) * s->chunks];
    }
    if (what & STORE_INVALID)
        invalid_count[0] = s->counts[INVALID * s->chunks];
    if (what & COUNT_CORRECT)
        correct_count[0] = s->counts[CORRECT * s->chunks];
    if (what & SUM_LOSSES)
        ((__global real *)a->output)[0] = total_loss(s, a, what);
}

__kernel void reduce_rows(OP_PARAMETERS, ulong losses_at, __global char *invalid_count, ulong invalid_count_at,
                          __global char *correct_count, ulong correct_count_at, int chunks, uint what, uint stages) {
    OP_ARGUMENTS(a);
    long rows = a.batch * a.inner;
    sums s;
    s.totals = (__global target_totals *)(workspace + workspace_at);
    s.counted = (__global ulong *)(workspace + workspace_at) + 4;
    s.counts = s.counted + 4;
    s.sums = (__global real *)(s.counts + COUNTS * chunks);
    s.chunks = chunks;

    if (stages & SUM_CHUNKS) {
        __global const real *losses = (__global const real *)(workspace + workspace_at + losses_at);
        for (int chunk = (int)get_global_id(0); chunk < chunks; chunk += (int)get_global_size(0)) {
            if (what & SUM_LOSSES)
                sum_losses_of_chunk(&s, losses, rows, chunk);
            for (int which = 0; which < TARGETS(&a) && (what & SUM_TARGETS); which++)
                sum_targets_of_chunk(&s, &a, which, rows, chunk);
            if (what & COUNT_CORRECT)
                count_correct_of_chunk(&s, &a, rows, chunk);
        }
    }
    if (stages & ADD_CHUNKS) {
        add_chunks(&s, &a, what);
        if (get_local_id(0) == 0)
            store_results(&s, &a, what, (__global ulong *)(invalid_count + invalid_count_at),
                          (__global ulong *)(correct_count + correct_count_at));
    }
}
