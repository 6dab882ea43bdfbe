/* The fixed-order sums that turn per-row losses into one: sum of losses, sum of target weights, number of invalid targets.
 *
 * Rows are dealt out in runs of RUN to the chunks in turn. A chunk adds run onto run, then its RUN lanes as a tree, and the
 * chunks are added as a tree. The order depends on the number of rows alone (through the number of chunks, a power of
 * two), so the result has the same bits however many work-items and work-groups there are. */

#define RUN 16

/* bits of `what` */
#define SUM_LOSSES 1u
#define SUM_TARGETS 2u   /* their weights and how many are invalid */
#define STORE_INVALID 4u
#define DIVIDE 8u        /* the result is the sum of losses over the sum of weights */

/* bits of `stages` */
#define SUM_CHUNKS 1u
#define ADD_CHUNKS 2u /* in a launch of one work-group */

/* The head of the workspace, laid out by host/workspace.c: totals[0] is the sum of weights, then the chunks' sums. */
typedef struct sums {
    __global real *totals, *losses, *weights;
    __global ulong *invalid;
} sums;

static real sum_run(real lane[RUN]) {
    for (int width = RUN / 2; width > 0; width /= 2)
        for (int i = 0; i < width; i++)
            lane[i] += lane[i + width];
    return lane[0];
}

static void sum_losses_of_chunk(const sums *s, __global const real *losses, long rows, int chunk, int chunks) {
    real sum[RUN];
    for (int i = 0; i < RUN; i++)
        sum[i] = 0;
    for (long row = (long)chunk * RUN; row < rows; row += (long)chunks * RUN) {
        if (row + RUN <= rows) {
            for (int i = 0; i < RUN; i++)
                sum[i] += losses[row + i];
        } else {
            for (int i = 0; i < (int)(rows - row); i++)
                sum[i] += losses[row + i];
        }
    }
    s->losses[chunk] = sum_run(sum);
}

static void sum_targets_of_chunk(const sums *s, const op_args *a, long rows, int chunk, int chunks) {
    real sum[RUN];
    for (int i = 0; i < RUN; i++)
        sum[i] = 0;
    ulong invalid = 0;
    for (long row = (long)chunk * RUN; row < rows; row += (long)chunks * RUN) {
        int live = (int)min((long)RUN, rows - row);
        for (int i = 0; i < live; i++) {
            long y = (long)a->target[row + i];
            if (y == a->ignore_index)
                continue;
            if (IN_RANGE(y, a->classes))
                sum[i] += a->given & GIVEN_WEIGHT ? a->weight[y] : (real)1;
            else
                invalid++;
        }
    }
    s->weights[chunk] = sum_run(sum);
    s->invalid[chunk] = invalid;
}

static void add_chunks(const sums *s, uint what, int chunks) {
    for (int width = chunks / 2; width > 0; width /= 2) {
        barrier(CLK_GLOBAL_MEM_FENCE);
        for (int i = (int)get_local_id(0); i < width; i += (int)get_local_size(0)) {
            if (what & SUM_LOSSES)
                s->losses[i] += s->losses[i + width];
            if (what & SUM_TARGETS) {
                s->weights[i] += s->weights[i + width];
                s->invalid[i] += s->invalid[i + width];
            }
        }
    }
    barrier(CLK_GLOBAL_MEM_FENCE);
}

static void store_results(const sums *s, uint what, __global real *result, __global ulong *invalid_count) {
    if (what & SUM_TARGETS)
        s->totals[0] = s->weights[0];
    if (what & STORE_INVALID)
        invalid_count[0] = s->invalid[0];
    if (what & SUM_LOSSES) {
        real divisor = what & DIVIDE ? s->totals[0] : (real)1;
        result[0] = divisor == 0 ? NOT_A_NUMBER : s->losses[0] / divisor;
    }
}

__kernel void reduce_rows(OP_PARAMETERS, ulong losses_at, __global char *invalid_count, ulong invalid_count_at,
                          int chunks, uint what, uint stages) {
    OP_ARGUMENTS(a);
    long rows = a.batch * a.inner;
    sums s;
    s.totals = (__global real *)(workspace + workspace_at);
    s.losses = s.totals + 2;
    s.weights = s.losses + chunks;
    s.invalid = (__global ulong *)(s.weights + chunks);

    if (stages & SUM_CHUNKS) {
        __global const real *losses = (__global const real *)(workspace + workspace_at + losses_at);
        for (int chunk = (int)get_global_id(0); chunk < chunks; chunk += (int)get_global_size(0)) {
            if (what & SUM_LOSSES)
                sum_losses_of_chunk(&s, losses, rows, chunk, chunks);
            if (what & SUM_TARGETS)
                sum_targets_of_chunk(&s, &a, rows, chunk, chunks);
        }
    }
    if (stages & ADD_CHUNKS) {
        add_chunks(&s, what, chunks);
        if (get_local_id(0) == 0)
            store_results(&s, what, (__global real *)a.output, (__global ulong *)(invalid_count + invalid_count_at));
    }
}
