/* Linear cross-entropy, around the matrix products: rows that count are listed, and what belongs to them is packed side by
 * side, so that ignored rows cost nothing. A chunk of packed rows at a time then has its logits in the workspace.
 *
 * The workspace begins as that of a loss (reduce.cl); two numbers behind the totals are LISTED_ROWS, of the whole batch, and
 * CHUNK_ROWS, of the chunk at hand, which the kernels of a chunk read, since the host never learns them. */

#define LISTED_ROWS 6 /* in units of 8 bytes */
#define CHUNK_ROWS 7

/* bits of `given` in the kernels below */
#define HAS_SAMPLE_WEIGHT 1u
#define HAS_GRAD_OUTPUT 2u /* one for each row */
#define HAS_LSE 4u
#define HAS_OUTPUT 8u /* one for each row */
#define HAS_GRAD_INPUT 16u
#define ADDS_GRADIENT 32u

#define AT(type, memory, offset) ((__global type *)((memory) + (offset)))

/* Lists the rows whose target is not ignore_index, in ascending order. One work-group: each work-item has a stretch of the rows,
 * counts, and begins where those before it end. */
#define MOST_LISTERS 256
__kernel void list_rows(__global const char *target, ulong target_at, __global char *workspace, ulong workspace_at,
                        ulong list_at, long rows, long ignore_index) {
    __local long counts[MOST_LISTERS];
    __global const target_t *from = AT(const target_t, target, target_at);
    __global long *list = AT(long, workspace, workspace_at + list_at);
    const int item = (int)get_local_id(0), items = (int)get_local_size(0);
    const long stretch = (rows + items - 1) / items;
    const long begin = min(item * stretch, rows), end = min(begin + stretch, rows);
    long count = 0;
    for (long row = begin; row < end; row++)
        count += (long)from[row] != ignore_index;
    counts[item] = count;
    barrier(CLK_LOCAL_MEM_FENCE);
    long at = 0;
    for (int i = 0; i < item; i++)
        at += counts[i];
    for (long row = begin; row < end; row++)
        if ((long)from[row] != ignore_index)
            list[at++] = row;
    if (item == items - 1)
        AT(long, workspace, workspace_at)[LISTED_ROWS] = at;
}

/* Packs what rows have one of. The losses of places without a row are 0, as all places are summed. */
__kernel void pack_rows(__global const char *target, ulong target_at, __global const char *sample_weight,
                        ulong sample_weight_at, __global const char *grad_output, ulong grad_output_at,
                        __global const char *lse, ulong lse_at, __global char *workspace, ulong workspace_at,
                        ulong list_at, ulong packed_target_at, ulong packed_weight_at, ulong packed_grad_at,
                        ulong packed_lse_at, ulong losses_at, long rows, uint given) {
    __global char *base = workspace + workspace_at;
    const long listed = AT(const long, base, 0)[LISTED_ROWS];
    for (long i = (long)get_global_id(0); i < rows; i += (long)get_global_size(0)) {
        AT(real, base, losses_at)[i] = (real)0;
        if (i >= listed)
            continue;
        const long row = AT(const long, base, list_at)[i];
        AT(target_t, base, packed_target_at)[i] = AT(const target_t, target, target_at)[row];
        if (given & HAS_SAMPLE_WEIGHT)
            AT(real, base, packed_weight_at)[i] = AT(const real, sample_weight, sample_weight_at)[row];
        if (given & HAS_GRAD_OUTPUT)
            AT(real, base, packed_grad_at)[i] = AT(const real, grad_output, grad_output_at)[row];
        if (given & HAS_LSE)
            AT(real, base, packed_lse_at)[i] = AT(const real, lse, lse_at)[row];
    }
}

/* What ignored rows get: a loss, an lse and a gradient of 0. */
__kernel void clear_ignored(__global const char *target, ulong target_at, __global char *output, ulong output_at,
                            __global char *lse, ulong lse_at, __global char *grad_input, ulong grad_input_at, long rows,
                            long ignore_index, long features, long row_stride, uint given) {
    for (long row = (long)get_global_id(0); row < rows; row += (long)get_global_size(0)) {
        if ((long)AT(const target_t, target, target_at)[row] != ignore_index)
            continue;
        if (given & HAS_OUTPUT)
            AT(real, output, output_at)[row] = (real)0;
        if (given & HAS_LSE)
            AT(real, lse, lse_at)[row] = (real)0;
        for (long d = 0; d < features && (given & HAS_GRAD_INPUT); d++)
            to_storage((real)0, AT(storage, grad_input, grad_input_at) + row * row_stride + d);
    }
}

/* Packs the hidden states of a chunk, as real, and says how many rows it has. */
__kernel void pack_hidden(__global const char *input, ulong input_at, __global char *workspace, ulong workspace_at,
                          ulong list_at, ulong hidden_at, long first, long most, long features, long row_stride,
                          long hidden_stride) {
    __global char *base = workspace + workspace_at;
    const long count = clamp(AT(const long, base, 0)[LISTED_ROWS] - first, 0L, most);
    if (get_global_id(0) == 0)
        AT(long, base, 0)[CHUNK_ROWS] = count;
    for (long e = (long)get_global_id(0); e < count * features; e += (long)get_global_size(0)) {
        const long i = e / features, d = e % features, row = AT(const long, base, list_at)[first + i];
        AT(real, base, hidden_at)[i * hidden_stride + d] =
            from_storage(AT(const storage, input, input_at) + row * row_stride + d);
    }
}

/* The gradients of a chunk's hidden states, back in their places. */
__kernel void unpack_hidden(__global char *grad_input, ulong grad_input_at, __global char *workspace, ulong workspace_at,
                            ulong list_at, ulong grad_at, long first, long features, long row_stride, long grad_stride,
                            uint given) {
    __global char *base = workspace + workspace_at;
    const long count = AT(const long, base, 0)[CHUNK_ROWS];
    for (long e = (long)get_global_id(0); e < count * features; e += (long)get_global_size(0)) {
        const long i = e / features, d = e % features, row = AT(const long, base, list_at)[first + i];
        const real gradient = AT(const real, base, grad_at)[i * grad_stride + d];
        __global storage *to = AT(storage, grad_input, grad_input_at) + row * row_stride + d;
        to_storage(given & ADDS_GRADIENT ? from_storage(to) + gradient : gradient, to);
    }
}

/* Losses and lse of all rows, back in their places. */
__kernel void unpack_rows(__global char *output, ulong output_at, __global char *lse, ulong lse_at,
                          __global char *workspace, ulong workspace_at, ulong list_at, ulong losses_at,
                          ulong packed_lse_at, uint given) {
    __global char *base = workspace + workspace_at;
    const long listed = AT(const long, base, 0)[LISTED_ROWS];
    for (long i = (long)get_global_id(0); i < listed; i += (long)get_global_size(0)) {
        const long row = AT(const long, base, list_at)[i];
        if (given & HAS_OUTPUT)
            AT(real, output, output_at)[row] = AT(const real, base, losses_at)[i];
        if (given & HAS_LSE)
            AT(real, lse, lse_at)[row] = AT(const real, base, packed_lse_at)[i];
    }
}

/* The gradient of the bias: a chunk's sum over its rows. */
__kernel void sum_columns(__global char *workspace, ulong workspace_at, ulong logits_at, long logits_stride,
                          __global char *grad_bias, ulong grad_bias_at, long classes, uint given) {
    __global const char *base = workspace + workspace_at;
    const long count = AT(const long, base, 0)[CHUNK_ROWS];
    for (long c = (long)get_global_id(0); c < classes; c += (long)get_global_size(0)) {
        real sum = (real)0;
        for (long i = 0; i < count; i++)
            sum += AT(const real, base, logits_at)[i * logits_stride + c];
        __global real *to = AT(real, grad_bias, grad_bias_at) + c;
        *to = given & ADDS_GRADIENT ? *to + sum : sum;
    }
}

/* Of a chunk's rows the gradients of logits that are too small to change grad_input: u / (2 classes) of the target's, u being the
 * unit roundoff of storage. Rows without such a class have none that is too small. */
#if STORAGE == F64
#define HALF_A_ROUNDING 0x1p-54
#elif STORAGE == F32
#define HALF_A_ROUNDING 0x1p-25f
#elif STORAGE == F16
#define HALF_A_ROUNDING 0x1p-12f
#else
#define HALF_A_ROUNDING 0x1p-9f
#endif
__kernel void limit_rows(__global char *workspace, ulong workspace_at, ulong packed_target_at, ulong logits_at,
                         ulong limits_at, long classes, long logits_stride) {
    __global char *base = workspace + workspace_at;
    const long count = AT(const long, base, 0)[CHUNK_ROWS];
    for (long i = (long)get_global_id(0); i < count; i += (long)get_global_size(0)) {
        const long target = (long)AT(const target_t, base, packed_target_at)[i];
        AT(real, base, limits_at)[i] = target < 0 || target >= classes ? (real)-1
            : fabs(AT(const real, base, logits_at)[i * logits_stride + target]) * (HALF_A_ROUNDING / (real)classes);
    }
}

/* For products that are the caller's, who knows neither which rows of a chunk count nor of a bias: writes to all of its rows, or
 * to those behind the last that counts, one bias for each column, or 0. */
#define ROWS_BEHIND 1u
#define BIAS_AS_ROWS 2u
__kernel void fill_rows(__global char *workspace, ulong workspace_at, ulong at, long rows, long columns, long row_stride,
                        __global const char *bias, ulong bias_at, uint given) {
    __global char *base = workspace + workspace_at;
    const long first = given & ROWS_BEHIND ? AT(const long, base, 0)[CHUNK_ROWS] : 0;
    for (long e = first * columns + (long)get_global_id(0); e < rows * columns; e += (long)get_global_size(0)) {
        const long i = e / columns, column = e % columns;
        AT(real, base, at)[i * row_stride + column] =
            given & BIAS_AS_ROWS ? from_storage(AT(const storage, bias, bias_at) + column) : (real)0;
    }
}
