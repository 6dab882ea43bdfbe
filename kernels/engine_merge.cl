/* The walk of MERGE: neighbouring rows side by side in the lanes, and of each the partials of all shards. Each work-item takes a
 * contiguous share of the vectors of LANES rows; the last one may have fewer. */

__kernel void row_op(OP_PARAMETERS) {
    OP_ARGUMENTS(a);
    const long rows = plane_size(&a);
    share mine = share_of((rows + LANES - 1) / LANES);
    for (long v = mine.first; v < mine.end; v++) {
        const long row = v * LANES;
        where w = where_is(&a, row, 0, (int)min((long)LANES, rows - row));
        row_state s = load_partial(&a, &w, a.partial);
        for (long part = 1; part < a.parts; part++) {
            row_state next = load_partial(&a, &w, a.partial + part * PLANES * rows);
            s = op_merge(&s, &next);
        }
        row_map m;
        op_finish(&a, &w, &s, true, &m);
    }
}
