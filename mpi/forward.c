/* The forward pass: the blocks of rows go through five stages, and each turn of the loop has every stage work at another block, so that
 * the device computes one while two are on their way.
 *
 *   begin_block    the shard's kernels; its partial comes to the host
 *   send_partial   to each rank its slice of the rows
 *   merge_slice    what came from all ranks goes to the device, is merged in the order of the ranks, and comes back
 *   send_merged    to all ranks
 *   take_merged    into the merged numbers of all rows
 *
 * What a stage leaves is taken by the next one in the next turn, before the stage leaves more. A rank on which something failed
 * does nothing more on its device, but sends and receives to the end, so that nobody waits for it. */
#include "planes.h"

#include <stdlib.h>

typedef struct step {
    clxent_mpi_plan *plan;
    cl_command_queue queue;
    clxent_args args;
    clx_mpi_planes planes;
    clxent_status status; /* the first failure */
    cl_event last;        /* of the last kernels; NULL: none */
    cl_event partial_read[2], merged_read;
    MPI_Request requests[2]; /* the exchange of slices, and the gathering of what is merged */
} step;

enum { EXCHANGE, GATHERING };

static bool going(const step *s) {
    return s->status == CLXENT_SUCCESS;
}

static void note(step *s, clxent_status status) {
    if (going(s))
        s->status = status;
}

static void release(cl_event *event) {
    if (*event != NULL)
        clReleaseEvent(*event);
    *event = NULL;
}

/* `event` is now the last of the kernels. */
static void follow(step *s, cl_event event) {
    release(&s->last);
    s->last = event;
}

/* ---- waiting ---- */

/* For the device, and meanwhile MPI goes on: it sends and receives only while it is called. */
static void wait_for(step *s, cl_event *event) {
    cl_int state = CL_QUEUED;
    int done = s->requests[EXCHANGE] == MPI_REQUEST_NULL && s->requests[GATHERING] == MPI_REQUEST_NULL;
    if (*event == NULL)
        return;
    while (!done && state > CL_COMPLETE) {
        note(s, clx_mpi_check(MPI_Testall(2, s->requests, &done, MPI_STATUSES_IGNORE), "MPI_Testall"));
        if (clGetEventInfo(*event, CL_EVENT_COMMAND_EXECUTION_STATUS, sizeof state, &state, NULL) != CL_SUCCESS)
            break;
    }
    cl_int error = clWaitForEvents(1, event);
    if (going(s))
        note(s, clx_mpi_cl(error, "waiting for the device"));
    release(event);
}

static void complete(step *s, int which) {
    const double begin = MPI_Wtime();
    note(s, clx_mpi_check(MPI_Wait(&s->requests[which], MPI_STATUS_IGNORE), "MPI_Wait"));
    s->plan->group->mpi_seconds += MPI_Wtime() - begin;
}

/* ---- the arguments of each plan ---- */

static clxent_args forward_args(const step *s, const clx_mpi_block *block, size_t number) {
    clxent_args args = s->args;
    args.input.offset += block->first_entry * s->plan->entry_bytes;
    args.target.offset += block->first_row * s->plan->target_size;
    args.partial.mem = s->plan->partial[number % 2];
    return args;
}

static clxent_args slice_args(const step *s, const clx_mpi_block *block) {
    clxent_args args;
    clxent_args_init(&args);
    args.target = s->args.target;
    args.target.offset += (block->first_row + block->slice.first) * s->plan->target_size;
    args.partial.mem = s->plan->parts;
    args.merged.mem = s->plan->slice_merged;
    args.output.mem = s->plan->slice_loss;
    return args;
}

/* Of all rows. The sums of weights go to the caller where he wants them, else stay. */
static clxent_args whole_args(const step *s) {
    clxent_args args;
    clxent_args_init(&args);
    args.target = s->args.target;
    args.sample_weight = s->args.sample_weight;
    args.output = s->args.output;
    args.lse = s->args.lse;
    args.invalid_count = s->args.invalid_count;
    args.weight_sum = s->args.weight_sum;
    if (args.weight_sum.mem == NULL)
        args.weight_sum.mem = s->plan->weight_sum;
    args.partial.mem = s->plan->merged;
    args.workspace = s->args.workspace;
    return args;
}

/* Will everything be taken that is to be enqueued? */
static clxent_status check_all(step *s, const clxent_args *args, cl_uint wait_count, const cl_event *wait_list) {
    clxent_mpi_plan *plan = s->plan;
    clxent_status status = clx_mpi_take_args(plan, args, &s->args);
    if (status == CLXENT_SUCCESS && (wait_count == 0) != (wait_list == NULL))
        status = clx_mpi_fail(CLXENT_INVALID_ARGUMENT, "wait_count is %u, but wait_list is %s", (unsigned)wait_count,
                              wait_list == NULL ? "null" : "not null");
    for (size_t i = 0; i < plan->blocks && status == CLXENT_SUCCESS; i++) {
        const clx_mpi_block block = clx_mpi_block_of(plan, i);
        clxent_args forward = forward_args(s, &block, i), slice = slice_args(s, &block);
        status = clxent_check_args(s->queue, block.forward, &forward);
        if (status == CLXENT_SUCCESS && block.merge != NULL)
            status = clxent_check_args(s->queue, block.merge, &slice);
    }
    if (status != CLXENT_SUCCESS)
        return status;
    clxent_args whole = whole_args(s);
    return clxent_check_args(s->queue, plan->whole, &whole);
}

/* ---- stages ---- */

static void enqueue(step *s, clxent_plan *plan, const clxent_args *args) {
    cl_event done = NULL;
    const cl_uint waits = s->last != NULL;
    note(s, clxent_enqueue(s->queue, plan, args, waits, waits ? &s->last : NULL, &done));
    if (done != NULL)
        follow(s, done);
}

static void read_back(step *s, cl_mem mem, size_t bytes, char *to, cl_event *done) {
    if (going(s))
        note(s, clx_mpi_cl(clEnqueueReadBuffer(s->queue, mem, CL_FALSE, 0, bytes, to, 1, &s->last, done),
                           "clEnqueueReadBuffer"));
    if (going(s))
        note(s, clx_mpi_cl(clFlush(s->queue), "clFlush"));
}

static void write_over(step *s, cl_mem mem, size_t bytes, const char *from) {
    cl_event done = NULL;
    if (!going(s))
        return;
    const cl_uint waits = s->last != NULL;
    note(s, clx_mpi_cl(
                clEnqueueWriteBuffer(s->queue, mem, CL_FALSE, 0, bytes, from, waits, waits ? &s->last : NULL, &done),
                "clEnqueueWriteBuffer"));
    if (done != NULL)
        follow(s, done);
}

static void begin_block(step *s, size_t number) {
    clxent_mpi_plan *plan = s->plan;
    const clx_mpi_block block = clx_mpi_block_of(plan, number);
    const clxent_args args = forward_args(s, &block, number);
    if (!going(s))
        return;
    enqueue(s, block.forward, &args);
    read_back(s, plan->partial[number % 2], CLX_MPI_PLANES * block.rows * plan->real_size,
              plan->partial_host[number % 2], &s->partial_read[number % 2]);
}

static void send_partial(step *s, size_t number) {
    clxent_mpi_plan *plan = s->plan;
    const clx_mpi_block block = clx_mpi_block_of(plan, number);
    wait_for(s, &s->partial_read[number % 2]);
    clx_mpi_pack_block(plan, &s->planes, &block, plan->partial_host[number % 2]);
    const double begin = MPI_Wtime();
    note(s, clx_mpi_check(MPI_Ialltoallv(plan->send, plan->send_count, plan->send_at, plan->real, plan->received,
                                         plan->receive_count, plan->receive_at, plan->real, plan->group->comm,
                                         &s->requests[EXCHANGE]),
                          "MPI_Ialltoallv"));
    plan->group->mpi_seconds += MPI_Wtime() - begin;
    plan->info.bytes_received +=
        s->planes.count * block.slice.count * (size_t)(plan->group->ranks - 1) * plan->real_size;
}

static void merge_slice(step *s, size_t number) {
    clxent_mpi_plan *plan = s->plan;
    const clx_mpi_block block = clx_mpi_block_of(plan, number);
    const size_t bytes = CLX_MPI_PLANES * block.slice.count * plan->real_size;
    complete(s, EXCHANGE);
    if (!going(s) || block.merge == NULL)
        return;
    const clxent_args args = slice_args(s, &block);
    clx_mpi_unpack_slice(plan, &s->planes, &block);
    write_over(s, plan->parts, bytes * (size_t)plan->group->ranks, plan->parts_host);
    if (going(s))
        enqueue(s, block.merge, &args);
    read_back(s, plan->slice_merged, bytes, plan->slice_host, &s->merged_read);
}

static void send_merged(step *s, size_t number) {
    clxent_mpi_plan *plan = s->plan;
    const clx_mpi_block block = clx_mpi_block_of(plan, number);
    wait_for(s, &s->merged_read);
    clx_mpi_pack_merged(plan, &s->planes, &block);
    const double begin = MPI_Wtime();
    note(s, clx_mpi_check(MPI_Iallgatherv(plan->gathered_from, plan->gather_count[plan->group->rank], plan->real,
                                          plan->gathered, plan->gather_count, plan->gather_at, plan->real,
                                          plan->group->comm, &s->requests[GATHERING]),
                          "MPI_Iallgatherv"));
    plan->group->mpi_seconds += MPI_Wtime() - begin;
    plan->info.bytes_received += s->planes.count * (block.rows - block.slice.count) * plan->real_size;
}

static void take_merged(step *s, size_t number) {
    const clx_mpi_block block = clx_mpi_block_of(s->plan, number);
    complete(s, GATHERING);
    clx_mpi_unpack_merged(s->plan, &s->planes, &block);
}

static void exchange_all(step *s) {
    const size_t blocks = s->plan->blocks;
    for (size_t turn = 0; turn < blocks + 4; turn++) {
        if (turn < blocks)
            begin_block(s, turn);
        if (turn >= 4)
            take_merged(s, turn - 4);
        if (turn >= 3 && turn - 3 < blocks)
            send_merged(s, turn - 3);
        if (turn >= 2 && turn - 2 < blocks)
            merge_slice(s, turn - 2);
        if (turn >= 1 && turn - 1 < blocks)
            send_partial(s, turn - 1);
    }
}

/* ---- the loss ---- */

/* Behind the caller's events, and behind a gradient that still reads what is to be written. */
static void wait_first(step *s, cl_uint wait_count, const cl_event *wait_list) {
    cl_event done = NULL, both[2] = {s->plan->backward_done, NULL};
    if (wait_count > 0) {
        note(s, clx_mpi_cl(clEnqueueMarkerWithWaitList(s->queue, wait_count, wait_list, &both[1]),
                           "clEnqueueMarkerWithWaitList"));
        if (both[0] == NULL) {
            follow(s, both[1]);
            return;
        }
    }
    if (both[0] == NULL)
        return;
    if (going(s))
        note(s, clx_mpi_cl(clEnqueueMarkerWithWaitList(s->queue, both[1] != NULL ? 2 : 1, both, &done),
                           "clEnqueueMarkerWithWaitList"));
    release(&both[1]);
    release(&s->plan->backward_done);
    follow(s, done);
}

static void form_loss(step *s) {
    clxent_mpi_plan *plan = s->plan;
    const clxent_args args = whole_args(s);
    if (!going(s))
        return;
    clx_mpi_fill_weights(plan, &s->planes);
    if (plan->rows > 0)
        write_over(s, plan->merged, CLX_MPI_PLANES * plan->rows * plan->real_size, plan->merged_host);
    if (going(s))
        enqueue(s, plan->whole, &args);
    if (going(s) && args.weight_sum.mem != plan->weight_sum) {
        cl_event copied = NULL;
        note(s, clx_mpi_cl(clEnqueueCopyBuffer(s->queue, args.weight_sum.mem, plan->weight_sum, args.weight_sum.offset,
                                               0, 2 * plan->real_size, 1, &s->last, &copied),
                           "clEnqueueCopyBuffer"));
        if (copied != NULL)
            follow(s, copied);
    }
}

/* Nothing of the step is left on the device or on its way. */
static void end(step *s) {
    wait_for(s, &s->partial_read[0]);
    wait_for(s, &s->partial_read[1]);
    wait_for(s, &s->merged_read);
    wait_for(s, &s->last);
}

clxent_status clxent_mpi_forward(cl_command_queue queue, clxent_mpi_plan *plan, const clxent_args *args,
                                 cl_uint wait_count, const cl_event *wait_list) {
    if (plan == NULL)
        return clx_mpi_fail(CLXENT_INVALID_ARGUMENT, "plan is null");
    step s = {.plan = plan, .queue = queue, .requests = {MPI_REQUEST_NULL, MPI_REQUEST_NULL}};
    const double begin = MPI_Wtime(), mpi_before = plan->group->mpi_seconds;
    const uint64_t bytes_before = plan->info.bytes_received;
    clxent_status status = check_all(&s, args, wait_count, wait_list);
    status = clx_mpi_agree(plan->group, status, CLX_MPI_FORWARD + CLX_MPI_DETAIL * clx_mpi_given(&s.args));
    if (status != CLXENT_SUCCESS)
        return status;
    s.planes = clx_mpi_planes_of(s.args.weight.mem != NULL, plan->desc.label_smoothing != 0);
    plan->ready = false;
    wait_first(&s, wait_count, wait_list);
    exchange_all(&s);
    form_loss(&s);
    end(&s);
    status = clx_mpi_agree(plan->group, s.status, CLX_MPI_FORWARD_END);
    if (status != CLXENT_SUCCESS) {
        plan->info.bytes_received = bytes_before;
        return status;
    }
    plan->ready = true;
    plan->info.forwards++;
    plan->info.seconds += MPI_Wtime() - begin;
    plan->info.mpi_seconds += plan->group->mpi_seconds - mpi_before;
    return CLXENT_SUCCESS;
}
