/* What one rank gets wrong: all ranks return the same error with a sentence that names it, nothing is written, nobody waits, and the
 * plan goes on working. */
#include "mpi_case.h"

static const size_t sizes[] = {5, 2, 3, 4};

/* The rank that is wrong: the last one, so that with one rank there is nobody to disagree with. */
static bool mine(void) {
    return the_rank == the_ranks - 1;
}

static const char *named(const char *text) {
    static char sentence[256];
    snprintf(sentence, sizeof sentence, text, the_ranks - 1);
    return sentence;
}

/* ---- plans ---- */

typedef enum wrong {
    BATCH,
    INNER,
    DTYPE,
    TARGETS,
    REDUCTION,
    IGNORED,
    FLAGS,
    SMOOTHING,
    SCALE,
    CAP,
    Z,
    GRAD_SCALE,
    PASS,
    OP,
    CLASS_TOTAL,
    BLOCKS,
    DIFFERENCES,
    /* Wrong by itself, also on one rank. */
    NO_CLASSES = DIFFERENCES,
    ONLY_BACKWARD,
    OTHER_OP,
    PROBABILITY,
    REGULARISED,
    NULL_DESC,
    NULL_CONTEXT,
    NULL_PLAN,
    OLD_STRUCT,
    START_ALONE,
    WRONGS
} wrong;

static const struct {
    clxent_status status;
    const char *text;
} refusals[] = {
    [BATCH] = {CLXENT_INVALID_SHAPE, "batch is 8 on rank %d, but 9 on rank 0"},
    [INNER] = {CLXENT_INVALID_SHAPE, "inner is 2 on rank %d, but 1 on rank 0"},
    [DTYPE] = {CLXENT_INVALID_OPTION, "dtype is 2 on rank %d, but 0 on rank 0"},
    [TARGETS] = {CLXENT_INVALID_OPTION, "target_type is 1 on rank %d, but 0 on rank 0"},
    [REDUCTION] = {CLXENT_INVALID_OPTION, "reduction is 2 on rank %d, but 1 on rank 0"},
    [IGNORED] = {CLXENT_INVALID_OPTION, "ignore_index is -1 on rank %d, but -100 on rank 0"},
    [FLAGS] = {CLXENT_INVALID_OPTION, "flags is 1 on rank %d, but 0 on rank 0"},
    [SMOOTHING] = {CLXENT_INVALID_OPTION, "label_smoothing is 0.125 on rank %d, but 0 on rank 0"},
    [SCALE] = {CLXENT_INVALID_OPTION, "logit_scale is 0.5 on rank %d, but 1 on rank 0"},
    [CAP] = {CLXENT_INVALID_OPTION, "logit_softcap is 30 on rank %d, but 0 on rank 0"},
    [Z] = {CLXENT_INVALID_OPTION, "z_loss is 0.5 on rank %d, but 0 on rank 0"},
    [GRAD_SCALE] = {CLXENT_INVALID_OPTION, "grad_scale is 2 on rank %d, but 1 on rank 0"},
    [PASS] = {CLXENT_INVALID_OPTION, "pass is 0 on rank %d, but 2 on rank 0"},
    [OP] = {CLXENT_INVALID_OPTION, "op is 7 on rank %d, but 3 on rank 0"},
    [CLASS_TOTAL] = {CLXENT_INVALID_SHAPE, "class_total is 100 on rank %d, but 0 on rank 0"},
    [BLOCKS] = {CLXENT_INVALID_SHAPE, "blocks is 3 on rank %d, but 0 on rank 0"},
    [NO_CLASSES] = {CLXENT_INVALID_SHAPE, "rank %d of"},
    [ONLY_BACKWARD] = {CLXENT_INVALID_OPTION, "rank %d: pass is 1, it must be FORWARD or FORWARD_BACKWARD"},
    [OTHER_OP] = {CLXENT_INVALID_ARGUMENT, "rank %d: op is 2, which has no shards"},
    [PROBABILITY] = {CLXENT_INVALID_OPTION, ""},
    [REGULARISED] = {CLXENT_INVALID_OPTION, ""},
    [NULL_DESC] = {CLXENT_INVALID_ARGUMENT, "rank %d: desc is null"},
    [NULL_CONTEXT] = {CLXENT_INVALID_ARGUMENT, "rank %d: context is null"},
    [NULL_PLAN] = {CLXENT_INVALID_ARGUMENT, "rank %d: plan is null"},
    [OLD_STRUCT] = {CLXENT_INVALID_ARGUMENT, "rank %d: desc.struct_size is 8, this library knows"},
    [START_ALONE] = {CLXENT_INVALID_SHAPE, "has a class_start of 1, but class_total is 0"},
};

static void put_wrong(clxent_desc *desc, wrong what) {
    switch (what) {
    case BATCH:
        desc->batch = 8;
        break;
    case INNER:
        desc->inner = 2;
        break;
    case DTYPE:
        desc->dtype = CLXENT_F16;
        break;
    case TARGETS:
        desc->target_type = CLXENT_TARGET_I64;
        break;
    case REDUCTION:
        desc->reduction = CLXENT_REDUCTION_SUM;
        break;
    case IGNORED:
        desc->ignore_index = -1;
        break;
    case FLAGS:
        desc->flags = CLXENT_ACCUMULATE_GRAD;
        break;
    case SMOOTHING:
        desc->label_smoothing = .125;
        break;
    case SCALE:
        desc->logit_scale = .5;
        break;
    case CAP:
        desc->logit_softcap = 30;
        break;
    case Z:
        desc->z_loss = .5;
        break;
    case GRAD_SCALE:
        desc->grad_scale = 2;
        break;
    case PASS:
        desc->pass = CLXENT_FORWARD;
        break;
    case OP:
        desc->op = CLXENT_LINEAR_CROSS_ENTROPY;
        break;
    case CLASS_TOTAL:
        desc->class_total = 100;
        break;
    case NO_CLASSES:
        desc->classes = 0;
        break;
    case ONLY_BACKWARD:
        desc->pass = CLXENT_BACKWARD;
        break;
    case OTHER_OP:
        desc->op = CLXENT_NLL_LOSS;
        break;
    case PROBABILITY:
        desc->target_type = CLXENT_TARGET_PROBABILITIES;
        break;
    case REGULARISED:
        desc->reg_lambda = .5;
        break;
    case OLD_STRUCT:
        desc->struct_size = 8;
        break;
    case START_ALONE:
        desc->class_start = 1;
        break;
    default:
        break;
    }
}

static void refused_plans(void) {
    shard_case c = case_of_sizes(9, sizes);
    for (int i = 0; i < WRONGS; i++) {
        clxent_desc desc = rank_desc(&c, the_rank);
        clxent_mpi_plan *plan = NULL;
        if (i < DIFFERENCES && the_ranks == 1)
            continue;
        if (mine())
            put_wrong(&desc, (wrong)i);
        /* An option that is wrong alone is one that ranks differ in, where others have it not. */
        const bool differs = (i == PROBABILITY || i == REGULARISED) && the_ranks > 1;
        clxent_status status =
            clxent_mpi_plan_create(mine() && i == NULL_CONTEXT ? NULL : the_device.context, MPI_COMM_WORLD,
                                   mine() && i == NULL_DESC ? NULL : &desc, mine() && i == BLOCKS ? 3 : 0,
                                   mine() && i == NULL_PLAN ? NULL : &plan);
        expect_on_all_ranks(status, refusals[i].status, differs ? named(" on rank %d, but ") : named(refusals[i].text));
        assert_null(plan);
    }
}

/* Places that the ranks say themselves. */
static void refused_places(void) {
    shard_case c = case_of_sizes(9, sizes);
    clxent_mpi_plan *plan = NULL;
    for (int i = 0; i < 4 && the_ranks > 1; i++) {
        clxent_desc desc = shard_desc(&c, (size_t)the_rank, CLXENT_FORWARD_BACKWARD);
        const char *text = i == 0   ? "they leave a gap"
                           : i == 1 ? "they overlap"
                           : i == 2 ? "the last, ends at class"
                                    : "";
        desc.row_stride = 0;
        if (mine() && i < 2)
            desc.class_start += i == 0 ? 1 : (size_t)-1;
        desc.class_total += i == 0 ? 1 : i == 2 ? 3 : 0;
        if (i == 3) { /* all of them begin at the end of the first */
            desc.class_start = sizes[0];
            desc.class_total += sizes[0];
            text = "rank 0 begins at class 5, and no rank has those before it";
        }
        expect_on_all_ranks(clxent_mpi_plan_create(the_device.context, MPI_COMM_WORLD, &desc, 0, &plan),
                            CLXENT_INVALID_SHAPE, text);
        assert_null(plan);
    }
}

static void refused_communicators(void) {
    shard_case c = case_of_sizes(9, sizes);
    clxent_desc desc = rank_desc(&c, the_rank);
    clxent_mpi_plan *plan = NULL;
    clxent_mpi_group *group = NULL;
    clxent_mpi_info info = {.struct_size = 3};
    assert_refused(clxent_mpi_plan_create(the_device.context, MPI_COMM_NULL, &desc, 0, &plan), CLXENT_INVALID_ARGUMENT,
                   "comm is MPI_COMM_NULL");
    assert_refused(clxent_mpi_group_create(MPI_COMM_NULL, &group), CLXENT_INVALID_ARGUMENT, "comm is MPI_COMM_NULL");
    if (the_ranks > 1) {
        MPI_Comm half, inter;
        MPI_Comm_split(MPI_COMM_WORLD, the_rank == 0, the_rank, &half);
        MPI_Intercomm_create(half, 0, MPI_COMM_WORLD, the_rank == 0 ? 1 : 0, 1, &inter);
        assert_refused(clxent_mpi_group_create(inter, &group), CLXENT_INVALID_ARGUMENT, "comm is an intercommunicator");
        MPI_Comm_free(&inter);
        MPI_Comm_free(&half);
    }
    expect_on_all_ranks(clxent_mpi_group_create(MPI_COMM_WORLD, mine() ? NULL : &group), CLXENT_INVALID_ARGUMENT,
                        named("rank %d: group is null"));
    assert_true(plan == NULL && group == NULL);
    assert_refused(clxent_mpi_plan_get_info(NULL, &info), CLXENT_INVALID_ARGUMENT, "plan is null");
    assert_refused(clxent_mpi_forward(the_device.queue, NULL, NULL, 0, NULL), CLXENT_INVALID_ARGUMENT, "plan is null");
    assert_refused(clxent_mpi_backward(the_device.queue, NULL, NULL, 0, NULL, NULL), CLXENT_INVALID_ARGUMENT,
                   "plan is null");
    assert_refused(clxent_mpi_mean(NULL, 0, 0, 0, 0, NULL), CLXENT_INVALID_ARGUMENT, "group is null");
    clxent_mpi_plan_destroy(NULL);
    clxent_mpi_group_destroy(NULL);
}

/* ---- steps ---- */

/* Does a buffer still hold what it was made with? */
static void expect_untouched(cl_mem mem, size_t bytes, const void *array) {
    char *now = malloc(bytes);
    assert_non_null(now);
    read_buffer(mem, 0, bytes, now);
    assert_memory_equal(now, array, bytes);
    free(now);
}

static void expect_nothing_written(const mpi_case *m) {
    expect_untouched(m->args.output.mem, sizeof(float), m->d.output);
    expect_untouched(m->args.lse.mem, m->rows_bytes, m->d.lse);
    expect_untouched(m->args.weight_sum.mem, 2 * sizeof(float), m->d.weight_sum);
    expect_untouched(m->args.grad_input.mem, m->input_bytes, m->before);
}

/* In the order of `attempt`. */
typedef enum slip {
    NO_INPUT,
    NO_TARGET,
    NO_OUTPUT,
    SHORT_INPUT,
    SHORT_LSE,
    NO_QUEUE,
    FOREIGN_QUEUE,
    NO_ARGS,
    ARGMAX,
    WAITS,
    NO_GRADIENT,
    NO_WEIGHT,
    NO_SAMPLE_WEIGHT,
    SLIPS
} slip;

static const struct {
    clxent_status status;
    const char *text;
} slips[] = {
    [NO_INPUT] = {CLXENT_MISSING_BUFFER, "rank %d: input is null"},
    [NO_TARGET] = {CLXENT_MISSING_BUFFER, "rank %d: target is null"},
    [NO_OUTPUT] = {CLXENT_MISSING_BUFFER, "rank %d: output is null, but this pass of merge needs its 4 bytes"},
    [SHORT_INPUT] = {CLXENT_BUFFER_TOO_SMALL, "rank %d: input"},
    [SHORT_LSE] = {CLXENT_BUFFER_TOO_SMALL, "rank %d: lse"},
    [NO_QUEUE] = {CLXENT_INVALID_QUEUE, "rank %d: queue is null"},
    [FOREIGN_QUEUE] = {CLXENT_INVALID_QUEUE, "rank %d: queue belongs to another OpenCL context"},
    [NO_ARGS] = {CLXENT_INVALID_ARGUMENT, "rank %d: args is null"},
    [ARGMAX] = {CLXENT_INVALID_ARGUMENT, "rank %d: argmax is given"},
    [WAITS] = {CLXENT_INVALID_ARGUMENT, "rank %d: wait_count is 1, but wait_list is null"},
    [NO_GRADIENT] = {CLXENT_MISSING_BUFFER, "rank %d: grad_input is null"},
    [NO_WEIGHT] = {CLXENT_INVALID_ARGUMENT, "rank 0 gives weight, but rank %d does not"},
    [NO_SAMPLE_WEIGHT] = {CLXENT_INVALID_ARGUMENT, "rank 0 gives sample_weight, but rank %d does not"},
};

static clxent_status attempt(mpi_case *m, slip what, bool backward, cl_command_queue foreign) {
    clxent_args args = m->args;
    cl_command_queue queue = the_device.queue;
    const clxent_buffer absent = {NULL, 0};
    bool slips_here = mine();
    args.input = slips_here && what == NO_INPUT ? absent : args.input;
    args.target = slips_here && what == NO_TARGET ? absent : args.target;
    args.output = slips_here && what == NO_OUTPUT ? absent : args.output;
    args.grad_input = slips_here && what == NO_GRADIENT ? absent : args.grad_input;
    args.weight = slips_here && what == NO_WEIGHT ? absent : args.weight;
    args.sample_weight = slips_here && what == NO_SAMPLE_WEIGHT ? absent : args.sample_weight;
    args.input.offset += slips_here && what == SHORT_INPUT ? m->input_bytes : 0;
    args.lse.offset += slips_here && what == SHORT_LSE ? 4 : 0;
    args.argmax = slips_here && what == ARGMAX ? args.lse : absent;
    queue = slips_here && what == NO_QUEUE ? NULL : slips_here && what == FOREIGN_QUEUE ? foreign : queue;
    const clxent_args *given = slips_here && what == NO_ARGS ? NULL : &args;
    const cl_uint waits = slips_here && what == WAITS;
    return backward ? clxent_mpi_backward(queue, m->plan, given, waits, NULL, NULL)
                    : clxent_mpi_forward(queue, m->plan, given, waits, NULL);
}

/* Of these a pass sees nothing. */
static bool is_seen(slip what, bool backward) {
    if (the_ranks == 1 && (what == NO_WEIGHT || what == NO_SAMPLE_WEIGHT))
        return false;
    return backward ? what != NO_OUTPUT && what != SHORT_LSE : what != NO_GRADIENT;
}

static void refused_steps(void) {
    mpi_case m;
    cl_int error = CL_SUCCESS;
    cl_context other = make_context();
    cl_command_queue foreign = clCreateCommandQueue(other, the_device.id, 0, &error);
    shard_case c = case_of_sizes(9, sizes);
    assert_int_equal(error, CL_SUCCESS);
    c.weight = c.sample_weight = true;
    case_open(&m, &c, 3, 2);
    expect_on_all_ranks(clxent_mpi_backward(the_device.queue, m.plan, &m.args, 0, NULL, NULL), CLXENT_INVALID_ARGUMENT,
                        "rank 0: no forward pass");
    for (int i = 0; i < SLIPS; i++)
        if (is_seen((slip)i, false)) {
            expect_on_all_ranks(attempt(&m, (slip)i, false, foreign), slips[i].status, named(slips[i].text));
            expect_nothing_written(&m);
        }
    case_check(&m);
    for (int i = 0; i < SLIPS; i++)
        if (is_seen((slip)i, true))
            expect_on_all_ranks(attempt(&m, (slip)i, true, foreign), slips[i].status, named(slips[i].text));
    if (the_ranks > 1) {
        clxent_status status = mine() ? clxent_mpi_backward(the_device.queue, m.plan, &m.args, 0, NULL, NULL)
                                      : clxent_mpi_forward(the_device.queue, m.plan, &m.args, 0, NULL);
        expect_on_all_ranks(status, CLXENT_INVALID_ARGUMENT,
                            named("rank %d calls clxent_mpi_backward, but rank 0 calls clxent_mpi_forward"));
    }
    case_check(&m); /* all is as before */
    case_close(&m);
    clReleaseCommandQueue(foreign);
    clReleaseContext(other);
}

int main(int argc, char **argv) {
    begin_ranks(&argc, &argv);
    refused_plans();
    refused_places();
    refused_communicators();
    refused_steps();
    return end_ranks();
}
