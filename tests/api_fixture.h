/* What the tests of the interface on a device share: the device, and a small case of any operation with its arrays on
 * the host, its buffers on the device, and a comparison with the CPU reference. */
#ifndef API_FIXTURE_H
#define API_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "operations.h"
#include "tensor.h"

#define ARRAY_BYTES 2048
#define UNTOUCHED 0xFF /* every byte of what nobody wrote: a NaN in float and in double */
#define CASE_TENSORS CLX_TENSORS
#define WORKSPACE CASE_TENSORS                       /* the place of the workspace behind the tensors */
#define NO_EVENT ((cl_event)(void *)&the_device)     /* what *event holds before a call that must not touch it */
#define NO_PLAN ((clxent_plan *)(void *)&the_device) /* the same for *plan */

/* For loops over all operations and passes. */
#define LAST_OP CLXENT_LINEAR_CROSS_ENTROPY
bool has_pass(clxent_op op, clxent_pass pass);
clxent_pass last_pass(clxent_op op);

/* An operation that has the tensor, and with its last pass. */
clxent_op op_with(int tensor);
#define BOTH_WITH(tensor) op_with(tensor), last_pass(op_with(tensor))
bool is_loss(clxent_op op);

/* The device that the tests run on, a context for it and an in-order queue. */
typedef struct api_device {
    clxent_context *context;
    cl_context cl;
    cl_device_id id;
    cl_command_queue queue;
} api_device;

extern api_device the_device;

/* Group setup and teardown of CMocka. */
int open_device(void **state);
int close_device(void **state);

/* Asks the device; the first is false where there is no double precision. */
bool device_has_fp64(void);
bool device_has_images(void);
bool device_is_unordered(void); /* does it have out-of-order queues? */
size_t device_max_work_group(void);

/* Another OpenCL context for the device. */
cl_context make_context(void);

/* A queue of the device. */
cl_command_queue make_queue(cl_command_queue_properties properties);

/* With profiling, and out-of-order where the device has that; where it has not, OpenCL must say so. */
cl_command_queue make_unordered_queue(void);

/* Waits until all that was enqueued has ended. Unlike clFinish of Mesa 22.3, also for what was flushed before. */
void finish_queue(cl_command_queue queue);

/* A buffer of the device's context with these bytes in it; with UNTOUCHED where `bytes` is NULL. */
cl_mem make_buffer(size_t size, const void *bytes);
void read_buffer(cl_mem mem, size_t offset, size_t size, void *bytes);

/* An event that holds up whoever waits for it, until it is let go; that releases it too. */
cl_event make_user_event(void);
void let_go(cl_event user);

/* The execution status of an event; waits for its end and releases it. */
cl_int state_of(cl_event event);
void wait_for(cl_event event);

/* Three rows of five classes, F32; of MERGE, in two parts; of LINEAR_CROSS_ENTROPY, from four features. */
clxent_desc good_desc(clxent_op op, clxent_pass pass);

/* The same five classes as a shard of nine, of which it has the targets of two rows. */
clxent_desc good_shard(clxent_pass pass);

/* The least workspace_limit that LINEAR_CROSS_ENTROPY takes, so that a chunk is one row. */
void limit_workspace(clxent_desc *desc);

/* The options of cross-entropy that change the loss or its gradient, all at once; ignores class 1, accumulates. */
void set_all_options(clxent_desc *desc);

/* Target probabilities, and what does not go with them at its default. */
void set_probabilities(clxent_desc *desc, clxent_target_type type);

/* One operation with all tensors that its pass uses. */
typedef struct api_case {
    clxent_desc desc;
    clxent_host_args host; /* points into `array` */
    _Alignas(16) unsigned char array[CLX_TENSORS][ARRAY_BYTES];
    clxent_plan *plan;
    clxent_plan_info info;
    clxent_args args;
    size_t offset[CLX_TENSORS + 1]; /* where the tensors are to begin in their buffers; set it before case_upload */
    cl_mem memory[CLX_TENSORS + 1]; /* exactly as large as needed; inputs hold the arrays, the rest is UNTOUCHED */
} api_case;

/* Step by step: good_desc; the arrays, for the descriptor as it is now; plan and buffers. */
void case_begin(api_case *c, clxent_op op, clxent_pass pass);
void case_fill(api_case *c);
void case_upload(api_case *c);

/* All three. */
void case_make(api_case *c, clxent_op op, clxent_pass pass);

/* A copy whose tensors are its own arrays. */
void case_copy(api_case *copy, const api_case *c);

void case_release(api_case *c);

/* The buffer, or the array, of a tensor or of the workspace by number. */
clxent_buffer *case_buffer(api_case *c, int tensor);
void case_set_array(api_case *c, int tensor, void *array);
size_t case_bytes(const api_case *c, int tensor);
bool case_has(const api_case *c, int tensor); /* does its pass use it, in arrays and buffers? */
bool case_writes(const api_case *c, int tensor);
const char *case_tensor_name(int tensor);

/* Leaves a tensor out, of buffers and arrays. */
void case_drop(api_case *c, int tensor);

/* Element i of a tensor's array as a number, if it is not of class indices or counts. */
double case_number(const api_case *c, int tensor, size_t i);
void case_set_number(api_case *c, int tensor, size_t i, double value);

/* Another buffer for a tensor, of another size. */
void case_resize(api_case *c, int tensor, size_t size);

/* On the device's queue, and waits. */
clxent_status case_run(api_case *c);

/* Are all buffers as case_upload left them? */
bool case_is_untouched(const api_case *c);

/* Does every tensor that the pass writes hold what the reference gives for the arrays? Says so if not. */
bool case_is_right(api_case *c);
#define assert_right(c) assert_true(case_is_right(c))

/* The same for arrays that clxent_run filled, with the arrays as they were before it. */
bool arrays_are_right(const api_case *before, const api_case *after);

#define assert_success(call)                                                                                           \
    do {                                                                                                               \
        clxent_status status_ = (call);                                                                                \
        if (status_ != CLXENT_SUCCESS)                                                                                 \
            fail_msg("%s: %s", clxent_status_string(status_), clxent_last_error());                                    \
    } while (0)

/* `call` gives `status`, and the last error holds `text`. */
#define assert_refused(call, status, text) check_refused(call, status, text, __FILE__, __LINE__)
void check_refused(clxent_status got, clxent_status status, const char *text, const char *file, int line);

#endif
