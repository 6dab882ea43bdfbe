/* Engines as they are on GPUs, on the device at hand with the facts of another: with as much local memory as it has, with
 * little and with hardly any. Rows that fit are kept between two phases, longer ones are read again; rows of few classes go
 * through a tile in local memory; and the results are right, and where rows are shared the same to the last bit. */
#include "device_shapes.h"

static const size_t memories[] = {SIZE_MAX, 4096, 1024}; /* bytes; the first: all there is */
#define MEMORIES (sizeof memories / sizeof memories[0])

/* The device under test as a GPU with so much local memory; back to what it was with 0. */
static void pretend(size_t local_memory) {
    static clx_device real;
    clx_device *about = (clx_device *)device.about;
    if (real.id == NULL)
        real = *about;
    *about = real;
    if (local_memory == 0)
        return;
    about->cpu = false;
    about->simt = true;
    about->local_memory = local_memory < real.local_memory ? local_memory : real.local_memory;
}

static int stop_pretending(void **state) {
    pretend(0);
    return close_device(state);
}

static device_case make_case(const line *l, clxent_engine engine, size_t group, size_t batch, size_t classes) {
    line shared = *l;
    shared.engine = engine;
    shared.work_group_size = group;
    device_case c = case_of(&shared, &(extent){batch, classes, 1, 0});
    c.seed = device.seed + classes;
    if (is_loss(l->op)) {
        c.desc.reduction = CLXENT_REDUCTION_NONE;
        c.given = GIVE(CLX_WEIGHT) | GIVE(CLX_ARGMAX) | GIVE(CLX_GRAD_OUTPUT);
    }
    return c;
}

/* False: the device has no double precision. */
static bool run_case(const device_case *c, device_data *d) {
    data_init(d, c);
    data_expect(d);
    if (!data_must_run(d, BY_EXACT))
        return false;
    expect_results(d);
    return true;
}

/* Apart and in place, with rows aligned to vectors and not. */
static void check_shared(void **state) {
    static const size_t classes[] = {65, 100, 128, 1000, 1027};
    for (size_t i = 0; i < sizeof classes / sizeof classes[0]; i++) {
        device_data first;
        for (size_t m = 0; m < MEMORIES; m++) {
            pretend(memories[m]);
            device_case c = make_case(*state, CLXENT_ENGINE_ROW_PER_GROUP, 8, 3, classes[i]);
            c.in_place = (i + m) % 2 == 0 ? APART : c.desc.pass == CLXENT_BACKWARD ? OVER_GRAD_OUTPUT : OVER_INPUT;
            if (is_loss(c.desc.op) && c.in_place == OVER_GRAD_OUTPUT)
                c.in_place = OVER_INPUT;
            device_data d;
            bool ran = run_case(&c, &d);
            clx_tensor result =
                c.desc.op == CLXENT_SOFTMAX && c.desc.pass == CLXENT_FORWARD ? CLX_OUTPUT : CLX_GRAD_INPUT;
            if (m == 0)
                first = d;
            else {
                if (ran)
                    expect_same_bits(&first, &d, result);
                data_free(&d);
            }
        }
        data_free(&first);
    }
}

/* Whole rows and, where there are more classes than fit, chunks of them. */
static void check_side_by_side(void **state) {
    static const size_t classes[] = {1, 2, 10, 32, 33, 34, 70};
    for (size_t i = 0; i < sizeof classes / sizeof classes[0]; i++)
        for (size_t m = 0; m < MEMORIES; m++) {
            pretend(memories[m]);
            device_case c = make_case(*state, CLXENT_ENGINE_ROWS_PER_LANE, 4, 11, classes[i]);
            c.desc.row_stride = i % 2 == 0 ? 0 : classes[i] + 3;
            c.in_place = (i + m) % 2 == 0 ? APART : c.desc.pass == CLXENT_BACKWARD ? OVER_OUTPUT : OVER_INPUT;
            if (is_loss(c.desc.op) && c.in_place == OVER_OUTPUT)
                c.in_place = OVER_INPUT;
            device_data d;
            run_case(&c, &d);
            data_free(&d);
        }
}

/* Where an engine cannot share rows for want of memory, another does the work, without being asked. */
static void check_none(void **state) {
    for (size_t bytes = 1; bytes <= 96; bytes += 95) {
        pretend(bytes);
        device_case c = make_case(*state, CLXENT_ENGINE_AUTO, 0, 3, 100);
        check_case(&c, BY_EXACT);
        c = make_case(*state, CLXENT_ENGINE_AUTO, 0, 3, 10);
        check_case(&c, BY_EXACT);
    }
}

#define LINE(check, the_op, the_pass, type, target, smoothing)                                                         \
    LINE_TEST(check, #the_op " " #the_pass " " #type " " #target, .op = CLXENT_##the_op, .pass = CLXENT_##the_pass,    \
              .dtype = CLXENT_##type, .target_type = CLXENT_TARGET_##target, .label_smoothing = smoothing)
#define BOTH(op, pass, type, target, smoothing)                                                                        \
    LINE(check_shared, op, pass, type, target, smoothing), LINE(check_side_by_side, op, pass, type, target, smoothing)

int main(void) {
    const struct CMUnitTest tests[] = {
        BOTH(SOFTMAX, FORWARD, F32, I32, 0),
        BOTH(LOG_SOFTMAX, BACKWARD, F32, I32, 0),
        BOTH(CROSS_ENTROPY, FORWARD_BACKWARD, F32, I32, 0.1),
        BOTH(CROSS_ENTROPY, BACKWARD, BF16, U8, 0),
        LINE(check_shared, SOFTMAX, FORWARD, F16, I32, 0),
        LINE(check_shared, CROSS_ENTROPY, FORWARD_BACKWARD, F64, PROBABILITIES, 0),
        LINE(check_side_by_side, BINARY_CROSS_ENTROPY_WITH_LOGITS, FORWARD_BACKWARD, F32, PROBABILITIES, 0),
        LINE(check_none, SOFTMAX, FORWARD, F32, I32, 0),
        LINE(check_none, CROSS_ENTROPY, FORWARD_BACKWARD, F32, I32, 0),
    };
    return cmocka_run_group_tests(tests, open_device, stop_pretending);
}
