/** @file
 * clxent over several processes: cross-entropy whose classes are dealt out to the ranks of an MPI communicator, and means over
 * processes that have some of the rows each. A second library, clxent_mpi, which stands on clxent and needs MPI 3.
 *
 * Vocabulary parallel
 * -------------------
 * Each rank has some of the V classes of all rows, and the same targets. It makes a plan from a descriptor of its own shard, and
 * then calls in each step, as every other rank does:
 *
 *     clxent_desc desc;                                    // of this rank's logits: (batch, classes, inner)
 *     clxent_desc_init(&desc, CLXENT_CROSS_ENTROPY);
 *     desc.pass = CLXENT_FORWARD_BACKWARD;
 *     desc.batch = 4096;
 *     desc.classes = my_classes;                           // class_start and class_total follow from those of all ranks
 *     clxent_mpi_plan_create(context, MPI_COMM_WORLD, &desc, 0, &plan);
 *
 *     clxent_args args;                                    // in each step
 *     clxent_args_init(&args);
 *     args.input.mem = args.grad_input.mem = logits;       // of its own classes
 *     args.target.mem = targets;                           // in [0, V), the same on every rank
 *     args.output.mem = loss;                              // of all classes, the same bits on every rank
 *     clxent_mpi_forward(queue, plan, &args, 0, NULL);
 *     clxent_mpi_backward(queue, plan, &args, 0, NULL, &gradient_ready);
 *
 * The op of the descriptor decides what a shard is of: CROSS_ENTROPY, whose shard is some classes of the logits, or
 * LINEAR_CROSS_ENTROPY, whose shard is some rows of the output layer, while every rank has the same hidden states. Of the latter each rank
 * has a part of grad_input, and clxent_mpi_sum_grad_input makes the sum of them, on all ranks.
 * All options of a shard can be used, see clxent_check_shards in clxent.h.
 *
 * What goes over the wire
 * -----------------------
 * Of each row a shard says a few numbers: the planes top, sum and logit of its partial, with class weights also weight, with label
 * smoothing also linear and masses; n = 3, 4, 5 or 6 of the real type. Each rank gets from each other one those of a P-th of the
 * rows, merges them in the order of the ranks by CLXENT_MERGE, and all ranks get the n merged numbers of all rows. So a rank
 * receives 2 n (P-1)/P numbers a row, whatever V is, and as many leave it. That is the traffic of two all-reduces in a ring of n / 2
 * numbers each, but in a fixed order of addition, which MPI_Allreduce does not promise. The rows are cut into blocks, and the
 * exchange of one goes on while the device computes the next. A backward pass sends nothing of the rows.
 *
 * Same bits
 * ---------
 * The merged numbers are the same bits on every rank, and from run to run with the same number of ranks, the same classes on each, and
 * the same devices. So are loss, lse and weight_sum, which every rank forms of them on its own device, where the ranks' devices and
 * drivers are of one kind. Other numbers of ranks give other last bits, in the bounds of docs/numerics.md; blocks change nothing.
 *
 * Errors
 * ------
 * Every function here but the _destroy and _get_info ones is collective: all ranks of the communicator call it, in the same order.
 * The ranks agree on a status, when a plan is created and at both ends of each step, by one all-reduce of three integers. Where the
 * arguments of a rank are wrong, its device fails or it disagrees with the others, every rank returns the status of the
 * lowest such rank, and clxent_last_error has one sentence on all of them, "rank 2: input is null, ...". After a refusal, a
 * positive status, no tensor was written; after an error of OpenCL outputs are undefined. Either way no rank waits for another,
 * and the plan can be used again. The codes are clxent's; an error of MPI is CLXENT_MPI_FAILED with MPI's own words, and
 * what it means for other ranks is up to MPI. Errors of MPI are returned because the library duplicates the communicator and sets
 * MPI_ERRORS_RETURN there; only the duplication itself is under the error handler that the communicator came with.
 *
 * Not agreed on, since there is nobody to agree with: a null plan or group, a communicator that is none, and MPI that is not
 * initialised are refused on the rank that has them, and the others wait for it.
 *
 * Threads
 * -------
 * A plan or group belongs to one thread at a time. MPI_THREAD_FUNNELED is enough where that is the thread that initialised MPI,
 * MPI_THREAD_SERIALIZED where threads take turns; MPI_THREAD_MULTIPLE is needed for calls at the same time, be they of different
 * plans. No thread is made. A call waits for the device by asking it in turn with MPI. */
#ifndef CLXENT_MPI_H
#define CLXENT_MPI_H

#include <clxent.h>
#include <mpi.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ------------------------------------------------------------------------------------ classes that are dealt out ---- */

/** A rank's shard made ready to run: plans of its passes and of the merge, the buffers between them, a communicator of its own. */
typedef struct clxent_mpi_plan clxent_mpi_plan;

/** Makes a plan. `desc` is of this rank's shard: its op is CROSS_ENTROPY or LINEAR_CROSS_ENTROPY; its pass is FORWARD, for the loss
 * alone, or FORWARD_BACKWARD. Either every rank has a class_total of 0 in it, and has then the classes behind those of the ranks
 * below it, [class_start, class_start + classes), by the sum of their `classes`; or every rank sets class_start and class_total, which
 * must be in the order of the ranks, without overlap or gap. Each rank has at least one class. All must agree in the rest but engine,
 * work_group_size, row_stride and workspace_limit.
 *
 * `blocks` is the number of blocks of batch entries that the rows are cut into, the same on every rank; 0: the library chooses. There
 * are no more than batch entries.
 *
 * All memory is allocated here, see clxent_mpi_info: of each row 6 numbers on the device and on the host, of the rows of a block some
 * 30. Nothing is allocated in a step. `comm` is an intracommunicator, and is duplicated. Collective.
 * Errors: on every rank those of clxent_plan_create; INVALID_ARGUMENT (a null pointer, MPI_COMM_NULL, an intercommunicator, an op
 * that has no shards), INVALID_SHAPE (ranks differ in batch, inner, features, class_total or blocks; a rank without classes; an
 * overlap or a gap; classes that do not end at class_total), INVALID_OPTION (ranks differ in another member; pass is BACKWARD),
 * MPI_FAILED, OUT_OF_MEMORY, OpenCL codes. *plan is then left as it was. */
CLXENT_API clxent_status clxent_mpi_plan_create(clxent_context *context, MPI_Comm comm, const clxent_desc *desc,
                                                size_t blocks, clxent_mpi_plan **plan);

/** What a plan is and what it has done. */
typedef struct clxent_mpi_info {
    size_t struct_size;           /**< set it to sizeof(clxent_mpi_info) before the call */
    int rank;                     /**< of this process in the communicator, */
    int ranks;                    /**< and how many there are */
    size_t class_start;           /**< the first class of this rank, */
    size_t class_total;           /**< and V */
    size_t blocks;                /**< that the rows are cut into; 0 for an empty batch */
    uint64_t device_bytes;        /**< in buffers of the plan, workspace included */
    uint64_t host_bytes;          /**< in arrays of the plan */
    uint64_t forwards;            /**< forward passes since the plan was made that have ended well; of these: */
    uint64_t bytes_received;      /**< numbers of rows that came from other ranks, in bytes, */
    uint64_t grad_bytes_received; /**< the same of clxent_mpi_sum_grad_input, in all calls */
    double seconds;               /**< in clxent_mpi_forward, */
    double mpi_seconds;           /**< and of these in calls of MPI, so not while only the device was waited for */
} clxent_mpi_info;

/** Fills *info. Not collective. Errors: INVALID_ARGUMENT (a null pointer, or a struct_size this library does not know). */
CLXENT_API clxent_status clxent_mpi_plan_get_info(const clxent_mpi_plan *plan, clxent_mpi_info *info);

/** The loss of all classes, on every rank. Reads of `args` input and target, and where they are given, on all ranks or on none, weight
 * (of this rank's classes) and sample_weight; writes output and, where this rank gives them, lse, weight_sum and
 * invalid_count, which are of all V classes: shapes and types are in clxent.h, those of MERGE. What the plan has of its own is ignored:
 * partial, merged and workspace. Targets outside [0, V) are as in clxent_enqueue.
 *
 * Waits for the events of `wait_list`, exchanges, and returns when what it writes is written; the queue is the caller's, in order or not.
 * Collective. Errors: on every rank those of clxent_enqueue; INVALID_ARGUMENT (plan is null; ranks differ in which tensors they give,
 * or in which function they call); MPI_FAILED; OpenCL codes. */
CLXENT_API clxent_status clxent_mpi_forward(cl_command_queue queue, clxent_mpi_plan *plan, const clxent_args *args,
                                            cl_uint wait_count, const cl_event *wait_list);

/** The gradient of this rank's logits, from what the last clxent_mpi_forward of this plan has kept. Reads input, target, weight and
 * sample_weight, which are to be what they were there, and grad_output, on all ranks or on none and the same; writes
 * grad_input, which may be the input itself. Enqueues behind the events of `wait_list` and does not wait for the device; *event (if
 * `event` is not null) is the caller's to release. Collective. Errors: on every rank those of clxent_enqueue; INVALID_ARGUMENT (plan is
 * null, or is of pass FORWARD; no forward pass has ended well; ranks differ in which tensors they give, or in which function they
 * call); MPI_FAILED; OpenCL codes. */
CLXENT_API clxent_status clxent_mpi_backward(cl_command_queue queue, clxent_mpi_plan *plan, const clxent_args *args,
                                             cl_uint wait_count, const cl_event *wait_list, cl_event *event);

/** Of LINEAR_CROSS_ENTROPY: puts the sum of the grad_input of all ranks, which each has a part of after clxent_mpi_backward, in its place on
 * every rank, with the same bits: added in double in the order of the ranks, and rounded once. `args` is what clxent_mpi_backward had.
 * With CLXENT_ACCUMULATE_GRAD call it once, when all parts are in. Waits for the events of `wait_list` and for the last
 * clxent_mpi_backward, and returns when the sum is written; 2 D (P-1)/P numbers of storage a row come from other ranks. Collective.
 * Errors: on every rank those of clxent_mpi_backward; INVALID_ARGUMENT (the op is CROSS_ENTROPY, whose gradient is of this rank's
 * classes and no sum). */
CLXENT_API clxent_status clxent_mpi_sum_grad_input(cl_command_queue queue, clxent_mpi_plan *plan,
                                                   const clxent_args *args, cl_uint wait_count,
                                                   const cl_event *wait_list);

/** Waits for a backward pass that is enqueued, and releases a plan and its communicator, so that all ranks call it, before
 * MPI_Finalize. NULL is allowed. */
CLXENT_API void clxent_mpi_plan_destroy(clxent_mpi_plan *plan);

/* --------------------------------------------------------------------------------------- rows that are dealt out ---- */

/** Processes that have some of the rows each, and form one mean. */
typedef struct clxent_mpi_group clxent_mpi_group;

/** Makes a group of the ranks of an intracommunicator, which is duplicated. Collective. Errors: INVALID_ARGUMENT (group is null, comm is
 * MPI_COMM_NULL or an intercommunicator), MPI_FAILED, OUT_OF_MEMORY. *group is then left as it was. */
CLXENT_API clxent_status clxent_mpi_group_create(MPI_Comm comm, clxent_mpi_group **group);

/** A loss over all processes. */
typedef struct clxent_mpi_total {
    double loss;        /**< sum of the losses, */
    double weights;     /**< of the weights of the rows that count, W, */
    double samples;     /**< and of their sample weights, U */
    double mean;        /**< loss / weights */
    double grad_output; /**< 1 / weights: the gradient that comes in, for a BACKWARD pass of reduction SUM */
} clxent_mpi_total;

/** Adds up what the processes have, in the order of the ranks and in double, so that all get the same bits, and again the next time.
 * `loss` is what a loss of reduction SUM gives for the rows of this rank, `weights` and `samples` the two numbers of its
 * weight_sum. With CLXENT_EMPTY_MEAN_ZERO in `flags`, which all ranks are to agree in, mean and grad_output over nothing are 0, else NaN:
 * nothing is W = 0 and U = 0. W = 0 alone gives NaN. Each rank then gives grad_output, as 1 real in a buffer, to its BACKWARD pass of
 * reduction SUM. A z_loss in a mean has its own divisor, U (docs/numerics.md): with class weights it does not go with this.
 * Collective. Errors: on every rank INVALID_ARGUMENT (group or total is null), INVALID_OPTION (a flag that has no meaning here; flags
 * differ), MPI_FAILED. *total is then left as it was. */
CLXENT_API clxent_status clxent_mpi_mean(clxent_mpi_group *group, double loss, double weights, double samples,
                                         uint64_t flags, clxent_mpi_total *total);

/** Releases a group and its communicator, so that all ranks call it, before MPI_Finalize. NULL is allowed. */
CLXENT_API void clxent_mpi_group_destroy(clxent_mpi_group *group);

#ifdef __cplusplus
}
#endif

#endif
