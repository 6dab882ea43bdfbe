/* The device buffers that cases are measured on: how large, what is in them, which part is whose. */
#include "bench_buffers.h"

#include "bench.h"
#include "message.h"

#include "../host/half.h" /* clx_store */

#include <stdio.h>
#include <stdlib.h>

#define WORKING_SET ((size_t)192 << 20)
#define ALIGNMENT ((size_t)256)
#define CHUNK ((size_t)1 << 18) /* elements that are made up; the rest repeats them */

static size_t round_up(size_t bytes) {
    return (bytes + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
}

/* ---- how much ---- */

static size_t bytes_of(cl_ulong bytes) {
    return bytes < SIZE_MAX ? (size_t)bytes : SIZE_MAX;
}

/* Three quarters of the memory: something must be left for others. */
static size_t usable_bytes(const bench *b) {
    return bytes_of(b->device.facts.memory) / 4 * 3;
}

static int choose_sets(bench *b, const bench_case *c) {
    bench_buffers *of = &b->buffers;
    bench_traffic traffic = bench_traffic_of(c);
    size_t tensors = traffic.reads + traffic.writes > 0 ? traffic.reads + traffic.writes : 1;
    size_t cache = bytes_of(b->device.facts.cache), share = usable_bytes(b) / tensors;
    size_t largest = bytes_of(b->device.facts.largest_buffer), most = share < largest ? share : largest;
    size_t wanted = 2 * cache > WORKING_SET ? 2 * cache : WORKING_SET;
    of->stride = round_up(bench_elements(c) * bench_element_size(c->dtype));
    of->target_stride = round_up(bench_rows(c) * sizeof(int32_t));
    size_t larger = of->target_stride > of->stride ? of->target_stride : of->stride;
    of->next = 0;
    of->sets = wanted / of->stride + 1;
    if (of->sets > most / larger)
        of->sets = most / larger;
    if (of->sets > 0)
        return STATUS_OK;
    snprintf(b->reason, sizeof b->reason, "%s needs %zu %s of %zu MiB, this device has room for %zu MiB%s",
             bench_describe(c).text, tensors, tensors == 1 ? "buffer" : "buffers", larger >> 20, most >> 20,
             tensors == 1 ? "" : " each");
    return BENCH_CANNOT;
}

/* Gives back what earlier cases needed and this one does not, where it would be too much together. */
static void make_room(bench *b, const bench_case *c) {
    bench_buffer *of = b->buffers.of;
    bench_traffic traffic = bench_traffic_of(c);
    const bool needed[] = {[BENCH_FIRST] = true,
                           [BENCH_SECOND] = traffic.reads == 2,
                           [BENCH_RESULT] = traffic.writes > 0 && !c->in_place,
                           [BENCH_FRESH] = c->in_place};
    size_t bytes = b->buffers.sets * b->buffers.stride, all = 0;
    for (size_t i = 0; i <= BENCH_FRESH; i++)
        all += needed[i] && of[i].bytes < bytes ? bytes : of[i].bytes;
    for (size_t i = 0; i <= BENCH_FRESH && all > usable_bytes(b); i++)
        if (!needed[i] && of[i].mem != NULL) {
            all -= of[i].bytes;
            clReleaseMemObject(of[i].mem);
            of[i] = (bench_buffer){.bytes = 0};
        }
}

/* ---- what is in them ---- */

static void make_chunk(void *chunk, bench_values values, size_t kind) {
    uint32_t state = 1;
    for (size_t i = 0; i < CHUNK; i++) {
        state = state * 1664525u + 1013904223u;
        double u = (double)(state >> 8) * 0x1p-24;
        if (values == BENCH_CLASSES)
            ((int32_t *)chunk)[i] = (int32_t)((double)kind * u);
        else
            clx_store((clxent_dtype)kind, chunk, i,
                      values == BENCH_LOGITS              ? 16 * u - 8
                      : values == BENCH_LOG_PROBABILITIES ? -8 * u
                                                          : u);
    }
}

static cl_int write_chunks(cl_command_queue queue, bench_buffer *buffer, size_t bytes, const void *chunk, size_t size) {
    cl_int error = CL_SUCCESS;
    for (size_t at = 0; at < bytes && error == CL_SUCCESS; at += CHUNK * size) {
        size_t count = bytes - at < CHUNK * size ? bytes - at : CHUNK * size;
        error = clEnqueueWriteBuffer(queue, buffer->mem, CL_FALSE, at, count, chunk, 0, NULL, NULL);
    }
    const cl_int finished = clFinish(queue); /* in any case: what is under way reads the chunk */
    return error == CL_SUCCESS ? finished : error;
}

/* Makes a buffer of at least this size, unless there is one. */
static cl_int hold(bench *b, bench_role role, size_t bytes) {
    bench_buffer *buffer = &b->buffers.of[role];
    cl_int error = CL_SUCCESS;
    if (buffer->mem != NULL && buffer->bytes >= bytes)
        return CL_SUCCESS;
    if (buffer->mem != NULL)
        clReleaseMemObject(buffer->mem);
    *buffer = (bench_buffer){.bytes = bytes};
    buffer->mem = clCreateBuffer(b->cl, CL_MEM_READ_WRITE, bytes, NULL, &error);
    return error;
}

/* Makes a buffer and fills it, as far as it is not. */
static cl_int fill(bench *b, bench_role role, size_t bytes, bench_values values, size_t kind) {
    bench_buffer *buffer = &b->buffers.of[role];
    cl_int error = hold(b, role, bytes);
    if (error != CL_SUCCESS || (buffer->values == values && buffer->kind == kind && buffer->filled >= bytes))
        return error;
    size_t size = values == BENCH_CLASSES ? sizeof(int32_t) : bench_element_size((clxent_dtype)kind);
    void *chunk = malloc(CHUNK * size);
    if (chunk == NULL)
        return CL_OUT_OF_HOST_MEMORY;
    make_chunk(chunk, values, kind);
    error = write_chunks(b->queue, buffer, bytes, chunk, size);
    free(chunk);
    buffer->values = values;
    buffer->kind = kind;
    buffer->filled = bytes;
    return error;
}

static bench_values values_of(const bench_case *c, bench_role role) {
    bool backward = c->pass == CLXENT_BACKWARD;
    if (role == BENCH_SECOND)
        return c->op == CLXENT_SOFTMAX || c->op == CLXENT_LOG_SOFTMAX ? BENCH_LOGITS : BENCH_PROBABILITIES;
    if (c->op == CLXENT_BINARY_CROSS_ENTROPY || (c->op == CLXENT_SOFTMAX && backward))
        return BENCH_PROBABILITIES;
    if (c->op == CLXENT_NLL_LOSS || (c->op == CLXENT_LOG_SOFTMAX && backward))
        return BENCH_LOG_PROBABILITIES;
    return BENCH_LOGITS;
}

/* Results are only touched, with whatever numbers. */
static cl_int touch(bench *b, size_t bytes, clxent_dtype dtype) {
    bench_buffer *buffer = &b->buffers.of[BENCH_RESULT];
    if (buffer->mem != NULL && buffer->filled >= bytes)
        return CL_SUCCESS;
    return fill(b, BENCH_RESULT, bytes, BENCH_LOGITS, dtype);
}

static cl_int fill_all(bench *b, const bench_case *c, size_t workspace) {
    bench_buffers *of = &b->buffers;
    bench_traffic traffic = bench_traffic_of(c);
    size_t bytes = of->sets * of->stride;
    of->overwritten = !c->in_place                                        ? BENCH_RESULT
                      : c->op <= CLXENT_LOG_SOFTMAX && traffic.reads == 2 ? BENCH_SECOND
                                                                          : BENCH_FIRST;
    cl_int error = fill(b, BENCH_FIRST, bytes, values_of(c, BENCH_FIRST), c->dtype);
    if (error == CL_SUCCESS && traffic.reads == 2)
        error = fill(b, BENCH_SECOND, bytes, values_of(c, BENCH_SECOND), c->dtype);
    if (error == CL_SUCCESS && traffic.indices)
        error = fill(b, BENCH_TARGET, of->sets * of->target_stride, BENCH_CLASSES, c->shape[1]);
    if (error == CL_SUCCESS && c->in_place)
        error = fill(b, BENCH_FRESH, bytes, values_of(c, of->overwritten), c->dtype);
    else if (error == CL_SUCCESS && traffic.writes > 0)
        error = touch(b, bytes, c->dtype);
    if (error == CL_SUCCESS)
        error = hold(b, BENCH_LOSS, ALIGNMENT);
    return error == CL_SUCCESS ? hold(b, BENCH_WORKSPACE, workspace > 0 ? workspace : ALIGNMENT) : error;
}

int bench_buffers_prepare(bench *b, const bench_case *c, size_t workspace) {
    int status = choose_sets(b, c);
    if (status == STATUS_OK)
        make_room(b, c);
    cl_int error = status == STATUS_OK ? fill_all(b, c, workspace) : CL_SUCCESS;
    return error == CL_SUCCESS ? status : complain_opencl("making the buffers", error);
}

int bench_buffers_open(bench *b) {
    cl_int error = CL_SUCCESS;
    const int status = device_ask(&b->device);
    if (status != STATUS_OK)
        return status;
    clxent_context_get(b->device.context, &b->cl, NULL);
    b->queue = clCreateCommandQueue(b->cl, b->device.id, 0, &error);
    return error == CL_SUCCESS ? STATUS_OK : complain_opencl("clCreateCommandQueue", error);
}

void bench_buffers_close(bench *b) {
    for (size_t i = 0; i < BENCH_ROLES; i++)
        if (b->buffers.of[i].mem != NULL)
            clReleaseMemObject(b->buffers.of[i].mem);
    b->buffers = (bench_buffers){.sets = 0};
    if (b->queue != NULL)
        clReleaseCommandQueue(b->queue);
    b->queue = NULL;
}

/* ---- which part is whose ---- */

clxent_args bench_buffers_args(const bench_buffers *of, const bench_case *c, size_t set) {
    const size_t at = set * of->stride;
    const clxent_buffer first = {of->of[BENCH_FIRST].mem, at}, second = {of->of[BENCH_SECOND].mem, at},
                        result = {of->of[of->overwritten].mem, at}, loss = {of->of[BENCH_LOSS].mem, 0};
    clxent_args args;
    clxent_args_init(&args);
    args.workspace.mem = of->of[BENCH_WORKSPACE].mem;
    if (c->op == CLXENT_SOFTMAX || c->op == CLXENT_LOG_SOFTMAX) {
        bool forward = c->pass == CLXENT_FORWARD;
        args.input = first;
        args.output = forward ? result : first;
        args.grad_output = forward ? args.grad_output : second;
        args.grad_input = forward ? args.grad_input : result;
        return args;
    }
    args.input = first;
    args.output = loss;
    args.target = second;
    if (bench_traffic_of(c).indices)
        args.target = (clxent_buffer){of->of[BENCH_TARGET].mem, set * of->target_stride};
    args.grad_input = c->pass == CLXENT_FORWARD ? args.grad_input : result;
    return args;
}

bench_span bench_buffers_span(const bench_buffers *of, const bench_case *c, size_t set, size_t sets) {
    bool two = bench_traffic_of(c).reads == 2;
    return (bench_span){of->of[BENCH_FIRST].mem, two ? of->of[BENCH_SECOND].mem : NULL, of->of[of->overwritten].mem,
                        set * of->stride, sets * of->stride};
}

cl_int bench_buffers_restore(const bench_buffers *of, cl_command_queue queue, size_t set, size_t sets) {
    size_t at = set * of->stride;
    if (of->overwritten == BENCH_RESULT)
        return CL_SUCCESS;
    return clEnqueueCopyBuffer(queue, of->of[BENCH_FRESH].mem, of->of[of->overwritten].mem, at, at, sets * of->stride,
                               0, NULL, NULL);
}
