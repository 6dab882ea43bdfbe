/* A rank on which a call of OpenCL or an allocation fails, each in turn: all ranks return its error and its sentence, or all succeed where
 * the failure means nothing; nobody waits, nothing is lost, and the next call gives the right results. */
#include "mpi_layer.h"

#include "fault/layer.h"

static int the_victim;

static void arm(fault_kind kind, size_t nth) {
    if (the_rank == the_victim)
        fault_arm(kind, nth, 0, true);
}

/* All ranks hear what was hit. */
static fault_hit disarm(void) {
    fault_hit hit = fault_disarm();
    MPI_Bcast(&hit, (int)sizeof hit, MPI_BYTE, the_victim, MPI_COMM_WORLD);
    return hit;
}

/* A release that fails, and a query that need not be answered, disturb nobody. */
static void expect_agreement(const fault_hit *hit, clxent_status status) {
    char start[32];
    expect_same_on_all_ranks(&status, sizeof status, "the status");
    if (status == CLXENT_SUCCESS)
        return;
    snprintf(start, sizeof start, "rank %d: ", the_victim);
    expect_on_all_ranks(status, status, start);
    if (hit->kind == FAULT_MEMORY && status != CLXENT_OUT_OF_MEMORY)
        fail_msg("without memory the status is %s", clxent_status_string(status));
}

static bool is_release(const fault_hit *hit) {
    return hit->kind == FAULT_OPENCL && strncmp(fault_call_name(hit->call), "clRelease", 9) == 0;
}

/* What is stepped, and what its steps do. */
typedef struct subject {
    clxent_mpi_plan *plan;
    const clxent_args *args;
    const clxent_desc desc; /* to make another plan */
    bool sums;              /* there is a grad_input to be summed, behind the backward pass */
    void (*check)(void *state);
    void *state;
} subject;

static size_t break_plans(const subject *s, fault_kind kind) {
    for (size_t nth = 0;; nth++) {
        clxent_mpi_plan *plan = NULL;
        const fault_balance before = fault_balance_now();
        arm(kind, nth);
        clxent_status status = clxent_mpi_plan_create(the_device.context, MPI_COMM_WORLD, &s->desc, 2, &plan);
        const fault_hit hit = disarm();
        expect_agreement(&hit, status);
        assert_true((plan != NULL) == (status == CLXENT_SUCCESS));
        clxent_mpi_plan_destroy(plan);
        const fault_balance after = fault_balance_now();
        if (!is_release(&hit) && !fault_same_balance(&before, &after))
            fail_msg("something was lost at %s, call %zu", fault_call_name(hit.call), nth);
        if (!hit.fired)
            return nth;
    }
}

static size_t break_groups(void) {
    for (size_t nth = 0;; nth++) {
        clxent_mpi_group *group = NULL;
        const fault_balance before = fault_balance_now();
        arm(FAULT_MEMORY, nth);
        const clxent_status status = clxent_mpi_group_create(MPI_COMM_WORLD, &group);
        const fault_hit hit = disarm();
        expect_agreement(&hit, status);
        assert_true((group != NULL) == (status == CLXENT_SUCCESS));
        clxent_mpi_group_destroy(group);
        const fault_balance after = fault_balance_now();
        assert_true(fault_same_balance(&before, &after));
        if (!hit.fired)
            return nth;
    }
}

/* A forward pass that has failed in the middle leaves nothing that a gradient could come from; one that was refused, what was there. */
static bool has_no_forward(const subject *s) {
    const clxent_status status = clxent_mpi_backward(the_device.queue, s->plan, s->args, 0, NULL, NULL);
    if (status != CLXENT_SUCCESS)
        expect_on_all_ranks(status, CLXENT_INVALID_ARGUMENT,
                            "rank 0: no forward pass of this plan has ended well before");
    finish_queue(the_device.queue);
    return status != CLXENT_SUCCESS;
}

/* Only a backward pass that has ended well gives an event. */
static clxent_status step(const subject *s, bool *forward_failed) {
    cl_event done = NO_EVENT;
    clxent_status status = clxent_mpi_forward(the_device.queue, s->plan, s->args, 0, NULL);
    *forward_failed = status != CLXENT_SUCCESS;
    if (*forward_failed)
        return status;
    status = clxent_mpi_backward(the_device.queue, s->plan, s->args, 0, NULL, &done);
    assert_true((done != NO_EVENT) == (status == CLXENT_SUCCESS));
    if (status != CLXENT_SUCCESS)
        return status;
    if (s->sums)
        status = clxent_mpi_sum_grad_input(the_device.queue, s->plan, s->args, 1, &done);
    clReleaseEvent(done);
    return status;
}

static size_t break_steps(const subject *s) {
    size_t without = 0;
    for (size_t nth = 0;; nth++) {
        const fault_balance before = fault_balance_now();
        bool forward_failed = false;
        arm(FAULT_OPENCL, nth);
        const clxent_status status = step(s, &forward_failed);
        const fault_hit hit = disarm();
        expect_agreement(&hit, status);
        without += forward_failed && has_no_forward(s);
        s->check(s->state);
        /* The plan keeps the event of its last gradient. */
        const fault_balance after = fault_balance_now();
        if (nth > 0 && !is_release(&hit) && !fault_same_balance(&before, &after))
            fail_msg("something was lost at %s, call %zu", fault_call_name(hit.call), nth);
        if (!hit.fired) {
            assert_true(without > 0);
            return nth;
        }
    }
}

static size_t break_all(const subject *s) {
    return break_steps(s) + break_plans(s, FAULT_OPENCL) + break_plans(s, FAULT_MEMORY);
}

static void check_case(void *state) {
    case_check(state);
}

static size_t break_case(void) {
    mpi_case m;
    shard_case c = case_of_sizes(9, (size_t[]){5, 2, 3, 4});
    case_open(&m, &c, 3, 2);
    const subject s = {m.plan, &m.args, rank_desc(&m.d.c, the_rank), false, check_case, &m};
    const size_t injections = break_all(&s);
    case_close(&m);
    return injections;
}

static void check_layer(void *state) {
    layer_check(state);
}

/* With a grad_input whose rows are moved as a rectangle, or one by one. */
static size_t break_layer(size_t before) {
    static mpi_layer l;
    layer_open(&l, CLXENT_F32, true, before);
    const subject s = {l.plan, &l.args, l.desc, true, check_layer, &l};
    const size_t injections = break_all(&s);
    layer_close(&l);
    return injections;
}

int main(int argc, char **argv) {
    size_t injections = 0;
    begin_ranks(&argc, &argv);
    for (the_victim = 0; the_victim < the_ranks; the_victim++)
        injections += break_groups() + break_case() + break_layer(0) + break_layer(LAYER_STRIDE - 1);
    if (the_rank == 0)
        printf("%zu failures on a rank\n", injections);
    return end_ranks();
}
