/* The OpenCL kernels of cutmix.c. They are compiled with its constants: SIDE, PIXELS, HIDDEN, DIGITS, IMAGES, BATCH.
 * The weights of a layer are a row for each of its inputs, and the biases a last row. */
#ifndef CUTMIX_KERNELS_H
#define CUTMIX_KERNELS_H

#define OPENCL(...) #__VA_ARGS__

static const char cutmix_kernels[] = OPENCL(
    /* The images and targets of a batch: inside the box from (left, top) to (right, bottom), those of the partner.
     * *stay becomes the share of the pixels that are not replaced. */
    kernel void cutmix(global const float *pixels, global const int *labels, global const int *order,
                       global float *image, global int *target, global int *target2, global float *stay, int first,
                       int left, int top, int right, int bottom) {
        int i = get_global_id(0), n = get_global_id(1), x = i % SIDE, y = i / SIDE;
        int own = order[first + n], partner = order[IMAGES + first + n];
        bool inside = x >= left && x < right && y >= top && y < bottom;
        image[n * PIXELS + i] = pixels[(inside ? partner : own) * PIXELS + i];
        if (i == 0) {
            target[n] = labels[own];
            target2[n] = labels[partner];
        }
        if (i == 0 && n == 0)
            *stay = 1 - (float)((right - left) * (bottom - top)) / PIXELS;
    }

    /* One layer of the network, forward. */
    kernel void layer(global const float *in, global const float *weight, global float *out, int inputs, int relu) {
        int o = get_global_id(0), n = get_global_id(1);
        int outputs = get_global_size(0);
        float sum = weight[inputs * outputs + o];
        for (int i = 0; i < inputs; i++)
            sum += weight[i * outputs + o] * in[n * inputs + i];
        out[n * outputs + o] = relu && sum < 0 ? 0 : sum;
    }

    /* From the gradient of the logits to that of the hidden units. */
    kernel void back(global const float *grad_logits, global const float *weight, global const float *hidden,
                     global float *grad_hidden) {
        int h = get_global_id(0), n = get_global_id(1);
        float sum = 0;
        for (int k = 0; k < DIGITS; k++)
            sum += grad_logits[n * DIGITS + k] * weight[h * DIGITS + k];
        grad_hidden[n * HIDDEN + h] = hidden[n * HIDDEN + h] > 0 ? sum : 0;
    }

    /* A step of gradient descent with momentum for a layer, from its inputs and the gradient of its outputs. */
    kernel void learn(global const float *in, global const float *grad, global float *weight, global float *velocity,
                      int inputs, float rate) {
        int o = get_global_id(0), i = get_global_id(1), outputs = get_global_size(0), k = i * outputs + o;
        float sum = 0;
        for (int n = 0; n < BATCH; n++)
            sum += grad[n * outputs + o] * (i < inputs ? in[n * inputs + i] : 1);
        velocity[k] = 0.9f * velocity[k] + sum;
        weight[k] -= rate * velocity[k];
    });

#endif
