/* Which ceiling a case is measured against, and how fast it goes on this device. */
#include "bench_speed.h"

#include "message.h"
#include "timing.h"

bench_motion bench_motion_of(const bench_case *c) {
    const bench_traffic traffic = bench_traffic_of(c);
    if (traffic.writes == 0)
        return traffic.reads == 2 ? BENCH_READ_TWO : BENCH_READ;
    return traffic.reads == 0 ? BENCH_WRITE : traffic.reads == 1 ? BENCH_COPY : BENCH_COPY_TWO;
}

const char *bench_ceiling_name(const bench_case *c) {
    static const char *const names[] = {[BENCH_READ] = "read",
                                        [BENCH_READ_TWO] = "read of two",
                                        [BENCH_COPY] = "copy",
                                        [BENCH_COPY_TWO] = "copy of two",
                                        [BENCH_WRITE] = "write"};
    const bench_motion motion = bench_motion_of(c);
    if (c->in_place)
        return motion == BENCH_COPY ? "scale in place" : "scale of two in place";
    return names[motion];
}

int bench_time_ceiling(const bench *b, const bench_case *c, size_t variant, const bench_span *span, double *seconds) {
    double began = seconds_now();
    cl_int error = bench_ceiling_enqueue(&b->ceiling, b->queue, bench_motion_of(c), variant, span);
    if (error == CL_SUCCESS)
        error = clFinish(b->queue);
    *seconds = seconds_now() - began;
    return error == CL_SUCCESS ? STATUS_OK : complain_opencl("measuring the ceiling", error);
}

int bench_find_speed(const bench *b, const bench_case *c, const bench_span *span, bench_speed *fastest) {
    enum { TRIES = 3 };
    const cl_kernel *kernels = b->ceiling.kernels[bench_motion_of(c)];
    const bench_traffic traffic = bench_traffic_of(c);
    const unsigned tensors = traffic.reads + traffic.writes > 0 ? traffic.reads + traffic.writes : 1;
    size_t count = 0;
    for (size_t v = 0; v < BENCH_VARIANTS; v++)
        count += kernels[v] != NULL;
    const size_t tries = count > 1 ? TRIES : 0;
    double seconds[BENCH_VARIANTS][TRIES + 1], best = 0;
    int status = STATUS_OK;
    for (size_t i = 0; i <= tries; i++)
        for (size_t v = 0; v < BENCH_VARIANTS && status == STATUS_OK; v++)
            if (kernels[v] != NULL)
                status = bench_time_ceiling(b, c, v, span, &seconds[v][i]);
    for (size_t v = 0; v < BENCH_VARIANTS && status == STATUS_OK; v++) {
        if (kernels[v] == NULL)
            continue;
        double bytes = tensors * (double)bench_ceiling_bytes(&b->ceiling, v, span->bytes);
        double median = tries > 0 ? median_of(seconds[v] + 1, tries) : seconds[v][0];
        if (bytes / median <= best)
            continue;
        best = bytes / median;
        *fastest = (bench_speed){v, bytes, median};
    }
    return status;
}
