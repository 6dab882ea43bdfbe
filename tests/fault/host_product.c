#include "host_product.h"

#include "api_fixture.h"

typedef struct matrix {
    float number[ARRAY_BYTES / sizeof(float)];
    size_t bytes;
} matrix;

/* Reads as much as rows x columns take, of which the last lies behind all others. */
static cl_int read_matrix(cl_command_queue queue, const clxent_buffer *from, size_t rows, size_t row, size_t columns,
                          size_t column, cl_uint wait_count, const cl_event *wait_list, matrix *to) {
    to->bytes = ((rows - 1) * row + (columns - 1) * column + 1) * sizeof(float);
    assert_true(to->bytes <= sizeof to->number);
    return clEnqueueReadBuffer(queue, from->mem, CL_TRUE, from->offset, to->bytes, to->number, wait_count, wait_list,
                               NULL);
}

static void multiply(const clxent_product *p, const matrix *a, const matrix *b, matrix *c) {
    for (size_t i = 0; i < p->m; i++) {
        for (size_t j = 0; j < p->n; j++) {
            float *sum = &c->number[i * p->c_row + j];
            *sum = p->adds ? *sum : 0;
            for (size_t l = 0; l < p->k; l++)
                *sum += a->number[i * p->a_row + l * p->a_column] * b->number[l * p->b_row + j * p->b_column];
        }
    }
}

cl_int multiply_on_host(void *user, cl_command_queue queue, const clxent_product *product, cl_uint wait_count,
                        const cl_event *wait_list, cl_event *event) {
    static matrix a, b, c;
    const clxent_product *p = product;
    (void)user;
    cl_int error = read_matrix(queue, &p->a, p->m, p->a_row, p->k, p->a_column, wait_count, wait_list, &a);
    if (error == CL_SUCCESS)
        error = read_matrix(queue, &p->b, p->k, p->b_row, p->n, p->b_column, wait_count, wait_list, &b);
    if (error == CL_SUCCESS)
        error = read_matrix(queue, &p->c, p->m, p->c_row, p->n, 1, wait_count, wait_list, &c);
    if (error != CL_SUCCESS)
        return error;
    multiply(p, &a, &b, &c);
    return clEnqueueWriteBuffer(queue, p->c.mem, CL_TRUE, p->c.offset, c.bytes, c.number, 0, NULL, event);
}
