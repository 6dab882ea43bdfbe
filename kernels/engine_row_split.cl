/* Engine: several work-groups share a row, a chunk of its classes each. For few rows of very many classes on GPUs, where a
 * group to a row would leave most of the device idle.
 *
 *   split_reduce  a group reduces a chunk, and leaves its state in the workspace
 *   split_finish  a work-item merges the chunks of a row in ascending order, as row_per_group does, and leaves the row's map
 *   row_op        a group maps a chunk
 *
 * So a row has the same bits as with row_per_group and the same GROUP. Each launch is for all rows; a pass without a reduction
 * or a map leaves that launch out. */

#define STATE_SLOT 64 /* bytes of a state and of a map in the workspace; host/workspace.c has them too */
#define MAP_SLOT 128

typedef char state_fits[sizeof(row_state) <= STATE_SLOT ? 1 : -1];

#define CHUNKS(a) (((a)->classes + CHUNK - 1) / CHUNK)
#define STATE_AT(parts, index) ((parts) + (index) * STATE_SLOT)
#define MAP_AT(a, parts, row) ((parts) + (a)->batch * CHUNKS(a) * STATE_SLOT + (row) * MAP_SLOT)

/* States and maps go to and from memory byte by byte: Mesa 22.3 crashes on the assignment of a whole struct, see
 * docs/devices.md. Bytes between members go along, so they must have a value: CLEAR gives them one. */
#define CLEAR(value)                                                                                                   \
    for (uint i = 0; i < sizeof(value); i++)                                                                           \
    ((char *)&(value))[i] = 0
#define PUT(value, to)                                                                                                 \
    for (uint i = 0; i < sizeof(value); i++)                                                                           \
    (to)[i] = ((const char *)&(value))[i]
#define GET(value, from)                                                                                               \
    for (uint i = 0; i < sizeof(value); i++)                                                                           \
    ((char *)&(value))[i] = (from)[i]

/* Chunk `part` of all, counted row by row. */
static where where_is_part(const op_args *a, long part) {
    long row = part / CHUNKS(a);
    where w = where_is(a, row, row * a->row_stride, LANES);
    w.first = part % CHUNKS(a) * CHUNK;
    w.end = min(a->classes, w.first + CHUNK);
    return w;
}

#if REDUCES
__kernel __attribute__((reqd_work_group_size(GROUP, 1, 1))) void split_reduce(OP_PARAMETERS, ulong parts_at) {
    OP_ARGUMENTS(a);
    __local row_state shared[GROUP];
    __global char *parts = workspace + workspace_at + parts_at;
#if HAS_SAVED_STATE
    if (op_is_saved(&a))
        return;
#endif
    for (long part = (long)get_group_id(0); part < a.batch * CHUNKS(&a); part += (long)get_num_groups(0)) {
        where w = where_is_part(&a, part);
        shared[get_local_id(0)] = reduce_share(&a, &w, w.first, w.end);
        merge_group(shared);
        if (get_local_id(0) == 0) {
            row_state s = shared[0];
            PUT(s, STATE_AT(parts, part));
        }
    }
}

static row_state merge_parts(const op_args *a, __global char *parts, long row) {
    long first = row * CHUNKS(a);
    row_state state, chunk;
    GET(state, STATE_AT(parts, first));
    for (long part = first + 1; part < first + CHUNKS(a); part++) {
        GET(chunk, STATE_AT(parts, part));
        state = op_merge(&state, &chunk);
    }
    return state;
}
#endif

__kernel void split_finish(OP_PARAMETERS, ulong parts_at) {
    OP_ARGUMENTS(a);
    __global char *parts = workspace + workspace_at + parts_at;
    share rows = share_of(a.batch);
    for (long row = rows.first; row < rows.end; row++) {
        where w = where_is(&a, row, row * a.row_stride, LANES);
        row_state s = STATE_OF_ROW(merge_parts(&a, parts, row), &a, &w);
        row_map m;
        CLEAR(m);
        op_finish(&a, &w, &s, true, &m);
#if MAPS
        PUT(m, MAP_AT(&a, parts, row));
#endif
    }
}

#if MAPS
typedef char map_fits[sizeof(row_map) <= MAP_SLOT ? 1 : -1];

__kernel __attribute__((reqd_work_group_size(GROUP, 1, 1))) void row_op(OP_PARAMETERS, ulong parts_at) {
    OP_ARGUMENTS(a);
    __global char *parts = workspace + workspace_at + parts_at;
    for (long part = (long)get_group_id(0); part < a.batch * CHUNKS(&a); part += (long)get_num_groups(0)) {
        where w = where_is_part(&a, part);
        row_map m;
        GET(m, MAP_AT(&a, parts, w.row));
        map_shared(&a, &w, &m);
    }
}
#endif
