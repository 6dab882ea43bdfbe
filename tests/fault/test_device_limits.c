/* Devices with less of everything: work-groups, local memory, compute units, addresses, one allocation. What they can do
 * they do right; what they cannot is refused, by exact status and with the numbers. */
#include "hostile.h"

/* Both kinds of a device: as it is, and as a GPU, where work-items share rows. */
#define AS_EITHER(pretences, check)                                                                                    \
    for (int gpu = 0; gpu < 2; gpu++) {                                                                                \
        if (!is_kind_shared(gpu))                                                                                      \
            continue;                                                                                                  \
        pretend_nothing();                                                                                             \
        if (gpu)                                                                                                       \
            pretend_gpu();                                                                                             \
        pretences;                                                                                                     \
        become();                                                                                                      \
        check;                                                                                                         \
    }

static void as_a_gpu(void **state) {
    (void)state;
    pretend_gpu();
    become();
    expect_all_right();
    pretend_uint(CL_DEVICE_HOST_UNIFIED_MEMORY, CL_FALSE);
    become();
    expect_all_right();
}

static void groups_of_one(void **state) {
    (void)state;
    AS_EITHER(pretend_size(CL_DEVICE_MAX_WORK_GROUP_SIZE, 1), {
        expect_all_right();
        EXPECT_NO_PLAN(d.work_group_size = 2, CLXENT_UNSUPPORTED, "work_group_size is 2, the device allows 1");
        EXPECT_NO_PLAN((d = good_desc(LINEAR_BOTH), d.work_group_size = 2), CLXENT_UNSUPPORTED,
                       "work_group_size is 2, the device allows 1");
    })
}

static void groups_of_three(void **state) {
    (void)state;
    AS_EITHER(pretend_size(CL_DEVICE_MAX_WORK_GROUP_SIZE, 3), {
        expect_all_right();
        EXPECT_NO_PLAN(d.work_group_size = 4, CLXENT_UNSUPPORTED, "work_group_size is 4, the device allows 3");
    })
}

/* The device takes groups, its first dimension does not. */
static void few_items_in_a_dimension(void **state) {
    (void)state;
    const size_t sizes[3] = {1, 64, 64};
    AS_EITHER(pretend_bytes(CL_DEVICE_MAX_WORK_ITEM_SIZES, sizes, sizeof sizes), {
        expect_all_right();
        EXPECT_NO_PLAN(d.work_group_size = 2, CLXENT_UNSUPPORTED, "work_group_size is 2, the device allows 1");
    })
}

/* Of kernels that need many registers a group may be smaller than the device's. */
static void kernels_that_take_few_items(void **state) {
    (void)state;
    static const size_t limits[] = {1, 3};
    for (size_t i = 0; i < 2; i++) {
        AS_EITHER(pretend_kernel_limit(limits[i]), {
            char text[100];
            snprintf(text, sizeof text, "work_group_size is 16, the device allows %zu for this kernel", limits[i]);
            expect_all_right();
            EXPECT_NO_PLAN(d.work_group_size = 16, CLXENT_UNSUPPORTED, text);
            EXPECT_NO_PLAN((d = good_desc(LINEAR_BOTH), d.work_group_size = 16), CLXENT_UNSUPPORTED, text);
        })
    }
}

static void no_local_memory(void **state) {
    (void)state;
    AS_EITHER(pretend_ulong(CL_DEVICE_LOCAL_MEM_SIZE, 0), {
        expect_all_right();
        EXPECT_NO_PLAN(d.engine = CLXENT_ENGINE_ROW_PER_GROUP, CLXENT_UNSUPPORTED,
                       "engine row_per_group cannot do this: 1 work-items need 32 bytes of local memory each, the row "
                       "as many more, the device has 0");
        EXPECT_NO_PLAN(d.engine = CLXENT_ENGINE_ROW_SPLIT, CLXENT_UNSUPPORTED,
                       "engine row_split cannot do this: 1 work-items need 32 bytes of local memory each, the row "
                       "as many more, the device has 0");
        EXPECT_NO_PLAN((d = good_desc(LINEAR_BOTH), d.engine = CLXENT_ENGINE_ROW_PER_GROUP), CLXENT_UNSUPPORTED,
                       "engine row_per_group cannot do this: 1 work-items need ");
        EXPECT_NO_PLAN((d = good_shard(CLXENT_FORWARD), d.engine = CLXENT_ENGINE_ROW_SPLIT), CLXENT_UNSUPPORTED,
                       "engine row_split cannot do this: 1 work-items need ");
    })
}

/* A KiB holds the states of 31 work-items and of the row, of 32 bytes each. */
static void little_local_memory(void **state) {
    (void)state;
    AS_EITHER(pretend_ulong(CL_DEVICE_LOCAL_MEM_SIZE, 1024), {
        expect_all_right();
        EXPECT_NO_PLAN((d.engine = CLXENT_ENGINE_ROW_PER_GROUP, d.work_group_size = 32), CLXENT_UNSUPPORTED,
                       "engine row_per_group cannot do this: 32 work-items need 32 bytes of local memory each, the row "
                       "as many more, the device has 1024");
        EXPECT_NO_PLAN((d.engine = CLXENT_ENGINE_ROW_SPLIT, d.work_group_size = 33), CLXENT_UNSUPPORTED,
                       "engine row_split cannot do this: 33 work-items need 32 bytes of local memory each, the row "
                       "as many more, the device has 1024");
    })
}

/* The layer does notice: what asks for more local memory than there is does not run. */
static void too_much_local_memory_is_noticed(void **state) {
    (void)state;
    static api_case c;
    case_begin(&c, CLXENT_SOFTMAX, CLXENT_FORWARD);
    c.desc.engine = CLXENT_ENGINE_ROW_PER_GROUP;
    case_fill(&c);
    case_upload(&c);
    assert_success(case_run(&c));
    pretend_ulong(CL_DEVICE_LOCAL_MEM_SIZE, 1);
    assert_refused(case_run(&c), CL_OUT_OF_RESOURCES, "launching row_op with ");
    pretend_nothing();
    assert_success(case_run(&c));
    assert_right(&c);
    case_release(&c);
}

static void one_compute_unit(void **state) {
    (void)state;
    AS_EITHER(pretend_uint(CL_DEVICE_MAX_COMPUTE_UNITS, 1), expect_all_right());
    AS_EITHER(pretend_uint(CL_DEVICE_MAX_COMPUTE_UNITS, 0), expect_all_right());
}

static void addresses_of_32_bits(void **state) {
    (void)state;
    AS_EITHER(pretend_uint(CL_DEVICE_ADDRESS_BITS, 32), expect_all_right());
}

/* Everything at once. */
static void the_smallest_device(void **state) {
    (void)state;
    AS_EITHER((pretend_size(CL_DEVICE_MAX_WORK_GROUP_SIZE, 1), pretend_ulong(CL_DEVICE_LOCAL_MEM_SIZE, 0),
               pretend_uint(CL_DEVICE_MAX_COMPUTE_UNITS, 1), pretend_uint(CL_DEVICE_ADDRESS_BITS, 32),
               pretend_ulong(CL_DEVICE_DOUBLE_FP_CONFIG, 0), pretend_kernel_limit(1),
               pretend_text(CL_DEVICE_OPENCL_C_VERSION, "OpenCL C 1.2 ")),
              expect_all_right())
}

/* One allocation holds less than a tensor: OpenCL says so, with the bytes and the tensor; less goes on to work. */
static void small_allocations(void **state) {
    (void)state;
    static api_case c, after;
    for (int copies = 0; copies < 2; copies++) {
        pretend_nothing();
        pretend_ulong(CL_DEVICE_MAX_MEM_ALLOC_SIZE, 1000);
        pretend_uint(CL_DEVICE_HOST_UNIFIED_MEMORY, copies ? CL_FALSE : CL_TRUE);
        become();
        for (size_t batch = 50; batch <= 51; batch++) {
            case_begin(&c, CLXENT_SOFTMAX, CLXENT_FORWARD);
            c.desc.batch = batch;
            case_fill(&c);
            case_copy(&after, &c);
            clxent_status status = clxent_run(the_device.context, &after.desc, &after.host);
            if (batch == 51) {
                assert_refused(status, CL_INVALID_BUFFER_SIZE,
                               copies ? "clCreateBuffer of 1020 bytes for input failed: CL_INVALID_BUFFER_SIZE (-61)"
                                      : "clCreateBuffer over the 1020 bytes of input failed: CL_INVALID_BUFFER_SIZE");
                assert_memory_equal(after.array, c.array, sizeof c.array);
                continue;
            }
            assert_success(status);
            assert_true(arrays_are_right(&c, &after));
        }
    }
}

/* The workspace, too, which is the largest buffer of linear cross-entropy. */
static void small_workspaces(void **state) {
    (void)state;
    static api_case c, after;
    pretend_ulong(CL_DEVICE_MAX_MEM_ALLOC_SIZE, 1000);
    become();
    case_begin(&c, CLXENT_LINEAR_CROSS_ENTROPY, CLXENT_FORWARD_BACKWARD);
    case_fill(&c);
    case_copy(&after, &c);
    assert_refused(clxent_run(the_device.context, &after.desc, &after.host), CL_INVALID_BUFFER_SIZE,
                   " for workspace failed: CL_INVALID_BUFFER_SIZE (-61)");
    assert_memory_equal(after.array, c.array, sizeof c.array);
    pretend_nothing();
    assert_success(clxent_run(the_device.context, &after.desc, &after.host));
    assert_true(arrays_are_right(&c, &after));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        hostile_test(as_a_gpu),
        hostile_test(groups_of_one),
        hostile_test(groups_of_three),
        hostile_test(few_items_in_a_dimension),
        hostile_test(kernels_that_take_few_items),
        hostile_test(no_local_memory),
        hostile_test(little_local_memory),
        hostile_test(too_much_local_memory_is_noticed),
        hostile_test(one_compute_unit),
        hostile_test(addresses_of_32_bits),
        hostile_test(the_smallest_device),
        hostile_test(small_allocations),
        hostile_test(small_workspaces),
    };
    return run_hostile_tests("small devices", tests, sizeof tests / sizeof tests[0], 27);
}
