/* Several devices in one process: the rows of a batch are split over them, and their results form one mean loss and one
 * gradient. Each device has an OpenCL context, a queue, a plan and buffers of its own (multi_device_share.c), and a part of
 * the rows that follows from its compute units. All of them are set to work before the host waits for any.
 *
 *   multi_device ROWS DEVICE[,DEVICE...] FILE.txt...
 *
 * A DEVICE is what CLXENT_DEVICE can be (a number, cpu, gpu), or "default": what CLXENT_DEVICE says. One that stands alone is
 * split into two sub-devices; where it cannot be split, there are two contexts on it, as there are where it is named twice.
 *
 * A mean does not add up: the mean of the means of the devices weighs rows wrongly where they have different numbers of them,
 * or of ignored ones. So each device computes a sum, and the host divides by W, the weights of the targets of all rows that
 * count. It knows W before any device begins, since it has the targets. The loss is the sum of the devices' sums, in their
 * order, over W; the gradient of a row needs no other device, and is multiplied by 1/W where it is computed, as the gradient
 * that comes in. A training step on several devices would go on from there: the gradients of the network that each device gets
 * from its rows are added up.
 *
 * The exit status is 1 on any failure, and unless all of this is so:
 *   - A second step gives the same bits as the first.
 *   - The gradient has in each row the bits that one device with all rows gives by the same sum and 1/W. (Asked only of shares
 *     on that device or a part of it, with the same engine and work-group size: others may round otherwise.)
 *   - The loss is, within 1e-6 of it, what one device with all rows gives as their mean, dividing by a W of its own, and
 *     so is the gradient, within 1e-6 / W. (No element of it is beyond 1 / W, as no weight is above 1.) */
#include "multi_device.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

typedef struct machine {
    size_t shares;
    share share[MOST_DEVICES];
    share whole;         /* the first device with all rows, to compare with */
    float *grad, *other; /* of all rows */
    double loss, weights;
} machine;

/* ------------------------------------------------------------------------------------------------ a step ------ */

/* Rows by compute units. Shares end where the exact ones do, rounded down, so each row is in one; a share may be empty. */
static void share_rows(machine *m, size_t rows) {
    uint64_t units = 0, before = 0;
    for (size_t i = 0; i < m->shares; i++)
        units += m->share[i].units;
    for (size_t i = 0; i < m->shares; i++) {
        share *s = &m->share[i];
        s->first = (size_t)(rows * before / units);
        before += s->units;
        s->rows = (size_t)(rows * before / units) - s->first;
    }
    m->whole = (share){.root = m->share[0].root, .device = m->share[0].root, .first = 0, .rows = rows};
}

static double milliseconds(void) {
    struct timespec t;
    timespec_get(&t, TIME_UTC);
    return 1e3 * difftime(t.tv_sec, 0) + 1e-6 * (double)t.tv_nsec;
}

/* The divisor: the weights of the targets of the rows from `first` on that count, whose number is *counted. */
static double weights_of(const job *j, size_t first, size_t rows, size_t *counted) {
    double sum = 0;
    *counted = 0;
    for (size_t i = first; i < first + rows; i++)
        if (j->target[i] != IGNORED) {
            sum += (double)j->weight[j->target[i]];
            ++*counted;
        }
    return sum;
}

/* A step of all shares: begins all of them, then waits, and adds up their losses in order. */
static bool run(share *s, size_t shares, const job *j, float incoming, float *grad, double *loss, double *time) {
    double begin = milliseconds();
    for (size_t i = 0; i < shares; i++)
        if (!share_enqueue(&s[i], j, incoming, grad))
            return false;
    *loss = 0;
    for (size_t i = 0; i < shares; i++) {
        if (!share_wait(&s[i]))
            return false;
        *loss += (double)s[i].loss_value;
    }
    *time = milliseconds() - begin;
    return true;
}

/* All devices, twice: a driver may compile when a kernel is first launched, and the second result is to be the first one. */
static bool run_all(machine *m, const job *j, double *time) {
    const size_t size = j->rows * j->classes * sizeof(float);
    size_t counted;
    double again;
    m->weights = weights_of(j, 0, j->rows, &counted);
    for (size_t i = 0; i < m->shares; i++)
        if (!share_create(&m->share[i], j, CLXENT_REDUCTION_SUM))
            return false;
    if (!run(m->share, m->shares, j, (float)(1 / m->weights), m->other, &again, time) ||
        !run(m->share, m->shares, j, (float)(1 / m->weights), m->grad, &m->loss, time))
        return false;
    bool same = m->loss == again && memcmp(m->grad, m->other, size) == 0;
    m->loss /= m->weights;
    if (!same)
        fprintf(stderr, "a second step has other bits than the first\n");
    return same;
}

/* -------------------------------------------------------------------------------------------- comparison ------ */

/* Prints the line of a share: what it did, and how many of its rows have the bits of one device. False if too few do. */
static bool report_share(const machine *m, const job *j, const share *s, int number) {
    clxent_plan_info info = {.struct_size = sizeof info}, whole = {.struct_size = sizeof whole};
    char name[256] = "";
    size_t same = 0, counted;
    clGetDeviceInfo(s->device, CL_DEVICE_NAME, sizeof name, name, NULL);
    weights_of(j, s->first, s->rows, &counted);
    printf("%6d  %-30.30s  %5u  %7zu  %7zu", number, name, s->units, s->rows, counted);
    if (s->rows == 0) {
        puts("  -");
        return true;
    }
    if (!ok(clxent_plan_get_info(s->plan, &info), NULL) || !ok(clxent_plan_get_info(m->whole.plan, &whole), NULL))
        return false;
    for (size_t i = s->first; i < s->first + s->rows; i++)
        same += memcmp(m->grad + i * j->classes, m->other + i * j->classes, j->classes * sizeof(float)) == 0;
    printf("  %-13s  %11.3f  %7.2f  %9zu\n", info.engine_name, (double)s->loss_value, s->milliseconds, same);
    bool alike =
        s->root == m->whole.root && info.engine == whole.engine && info.work_group_size == whole.work_group_size;
    if (alike && same < s->rows)
        fprintf(stderr, "device %d: %zu rows of %zu have other bits on one device\n", number, s->rows - same, s->rows);
    return !alike || same == s->rows;
}

/* One device with all rows, told the same W: the rounding of a row must not depend on where it is computed. */
static bool compare_bits(machine *m, const job *j) {
    double loss, time;
    bool done = share_create(&m->whole, j, CLXENT_REDUCTION_SUM) &&
                run(&m->whole, 1, j, (float)(1 / m->weights), m->other, &loss, &time);
    if (done)
        puts("device  name                            units     rows    count  engine         sum of loss       ms  "
             "same bits");
    for (size_t i = 0; i < m->shares; i++)
        done = done && report_share(m, j, &m->share[i], (int)i);
    share_destroy(&m->whole);
    return done;
}

/* One device that computes the mean and knows nothing of this program's W. */
static bool compare_mean(machine *m, const job *j, double time_of_all) {
    double loss, time, largest = 0;
    size_t wrong = 0;
    m->whole = (share){.root = m->whole.root, .device = m->whole.root, .first = 0, .rows = j->rows};
    bool done = share_create(&m->whole, j, CLXENT_REDUCTION_MEAN) && run(&m->whole, 1, j, 1, m->other, &loss, &time) &&
                run(&m->whole, 1, j, 1, m->other, &loss, &time);
    share_destroy(&m->whole);
    if (!done)
        return false;
    for (size_t i = 0; i < j->rows * j->classes; i++) {
        double difference = fabs((double)m->grad[i] - (double)m->other[i]) * m->weights;
        wrong += !(difference <= 1e-6);
        largest = fmax(largest, difference);
    }
    printf("mean loss %.7f in %.2f ms; one device alone %.7f in %.2f ms\n", m->loss, time_of_all, loss, time);
    printf("gradients differ by up to %.1e / W, %zu of %zu by too much\n", largest, wrong, j->rows * j->classes);
    if (!(fabs(m->loss - loss) <= 1e-6 * loss) || wrong > 0) {
        fprintf(stderr, "the devices together do not have the result of one\n");
        return false;
    }
    return true;
}

/* -------------------------------------------------------------------------------------------------- main ------ */

static bool allocate(machine *m, const job *j) {
    m->grad = malloc(j->rows * j->classes * sizeof(float));
    m->other = malloc(j->rows * j->classes * sizeof(float));
    if (!m->grad || !m->other) {
        fprintf(stderr, "no memory for the gradients of %zu rows of %zu classes\n", j->rows, j->classes);
        return false;
    }
    memset(m->grad, 0xff, j->rows * j->classes * sizeof(float)); /* NaN, which a row would stay that no device writes */
    memset(m->other, 0xff, j->rows * j->classes * sizeof(float));
    return true;
}

int main(int argc, char **argv) {
    static job j;
    static machine m;
    double time = 0;
    char *end = NULL;
    long rows = argc > 3 ? strtol(argv[1], &end, 10) : 0;
    if (rows < 1 || *end != '\0') {
        fprintf(stderr, "usage: multi_device ROWS DEVICE[,DEVICE...] FILE.txt..., with 1 row or more\n");
        return 1;
    }
    j.rows = (size_t)rows;
    bool done = job_create(&j, argc - 3, argv + 3) && allocate(&m, &j) && find_devices(argv[2], m.share, &m.shares);
    if (done)
        share_rows(&m, j.rows);
    done = done && run_all(&m, &j, &time) && compare_bits(&m, &j) && compare_mean(&m, &j, time);
    for (size_t i = 0; i < m.shares; i++)
        share_destroy(&m.share[i]);
    free(m.grad);
    free(m.other);
    job_destroy(&j);
    return done ? 0 : 1;
}
