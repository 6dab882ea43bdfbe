/* Linear cross-entropy whose output layer is dealt out to the ranks, against clxent_reference on all classes: the loss, each rank's part
 * of the layer's gradient, and the sum of what they have of the gradient of the hidden states, with the same bits on all ranks. */
#include "mpi_layer.h"

static void check(clxent_dtype dtype, bool padded, size_t before) {
    static mpi_layer l;
    layer_open(&l, dtype, padded, before);
    expect_on_all_ranks(clxent_mpi_sum_grad_input(the_device.queue, l.plan, &l.args, 0, NULL), CLXENT_INVALID_ARGUMENT,
                        "rank 0: no forward pass");
    layer_check(&l);
    layer_check(&l);
    clxent_mpi_info info = {.struct_size = sizeof info};
    assert_success(clxent_mpi_plan_get_info(l.plan, &info));
    assert_true((info.grad_bytes_received > 0) == (the_ranks > 1));
    clxent_args wrong = l.args;
    wrong.grad_input.mem = the_rank == the_ranks - 1 ? NULL : l.args.grad_input.mem;
    expect_on_all_ranks(clxent_mpi_sum_grad_input(the_device.queue, l.plan, &wrong, 0, NULL), CLXENT_MISSING_BUFFER,
                        ": grad_input is null");
    layer_close(&l);
}

/* Of cross-entropy there is nothing to sum. */
static void refuse_others(void) {
    mpi_case m;
    shard_case c = case_of_sizes(9, (size_t[]){5, 2, 3, 4});
    case_open(&m, &c, 3, 1);
    case_check(&m);
    expect_on_all_ranks(clxent_mpi_sum_grad_input(the_device.queue, m.plan, &m.args, 0, NULL), CLXENT_INVALID_ARGUMENT,
                        "rank 0: grad_input of cross-entropy is of this rank's classes");
    assert_refused(clxent_mpi_sum_grad_input(the_device.queue, NULL, &m.args, 0, NULL), CLXENT_INVALID_ARGUMENT,
                   "plan is null");
    case_close(&m);
}

int main(int argc, char **argv) {
    begin_ranks(&argc, &argv);
    check(CLXENT_F32, false, 0);
    check(CLXENT_F32, true, 0);
    check(CLXENT_F32, true, LAYER_STRIDE + 1);
    check(CLXENT_F32, true, LAYER_STRIDE - LAYER_WIDTH); /* the last at which rows are moved as a rectangle */
    check(CLXENT_F32, true, LAYER_STRIDE - LAYER_WIDTH + 1);
    check(CLXENT_BF16, true, 0);
    check(CLXENT_F16, false, 0);
    if (device_has_fp64())
        check(CLXENT_F64, false, 0);
    refuse_others();
    return end_ranks();
}
